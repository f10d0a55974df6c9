//! Frames: what one that came in says, and how one that goes out is made.

use core::net::Ipv6Addr;

use packet::checksum::{Sum, pseudo_header_v6};
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv6::{FlowLabel, IPV6_LEN, Ipv6Fields, Ipv6Header};
use packet::{EtherType, IpProtocol, MacAddr, mld};
use zerocopy::{FromBytes, IntoBytes};

use super::address::is_unicast;
use super::reason::Reason;

/// A frame that came in, so far as every host must understand it.
#[derive(Debug)]
pub(super) struct Received<'a> {
    /// Who sent it, on the link.
    pub(super) source_mac: MacAddr,
    /// The IPv6 header.
    pub(super) header: &'a Ipv6Header,
    /// What follows the hop-by-hop options, if any.
    pub(super) upper: &'a [u8],
    /// The protocol of that.
    pub(super) protocol: IpProtocol,
    /// The hop-by-hop options contained Router Alert.
    pub(super) router_alert: bool,
}

impl<'a> Received<'a> {
    /// The parts of a frame that came in by the port whose MAC is `own`.
    pub(super) fn parse(frame: &'a [u8], own: MacAddr) -> Result<Self, Reason> {
        let (ethernet, rest) =
            EthernetHeader::ref_from_prefix(frame).map_err(|_| Reason::Truncated)?;
        if ethernet.ether_type != EtherType::IPV6 {
            return Err(Reason::NotIpv6);
        }
        if !ethernet.source.is_unicast() {
            return Err(Reason::SourceMacInvalid);
        }
        if ethernet.source == own {
            return Err(Reason::LoopedBack);
        }
        let (header, rest) = Ipv6Header::ref_from_prefix(rest).map_err(|_| Reason::Truncated)?;
        if header.version() != 6 || header.source().is_multicast() || header.source().is_loopback()
        {
            return Err(Reason::BadIpHeader);
        }
        let group = header.destination().is_multicast();
        let ours = ethernet.destination == own
            || (group && ethernet.destination == MacAddr::for_ipv6_multicast(header.destination()));
        if !ours {
            return Err(Reason::NotForThisMac);
        }
        // What is longer than the header says is padding of the frame.
        let payload = rest.get(..header.payload_len()).ok_or(Reason::Truncated)?;
        let (protocol, upper, router_alert) = match header.next_header {
            IpProtocol::HOP_BY_HOP => hop_by_hop(payload)?,
            protocol => (protocol, payload, false),
        };
        Ok(Self {
            source_mac: ethernet.source,
            header,
            upper,
            protocol,
            router_alert,
        })
    }

    pub(super) fn source(&self) -> Ipv6Addr {
        self.header.source()
    }

    pub(super) fn destination(&self) -> Ipv6Addr {
        self.header.destination()
    }

    /// Type and message, if this is ICMPv6 with the right checksum.
    pub(super) fn icmp(&self) -> Result<(u8, &'a [u8]), Reason> {
        match self.protocol {
            IpProtocol::ICMPV6 => {}
            IpProtocol::FRAGMENT => return Err(Reason::Fragment),
            IpProtocol::HOP_BY_HOP
            | IpProtocol::ROUTING
            | IpProtocol::DESTINATION_OPTIONS
            | IpProtocol::AH
            | IpProtocol::MOBILITY => return Err(Reason::ExtensionHeader),
            _ => return Err(Reason::ProtocolUnsupported),
        }
        let &[kind, _, _, _, ..] = self.upper else {
            return Err(Reason::Truncated);
        };
        let sum = icmp_sum(self.header, self.upper).ok_or(Reason::Truncated)?;
        if sum.checksum() == 0 {
            Ok((kind, self.upper))
        } else {
            Err(Reason::BadChecksum)
        }
    }
}

