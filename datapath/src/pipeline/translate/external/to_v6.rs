//! An IPv4 packet becomes IPv6 packets (RFC 7915 §4).

use packet::checksum::{self, Delta};
use packet::icmp::v4;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv6::{FlowLabel, IPV6_LEN};
use packet::{IpProtocol, TransportChecksum};
use zerocopy::FromBytes;

use super::answer::{self, V4Error};
use super::front::Front;
use super::{
    Ends, Outcome, Refusal, Sink, UdpWithoutChecksum, Way, Why, cut, icmp, source_route, udp,
};
use crate::pipeline::translate::mtu::{Carriage, IPV6_MIN_MTU};
use crate::pipeline::translate::transport;
use crate::pipeline::translate::v4_to_v6::{self, Addresses, Hops};

type Refused = Refusal<V4Error>;

/// Translates `packet`, from its IPv4 header on.
pub fn to_v6(packet: &[u8], way: &Way<'_>, sink: Sink<'_>) -> Outcome<V4Error> {
    let Some(datagram) = Datagram::parse(packet) else {
        return Outcome::Dropped(Why::Malformed);
    };
    match datagram.translate(way, sink) {
        Ok(packets) => Outcome::Translated(packets),
        Err(refusal) => refusal.outcome(answer::may_tell_v4(&datagram.header, datagram.payload)),
    }
}

