//! `ListMappings`: a table of millions, read page by page while the client
//! takes it.

use std::sync::Arc;

use control_api::v1;
use packet::{SegmentId, VirtualAddr};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::control::service::PAGE;
use crate::control::source::{ControlSource, Mapping, MappingKey, MappingOrigin};
use crate::control::wire;

/// A listing on its way.
pub(in crate::control) type Listing = ReceiverStream<Result<v1::ListMappingsReply, Status>>;

/// Keys that are taken out of the table in order, each time through it.
const KEYS: usize = 1 << 20;

/// Lists on a thread of its own: going through millions takes its time. What
/// changes behind the place where the listing is, is not seen; what changes
/// before it, is: each entry is seen at most once.
pub(in crate::control) fn list(
    source: Arc<dyn ControlSource>,
    request: &v1::ListMappingsRequest,
    place: OwnedSemaphorePermit,
) -> Result<Listing, Status> {
    let only = match request.segment {
        Some(id) => Some(SegmentId::new(id).map_err(|e| Status::invalid_argument(e.to_string()))?),
        None => None,
    };
    // The next page is made while the client takes one.
    let (give, pages) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        // An error: the client has gone.
        let _ = walk(source.as_ref(), only, &give);
        drop(place);
    });
    Ok(ReceiverStream::new(pages))
}

fn walk(
    source: &dyn ControlSource,
    only: Option<SegmentId>,
    give: &mpsc::Sender<Result<v1::ListMappingsReply, Status>>,
) -> Result<(), mpsc::error::SendError<Result<v1::ListMappingsReply, Status>>> {
    let lowest = only.or_else(|| SegmentId::new(1).ok());
    let mut from = lowest.map(|segment| MappingKey::new(segment, VirtualAddr::from_bits(0)));
    while let Some(first) = from {
        let keys = source.mapping_keys(first, only, KEYS);
        for page in keys.chunks(PAGE) {
            let mappings = source.mappings(page).into_iter().map(mapping);
            give.blocking_send(Ok(v1::ListMappingsReply {
                mappings: mappings.collect(),
            }))?;
        }
        let last = keys.last().filter(|_| keys.len() == KEYS);
        from = last.and_then(|last| last.next());
    }
    Ok(())
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
