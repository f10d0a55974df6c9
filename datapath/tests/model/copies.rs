//! Did everybody hear what is for many, and each by one copy?

use super::bench::plan::Station;
use super::bench::{Ip, Site};
use super::compare::{Ids, Met, Seen, Spread, judge};
use super::groups::{RAW_GROUP, is_at};
use super::switch::{Fate, Sizes};
use super::{Judged, ensure};

/// Each port and tag has its copy, nobody else has one, and all on the other
/// host hear the same, of which one copy crossed the fabric.
pub fn many(
    copies: &[(Station, Fate)],
    sizes: Sizes,
    from: &Station,
    seen: &Seen,
    ids: &mut Ids,
) -> Judged<Met> {
    let mut rest = seen.nodes.clone();
    let mut there: Option<(Met, Ip, Vec<Vec<u8>>)> = None;
    for (to, fate) in copies {
        let is_its = |(site, port, frame): &mut (Site, u16, Vec<u8>)| {
            is_at(to, *site, *port, split(frame).0)
        };
        let nodes: Vec<_> = rest.extract_if(.., is_its).collect();
        if to.1 == from.1 {
            let wire = Vec::new();
            judge(fate, sizes, Some(from), &Seen { nodes, wire }, ids)?;
            continue;
        }
        let inside = nodes.iter().map(|(.., frame)| split(frame).1.to_vec());
        let inside: Vec<_> = inside.collect();
        if let Some((.., first)) = &there {
            ensure(inside == *first, "not all hear the same")?;
            continue;
        }
        let wire = seen.wire.clone();
        let met = judge(fate, sizes, Some(from), &Seen { nodes, wire }, ids)?;
        there = Some((met, to.2.ip, inside));
    }
    ensure(rest.is_empty(), "a copy to somebody else")?;
    let Some((met, address, _)) = there else {
        return Err("the model has nobody on the other host".to_owned());
    };
    Ok(match met {
        Met::Rewritten => Met::Many(Spread::Rewritten),
        Met::Fragment => Met::Many(Spread::Fragment),
        Met::Raw(_) if address == RAW_GROUP => Met::Many(Spread::RawToAll),
        Met::Raw(_) => Met::Many(Spread::Raw),
        Met::ErrorTranslated { .. } | Met::ErrorRaw => Met::Many(Spread::Error),
        Met::Cut => Met::Many(Spread::Cut),
        Met::Nothing if !seen.nodes.is_empty() => Met::Many(Spread::HereOnly),
        other => other,
    })
}

/// A frame's tag, and what is behind its MACs and that.
fn split(frame: &[u8]) -> (Option<u16>, &[u8]) {
    match frame[12..14] {
        [0x81, 0] => (
            Some(u16::from_be_bytes([frame[14], frame[15]])),
            &frame[16..],
        ),
        _ => (None, &frame[12..]),
    }
}
