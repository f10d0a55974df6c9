//! What a packet carries: `tcp/443`, `icmp`, `udp/5000-5010`.

use packet::IpProtocol;

use crate::compiled::{PortRange, Service};
use crate::diagnostic::Diagnostics;
use crate::yaml::nearest::did_you_mean;
use crate::yaml::{Fields, Node, Value, fields};

/// Protocols that have a name here (IANA protocol-numbers); those with ports
/// first.
const PROTOCOLS: [(&str, IpProtocol); 14] = [
    ("tcp", IpProtocol::TCP),
    ("udp", IpProtocol::UDP),
    ("sctp", IpProtocol::SCTP),
    ("dccp", IpProtocol::DCCP),
    ("udplite", IpProtocol::UDP_LITE),
    ("icmp", IpProtocol::ICMP),
    ("igmp", IpProtocol::IGMP),
    ("gre", IpProtocol(47)),
    ("esp", IpProtocol(50)),
    ("ah", IpProtocol::AH),
    ("eigrp", IpProtocol(88)),
    ("ospf", IpProtocol(89)),
    ("pim", IpProtocol(103)),
    ("vrrp", IpProtocol(112)),
];

/// How many of them have ports.
const WITH_PORTS: usize = 5;

/// ICMP types that have a name here (RFC 792).
const ICMP_TYPES: [(&str, u8); 8] = [
    ("echo-reply", 0),
    ("unreachable", 3),
    ("redirect", 5),
    ("echo", 8),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp", 13),
    ("timestamp-reply", 14),
];

/// One, or several.
pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Vec<Service> {
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        let message = "an empty list: nothing is meant";
        out.error(&node.place, message, "name at least one service, or any");
    }
    let mut services = Vec::new();
    for item in fields::one_or_many(node) {
        match &item.value {
            Value::Map(_) => services.extend(of_map(item, out)),
            _ => services.extend(of_word(item, out)),
        }
    }
    services
}

fn of_word(node: &Node, out: &mut Diagnostics) -> Option<Service> {
    let text = fields::text(node, "a service", out)?;
    let word = text.value.as_str();
    if word == "any" {
        return Some(Service::Any);
    }
    let (name, rest) = match word.split_once('/') {
        Some((name, rest)) => (name, Some(rest)),
        None => (word, None),
    };
    let protocol = protocol(name, node, out)?;
    let Some(rest) = rest else {
        return Some(Service::Protocol(protocol));
    };
    let service = if protocol == IpProtocol::ICMP {
        icmp(rest)
    } else if has_ports(protocol) {
        range(rest).map(|(first, last)| Service::Ports {
            protocol,
            source: PortRange::ALL,
            destination: PortRange { first, last },
        })
    } else {
        let message = format!("protocol {name} has no ports");
        out.error(&node.place, message, format!("write {name}"));
        return None;
    };
    if service.is_none() {
        let message = format!("\"{}\" is not a service", word.escape_debug());
        let remedy = match protocol {
            IpProtocol::ICMP => "write icmp/TYPE or icmp/TYPE/CODE, e.g. icmp/echo or icmp/3/4",
            _ => "write a port or a range, e.g. tcp/443 or udp/5000-5010",
        };
        out.error(&node.place, message, remedy);
    }
    service
}

/// `8`, `echo`, `3/4`, `unreachable/4`
fn icmp(text: &str) -> Option<Service> {
    let (kind, code) = match text.split_once('/') {
        Some((kind, code)) => (kind, Some(number(code)?)),
        None => (text, None),
    };
    let named = ICMP_TYPES.iter().find(|(name, _)| *name == kind);
    let kind = named.map_or_else(|| number(kind), |(_, kind)| Some(*kind))?;
    Some(Service::Icmp { kind, code })
}

