//! `GetRoute`: which way would a packet take?

use control_api::v1;
use control_api::v1::get_route_request::From;
use packet::{IpProtocol, SegmentId, VirtualAddr};
use tonic::Status;

use crate::control::source::{
    ControlSource, RouteDestination, RouteEnd, RouteFrom, RouteHop, RouteQuestion, RouteRefusal,
};
use crate::control::verb::rule;
use crate::control::wire;

pub(in crate::control) fn get(
    source: &dyn ControlSource,
    request: v1::GetRouteRequest,
) -> Result<v1::GetRouteReply, Status> {
    let way = source.route(&question(request)?).map_err(refused)?;
    Ok(v1::GetRouteReply {
        from_segment: Some(wire::segment(way.from_segment)),
        from: way.from.map(|address| address.to_bits()),
        hops: way.hops.into_iter().map(hop).collect(),
        end: end(way.end).into(),
        to_segment: way.to_segment.map(wire::segment),
        destination: Some(destination(way.destination)),
        mtu: way.mtu.map(Into::into),
        other_routers: way.other_routers,
        rule: way.rule.map(rule::message),
    })
}

fn question(request: v1::GetRouteRequest) -> Result<RouteQuestion, Status> {
    let wrong = |what: String| Status::invalid_argument(what);
    let port = |port: u32| {
        u16::try_from(port).map_err(|_| wrong(format!("a port is at most 65535, not {port}")))
    };
    let protocol = match request.protocol {
        Some(number) => IpProtocol(
            u8::try_from(number)
                .map_err(|_| wrong(format!("a protocol is at most 255, not {number}")))?,
        ),
        None => IpProtocol::ICMP,
    };
    Ok(RouteQuestion {
        from: match request.from {
            Some(From::Segment(id)) => {
                RouteFrom::Segment(SegmentId::new(id).map_err(|e| wrong(e.to_string()))?)
            }
            Some(From::Address(bits)) => RouteFrom::Address(VirtualAddr::from_bits(bits)),
            None => return Err(wrong("say where the packet comes from".to_owned())),
        },
        to: VirtualAddr::from_bits(request.to),
        network: request.network,
        router: request.router,
        protocol,
        ports: (port(request.source_port)?, port(request.destination_port)?),
    })
}

fn refused(refusal: RouteRefusal) -> Status {
    let words = refusal.to_string();
    match refusal {
        RouteRefusal::SeveralSenders { .. } => Status::invalid_argument(words),
        RouteRefusal::NoSuchNetwork(_)
        | RouteRefusal::NoSuchSegment(..)
        | RouteRefusal::NoSuchSender(..)
        | RouteRefusal::NoSuchRouter { .. } => Status::not_found(words),
    }
}

fn hop(hop: RouteHop) -> v1::RouteHop {
    v1::RouteHop {
        router: hop.router,
        address: hop.address.to_bits(),
        segment: hop.segment.map(wire::segment),
        heard: hop.heard,
        chosen_by_flow: hop.chosen_by_flow,
    }
}

fn destination(destination: RouteDestination) -> v1::RouteDestination {
    v1::RouteDestination {
        address: destination.address.to_bits(),
        kind: destination.kind.map(wire::mapping_kind).unwrap_or_default(),
        name: destination.name,
        host: destination.host,
        mac: destination.mac.map(wire::mac),
    }
}

const fn end(end: RouteEnd) -> v1::RouteEnd {
    match end {
        RouteEnd::Delivered => v1::RouteEnd::Delivered,
        RouteEnd::Router => v1::RouteEnd::Router,
        RouteEnd::Nobody => v1::RouteEnd::Nobody,
        RouteEnd::NoRouter => v1::RouteEnd::NoRouter,
        RouteEnd::NoRoute => v1::RouteEnd::NoRoute,
        RouteEnd::Station => v1::RouteEnd::Station,
        RouteEnd::Forwarded => v1::RouteEnd::Forwarded,
        RouteEnd::Circle => v1::RouteEnd::Circle,
        RouteEnd::TooFar => v1::RouteEnd::TooFar,
        RouteEnd::NotRoutable => v1::RouteEnd::NotRoutable,
        RouteEnd::Refused => v1::RouteEnd::Refused,
    }
}
