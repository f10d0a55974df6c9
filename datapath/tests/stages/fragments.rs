//! Fragments: a node's own pass as they are, and what does not fit is cut as any
//! router cuts it.

use datapath::pipeline::DropReason;
use packet::Fragment;
use packet::build::Payload;
use packet::fragment::FragmentHeader;
use packet::ipv4::Ipv4Header;
use zerocopy::FromBytes;

use crate::bench::check::{ones_sum, pseudo_sum};
use crate::bench::{A, D, F, G, Plan, R_UPLINKS, Site, VLAN_FRONT, cross, v4};
use crate::rewrite::{at_g, on_the_fabric};

/// A datagram's transport packet with its checksum, cut by hand.
fn pieces(payload: Payload, chunk: usize, dont_fragment: bool) -> Vec<Vec<u8>> {
    let protocol = payload.protocol.0;
    let whole = v4(A, G).carrying(payload)[34..].to_vec();
    let count = whole.len().div_ceil(chunk);
    let piece = |(at, bytes): (usize, &[u8])| {
        let ip = v4(A, G).id(0xbeef).ttl(9).tos(0x2e);
        let ip = ip.fragment((at * chunk / 8) as u16, at + 1 < count);
        let ip = if dont_fragment {
            ip.dont_fragment()
        } else {
            ip
        };
        ip.protocol(protocol, bytes)
    };
    whole.chunks(chunk).enumerate().map(piece).collect()
}

fn fragment_header(fabric: &[u8]) -> FragmentHeader {
    assert_eq!(fabric[20], 44, "next header");
    FragmentHeader::read_from_prefix(&fabric[54..]).unwrap().0
}

#[test]
fn a_nodes_fragments_arrive_as_they_were_sent() {
    for dont_fragment in [false, true] {
        for chunk in [8, 16, 24, 1448] {
            for payload in [
                Payload::udp(5000, 53, &[7; 3000]),
                Payload::tcp(5000, 80, 9, 0x10, &[7; 3000]),
                Payload::sctp(1, 2, 0xdead_beef, &[3; 3000]),
            ] {
                for sent in pieces(payload, chunk, dont_fragment) {
                    assert_eq!(at_g(&sent), sent);
                }
            }
        }
    }
}

#[test]
fn the_fragment_header_says_what_ipv4s_does() {
    let sent = pieces(Payload::udp(5000, 53, &[7; 40]), 16, false);
    for (at, sent) in sent.iter().enumerate() {
        let header = fragment_header(&on_the_fabric(sent));
        assert_eq!(header.next_header.0, 17);
        assert_eq!(header.identification(), 0xbeef);
        assert_eq!(header.fragment(), Fragment::new(at as u16 * 2, at < 2));
    }
}

#[test]
fn the_checksum_is_right_wherever_it_lies() {
    // TCP's is 16 bytes into the datagram: with 8 bytes each, in the third.
    for (payload, protocol) in [
        (Payload::tcp(5000, 80, 9, 0x10, &[7; 33]), 6),
        (Payload::udp(5000, 53, &[7; 33]), 17),
        (Payload::udp_lite(5000, 53, &[7; 33]), 136),
        (Payload::dccp(5000, 53, &[7; 33]), 33),
    ] {
        for chunk in [8, 16, 24] {
            let sent = pieces(payload.clone(), chunk, false);
            let fabric: Vec<_> = sent.iter().map(|sent| on_the_fabric(sent)).collect();
            let whole: Vec<u8> = fabric.iter().flat_map(|f| f[62..].to_vec()).collect();
            let addresses = &fabric[0][22..54];
            assert_eq!(
                pseudo_sum(addresses, protocol, &whole),
                0,
                "{protocol} by {chunk}"
            );
        }
    }
}

#[test]
fn overlapping_repeated_and_tiny_fragments_are_nobodys_business_here() {
    let fragment = |offset, more, fill| {
        let ip = v4(A, G).id(5).fragment(offset, more);
        ip.protocol(6, &[fill; 24])
    };
    for sent in [
        fragment(0, true, 1),
        fragment(1, true, 2),
        fragment(1, true, 3),
        fragment(2, false, 4),
        v4(A, G).id(5).fragment(0, true).protocol(6, &[5; 8]),
    ] {
        assert_eq!(at_g(&sent), sent);
    }
}

#[test]
fn fragments_of_a_datagram_go_one_way() {
    let sent = pieces(Payload::udp(5000, 53, &[7; 3000]), 1000, false);
    let label = |fabric: Vec<u8>| [fabric[15] & 0x0f, fabric[16], fabric[17]];
    let labels: Vec<_> = sent.iter().map(|sent| label(on_the_fabric(sent))).collect();
    assert!(
        labels.windows(2).all(|pair| pair[0] == pair[1]),
        "{labels:?}"
    );
}

