//! What the hosts and the fabric make of a frame: the product, observed from
//! outside.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use datapath::tables::{Listener, Listeners, PathMtus, PortOffloads, SegmentListeners, Sources};
use packet::EtherType;
use vnet::compiled::{HostId, Ipv4Subnet, PortId};

use super::bench::host::Outcome;
use super::bench::plan::ip_of;
use super::bench::{FRONT, Host, Plan, Site, cross, segment};
use super::compare::{Ids, Seen};
use super::device::{Left, finish};
use super::groups::{JOINED, MEMBERS, WITHHELD};
use super::phantoms::PHANTOMS;
use super::rules::RULES;
use super::sent::Setting;
use super::switch::EXTRA_ETHERTYPE;

/// What is known of groups, and withheld.
fn join(plan: &mut Plan) {
    let other = vec![HostId(1)];
    for drawn in &mut plan.compiled.segments {
        let withheld = Ipv4Subnet::new(WITHHELD.into(), 32);
        drawn.multicast.withheld.extend(withheld);
        let mut listeners = SegmentListeners {
            heard: other.clone(),
            ..SegmentListeners::default()
        };
        if drawn.id == segment(FRONT) {
            let interfaces = plan.compiled.interfaces.iter();
            let here = interfaces.filter(|i| i.segment == drawn.id);
            let here = here.filter(|i| MEMBERS.iter().any(|member| member.mac == i.mac));
            let here = here.map(|i| {
                vec![Listener {
                    interface: i.id,
                    sources: Sources::All,
                }]
            });
            let of_it = Listeners {
                here: here.collect(),
                hosts: other.clone(),
            };
            listeners.groups.insert(ip_of(JOINED), of_it);
        }
        plan.listeners.set(drawn.id, Some(listeners));
    }
}

/// Two hosts with a fabric between them.
pub struct World {
    r: Host,
    s: Host,
    /// The identifications that arrived.
    pub ids: Ids,
    clock: Duration,
}

thread_local! {
    static WORLDS: RefCell<HashMap<(u16, u16, bool, bool), World>> = RefCell::default();
}

impl World {
    /// Lends the world of this setting: the same for all cases of a test, so
    /// that what hosts remember is tried, too.
    pub fn with<T>(setting: Setting, work: impl FnOnce(&mut Self) -> T) -> T {
        let sizes = (setting.segment_mtu, setting.substrate_mtu);
        let key = (sizes.0, sizes.1, setting.devices, setting.ruled);
        WORLDS.with_borrow_mut(|worlds| {
            let world = worlds.entry(key).or_insert_with(|| Self::new(setting));
            world.begin(setting);
            work(world)
        })
    }

    fn new(setting: Setting) -> Self {
        let host = |site| {
            let mut plan = Plan::of(site)
                .uplink_mtu(setting.substrate_mtu)
                .segment_mtu(setting.segment_mtu)
                .offloading(PortOffloads {
                    checksum: setting.devices,
                    segmentation: setting.devices,
                });
            for (node, [x, y, z, _]) in PHANTOMS {
                let prefix = ([x, y, z, 0], 24);
                plan = plan
                    .phantom(FRONT, node, &[prefix])
                    .by_phantoms(prefix, &[node]);
            }
            let (segment, ether_type) = EXTRA_ETHERTYPE;
            plan.segment(segment).ethertypes = vec![EtherType::new(ether_type)];
            if setting.ruled {
                plan = plan.ruled(RULES);
            }
            join(&mut plan);
            plan.host()
        };
        Self {
            r: host(Site::R),
            s: host(Site::S),
            ids: Ids::default(),
            clock: Duration::ZERO,
        }
    }

    /// A moment later, when everybody may be told of errors again; and of the
    /// path only this is known.
    fn begin(&mut self, setting: Setting) {
        self.clock += Duration::from_secs(1);
        for host in [&mut self.r, &mut self.s] {
            host.now = self.clock;
            let path_mtus = PathMtus::new(2);
            if let Some(mtu) = setting.learned {
                path_mtus.lower(HostId(1), mtu, self.clock);
            }
            host.tables.path_mtus = Arc::new(path_mtus);
        }
    }

    pub fn host(&mut self, site: Site) -> &mut Host {
        match site {
            Site::R => &mut self.r,
            Site::S => &mut self.s,
        }
    }

    /// Pushes a frame in at a host's uplink.
    pub fn substrate_delivers(&mut self, site: Site, frame: &[u8]) -> Seen {
        let sent = self.host(site).substrate_delivers(frame).sent;
        let to_node = |(PortId(port), frame)| (site, port, frame);
        Seen {
            nodes: sent.into_iter().map(to_node).collect(),
            wire: Vec::new(),
        }
    }

    /// Pushes a frame in at a node's port, and whatever crosses the fabric into
    /// the other host.
    pub fn node_sends(&mut self, site: Site, port: u16, frame: &[u8]) -> Seen {
        self.node_leaves(site, port, frame, Left::Nothing)
    }

    /// The same of a frame that a device is to finish: ours, if it cannot.
    pub fn node_leaves(&mut self, site: Site, port: u16, frame: &[u8], left: Left) -> Seen {
        let other = if site == Site::R { Site::S } else { Site::R };
        let host = self.host(site);
        let outcome = host.node_leaves_to_a_device(port, frame, left.offload());
        let mut seen = Seen::default();
        for (port, frame) in on_wires(outcome) {
            if !site.uplinks().contains(&PortId(port)) {
                seen.nodes.push((site, port, frame));
                continue;
            }
            let arrived = self.host(other).substrate_delivers(&cross(&frame, other));
            let lost = &arrived.booked;
            assert!(lost.is_empty(), "lost on arrival: {lost:?} of {frame:02x?}");
            seen.wire.push(frame);
            let to_node = |(port, frame)| (other, port, frame);
            seen.nodes
                .extend(on_wires(arrived).into_iter().map(to_node));
        }
        seen
    }
}

/// What the ports' devices make of what left.
fn on_wires(outcome: Outcome) -> Vec<(u16, Vec<u8>)> {
    let mut frames = Vec::new();
    for ((PortId(port), frame), offload) in outcome.sent.iter().zip(outcome.offloads) {
        let finished = finish(frame, Left::of(offload));
        frames.extend(finished.into_iter().map(|frame| (*port, frame)));
    }
    frames
}
