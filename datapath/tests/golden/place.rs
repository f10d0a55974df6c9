//! Where a case's frames go in, and what comes out there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use datapath::pipeline::Verdict;
use datapath::pipeline::translate::external::rfc6052::{Prefix, TwoPrefixes};
use datapath::pipeline::translate::external::{Outcome, Settings, Way, to_v4, to_v6};
use datapath::pipeline::translate::mtu::NextHops;

use crate::bench::{Plan, Site};

/// A place with a port.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A port of a host of the worked example; the `Plan` may have been changed.
    Port { plan: Box<Plan>, port: u16 },
    /// A translator at the border to systems without a vswitch, pure: IPv4 on
    /// its one side, IPv6 on the other.
    Border(NextHops),
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    /// Port name → frames.
    pub out: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// What became of a frame → how many.
    pub counts: BTreeMap<String, u64>,
}

impl Happened {
    fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn leaves(&mut self, port: &'static str, frame: Vec<u8>) {
        self.out.entry(port).or_default().push(frame);
    }
}

const R_PORTS: [&str; 8] = [
    "a",
    "c",
    "b",
    "trunk-d-e",
    "trunk-f",
    "i-m",
    "fabric0",
    "fabric1",
];
const S_PORTS: [&str; 5] = ["trunk-g", "h", "k", "x", "fabric0"];

fn port_name(site: Site, port: u16) -> &'static str {
    match site {
        Site::R => R_PORTS[usize::from(port)],
        Site::S => S_PORTS[usize::from(port)],
    }
}

/// The two sides of the translator, RFC 6052's way.
pub(crate) const FOUR_SIDE: &str = "2001:db8:4::";
pub(crate) const SIX_SIDE: &str = "2001:db8:6::";

impl Place {
    /// In words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Port { plan, port } => {
                format!("host {:?}, port {}", plan.site, port_name(plan.site, *port))
            }
            Self::Border(next_hops) => {
                let mut text = format!(
                    "a translator: the IPv4 side is {FOUR_SIDE}/96 in IPv6, the IPv6 side \
                     {SIX_SIDE}/96"
                );
                for (version, mtu) in [(4, next_hops.v4), (6, next_hops.v6)] {
                    if let Some(mtu) = mtu {
                        write!(text, ", next hop of IPv{version} {mtu} bytes").unwrap();
                    }
                }
                text
            }
        }
    }

    pub(crate) fn run(&self, name: &str, frames: &[Vec<u8>]) -> Happened {
        match self {
            Self::Port { plan, port } => at_port(plan, *port, name, frames),
            Self::Border(next_hops) => at_border(*next_hops, frames),
        }
    }
}

fn at_port(plan: &Plan, at: u16, case: &str, frames: &[Vec<u8>]) -> Happened {
    let site = plan.site;
    let mut host = plan.clone().host();
    let from_substrate = site.uplinks().iter().any(|uplink| uplink.0 == at);
    let mut happened = Happened::default();
    for frame in frames {
        let outcome = if from_substrate {
            host.substrate_delivers(frame)
        } else {
            host.node_sends(at, frame)
        };
        let name = |port: u16| port_name(site, port);
        for (port, frame) in &outcome.sent {
            happened.leaves(name(port.0), frame.clone());
        }
        if matches!(outcome.cx.verdict, Verdict::Copy(_) | Verdict::Snoop(_)) {
            for reason in &outcome.booked {
                let (stage, name) = (reason.stage(), reason.name());
                happened.count(format!("copy dropped {stage}.{name}"));
            }
        }
        happened.count(match outcome.cx.verdict {
            Verdict::Forward(port) => format!("forwarded to {}", name(port.0)),
            Verdict::Cut(_) => format!("cut into {}", outcome.sent.len()),
            Verdict::Copy(_) => format!("copied to {}", outcome.sent.len()),
            Verdict::Snoop(_) => format!("snooped, copied to {}", outcome.sent.len()),
            Verdict::Reply => format!("answered to {}", name(at)),
            Verdict::Consume(what) => format!("consumed {what:?}").to_lowercase(),
            Verdict::Punt(what) => format!("punted {what:?}").to_lowercase(),
            Verdict::Drop(reason) => format!("dropped {}.{}", reason.stage(), reason.name()),
            Verdict::Next => panic!("{case}: nobody decided"),
        });
    }
    happened
}

/// Frames with IPv4 go to IPv6 and the reverse. What comes out has the MAC
/// addresses that went in: they are not the translator's business.
fn at_border(next_hops: NextHops, frames: &[Vec<u8>]) -> Happened {
    let prefix = |text: &str| Prefix::new(text.parse().unwrap(), 96).unwrap();
    let map = TwoPrefixes {
        converted: prefix(FOUR_SIDE),
        translatable: prefix(SIX_SIDE),
    };
    let way = Way {
        map: &map,
        settings: &Settings::default(),
        next_hops,
    };
    let mut happened = Happened::default();
    // Any numbers do that are unique in a datagram's lifetime.
    let mut id = 0x1000;
    for frame in frames {
        let (macs, packet) = (&frame[..12], &frame[14..]);
        if frame[12..14] == [0x08, 0x00] {
            let outcome = to_v6::to_v6(packet, &way, &mut |head, body| {
                let frame = [macs, &[0x86, 0xdd], head, body].concat();
                happened.leaves("v6", frame);
            });
            happened.count(in_words(outcome, |error| error.message()));
        } else {
            let mut identify = |_, _, _| {
                id += 1;
                id
            };
            let outcome = to_v4::to_v4(packet, &way, &mut identify, &mut |head, body| {
                let frame = [macs, &[0x08, 0x00], head, body].concat();
                happened.leaves("v4", frame);
            });
            happened.count(in_words(outcome, |error| error.message()));
        }
    }
    happened
}

fn in_words<E>(outcome: Outcome<E>, message: impl Fn(E) -> (u8, u8, [u8; 4])) -> String {
    match outcome {
        Outcome::Translated(1) => "translated".to_owned(),
        Outcome::Translated(count) => format!("translated and cut into {count}"),
        Outcome::Answer(error, why) => {
            let (kind, code, rest) = message(error);
            let rest = u32::from_be_bytes(rest);
            format!("answered with {kind}/{code} and {rest}: {why:?}")
        }
        Outcome::Dropped(why) => format!("dropped {why:?}"),
    }
}
