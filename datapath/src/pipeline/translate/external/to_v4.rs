//! An IPv6 packet becomes IPv4 packets (RFC 7915 §5).

use packet::checksum::Delta;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{Fragment, IpProtocol, TransportChecksum, VirtualAddr};
use zerocopy::{FromBytes, IntoBytes};

use super::answer::{self, V6Error};
use super::chain::{self, Broken, Chain};
use super::front::Front;
use super::{Outcome, Refusal, Sink, Way, Why, cut, icmp};
use crate::pipeline::translate::mtu::{Carriage, IPV6_MIN_MTU};
use crate::pipeline::translate::transport;
use crate::pipeline::translate::v4_to_v6::Addresses;
use crate::pipeline::translate::v6_to_v4::{self, Restored};

type Refused = Refusal<V6Error>;

/// Makes the identification of a packet that brings none (§5.1).
pub type Identify<'a> = &'a mut dyn FnMut(VirtualAddr, VirtualAddr, IpProtocol) -> u16;

/// Translates `packet`, from its IPv6 header on.
pub fn to_v4(
    packet: &[u8],
    way: &Way<'_>,
    identify: Identify<'_>,
    sink: Sink<'_>,
) -> Outcome<V6Error> {
    let Some((header, behind)) = parse(packet) else {
        return Outcome::Dropped(Why::Malformed);
    };
    let chain = chain::walk(header.next_header, behind);
    let icmp = chain::icmp_message(header.next_header, behind);
    let result = translate(&header, behind, chain, way, identify, sink);
    match result {
        Ok(packets) => Outcome::Translated(packets),
        Err(refusal) => {
            let may_tell = refusal.error.is_some_and(|error| {
                answer::may_tell_v6(error, header.source(), header.destination(), icmp)
            });
            refusal.outcome(may_tell)
        }
    }
}

fn parse(packet: &[u8]) -> Option<(Ipv6Header, &[u8])> {
    let (header, behind) = Ipv6Header::read_from_prefix(packet).ok()?;
    let behind = behind.get(..header.payload_len())?;
    (header.version() == 6).then_some((header, behind))
}

fn translate(
    v6: &Ipv6Header,
    behind: &[u8],
    chain: Result<Chain<'_>, Broken>,
    way: &Way<'_>,
    identify: Identify<'_>,
    sink: Sink<'_>,
) -> Result<usize, Refused> {
    let told = |why, error| Err(Refused::told(why, error));
    if !answer::is_station(v6.source()) {
        return Err(Refused::silent(Why::IllegalSource));
    }
    if v6.hop_limit <= 1 {
        return told(Why::TimeExceeded, V6Error::TimeExceeded);
    }
    let chain = match chain {
        Ok(chain) => chain,
        Err(Broken::Cut) => return Err(Refused::silent(Why::Malformed)),
        Err(Broken::SegmentsLeft { pointer }) => {
            return told(Why::SourceRouted, V6Error::ParameterProblem { pointer });
        }
        Err(Broken::Unexpected) => return told(Why::ExtensionHeaders, V6Error::Prohibited),
    };
    let packet = Packet {
        header: *v6,
        chain,
        len: IPV6_LEN + behind.len(),
    };
    packet.translate(way, identify, sink)
}

/// A packet whose headers are understood.
struct Packet<'a> {
    header: Ipv6Header,
    chain: Chain<'a>,
    /// All of it, in bytes.
    len: usize,
}

