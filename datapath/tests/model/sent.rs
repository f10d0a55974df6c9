//! What is sent, by whom, to whom, and over what: the cases.

use packet::MacAddr;
use proptest::prelude::*;
use proptest::sample::select;

use super::bench::plan::{STATIONS, Station};
use super::bench::{A, BEHIND_F, BEHIND_G, C, D_SECOND, F, G, H, Ip, J, L, NOBODY, Node, Site, X};
use super::device::{self, Left};
use super::draft::{Body, Data, Draft, Field};
use super::groups::{JOINED, RAW_GROUP, WITHHELD};
use super::phantoms::{PHANTOMS, behind};
use super::routers::{are_linked, router_of};
use super::strategies::drafts;
use super::switch::{EXTRA_ETHERTYPE, Sizes};

/// The sizes of a network, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub segment_mtu: u16,
    pub substrate_mtu: u16,
    /// What a router has said of the path.
    pub learned: Option<u16>,
    /// The ports' devices finish what is left to them.
    pub devices: bool,
    /// Network z has access rules.
    pub ruled: bool,
}

/// A frame that somebody sends.
#[derive(Debug, Clone)]
pub struct Sent {
    pub site: Site,
    pub port: u16,
    /// Tag control information, if tagged.
    tag: Option<u16>,
    source_mac: MacAddr,
    destination_mac: MacAddr,
    /// To Ethernet's least length.
    padded: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Ip {
        source: Ip,
        destination: Ip,
        header_checksum_wrong: bool,
        draft: Draft,
    },
    Arp {
        operation: u8,
        sender_mac: MacAddr,
        sender: Ip,
        target: Ip,
    },
    Other {
        ether_type: u16,
        data: Data,
    },
}

impl Setting {
    /// What holds for packets.
    pub fn sizes(self) -> Sizes {
        let path = self.substrate_mtu;
        Sizes {
            segment: self.segment_mtu,
            path: self.learned.map_or(path, |learned| learned.min(path)),
            ruled: self.ruled,
        }
    }

    /// The same under the model's rules.
    #[must_use]
    pub fn ruled(self) -> Self {
        Self {
            ruled: true,
            ..self
        }
    }
}

impl Sent {
    pub fn frame(&self) -> Vec<u8> {
        let mut frame = [self.destination_mac.octets(), self.source_mac.octets()].concat();
        if let Some(control) = self.tag {
            frame.extend([0x81, 0]);
            frame.extend(control.to_be_bytes());
        }
        match &self.what {
            What::Ip {
                source,
                destination,
                header_checksum_wrong,
                draft,
            } => {
                frame.extend([8, 0]);
                let mut packet = draft.between(*source, *destination);
                packet[11] ^= u8::from(*header_checksum_wrong);
                frame.extend(packet);
            }
            What::Arp {
                operation,
                sender_mac,
                sender,
                target,
            } => {
                frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, *operation]);
                frame.extend(sender_mac.octets());
                frame.extend(sender);
                frame.extend([0; 6]);
                frame.extend(target);
            }
            What::Other { ether_type, data } => {
                frame.extend(ether_type.to_be_bytes());
                frame.extend(data.bytes());
            }
        }
        if self.padded {
            frame.resize(frame.len().max(60), 0);
        }
        frame
    }
}

/// Any network. Nothing says that the substrate's MTU is the segment's and
/// more: what does not fit must still arrive.
pub fn settings() -> impl Strategy<Value = Setting> {
    let learned = prop_oneof![3 => Just(None), 1 => (1280..=1500u16).prop_map(Some)];
    let mtus = (
        select(vec![1500, 9000]),
        select(vec![1500, 1556, 9000, 9100]),
    );
    (mtus, learned, any::<bool>()).prop_map(|((segment_mtu, substrate_mtu), learned, devices)| {
        Setting {
            segment_mtu,
            substrate_mtu,
            learned,
            devices,
            ruled: false,
        }
    })
}

