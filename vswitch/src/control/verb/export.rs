//! `Export`: the topology in force, piece by piece.
//!
//! The text is made whole, of one moment. It waits in memory while the client
//! takes it, so there is room for few at a time, and who does not take it in
//! time loses it.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::sync::Arc;

use control_api::v1;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::Status;

use crate::commit::Administration;
use crate::control::peer::Peer;

pub(in crate::control) fn export(
    administration: &dyn Administration,
    room: &Room,
    peer: &Peer,
    request: &v1::ExportRequest,
) -> Result<Pieces, Status> {
    let place = room.place(peer)?;
    let text = administration.export(&request.networks)?;
    let (give, taken) = mpsc::channel(1);
    tokio::spawn(hand_out(text, give, place));
    Ok(Pieces { taken, more: true })
}

/// How many exports may wait for their clients.
#[derive(Debug)]
pub(in crate::control) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPORTS)))
    }
}

impl Room {
    /// Whoever administers the daemon finds one always.
    fn place(&self, peer: &Peer) -> Result<Option<OwnedSemaphorePermit>, Status> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok();
        if place.is_none() && !peer.owns_the_daemon() {
            return Err(Status::resource_exhausted(
                "too many clients export at once; try again in a moment",
            ));
        }
        Ok(place)
    }
}

async fn hand_out(text: String, give: mpsc::Sender<Piece>, _place: Option<OwnedSemaphorePermit>) {
    let all = async {
        for piece in pieces(&text) {
            if give.send(Piece::Text(piece.to_owned())).await.is_err() {
                return;
            }
        }
        let _ = give.send(Piece::End).await;
    };
    let _ = timeout(PATIENCE, all).await;
}

enum Piece {
    Text(String),
    End,
}

/// Cuts a text where characters end.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(LARGEST_PIECE));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The pieces on their way to the client.
pub(in crate::control) struct Pieces {
    taken: mpsc::Receiver<Piece>,
    more: bool,
}

impl Stream for Pieces {
    type Item = Result<v1::ExportReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.more {
            return Poll::Ready(None);
        }
        let piece = ready!(self.taken.poll_recv(context));
        if let Some(Piece::Text(text)) = piece {
            return Poll::Ready(Some(Ok(v1::ExportReply { text })));
        }
        self.more = false;
        Poll::Ready(match piece {
            Some(_) => None,
            None => Some(Err(Status::deadline_exceeded(format!(
                "the export was not taken within {} s",
                PATIENCE.as_secs()
            )))),
        })
    }
}

const LARGEST_PIECE: usize = 64 << 10;
const EXPORTS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_characters_and_make_up_the_text() {
        for text in ["", "a", &"a".repeat(LARGEST_PIECE), &"aé∞𝄞".repeat(40_000)] {
            let cut: Vec<&str> = pieces(text).collect();
            assert!(
                cut.iter()
                    .all(|piece| (1..=LARGEST_PIECE).contains(&piece.len()))
            );
            assert_eq!(cut.concat(), text);
        }
    }
}
