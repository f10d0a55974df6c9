//! What a frame says, by somebody else's reading: the `etherparse` crate.

use core::net::Ipv6Addr;

use etherparse::icmpv6::{Icmpv6PayloadSlice, NdpOptionSlice};
use etherparse::{Icmpv6Type, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use packet::MacAddr;

use super::super::Effect;

/// A frame, read; its lengths and checksum were right.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct Seen {
    pub(super) from: MacAddr,
    pub(super) to: MacAddr,
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    pub(super) class: u8,
    pub(super) hop_limit: u8,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) enum What {
    /// Target, MAC.
    Solicitation(Ipv6Addr, Option<MacAddr>),
    /// Target, MAC, flags as letters.
    Advertisement(Ipv6Addr, Option<MacAddr>, String),
    /// Identifier and sequence, then data.
    EchoReply(u16, u16, Vec<u8>),
    /// The kind of each record, and its group.
    Report(Vec<(u8, Ipv6Addr)>),
}

pub(super) fn read(frame: &[u8]) -> Seen {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    let Some(LinkSlice::Ethernet2(ethernet)) = sliced.link else {
        panic!("not Ethernet")
    };
    let Some(NetSlice::Ipv6(ip)) = sliced.net else {
        panic!("not IPv6")
    };
    let header = ip.header();
    let Some(TransportSlice::Icmpv6(icmp)) = sliced.transport else {
        panic!("not ICMPv6")
    };
    assert!(
        icmp.is_checksum_valid(header.source(), header.destination()),
        "checksum of {frame:02x?}"
    );
    assert_eq!(icmp.code_u8(), 0);
    assert_eq!(usize::from(header.payload_length()) + 54, frame.len());
    let mac = |bytes: &[u8]| MacAddr::new(bytes.try_into().unwrap());
    let option = |options: etherparse::icmpv6::NdpOptionsIterator<'_>| {
        let mut found = None;
        for option in options {
            match option.unwrap() {
                NdpOptionSlice::SourceLinkLayerAddress(o) => {
                    found = Some(mac(o.link_layer_address()));
                }
                NdpOptionSlice::TargetLinkLayerAddress(o) => {
                    found = Some(mac(o.link_layer_address()));
                }
                _ => {}
            }
        }
        found
    };
    let flags = |kind| match kind {
        Icmpv6Type::NeighborAdvertisement(h) => {
            [(h.router, 'R'), (h.solicited, 'S'), (h.r#override, 'O')]
                .iter()
                .filter_map(|(set, letter)| set.then_some(*letter))
                .collect()
        }
        other => panic!("{other:?}"),
    };
    let what = match (icmp.type_u8(), icmp.payload_slice()) {
        (135, Ok(Icmpv6PayloadSlice::NeighborSolicitation(ns))) => {
            What::Solicitation(ns.target_address(), option(ns.options_iterator()))
        }
        (136, Ok(Icmpv6PayloadSlice::NeighborAdvertisement(na))) => What::Advertisement(
            na.target_address(),
            option(na.options_iterator()),
            flags(icmp.icmp_type()),
        ),
        (129, _) => {
            let [a, b, c, d] = icmp.bytes5to8();
            let (id, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            What::EchoReply(id, sequence, icmp.payload().to_vec())
        }
        (143, _) => {
            // Hop-by-hop: Router Alert with value 0, then padding.
            assert_eq!(frame[20], 0, "next header");
            assert_eq!(frame[54..62], [58, 0, 5, 2, 0, 0, 1, 0]);
            let records = icmp.payload().chunks(20);
            let address = |b: &[u8]| Ipv6Addr::from_octets(b.try_into().unwrap());
            let records = records.map(|r| (r[0], address(&r[4..])));
            What::Report(records.collect())
        }
        (kind, payload) => panic!("type {kind}: {payload:?}"),
    };
    Seen {
        from: mac(&ethernet.source()),
        to: mac(&ethernet.destination()),
        source: header.source_addr(),
        destination: header.destination_addr(),
        class: header.traffic_class(),
        hop_limit: header.hop_limit(),
        what,
    }
}

/// The frames among the effects, read.
pub(super) fn sent(effects: &[Effect]) -> Vec<Seen> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { frame, .. } => Some(read(frame)),
            _ => None,
        })
        .collect()
}
