//! Taking over from a vswitch that runs: this one reads the state and starts
//! DPDK while that one still forwards, and opens the ports when it has closed
//! them.
//!
//! * [`TakeOver`]: what is said to the other one, over its control socket.
//! * [`tenure`]: who has the ports. It ends with the process that has them,
//!   however that ends.
//! * [`seat`]: the ports and the socket, taken at once or when told to.
//!
//! The other side is `control/verb/take_over.rs`, and `commit/custody.rs` for
//! the state file.

pub mod seat;
pub mod tenure;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use control_api::v1::{TakeOverReply, TakeOverRequest, TakeOverStep};
use control_api::{Client, ConnectError};
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// There is no taking over. The vswitch that runs goes on.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// It does not talk to us.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It is older than this.
    #[error(
        "the vswitch at {} cannot hand over yet: stop it, then start this one without --take-over",
        .0.display()
    )]
    TooOld(PathBuf),
    /// It does not want to, or was interrupted.
    #[error("the vswitch at {} does not hand over: {reason}", .socket.display())]
    Refused {
        /// Its socket.
        socket: PathBuf,
        /// Its words.
        reason: String,
    },
    /// The system has no thread for it.
    #[error("cannot talk to the vswitch that runs: {0}")]
    System(#[from] io::Error),
}

/// A vswitch that has handed over its state, and still forwards. Dropped, it
/// takes the state back and goes on.
#[derive(Debug)]
pub struct TakeOver {
    go: oneshot::Sender<()>,
    conversation: JoinHandle<Result<(), TakeOverError>>,
}

impl TakeOver {
    /// Asks the vswitch at this socket to hand over its state. From then on it
    /// refuses changes. `None`: no vswitch runs there.
    ///
    /// # Errors
    /// [`TakeOverError`]: it goes on as before.
    pub fn begin(socket: &Path) -> Result<Option<Self>, TakeOverError> {
        let (go, told_to_go) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let socket = socket.to_owned();
        // A thread of its own: the connection is looked after while this one
        // reads the state.
        let conversation =
            thread::Builder::new()
                .name("take-over".to_owned())
                .spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()?;
                    runtime.block_on(converse(&socket, &tell, told_to_go))
                })?;
        let take_over = Self { go, conversation };
        match told.recv() {
            Ok(Begun::Handed) => Ok(Some(take_over)),
            Ok(Begun::NobodyThere) => Ok(None),
            Err(_) => take_over.end().map(|()| None),
        }
    }

    /// Tells it to close its ports and end. Returns when it has heard it; its
    /// ports are closed when its [`tenure`] has ended.
    ///
    /// # Errors
    /// [`TakeOverError`]: it has ended by itself, or goes on as before.
    pub fn now(self) -> Result<(), TakeOverError> {
        let Self { go, conversation } = self;
        // It may have broken off; then there is an error to be had below.
        let _ = go.send(());
        ended(conversation)
    }

    fn end(self) -> Result<(), TakeOverError> {
        drop(self.go);
        ended(self.conversation)
    }
}

fn ended(conversation: JoinHandle<Result<(), TakeOverError>>) -> Result<(), TakeOverError> {
    let ended = conversation.join();
    ended.unwrap_or_else(|_| Err(io::Error::other("the conversation ended with a panic").into()))
}

enum Begun {
    Handed,
    NobodyThere,
}

async fn converse(
    socket: &Path,
    tell: &mpsc::Sender<Begun>,
    told_to_go: oneshot::Receiver<()>,
) -> Result<(), TakeOverError> {
    let program = concat!("vswitch ", env!("CARGO_PKG_VERSION"));
    let mut client = match Client::connect(socket, program).await {
        Ok(client) => client,
        Err(ConnectError::NotRunning(_) | ConnectError::NobodyListens(_)) => {
            let _ = tell.send(Begun::NobodyThere);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let refused = |status: Status| match status.code() {
        Code::Unimplemented => TakeOverError::TooOld(socket.to_owned()),
        _ => TakeOverError::Refused {
            socket: socket.to_owned(),
            reason: status.message().to_owned(),
        },
    };
    let (say, words) = tokio::sync::mpsc::channel(2);
    let _ = say.send(step(TakeOverStep::Begin)).await;
    let answers = client.verbs().take_over(ReceiverStream::new(words)).await;
    let mut answers = answers.map_err(refused)?.into_inner();
    hear(&mut answers, TakeOverStep::Begin)
        .await
        .map_err(refused)?;
    let _ = tell.send(Begun::Handed);
    tokio::select! {
        go = told_to_go => if go.is_err() {
            return Ok(());
        },
        // It has nothing to say now but that it breaks off.
        broken = hear(&mut answers, TakeOverStep::Now) => return broken.map_err(refused),
    }
    let _ = say.send(step(TakeOverStep::Now)).await;
    hear(&mut answers, TakeOverStep::Now).await.map_err(refused)
}

fn step(step: TakeOverStep) -> TakeOverRequest {
    TakeOverRequest { step: step.into() }
}

/// Waits until it says that it has done a step.
async fn hear(answers: &mut Streaming<TakeOverReply>, step: TakeOverStep) -> Result<(), Status> {
    match answers.message().await? {
        Some(reply) if reply.step() == step => Ok(()),
        Some(_) => Err(Status::internal("it answers something else")),
        None => Err(Status::unavailable("it has ended")),
    }
}
