//! The quoted packet is translated as if it were on its way (RFC 7915 §4.3,
//! §5.3).

use super::*;
use crate::pipeline::translate::flow_label::{Carried, encode};
use packet::build::Checksum;

const HOST_UNREACHABLE: (u8, u8) = (3, 1);
const NO_ROUTE: (u8, u8) = (1, 0);

fn six_of(quoted: &[u8], peer: Peer) -> Result<Vec<u8>, Untranslatable> {
    Ok(to_six(&error_v4(HOST_UNREACHABLE, 0, quoted), peer)?[8..].to_vec())
}

fn four_of(quoted: &[u8], peer: Peer) -> Result<Vec<u8>, Untranslatable> {
    Ok(to_four(&error_v6(NO_ROUTE, 0, quoted), peer)?[8..].to_vec())
}

/// One packet in both versions.
fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let label = |dont_fragment| {
        encode(
            Carried {
                ttl: 9,
                dont_fragment,
            },
            0,
        )
        .get()
    };
    let mut pairs = Vec::new();
    for data in [&b""[..], b"x", b"some data", &[0; 40], &[0xff; 41]] {
        for payload in [
            Payload::udp(1000, 53, data),
            Payload::udp_lite(1000, 53, data),
            Payload::tcp(1000, 80, 77, 2, data),
            Payload::dccp(1000, 5001, data),
            Payload::sctp(1000, 36412, 0xdead_beef, data),
        ] {
            for df in [false, true] {
                let four = v4().ttl(9).tos(0xb9);
                let four = if df { four.dont_fragment() } else { four };
                let six = v6().traffic_class(0xb9).flow_label(label(df));
                pairs.push((
                    four.carrying(payload.clone()),
                    six.carrying(payload.clone()),
                ));
            }
        }
        for reply in [false, true] {
            let four = v4().ttl(9).tos(0xb9);
            let six = v6().traffic_class(0xb9).flow_label(label(false));
            pairs.push(if reply {
                (
                    four.icmp((0, 0), (7, 1), data),
                    six.icmp((129, 0), (7, 1), data),
                )
            } else {
                (four.icmp_echo(7, 1, data), six.icmp_echo(7, 1, data))
            });
        }
    }
    pairs
}

#[test]
fn tcp_udp_udp_lite_dccp_sctp_and_echo_with_right_checksums() {
    for (four, six) in pairs() {
        let (four, six) = (ip(&four), ip(&six));
        assert_eq!(six_of(four, Peer::Vswitch).unwrap(), six);
        assert_eq!(four_of(six, Peer::Vswitch).unwrap(), four);
    }
}

#[test]
fn with_external_systems_ttl_and_hop_limit_are_copied_not_decremented() {
    for ttl in [0, 1, 2, 64, 255] {
        let (four, six) = (
            v4().ttl(ttl).udp(1, 2, b"x"),
            v6().hop_limit(ttl).udp(1, 2, b"x"),
        );
        assert_eq!(six_of(ip(&four), Peer::External).unwrap(), ip(&six));
        assert_eq!(four_of(ip(&six), Peer::External).unwrap(), ip(&four));
    }
}

#[test]
fn rfc_7915_5_1_df_is_set_above_1260_bytes() {
    for (data, df) in [(1232, false), (1233, true)] {
        let six = v6().udp(1, 2, &vec![1; data]);
        let four = v4().udp(1, 2, &vec![1; data]);
        let expected = v4().dont_fragment().udp(1, 2, &vec![1; data]);
        let expected = if df { &expected } else { &four };
        // The beginning is enough: the length field tells.
        let found = four_of(&ip(&six)[..100], Peer::External).unwrap();
        assert_eq!(found, &ip(expected)[..80]);
    }
}

#[test]
fn a_truncated_quote_is_the_beginning_of_the_whole_one() {
    for (four, six) in pairs() {
        let (four, six) = (ip(&four), ip(&six));
        for len in 28..four.len() {
            if four[9] == 6 && len == 37 {
                // One byte of TCP's checksum.
                continue;
            }
            let found = six_of(&four[..len], Peer::Vswitch).unwrap();
            assert_eq!(found, &six[..len + 20], "lengths are those of the whole");
            let found = four_of(&six[..len + 20], Peer::Vswitch).unwrap();
            assert_eq!(found, &four[..len]);
        }
    }
}