/// `{ protocol: tcp, ports: [80, 8000-8100], source-ports: 1024-65535 }`
fn of_map(node: &Node, out: &mut Diagnostics) -> Vec<Service> {
    let Some(mut fields) = Fields::of(node, "a service", out) else {
        return Vec::new();
    };
    let named = fields.need("protocol", "tcp, udp, sctp, dccp or udplite", out);
    let named = named.and_then(|node| Some((fields::text(node, "protocol", out)?.value, node)));
    let protocol = named.and_then(|(name, node)| {
        let protocol = protocol(&name, node, out)?;
        if has_ports(protocol) {
            return Some(protocol);
        }
        let message = format!("protocol {name} has no ports");
        out.error(&node.place, message, format!("write {name} alone"));
        None
    });
    let destinations = ranges(&mut fields, "ports", out);
    let sources = ranges(&mut fields, "source-ports", out);
    fields.finish(out);
    let Some(protocol) = protocol else {
        return Vec::new();
    };
    let pairs = sources.iter().flat_map(|source| {
        let destinations = destinations.iter();
        destinations.map(|destination| (*source, *destination))
    });
    let services = pairs.map(|(source, destination)| Service::Ports {
        protocol,
        source,
        destination,
    });
    services.collect()
}

fn ranges(fields: &mut Fields<'_>, key: &'static str, out: &mut Diagnostics) -> Vec<PortRange> {
    let Some(node) = fields.get(key, out) else {
        return vec![PortRange::ALL];
    };
    let items = fields::one_or_many(node).iter();
    let ranges = items.filter_map(|item| {
        let text = fields::text(item, key, out)?;
        let range = range(&text.value);
        if range.is_none() {
            let message = format!("{key} \"{}\" is no range", text.value.escape_debug());
            let remedy = "write a port or a range, e.g. 443 or 5000-5010";
            out.error(&item.place, message, remedy);
        }
        range.map(|(first, last)| PortRange { first, last })
    });
    ranges.collect()
}

/// `443` or `5000-5010`.
pub(super) fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// Decimal digits and nothing else.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn protocol(name: &str, node: &Node, out: &mut Diagnostics) -> Option<IpProtocol> {
    let known = PROTOCOLS.iter().find(|(known, _)| *known == name);
    let found = known.map_or_else(|| number(name).map(IpProtocol), |(_, found)| Some(*found));
    if found.is_none() {
        let message = format!("there is no protocol \"{}\"", name.escape_debug());
        let names = PROTOCOLS.map(|(name, _)| name);
        let remedy = did_you_mean(name, names, || {
            let names = names.join(", ");
            format!("write any, a number from 0 to 255, or one of: {names}")
        });
        out.error(&node.place, message, remedy);
    }
    found
}

fn has_ports(protocol: IpProtocol) -> bool {
    let mut with = PROTOCOLS.iter().take(WITH_PORTS);
    with.any(|(_, known)| *known == protocol)
}

fn name(protocol: IpProtocol) -> String {
    let known = PROTOCOLS.iter().find(|(_, known)| *known == protocol);
    known.map_or_else(|| protocol.0.to_string(), |(name, _)| (*name).to_owned())
}

/// In one spelling.
pub(super) fn spelled(service: &Service) -> String {
    match *service {
        Service::Any => "any".to_owned(),
        Service::Protocol(protocol) => name(protocol),
        Service::Ports {
            protocol,
            source: PortRange::ALL,
            destination,
        } => format!("{}/{destination}", name(protocol)),
        Service::Ports {
            protocol,
            source,
            destination,
        } => format!("{}/{source}>{destination}", name(protocol)),
        Service::Icmp { kind, code } => {
            let named = ICMP_TYPES.iter().find(|(_, known)| *known == kind);
            let kind = named.map_or_else(|| kind.to_string(), |(name, _)| (*name).to_owned());
            match code {
                Some(code) => format!("icmp/{kind}/{code}"),
                None => format!("icmp/{kind}"),
            }
        }
    }
}
