//! What a node left to a device: checksums and segmentation, done by the port
//! where it can, and here where not.

use core::num::NonZeroU16;

use datapath::tables::PortOffloads;
use packet::build::{Checksum, Ipv4, Payload};
use packet::checksum::{Sum, pseudo_header_v6};
use packet::{HeaderChecksum, HeapBuf, IpProtocol, Offload, PacketBuf, TransportChecksum};
use vnet::compiled::PortId;

use crate::bench::check::assert_sound;
use crate::bench::host::Way;
use crate::bench::{A, F, G, J, Node, Plan, R_UPLINKS, Site, cross, v4};

const PARTIAL: Offload = Offload {
    transport: TransportChecksum::Partial,
    ipv4_header: HeaderChecksum::Unverified,
    segment_size: None,
};

const ALL: PortOffloads = PortOffloads {
    checksum: true,
    segmentation: true,
};

fn super_frame(payload: u16) -> Offload {
    Offload {
        segment_size: NonZeroU16::new(payload),
        ..PARTIAL
    }
}

/// The sum of the pseudo-header alone.
fn pseudo(from: Node, to: Node, len: usize, protocol: IpProtocol) -> u16 {
    let addresses = Sum::of(&from.ip).and(Sum::of(&to.ip));
    pseudo_header_v6(addresses, len as u32, protocol).fold()
}

fn df(to: Node) -> Ipv4 {
    v4(A, to).dont_fragment()
}

/// A TCP segment to `to`, complete and with a partial checksum.
fn tcp(to: Node, data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let partial = pseudo(A, to, 20 + data.len(), IpProtocol::TCP);
    let unfinished = df(to).checksum(Checksum::Exactly(partial));
    (df(to).tcp(5000, 80, data), unfinished.tcp(5000, 80, data))
}

fn udp(to: Node, data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let partial = pseudo(A, to, 8 + data.len(), IpProtocol::UDP);
    let unfinished = df(to).checksum(Checksum::Exactly(partial));
    (df(to).udp(5000, 80, data), unfinished.udp(5000, 80, data))
}

#[test]
fn a_partial_checksum_is_completed_where_the_port_does_not() {
    for make in [tcp, udp] {
        for data in [&b"even"[..], b"odd"] {
            let (complete, partial) = make(F, data);
            let mut host = Plan::of(Site::R).host();
            let outcome = host.node_leaves_to_a_device(A.port, &partial, PARTIAL);
            assert_eq!(outcome.offloads, [Offload::NONE]);
            assert_eq!(outcome.sent[0].1, complete);
            let (complete, partial) = make(G, data);
            let outcome = host.node_leaves_to_a_device(A.port, &partial, PARTIAL);
            assert_eq!(outcome.offloads, [Offload::NONE]);
            let expected = host.node_sends(A.port, &complete).forwarded(R_UPLINKS[0]);
            assert_eq!(outcome.sent[0].1, expected);
            assert_sound(&expected);
        }
    }
}

#[test]
fn a_partial_checksum_stays_partial_behind_the_rewrite_where_the_port_completes_it() {
    for (make, protocol, at) in [
        (tcp as fn(Node, &[u8]) -> _, IpProtocol::TCP, 16),
        (udp, IpProtocol::UDP, 6),
    ] {
        let (_, partial) = make(G, b"data");
        let mut host = Plan::of(Site::R).offloading(ALL).host();
        let outcome = host.node_leaves_to_a_device(A.port, &partial, PARTIAL);
        assert_eq!(outcome.offloads, [PARTIAL]);
        let fabric = &outcome.sent[0].1;
        let len = fabric.len() - 54;
        let addresses = Sum::of(&fabric[22..54]);
        let field = u16::from_be_bytes([fabric[54 + at], fabric[55 + at]]);
        assert_eq!(
            field,
            pseudo_header_v6(addresses, len as u32, protocol).fold()
        );
        // The other side hands it to a node's device in the same way.
        let mut there = Plan::of(Site::S).offloading(ALL).host();
        let arrived = there.substrate_leaves_to_a_device(&cross(fabric, Site::S), PARTIAL);
        assert_eq!(arrived.offloads, [PARTIAL]);
        assert_eq!(arrived.sent[0].1[38..], partial[34..]);
    }
}

#[test]
fn what_goes_raw_or_in_pieces_is_completed_first() {
    let data = [7; 3000];
    let partial = pseudo(A, G, 8 + data.len(), IpProtocol::UDP);
    for options in [&[][..], &[148, 4, 0, 0]] {
        let ip = || v4(A, G).id(4).options(options);
        let unfinished = ip().checksum(Checksum::Exactly(partial)).udp(1, 2, &data);
        let mut host = Plan::of(Site::R).segment_mtu(9000).offloading(ALL).host();
        let outcome = host.node_leaves_to_a_device(A.port, &unfinished, PARTIAL);
        let expected = host
            .node_sends(A.port, &ip().udp(1, 2, &data))
            .cut(R_UPLINKS[0]);
        assert_eq!(outcome.cut(R_UPLINKS[0]), expected);
    }
}