#[test]
fn a_quote_of_no_more_than_the_header() {
    let four = v4().ttl(9).udp(1, 2, b"data");
    let found = six_of(&ip(&four)[..20], Peer::External).unwrap();
    assert_eq!(found, &ip(&v6().hop_limit(9).udp(1, 2, b"data"))[..40]);
    // Of ICMP the type must be known, and its checksum.
    let echo = v4().icmp_echo(1, 2, b"data");
    for len in 20..24 {
        let found = six_of(&ip(&echo)[..len], Peer::External);
        assert_eq!(found, Err(Untranslatable::Malformed));
    }
    assert!(six_of(&ip(&echo)[..24], Peer::External).is_ok());
}

#[test]
fn a_quoted_udp_datagram_without_checksum_stays_without() {
    let four = v4().checksum(Checksum::Exactly(0)).udp(1, 2, b"x");
    let six = v6()
        .checksum(Checksum::Exactly(0))
        .hop_limit(64)
        .udp(1, 2, b"x");
    assert_eq!(six_of(ip(&four), Peer::External).unwrap(), ip(&six));
    assert_eq!(four_of(ip(&six), Peer::External).unwrap(), ip(&four));
}

#[test]
fn quoted_fragments_have_a_fragment_header() {
    let data: Vec<u8> = (0..64).collect();
    for (offset, more) in [(0, true), (8, true), (185, false)] {
        let id = 0xbeef;
        let four = v4().id(id).fragment(offset, more).protocol(132, &data);
        let six = Piece { offset, more, id }.v6(132, &data);
        assert_eq!(six_of(ip(&four), Peer::External).unwrap(), six);
        assert_eq!(four_of(&six, Peer::External).unwrap(), ip(&four));
    }
}

#[test]
fn rfc_7915_5_1_1_df_is_clear_in_fragments_of_any_length() {
    let (offset, more, id) = (0, true, 1);
    let data = [3; 1288];
    let four = v4().id(id).fragment(offset, more).protocol(132, &data);
    let six = Piece { offset, more, id }.v6(132, &data);
    let found = four_of(&six[..100], Peer::External).unwrap();
    assert_eq!(found, &ip(&four)[..72]);
}

#[test]
fn what_stands_behind_a_quoted_packet_is_left_alone() {
    // By its length the segment ends before its checksum.
    let behind = [0xaa; 30];
    let whole = v4().tcp(1, 2, b"");
    let segment = &ip(&whole)[20..30];
    let four = [ip(&v4().protocol(6, segment)), &behind].concat();
    let six = [ip(&v6().protocol(6, segment)), &behind].concat();
    assert_eq!(six_of(&four, Peer::External).unwrap(), six);
    assert_eq!(four_of(&six, Peer::External).unwrap(), four);
}

#[test]
fn the_checksum_of_a_quoted_fragment_changes_in_the_first_alone() {
    let whole = ip(&v4().udp(1, 2, &[7; 56])).to_vec();
    let whole_six = ip(&v6().udp(1, 2, &[7; 56])).to_vec();
    let first = v4().id(5).fragment(0, true).protocol(17, &whole[20..52]);
    let later = v4().id(5).fragment(4, false).protocol(17, &whole[52..]);
    assert_eq!(
        six_of(ip(&first), Peer::External).unwrap()[48..],
        whole_six[40..72]
    );
    assert_eq!(
        six_of(ip(&later), Peer::External).unwrap()[48..],
        whole_six[72..]
    );
}

#[test]
fn an_atomic_fragment_from_outside_is_a_whole_packet_with_an_id() {
    let id = 0x1234;
    let piece = Piece {
        offset: 0,
        more: false,
        id,
    };
    let echo = ip(&v6().icmp_echo(1, 2, b"data")).to_vec();
    let found = four_of(&piece.v6(58, &echo[40..]), Peer::External).unwrap();
    assert_eq!(found, ip(&v4().id(id).icmp_echo(1, 2, b"data")));
}

#[test]
fn options_of_the_quoted_packet_are_not_translated() {
    let four = v4().options(&[7, 7, 4, 0, 0, 0, 0]).udp(1, 2, b"x");
    assert_eq!(
        six_of(ip(&four), Peer::External).unwrap(),
        ip(&v6().udp(1, 2, b"x"))
    );
}

