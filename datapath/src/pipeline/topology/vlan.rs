//! Which tags does the receiver's link want?
//!
//! The segment decides nothing here: the *destination's* link does. None on an
//! access link and for the native VLAN, the VLAN id or the MPLS label on a trunk,
//! and outside of either a provider's tag where the link has one.
//!
//! Exits: on; dropped as `label-ip-only`, `no-headroom`.

use packet::ethernet::{DOT1Q_LEN, Dot1qTag, ETHERNET_LEN, EthernetHeader};
use packet::ipv4::Ipv4Header;
use packet::mpls::{LABEL_LEN, LabelEntry};
use packet::{EtherType, InnerTag, MplsLabel, PacketBuf, Tags, VlanId};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::pipeline::batch::Burst;
use crate::pipeline::verdict::DropReason;
use crate::tables::Tables;

/// The stage: tags what goes to an interface on this host.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    burst.each(|packet| {
        let Some(id) = packet.cx.to.and_then(|to| to.interface()) else {
            return Ok(());
        };
        let receiver = tables
            .drawn
            .ports
            .interface(id)
            .ok_or(DropReason::DestinationNotHere)?;
        tag(&mut packet.buf, receiver.tags)
    });
}

/// Puts a link's tags (priority 0) on a bare frame.
pub(in crate::pipeline) fn tag<B: PacketBuf>(buf: &mut B, tags: Tags) -> Result<(), DropReason> {
    match tags.inner {
        None => {}
        Some(InnerTag::Vlan(vlan)) => put_tag(buf, EtherType::DOT1Q, vlan)?,
        Some(InnerTag::Label(label)) => put_label(buf, label)?,
    }
    match tags.outer {
        None => Ok(()),
        Some(outer) => put_tag(buf, outer.kind.ether_type(), outer.vlan),
    }
}

fn put_tag<B: PacketBuf>(buf: &mut B, kind: EtherType, vlan: VlanId) -> Result<(), DropReason> {
    let header = ethernet(buf)?;
    let tag = Dot1qTag {
        control: vlan.get().into(),
        ether_type: header.ether_type,
    };
    // A tag's own type stands before what it says of itself.
    let shifted = EthernetHeader {
        ether_type: kind,
        ..header
    };
    put(buf, DOT1Q_LEN, shifted, &tag)
}

/// The label has the TTL of its packet, so it is the same whether or not the
/// node takes the label's for the packet's (RFC 3443 §3). ARP has none.
fn put_label<B: PacketBuf>(buf: &mut B, label: MplsLabel) -> Result<(), DropReason> {
    let header = ethernet(buf)?;
    match header.ether_type {
        EtherType::IPV4 => {}
        EtherType::ARP => return Ok(()),
        _ => return Err(DropReason::LabelIpOnly),
    }
    let packet = buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let (ip, _) = Ipv4Header::ref_from_prefix(packet).map_err(|_| DropReason::Truncated)?;
    let entry = LabelEntry::only(label, ip.ttl);
    let labelled = EthernetHeader {
        ether_type: EtherType::MPLS,
        ..header
    };
    put(buf, LABEL_LEN, labelled, &entry)
}

fn ethernet<B: PacketBuf>(buf: &B) -> Result<EthernetHeader, DropReason> {
    let (header, _) =
        EthernetHeader::read_from_prefix(buf.data()).map_err(|_| DropReason::Truncated)?;
    Ok(header)
}

/// Makes room before the frame, and writes there its header and what follows.
fn put<B: PacketBuf>(
    buf: &mut B,
    len: usize,
    header: EthernetHeader,
    next: &(impl IntoBytes + Immutable),
) -> Result<(), DropReason> {
    buf.prepend(len).map_err(|_| DropReason::NoHeadroom)?;
    let frame = buf.data_mut();
    header
        .write_to_prefix(frame)
        .map_err(|_| DropReason::Truncated)?;
    let rest = frame.get_mut(ETHERNET_LEN..).ok_or(DropReason::Truncated)?;
    next.write_to_prefix(rest)
        .map_err(|_| DropReason::Truncated)
}
