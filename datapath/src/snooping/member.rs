//! What one interface listens to in one group.
//!
//! Behind an interface is one station, so what its report says of a group replaces
//! or changes what it said before (RFC 3376 §6.4, for one reporter).

use core::time::Duration;
use std::collections::BTreeSet;

use packet::VirtualAddr;
use packet::igmp::{self, RecordKind};

use super::How;
use crate::tables::Sources;

/// The most sources that are kept: a filter with more lets all pass.
const MOST_SOURCES: usize = 64;

/// An interface's membership of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) sources: Sources,
    pub(super) how: How,
    pub(super) until: Duration,
}

/// What a record makes of a filter; `None`: nothing is listened to any more.
pub(super) fn filtered(
    before: Option<&Sources>,
    kind: RecordKind,
    sources: igmp::Sources<'_>,
) -> Option<Sources> {
    use RecordKind::{Allow, Block, IsExclude, IsInclude, ToExclude, ToInclude};
    let named: BTreeSet<VirtualAddr> = sources.iter().collect();
    let set = |these: &[VirtualAddr]| these.iter().copied().collect::<BTreeSet<_>>();
    let more = |these: &[VirtualAddr]| set(these).union(&named).copied().collect();
    let less = |these: &[VirtualAddr]| set(these).difference(&named).copied().collect();
    let after = match (kind, before) {
        (IsExclude | ToExclude, _) => but(named),
        (ToInclude, _) | (IsInclude | Allow, None) => only(named),
        // An answer may be spread over several reports.
        (IsInclude | Allow, Some(Sources::Only(these))) => only(more(these)),
        (IsInclude, Some(_)) => only(named),
        (Allow, Some(Sources::All)) => Some(Sources::All),
        (Allow, Some(Sources::But(these))) => but(less(these)),
        (Block, None) => None,
        (Block, Some(Sources::All)) => but(named),
        (Block, Some(Sources::Only(these))) => only(less(these)),
        (Block, Some(Sources::But(these))) => but(more(these)),
    };
    after.map(|after| match after {
        Sources::Only(these) | Sources::But(these) if these.len() > MOST_SOURCES => Sources::All,
        within => within,
    })
}

fn only(these: BTreeSet<VirtualAddr>) -> Option<Sources> {
    (!these.is_empty()).then(|| Sources::Only(these.into_iter().collect()))
}

fn but(these: BTreeSet<VirtualAddr>) -> Option<Sources> {
    Some(match these.is_empty() {
        true => Sources::All,
        false => Sources::But(these.into_iter().collect()),
    })
}
