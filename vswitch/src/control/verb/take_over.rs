//! `TakeOver`: another vswitch takes over from this one, step by step. Until it
//! has said the last word, this one goes on as soon as the other one is gone.

use std::sync::Arc;

use control_api::v1::{TakeOverReply, TakeOverRequest, TakeOverStep};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::commit::{Administration, Author};
use crate::control::refused::answer;

/// The steps that are done.
pub(in crate::control) type Steps = ReceiverStream<Result<TakeOverReply, Status>>;

/// `leave` is told when this vswitch is to end.
pub(in crate::control) fn hand_over(
    administration: Arc<dyn Administration>,
    author: Author,
    leave: Arc<Notify>,
    requests: Streaming<TakeOverRequest>,
) -> Steps {
    let (give, steps) = mpsc::channel(2);
    // Not in the stream: that is not asked while nobody takes anything from it.
    tokio::spawn(async move {
        let handed = converse(administration, author, &leave, requests, &give).await;
        if let Err(refused) = handed {
            let _ = give.send(Err(refused)).await;
        }
    });
    ReceiverStream::new(steps)
}

async fn converse(
    administration: Arc<dyn Administration>,
    author: Author,
    leave: &Notify,
    mut requests: Streaming<TakeOverRequest>,
    give: &mpsc::Sender<Result<TakeOverReply, Status>>,
) -> Result<(), Status> {
    hear(&mut requests, TakeOverStep::Begin).await?;
    answer(administration.hand_over()).await?;
    let lent = Lent(Some(administration));
    done(give, TakeOverStep::Begin).await;
    hear(&mut requests, TakeOverStep::Now).await?;
    lent.for_good();
    tracing::info!(
        uid = author.uid,
        "another vswitch takes over: this one ends"
    );
    done(give, TakeOverStep::Now).await;
    leave.notify_one();
    Ok(())
}

/// What was handed over is taken back when this is dropped.
struct Lent(Option<Arc<dyn Administration>>);

impl Lent {
    fn for_good(mut self) {
        self.0 = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(administration) = self.0.take() {
            administration.take_back();
        }
    }
}

async fn hear(
    requests: &mut Streaming<TakeOverRequest>,
    wanted: TakeOverStep,
) -> Result<(), Status> {
    match requests.message().await? {
        Some(request) if request.step() == wanted => Ok(()),
        Some(_) => Err(Status::invalid_argument(
            "the steps of a take-over are BEGIN, then NOW",
        )),
        None => Err(Status::cancelled("the take-over was broken off")),
    }
}

async fn done(give: &mpsc::Sender<Result<TakeOverReply, Status>>, step: TakeOverStep) {
    // Who asked may have gone; the next request tells.
    let _ = give.send(Ok(TakeOverReply { step: step.into() })).await;
}
