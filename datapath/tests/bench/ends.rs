//! How a packet may leave host R's pipeline, whatever it was: decided, and
//! readable where it goes out. For random frames and fuzzers.

use datapath::pipeline::{Punt, Verdict};
use vnet::compiled::PortId;

use super::check::ones_sum;
use super::host::Way;
use super::names::R_UPLINKS;
use super::plan::Site;

/// Everything is decided, and what goes out can be read.
pub fn ends_well(way: Way, verdict: Verdict, frame: &[u8]) {
    match (verdict, way) {
        (Verdict::Next, _) => panic!("nobody decided"),
        (Verdict::Forward(PortId(port)), Way::FromNode) if R_UPLINKS.contains(&port) => {
            readable_ipv6(frame);
        }
        (Verdict::Forward(PortId(port)), _) => {
            assert!(!R_UPLINKS.contains(&port), "from the fabric to the fabric");
            readable_ipv4(frame);
        }
        (Verdict::Reply, Way::FromNode) => {
            assert!(matches!(frame.len(), 42 | 46), "{}", frame.len());
        }
        (Verdict::Punt(Punt::ForHost), Way::FromSubstrate)
        | (Verdict::Consume(_), Way::FromNode)
        | (Verdict::Drop(_), _) => {}
        (verdict, way) => panic!("{verdict:?} {way:?}"),
    }
}

fn readable_ipv6(frame: &[u8]) {
    assert_eq!(frame[12..14], [0x86, 0xdd], "no tag on the fabric");
    let (header, rest) = etherparse::Ipv6Header::from_slice(&frame[14..]).unwrap();
    assert_eq!(usize::from(header.payload_length), rest.len());
    let locator = |site: Site| site.locator().to_bits().to_be_bytes();
    assert_eq!(header.source[..8], locator(Site::R));
    assert_eq!(header.destination[..8], locator(Site::S));
    assert_eq!(header.hop_limit, 64);
    let next_header = header.next_header.0;
    let never = [0, 1, 43, 44, 51, 59, 60, 97, 135, 139, 140];
    assert!(
        !never.contains(&next_header),
        "a tenant speaks to the fabric"
    );
    if next_header == 58 {
        assert!(matches!(rest[..2], [128 | 129, 0]), "only echo");
    }
}

fn readable_ipv4(frame: &[u8]) {
    let bare = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
    let (header, _) = etherparse::Ipv4Header::from_slice(&frame[bare..]).unwrap();
    assert_eq!(bare + usize::from(header.total_len), frame.len());
    // Over the bytes: the parser's own sum knows no reserved flag.
    assert_eq!(ones_sum(&frame[bare..bare + header.header_len()]), 0);
}
