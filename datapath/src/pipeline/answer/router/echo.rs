//! A ping, turned into its answer (RFC 792; RFC 1122 §3.2.2.6: everything that
//! came with it goes back).

use packet::checksum::{Delta, Sum};
use packet::icmp::{IcmpHeader, v4};
use packet::ipv4::{Ipv4Header, change_header};
use zerocopy::FromBytes;

/// Turns an echo request. `None`, if it is cut short.
pub(in crate::pipeline::answer) fn turn(packet: &mut [u8], ttl: u8) -> Option<()> {
    let (header, _) = Ipv4Header::ref_from_prefix(packet).ok()?;
    let header_len = header.header_len();
    change_header(packet, |header| {
        header.turn();
        header.ttl = ttl;
    })?;
    let message = packet.get_mut(header_len..)?;
    let (icmp, _) = IcmpHeader::mut_from_prefix(message).ok()?;
    let before = Sum::of(&[icmp.kind, icmp.code]);
    icmp.kind = v4::ECHO_REPLY;
    let after = Sum::of(&[icmp.kind, icmp.code]);
    icmp.checksum = Delta::new(before, after).apply(icmp.checksum.get()).into();
    Some(())
}
