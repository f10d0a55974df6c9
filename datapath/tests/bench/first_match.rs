//! Access rules as docs/rules.md tells them: from the first to the last, and the
//! first that matches decides. Slow, and written without a look at the product.

use packet::{IpProtocol, SegmentId, VirtualAddr};
use vnet::compiled::{AccessRules, Action, Peers, Rule, Service, WeekMinute};

/// A packet between two stations.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub from: (SegmentId, VirtualAddr),
    pub to: (SegmentId, VirtualAddr),
    pub what: What,
    /// Of the IPv4 packet; unknown of fragments, and of what is not IPv4.
    pub len: Option<u16>,
    pub at: WeekMinute,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    NotIpv4,
    /// Of a protocol whose ports or types nobody looks at.
    Other(u8),
    Ports(u8, u16, u16),
    Icmp(u8, u8),
    /// What its datagram begins with is elsewhere.
    LaterFragment(u8),
    /// It should have ports or a type, and has not.
    TooShort(u8),
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Pass,
    /// By that rule; `None`: by the default.
    Refuse(Option<usize>),
    TooShort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Not,
    Perhaps,
    So,
}

pub fn decide(rules: &AccessRules, sent: &Sent) -> Decision {
    for (at, rule) in rules.rules.iter().enumerate() {
        let is = matches(rule, sent);
        if is == Is::Perhaps && matches!(sent.what, What::TooShort(_)) {
            return Decision::TooShort;
        }
        match (is, rule.action) {
            (Is::So | Is::Perhaps, Action::Allow) => return Decision::Pass,
            (Is::So, Action::Deny) => return Decision::Refuse(Some(at)),
            _ => {}
        }
    }
    let default = if sent.from.0 == sent.to.0 {
        rules.inside
    } else {
        rules.between
    };
    match default {
        Action::Allow => Decision::Pass,
        Action::Deny => Decision::Refuse(None),
    }
}

fn matches(rule: &Rule, sent: &Sent) -> Is {
    if !is_among(&rule.from, sent.from, sent.to.0) || !is_among(&rule.to, sent.to, sent.from.0) {
        return Is::Not;
    }
    if let Some(when) = rule.when {
        let (day, minute) = (sent.at.get() / 1440, sent.at.get() % 1440);
        let on = |day: u16| when.days & (1 << (day % 7)) != 0;
        let within = if when.to > when.from {
            on(day) && minute >= when.from && minute < when.to
        } else if minute >= when.from {
            on(day)
        } else {
            minute < when.to && on(day + 6)
        };
        if !within {
            return Is::Not;
        }
    }
    let mut best = Is::Not;
    for service in &rule.services {
        best = match (best, is_service(*service, sent.what)) {
            (Is::So, _) | (_, Is::So) => Is::So,
            (Is::Perhaps, _) | (_, Is::Perhaps) => Is::Perhaps,
            _ => Is::Not,
        };
    }
    match (&rule.size, sent.len) {
        (None, _) => best,
        (Some(size), Some(len)) if *size.start() <= len && len <= *size.end() => best,
        (Some(_), Some(_)) => Is::Not,
        (Some(_), None) if sent.what == What::NotIpv4 => Is::Not,
        (Some(_), None) if best == Is::Not => Is::Not,
        (Some(_), None) => Is::Perhaps,
    }
}

fn is_among(peers: &Peers, peer: (SegmentId, VirtualAddr), other: SegmentId) -> bool {
    let (segment, address) = peer;
    let mut among = peers.any;
    among |= peers.same_segment && segment == other;
    among |= peers.other_segment && segment != other;
    among |= peers.segments.contains(&segment);
    among |= peers.stations.contains(&peer);
    among |= peers.prefixes.iter().any(|prefix| prefix.contains(address));
    among
}

fn is_service(service: Service, what: What) -> Is {
    let so = |so| if so { Is::So } else { Is::Not };
    let perhaps = |perhaps| if perhaps { Is::Perhaps } else { Is::Not };
    match (service, what) {
        (Service::Any, _) => Is::So,
        (_, What::NotIpv4) => Is::Not,
        (Service::Protocol(IpProtocol(asked)), what) => so(asked
            == match what {
                What::Other(protocol)
                | What::Ports(protocol, ..)
                | What::LaterFragment(protocol)
                | What::TooShort(protocol) => protocol,
                What::Icmp(..) => 1,
                What::NotIpv4 => return Is::Not,
            }),
        (
            Service::Ports {
                protocol: IpProtocol(asked),
                source,
                destination,
            },
            What::Ports(protocol, from, to),
        ) => so(asked == protocol
            && (source.first..=source.last).contains(&from)
            && (destination.first..=destination.last).contains(&to)),
        (
            Service::Ports {
                protocol: IpProtocol(asked),
                ..
            },
            What::LaterFragment(protocol) | What::TooShort(protocol),
        ) => perhaps(asked == protocol),
        (Service::Icmp { kind, code }, What::Icmp(is_kind, is_code)) => {
            so(kind == is_kind && code.is_none_or(|code| code == is_code))
        }
        (Service::Icmp { .. }, What::LaterFragment(protocol) | What::TooShort(protocol)) => {
            perhaps(protocol == 1)
        }
        _ => Is::Not,
    }
}
