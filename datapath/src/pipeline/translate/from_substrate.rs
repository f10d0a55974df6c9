//! From a proved packet on the substrate to the frame that was sent.

use packet::checksum::Delta;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::fragment::{FRAGMENT_LEN, FragmentHeader};
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{EtherType, Fragment, IpProtocol, MacAddr, PacketBuf, SubstrateAddr, VirtualAddr};
use zerocopy::{FromBytes, IntoBytes};

use super::icmp::{self, MAX_ERROR_V6, Peer, ToV4};
use super::mtu::NextHops;
use super::v4_to_v6::Addresses;
use super::v6_to_v4::{self, Restored};
use super::{flow_label, raw, transport};
use crate::pipeline::batch::{Burst, IpTuple, Packet, Tuple};
use crate::pipeline::claim;
use crate::pipeline::classify;
use crate::pipeline::state::WorkerState;
use crate::pipeline::verdict::DropReason;
use crate::tables::Tables;

/// The stage of packets that have arrived and are proved. What a stage before
/// has made of one itself is no longer IPv6, and passes.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let may_claim = !tables.drawn.claims.is_empty();
    burst.each(|packet| {
        if packet.cx.tuple.ether_type != EtherType::IPV6 {
            return Ok(());
        }
        let from = packet.cx.from.ok_or(DropReason::SourceNotProven)?;
        let to = packet.cx.to.ok_or(DropReason::DestinationNotHere)?;
        let bytes = packet.buf.data().get(ETHERNET_LEN..);
        let headers = Headers::read(bytes.unwrap_or_default())?;
        packet.cx.tuple = if headers.v6.next_header == IpProtocol::ETHERIP {
            raw::unwrap(&mut packet.buf, &from, &to, tables, &mut state.claims)?
        } else {
            rewrite(packet, &headers, from.mac, to.mac(), state)?
        };
        if may_claim && let Some(ip) = packet.cx.tuple.ip.filter(claim::may_tell) {
            let to = to.segment();
            claim::heard_from_substrate(&from, to, &ip, packet, tables, &mut state.claims);
        }
        Ok(())
    });
}

/// The IPv6 headers of a packet.
#[derive(Debug, Clone, Copy)]
struct Headers {
    v6: Ipv6Header,
    fragment: Option<FragmentHeader>,
}

impl Headers {
    fn read(bytes: &[u8]) -> Result<Self, DropReason> {
        let (v6, rest) = Ipv6Header::read_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
        let fragment = match v6.next_header {
            IpProtocol::FRAGMENT => Some(fragment_header(rest)?),
            _ => None,
        };
        Ok(Self { v6, fragment })
    }

    fn len(&self) -> usize {
        match self.fragment {
            None => IPV6_LEN,
            Some(_) => IPV6_LEN + FRAGMENT_LEN,
        }
    }

    fn fragment(&self) -> Fragment {
        self.fragment
            .map_or(Fragment::WHOLE, |header| header.fragment())
    }

    /// What the packet carries, if a vswitch may have sent it so.
    fn next_header(&self) -> Result<IpProtocol, DropReason> {
        match (self.fragment, self.v6.next_header) {
            (None, IpProtocol::ICMPV6) => Ok(IpProtocol::ICMPV6),
            (fragment, plain) => {
                let carried = fragment.map_or(plain, |header| header.next_header);
                // ICMP travels as ICMPv6, and its fragments raw.
                if carried.may_be_next_header() && carried != IpProtocol::ICMP {
                    Ok(carried)
                } else {
                    Err(DropReason::UnexpectedNextHeader)
                }
            }
        }
    }
}

/// A fragment header as a vswitch writes it: of a fragment (RFC 8021), with an
/// identification of 16 bits.
fn fragment_header(bytes: &[u8]) -> Result<FragmentHeader, DropReason> {
    let (header, _) = FragmentHeader::read_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    let ours = header.fragment().is_fragment() && header.identification() <= u32::from(u16::MAX);
    ours.then_some(header)
        .ok_or(DropReason::UnexpectedNextHeader)
}

