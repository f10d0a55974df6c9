//! How large may packets be on the way to other hosts?
//!
//! The paths are those of the configuration; what is known of them is read
//! where the packets' workers read it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use datapath::pipeline::translate::mtu::Carriage;
use datapath::substrate::UplinkTable;
use datapath::tables::PathMtus;
use packet::VirtualAddr;
use vnet::compiled::{Compiled, HostId};

use super::Observer;
use super::names::label;
use crate::control::source::{LearnedMtu, MtuLimits, MtuNextHop, MtuPath, MtuWay};

/// This host's place among the hosts.
const THIS_HOST: HostId = HostId(0);

/// The paths from this host's interfaces.
pub struct MtuPaths {
    /// By place in [`Compiled::segments`], which are ordered by id.
    paths: BTreeSet<(usize, HostId)>,
}

impl MtuPaths {
    /// The paths between the segments that have interfaces here and the hosts
    /// that have interfaces in them.
    pub fn new(compiled: &Compiled) -> Self {
        let here: HashSet<_> = compiled.interfaces.iter().map(|i| i.segment).collect();
        let nodes = compiled.mappings.iter();
        let nodes = nodes.filter(|m| m.kind.is_node() && here.contains(&m.segment));
        let place = |id| compiled.segments.binary_search_by_key(&id, |s| s.id).ok();
        Self {
            paths: nodes
                .filter_map(|m| Some((place(m.segment)?, m.host)))
                .collect(),
        }
    }
}

impl Observer {
    pub(super) fn shown_mtu_paths(&self) -> Vec<MtuPath> {
        let uplinks = Arc::clone(&self.substrate.lock().uplinks);
        let now = self.started.elapsed();
        let in_force = self.show.in_force();
        let (compiled, hosts) = (&in_force.compiled, &in_force.hosts);
        let paths = in_force
            .mtu_paths
            .paths
            .iter()
            .filter_map(|(segment, host)| {
                let segment = compiled.segments.get(*segment)?;
                Some(MtuPath {
                    segment: self.segment_label(segment.id),
                    host: hosts.get(host.0 as usize)?.name.clone(),
                    to_segment: None,
                    segment_mtu: segment.mtu,
                    way: self.mtu_way(segment.mtu, *host, &uplinks, &in_force.path_mtus, now),
                })
            });
        paths.collect()
    }

    /// From the segments with interfaces here, across logical routers.
    pub(super) fn shown_routed_mtu_paths(&self, to: VirtualAddr) -> Vec<MtuPath> {
        let uplinks = Arc::clone(&self.substrate.lock().uplinks);
        let now = self.started.elapsed();
        let in_force = self.show.in_force();
        let here = in_force.compiled.interfaces.iter().map(|i| i.segment);
        let here: BTreeSet<_> = here.collect();
        let paths = here.into_iter().filter_map(|segment| {
            let across = self.across_routers(&in_force, segment, to)?;
            let (mtu, host) = (across.mtu, across.host);
            Some(MtuPath {
                segment: label(&in_force.compiled, segment),
                host: in_force.hosts.get(host.0 as usize)?.name.clone(),
                to_segment: Some(label(&in_force.compiled, across.segment)),
                segment_mtu: mtu,
                way: self.mtu_way(mtu, host, &uplinks, &in_force.path_mtus, now),
            })
        });
        paths.collect()
    }

    fn mtu_way(
        &self,
        segment_mtu: u16,
        host: HostId,
        uplinks: &UplinkTable,
        path_mtus: &PathMtus,
        now: Duration,
    ) -> MtuWay {
        if host == THIS_HOST {
            return MtuWay::SameHost;
        }
        let ids = uplinks.by_host.get(host.0 as usize).into_iter().flatten();
        let next_hops = ids.filter_map(|id| uplinks.next_hops.get(id.index()));
        let next_hops = next_hops.map(|hop| MtuNextHop {
            port: self.port_name(hop.port),
            address: hop.address,
            mtu: hop.mtu,
        });
        let learned = path_mtus.learned(host, now);
        let learned = learned.map(|learned| LearnedMtu {
            mtu: learned.mtu,
            holds_for: learned.until.saturating_sub(now),
        });
        over_the_substrate(segment_mtu, next_hops.collect(), learned)
    }
}

