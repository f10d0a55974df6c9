//! The model's access rules: what is asked of a packet before anybody gets it.

use std::sync::LazyLock;

use packet::VirtualAddr;
use vnet::compiled::{AccessRules, WeekMinute};

use super::bench::first_match::{Decision, Sent, What, decide};
use super::bench::plan::{Station, ip_of};
use super::bench::{Ip, LAN, rules, segment};
use super::ipv4::Packet;

/// Without replies: then every packet is judged by itself.
pub const RULES: &str = "\
groups: [{ name: some, members: [d, { node: g, segment: front }, 10.0.5.0/30] }]
rules:
  - { from: a, to: any, deny: { protocol: tcp, ports: 0-30000 } }
  - { from: front, to: [f, some], deny: [udp/20000-65535, icmp/echo, 47] }
  - { from: other-segment, to: h, allow: [tcp/10000-65535, udp, icmp] }
  - { from: h, to: any, allow: any, size: 0-200 }
  - { from: front, to: 224.0.0.0/4, deny: { protocol: udp, source-ports: 0-40000 } }
  - { from: same-segment, to: any, allow: any }
defaults: { refused: reject, replies: deny }
";

static READ: LazyLock<AccessRules> = LazyLock::new(|| rules::rules(RULES));

/// May it pass? `to`: the segment and address that it is for.
pub fn permit(from: &Station, to: (u32, Ip), packet: &Packet<'_>) -> Decision {
    let what = match (packet.protocol, packet.payload) {
        // RFC 1858 §3.
        (6, _) if packet.offset == 8 => What::TooShort(6),
        (protocol, _) if packet.offset > 0 => What::LaterFragment(protocol),
        (6, segment) if segment.len() < 14 => What::TooShort(6),
        (protocol @ (6 | 17 | 33 | 132 | 136), &[a, b, c, d, ..]) => What::Ports(
            protocol,
            u16::from_be_bytes([a, b]),
            u16::from_be_bytes([c, d]),
        ),
        (1, &[kind, code, ..]) => What::Icmp(kind, code),
        (protocol @ (1 | 17 | 33 | 132 | 136), _) => What::TooShort(protocol),
        (protocol, _) => What::Other(protocol),
    };
    let len = (!packet.is_fragment()).then(|| packet.len() as u16);
    asked(from, packet.source, to, what, len)
}

/// The same of what is not IPv4.
pub fn permit_other(from: &Station, to: (u32, Ip)) -> Decision {
    asked(from, from.2.ip, to, What::NotIpv4, None)
}

fn asked(
    from: &Station,
    source: Ip,
    (to_segment, to): (u32, Ip),
    what: What,
    len: Option<u16>,
) -> Decision {
    // Network y has no rules.
    if from.4 == LAN {
        return Decision::Pass;
    }
    let end = |id: u32, ip: Ip| -> (_, VirtualAddr) { (segment(id), ip_of(ip)) };
    let sent = Sent {
        from: end(from.4, source),
        to: end(to_segment, to),
        what,
        len,
        at: WeekMinute::at(0),
    };
    decide(&READ, &sent)
}