#[test]
fn extension_headers_of_the_quoted_packet_are_skipped() {
    let udp = ip(&v6().udp(1, 2, b"data"))[40..].to_vec();
    let expected = v4().udp(1, 2, b"data");
    let options = |next| [next, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let routing = |next, left| [next, 0, 0, left, 0, 0, 0, 0];
    for (first, extensions) in [
        (0, options(17).to_vec()),
        (60, options(17).to_vec()),
        (43, routing(17, 0).to_vec()),
        (
            0,
            [&options(60)[..], &options(43), &routing(17, 0)].concat(),
        ),
    ] {
        let six = v6().protocol(first, &[&extensions[..], &udp].concat());
        assert_eq!(four_of(ip(&six), Peer::External).unwrap(), ip(&expected));
        let cut = four_of(&ip(&six)[..44], Peer::External);
        assert_eq!(cut, Err(Untranslatable::Malformed));
    }
    let on_its_way = v6().protocol(43, &[&routing(17, 1)[..], &udp].concat());
    let found = four_of(ip(&on_its_way), Peer::External);
    assert_eq!(found, Err(Untranslatable::QuotedRoute));
    // Longer than the packet's own length.
    let lying = v6()
        .payload_len(8)
        .protocol(0, &[&options(17)[..], &udp].concat());
    assert_eq!(
        four_of(ip(&lying), Peer::External),
        Err(Untranslatable::Malformed)
    );
    // §5.1.1: none behind a fragment header.
    let piece = Piece {
        offset: 0,
        more: true,
        id: 1,
    };
    let found = four_of(&piece.v6(60, &options(17)), Peer::External);
    assert_eq!(found, Err(Untranslatable::QuotedProtocol));
}

#[test]
fn no_second_quote_and_no_fragmented_icmp() {
    let inner = v4().udp(1, 2, b"x");
    let nested = v4().icmp((3, 1), (0, 0), ip(&inner));
    let timestamp = v4().icmp((13, 0), (1, 1), &[0; 12]);
    let fragment = v4()
        .fragment(0, true)
        .protocol(1, &[8, 0, 0, 0, 0, 0, 0, 0]);
    let later = v4().fragment(1, false).protocol(1, &[8; 8]);
    for quoted in [nested, timestamp, fragment, later] {
        let found = six_of(ip(&quoted), Peer::External);
        assert_eq!(found, Err(Untranslatable::QuotedIcmp));
    }
    let inner = v6().udp(1, 2, b"x");
    let nested = v6().icmp((1, 0), (0, 0), ip(&inner));
    let neighbour = v6().icmp((135, 0), (0, 0), &[0; 16]);
    for quoted in [nested, neighbour] {
        let found = four_of(ip(&quoted), Peer::External);
        assert_eq!(found, Err(Untranslatable::QuotedIcmp));
    }
    let piece = Piece {
        offset: 1,
        more: false,
        id: 1,
    };
    let found = four_of(&piece.v6(58, &[8; 8]), Peer::External);
    assert_eq!(found, Err(Untranslatable::QuotedIcmp));
}

/// RFC 7915 §4.3, §5.3: with external systems a quoted packet is translated if
/// one like it would be on its way, whatever its protocol; between vswitches, if
/// it may go to the substrate.
#[test]
fn protocols_that_mean_something_else_in_the_other_version() {
    let refused = Some(Untranslatable::QuotedProtocol);
    let message = [8, 0, 0, 0, 0, 0, 0, 0];
    for protocol in 0..=255 {
        let four = v4().protocol(protocol, &message);
        let never = [0, 43, 44, 58, 60].contains(&protocol);
        let expected = refused.filter(|_| never);
        let found = six_of(ip(&four), Peer::External);
        assert_eq!(found.err(), expected, "{protocol}");
        let never = !IpProtocol(protocol).may_be_next_header();
        let expected = refused.filter(|_| never);
        let found = six_of(ip(&four), Peer::Vswitch);
        assert_eq!(found.err(), expected, "{protocol}");
    }
    for next_header in [51, 59, 97, 135, 139, 140] {
        let six = v6().protocol(next_header, &[0; 16]);
        let found = four_of(ip(&six), Peer::External).unwrap();
        assert_eq!(found[9], next_header);
        let found = four_of(ip(&six), Peer::Vswitch);
        assert_eq!(found.err(), refused, "{next_header}");
        let piece = Piece {
            offset: 0,
            more: true,
            id: 1,
        };
        let found = four_of(&piece.v6(next_header, &[0; 16]), Peer::External);
        let is_extension = ![59, 97].contains(&next_header);
        let expected = refused.filter(|_| is_extension);
        assert_eq!(found.err(), expected, "{next_header}");
    }
    for peer in [Peer::External, Peer::Vswitch] {
        let found = four_of(ip(&v6().protocol(1, &[0; 16])), peer);
        assert_eq!(found.err(), refused);
    }
}

#[test]
fn what_is_quoted_is_no_ip_packet_of_that_version() {
    let (four, six) = (v4().udp(1, 2, b"x"), v6().udp(1, 2, b"x"));
    let malformed = Err(Untranslatable::Malformed);
    assert_eq!(six_of(ip(&six), Peer::External), malformed);
    assert_eq!(
        four_of(&[ip(&four), &[0; 40]].concat(), Peer::External),
        malformed
    );
    for wrong in [
        v4().version_ihl(0x44).udp(1, 2, b"x"),
        v4().total_len(19).udp(1, 2, b"x"),
        v4().version_ihl(0x4f).udp(1, 2, b"x"),
    ] {
        assert_eq!(six_of(ip(&wrong), Peer::External), malformed);
    }
    // IPv4's total length counts the header: 65515 bytes of payload at most.
    for (len, found) in [(65515, None), (65516, Some(Untranslatable::TooLong))] {
        let six = v6().payload_len(len).udp(1, 2, b"x");
        assert_eq!(four_of(ip(&six), Peer::External).err(), found);
    }
}

#[test]
fn addresses_without_a_counterpart() {
    let message = error_v4(HOST_UNREACHABLE, 0, ip(&v4().udp(1, 2, b"x")));
    let cx = ToV6 {
        outer: back(),
        peer: Peer::External,
        mtu: NextHops::UNKNOWN,
        traffic_class: None,
        quoted: &nowhere,
    };
    let mut out = [0; 200];
    let found = to_v6(&message, &cx, &mut out);
    assert_eq!(found, Err(Untranslatable::QuotedAddress));
    // Segment 0 is the host itself, no tenant's address.
    let host = frame().ipv6(Ipv6Addr::from_bits(0xfd00 << 112 | 1), forth().destination);
    let found = four_of(ip(&host.udp(1, 2, b"x")), Peer::Vswitch);
    assert_eq!(found, Err(Untranslatable::QuotedAddress));
}

#[test]
fn rfc_4443_2_4_c_no_message_exceeds_ipv6s_least_mtu() {
    let large = v4().udp(1, 2, &[3; 1400]);
    let large_six = v6().udp(1, 2, &[3; 1400]);
    // 1212 bytes of IPv4 are 1232 of IPv6, and 1240 with the ICMPv6 header.
    for len in [1211, 1212] {
        let message = error_v4(HOST_UNREACHABLE, 0, &ip(&large)[..len]);
        for peer in [Peer::Vswitch, Peer::External] {
            assert_eq!(to_six(&message, peer).unwrap().len(), len + 28);
        }
    }
    let message = error_v4(HOST_UNREACHABLE, 0, &ip(&large)[..1213]);
    assert_eq!(
        to_six(&message, Peer::Vswitch),
        Err(Untranslatable::TooLong)
    );
    let cut = to_six(&message, Peer::External).unwrap();
    assert_eq!(cut.len(), MAX_ERROR_V6);
    let with_label = Peer::External;
    assert_eq!(
        six_of(&ip(&large)[..1213], with_label).unwrap(),
        &ip(&large_six)[..1232]
    );
}

#[test]
fn too_little_room() {
    let message = error_v4(HOST_UNREACHABLE, 0, ip(&v4().udp(1, 2, b"data")));
    let cx = |peer| ToV6 {
        outer: back(),
        peer,
        mtu: NextHops::UNKNOWN,
        traffic_class: None,
        quoted: &addresses,
    };
    let whole = to_six(&message, Peer::External).unwrap().len();
    let mut out = [0; 100];
    for room in 0..whole {
        let out = &mut out[..room];
        let found = to_v6(&message, &cx(Peer::Vswitch), out);
        assert_eq!(found, Err(Untranslatable::TooLong));
        let found = to_v6(&message, &cx(Peer::External), out);
        let expected = if room < 48 {
            Err(Untranslatable::TooLong)
        } else {
            Ok(room)
        };
        assert_eq!(found, expected);
    }
}

/// A fragment in IPv6.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) offset: u16,
    pub(super) more: bool,
    pub(super) id: u16,
}

impl Piece {
    pub(super) fn v6(self, protocol: u8, data: &[u8]) -> Vec<u8> {
        let offset_flags = self.offset << 3 | u16::from(self.more);
        let id = u32::from(self.id);
        let header = [
            &[protocol, 0][..],
            &offset_flags.to_be_bytes(),
            &id.to_be_bytes(),
        ];
        ip(&v6().protocol(44, &[&header.concat()[..], data].concat())).to_vec()
    }
}