/// Whichever next hop a flow takes, this much passes.
fn over_the_substrate(
    segment_mtu: u16,
    next_hops: Vec<MtuNextHop>,
    learned: Option<LearnedMtu>,
) -> MtuWay {
    let links = next_hops.iter().map(|hop| hop.mtu);
    let Some(narrowest) = links.min() else {
        return MtuWay::NoRoute;
    };
    let path_mtu = learned.map_or(narrowest, |learned| learned.mtu.min(narrowest));
    let passes = |carriage: Carriage| carriage.fits(path_mtu).min(segment_mtu);
    MtuWay::Substrate {
        next_hops,
        learned,
        path_mtu,
        limits: MtuLimits {
            whole: passes(Carriage::Rewritten),
            fragment: passes(Carriage::Fragment),
            raw: passes(Carriage::Raw),
        },
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use vnet::compiled::Host;

    use super::*;

    fn hop(mtu: u16) -> MtuNextHop {
        MtuNextHop {
            port: "uplink0".to_owned(),
            address: Ipv6Addr::LOCALHOST,
            mtu,
        }
    }

    fn learned(mtu: u16) -> Option<LearnedMtu> {
        Some(LearnedMtu {
            mtu,
            holds_for: Duration::from_secs(60),
        })
    }

    #[test]
    fn the_narrowest_next_hop_and_what_was_learned_decide() {
        let numbers = |hops: &[u16], learned| {
            let hops = hops.iter().map(|&mtu| hop(mtu)).collect();
            match over_the_substrate(1500, hops, learned) {
                MtuWay::Substrate {
                    path_mtu, limits, ..
                } => [path_mtu, limits.whole, limits.fragment, limits.raw],
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(numbers(&[9000], None), [9000, 1500, 1500, 1500]);
        assert_eq!(numbers(&[9000, 1530], None), [1530, 1500, 1500, 1474]);
        assert_eq!(numbers(&[1520], None), [1520, 1500, 1492, 1464]);
        assert_eq!(numbers(&[9000], learned(1280)), [1280, 1260, 1252, 1224]);
        // The link was made narrower since a router spoke.
        assert_eq!(numbers(&[1500], learned(9000)), [1500, 1480, 1472, 1444]);
        assert_eq!(
            over_the_substrate(1500, Vec::new(), learned(1280)),
            MtuWay::NoRoute
        );
    }

    #[test]
    fn paths_lead_from_segments_with_interfaces_to_hosts_with_interfaces() {
        let hosts = [("r", 1), ("s", 2), ("t", 3)].map(|(name, locator)| Host {
            name: name.to_owned(),
            locator: packet::Locator::from_bits(locator),
        });
        let topology = "\
network: z
segments:
  - { name: far, id: 9, subnet: 10.9.0.0/24 }
  - { name: back, id: 7, subnet: 10.7.0.0/24 }
  - { name: front, id: 5, subnet: 10.5.0.0/24 }
routers:
  - { name: j, interfaces: [{ segment: back, address: 10.7.0.1 }] }
nodes:
  - { name: a, host: r, port: p, segment: back, address: 10.7.0.2 }
  - { name: b, host: t, segment: back, address: 10.7.0.3 }
  - { name: c, host: t, segment: back, address: 10.7.0.4 }
  - { name: d, host: s, segment: far, address: 10.9.0.2 }
  - { name: e, host: r, port: p, segment: front, address: 10.5.0.2 }
  - { name: f, host: s, segment: front, address: 10.5.0.3 }
";
        let [this, others @ ..] = hosts;
        let around = vnet::topology::Surroundings {
            this,
            others: others.to_vec(),
            ports: vec![Some(vnet::topology::KnownPort {
                name: "p".to_owned(),
                purpose: vnet::topology::PortPurpose::Nodes,
            })],
        };
        let mut out = vnet::diagnostic::Diagnostics::default();
        let file: Arc<std::path::Path> = std::path::Path::new("z.yaml").into();
        let topology = vnet::topology::Topology::read([(file, topology)], &mut out);
        let compiled = topology.compile(&around, None, &mut out);
        assert_eq!(out.into_sorted(), []);
        let paths = MtuPaths::new(&compiled);
        let paths = paths.paths.iter().map(|(segment, host)| {
            let segment = compiled.segments[*segment].name.as_str();
            (segment, compiled.hosts[host.0 as usize].name.as_str())
        });
        let paths: Vec<_> = paths.collect();
        let expected = [("front", "r"), ("front", "s"), ("back", "r"), ("back", "t")];
        assert_eq!(paths, expected);
    }
}
