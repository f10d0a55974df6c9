//! `ChangeMappings`: a stream of transactions, each answered in its turn.
//!
//! The stream takes its next transaction only while few are unanswered, and
//! answers only as fast as the client takes the answers. What piles up, piles
//! up in the client.

use core::future::Future as _;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::sync::Arc;

use control_api::v1;
use control_api::v1::change_mappings_reply::Outcome;
use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::commit::{
    Administration, Author, ChangeMappings, Committed, MAX_CHANGES, MappingChange, MappingPlace,
    Pending, Refusal, RequestId, Revision,
};
use crate::control::refused::{in_stream, unanswered};
use crate::control::request::too_long;

pub(in crate::control) fn carry_out(
    administration: Arc<dyn Administration>,
    author: Author,
    requests: Streaming<v1::ChangeMappingsRequest>,
) -> Answers {
    Answers {
        administration,
        author,
        requests,
        asked: Asked::More,
        unanswered: VecDeque::with_capacity(UNANSWERED),
    }
}

/// The answers to a stream of transactions.
pub(in crate::control) struct Answers {
    administration: Arc<dyn Administration>,
    author: Author,
    requests: Streaming<v1::ChangeMappingsRequest>,
    asked: Asked,
    /// In the order of the transactions.
    unanswered: VecDeque<Unanswered>,
}

/// What is still to come from the client.
enum Asked {
    /// Perhaps another transaction.
    More,
    /// Nothing.
    All,
    /// Nothing: its stream broke. Told after the answers.
    Broken(Status),
}

struct Unanswered {
    /// As the client gave it.
    request_id: String,
    outcome: Fate,
}

enum Fate {
    Waiting(Pending<Committed>),
    /// It never reached the commit thread.
    Refused(v1::MappingsRefused),
}

impl Answers {
    /// Takes transactions as long as there are any, and room.
    fn take(&mut self, context: &mut Context<'_>) {
        while self.unanswered.len() < UNANSWERED && matches!(self.asked, Asked::More) {
            match Pin::new(&mut self.requests).poll_next(context) {
                Poll::Ready(Some(Ok(request))) => {
                    let begun = begin(self.administration.as_ref(), self.author, request);
                    self.unanswered.push_back(begun);
                }
                Poll::Ready(Some(Err(broken))) => self.asked = Asked::Broken(broken),
                Poll::Ready(None) => self.asked = Asked::All,
                Poll::Pending => return,
            }
        }
    }
}

impl Stream for Answers {
    type Item = Result<v1::ChangeMappingsReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.take(context);
        let Some(first) = self.unanswered.front_mut() else {
            return match core::mem::replace(&mut self.asked, Asked::All) {
                Asked::More => {
                    self.asked = Asked::More;
                    Poll::Pending
                }
                Asked::All => Poll::Ready(None),
                Asked::Broken(status) => Poll::Ready(Some(Err(status))),
            };
        };
        let outcome = match &mut first.outcome {
            Fate::Refused(refused) => Outcome::Refused(core::mem::take(refused)),
            Fate::Waiting(pending) => match ready!(Pin::new(pending).poll(context)) {
                Ok(Ok(committed)) => Outcome::Committed(in_force(committed)),
                Ok(Err(refusal)) => Outcome::Refused(in_stream(&refusal)),
                Err(_) => {
                    // Nothing behind it will be answered either.
                    self.unanswered.clear();
                    self.asked = Asked::All;
                    return Poll::Ready(Some(Err(unanswered())));
                }
            },
        };
        let request_id = core::mem::take(&mut first.request_id);
        self.unanswered.pop_front();
        Poll::Ready(Some(Ok(v1::ChangeMappingsReply {
            request_id,
            outcome: Some(outcome),
        })))
    }
}

fn begin(
    administration: &dyn Administration,
    author: Author,
    request: v1::ChangeMappingsRequest,
) -> Unanswered {
    match order(author, &request) {
        Ok(order) => Unanswered {
            request_id: request.request_id,
            outcome: Fate::Waiting(administration.change_mappings(order)),
        },
        Err(refusal) => Unanswered {
            // Nothing long is echoed.
            request_id: match request.request_id {
                id if id.len() <= RequestId::MAX => id,
                _ => String::new(),
            },
            outcome: Fate::Refused(in_stream(&refusal)),
        },
    }
}

