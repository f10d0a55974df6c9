//! A long answer that a client takes piece by piece. One that it does not take
//! in time ends with an error: no client takes it for the whole.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;

/// The pieces on their way to the client.
pub(in crate::control) struct Taken<T> {
    /// `None`: that was all.
    pieces: mpsc::Receiver<Option<T>>,
    more: bool,
    what: &'static str,
    patience: Duration,
}

/// The next piece is made while the client takes one.
pub(super) type Giver<T> = mpsc::Sender<Option<T>>;

impl<T> Taken<T> {
    /// An answer, named for the error, and where its pieces go: so long as
    /// `patience` says, which is for whoever gives to keep.
    pub(super) fn new(what: &'static str, patience: Duration) -> (Giver<T>, Self) {
        let (give, pieces) = mpsc::channel(1);
        let taken = Self {
            pieces,
            more: true,
            what,
            patience,
        };
        (give, taken)
    }
}

impl<T> Stream for Taken<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.more {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(context));
        if let Some(Some(piece)) = piece {
            return Poll::Ready(Some(Ok(piece)));
        }
        self.more = false;
        Poll::Ready(match piece {
            Some(_) => None,
            None => Some(Err(Status::deadline_exceeded(format!(
                "the {} was not taken within {} s",
                self.what,
                self.patience.as_secs()
            )))),
        })
    }
}
