//! `Watch`: what changes, as it changes.
//!
//! A watcher has a place in the ring of events and nothing else: a page is
//! made when the client takes it, and who falls behind the ring is told so.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use control_api::v1;
use tokio_stream::Stream;
use tonic::Status;

use super::transaction;
use crate::commit::{Administration, Event, Revision, Watch, What};
use crate::control::service::PAGE;
use crate::control::wire;

pub(in crate::control) fn follow(
    administration: &dyn Administration,
    request: &v1::WatchRequest,
) -> Result<Following, Status> {
    let watch = administration.watch(request.after_revision.map(Revision))?;
    let first = async move {
        let reply = v1::WatchReply {
            revision: watch.newest().0,
            events: Vec::new(),
        };
        (Ok(reply), watch)
    };
    Ok(Following(Some(Box::pin(first))))
}

type Step = Pin<Box<dyn Future<Output = (Result<v1::WatchReply, Status>, Watch)> + Send>>;

/// The answers; `None` once there was an error.
pub(in crate::control) struct Following(Option<Step>);

impl Stream for Following {
    type Item = Result<v1::WatchReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(step) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let Poll::Ready((reply, watch)) = step.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.0 = match reply {
            Ok(_) => Some(Box::pin(page(watch))),
            Err(_) => None,
        };
        Poll::Ready(Some(reply))
    }
}

/// Waits for the next events.
async fn page(mut watch: Watch) -> (Result<v1::WatchReply, Status>, Watch) {
    let events = loop {
        match watch.next(PAGE, PATIENCE).await {
            Ok(events) if !events.is_empty() => break events,
            Ok(_) if watch.is_over() => {
                let ending = Status::unavailable("the vswitch is ending");
                return (Err(ending), watch);
            }
            Ok(_) => {}
            Err(too_old) => return (Err(too_old.into()), watch),
        }
    };
    let reply = v1::WatchReply {
        revision: watch.newest().0,
        events: events.into_iter().map(event).collect(),
    };
    (Ok(reply), watch)
}

fn event(event: Event) -> v1::Event {
    use v1::event::What as Told;
    let what = match event.what {
        What::Topology {
            summary,
            reverts_at,
        } => Told::Topology(v1::TopologyChanged {
            summary,
            reverts_at_ms: reverts_at.map(wire::since_1970),
        }),
        What::Mapping(change) => Told::Mapping(transaction::message(&change)),
        What::PortAdded(name) => Told::PortAdded(name),
        What::PortRemoved(name) => Told::PortRemoved(name),
        What::Alarm {
            table,
            raised,
            used,
            capacity,
        } => Told::Alarm(v1::TableAlarm {
            table: table.to_owned(),
            raised,
            used,
            capacity,
        }),
    };
    v1::Event {
        revision: event.revision.0,
        at_ms: wire::since_1970(event.at),
        what: Some(what),
    }
}

/// A watcher wakes at least this often, to no effect.
const PATIENCE: Duration = Duration::from_secs(600);
