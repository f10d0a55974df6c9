//! Access rules: what passes, what is refused, and who is told.

use packet::MacAddr;
use packet::build::{Frame, Payload};

use crate::bench::{A, F, FRONT, G, H, J, Plan, Site, frame, v4};
use crate::case::{Case, at_r, fabric, on_s_uplink};

pub(crate) fn all() -> Vec<Case> {
    vec![by_a(), from_the_fabric()]
}

const RULES: &str = "\
rules:
  - { from: a, to: g, deny: tcp/22 }
  - { from: a, to: g, allow: [icmp, tcp/443, udp/5000-5010] }
  - { from: front, to: 239.0.0.0/8, allow: udp }
  - { from: a, to: far, allow: any, size: 0-100 }
defaults: { refused: reject }
";

fn ruled(plan: Plan) -> Plan {
    plan.ruled(RULES)
}

fn by_a() -> Case {
    let tcp = |port| {
        v4(A, G)
            .ttl(9)
            .carrying(Payload::tcp(50_000, port, 1, 2, b""))
    };
    let group = Frame::between(A.mac, MacAddr::for_ipv4_multicast([239, 1, 2, 3].into()));
    let far = |len| frame(A, J).ipv4(A.ip, H.ip).udp(1, 2, &vec![0x5a; len]);
    at_r(
        A,
        "rules-sent",
        "RFC 1812 5.2.7.1: code 13, communication administratively prohibited, generated if a \
         router cannot forward a packet due to administrative filtering",
        vec![
            tcp(443),
            tcp(22),
            v4(A, G).icmp_echo(7, 1, b"ping"),
            v4(A, G).udp(1, 5000, b"in the range"),
            v4(A, G).udp(1, 5011, b"behind it"),
            v4(A, G).icmp((3, 3), (0, 0), &[0x45; 28]),
            v4(A, G).fragment(0, true).udp(1, 5000, &[0x5a; 16]),
            v4(A, G).fragment(3, false).protocol(17, b"the rest"),
            v4(A, G)
                .fragment(0, true)
                .protocol(6, &[0xc3, 0x50, 1, 0xbb, 0, 0, 0, 1]),
            v4(A, G).fragment(1, false).protocol(6, &[0; 12]),
            v4(A, G)
                .fragment(3, false)
                .protocol(132, b"of nothing that may pass"),
            group
                .clone()
                .ipv4(A.ip, [239, 1, 2, 3])
                .udp(1, 2, b"a group"),
            Frame::between(A.mac, MacAddr::BROADCAST)
                .ipv4(A.ip, [255; 4])
                .udp(1, 2, b"all"),
            far(72),
            far(73),
            v4(A, F).udp(1, 2, b"to a neighbour"),
        ],
    )
    .on(ruled)
    .look("ICMP 3/13 from j in out-a, about what is refused and no error, later piece or group")
}

/// G may not begin, but answer; A's are heard as they would have been sent.
fn from_the_fabric() -> Case {
    let a_to_g = || {
        fabric(
            Site::R.substrate(FRONT, A.ip),
            Site::S.substrate(FRONT, G.ip),
        )
    };
    on_s_uplink(
        "rules-heard",
        "product 1.6: are these two interfaces allowed to talk",
        vec![
            a_to_g().carrying(Payload::tcp(50_000, 443, 1, 2, b"")),
            a_to_g().carrying(Payload::tcp(50_000, 22, 1, 2, b"")),
            a_to_g().udp(1, 5010, b"the last port"),
            a_to_g().udp(1, 53, b"nobody says so"),
        ],
    )
    .on(ruled)
    .look("nothing goes back to the fabric")
}
