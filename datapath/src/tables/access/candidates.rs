//! Which rules may match a packet? A bit per rule and property: what all of a
//! packet's properties leave over is asked exactly.
//!
//! The idea is Lakshman and Stiliadis' (1998, *High-speed policy-based packet
//! forwarding using efficient multi-dimensional range matching*). Equal sets are
//! kept once, so that a group of a thousand nodes takes one set, not a thousand.

use std::collections::BTreeSet;
use std::collections::HashMap as Interned;
use std::sync::Arc;

use hashbrown::HashMap;
use packet::{IpProtocol, SegmentId};
use vnet::compiled::{Peers, Rule, Service};

use super::question::{Carried, Question};

/// A set of rules: where it begins in [`Candidates::sets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SetAt(u32);

/// The sets of one network.
#[derive(Debug)]
pub(super) struct Candidates {
    /// Words of a set.
    words: usize,
    /// All sets, one behind the other.
    sets: Vec<u64>,
    /// By the segments of the packet's ends: sender, receiver.
    segments: HashMap<SegmentId, (SetAt, SetAt)>,
    from: Classes,
    to: Classes,
    protocols: Box<[SetAt]>,
    foreign: SetAt,
    ports: Classes,
    all: SetAt,
}

/// Ranges of values, each with its set: addresses, or ports.
#[derive(Debug)]
struct Classes {
    /// Where each begins; the first at 0.
    starts: Vec<u32>,
    sets: Vec<SetAt>,
}

impl Classes {
    fn of(&self, value: u32) -> SetAt {
        let at = self.starts.partition_point(|start| *start <= value);
        let set = self.sets.get(at.wrapping_sub(1));
        set.copied().unwrap_or(SetAt(0))
    }
}

/// The rules that may match a packet, in their order.
pub(super) struct Remaining<'a> {
    rows: [&'a [u64]; 6],
    word: usize,
    words: usize,
    bits: u64,
}

impl Candidates {
    pub(super) fn new(rules: &[Rule], segments: &BTreeSet<SegmentId>) -> Self {
        let mut pool = Pool::new(rules.len());
        let all = pool.set_of(|_| true, rules);
        let from = |rule: &Rule| rule.from.clone();
        let to = |rule: &Rule| rule.to.clone();
        let addresses = |pool: &mut Pool, of: &dyn Fn(&Rule) -> Peers| {
            let ranges = |rule: &Rule| address_ranges(&of(rule));
            pool.classes(rules, &ranges)
        };
        let segments = segments.iter().map(|segment| {
            let may = |peers: &Peers| may_be_in(peers, *segment);
            let sender = pool.set_of(|rule| may(&rule.from), rules);
            let receiver = pool.set_of(|rule| may(&rule.to), rules);
            (*segment, (sender, receiver))
        });
        let segments = segments.collect();
        let protocols = (0..=u8::MAX).map(|protocol| {
            let may = |rule: &Rule| may_carry(rule, IpProtocol(protocol));
            pool.set_of(may, rules)
        });
        let protocols = protocols.collect();
        let is_any = |service: &Service| *service == Service::Any;
        Self {
            words: pool.words,
            segments,
            from: addresses(&mut pool, &from),
            to: addresses(&mut pool, &to),
            protocols,
            foreign: pool.set_of(|rule| rule.services.iter().any(is_any), rules),
            ports: pool.classes(rules, &port_ranges),
            all,
            sets: pool.sets,
        }
    }

    /// Those that may match.
    pub(super) fn of(&self, question: &Question) -> Remaining<'_> {
        let (from, to) = (question.from, question.to);
        let sender = self.segments.get(&from.segment).map(|sets| sets.0);
        let receiver = self.segments.get(&to.segment).map(|sets| sets.1);
        let protocol = match question.carried.protocol() {
            None => self.foreign,
            Some(IpProtocol(number)) => {
                let set = self.protocols.get(usize::from(number));
                set.copied().unwrap_or(self.all)
            }
        };
        let port = match question.carried {
            Carried::Ports { destination, .. } => self.ports.of(destination.into()),
            _ => self.all,
        };
        let sets = [
            sender.unwrap_or(self.all),
            receiver.unwrap_or(self.all),
            self.from.of(from.address.to_bits()),
            self.to.of(to.address.to_bits()),
            protocol,
            port,
        ];
        Remaining {
            rows: sets.map(|set| self.row(set)),
            word: 0,
            words: self.words,
            bits: 0,
        }
    }

    fn row(&self, SetAt(start): SetAt) -> &[u64] {
        let start = start as usize;
        let row = self.sets.get(start..start + self.words);
        row.unwrap_or_default()
    }
}

