//! What is between the Ethernet header and what the frame carries, and whose is
//! it?
//!
//! Nearly every port has links without tags or with one 802.1Q tag, and pays for
//! nothing else ([`plain`]). Behind a port with links that have a provider's outer
//! tag, or whose segments go by MPLS labels, all of them are read ([`marked`]).
//!
//! A label is the only one of its stack, and what is behind it says by its first
//! four bits what it is (RFC 4928 §2). ARP has no label (there is none beneath
//! IP's, and Linux and routers send it so): the sender's address in it says which
//! of the link's segments is meant.

use packet::arp::ArpPacket;
use packet::ethernet::{DOT1Q_LEN, Dot1qTag, ETHERNET_LEN, EthernetHeader};
use packet::mpls::{LABEL_LEN, LabelEntry};
use packet::{
    EtherType, InnerTag, MplsLabel, OuterKind, OuterTag, PacketBuf, Tags, VirtualAddr, VlanId,
};
use vnet::compiled::{InterfaceId, PortId};
use zerocopy::{FromBytes, IntoBytes};

use crate::pipeline::verdict::DropReason;
use crate::tables::ports::NoInterface;
use crate::tables::{Interface, PortTable};

/// Whose frame it is, and what it is once it is bare.
pub(super) struct Found<'t> {
    /// The 802.1Q tag that told it from other segments' frames.
    pub(super) tag: Option<VlanId>,
    /// What it carries.
    pub(super) ether_type: EtherType,
    /// Who sent it.
    pub(super) sender: Result<(InterfaceId, &'t Interface), NoInterface>,
}

/// A frame on a port whose links have one 802.1Q tag at most. A priority tag
/// (VLAN id 0) means "untagged" (IEEE 802.1Q §6.9.1).
///
/// # Errors
/// `truncated`, `double-tagged`, `unknown-tag`.
pub(super) fn plain<'t, B: PacketBuf>(
    buf: &mut B,
    header: &EthernetHeader,
    ports: &'t PortTable,
    port: PortId,
) -> Result<Found<'t>, DropReason> {
    let (tag, ether_type) = match header.ether_type {
        EtherType::DOT1Q => {
            let tag = tag_at(buf, 0)?;
            if matches!(tag.ether_type, EtherType::DOT1Q | EtherType::DOT1AD) {
                return Err(DropReason::DoubleTagged);
            }
            take_off(buf, header, DOT1Q_LEN, tag.ether_type)?;
            (inner(tag)?, tag.ether_type)
        }
        EtherType::DOT1AD => return Err(DropReason::DoubleTagged),
        other => (None, other),
    };
    Ok(Found {
        tag,
        ether_type,
        sender: ports.sender(port, tag, header.source),
    })
}

/// A frame on any port.
///
/// # Errors
/// `truncated`, `double-tagged`, `unknown-tag`, `label-malformed`.
pub(super) fn marked<'t, B: PacketBuf>(
    buf: &mut B,
    header: &EthernetHeader,
    ports: &'t PortTable,
    port: PortId,
) -> Result<Found<'t>, DropReason> {
    let (mut tags, mut ether_type) = both_tags(buf, header)?;
    let tag = tags.inner_vlan();
    let mac = header.source;
    if tag.is_none()
        && let Some(link) = ports.link_by_labels(port, tags.outer, mac)
    {
        match ether_type {
            EtherType::MPLS => {
                let (label, carried) = label(buf)?;
                take_off(buf, header, LABEL_LEN, carried)?;
                ether_type = carried;
                tags.inner = Some(InnerTag::Label(label));
            }
            EtherType::ARP => {
                let sender = by_arp(buf, link, ports);
                return Ok(Found {
                    tag,
                    ether_type,
                    sender,
                });
            }
            _ => {}
        }
    }
    Ok(Found {
        tag,
        ether_type,
        sender: ports.marked_sender(port, tags, mac),
    })
}