/// A packet whose lengths agree.
struct Datagram<'a> {
    header: Ipv4Header,
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    fn parse(packet: &'a [u8]) -> Option<Self> {
        let (header, _) = Ipv4Header::read_from_prefix(packet).ok()?;
        let header_len = header.header_len();
        // RFC 1812 §5.2.2: a right version, lengths and checksum.
        let right = header.version() == 4
            && header_len >= IPV4_LEN
            && checksum::of(packet.get(..header_len)?) == 0;
        let payload = packet.get(header_len..header.total_len())?;
        (right && cut::ends_in_time(payload.len(), header.fragment())).then_some(Self {
            header,
            options: packet.get(IPV4_LEN..header_len)?,
            payload,
        })
    }

    fn translate(&self, way: &Way<'_>, sink: Sink<'_>) -> Result<usize, Refused> {
        let told = |why, error| Err(Refused::told(why, error));
        let header = &self.header;
        let is_icmp = header.protocol == IpProtocol::ICMP;
        // §4.1: who reports an error from an illegal address is let through, so
        // that trouble can be found.
        if !header.source().is_unicast() && !self.is_icmp_error() {
            return Err(Refused::silent(Why::IllegalSource));
        }
        if header.protocol == IpProtocol::IGMP {
            return Err(Refused::silent(Why::Igmp));
        }
        if header.ttl <= 1 {
            return told(Why::TimeExceeded, V4Error::TimeExceeded);
        }
        if source_route::is_unexpired(self.options) {
            return told(Why::SourceRouted, V4Error::SourceRouteFailed);
        }
        if !is_icmp && !header.protocol.may_be_next_header() {
            let why = Why::ForeignProtocol(header.protocol);
            return told(why, V4Error::Prohibited);
        }
        if is_icmp && header.is_fragment() {
            return told(Why::IcmpFragment, V4Error::Prohibited);
        }
        let addresses = self.addresses(way);
        let addresses = addresses.ok_or(Refused::told(Why::NoAddress, V4Error::Prohibited))?;
        if self.is_icmp_error() {
            return self.icmp_error(addresses, way, sink);
        }
        self.too_big(way)?;
        let mut front = Front::of(self.payload);
        self.update(front.bytes_mut(), addresses, way)?;
        Ok(self.send(&front, addresses, way, sink))
    }

    /// §6. RFC 6052 maps stations' addresses; behind a prefix a group's would
    /// look like one (§1.2).
    fn addresses(&self, way: &Way<'_>) -> Option<Addresses> {
        let destination = self.header.destination();
        Some(Addresses {
            source: way.map.converted(self.header.source())?,
            destination: way
                .map
                .translatable(destination)
                .filter(|_| destination.is_unicast())?,
        })
    }

    fn is_icmp_error(&self) -> bool {
        let is_error = |kind: &u8| v4::is_error(*kind);
        self.header.protocol == IpProtocol::ICMP
            && !self.header.fragment().is_later()
            && self.payload.first().is_some_and(is_error)
    }

    /// §4.1: with DF, what the next hop does not carry is refused.
    fn too_big(&self, way: &Way<'_>) -> Result<(), Refused> {
        let Some(next_hop) = way.next_hops.v6.filter(|_| self.header.dont_fragment()) else {
            return Ok(());
        };
        let mtu = self.carriage().fits(next_hop);
        if self.header.total_len() <= usize::from(mtu) {
            return Ok(());
        }
        let error = V4Error::FragmentationNeeded { mtu };
        Err(Refused::told(Why::TooBig, error))
    }

    const fn carriage(&self) -> Carriage {
        if self.header.is_fragment() {
            Carriage::Fragment
        } else {
            Carriage::Rewritten
        }
    }

    /// §4.2, §4.5: what covers the pseudo-header. `front` is the payload's.
    fn update(&self, front: &mut [u8], addresses: Addresses, way: &Way<'_>) -> Result<(), Refused> {
        let (protocol, place) = (self.header.protocol, self.header.fragment());
        let v6 = self.headers(addresses, self.payload.len(), place, way).v6;
        if protocol == IpProtocol::ICMP {
            return icmp::echo_to_v6(front, self.payload, v6.address_sum())
                .map_err(Refused::silent);
        }
        let delta = Delta::new(self.header.address_sum(), v6.address_sum());
        let without = protocol == IpProtocol::UDP
            && transport::field(self.payload, protocol, place) == Some(0);
        if !without {
            transport::update(front, protocol, place, TransportChecksum::Complete, delta);
            return Ok(());
        }
        let why = Why::UdpWithoutChecksum(Ends {
            source: self.header.source(),
            destination: self.header.destination(),
            ports: udp::ports(self.payload),
        });
        let refused = Refused::told(why, V4Error::Prohibited);
        let computed = way.settings.udp_without_checksum == UdpWithoutChecksum::Computed;
        if !computed || place.is_fragment() {
            return Err(refused);
        }
        let sum = udp::checksum_v6(self.payload, v6.address_sum());
        let sum = sum.ok_or(Refused::silent(Why::Malformed))?;
        if let Some(field) = front.get_mut(6..8) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        Ok(())
    }

    /// Whole, or without DF in pieces that fit (§4.1).
    fn send(&self, front: &Front, addresses: Addresses, way: &Way<'_>, sink: Sink<'_>) -> usize {
        let whole = self.header.fragment();
        let len = self.payload.len();
        let limit = usize::from(limit(way));
        let as_is = self.headers(addresses, len, whole, way).len() + len;
        let most = if self.header.dont_fragment() || as_is <= limit {
            len
        } else {
            limit - IPV6_LEN - packet::fragment::FRAGMENT_LEN
        };
        let mut packets = 0;
        for (range, place) in cut::pieces(len, whole, most) {
            let headers = self.headers(addresses, range.len(), place, way);
            let front = if range.start == 0 { front.bytes() } else { &[] };
            let body = self.payload.get(range).unwrap_or_default();
            let body = body.get(front.len()..).unwrap_or_default();
            let mut head = [0; MOST_HEAD];
            let head = write(&headers, front, &mut head);
            sink(head, body);
            packets += 1;
        }
        packets
    }

    /// §4.2, §4.3: the message becomes longer, and is cut short rather than
    /// fragmented (RFC 4443 §2.4 c).
    fn icmp_error(
        &self,
        addresses: Addresses,
        way: &Way<'_>,
        sink: Sink<'_>,
    ) -> Result<usize, Refused> {
        let mut message = [0; IPV6_MIN_MTU as usize - IPV6_LEN];
        let len = icmp::error_to_v6(self.payload, addresses, way, &mut message);
        let len = len.map_err(Refused::silent)?;
        let message = message.get(..len).unwrap_or_default();
        let headers = self.headers(addresses, len, self.header.fragment(), way);
        let mut head = [0; IPV6_LEN];
        sink(write(&headers, &[], &mut head), message);
        Ok(1)
    }

    /// §4.1: the headers of `len` bytes at this place.
    fn headers(
        &self,
        addresses: Addresses,
        len: usize,
        place: packet::Fragment,
        way: &Way<'_>,
    ) -> v4_to_v6::Headers {
        let mut piece = self.header;
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        piece.set_piece(place, len);
        let instead = way.settings.traffic_class.instead();
        piece.traffic_class = instead.unwrap_or(piece.traffic_class);
        let hops = Hops {
            flow_label: FlowLabel::new(0),
            hop_limit: piece.ttl.saturating_sub(1),
        };
        v4_to_v6::headers(&piece, len, addresses, hops)
    }
}

/// §4, §4.1: so long may an IPv6 packet be whose IPv4 packet may be cut.
fn limit(way: &Way<'_>) -> u16 {
    let lowest = way.settings.lowest_ipv6_mtu;
    let next_hop = way.next_hops.v6.unwrap_or(lowest);
    lowest.min(next_hop).max(IPV6_MIN_MTU)
}

const MOST_HEAD: usize = IPV6_LEN + packet::fragment::FRAGMENT_LEN + Front::LEN;

/// The headers, then the payload's changed beginning.
fn write<'a>(headers: &v4_to_v6::Headers, front: &[u8], head: &'a mut [u8]) -> &'a [u8] {
    let len = headers.len();
    // There is room for both: see the callers.
    let _ = headers.write(head);
    if let Some(behind) = head.get_mut(len..len + front.len()) {
        behind.copy_from_slice(front);
    }
    head.get(..len + front.len()).unwrap_or_default()
}