impl Remaining<'_> {
    /// The next.
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            if self.word == self.words {
                return None;
            }
            let word = self.word;
            let of = |row: &&[u64]| row.get(word).copied().unwrap_or(0);
            self.bits = self.rows.iter().map(of).fold(u64::MAX, |a, b| a & b);
            self.word += 1;
        }
        let bit = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some((self.word - 1) * 64 + bit)
    }
}

/// Sets while they are made, each once.
struct Pool {
    words: usize,
    sets: Vec<u64>,
    known: Interned<Arc<[u64]>, SetAt>,
}

/// The ranges of values for which a rule may match; `None`: all.
type Ranges = Option<Vec<(u32, u32)>>;

impl Pool {
    fn new(rules: usize) -> Self {
        let mut pool = Self {
            words: rules.div_ceil(64),
            sets: Vec::new(),
            known: Interned::new(),
        };
        // At the beginning: no rule at all.
        let none: Vec<u64> = vec![0; pool.words];
        pool.intern(&none);
        pool
    }

    fn intern(&mut self, set: &[u64]) -> SetAt {
        if let Some(known) = self.known.get(set) {
            return *known;
        }
        let at = SetAt(u32::try_from(self.sets.len()).unwrap_or(0));
        self.sets.extend(set);
        self.known.insert(set.into(), at);
        at
    }

    fn set_of(&mut self, may: impl Fn(&Rule) -> bool, rules: &[Rule]) -> SetAt {
        let mut set = vec![0_u64; self.words];
        for (at, rule) in rules.iter().enumerate() {
            if may(rule) {
                put(&mut set, at);
            }
        }
        self.intern(&set)
    }

    /// The ranges between all values at which some rule begins or ends.
    fn classes(&mut self, rules: &[Rule], ranges: &dyn Fn(&Rule) -> Ranges) -> Classes {
        let of_rules: Vec<Ranges> = rules.iter().map(ranges).collect();
        let mut starts = BTreeSet::from([0]);
        for (first, last) in of_rules.iter().flatten().flatten() {
            starts.insert(*first);
            starts.extend(last.checked_add(1));
        }
        let starts: Vec<u32> = starts.into_iter().collect();
        let mut sets = vec![vec![0_u64; self.words]; starts.len()];
        for (at, ranges) in of_rules.iter().enumerate() {
            let everywhere = [(0, u32::MAX)];
            let ranges = ranges.as_deref().unwrap_or(&everywhere);
            for (first, last) in ranges {
                let begin = starts.partition_point(|start| start < first);
                let end = starts.partition_point(|start| start <= last);
                for set in sets.get_mut(begin..end).into_iter().flatten() {
                    put(set, at);
                }
            }
        }
        Classes {
            starts,
            sets: sets.iter().map(|set| self.intern(set)).collect(),
        }
    }
}

fn put(set: &mut [u64], rule: usize) {
    if let Some(word) = set.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

fn may_be_in(peers: &Peers, segment: SegmentId) -> bool {
    peers.any
        || peers.same_segment
        || peers.other_segment
        || !peers.prefixes.is_empty()
        || peers.segments.binary_search(&segment).is_ok()
        || {
            let first = peers.stations.partition_point(|(s, _)| *s < segment);
            peers
                .stations
                .get(first)
                .is_some_and(|(s, _)| *s == segment)
        }
}

fn may_carry(rule: &Rule, protocol: IpProtocol) -> bool {
    rule.services.iter().any(|service| match *service {
        Service::Any => true,
        Service::Protocol(asked) => asked == protocol,
        Service::Ports {
            protocol: asked, ..
        } => asked == protocol,
        Service::Icmp { .. } => protocol == IpProtocol::ICMP,
    })
}

fn address_ranges(peers: &Peers) -> Ranges {
    if peers.any || peers.same_segment || peers.other_segment || !peers.segments.is_empty() {
        return None;
    }
    let stations = peers.stations.iter();
    let stations = stations.map(|(_, address)| (address.to_bits(), address.to_bits()));
    let prefixes = peers.prefixes.iter().map(|prefix| {
        let first = prefix.network().to_bits();
        let rest = u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
        (first, first | rest)
    });
    Some(stations.chain(prefixes).collect())
}

fn port_ranges(rule: &Rule) -> Ranges {
    let ranges = rule.services.iter().map(|service| match *service {
        Service::Ports { destination, .. } => {
            Some((destination.first.into(), destination.last.into()))
        }
        Service::Any | Service::Protocol(_) => None,
        // Has no ports.
        Service::Icmp { .. } => Some((0, 0)),
    });
    ranges.collect()
}