/// Takes off an 802.1Q tag and a provider's outside of it.
fn both_tags<B: PacketBuf>(
    buf: &mut B,
    header: &EthernetHeader,
) -> Result<(Tags, EtherType), DropReason> {
    let Some(kind) = OuterKind::of(header.ether_type) else {
        return Ok((Tags::NONE, header.ether_type));
    };
    let first = tag_at(buf, 0)?;
    let (tags, carried, len) = if first.ether_type == EtherType::DOT1Q {
        let second = tag_at(buf, DOT1Q_LEN)?;
        let tags = Tags {
            outer: Some(outer(kind, first)?),
            inner: inner(second)?.map(InnerTag::Vlan),
        };
        (tags, second.ether_type, 2 * DOT1Q_LEN)
    } else if kind == OuterKind::Customer {
        (Tags::from(inner(first)?), first.ether_type, DOT1Q_LEN)
    } else {
        let tags = Tags {
            outer: Some(outer(kind, first)?),
            inner: None,
        };
        (tags, first.ether_type, DOT1Q_LEN)
    };
    if OuterKind::of(carried).is_some() {
        return Err(DropReason::DoubleTagged);
    }
    take_off(buf, header, len, carried)?;
    Ok((tags, carried))
}

/// The tag that begins so many bytes behind the Ethernet header.
fn tag_at<B: PacketBuf>(buf: &B, at: usize) -> Result<Dot1qTag, DropReason> {
    let rest = buf.data().get(ETHERNET_LEN + at..);
    let tag = rest.and_then(|rest| Dot1qTag::read_from_prefix(rest).ok());
    tag.map(|(tag, _)| tag).ok_or(DropReason::Truncated)
}

fn inner(tag: Dot1qTag) -> Result<Option<VlanId>, DropReason> {
    match tag.vlan_bits() {
        0 => Ok(None),
        bits => VlanId::new(bits)
            .map(Some)
            .map_err(|_| DropReason::UnknownTag),
    }
}

fn outer(kind: OuterKind, tag: Dot1qTag) -> Result<OuterTag, DropReason> {
    let vlan = VlanId::new(tag.vlan_bits()).map_err(|_| DropReason::UnknownTag)?;
    Ok(OuterTag { kind, vlan })
}

/// The label of a frame whose tags are off, and what it carries: its TTL is
/// that of a wire without hops and says nothing.
fn label<B: PacketBuf>(buf: &B) -> Result<(MplsLabel, EtherType), DropReason> {
    let rest = buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (entry, carried) = LabelEntry::read_from_prefix(rest).map_err(|_| DropReason::Truncated)?;
    if !entry.is_bottom() {
        return Err(DropReason::LabelMalformed);
    }
    let ether_type = match carried.first().map(|first| first >> 4) {
        Some(4) => EtherType::IPV4,
        Some(6) => EtherType::IPV6,
        _ => return Err(DropReason::LabelMalformed),
    };
    let label = MplsLabel::new(entry.label_bits()).map_err(|_| DropReason::UnknownTag)?;
    Ok((label, ether_type))
}

/// Removes what is behind the Ethernet header, which then says what comes next.
fn take_off<B: PacketBuf>(
    buf: &mut B,
    header: &EthernetHeader,
    len: usize,
    ether_type: EtherType,
) -> Result<(), DropReason> {
    let bare = EthernetHeader {
        ether_type,
        ..*header
    };
    buf.trim_front(len).map_err(|_| DropReason::Truncated)?;
    bare.write_to_prefix(buf.data_mut())
        .map_err(|_| DropReason::Truncated)
}

/// Who sent ARP without a label on a link that goes by labels: whoever has the
/// sender's address, or, where that is zero (RFC 5227 §2.1.1), the address probed
/// for; else the first, which may not use the address.
fn by_arp<'t, B: PacketBuf>(
    buf: &B,
    link: &[InterfaceId],
    ports: &'t PortTable,
) -> Result<(InterfaceId, &'t Interface), NoInterface> {
    let bytes = buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let arp = ArpPacket::ref_from_prefix(bytes);
    let address = arp.map_or(VirtualAddr::from_bits(0), |(arp, _)| {
        match arp.sender_address() {
            zero if zero == VirtualAddr::from_bits(0) => arp.target_address(),
            sender => sender,
        }
    });
    let there = || {
        link.iter()
            .filter_map(|&id| Some((id, ports.interface(id)?)))
    };
    there()
        .find(|(_, interface)| interface.addresses.contains(&address))
        .or_else(|| there().next())
        .ok_or(NoInterface::UnknownMac)
}
