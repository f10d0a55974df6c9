//! `History`: the topologies that were in force.

use control_api::v1;

use crate::commit::{Administration, Cause, HistoryEntry};
use crate::control::service::{Pages, pages};
use crate::control::wire;

pub(in crate::control) fn list(administration: &dyn Administration) -> Pages<v1::HistoryReply> {
    pages(administration.history().into_iter().map(entry), |entries| {
        v1::HistoryReply { entries }
    })
}

fn entry(entry: HistoryEntry) -> v1::HistoryEntry {
    v1::HistoryEntry {
        revision: entry.revision.0,
        applied_at_ms: wire::since_1970(entry.at),
        uid: entry.author.uid,
        cause: cause(entry.cause).into(),
        summary: entry.summary,
        current: entry.current,
        reverts_at_ms: entry.reverts_at.map(wire::since_1970),
    }
}

fn cause(cause: Cause) -> v1::HistoryCause {
    match cause {
        Cause::Configured => v1::HistoryCause::Configured,
        Cause::Applied => v1::HistoryCause::Applied,
        Cause::RolledBack => v1::HistoryCause::RolledBack,
        Cause::Unconfirmed => v1::HistoryCause::Unconfirmed,
    }
}