/// What neighbours, or who routers make such, send each other who are on the
/// same host, or are not.
pub fn neighbourly(same_host: bool) -> impl Strategy<Value = Sent> {
    let pair = pairs(move |from, to| (from.1 == to.1) == same_host);
    (pair, any::<bool>(), any::<bool>(), payloads()).prop_map(|(pair, second, padded, payload)| {
        Sent {
            padded,
            ..payload.sent_to(pair, second)
        }
    })
}

/// What routers are sent, for whomever it may be, as a right frame.
pub fn to_routers() -> impl Strategy<Value = Sent> {
    let mut stations = STATIONS.to_vec();
    stations.retain(|station| router_of(station.4).is_some());
    // Where ways end.
    let ttl = prop_oneof![1 => Just(None), 1 => (1..4u8).prop_map(Some)];
    let whom = (select(stations), select(BEYOND.to_vec()));
    (whom, ttl, any::<bool>(), any::<bool>(), payloads()).prop_map(
        |((from, destination), ttl, second, padded, payload)| {
            let payload = match payload {
                Payload::Ip(draft) => Payload::Ip(Draft {
                    ttl: ttl.unwrap_or(draft.ttl),
                    ..draft
                }),
                other => other,
            };
            let mac = router_of(from.4).map_or(NOBODY, |router| router.node.mac);
            Sent {
                padded,
                ..payload.sent_by(&from, second, (mac, destination))
            }
        },
    )
}

/// What anybody sends to everybody or to a group; at times the MAC is not the
/// address's.
pub fn to_many() -> impl Strategy<Value = Sent> {
    let whom = select(STATIONS.to_vec()).prop_flat_map(|from| {
        let [x, y, z, _] = from.2.ip;
        let group = |[a, b, c, d]: Ip| (MacAddr::new([1, 0, 0x5e, b & 0x7f, c, d]), [a, b, c, d]);
        let all = |ip: Ip| (MacAddr::BROADCAST, ip);
        let right = vec![
            all([255; 4]),
            all([x, y, z, 255]),
            group([224, 0, 0, 251]),
            group(JOINED),
            // Nobody's.
            group([232, 200, 7, 7]),
            group(WITHHELD),
            group(RAW_GROUP),
        ];
        let (mdns, _) = right[2];
        let odd = vec![
            all([224, 0, 0, 251]),
            all(G.ip),
            all([x, y, z + 1, 255]),
            (mdns, [255; 4]),
            (mdns, [224, 0, 0, 252]),
            (mdns, A.ip),
            (MacAddr::new([0x33, 0x33, 0, 0, 0, 1]), [224, 0, 0, 1]),
        ];
        (
            Just(from),
            prop_oneof![5 => select(right), 1 => select(odd)],
        )
    });
    (whom, any::<bool>(), any::<bool>(), payloads()).prop_map(
        |((from, to), second, padded, payload)| Sent {
            padded,
            ..payload.sent_by(&from, second, to)
        },
    )
}

/// What any neighbours send each other that a device is to finish.
pub fn unfinished() -> impl Strategy<Value = (Sent, Left)> {
    (pairs(|_, _| true), device::drafts()).prop_map(|(pair, (draft, left))| {
        // Of what ends on the way, a router quotes the super-frame.
        let ttl = draft.ttl.max(3);
        let draft = Draft { ttl, ..draft };
        (Payload::Ip(draft).sent_to(pair, false), left)
    })
}

/// Two stations that may talk, and the MAC under which the first knows the
/// second: its own, or the router's, by which one reaches even neighbours.
type Pair = ((Station, Station), MacAddr);