fn order(author: Author, request: &v1::ChangeMappingsRequest) -> Result<ChangeMappings, Refusal> {
    let invalid = |message| Refusal::Invalid {
        message,
        change: None,
    };
    let id = match request.request_id.as_str() {
        "" => None,
        text => Some(RequestId::new(text).ok_or_else(|| invalid(too_long(text)))?),
    };
    if request.changes.len() > MAX_CHANGES {
        return Err(invalid(format!(
            "{} changes in one transaction; send at most {MAX_CHANGES}",
            request.changes.len()
        )));
    }
    let changes = request.changes.iter().enumerate();
    let changes: Result<Vec<_>, Refusal> = changes.map(|(at, c)| change(at, c)).collect();
    Ok(ChangeMappings {
        author,
        request: id,
        expected: request.expected_revision.map(Revision),
        learned: request.learned,
        changes: changes?,
    })
}

fn change(at: usize, change: &v1::MappingChange) -> Result<MappingChange, Refusal> {
    let refuse = |what: String| Refusal::Invalid {
        message: format!("change {at}: {what}"),
        change: Some(at),
    };
    let segment = SegmentId::new(change.segment).map_err(|e| refuse(e.to_string()))?;
    let address = VirtualAddr::from_bits(change.address);
    if !is_a_nodes(address) {
        return Err(refuse(format!(
            "address {address} cannot be a node's: it is unspecified, loopback, multicast or \
             broadcast"
        )));
    }
    if change.remove {
        return Ok(MappingChange {
            segment,
            address,
            place: None,
        });
    }
    let slot = u8::try_from(change.slot)
        .ok()
        .and_then(|slot| Slot::new(slot).ok())
        .ok_or_else(|| refuse(format!("slot {} is out of range; use 0 to 63", change.slot)))?;
    let mac = mac(change.mac).ok_or_else(|| {
        refuse(format!(
            "MAC address {:#x} cannot be a station's: use 48 bits, not all zero, the group bit \
             clear",
            change.mac
        ))
    })?;
    if change.locator == 0 {
        return Err(refuse("the locator is missing".to_owned()));
    }
    Ok(MappingChange {
        segment,
        address,
        place: Some(MappingPlace {
            locator: Locator::from_bits(change.locator),
            slot,
            mac,
        }),
    })
}

/// Can a node have it? (240/4 stands for IPv6 addresses, but for the last.)
fn is_a_nodes(address: VirtualAddr) -> bool {
    let ip = core::net::Ipv4Addr::from_bits(address.to_bits());
    !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast())
}

fn mac(bits: u64) -> Option<MacAddr> {
    let [0, 0, octets @ ..] = bits.to_be_bytes() else {
        return None;
    };
    let mac = MacAddr::new(octets);
    mac.is_unicast().then_some(mac)
}

/// A change as watchers are told of it.
pub(super) fn message(change: &MappingChange) -> v1::MappingChange {
    let gone = v1::MappingChange {
        segment: change.segment.get(),
        address: change.address.to_bits(),
        remove: change.place.is_none(),
        ..v1::MappingChange::default()
    };
    match change.place {
        None => gone,
        Some(place) => v1::MappingChange {
            locator: place.locator.to_bits(),
            slot: place.slot.get().into(),
            mac: place.mac.to_u64(),
            ..gone
        },
    }
}

fn in_force(committed: Committed) -> v1::MappingsCommitted {
    v1::MappingsCommitted {
        revision: committed.revision.0,
        added: committed.added,
        changed: committed.changed,
        removed: committed.removed,
        unchanged: committed.unchanged,
        durable: committed.durable,
        seen_us: crate::control::wire::microseconds(committed.seen),
        repeated: committed.repeated,
    }
}

/// Transactions of one stream that wait for their answer, at most.
const UNANSWERED: usize = 8;
