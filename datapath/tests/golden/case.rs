//! A case: a sentence, a place, and what arrives there.

use packet::SubstrateAddr;
use packet::build::{Frame, Ipv6};

use crate::bench::plan::router_mac;
use crate::bench::{A, FRONT, G, Node, Plan, S_UPLINK, Site};
use crate::place::Place;

#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The folder.
    pub name: &'static str,
    /// The sentence of an RFC or of the product's description that it shows,
    /// with its clause before the colon.
    pub title: &'static str,
    /// Where a reader sees it, if the sentence does not say.
    pub look: Option<&'static str>,
    pub place: Place,
    pub frames: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn new(
        name: &'static str,
        title: &'static str,
        place: Place,
        frames: Vec<Vec<u8>>,
    ) -> Self {
        Self {
            name,
            title,
            look: None,
            place,
            frames,
        }
    }

    /// Tells a reader where to look.
    pub(crate) fn look(mut self, look: &'static str) -> Self {
        self.look = Some(look);
        self
    }

    /// On a host that differs from the worked example.
    pub(crate) fn on(mut self, change: fn(Plan) -> Plan) -> Self {
        if let Place::Port { plan, .. } = &mut self.place {
            **plan = change((**plan).clone());
        }
        self
    }
}

pub(crate) fn at_r(
    node: Node,
    name: &'static str,
    title: &'static str,
    frames: Vec<Vec<u8>>,
) -> Case {
    let place = Place::Port {
        plan: Box::new(Plan::of(Site::R)),
        port: node.port,
    };
    Case::new(name, title, place, frames)
}

pub(crate) fn on_s_uplink(name: &'static str, title: &'static str, frames: Vec<Vec<u8>>) -> Case {
    let place = Place::Port {
        plan: Box::new(Plan::of(Site::S)),
        port: S_UPLINK,
    };
    Case::new(name, title, place, frames)
}

/// A packet on S's uplink: TTL 37 and DF, in the flow label.
pub(crate) fn fabric(source: SubstrateAddr, destination: SubstrateAddr) -> Ipv6 {
    Frame::between(router_mac(0), Site::S.uplink_mac(S_UPLINK))
        .ipv6(source.to_ipv6(), destination.to_ipv6())
        .flow_label(37 << 12 | 1 << 11 | 0x2a5)
        .hop_limit(61)
}

pub(crate) fn a() -> SubstrateAddr {
    Site::R.substrate(FRONT, A.ip)
}

pub(crate) fn g() -> SubstrateAddr {
    Site::S.substrate(FRONT, G.ip)
}