/// What follows a hop-by-hop header, and whether it holds Router Alert
/// (RFC 8200 §4.3, RFC 2711).
fn hop_by_hop(payload: &[u8]) -> Result<(IpProtocol, &[u8], bool), Reason> {
    let &[next, eighths, ..] = payload else {
        return Err(Reason::Truncated);
    };
    let len = (usize::from(eighths) + 1) * 8;
    let mut options = payload.get(2..len).ok_or(Reason::Truncated)?;
    let upper = payload.get(len..).ok_or(Reason::Truncated)?;
    let mut router_alert = false;
    while let &[kind, ref rest @ ..] = options {
        // Pad1 is a byte without length.
        if kind == 0 {
            options = rest;
            continue;
        }
        let &[len, ref rest @ ..] = rest else {
            return Err(Reason::BadHopByHop);
        };
        let (body, rest) = rest
            .split_at_checked(len.into())
            .ok_or(Reason::BadHopByHop)?;
        match kind {
            5 if body.len() == 2 => router_alert = true,
            // The two highest bits of an unknown kind say whether it may be
            // skipped (RFC 8200 §4.2).
            _ if kind >> 6 != 0 => return Err(Reason::BadHopByHop),
            _ => {}
        }
        options = rest;
    }
    Ok((IpProtocol(next), upper, router_alert))
}

/// The sum over pseudo-header and message (RFC 4443 §2.3).
fn icmp_sum(header: &Ipv6Header, message: &[u8]) -> Option<Sum> {
    let len = u32::try_from(message.len()).ok()?;
    let pseudo = pseudo_header_v6(header.address_sum(), len, IpProtocol::ICMPV6);
    Some(pseudo.and(Sum::of(message)))
}

/// The IPv6 side of a packet that goes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    pub(super) traffic_class: u8,
    pub(super) hop_limit: u8,
}

impl Outgoing {
    /// Neighbour discovery: hop limit 255.
    pub(super) const fn discovery(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Self {
            source,
            destination,
            traffic_class: 0,
            hop_limit: packet::nd::HOP_LIMIT,
        }
    }

    /// The frame that carries this ICMPv6 message, whose checksum field is
    /// zero. For a packet to a group, `to` is not needed.
    pub(super) fn frame(&self, from: MacAddr, to: MacAddr, message: &[u8]) -> Vec<u8> {
        self.build(from, to, &[], message)
    }

    /// The frame that carries this MLD message to its group: hop limit 1, with
    /// Router Alert.
    pub(super) fn mld(source: Ipv6Addr, group: Ipv6Addr, from: MacAddr, message: &[u8]) -> Vec<u8> {
        let packet = Self {
            hop_limit: mld::HOP_LIMIT,
            ..Self::discovery(source, group)
        };
        packet.build(from, MacAddr::ZERO, &mld::ROUTER_ALERT, message)
    }

    fn build(&self, from: MacAddr, to: MacAddr, options: &[u8], message: &[u8]) -> Vec<u8> {
        let group = self.destination.is_multicast();
        let ethernet = EthernetHeader {
            destination: if group {
                MacAddr::for_ipv6_multicast(self.destination)
            } else {
                to
            },
            source: from,
            ether_type: EtherType::IPV6,
        };
        let payload_len = options.len() + message.len();
        let header = Ipv6Header::new(&Ipv6Fields {
            source: self.source,
            destination: self.destination,
            traffic_class: self.traffic_class,
            flow_label: FlowLabel::default(),
            next_header: if options.is_empty() {
                IpProtocol::ICMPV6
            } else {
                IpProtocol::HOP_BY_HOP
            },
            hop_limit: self.hop_limit,
            // Nothing made here comes near 64 KiB: links are smaller.
            payload_len: u16::try_from(payload_len).unwrap_or(u16::MAX),
        });
        let checksum = icmp_sum(&header, message).map_or(0, Sum::checksum);
        let mut frame = Vec::with_capacity(ETHERNET_LEN + IPV6_LEN + payload_len);
        frame.extend_from_slice(ethernet.as_bytes());
        frame.extend_from_slice(header.as_bytes());
        frame.extend_from_slice(options);
        let message_at = frame.len();
        frame.extend_from_slice(message);
        if let Some(field) = frame.get_mut(message_at + 2..message_at + 4) {
            field.copy_from_slice(&checksum.to_be_bytes());
        }
        frame
    }
}

/// Gives a held frame the destination it waited for.
pub(super) fn address_to(frame: &mut [u8], mac: MacAddr) {
    if let Some(field) = frame.get_mut(..6) {
        field.copy_from_slice(&mac.octets());
    }
}

/// An address to which an answer may go.
pub(super) fn may_be_answered(source: Ipv6Addr) -> bool {
    is_unicast(source)
}