fn pairs(which: impl Fn(&Station, &Station) -> bool) -> impl Strategy<Value = Pair> {
    let pairs: Vec<(Station, Station)> = STATIONS
        .iter()
        .flat_map(|from| STATIONS.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| which(from, to))
        .collect();
    let mut near = pairs.clone();
    near.retain(|(from, to)| from.4 == to.4 && from.2 != to.2);
    let mut far = pairs;
    far.retain(|(from, to)| are_linked(from.4, to.4));
    let near = select(near).prop_map(|pair| (pair, pair.1.2.mac));
    let far = select(far).prop_map(|pair| (pair, router_of(pair.0.4).unwrap().node.mac));
    prop_oneof![3 => near, 1 => far]
}

#[derive(Debug, Clone)]
enum Payload {
    Ip(Draft),
    Dhcp(Draft),
    Other(u16, Data),
}

impl Payload {
    /// In a right frame, to or from second addresses, or somebody behind, where
    /// there are any.
    fn sent_to(self, ((from, to), mac): Pair, second: bool) -> Sent {
        let other = to.3.or(behind(&to)).filter(|_| second);
        let destination = other.unwrap_or(to.2.ip);
        self.sent_by(&from, second, (mac, destination))
    }

    fn sent_by(self, from: &Station, second: bool, (mac, destination): (MacAddr, Ip)) -> Sent {
        let other = from.3.or(behind(from)).filter(|_| second);
        let source = other.unwrap_or(from.2.ip);
        Sent {
            site: from.1,
            port: from.2.port,
            tag: from.5,
            source_mac: from.2.mac,
            destination_mac: mac,
            padded: false,
            what: self.between(source, destination),
        }
    }

    fn between(self, source: Ip, destination: Ip) -> What {
        let source = match self {
            Self::Dhcp(_) => [0; 4],
            _ => source,
        };
        match self {
            Self::Ip(draft) | Self::Dhcp(draft) => What::Ip {
                source,
                destination,
                header_checksum_wrong: false,
                draft,
            },
            Self::Other(ether_type, data) => What::Other { ether_type, data },
        }
    }
}

fn payloads() -> impl Strategy<Value = Payload> {
    let dhcp = (any::<(u8, u16, u8, bool)>(), data(0..500));
    let dhcp = dhcp.prop_map(|((tos, id, ttl, asks), data)| {
        // A server has an address.
        let (of, ports): (fn(Draft) -> Payload, _) = match asks {
            true => (Payload::Dhcp, (68, 67)),
            false => (Payload::Ip, (67, 68)),
        };
        of(Draft {
            tos,
            id,
            ttl,
            reserved: false,
            dont_fragment: false,
            options: Vec::new(),
            piece: None,
            body: Body::Transport {
                protocol: 17,
                ports,
                data,
                checksum: Field::Right,
            },
        })
    });
    let (_, extra) = EXTRA_ETHERTYPE;
    let kinds = prop_oneof![3 => Just(extra), 1 => select(OTHER_KINDS.to_vec())];
    let sizes = prop_oneof![4 => data(0..200), 2 => data(1400..1520), 1 => data(8900..9100)];
    let other = (kinds, sizes).prop_map(|(kind, data)| Payload::Other(kind, data));
    prop_oneof![40 => drafts().prop_map(Payload::Ip), 1 => dhcp, 2 => other]
}

/// IPv6, LLDP, MPLS, IEEE 802.3's lengths.
const OTHER_KINDS: [u16; 4] = [0x86dd, 0x88cc, 0x8847, 46];

fn data(len: core::ops::Range<u16>) -> BoxedStrategy<Data> {
    (len, any::<u32>())
        .prop_map(|(len, seed)| Data { len, seed })
        .boxed()
}

