//! `mapping set` and `mapping remove`: one mapping, one transaction.

use core::net::Ipv4Addr;

use clap::Args;
use control_api::v1;
use packet::{IdError, Locator, MacAddr, SegmentId, Slot};
use schemars::JsonSchema;
use serde::Serialize;

use super::transaction::{Outcome, ended_early};
use crate::failure::Failure;
use crate::request::{fresh_id, until_answered};
use crate::session::Session;
use crate::text::seconds_of_us;

pub(crate) const SET_HELP: &str = "\
Example:
  vswitchctl mapping set 0x00a001 10.0.0.9 --locator fd00:0:0:b::/64 --mac 02:00:00:00:00:09

What the topology says is changed with apply, not with this.";

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    key: Key,
    /// The locator of the host it is on, e.g. fd00:0:0:b::/64
    #[arg(long, value_name = "PREFIX")]
    locator: Locator,
    /// The MAC address that ARP answers give for it
    #[arg(long, value_name = "MAC")]
    mac: MacAddr,
    /// Which node on that host, 0 to 63
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = slot)]
    slot: Slot,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    key: Key,
}

/// Which mapping.
#[derive(Debug, Args)]
struct Key {
    /// The segment's id, e.g. 0x00a001
    segment: SegmentId,
    /// The virtual address, e.g. 10.0.0.9
    address: Ipv4Addr,
    /// Refuse if the vswitch has another revision
    #[arg(long, value_name = "REVISION")]
    expected_revision: Option<u64>,
}

pub(super) async fn set(set: &Set, session: &mut Session<'_>) -> Result<(), Failure> {
    let change = v1::MappingChange {
        remove: false,
        locator: set.locator.to_bits(),
        slot: set.slot.get().into(),
        mac: set.mac.to_u64(),
        ..set.key.change()
    };
    let done = commit(change, &set.key, session).await?;
    session.show(&done, |done| done.text(&set.key, "set"))
}

pub(super) async fn remove(remove: &Remove, session: &mut Session<'_>) -> Result<(), Failure> {
    let done = commit(remove.key.change(), &remove.key, session).await?;
    session.show(&done, |done| done.text(&remove.key, "removed"))
}

impl Key {
    /// The mapping's removal.
    fn change(&self) -> v1::MappingChange {
        v1::MappingChange {
            segment: self.segment.get(),
            address: self.address.to_bits(),
            remove: true,
            ..Default::default()
        }
    }
}

async fn commit(
    change: v1::MappingChange,
    key: &Key,
    session: &Session<'_>,
) -> Result<Changed, Failure> {
    let request = v1::ChangeMappingsRequest {
        request_id: fresh_id(),
        expected_revision: key.expected_revision,
        learned: false,
        changes: vec![change],
    };
    let attempt = async || {
        let mut client = session.connect().await?;
        let once = tokio_stream::once(request.clone());
        let mut replies = client.verbs().change_mappings(once).await?.into_inner();
        let reply = replies.message().await?.ok_or_else(ended_early)?;
        match Outcome::of(reply, &request.request_id)? {
            Outcome::Committed(committed) => Ok(Changed::from(committed)),
            Outcome::Refused(refused) => Err(Failure::Refused(refused.message)),
        }
    };
    until_answered(attempt).await
}

/// A mapping that was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Changed {
    /// The revision that it made, or that was in force if nothing changed.
    revision: u64,
    /// It appeared.
    added: bool,
    /// It was there, and is another now.
    changed: bool,
    /// It disappeared.
    removed: bool,
    /// It survives a restart of the daemon.
    durable: bool,
    /// From the commit until all workers acted on it.
    seen_seconds: f64,
}

impl From<v1::MappingsCommitted> for Changed {
    fn from(committed: v1::MappingsCommitted) -> Self {
        Self {
            revision: committed.revision,
            added: committed.added > 0,
            changed: committed.changed > 0,
            removed: committed.removed > 0,
            durable: committed.durable,
            seen_seconds: seconds_of_us(committed.seen_us),
        }
    }
}

impl Changed {
    fn text(&self, key: &Key, how: &str) -> String {
        if !(self.added || self.changed || self.removed) {
            return "nothing to change\n".to_owned();
        }
        let kept = match self.durable {
            true => "",
            false => "; a restart undoes it: the vswitch keeps no state file",
        };
        let Key {
            segment, address, ..
        } = key;
        let revision = self.revision;
        format!("mapping {segment} {address} {how} as revision {revision}{kept}\n")
    }
}

fn slot(text: &str) -> Result<Slot, IdError> {
    let number = text.parse().map_err(|_| IdError::Text(text.to_owned()))?;
    Slot::new(number)
}
