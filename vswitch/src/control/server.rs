//! Connections, their limits, and how it all ends.

use core::time::Duration;
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;

use control_api::v1::control_server::ControlServer as Grpc;
use parking_lot::Mutex;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;

use super::attendance::Attended;
use super::connection::Connection;
use super::connections::Connections;
use super::limits::TimeLimits;
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
    limits: TimeLimits,
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
            limits: TimeLimits::default(),
        })
    }

    /// With other time limits than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: TimeLimits) -> Self {
        Self { limits, ..self }
    }

    /// Answers clients until `shutdown` completes, or another vswitch has taken
    /// over; then lets the answers that
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
        let limits = self.limits;
        let door = Door {
            connections: Arc::default(),
            admit,
            greeting: limits.greeting,
            refusals: Mutex::default(),
        };
        let door = tokio::spawn(keep_the_door(listener, Arc::new(self.rules), door));
        let leave = Arc::new(Notify::new());
        let (begin_end, ending) = tokio::sync::oneshot::channel();
        let server = Server::builder()
            .concurrency_limit_per_connection(REQUESTS_PER_CONNECTION)
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .http2_keepalive_interval(Some(limits.silence))
            .http2_keepalive_timeout(Some(limits.silence))
            .http2_max_header_list_size(LARGEST_HEADERS_BYTES)
            .http2_max_local_error_reset_streams(Some(ERRORS_PER_CONNECTION))
            .serve_with_incoming_shutdown(
                Attended {
                    service: Grpc::new(Service::new(
                        source,
                        administration,
                        Arc::clone(&leave),
                        limits,
                    ))
                    .max_decoding_message_size(LARGEST_REQUEST_BYTES),
                    patience: limits.request,
                },
                ReceiverStream::new(admitted),
                async {
                    let _ = ending.await;
                },
            );
        tokio::pin!(server);
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = leave.notified() => {}
            }
        };
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
async fn keep_the_door(listener: UnixListener, rules: Arc<AccessRules>, door: Door) {
    let door = Arc::new(door);
    let asking = Arc::new(Semaphore::new(ASKING));
    loop {
        let (stream, credentials) = match listener.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(credentials) => (stream, credentials),
                // It has left already.
                Err(_) => continue,
            },
            Err(error) => {
                // Out of file descriptors, most likely: others will close.
                tracing::warn!(%error, "control socket cannot accept");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        if rules.knows(&credentials) {
            door.pass(stream, rules.judge(&credentials)).await;
            continue;
        }
        // The user database may be on the network: nobody waits for it behind
        // somebody else, and few wait at once.
        let Ok(turn) = Arc::clone(&asking).try_acquire_owned() else {
            door.refuse(credentials.uid(), "too many clients connect at once");
            continue;
        };
        let (rules, door) = (Arc::clone(&rules), Arc::clone(&door));
        tokio::spawn(async move {
            let judged = tokio::task::spawn_blocking(move || rules.judge(&credentials)).await;
            drop(turn);
            if let Ok(peer) = judged {
                door.pass(stream, peer).await;
            }
        });
    }
}

/// The way from the listener to the server.
struct Door {
    connections: Arc<Connections>,
    admit: mpsc::Sender<io::Result<Connection>>,
    /// How long a client has to greet.
    greeting: Duration,
    refusals: Mutex<Refusals>,
}

/// Those refused, since it was last in the log.
#[derive(Default)]
struct Refusals {
    count: u64,
    logged: Option<Instant>,
}

impl Door {
    async fn pass(&self, stream: UnixStream, peer: Peer) {
        match self.connections.admit(&peer) {
            Ok(place) => {
                let connection = Connection::new(stream, peer, place, self.greeting);
                let _ = self.admit.send(Ok(connection)).await;
            }
            Err(crowded) => self.refuse(peer.uid, &crowded.to_string()),
        }
    }

    /// Closes a connection. A client that keeps trying does not fill the log.
    fn refuse(&self, uid: u32, reason: &str) {
        let mut refusals = self.refusals.lock();
        refusals.count += 1;
        let now = Instant::now();
        if refusals
            .logged
            .is_none_or(|logged| now - logged >= LOG_AGAIN)
        {
            let refused = core::mem::take(&mut refusals.count);
            tracing::warn!(
                uid,
                refused,
                "control socket: a client was refused: {reason}"
            );
            refusals.logged = Some(now);
        }
    }
}

/// Those whose user is being looked up, at most.
const ASKING: usize = 32;
const REQUESTS_PER_CONNECTION: usize = 8;
const STREAMS_PER_CONNECTION: u32 = 8;
const LARGEST_REQUEST_BYTES: usize = 1 << 20;
/// The names and values of a request's headers; ours have some hundred bytes.
const LARGEST_HEADERS_BYTES: u32 = 8 << 10;
/// Streams that ended by a fault of the client, until it is sent away.
const ERRORS_PER_CONNECTION: usize = 64;
const GRACE: Duration = Duration::from_secs(1);
const LOG_AGAIN: Duration = Duration::from_secs(10);
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
