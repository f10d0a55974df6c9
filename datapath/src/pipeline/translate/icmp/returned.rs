//! A packet of ours that a router of the fabric quotes, back in IPv4: what it was
//! when the node sent it, so that the node can be told (RFC 7915 §5.3, between
//! vswitches).

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv4::IPV4_LEN;
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{EtherType, IpProtocol, VirtualAddr};
use zerocopy::FromBytes;

use super::quoted::{V4, V6};
use super::{Peer, Untranslatable};
use crate::pipeline::translate::mtu::Carriage;

/// A packet in IPv4 as the node sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// As many bytes of it as are known, and fit.
    pub len: usize,
    /// How it travelled the substrate.
    pub carriage: Carriage,
}

/// A node is told at least so many bytes of its packet's payload, if they are
/// known (RFC 792).
const LEAST_PAYLOAD: usize = 8;

/// EtherIP's header, in bytes: version 3 and zeros (RFC 3378 §2).
const ETHERIP: [u8; 2] = [0x30, 0x00];

/// Writes in `out` the IPv4 packet that was sent as the substrate packet `quoted`,
/// of which the end may be missing: with its TTL and DF, identification 0 unless
/// it is a fragment, and checksums as they were. `addresses` are its source and
/// destination; a packet that went raw has its own.
///
/// # Errors
/// It is none of ours or too short to tell, it is an ICMP error (about which no
/// error is sent: RFC 1122 §3.2.2), or `out` has too little room.
pub fn returned_to_v4(
    quoted: &[u8],
    addresses: (VirtualAddr, VirtualAddr),
    out: &mut [u8],
) -> Result<Returned, Untranslatable> {
    let (v6, payload) =
        Ipv6Header::ref_from_prefix(quoted).map_err(|_| Untranslatable::Malformed)?;
    if v6.version() == 6 && v6.next_header == IpProtocol::ETHERIP {
        return raw(payload, out);
    }
    let quoted = V6::parse(quoted, Peer::Vswitch)?.unpadded();
    let written = quoted.write_v4(Peer::Vswitch, Some(addresses), out)?;
    if written.cut && written.len < IPV4_LEN + LEAST_PAYLOAD {
        return Err(Untranslatable::TooLong);
    }
    Ok(Returned {
        len: written.len,
        carriage: quoted.carriage(),
    })
}

fn raw(payload: &[u8], out: &mut [u8]) -> Result<Returned, Untranslatable> {
    let malformed = Untranslatable::Malformed;
    let frame = payload.strip_prefix(&ETHERIP).ok_or(malformed)?;
    let (ethernet, packet) = EthernetHeader::ref_from_prefix(frame).map_err(|_| malformed)?;
    if ethernet.ether_type != EtherType::IPV4 {
        return Err(Untranslatable::QuotedProtocol);
    }
    let header = V4::parse(packet)?.header;
    if header.protocol == IpProtocol::ICMP && !header.fragment().is_later() {
        let kind = packet.get(header.header_len()).ok_or(malformed)?;
        if packet::icmp::v4::is_error(*kind) {
            return Err(Untranslatable::QuotedIcmp);
        }
    }
    let known = packet.len().min(header.total_len());
    let len = known.min(out.len());
    if len < known && len < header.header_len() + LEAST_PAYLOAD {
        return Err(Untranslatable::TooLong);
    }
    let (from, to) = (packet.get(..len), out.get_mut(..len));
    let (from, to) = from.zip(to).ok_or(malformed)?;
    to.copy_from_slice(from);
    Ok(Returned {
        len,
        carriage: Carriage::Raw,
    })
}

const _: () = assert!(IPV6_LEN + ETHERIP.len() + ETHERNET_LEN == Carriage::Raw.overhead() as usize);
