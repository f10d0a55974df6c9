//! Connections, their limits, and how it all ends.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;

use control_api::v1::control_server::ControlServer as Grpc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::peer::{AccessRules, Peer};
use super::service::Service;
use super::socket::{self, ControlConfig, ControlError, SocketFile};
use super::source::ControlSource;
use crate::commit::Administration;

/// The control socket, listening.
#[derive(Debug)]
pub struct ControlServer {
    listener: StdListener,
    file: SocketFile,
    rules: AccessRules,
}

impl ControlServer {
    /// Opens the socket. From here on clients can connect; they are answered
    /// once [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// [`ControlError`] where the socket cannot be made as configured.
    pub fn bind(config: &ControlConfig) -> Result<Self, ControlError> {
        let rules = AccessRules::new(config)?;
        let (listener, file) = socket::listen(config, &rules)?;
        Ok(Self {
            listener,
            file,
            rules,
        })
    }

    /// Answers clients until `shutdown` completes; then lets the answers that
    /// are under way end for a moment, and removes the socket. Needs a tokio
    /// runtime with I/O and time.
    ///
    /// # Errors
    /// [`ControlError`] where the listener breaks.
    pub async fn serve(
        self,
        source: Arc<dyn ControlSource>,
        administration: Arc<dyn Administration>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ControlError> {
        let path = self.file.path().to_owned();
        let failed = |step: &'static str| {
            let socket = path.clone();
            move |source: io::Error| ControlError::Io {
                socket,
                step,
                source,
            }
        };
        self.listener
            .set_nonblocking(true)
            .map_err(failed("prepare it"))?;
        let listener = UnixListener::from_std(self.listener).map_err(failed("wait on it"))?;

        let (admit, admitted) = mpsc::channel(1);
        let door = tokio::spawn(keep_the_door(listener, Arc::new(self.rules), admit));
        let (begin_end, ending) = tokio::sync::oneshot::channel();
        let server = Server::builder()
            .concurrency_limit_per_connection(REQUESTS_PER_CONNECTION)
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
            .serve_with_incoming_shutdown(
                Grpc::new(Service::new(source, administration))
                    .max_decoding_message_size(LARGEST_REQUEST_BYTES),
                ReceiverStream::new(admitted),
                async {
                    let _ = ending.await;
                },
            );
        tokio::pin!(server);
        let ended = tokio::select! {
            ended = &mut server => ended,
            () = shutdown => {
                door.abort();
                drop(self.file);
                let _ = begin_end.send(());
                // A client that reads nothing must not hold up the end.
                tokio::time::timeout(GRACE, server).await.unwrap_or(Ok(()))
            }
        };
        door.abort();
        ended.map_err(|source| ControlError::Server {
            socket: path,
            source,
        })
    }
}

/// Accepts, asks who it is, and passes on those for whom there is room.
async fn keep_the_door(
    listener: UnixListener,
    rules: Arc<AccessRules>,
    admit: mpsc::Sender<io::Result<Connection>>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: others will close.
                tracing::warn!(%error, "control socket cannot accept");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let (rules, room, admit) = (rules.clone(), room.clone(), admit.clone());
        tokio::spawn(async move {
            if let Some(connection) = receive(stream, rules, room).await {
                let _ = admit.send(Ok(connection)).await;
            }
        });
    }
}

async fn receive(
    stream: UnixStream,
    rules: Arc<AccessRules>,
    room: Arc<Semaphore>,
) -> Option<Connection> {
    let credentials = stream.peer_cred().ok()?;
    // The user database may be on the network.
    let peer = tokio::task::spawn_blocking(move || rules.judge(&credentials))
        .await
        .ok()?;
    // Whoever administers the daemon gets in even if others crowd the door.
    let place = room.try_acquire_owned().ok();
    if place.is_none() && !peer.owns_the_daemon() {
        tracing::warn!(uid = peer.uid, "control socket: too many clients");
        return None;
    }
    Some(Connection {
        stream,
        peer,
        _place: place,
    })
}

/// A client's connection, with its credentials.
struct Connection {
    stream: UnixStream,
    peer: Peer,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
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

const CONNECTIONS: usize = 64;
const REQUESTS_PER_CONNECTION: usize = 8;
const STREAMS_PER_CONNECTION: u32 = 16;
const LARGEST_REQUEST_BYTES: usize = 1 << 20;
const KEEPALIVE: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(1);
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
