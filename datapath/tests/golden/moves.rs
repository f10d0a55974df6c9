//! A node that has moved: what the old host sends on, and what the new one believes.

use packet::SubstrateAddr;
use packet::build::Frame;

use crate::bench::moves::{after_move, gone};
use crate::bench::{A, D, FRONT, G, Plan, Site, frame};
use crate::case::{Case, a, fabric, g, on_s_uplink};

pub(crate) fn all() -> Vec<Case> {
    vec![at_the_old_host(), at_the_new_host()]
}

fn at_the_old_host() -> Case {
    let inside = frame(A, G).ipv4(A.ip, G.ip).options(&[7, 7, 4, 0, 0, 0, 0]);
    let raw = [vec![0x30, 0], inside.udp(1, 2, b"raw")].concat();
    on_s_uplink(
        "moved-away",
        "product 1.6: a node that moved away recently: forward to its new locator for a grace \
         time",
        vec![
            fabric(a(), g()).udp(1, 2, b"rewritten"),
            fabric(a(), g()).protocol(97, &raw),
            fabric(a(), g()).icmp_echo(1, 1, b"ping"),
        ],
    )
    .on(|plan| after_move(&plan, gone(plan.clone(), G)))
    .look("source and destination in out-fabric0 are G, under two locators; the frames are raw")
}

/// A has just been on R.
fn at_the_new_host() -> Case {
    let to = Site::S.substrate(FRONT, A.ip);
    let relay = |source: SubstrateAddr, inside: Vec<u8>| {
        fabric(source, to).protocol(97, &[vec![0x30, 0], inside].concat())
    };
    let whole = || frame(D, A).ipv4(D.ip, A.ip).udp(1, 2, b"from whomever");
    let elsewhere = SubstrateAddr {
        locator: "fd00:0:0:c::/64".parse().unwrap_or(to.locator),
        ..a()
    };
    on_s_uplink(
        "moved-here",
        "docs/security.md: what comes from a node's old place to the node itself in EtherIP is a \
         relay; no other host can relay",
        vec![
            relay(a(), whole()),
            relay(elsewhere, whole()),
            relay(to, whole()),
            relay(
                a(),
                Frame::between(D.mac, G.mac)
                    .ipv4(D.ip, G.ip)
                    .udp(1, 2, b"to G"),
            ),
            fabric(a(), to).udp(1, 2, b"to itself, and no relay"),
            fabric(a(), g()).udp(1, 2, b"to G, from A's old place"),
        ],
    )
    .on(a_is_here)
}

fn a_is_here(plan: Plan) -> Plan {
    let after = crate::bench::moves::come(plan.clone(), A, G);
    after_move(&plan, after)
}
