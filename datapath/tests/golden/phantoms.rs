//! Phantom routers: what is for others reaches them, and what they forward is
//! proved by their slot.

use packet::build::Frame;
use packet::{Slot, SubstrateAddr};

use crate::bench::plan::ip_of;
use crate::bench::{A, BACK, BEHIND_F, BEHIND_G, C, D, F, F_BACK, FRONT, G, H, Ip, J, Plan, frame};
use crate::case::{Case, a, at_r, fabric, g, on_s_uplink};

const OUTSIDE: Ip = [198, 51, 100, 9];

pub(crate) fn all() -> Vec<Case> {
    vec![to_them(), by_them(), from_the_fabric()]
}

/// F and G are phantom routers in `front`, F in `back`, too; J's default route
/// leads to G.
fn phantoms(plan: Plan) -> Plan {
    plan.phantom(FRONT, F, &[([192, 168, 6, 0], 24)])
        .phantom(BACK, F_BACK, &[([10, 0, 0, 0], 8)])
        .phantom(FRONT, G, &[([0, 0, 0, 0], 0)])
        .default_of_j(&[G])
}

fn to_them() -> Case {
    let to = |node, ip| frame(A, node).ipv4(A.ip, ip);
    at_r(
        A,
        "phantom-to-one",
        "product 1.3: forward, in a destination: deliver to the node in slot, whatever the \
         embedded address says",
        vec![
            to(G, G.ip).udp(1, 2, b"to itself"),
            to(G, BEHIND_G).ttl(9).udp(1, 2, b"behind it"),
            to(G, OUTSIDE)
                .options(&[7, 7, 4, 0, 0, 0, 0])
                .udp(1, 2, b"raw"),
            to(J, OUTSIDE).ttl(9).udp(1, 2, b"by a logical router"),
            to(J, OUTSIDE).ttl(1).udp(1, 2, b"as far as that"),
            to(F, BEHIND_F).udp(1, 2, b"on this host"),
            to(G, [224, 0, 0, 9]).udp(1, 2, b"a group, to its MAC"),
        ],
    )
    .on(phantoms)
    .look("the byte before the segment id in out-fabric0: 0e is slot 3 and forward")
}

fn by_them() -> Case {
    let f = |to, source, ip| frame(F, to).ipv4(source, ip);
    let in_back = |source| frame(F_BACK, C).vlan(200).ipv4(source, C.ip);
    at_r(
        F,
        "phantom-by-one",
        "product 1.5: a phantom router sends for its prefixes; forward, in a source: sent by the \
         phantom router in slot on behalf of the embedded address",
        vec![
            f(G, F.ip, G.ip).udp(1, 2, b"from itself"),
            f(G, BEHIND_F, G.ip).udp(1, 2, b"for another"),
            f(G, BEHIND_F, BEHIND_G).udp(1, 2, b"from one to the next"),
            f(J, BEHIND_F, H.ip).ttl(9).udp(1, 2, b"by logical routers"),
            f(A, BEHIND_F, A.ip).udp(1, 2, b"on this host"),
            f(G, BEHIND_F, G.ip)
                .fragment(0, true)
                .icmp_echo(1, 1, &[7; 64]),
            in_back(A.ip).udp(1, 2, b"back's default router"),
            in_back([10, 0, 5, 9]).udp(1, 2, b"back itself"),
            f(G, [192, 168, 7, 6], G.ip).udp(1, 2, b"not behind it"),
            f(G, D.ip, G.ip).udp(1, 2, b"its neighbour's"),
        ],
    )
    .on(phantoms)
    .look("the byte before the segment id in out-fabric0: 1a is slot 6 and forward")
}

fn from_the_fabric() -> Case {
    let by_slot = |slot: u8, of: SubstrateAddr, ip: Ip| SubstrateAddr {
        slot: Slot::new(slot).unwrap(),
        forward: true,
        address: ip_of(ip),
        ..of
    };
    let f = by_slot(6, a(), BEHIND_F);
    let to_g = by_slot(3, g(), BEHIND_G);
    let raw = |source: Ip| {
        let inside = Frame::between(F.mac, G.mac)
            .ipv4(source, G.ip)
            .udp(1, 2, b"raw");
        fabric(f, g()).protocol(97, &[vec![0x30, 0], inside].concat())
    };
    on_s_uplink(
        "phantom-from-the-fabric",
        "product 1.6: the source's forward bit set: (locator, segment, slot) names the interface, \
         and a phantom router's inner source must lie in its prefixes",
        vec![
            fabric(f, g()).udp(1, 2, b"by F"),
            fabric(a(), to_g).udp(1, 2, b"to G, for another"),
            fabric(f, to_g).udp(1, 2, b"by F, to G"),
            raw(BEHIND_F),
            raw([192, 168, 6, 7]),
            fabric(by_slot(6, a(), BEHIND_G), g()).udp(1, 2, b"not behind F"),
            fabric(by_slot(7, a(), BEHIND_F), g()).udp(1, 2, b"another slot"),
            fabric(by_slot(6, g(), BEHIND_F), g()).udp(1, 2, b"the own locator"),
            fabric(a(), by_slot(4, g(), BEHIND_G)).udp(1, 2, b"nobody's slot"),
        ],
    )
    .on(phantoms)
}
