//! A connection to a vswitch's control socket.

use core::time::Duration;
use std::path::{Path, PathBuf};

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::API_VERSION;
use crate::connect_error::ConnectError;
use crate::v1::control_client::ControlClient;
use crate::v1::{ApiVersion, HelloReply, HelloRequest};

/// A connected client whose daemon speaks the same major version.
#[derive(Debug, Clone)]
pub struct Client {
    verbs: ControlClient<Channel>,
    daemon: HelloReply,
}

impl Client {
    /// Connects to the vswitch that listens on `socket` and exchanges
    /// versions. `program` names the caller in the daemon's log
    /// (`vswitchctl 0.1.0`).
    ///
    /// # Errors
    /// [`ConnectError`] says why there is no conversation, and what to do.
    pub async fn connect(socket: &Path, program: &str) -> Result<Self, ConnectError> {
        let attempt = Self::converse(socket, program, API_VERSION);
        tokio::time::timeout(CONNECT_TIMEOUT, attempt)
            .await
            .unwrap_or_else(|_| {
                Err(ConnectError::NoAnswer {
                    socket: socket.to_owned(),
                    waited: CONNECT_TIMEOUT,
                })
            })
    }

    /// The verbs, one method each.
    pub fn verbs(&mut self) -> &mut ControlClient<Channel> {
        &mut self.verbs
    }

    /// How the daemon introduced itself.
    pub fn daemon(&self) -> &HelloReply {
        &self.daemon
    }

    async fn converse(socket: &Path, program: &str, api: ApiVersion) -> Result<Self, ConnectError> {
        let refused = |status| ConnectError::from_hello(socket, api, status);
        let mut verbs =
            ControlClient::new(open(socket).await?).max_decoding_message_size(LARGEST_ANSWER_BYTES);
        let hello = HelloRequest {
            api: Some(api),
            client: program.to_owned(),
        };
        let daemon = verbs.hello(hello).await.map_err(refused)?.into_inner();
        let theirs = daemon.api.unwrap_or_default();
        if theirs.major != api.major {
            return Err(ConnectError::Version {
                socket: socket.to_owned(),
                ours: api.major,
                daemon: format!(
                    "the daemon ({}) speaks version {}",
                    daemon.version, theirs.major
                ),
            });
        }
        Ok(Self { verbs, daemon })
    }
}

async fn open(socket: &Path) -> Result<Channel, ConnectError> {
    // Asked once by hand: the transport would wrap the error in three others.
    let first = UnixStream::connect(socket)
        .await
        .map_err(|e| ConnectError::from_io(socket, e))?;
    let mut first = Some(first);
    let path: PathBuf = socket.to_owned();
    let connector = service_fn(move |_: Uri| {
        let opened = first.take();
        let path = path.clone();
        async move {
            match opened {
                Some(stream) => Ok(stream),
                None => UnixStream::connect(path).await,
            }
            .map(TokioIo::new)
        }
    });
    // The authority is not looked at: there is one listener per socket.
    Endpoint::from_static("http://vswitch")
        .timeout(ANSWER_TIMEOUT)
        .connect_with_connector(connector)
        .await
        .map_err(|e| ConnectError::Transport {
            socket: socket.to_owned(),
            reason: e.to_string(),
        })
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Until an answer begins; a list may take longer to end.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_ANSWER_BYTES: usize = 32 << 20;
