//! Does the fabric carry what segments promise, and do ports carry both?
//!
//! An uplink that cannot carry a segment's full packets rewritten is refused:
//! every large packet of every node would be cut, or sent back. One that can,
//! but not raw ones, works: those are rare; a warning says what becomes of
//! them.

use std::collections::HashMap;

use datapath::pipeline::translate::mtu::Carriage;
use vnet::compiled::Compiled;
use vnet::diagnostic::Diagnostics;
use vnet::topology::{DEFAULT_MTU, Segment, Topology};
use vnet::yaml::Located;

use crate::config::FramePort;
use crate::config::PortSource;
use crate::config::ports::TAP_MTU;
use crate::config::read::{HostText, UplinkText};

/// Uplinks against the segments that this host's nodes are in.
pub(in crate::config) fn check_uplinks(
    uplinks: &[UplinkText],
    topology: &Topology,
    host: &str,
    out: &mut Diagnostics,
) {
    let mut segments: Vec<&Segment> = Vec::new();
    for node in topology.nodes_on(host) {
        for interface in &node.interfaces {
            let segment = topology.segment(interface.station.segment);
            segments.extend(segment);
        }
    }
    segments.sort_by_key(|segment| (core::cmp::Reverse(segment.mtu.value), segment.id));
    segments.dedup_by_key(|segment| segment.id);
    let Some(largest) = segments.first() else {
        return;
    };
    for uplink in uplinks {
        let Some(Located { value: mtu, place }) = &uplink.mtu else {
            continue;
        };
        let (what, mtu) = (&uplink.what, *mtu);
        let promised = largest.mtu.value;
        let leaves = Carriage::Rewritten.fits(mtu);
        let enough = promised + Carriage::Rewritten.overhead();
        let better = promised + Carriage::Raw.overhead();
        let key = if what == "substrate" {
            "substrate.mtu".to_owned()
        } else {
            format!("mtu of {what}")
        };
        if mtu < enough {
            let too_large = segments.iter().filter(|segment| segment.mtu.value > leaves);
            let names: Vec<&str> = too_large
                .map(|segment| segment.name.value.as_str())
                .collect();
            let (promise, lower) = match names.as_slice() {
                [] => continue,
                [one] => (
                    format!("segment \"{one}\" promises {promised}"),
                    format!("segment {one}'s mtu"),
                ),
                [first, rest @ ..] => (
                    format!(
                        "segment \"{first}\" promises {promised} (and {} more)",
                        rest.len()
                    ),
                    format!("the mtu of segments {}", shortened(&names)),
                ),
            };
            out.error(
                place,
                format!("{key} {mtu} leaves nodes {leaves} bytes, but {promise}"),
                format!(
                    "raise {key} to {enough} (better {better}: room for fragments and raw frames), \
                     or set {lower} to {leaves}"
                ),
            );
        } else if mtu < better {
            let kinds = [
                ("fragments", Carriage::Fragment),
                ("raw packets", Carriage::Raw),
            ];
            let narrow = kinds.into_iter().filter_map(|(what, carriage)| {
                let fits = carriage.fits(mtu);
                (fits < promised).then(|| format!("{what} above {fits} bytes"))
            });
            let narrow: Vec<String> = narrow.collect();
            out.warn(
                place,
                format!(
                    "{key} {mtu} is tight for segment \"{}\" (mtu {promised}): {} will be cut, \
                     sent back as too big where DF is set, or dropped if they are not IPv4",
                    largest.name.value,
                    narrow.join(" and ")
                ),
                format!("raise {key} to {better}"),
            );
        }
    }
}

/// Ports that are open already, against the segments of the nodes behind them.
pub(in crate::config) fn check_open_ports(
    ports: &[Option<FramePort>],
    topology: &Topology,
    host: &str,
    out: &mut Diagnostics,
) {
    let ports = ports.iter().flatten();
    let mtus: HashMap<&str, u16> = ports
        .map(|port| (port.known.name.as_str(), port.mtu))
        .collect();
    for node in topology.nodes_on(host) {
        let Some(name) = &node.port else { continue };
        let Some(mtu) = mtus.get(name.value.as_str()) else {
            continue;
        };
        for interface in &node.interfaces {
            let Some(segment) = topology.segment(interface.station.segment) else {
                continue;
            };
            let (promised, segment) = (segment.mtu.value, &segment.name.value);
            if promised > *mtu {
                let message = format!(
                    "segment \"{segment}\" promises {promised} bytes to node \"{}\", but port \"{}\" \
                     was opened for {mtu}",
                    node.name.value, name.value
                );
                let remedy = format!(
                    "set the segment's mtu to {mtu}, or give the port mtu: {promised}: remove it and \
                     add it again, or restart"
                );
                out.error(&node.place, message, remedy);
                break;
            }
        }
    }
}

/// At most eight names.
fn shortened(names: &[&str]) -> String {
    match names.get(..8) {
        Some(first) if names.len() > 8 => format!("{}, ...", first.join(", ")),
        _ => names.join(", "),
    }
}

/// Every port's MTU: as configured, or what it must carry.
pub(super) fn of_ports(
    text: &HostText,
    compiled: &Compiled,
    uplinks: &[UplinkText],
    out: &mut Diagnostics,
) -> Vec<u16> {
    let mut needed: Vec<Option<(u16, String)>> = vec![None; text.ports.len()];
    for interface in &compiled.interfaces {
        let segments = &compiled.segments;
        let found = segments.binary_search_by_key(&interface.segment, |segment| segment.id);
        let Some(segment) = found.ok().and_then(|index| segments.get(index)) else {
            continue;
        };
        let Some(slot) = needed.get_mut(usize::from(interface.port.0)) else {
            continue;
        };
        if slot.as_ref().is_none_or(|(mtu, _)| *mtu < segment.mtu) {
            *slot = Some((segment.mtu, format!("segment \"{}\"", segment.name)));
        }
    }
    for (slot, port) in needed.iter_mut().zip(&text.ports) {
        let is = |name: &Located<String>| name.value == port.name.value;
        if let Some(uplink) = uplinks.iter().find(|up| up.port.as_ref().is_some_and(is)) {
            let mtu = uplink.mtu.as_ref().map(|mtu| mtu.value);
            *slot = mtu.map(|mtu| (mtu, "the substrate".to_owned()));
        }
        let kernel = |uplink: &&UplinkText| uplink.kernel.as_ref().is_some_and(|k| is(&k.port));
        if let Some(uplink) = uplinks.iter().find(kernel) {
            let mtu = uplink.mtu.as_ref().map(|mtu| mtu.value);
            let source = port.source.as_ref().map(|source| &source.value);
            // What is longer is lost there, but the kernel's TCP agrees on less.
            let most = match source {
                Some(PortSource::Tap { .. }) => TAP_MTU,
                _ => u16::MAX,
            };
            *slot = mtu.map(|mtu| (mtu.min(most), "the kernel".to_owned()));
        }
    }
    let mtus = text.ports.iter().zip(needed).map(|(port, needed)| {
        let Some(mtu) = &port.mtu else {
            return needed.map_or(DEFAULT_MTU, |(mtu, _)| mtu);
        };
        if let Some((least, who)) = needed.filter(|(least, _)| mtu.value < *least) {
            let message = format!(
                "port \"{}\" has mtu {}, but {who} needs {least} there",
                port.name.value, mtu.value
            );
            let remedy = format!("raise it to {least}, or leave mtu out");
            out.error(&mtu.place, message, remedy);
        }
        mtu.value
    });
    mtus.collect()
}