#[test]
fn whole_packets_have_no_fragment_header() {
    // RFC 8021: no atomic fragments, whatever DF says.
    assert_eq!(on_the_fabric(&v4(A, G).id(7).udp(1, 2, b"x"))[20], 17);
    assert_eq!(
        on_the_fabric(&v4(A, G).id(7).dont_fragment().udp(1, 2, b"x"))[20],
        17
    );
}

/// The payloads of IPv4 fragments put together; checks that they are whole, in
/// order, sound, and at most `limit` bytes each.
#[track_caller]
fn reassemble(fragments: &[Vec<u8>], limit: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    for (at, frame) in fragments.iter().enumerate() {
        let packet = &frame[14..];
        let (header, rest) = Ipv4Header::ref_from_prefix(packet).unwrap();
        assert!(packet.len() <= limit, "{} > {limit}", packet.len());
        assert_eq!(header.total_len(), packet.len());
        assert_eq!(ones_sum(&packet[..header.header_len()]), 0);
        assert_eq!(header.fragment().offset(), payload.len());
        assert_eq!(header.fragment().more(), at + 1 < fragments.len());
        payload.extend(&rest[header.header_len() - 20..]);
    }
    payload
}

fn untagged(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[12..16], [0x81, 0, 0, VLAN_FRONT as u8]);
    [&frame[..12], &frame[16..]].concat()
}

#[test]
fn what_does_not_fit_the_fabric_is_cut_and_arrives_in_pieces() {
    let jumbo = |site| Plan::of(site).segment_mtu(9000);
    for (sent, next_header, limit) in [
        (v4(A, G).id(3).udp(1, 2, &[5; 8000]), 44, 1600 - 28),
        (v4(A, G).id(3).tcp(1, 2, &[5; 8000]), 44, 1600 - 28),
        (v4(A, G).id(3).icmp_echo(1, 2, &[5; 8000]), 97, 1600 - 56),
        (
            v4(A, G)
                .id(3)
                .options(&[148, 4, 0, 0])
                .udp(1, 2, &[5; 8000]),
            97,
            1600 - 56,
        ),
        (
            v4(A, G).id(3).reserved_flag().udp(1, 2, &[5; 8000]),
            97,
            1600 - 56,
        ),
        (v4(A, G).id(3).protocol(51, &[5; 8000]), 97, 1600 - 56),
    ] {
        let fabric = jumbo(Site::R)
            .host()
            .node_sends(A.port, &sent)
            .cut(R_UPLINKS[0]);
        assert!(fabric.len() >= 6);
        assert!(
            fabric
                .iter()
                .all(|f| f[20] == next_header && f.len() <= 14 + 1600)
        );
        let mut s = jumbo(Site::S).host();
        let arrived = fabric.iter().map(|f| {
            let arrived = s.substrate_delivers(&cross(f, Site::S));
            untagged(&arrived.forwarded(G.port))
        });
        let arrived: Vec<_> = arrived.collect();
        let header_len = usize::from(sent[14] & 0x0f) * 4;
        assert_eq!(reassemble(&arrived, limit), &sent[14 + header_len..]);
        assert!(arrived.iter().all(|f| f[18..20] == [0, 3]), "one datagram");
    }
}

#[test]
fn a_fragment_that_does_not_fit_is_cut_again() {
    let plan = || Plan::of(Site::R).segment_mtu(9000);
    let sent = v4(A, G).id(3).fragment(100, true).protocol(17, &[5; 4000]);
    let fabric = plan().host().node_sends(A.port, &sent).cut(R_UPLINKS[0]);
    let places: Vec<_> = fabric
        .iter()
        .map(|f| fragment_header(f).fragment())
        .collect();
    // 1600 - 48 is a multiple of 8: 1552 bytes in each.
    let expected = [(100, true), (294, true), (488, true)];
    assert_eq!(places, expected.map(|(at, more)| Fragment::new(at, more)));
}

#[test]
fn between_two_nodes_of_a_host_the_segments_mtu_holds_too() {
    let sent = v4(A, F).id(3).udp(1, 2, &[5; 4000]);
    let arrived = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &sent)
        .cut(F.port);
    assert_eq!(reassemble(&arrived, 1500), &sent[34..]);
    let sent = v4(A, D).id(3).udp(1, 2, &[5; 4000]);
    let arrived = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &sent)
        .cut(D.port);
    let arrived: Vec<_> = arrived.iter().map(|f| untagged(f)).collect();
    assert_eq!(reassemble(&arrived, 1500), &sent[34..]);
}

#[test]
fn what_no_pieces_can_hold_is_dropped() {
    // Ends where no offset can point.
    let sent = v4(A, F).fragment(0x1ff0, false).protocol(17, &[5; 2000]);
    let outcome = Plan::of(Site::R).host().node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::TooBig);
}

#[test]
fn the_books_count_every_piece() {
    let mut host = Plan::of(Site::R).host();
    let outcome = host.node_sends(A.port, &v4(A, F).udp(1, 2, &[5; 4000]));
    let row = host.booked(outcome.cx.row).numbers;
    let counts = [row.received, row.pieces, row.forwarded];
    assert_eq!(counts, [1, 2, 3]);
}
