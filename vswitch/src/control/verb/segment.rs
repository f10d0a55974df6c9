//! `ListSegments`.

use control_api::v1;
use packet::MplsLabel;
use tonic::Status;
use vnet::compiled::UnknownMac;

use super::network::count;
use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Segment, SegmentRouter};
use crate::control::wire;

pub(in crate::control) fn list(
    source: &dyn ControlSource,
    request: &v1::ListSegmentsRequest,
) -> Result<Pages<v1::ListSegmentsReply>, Status> {
    let segments = source.segments(request.network.as_deref());
    let segments = segments.ok_or_else(|| {
        let name = request.network.as_deref().unwrap_or_default();
        Status::not_found(format!(
            "there is no network \"{name}\"; see: vswitchctl network list"
        ))
    })?;
    let facts = segments.into_iter().map(facts);
    Ok(pages(facts, |segments| v1::ListSegmentsReply { segments }))
}

fn facts(of: Segment) -> v1::SegmentFacts {
    v1::SegmentFacts {
        segment: Some(wire::segment(of.segment)),
        subnet: Some(v1::Prefix {
            network: of.subnet.network().to_bits(),
            length: of.subnet.length().into(),
        }),
        vlan: of.vlan.map(|vlan| vlan.get().into()),
        label: of.label.map(MplsLabel::get),
        mtu: of.mtu.into(),
        resolves_unknown_macs: of.unknown_mac == UnknownMac::Resolve,
        ethertypes: of.ethertypes.iter().map(|e| e.get().into()).collect(),
        answers_dhcp: of.answers_dhcp,
        routers: of.routers.into_iter().map(router).collect(),
        interfaces: count(of.interfaces),
        addresses: count(of.addresses),
    }
}

fn router(router: SegmentRouter) -> v1::SegmentRouter {
    v1::SegmentRouter {
        name: router.name,
        address: router.address.to_bits(),
        mac: wire::mac(router.mac),
    }
}
