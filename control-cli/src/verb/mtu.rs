//! `mtu check`: how large packets to other hosts may be, and what becomes of
//! larger ones.

use core::net::{Ipv4Addr, Ipv6Addr};

use clap::{Args, Subcommand};
use control_api::v1;
use packet::SegmentId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, Segment, segment_cells};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Explains the paths' MTUs; exits 1 if one carries less than its segment
    /// promises
    #[command(after_help = "Example: vswitchctl mtu check --to 10.0.0.3")]
    Check(Check),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Only the paths of this segment, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
    /// Only the paths to this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only the path to whoever has this virtual address, also behind logical routers
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Ipv4Addr>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::Check(check) = verb;
    let mut client = session.connect().await?;
    let request = v1::CheckMtuRequest {
        segment: check.segment.map(SegmentId::get),
        host: check.host,
        to: check.to.map(Ipv4Addr::to_bits),
    };
    let mut pages = client.verbs().check_mtu(request).await?.into_inner();
    let mut listing = session.list();
    let mut wide = true;
    while let Some(page) = pages.message().await? {
        for path in page.paths {
            let path = Path::try_from(path)?;
            wide &= matches!(path.verdict, Verdict::Ok | Verdict::Tight);
            listing.push(&path)?;
        }
    }
    listing.finish()?;
    if wide { Ok(()) } else { Err(Failure::Negative) }
}

/// A path from a segment's nodes here to a host, in the same segment or behind
/// logical routers. Sizes are of IP packets; those
/// that pass, of IPv4 packets in one piece.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Path {
    /// The segment.
    segment: Segment,
    /// The host it leads to, by name.
    host: String,
    /// That is this host.
    same_host: bool,
    /// The segment it leads to, where logical routers are between; null: the
    /// same.
    to_segment: Option<Segment>,
    /// What the segment promises its nodes; where routers are between, the
    /// narrowest segment on the way.
    segment_mtu_bytes: u32,
    /// The neighbours that routes lead through.
    next_hops: Vec<NextHop>,
    /// What the fabric's routers have said; null: nothing.
    learned_mtu_bytes: Option<u32>,
    #[serde(skip)]
    learned_for_ms: Option<u64>,
    /// How long that still holds.
    learned_for_seconds: Option<f64>,
    /// The largest IPv6 packet on the path; null: no limit but the segment's,
    /// or no route.
    path_mtu_bytes: Option<u32>,
    /// The largest whole packet that passes; null: no route.
    whole_bytes: Option<u32>,
    /// The largest fragment that passes; null: no route.
    fragment_bytes: Option<u32>,
    /// The largest packet that passes raw; null: no route.
    raw_bytes: Option<u32>,
    /// What that comes to.
    verdict: Verdict,
    /// The same in words.
    meaning: String,
}

/// A neighbour that routes lead through.
#[derive(Debug, Serialize, JsonSchema)]
struct NextHop {
    /// The uplink's port.
    port: String,
    /// The neighbour's IPv6 address.
    address: Ipv6Addr,
    /// The MTU of the link.
    mtu_bytes: u32,
}

/// What passes, against what the segment promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// Everything that the segment promises passes.
    Ok,
    /// It does, but for fragments or what travels raw.
    Tight,
    /// It does not.
    Narrow,
    /// No route leads there.
    NoRoute,
}

impl TryFrom<v1::MtuPath> for Path {
    type Error = Failure;

    fn try_from(path: v1::MtuPath) -> Result<Self, Failure> {
        let (verdict, meaning) = judge(path.segment_mtu, path.limits);
        let next_hops = path.next_hops.into_iter().map(NextHop::try_from);
        Ok(Self {
            segment: wire::segment(path.segment)?,
            host: path.host,
            same_host: path.same_host,
            to_segment: wire::optional_segment(path.to_segment)?,
            segment_mtu_bytes: path.segment_mtu,
            next_hops: next_hops.collect::<Result<_, _>>()?,
            learned_mtu_bytes: path.learned_mtu,
            learned_for_ms: path.learned_for_ms,
            learned_for_seconds: path.learned_for_ms.map(seconds),
            path_mtu_bytes: path.path_mtu,
            whole_bytes: path.limits.map(|limits| limits.whole),
            fragment_bytes: path.limits.map(|limits| limits.fragment),
            raw_bytes: path.limits.map(|limits| limits.raw),
            verdict,
            meaning,
        })
    }
}

