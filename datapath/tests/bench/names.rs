//! The worked example's names, and those of the stations added to it so that
//! every kind of link occurs.

use packet::build::Frame;
use packet::{MacAddr, SegmentId};

pub type Ip = [u8; 4];

/// Segment `front` of network z: 10.0.0.0/24, VLAN 100.
pub const FRONT: u32 = 0x00_a001;
/// Segment `back` of network z: 10.0.5.0/24, VLAN 200.
pub const BACK: u32 = 0x00_a002;
/// Segment `far` of network z: 10.1.5.0/24, no VLAN.
pub const FAR: u32 = 0x00_a003;
/// Segment `loose` of network z: 10.2.0.0/24, which resolves unknown MACs.
pub const LOOSE: u32 = 0x00_a004;
/// Segment `lan` of network y: 10.0.0.0/24, the same range as `front`.
pub const LAN: u32 = 0x00_b001;

/// A node's interface: MAC, address, port on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub mac: MacAddr,
    pub ip: Ip,
    pub port: u16,
}

const fn node(mac: [u8; 6], ip: Ip, port: u16) -> Node {
    let mac = MacAddr::new(mac);
    Node { mac, ip, port }
}

// On R.
/// Access link in `front`.
pub const A: Node = node([0, 5, 2, 0x0b, 0x27, 0x44], [10, 0, 0, 2], 0);
/// Access link in `back`.
pub const C: Node = node([2, 0, 0, 0, 5, 1], [10, 0, 5, 1], 1);
/// Entity Y's node, access link in `lan`, with A's address.
pub const B: Node = node([2, 0, 0, 0, 0x0b, 2], [10, 0, 0, 2], 2);
/// On a pure trunk with E, in `front`.
pub const D: Node = node([2, 0, 0, 0, 0, 0xd4], [10, 0, 0, 4], 3);
/// D's second address.
pub const D_SECOND: Ip = [10, 0, 0, 44];
/// On a pure trunk with D, in `front` …
pub const E: Node = node([2, 0, 0, 0, 0, 0xe5], [10, 0, 0, 5], 3);
/// … and in `back`, with the same MAC.
pub const E_BACK: Node = node([2, 0, 0, 0, 0, 0xe5], [10, 0, 5, 5], 3);
/// On a trunk whose native VLAN is `front`'s …
pub const F: Node = node([2, 0, 0, 0, 0, 0xf6], [10, 0, 0, 6], 4);
/// … with `back` tagged.
pub const F_BACK: Node = node([2, 0, 0, 0, 0, 0xf6], [10, 0, 5, 6], 4);
/// Access link in `loose`, shared with M.
pub const I: Node = node([2, 0, 0, 0, 2, 1], [10, 2, 0, 1], 5);
/// Access link in `loose`, shared with I.
pub const M: Node = node([2, 0, 0, 0, 2, 3], [10, 2, 0, 3], 5);

// On S.
/// On a trunk, in `front`, tagged …
pub const G: Node = node([2, 0, 0, 0, 0, 3], [10, 0, 0, 3], 0);
/// … and in `back`, native.
pub const G_BACK: Node = node([2, 0, 0, 0, 0, 3], [10, 0, 5, 4], 0);
/// Access link in `far`.
pub const H: Node = node([0, 0, 0x7d, 0xa2, 0x34, 0x11], [10, 1, 5, 3], 1);
/// Access link in `loose`.
pub const K: Node = node([2, 0, 0, 0, 2, 2], [10, 2, 0, 2], 2);
/// Entity Y's second node, access link in `lan`.
pub const X: Node = node([2, 0, 0, 0, 0x0b, 9], [10, 0, 0, 9], 3);

/// Logical router J in `front`.
pub const J: Node = node([0, 1, 0x42, 9, 0x88, 0x73], [10, 0, 0, 1], u16::MAX);
/// Logical router L in `far`.
pub const L: Node = node([0, 1, 0x42, 0xcd, 0x11, 1], [10, 1, 5, 1], u16::MAX);

/// Drawn nowhere: behind F, where F forwards in `front` …
pub const BEHIND_F: Ip = [192, 168, 6, 6];
/// … and behind G.
pub const BEHIND_G: Ip = [192, 168, 7, 7];

/// What is behind a node of `front` that may forward.
pub fn behind(node: Node) -> Option<Ip> {
    match node {
        F => Some(BEHIND_F),
        G => Some(BEHIND_G),
        _ => None,
    }
}

/// A MAC that nobody has.
pub const NOBODY: MacAddr = MacAddr::new([2, 0x99, 0, 0, 0, 0x99]);

/// R's uplinks; S has the one after its nodes.
pub const R_UPLINKS: [u16; 2] = [6, 7];
pub const S_UPLINK: u16 = 4;
/// The port of R's kernel, where it has one.
pub const R_KERNEL: u16 = 8;

pub const VLAN_FRONT: u16 = 100;
pub const VLAN_BACK: u16 = 200;

pub fn segment(id: u32) -> SegmentId {
    SegmentId::new(id).unwrap()
}

/// A bare frame from one node's MAC to another's.
pub fn frame(from: Node, to: Node) -> Frame {
    Frame::between(from.mac, to.mac)
}

/// An IPv4 packet in a bare frame from one node to another.
pub fn v4(from: Node, to: Node) -> packet::build::Ipv4 {
    frame(from, to).ipv4(from.ip, to.ip)
}

/// The same with a VLAN tag.
pub fn tagged(vlan: u16, from: Node, to: Node) -> packet::build::Ipv4 {
    frame(from, to).vlan(vlan).ipv4(from.ip, to.ip)
}
