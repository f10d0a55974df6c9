//! `ListMappings`: a table of millions, read page by page while the client
//! takes it.

use core::time::Duration;
use std::sync::Arc;

use control_api::v1;
use datapath::pipeline::How;
use packet::{SegmentId, VirtualAddr};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tonic::Status;

use super::taken::{Giver, Taken};
use crate::control::service::PAGE;
use crate::control::source::{ControlSource, Learned, Mapping, MappingKey, MappingOrigin};
use crate::control::wire;

/// Keys that are taken out of the table in order, each time through it.
const KEYS: usize = 1 << 20;

/// Lists on a thread of its own: going through millions takes its time. What
/// changes behind the place where the listing is, is not seen; what changes
/// before it, is: each entry is seen at most once. Who takes no page within
/// `patience` loses the listing: there is room for few.
pub(in crate::control) fn list(
    source: Arc<dyn ControlSource>,
    request: &v1::ListMappingsRequest,
    place: OwnedSemaphorePermit,
    patience: Duration,
) -> Result<Taken<v1::ListMappingsReply>, Status> {
    let only = match request.segment {
        Some(id) => Some(SegmentId::new(id).map_err(|e| Status::invalid_argument(e.to_string()))?),
        None => None,
    };
    let (give, taken) = Taken::new("next page", patience);
    let pages = Pages {
        give,
        runtime: Handle::current(),
        patience,
    };
    tokio::task::spawn_blocking(move || {
        let _ = walk(source.as_ref(), only, &pages);
        drop(place);
    });
    Ok(taken)
}

/// The way of pages to the client.
struct Pages {
    give: Giver<v1::ListMappingsReply>,
    runtime: Handle,
    patience: Duration,
}

/// Nobody takes what is listed.
struct Gone;

impl Pages {
    /// Waits until there is room for another page.
    fn give(&self, page: Option<v1::ListMappingsReply>) -> Result<(), Gone> {
        let given = timeout(self.patience, self.give.send(page));
        match self.runtime.block_on(given) {
            Ok(given) => given.map_err(|_| Gone),
            Err(_) => Err(Gone),
        }
    }
}

fn walk(source: &dyn ControlSource, only: Option<SegmentId>, pages: &Pages) -> Result<(), Gone> {
    let lowest = only.or_else(|| SegmentId::new(1).ok());
    let mut from = lowest.map(|segment| MappingKey::new(segment, VirtualAddr::from_bits(0)));
    while let Some(first) = from {
        let keys = source.mapping_keys(first, only, KEYS);
        for page in keys.chunks(PAGE) {
            let mappings = source.mappings(page).into_iter().map(mapping);
            let mappings = mappings.collect();
            pages.give(Some(v1::ListMappingsReply { mappings }))?;
        }
        let last = keys.last().filter(|_| keys.len() == KEYS);
        from = last.and_then(|last| last.next());
    }
    pages.give(None)
}

fn mapping(mapping: Mapping) -> v1::Mapping {
    v1::Mapping {
        segment: Some(wire::segment(mapping.segment)),
        address: mapping.address.to_bits(),
        kind: wire::mapping_kind(mapping.kind),
        name: mapping.name,
        host: mapping.host,
        locator: mapping.locator.to_bits(),
        slot: mapping.slot.get().into(),
        mac: wire::mac(mapping.mac),
        port: mapping.port,
        expires_ms: mapping.expires.map(wire::milliseconds),
        origin: origin(mapping.origin).into(),
        learned: mapping.learned.map(learned),
    }
}

fn learned(learned: Learned) -> v1::Learned {
    let how = match learned.how {
        How::Announced => v1::LearnedBy::Announced,
        How::Repeated | How::Withdrawn => v1::LearnedBy::Host,
        How::Used => v1::LearnedBy::Used,
        How::Advertised => v1::LearnedBy::Vrrp,
        How::Leased(_) | How::Released => v1::LearnedBy::Dhcp,
    };
    v1::Learned {
        by: how.into(),
        since_ms: wire::since_1970(learned.since),
        heard_ago_ms: wire::milliseconds(learned.heard_ago),
        moves: learned.moves,
    }
}

const fn origin(origin: MappingOrigin) -> v1::MappingOrigin {
    match origin {
        MappingOrigin::Drawn => v1::MappingOrigin::Drawn,
        MappingOrigin::Loaded => v1::MappingOrigin::Loaded,
        MappingOrigin::Learned => v1::MappingOrigin::Learned,
    }
}
