//! ICMP messages of whole packets, to and from external systems (RFC 7915 §4.2,
//! §4.3, §5.2, §5.3): the shared translation with what RFC 7915 asks of it here,
//! TTL as hop limit and the smallest MTU.

use packet::IpProtocol;
use packet::checksum::{self, Sum};

use super::{Way, Why};
use crate::pipeline::translate::icmp::{self, Peer, ToV4, ToV6, Untranslatable, echo};
use crate::pipeline::translate::v4_to_v6::Addresses;

/// §4.2: an echo in `front`, the beginning of `message`, becomes ICMPv6's.
///
/// # Errors
/// Any other message without a packet in it has no counterpart.
pub fn echo_to_v6(front: &mut [u8], message: &[u8], addresses: Sum) -> Result<(), Why> {
    if only_zeros(message) {
        // An echo reply whose checksum, 0, is wrong: see `echo_to_v4`.
        return Err(Why::Icmp(Untranslatable::Checksum));
    }
    echo::quoted_to_v6(front, Peer::External, pseudo_header(message, addresses)).map_err(Why::Icmp)
}

/// §5.2: an echo in `front`, the beginning of `message`, becomes ICMPv4's.
///
/// # Errors
/// Any other message without a packet in it has no counterpart.
pub fn echo_to_v4(front: &mut [u8], message: &[u8], addresses: Sum) -> Result<(), Why> {
    let rest = message.get(front.len()..).unwrap_or_default();
    let pseudo = pseudo_header(message, addresses);
    // Of a message of zeros the checksum is all ones, which no delta yields.
    echo::quoted_to_v4(front, Peer::External, pseudo, only_zeros(rest)).map_err(Why::Icmp)
}

/// §4.2, §4.3: an error message with the packet in it, into `out`; its length.
///
/// # Errors
/// It has no counterpart, or its checksum is wrong.
pub fn error_to_v6(
    message: &[u8],
    outer: Addresses,
    way: &Way<'_>,
    out: &mut [u8],
) -> Result<usize, Why> {
    // The packet in error went the other way.
    let quoted = |source, destination| {
        Some(Addresses {
            source: way.map.translatable(source)?,
            destination: way.map.converted(destination)?,
        })
    };
    let cx = ToV6 {
        outer,
        peer: Peer::External,
        mtu: way.next_hops,
        traffic_class: way.settings.traffic_class.instead(),
        quoted: &quoted,
    };
    icmp::to_v6(message, &cx, out).map_err(Why::Icmp)
}

/// §5.2, §5.3: an error message with the packet in it, into `out`; its length.
/// `outer` are its IPv6 addresses.
///
/// # Errors
/// It has no counterpart, or its checksum is wrong.
pub fn error_to_v4(
    message: &[u8],
    outer: Addresses,
    way: &Way<'_>,
    out: &mut [u8],
) -> Result<usize, Why> {
    let quoted = |source, destination| {
        way.map
            .converted_back(source)
            .zip(way.map.translatable_back(destination))
    };
    let cx = ToV4 {
        outer,
        peer: Peer::External,
        mtu: way.next_hops,
        type_of_service: way.settings.type_of_service.instead(),
        quoted: &quoted,
    };
    icmp::to_v4(message, &cx, out).map_err(Why::Icmp)
}

fn pseudo_header(message: &[u8], addresses: Sum) -> Sum {
    let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
    checksum::pseudo_header_v6(addresses, len, IpProtocol::ICMPV6)
}

/// Looks no further than the first byte that is not zero.
fn only_zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
