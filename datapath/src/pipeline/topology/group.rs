//! For which group of the segment is a frame to many?
//!
//! A broadcast, or a multicast: every member of the segment hears it. On the
//! substrate it travels to each host that has members, under the host's locator,
//! with the group bit set and the group's address (rewritten); what is not IPv4,
//! or whose MAC is not its address's, goes raw to an address kept for that.

use packet::{MacAddr, SegmentId, VirtualAddr};

use crate::pipeline::batch::Context;
use crate::tables::{Destination, MappingKey, Members};

/// The group address of raw frames to many: 239.255.255.254.
pub const RAW_GROUP: VirtualAddr = VirtualAddr::from_bits(0xefff_fffe);

/// The group of a frame that a node has sent to a group's MAC.
pub fn of_frame(cx: &Context, segment: SegmentId, members: &Members) -> Destination {
    let mac = cx.tuple.destination_mac;
    let address = cx.tuple.ip.map(|ip| ip.destination);
    let address = address.filter(|address| mac_of(*address, members) == Some(mac));
    let key = MappingKey::new(segment, address.unwrap_or(RAW_GROUP));
    Destination::group(key, mac)
}

/// The group of a packet from the fabric; `None` if its address is none.
pub fn of_packet(
    segment: SegmentId,
    address: VirtualAddr,
    members: &Members,
) -> Option<Destination> {
    let mac = mac_of(address, members)?;
    Some(Destination::group(MappingKey::new(segment, address), mac))
}

/// The MAC of frames to everyone (RFC 919 §7) or to a group (RFC 1112 §6.4).
fn mac_of(address: VirtualAddr, members: &Members) -> Option<MacAddr> {
    let ipv4 = address.ipv4();
    if ipv4.is_broadcast() || members.broadcast == Some(address) {
        return Some(MacAddr::BROADCAST);
    }
    ipv4.is_multicast()
        .then(|| MacAddr::for_ipv4_multicast(ipv4))
}
