//! Does an independent parser find every frame sound that leaves for the fabric
//! or crosses a border?

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::bench::check;
use crate::{all, frames_of, run};

/// The only case in which checksums are as a node left them.
const UNSOUND: &str = "udp-checksum-zero";

#[test]
fn every_frame_on_the_fabric_or_beyond_a_border_is_sound_to_an_independent_parser() {
    let mut read = 0;
    for case in all().iter().filter(|case| case.name != UNSOUND) {
        let out = run(case, &case.frames);
        let ports = [
            "out-fabric0.pcap",
            "out-fabric1.pcap",
            "out-v4.pcap",
            "out-v6.pcap",
        ];
        for pcap in ports.iter().filter_map(|port| out.get(*port)) {
            for frame in frames_of(pcap) {
                assert_sound(&frame);
                read += 1;
            }
        }
    }
    assert!(read > 200, "{read}");
}

#[track_caller]
fn assert_sound(frame: &[u8]) {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    match (&sliced.net, &sliced.transport) {
        // The parser's own types have no place for what RFC 4884 puts into an
        // error's header: its sums are over the bytes as they are.
        (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Icmpv6(icmp))) => {
            let header = ip.header();
            assert!(icmp.is_checksum_valid(header.source(), header.destination()));
        }
        (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Icmpv4(icmp))) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            assert_eq!(check::ones_sum(icmp.slice()), 0);
        }
        _ => check::assert_sound(frame),
    }
}