/// A's super-frame to `to` and the segments that it stands for.
fn super_frame_to(to: Node, mss: usize, data: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let partial = pseudo(A, to, 20 + data.len(), IpProtocol::TCP);
    let last = data.len().div_ceil(mss) - 1;
    let whole = Payload::tcp(5000, 80, 1000, 0x18, data);
    let whole = df(to)
        .id(7)
        .checksum(Checksum::Exactly(partial))
        .carrying(whole);
    let segment = |(at, bytes): (usize, &[u8])| {
        let flags = if at == last { 0x18 } else { 0x10 };
        let tcp = Payload::tcp(5000, 80, 1000 + (at * mss) as u32, flags, bytes);
        df(to).id(7 + at as u16).carrying(tcp)
    };
    (whole, data.chunks(mss).enumerate().map(segment).collect())
}

fn data() -> Vec<u8> {
    (0..40_000u32).map(|n| (n * 7) as u8).collect()
}

#[test]
fn a_super_frame_is_cut_into_its_segments_where_the_port_does_not() {
    let (whole, segments) = super_frame_to(F, 1460, &data());
    let mut host = Plan::of(Site::R).host();
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    assert!(
        outcome
            .offloads
            .iter()
            .all(|offload| *offload == Offload::NONE)
    );
    assert_eq!(outcome.cut(F.port), segments);

    let (whole, segments) = super_frame_to(G, 1460, &data());
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    let alone = |segment: &Vec<u8>| host.node_sends(A.port, segment).forwarded(R_UPLINKS[0]);
    let expected: Vec<_> = segments.iter().map(alone).collect();
    assert_eq!(outcome.cut(R_UPLINKS[0]), expected);
}

#[test]
fn a_super_frame_stays_whole_where_the_port_cuts_it() {
    let (whole, _) = super_frame_to(G, 1460, &data());
    let mut host = Plan::of(Site::R).offloading(ALL).host();
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    assert_eq!(outcome.offloads, [super_frame(1460)]);
    let fabric = outcome.forwarded(R_UPLINKS[0]);
    assert_eq!(fabric.len(), whole.len() + 20);
    let addresses = Sum::of(&fabric[22..54]);
    let len = (fabric.len() - 54) as u32;
    let field = u16::from_be_bytes([fabric[70], fabric[71]]);
    assert_eq!(
        field,
        pseudo_header_v6(addresses, len, IpProtocol::TCP).fold()
    );
    // Where the receiver's port does not cut, its segments arrive.
    let mut there = Plan::of(Site::S).host();
    let arrived = there.substrate_leaves_to_a_device(&cross(&fabric, Site::S), super_frame(1460));
    let arrived = arrived.cut(G.port);
    assert_eq!(arrived.len(), 28);
    for (at, frame) in arrived.iter().enumerate() {
        let bare = [&frame[..12], &frame[16..]].concat();
        assert_sound(&bare);
        let from = at * 1460;
        assert_eq!(bare[54..], data()[from..(from + 1460).min(40_000)]);
    }
}

#[test]
fn segments_too_large_for_the_way_are_answered_with_what_fits() {
    let (whole, segments) = super_frame_to(G, 1460, &data());
    let mut host = Plan::of(Site::R).path_mtu(1400).offloading(ALL).host();
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    let reply = outcome.reply();
    assert_eq!(reply[26..30], J.ip);
    assert_eq!(reply[34..36], [3, 4]);
    assert_eq!(u16::from_be_bytes([reply[40], reply[41]]), 1380);
    // A wire would have carried the first segment; only flags and checksum were left.
    let quoted = &reply[42..];
    assert_eq!(quoted[..33], segments[0][14..47]);
}

#[test]
fn segments_that_may_be_cut_are_made_to_fit() {
    let whole = Payload::tcp(5000, 80, 1000, 0x18, &data()[..5000]);
    let partial = pseudo(A, G, 5020, IpProtocol::TCP);
    let whole = v4(A, G)
        .checksum(Checksum::Exactly(partial))
        .carrying(whole);
    let mut host = Plan::of(Site::R).path_mtu(1400).offloading(ALL).host();
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    // 1400 - 40 - 20 bytes in each.
    let pieces = outcome.cut(R_UPLINKS[0]);
    let payloads: Vec<_> = pieces.iter().map(|frame| frame.len() - 74).collect();
    assert_eq!(payloads, [1340, 1340, 1340, 980]);
    pieces.iter().for_each(|frame| assert_sound(frame));
}

