//! Does one rule match one packet?

use packet::{IpProtocol, VirtualAddr};
use vnet::compiled::{Ipv4Subnet, Peers, Rule, Service};

use super::question::{Carried, Peer, Question};

/// How a rule matches a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// It does not.
    No,
    /// It would, if what is not here were as it asks.
    Maybe,
    /// It does.
    Yes,
}

/// How a rule matches.
pub(super) fn holds(rule: &Rule, question: &Question) -> Match {
    let inside = question.is_inside();
    if !includes(&rule.from, question.from, inside)
        || !includes(&rule.to, question.to, inside)
        || rule.when.is_some_and(|when| !when.contains(question.at))
    {
        return Match::No;
    }
    let services = rule.services.iter();
    let best = services.map(|service| carries(service, question.carried));
    let best = best.max().unwrap_or(Match::No);
    match (&rule.size, question.len) {
        (None, _) => best,
        (Some(size), Some(len)) if size.contains(&len) => best,
        (Some(_), Some(_)) => Match::No,
        (Some(_), None) if question.carried == Carried::Foreign => Match::No,
        (Some(_), None) => best.min(Match::Maybe),
    }
}

fn includes(peers: &Peers, peer: Peer, inside: bool) -> bool {
    peers.any
        || (inside && peers.same_segment)
        || (!inside && peers.other_segment)
        || peers.segments.binary_search(&peer.segment).is_ok()
        || peers
            .stations
            .binary_search(&(peer.segment, peer.address))
            .is_ok()
        || in_one_of(&peers.prefixes, peer.address)
}

/// They are ordered by their first address, and none lies inside of another.
fn in_one_of(prefixes: &[Ipv4Subnet], address: VirtualAddr) -> bool {
    let end = prefixes.partition_point(|prefix| prefix.network() <= address.ipv4());
    let before = prefixes.get(..end).unwrap_or_default();
    before.last().is_some_and(|prefix| prefix.contains(address))
}

fn carries(service: &Service, carried: Carried) -> Match {
    let yes = |yes: bool| if yes { Match::Yes } else { Match::No };
    let maybe = |maybe: bool| if maybe { Match::Maybe } else { Match::No };
    match (*service, carried) {
        (Service::Any, _) => Match::Yes,
        (_, Carried::Foreign) => Match::No,
        (Service::Protocol(asked), carried) => yes(carried.protocol() == Some(asked)),
        (
            Service::Ports {
                protocol: asked,
                source: from,
                destination: to,
            },
            Carried::Ports {
                protocol,
                source,
                destination,
            },
        ) => yes(asked == protocol && from.contains(source) && to.contains(destination)),
        (
            Service::Ports {
                protocol: asked, ..
            },
            Carried::Later(protocol) | Carried::Short(protocol),
        ) => maybe(asked == protocol),
        (Service::Icmp { kind: asked, code }, Carried::Icmp { kind, code: is }) => {
            yes(asked == kind && code.is_none_or(|code| code == is))
        }
        (Service::Icmp { .. }, Carried::Later(protocol) | Carried::Short(protocol)) => {
            maybe(protocol == IpProtocol::ICMP)
        }
        (Service::Ports { .. } | Service::Icmp { .. }, _) => Match::No,
    }
}