impl TryFrom<v1::MtuNextHop> for NextHop {
    type Error = Failure;

    fn try_from(hop: v1::MtuNextHop) -> Result<Self, Failure> {
        Ok(Self {
            address: wire::ipv6(&hop.address)?,
            port: hop.port,
            mtu_bytes: hop.mtu,
        })
    }
}

/// What passes, against what the segment promises.
fn judge(promised: u32, limits: Option<v1::MtuLimits>) -> (Verdict, String) {
    let Some(limits) = limits else {
        return (Verdict::NoRoute, "no route leads there".to_owned());
    };
    let kinds = [
        ("packets", limits.whole),
        ("fragments", limits.fragment),
        ("raw packets", limits.raw),
    ];
    let too_large = kinds.iter().filter(|(_, limit)| *limit < promised);
    let too_large = too_large.map(|(what, limit)| format!("{what} above {limit}"));
    let too_large: Vec<String> = too_large.collect();
    if too_large.is_empty() {
        return (Verdict::Ok, "ok".to_owned());
    }
    let too_large = too_large.join(", ");
    let becomes = "with DF sent back (ICMP 3/4 with that size), others cut into fragments";
    if limits.whole < promised {
        (Verdict::Narrow, format!("{too_large} bytes: {becomes}"))
    } else {
        (
            Verdict::Tight,
            format!("ok but for {too_large} bytes: {becomes}"),
        )
    }
}

impl Row for Path {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            segment,
            network,
            entity,
            number("mtu"),
            words("host"),
            words("next hops"),
            words("learned"),
            number("path mtu"),
            number("whole"),
            number("fragment"),
            number("raw"),
            words("verdict"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(Some(&self.segment));
        let shown = |bytes: Option<u32>| bytes.map(|b| b.to_string()).unwrap_or_default();
        let learned = self.learned_mtu_bytes.zip(self.learned_for_ms);
        vec![
            segment,
            network,
            entity,
            self.segment_mtu_bytes.to_string(),
            self.whereto(),
            links(&self.next_hops),
            learned
                .map(|(mtu, ms)| format!("{mtu} for {}", span(ms)))
                .unwrap_or_default(),
            shown(self.path_mtu_bytes),
            shown(self.whole_bytes),
            shown(self.fragment_bytes),
            shown(self.raw_bytes),
            self.meaning.clone(),
        ]
    }
}

impl Path {
    fn whereto(&self) -> String {
        let here = if self.same_host { " (here)" } else { "" };
        let of = self.to_segment.iter();
        let of = of.map(|segment| format!(" in {} ({})", segment.name, segment.id));
        format!("{}{here}{}", self.host, of.collect::<String>())
    }
}

/// The links that next hops are on, with their MTUs, each once.
fn links(next_hops: &[NextHop]) -> String {
    let mut links: Vec<String> = Vec::new();
    for hop in next_hops {
        let link = format!("{} ({})", hop.port, hop.mtu_bytes);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    links.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(whole: u32, fragment: u32, raw: u32) -> (Verdict, String) {
        let limits = v1::MtuLimits {
            whole,
            fragment,
            raw,
        };
        judge(1500, Some(limits))
    }

    #[test]
    fn the_verdict_names_what_does_not_pass() {
        assert_eq!(said(1500, 1500, 1500), (Verdict::Ok, "ok".to_owned()));
        let (verdict, words) = said(1500, 1500, 1464);
        assert_eq!(verdict, Verdict::Tight);
        assert!(words.starts_with("ok but for raw packets above 1464 bytes: with DF"));
        let (verdict, words) = said(1500, 1492, 1464);
        assert_eq!(verdict, Verdict::Tight);
        assert!(words.contains("fragments above 1492, raw packets above 1464 bytes:"));
        let (verdict, words) = said(1499, 1491, 1463);
        assert_eq!(verdict, Verdict::Narrow);
        assert!(words.starts_with("packets above 1499, fragments above 1491, raw"));
        assert_eq!(judge(1500, None).0, Verdict::NoRoute);
    }

    #[test]
    fn a_link_is_named_once() {
        let hop = |port: &str, mtu_bytes| NextHop {
            port: port.to_owned(),
            address: Ipv6Addr::LOCALHOST,
            mtu_bytes,
        };
        assert_eq!(links(&[]), "");
        let two = [hop("up0", 9000), hop("up0", 9000), hop("up1", 1500)];
        assert_eq!(links(&two), "up0 (9000) up1 (1500)");
    }
}