#[test]
fn small_segments_pass_however_many_they_are() {
    for (mss, bytes) in [(500, 65_000), (256, 40_000), (88, 60_000)] {
        let data: Vec<u8> = (0..bytes).map(|n: u32| n as u8).collect();
        let (whole, segments) = super_frame_to(F, mss, &data);
        let offload = super_frame(mss as u16);
        let mut host = Plan::of(Site::R).host();
        let outcome = host.node_leaves_to_a_device(A.port, &whole, offload);
        let row = host.booked(outcome.cx.row).numbers;
        let counts = [row.received, row.pieces, row.forwarded];
        let count = segments.len() as u64;
        assert_eq!(counts, [1, count - 1, count]);
        assert_eq!(outcome.cut(F.port), segments);
        let mut host = Plan::of(Site::R).offloading(ALL).host();
        host.node_leaves_to_a_device(A.port, &whole, offload)
            .forwarded(F.port);
    }
}

#[test]
fn nobody_has_a_frame_cut_byte_by_byte() {
    let (whole, _) = super_frame_to(F, 1460, &data());
    let mut host = Plan::of(Site::R).host();
    let outcome = host.node_leaves_to_a_device(A.port, &whole, super_frame(1));
    assert_eq!(
        outcome.dropped(),
        datapath::pipeline::DropReason::SuperFrameMalformed
    );
}

#[test]
fn segments_of_what_came_whole_over_the_fabric_have_ids_of_their_own() {
    // Without DF each is a datagram that a router may cut (RFC 6864 §4.3).
    let whole = Payload::tcp(5000, 80, 1000, 0x18, &data()[..10_000]);
    let partial = pseudo(A, G, 10_020, IpProtocol::TCP);
    let whole = v4(A, G)
        .checksum(Checksum::Exactly(partial))
        .carrying(whole);
    let mut r = Plan::of(Site::R).offloading(ALL).host();
    let fabric = r.node_leaves_to_a_device(A.port, &whole, super_frame(1460));
    let fabric = cross(&fabric.forwarded(R_UPLINKS[0]), Site::S);
    let mut s = Plan::of(Site::S).host();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let arrived = s.substrate_leaves_to_a_device(&fabric, super_frame(1460));
        let pieces = arrived.cut(G.port);
        ids.extend(pieces.iter().map(|frame| [frame[22], frame[23]]));
        pieces
            .iter()
            .for_each(|f| assert_sound(&[&f[..12], &f[16..]].concat()));
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((count, ids.len()), (21, 21));
}

#[test]
fn a_chain_too_large_for_its_way_is_answered_or_cut_and_one_that_fits_is_not_taken() {
    let send = |sent: &[u8]| {
        let mut host = Plan::of(Site::R).host();
        host.one(Way::Node, PortId(A.port), HeapBuf::chain(sent, 1000))
    };
    let reply = send(&df(F).udp(1, 2, &[5; 4000])).reply();
    assert_eq!(
        (reply[34], reply[35], &reply[40..42]),
        (3, 4, &1500u16.to_be_bytes()[..])
    );
    let sent = v4(A, F).id(6).udp(1, 2, &data()[..4001]);
    let expected = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &sent)
        .cut(F.port);
    assert_eq!(send(&sent).cut(F.port), expected);
    let partial = Checksum::Exactly(pseudo(A, F, 4009, IpProtocol::UDP));
    let unfinished = v4(A, F).id(6).checksum(partial).udp(1, 2, &data()[..4001]);
    let mut chain = HeapBuf::chain(&unfinished, 1000);
    chain.set_offload(PARTIAL);
    let outcome = Plan::of(Site::R)
        .host()
        .one(Way::Node, PortId(A.port), chain);
    assert_eq!(outcome.cut(F.port), expected);
    let small = send(&df(F).udp(1, 2, &[5; 1400]));
    assert_eq!(
        small.dropped(),
        datapath::pipeline::DropReason::NotContiguous
    );
}

#[test]
fn a_header_checksum_that_a_device_has_checked_is_not_summed_again() {
    let wrong = v4(A, F).wrong_header_checksum().udp(1, 2, b"x");
    let with = |ipv4_header| Offload {
        ipv4_header,
        ..Offload::NONE
    };
    let mut host = Plan::of(Site::R).host();
    host.node_leaves_to_a_device(A.port, &wrong, with(HeaderChecksum::Good))
        .forwarded(F.port);
    let right = v4(A, F).udp(1, 2, b"x");
    let bad = host.node_leaves_to_a_device(A.port, &right, with(HeaderChecksum::Bad));
    assert_eq!(bad.dropped(), datapath::pipeline::DropReason::BadIpChecksum);
}
