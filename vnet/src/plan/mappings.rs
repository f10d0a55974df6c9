//! Which mappings differ between two compiled forms?

use packet::{SegmentId, VirtualAddr};

use super::join::{Joined, join};
use crate::compiled::{Compiled, Mapping};

/// A mapping that is not the same in both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingChange<'a> {
    /// The segment.
    pub segment: SegmentId,
    /// The virtual address.
    pub address: VirtualAddr,
    /// What was there before, if anything.
    pub before: Option<&'a Mapping>,
    /// What is there afterwards, if anything.
    pub after: Option<&'a Mapping>,
}

/// The mappings that differ, ordered by segment and address. The second form
/// keeps the ids of the first.
pub fn mapping_changes<'a>(
    before: &'a Compiled,
    after: &'a Compiled,
) -> impl Iterator<Item = MappingChange<'a>> {
    let key = |mapping: &'a Mapping| ((mapping.segment, mapping.address), mapping);
    let joined = join(
        before.mappings.iter().map(key),
        after.mappings.iter().map(key),
    );
    joined.filter_map(|((segment, address), joined)| {
        if matches!(joined, Joined::Both(old, new) if old == new) {
            return None;
        }
        let (before, after) = joined.sides();
        Some(MappingChange {
            segment,
            address,
            before,
            after,
        })
    })
}