impl Packet<'_> {
    fn place(&self) -> Fragment {
        let fragment = self.chain.fragment;
        fragment.map_or(Fragment::WHOLE, |header| header.fragment())
    }

    fn translate(
        &self,
        way: &Way<'_>,
        identify: Identify<'_>,
        sink: Sink<'_>,
    ) -> Result<usize, Refused> {
        let told = |why, error| Err(Refused::told(why, error));
        let is_icmp = self.chain.protocol == IpProtocol::ICMPV6;
        if self.chain.protocol == IpProtocol::ICMP {
            let why = Why::ForeignProtocol(self.chain.protocol);
            return told(why, V6Error::Prohibited);
        }
        // A fragment header on a whole datagram is no obstacle (RFC 6946 §4).
        if is_icmp && self.place().is_fragment() {
            return told(Why::IcmpFragment, V6Error::Prohibited);
        }
        if !cut::ends_in_time(self.chain.payload.len(), self.place()) {
            return Err(Refused::silent(Why::Malformed));
        }
        let is_error = self.is_icmp_error();
        let source = self.source(is_error, way)?;
        // §8: nor is an address that no station can have one's destination.
        let destination = way.map.converted_back(self.header.destination());
        let destination = destination
            .filter(|destination| destination.is_unicast())
            .ok_or(NO_ADDRESS)?;
        if is_error {
            return self.icmp_error(source, destination, way, identify, sink);
        }
        let len = self.chain.payload.len();
        let v4 = self.restored(source, destination, len, way, identify);
        let most = self.most(&v4, way)?;
        let mut front = Front::of(self.chain.payload);
        self.update(front.bytes_mut(), &v4)?;
        Ok(self.send(v4, &front, most, sink))
    }

    fn is_icmp_error(&self) -> bool {
        self.chain.protocol == IpProtocol::ICMPV6
            && self.chain.payload.first().is_some_and(|kind| *kind < 128)
    }

    /// §5.1, §8: none that no station can have; RFC 6791 §3.2: an error from a
    /// router without an IPv4 address is passed on all the same.
    fn source(&self, is_error: bool, way: &Way<'_>) -> Result<VirtualAddr, Refused> {
        match way.map.translatable_back(self.header.source()) {
            Some(source) if source.is_unicast() => Ok(source),
            _ if is_error => Ok(way.settings.nameless),
            Some(_) => Err(Refused::silent(Why::IllegalSource)),
            None => Err(NO_ADDRESS),
        }
    }

    /// §5.1, §5.1.1: the header of a payload of `len` bytes.
    fn restored(
        &self,
        source: VirtualAddr,
        destination: VirtualAddr,
        len: usize,
        way: &Way<'_>,
        identify: Identify<'_>,
    ) -> Ipv4Header {
        let payload_len = u16::try_from(len).unwrap_or(u16::MAX);
        let fragment = self.chain.fragment.as_ref();
        let small = len + IPV4_LEN <= SMALL;
        let mut header = self.header;
        header.next_header = self.chain.protocol;
        let restored = Restored {
            source,
            destination,
            ttl: self.header.hop_limit.saturating_sub(1),
            dont_fragment: fragment.is_none() && !small,
            identification: match fragment {
                Some(_) => 0,
                None => identify(source, destination, self.chain.protocol),
            },
        };
        let mut v4 = v6_to_v4::header(&header, fragment, payload_len, restored);
        let instead = way.settings.type_of_service.instead();
        v4.traffic_class = instead.unwrap_or(v4.traffic_class);
        v4.seal(&[]);
        v4
    }

    /// How many bytes behind the header the next hop carries (§1.4, §5.1.1).
    fn most(&self, v4: &Ipv4Header, way: &Way<'_>) -> Result<usize, Refused> {
        let next_hop = way.next_hops.v4.unwrap_or(u16::MAX).max(IPV4_MIN_MTU);
        let len = self.chain.payload.len();
        if IPV4_LEN + len <= usize::from(next_hop) {
            return Ok(len);
        }
        if self.len <= usize::from(IPV6_MIN_MTU) && !v4.dont_fragment() {
            return Ok(usize::from(next_hop).saturating_sub(IPV4_LEN));
        }
        let carriage = match self.chain.fragment {
            Some(_) => Carriage::Fragment,
            None => Carriage::Rewritten,
        };
        let mtu = u32::from(next_hop) + u32::from(carriage.overhead());
        let mtu = mtu.max(u32::from(IPV6_MIN_MTU));
        Err(Refused::told(Why::TooBig, V6Error::PacketTooBig { mtu }))
    }

    /// §5.2, §5.5: what covers the pseudo-header. `front` is the payload's.
    fn update(&self, front: &mut [u8], v4: &Ipv4Header) -> Result<(), Refused> {
        let (protocol, place) = (self.chain.protocol, self.place());
        if protocol == IpProtocol::ICMPV6 {
            let sum = self.header.address_sum();
            let echo = icmp::echo_to_v4(front, self.chain.payload, sum);
            return echo.map_err(Refused::silent);
        }
        let delta = Delta::new(self.header.address_sum(), v4.address_sum());
        transport::update(front, protocol, place, TransportChecksum::Complete, delta);
        Ok(())
    }

    fn send(&self, v4: Ipv4Header, front: &Front, most: usize, sink: Sink<'_>) -> usize {
        let payload = self.chain.payload;
        let mut packets = 0;
        for (range, place) in cut::pieces(payload.len(), self.place(), most) {
            let mut header = v4;
            header.set_piece(place, u16::try_from(range.len()).unwrap_or(u16::MAX));
            header.seal(&[]);
            let front = if range.start == 0 { front.bytes() } else { &[] };
            let body = payload.get(range).unwrap_or_default();
            let body = body.get(front.len()..).unwrap_or_default();
            let mut head = [0; IPV4_LEN + Front::LEN];
            sink(write(&header, front, &mut head), body);
            packets += 1;
        }
        packets
    }

    /// §5.2, §5.3: the message becomes shorter.
    fn icmp_error(
        &self,
        source: VirtualAddr,
        destination: VirtualAddr,
        way: &Way<'_>,
        identify: Identify<'_>,
        sink: Sink<'_>,
    ) -> Result<usize, Refused> {
        let mut message = [0; MOST_ICMP];
        let outer = Addresses {
            source: self.header.source(),
            destination: self.header.destination(),
        };
        let len = icmp::error_to_v4(self.chain.payload, outer, way, &mut message);
        let len = len.map_err(Refused::silent)?;
        let message = message.get(..len).unwrap_or_default();
        let header = self.restored(source, destination, len, way, identify);
        sink(header.as_bytes(), message);
        Ok(1)
    }
}

const NO_ADDRESS: Refused = Refused::told(Why::NoAddress, V6Error::Prohibited);

/// §5.1: an IPv4 packet up to here had an IPv6 packet that fits every link; it
/// may be fragmented on, larger ones have DF.
const SMALL: usize = IPV6_MIN_MTU as usize - 20;

/// Every IPv4 link carries so many bytes (RFC 791 §3.2).
const IPV4_MIN_MTU: u16 = 68;

/// An ICMPv6 error is no longer than the smallest MTU (RFC 4443 §2.4 c), and
/// its translation is shorter still.
const MOST_ICMP: usize = IPV6_MIN_MTU as usize - IPV6_LEN;

fn write<'a>(header: &Ipv4Header, front: &[u8], head: &'a mut [u8]) -> &'a [u8] {
    // There is room for both: see the caller.
    let _ = header.write_to_prefix(head);
    if let Some(behind) = head.get_mut(IPV4_LEN..IPV4_LEN + front.len()) {
        behind.copy_from_slice(front);
    }
    head.get(..IPV4_LEN + front.len()).unwrap_or_default()
}