/// Any mix of senders, receivers, tags, MACs and addresses.
pub fn anybodys() -> impl Strategy<Value = Sent> {
    let from = select(STATIONS.to_vec());
    from.prop_flat_map(|from| {
        let same_segment = STATIONS.iter().filter(|s| s.4 == from.4).map(|s| s.2);
        let same_segment: Vec<Node> = same_segment.collect();
        let router = router_of(from.4).map_or(J, |router| router.node);
        let beyond = select(BEYOND.to_vec()).prop_map(move |ip| Node { ip, ..router });
        let to = prop_oneof![4 => select(same_segment), 1 => anybody(), 2 => beyond];
        (Just(from), to)
    })
    .prop_flat_map(|(from, to)| {
        let tags = prop_oneof![
            Just(None),
            any::<u16>().prop_map(Some),
            Just(Some(100)),
            Just(Some(200)),
            Just(Some(0xe000)),
        ];
        (
            (
                mostly(from.2.port, 0..8u16),
                mostly(from.5, tags),
                mostly(from.2.mac, anybody().prop_map(|node| node.mac)),
                mostly(to.mac, anybody().prop_map(|node| node.mac)),
                any::<bool>(),
            ),
            mostly(from.2.ip, anybody().prop_map(|node| node.ip)),
            mostly(to.ip, anybody().prop_map(|node| node.ip)),
            Just(from.1),
        )
    })
    .prop_flat_map(|(outside, source, destination, site)| {
        let source_mac = outside.2;
        let payload = (payloads(), mostly(false, Just(true))).prop_map(move |(payload, wrong)| {
            let mut what = payload.between(source, destination);
            if let What::Ip {
                header_checksum_wrong,
                ..
            } = &mut what
            {
                *header_checksum_wrong = wrong;
            }
            what
        });
        let arp = (
            prop_oneof![4 => Just(1), 1 => Just(2)],
            mostly(source_mac, anybody().prop_map(|node| node.mac)),
            prop_oneof![8 => Just(source), 1 => Just([0; 4]), 1 => Just(destination)],
            prop_oneof![8 => Just(destination), 1 => Just(source)],
        )
            .prop_map(|(operation, sender_mac, sender, target)| What::Arp {
                operation,
                sender_mac,
                sender,
                target,
            });
        let what = prop_oneof![16 => payload, 3 => arp];
        (Just(outside), what, Just(site))
    })
    .prop_map(
        |((port, tag, source_mac, destination_mac, padded), what, site)| Sent {
            site,
            port,
            tag,
            source_mac,
            destination_mac,
            padded,
            what,
        },
    )
}

/// What is asked of routers: stations, routers, nobody and no way, broadcasts,
/// and what is never routed.
const BEYOND: [Ip; 30] = [
    BEHIND_F,
    BEHIND_G,
    BEHIND_G,
    [192, 168, 7, 255],
    H.ip,
    H.ip,
    A.ip,
    D_SECOND,
    F.ip,
    G.ip,
    C.ip,
    X.ip,
    J.ip,
    J.ip,
    J.ip,
    J.ip,
    L.ip,
    L.ip,
    L.ip,
    L.ip,
    [10, 1, 5, 99],
    [10, 0, 0, 99],
    [10, 1, 9, 9],
    [8, 8, 8, 8],
    [10, 1, 5, 255],
    [10, 0, 0, 255],
    [127, 0, 0, 1],
    [239, 1, 1, 1],
    [255, 0, 0, 1],
    [0, 1, 2, 3],
];

fn anybody() -> impl Strategy<Value = Node> {
    let nobody = Node {
        mac: NOBODY,
        ip: [10, 0, 0, 99],
        port: 0,
    };
    let all = Node {
        mac: MacAddr::BROADCAST,
        ip: [255; 4],
        port: 0,
    };
    let group = Node {
        mac: MacAddr::new([1, 0, 0x5e, 0, 0, 251]),
        ip: [224, 0, 0, 251],
        port: 0,
    };
    let nodes = STATIONS.iter().map(|s| s.2);
    let behind = PHANTOMS.map(|(node, ip)| Node { ip, ..node });
    let nodes = nodes.chain([J, L, nobody, all, group]).chain(behind);
    select(nodes.collect::<Vec<_>>())
}

/// Now and then something else than what is right.
fn mostly<T: Clone + core::fmt::Debug + 'static>(
    right: T,
    otherwise: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![9 => Just(right), 1 => otherwise]
}
