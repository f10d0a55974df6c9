//! One client's connection, as the server reads and writes it.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::connections::{Place, Requests};
use super::peer::Peer;

/// A client's connection. It ends, as if the client had left, when it has to
/// make room for another, and when the client does not begin to speak.
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    place: Place,
    preface: Option<Preface>,
}

/// What every HTTP/2 client says first (RFC 9113 §3.4) has not arrived yet.
struct Preface {
    missing: usize,
    late: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream, peer: Peer, place: Place, patience: Duration) -> Self {
        Self {
            stream,
            peer,
            place,
            preface: Some(Preface {
                missing: PREFACE_BYTES,
                late: Box::pin(sleep(patience)),
            }),
        }
    }
}

/// What a request knows of the connection it came over.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) peer: Peer,
    pub(super) requests: Requests,
}

impl Connected for Connection {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Origin {
        Origin {
            peer: self.peer.clone(),
            requests: self.place.requests().clone(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.place.poll_closed(context).is_ready() {
            return THE_END;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(preface) = &mut self.preface {
            let arrived = buffer.filled().len() - before;
            preface.missing = preface.missing.saturating_sub(arrived);
            if preface.missing == 0 {
                self.preface = None;
            } else if preface.late.as_mut().poll(context).is_ready() {
                return THE_END;
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Nothing was read: the stream is at its end.
const THE_END: Poll<io::Result<()>> = Poll::Ready(Ok(()));
const PREFACE_BYTES: usize = 24;