fn rewrite<B: PacketBuf>(
    packet: &mut Packet<B>,
    headers: &Headers,
    source_mac: MacAddr,
    destination_mac: MacAddr,
    state: &mut WorkerState,
) -> Result<Tuple, DropReason> {
    let next_header = headers.next_header()?;
    let restored = restored(headers, next_header, state)?;
    let payload_at = ETHERNET_LEN + headers.len();
    if next_header == IpProtocol::ICMPV6 {
        icmp_payload(&mut packet.buf, payload_at, headers)?;
    }
    let payload_len = packet.buf.len().checked_sub(payload_at);
    let payload_len = payload_len.and_then(|len| u16::try_from(len).ok());
    let payload_len = payload_len.filter(|len| *len <= u16::MAX - 20);
    let payload_len = payload_len.ok_or(DropReason::UnexpectedNextHeader)?;
    let fragment = headers.fragment.as_ref();
    let v4 = v6_to_v4::header(&headers.v6, fragment, payload_len, restored);
    let payload = packet.buf.data_mut().get_mut(payload_at..);
    let payload = payload.ok_or(DropReason::Truncated)?;
    if next_header != IpProtocol::ICMPV6 {
        let delta = Delta::new(headers.v6.address_sum(), v4.address_sum());
        let state = packet.cx.offload.transport;
        transport::update(payload, next_header, headers.fragment(), state, delta);
    }
    let ports = if headers.fragment.is_some() {
        (0, 0)
    } else {
        classify::ports(v4.protocol, payload)
    };
    packet
        .buf
        .trim_front(headers.len() - IPV4_LEN)
        .map_err(|_| DropReason::Truncated)?;
    let ethernet = EthernetHeader {
        destination: destination_mac,
        source: source_mac,
        ether_type: EtherType::IPV4,
    };
    write_headers(packet.buf.data_mut(), &ethernet, &v4).ok_or(DropReason::Truncated)?;
    Ok(Tuple {
        destination_mac,
        source_mac,
        tag: None,
        ether_type: EtherType::IPV4,
        ip: Some(IpTuple {
            source: restored.source,
            destination: restored.destination,
            protocol: v4.protocol,
            ports,
            fragment: v4.fragment(),
            dont_fragment: restored.dont_fragment,
            header_len: 20,
            len: payload_len.saturating_add(20),
        }),
    })
}

fn write_headers(frame: &mut [u8], ethernet: &EthernetHeader, v4: &Ipv4Header) -> Option<()> {
    ethernet.write_to_prefix(frame).ok()?;
    v4.write_to_prefix(frame.get_mut(ETHERNET_LEN..)?).ok()
}

/// What the headers say elsewhere, or not at all.
fn restored(
    headers: &Headers,
    next_header: IpProtocol,
    state: &mut WorkerState,
) -> Result<Restored, DropReason> {
    let carried = flow_label::decode(headers.v6.flow_label());
    let source = virtual_address(headers.v6.source())?;
    let destination = virtual_address(headers.v6.destination())?;
    // RFC 6864 §4.1: with DF any will do, and zero tells that none is meant.
    let identification = if carried.dont_fragment || headers.fragment.is_some() {
        0
    } else {
        state.identification.next(source, destination, next_header)
    };
    Ok(Restored {
        source,
        destination,
        ttl: carried.ttl,
        dont_fragment: carried.dont_fragment,
        identification,
    })
}

fn virtual_address(address: core::net::Ipv6Addr) -> Result<VirtualAddr, DropReason> {
    let parts = SubstrateAddr::from_ipv6(address).map_err(|_| DropReason::SourceNotProven)?;
    Ok(parts.address)
}

/// Turns the ICMPv6 message at `at` into the ICMP message it stands for.
fn icmp_payload<B: PacketBuf>(buf: &mut B, at: usize, headers: &Headers) -> Result<(), DropReason> {
    let message = buf.data_mut().get_mut(at..).unwrap_or_default();
    if icmp::echo::to_v4(message, &headers.v6).is_ok() {
        return Ok(());
    }
    let rules = ToV4 {
        outer: Addresses {
            source: headers.v6.source(),
            destination: headers.v6.destination(),
        },
        peer: Peer::Vswitch,
        mtu: NextHops::UNKNOWN,
        type_of_service: None,
        quoted: &icmp::embedded,
    };
    let mut room = [0; MAX_ERROR_V6];
    let len = icmp::to_v4(message, &rules, &mut room);
    let len = len.map_err(|_| DropReason::UnexpectedNextHeader)?;
    let translated = room.get(..len).unwrap_or_default();
    buf.truncate(at);
    buf.append(translated.len())
        .map_err(|_| DropReason::TooBig)?;
    let room = buf.data_mut().get_mut(at..).ok_or(DropReason::TooBig)?;
    room.copy_from_slice(translated);
    Ok(())
}
