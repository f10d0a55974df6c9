//! `CheckMtu`: how large packets to other hosts may be.

use control_api::v1;
use packet::{SegmentId, VirtualAddr};
use tonic::Status;

use crate::control::service::{Pages, pages};
use crate::control::source::{
    ControlSource, LearnedMtu, MappingKey, MtuLimits, MtuNextHop, MtuPath, MtuWay,
};
use crate::control::wire;

pub(in crate::control) fn check(
    source: &dyn ControlSource,
    request: &v1::CheckMtuRequest,
) -> Result<Pages<v1::CheckMtuReply>, Status> {
    let mut paths = source.mtu_paths();
    if let Some(bits) = request.to {
        let to = VirtualAddr::from_bits(bits);
        paths.retain(|path| is_at(source, to, path));
        paths.extend(source.routed_mtu_paths(to));
        paths.sort_by_key(|path| path.segment.id);
        if paths.is_empty() {
            return Err(Status::not_found(format!(
                "nobody has address {to} in a segment of this host's nodes, or where routers lead \
                 from there; see: vswitchctl mapping list, vswitchctl route get"
            )));
        }
    }
    if let Some(id) = request.segment {
        let id = SegmentId::new(id).map_err(|e| Status::invalid_argument(e.to_string()))?;
        paths.retain(|path| path.segment.id == id);
        if paths.is_empty() {
            return Err(Status::not_found(format!(
                "no node of this host is in segment {id}; see: vswitchctl interface list"
            )));
        }
    }
    if let Some(host) = &request.host {
        let mut known: Vec<String> = Vec::new();
        for path in &paths {
            if !known.contains(&path.host) {
                known.push(path.host.clone());
            }
        }
        paths.retain(|path| path.host == *host);
        if paths.is_empty() {
            return Err(Status::not_found(format!(
                "no such path leads to a host \"{host}\"; they lead to: {}",
                known.join(", ")
            )));
        }
    }
    Ok(pages(paths.into_iter().map(message), |paths| {
        v1::CheckMtuReply { paths }
    }))
}

/// Is the address that is meant at the end of this path?
fn is_at(source: &dyn ControlSource, to: VirtualAddr, path: &MtuPath) -> bool {
    let key = MappingKey::new(path.segment.id, to);
    let found = source.mappings(&[key]).into_iter().next();
    found.is_some_and(|mapping| mapping.host == path.host)
}

fn message(path: MtuPath) -> v1::MtuPath {
    let message = v1::MtuPath {
        segment: Some(wire::segment(path.segment)),
        host: path.host,
        to_segment: path.to_segment.map(wire::segment),
        segment_mtu: path.segment_mtu.into(),
        ..v1::MtuPath::default()
    };
    match path.way {
        MtuWay::NoRoute => message,
        MtuWay::SameHost => v1::MtuPath {
            same_host: true,
            limits: Some(limits(MtuLimits {
                whole: path.segment_mtu,
                fragment: path.segment_mtu,
                raw: path.segment_mtu,
            })),
            ..message
        },
        MtuWay::Substrate {
            next_hops,
            learned,
            path_mtu,
            limits: what_fits,
        } => {
            let holds_for = |learned: LearnedMtu| wire::milliseconds(learned.holds_for);
            v1::MtuPath {
                next_hops: next_hops.into_iter().map(next_hop).collect(),
                learned_mtu: learned.map(|learned| learned.mtu.into()),
                learned_for_ms: learned.map(holds_for),
                path_mtu: Some(path_mtu.into()),
                limits: Some(limits(what_fits)),
                ..message
            }
        }
    }
}

fn next_hop(hop: MtuNextHop) -> v1::MtuNextHop {
    v1::MtuNextHop {
        port: hop.port,
        address: hop.address.octets().to_vec(),
        mtu: hop.mtu.into(),
    }
}

fn limits(limits: MtuLimits) -> v1::MtuLimits {
    v1::MtuLimits {
        whole: limits.whole.into(),
        fragment: limits.fragment.into(),
        raw: limits.raw.into(),
    }
}
