//! `ListMappings`: a table of millions, read page by page while the client
//! takes it.

use std::sync::Arc;
use std::vec;

use control_api::v1;
use packet::{SegmentId, VirtualAddr};
use tonic::Status;

use crate::control::service::{PAGE, Pages, pages};
use crate::control::source::{ControlSource, Mapping, MappingKey, MappingOrigin};
use crate::control::wire;

pub(in crate::control) fn list(
    source: Arc<dyn ControlSource>,
    request: &v1::ListMappingsRequest,
) -> Result<Pages<v1::ListMappingsReply>, Status> {
    let only = match request.segment {
        Some(id) => Some(SegmentId::new(id).map_err(|e| Status::invalid_argument(e.to_string()))?),
        None => None,
    };
    let first = only.map_or(MappingKey::FIRST, |segment| {
        MappingKey::new(segment, VirtualAddr::from_bits(0))
    });
    let walk = Walk {
        source,
        next: Some(first),
        page: Vec::new().into_iter(),
    };
    let wanted = walk.take_while(move |m| only.is_none_or(|segment| m.segment.id == segment));
    Ok(pages(wanted.map(mapping), |mappings| {
        v1::ListMappingsReply { mappings }
    }))
}

/// Goes through the table. What changes behind it meanwhile is not seen, what
/// changes before it is: each entry is seen at most once.
struct Walk {
    source: Arc<dyn ControlSource>,
    /// Where the next page begins; `None` after the last.
    next: Option<MappingKey>,
    page: vec::IntoIter<Mapping>,
}

impl Iterator for Walk {
    type Item = Mapping;

    fn next(&mut self) -> Option<Mapping> {
        if self.page.len() == 0 {
            let page = self.source.mappings(self.next?, PAGE);
            self.next = match page.last() {
                Some(last) if page.len() >= PAGE => Some(last.key().next()),
                _ => None,
            };
            self.page = page.into_iter();
        }
        self.page.next()
    }
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
    }
}

const fn origin(origin: MappingOrigin) -> v1::MappingOrigin {
    match origin {
        MappingOrigin::Drawn => v1::MappingOrigin::Drawn,
        MappingOrigin::Loaded => v1::MappingOrigin::Loaded,
    }
}
