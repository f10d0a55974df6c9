//! Who may send what to whom: the networks' access rules, made ready for
//! packets.
//!
//! A network's rules are one list, and the first that matches decides. Each
//! property of a packet (its ends' segments and addresses, its protocol, its
//! destination port) leads to the set of rules that it does not rule out, as a
//! bit per rule (`candidates`); the lowest bit that all these sets have is the
//! first rule that may match, and is then asked exactly (`exact`). So what a
//! packet costs hardly depends on how many rules there are, and a set that is too
//! large costs time but changes no answer.
//!
//! * `question`: what rules are asked.
//! * `hits`: how often each decided.

mod candidates;
mod exact;
mod hits;
mod question;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;
use packet::SegmentId;
use vnet::compiled::{AccessRules, Action, Compiled, InterfaceId, Refusal};

use self::candidates::Candidates;
pub use self::hits::{HitRow, Hits, RuleHits};
pub use self::question::{Carried, Peer, Question};
use super::flows::FlowOwner;

/// The rules of all networks that have some.
#[derive(Debug, Default)]
pub struct AccessTable {
    networks: Vec<NetworkAccess>,
    segments: HashMap<SegmentId, Place>,
    owners: HashMap<String, FlowOwner>,
}

/// A segment whose network has rules.
#[derive(Debug, Clone, Copy)]
struct Place {
    network: u32,
}

/// One network's rules.
#[derive(Debug)]
pub struct NetworkAccess {
    name: String,
    interfaces: BTreeSet<InterfaceId>,
    rules: AccessRules,
    candidates: Candidates,
    hits: Hits,
    owner: FlowOwner,
    generation: u8,
    began: Arc<AtomicU32>,
}

/// What the rules say of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// A rule decides; the place of it in the list.
    ByRule(Action, usize),
    /// No rule matches: the network's default decides.
    ByDefault(Action),
    /// A rule asks for ports, and a fragment that ought to have them has not.
    TooShort,
}

impl Ruling {
    /// May it pass?
    pub const fn allows(self) -> bool {
        matches!(
            self,
            Self::ByRule(Action::Allow, _) | Self::ByDefault(Action::Allow)
        )
    }
}

impl AccessTable {
    /// Of a first configuration.
    pub(super) fn new(compiled: &Compiled) -> Self {
        Self::default().followed_by(compiled)
    }

    /// Of the configuration that follows: rules that stay keep their hits, and
    /// tenants their share of the flows.
    pub(super) fn followed_by(&self, compiled: &Compiled) -> Self {
        let mut table = Self::default();
        for rules in &compiled.access {
            let Some(network) = compiled.networks.get(rules.network) else {
                continue;
            };
            let owner = self.owner(&network.entity, &mut table.owners);
            let mine = |segment: &&vnet::compiled::Segment| segment.network == rules.network;
            let segments = compiled.segments.iter().filter(mine);
            let segments: BTreeSet<SegmentId> = segments.map(|segment| segment.id).collect();
            let interfaces = compiled.interfaces.iter();
            let interfaces = interfaces.filter(|i| segments.contains(&i.segment));
            let interfaces = interfaces.map(|interface| interface.id).collect();
            let before = self.networks.iter().find(|n| n.name == network.name);
            let at = u32::try_from(table.networks.len()).unwrap_or(u32::MAX);
            let places = segments.iter().map(|id| (*id, Place { network: at }));
            table.segments.extend(places);
            table.networks.push(NetworkAccess::new(
                &network.name,
                interfaces,
                rules,
                &segments,
                owner,
                before,
            ));
        }
        table
    }

    /// The tenant's number: what it was, or the lowest that nobody has.
    fn owner(&self, entity: &str, owners: &mut HashMap<String, FlowOwner>) -> FlowOwner {
        if let Some(known) = owners.get(entity).or_else(|| self.owners.get(entity)) {
            let known = *known;
            owners.insert(entity.to_owned(), known);
            return known;
        }
        let taken: BTreeSet<FlowOwner> = owners
            .values()
            .chain(self.owners.values())
            .copied()
            .collect();
        let free = (0..).map(FlowOwner).find(|owner| !taken.contains(owner));
        let free = free.unwrap_or(FlowOwner(u16::MAX));
        owners.insert(entity.to_owned(), free);
        free
    }

    /// Has no network rules?
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// How many tenants have rules: as many share the table of flows.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }

    /// Does a tenant have this number?
    pub fn is_owner(&self, owner: FlowOwner) -> bool {
        self.owners.values().any(|known| *known == owner)
    }

    /// The rules that hold for a segment; `None`: its network has none.
    pub fn of(&self, segment: SegmentId) -> Option<&NetworkAccess> {
        let place = self.segments.get(&segment)?;
        self.networks.get(place.network as usize)
    }

    /// The rules of a network by its name.
    pub fn named(&self, network: &str) -> Option<&NetworkAccess> {
        self.networks.iter().find(|known| known.name == network)
    }
}

impl NetworkAccess {
    fn new(
        name: &str,
        interfaces: BTreeSet<InterfaceId>,
        rules: &AccessRules,
        segments: &BTreeSet<SegmentId>,
        owner: FlowOwner,
        before: Option<&Self>,
    ) -> Self {
        let same = before.filter(|before| {
            let (was, is) = (&before.rules, rules);
            was.rules == is.rules
                && (was.inside, was.between, was.replies) == (is.inside, is.between, is.replies)
        });
        // Who has come may be in the middle of something, as with new rules.
        let settled = same.filter(|before| interfaces.is_subset(&before.interfaces));
        Self {
            name: name.to_owned(),
            candidates: Candidates::new(&rules.rules, segments),
            hits: Hits::new(
                &rules.rules,
                before.map(|before| (&*before.rules.rules, &before.hits)),
            ),
            rules: rules.clone(),
            owner,
            generation: match (before, same) {
                (_, Some(same)) => same.generation,
                (Some(before), None) => before.generation.wrapping_add(1),
                (None, None) => 0,
            },
            began: match settled {
                Some(before) => Arc::clone(&before.began),
                None => Arc::new(AtomicU32::new(NOT_BEGUN)),
            },
            interfaces,
        }
    }

    /// What the rules say.
    pub fn judge(&self, question: &Question) -> Ruling {
        use exact::Match;
        let rules = &self.rules.rules;
        let mut candidates = self.candidates.of(question);
        while let Some(at) = candidates.next() {
            let Some(rule) = rules.get(at) else { break };
            let action = rule.action;
            match (exact::holds(rule, question), action) {
                (Match::Yes, _) => return Ruling::ByRule(action, at),
                (Match::Maybe, _) if question.carried.is_short() => return Ruling::TooShort,
                // The rest of a datagram goes where its beginning may.
                (Match::Maybe, Action::Allow) => return Ruling::ByRule(action, at),
                (Match::Maybe, Action::Deny) | (Match::No, _) => {}
            }
        }
        Ruling::ByDefault(if question.is_inside() {
            self.rules.inside
        } else {
            self.rules.between
        })
    }

    /// The rules as they were compiled.
    pub const fn rules(&self) -> &AccessRules {
        &self.rules
    }

    /// How often each decided.
    pub const fn hits(&self) -> &Hits {
        &self.hits
    }

    /// What the sender of a refused packet hears.
    pub const fn refusal(&self) -> Refusal {
        self.rules.refusal
    }

    /// Do replies pass without a rule?
    pub const fn replies(&self) -> bool {
        self.rules.replies
    }

    /// On whose account its flows are.
    pub const fn owner(&self) -> FlowOwner {
        self.owner
    }

    /// Counts how often the rules have changed.
    pub const fn generation(&self) -> u8 {
        self.generation
    }

    /// Seconds since the first packet under these rules, and for these
    /// interfaces.
    pub fn age(&self, now: u32) -> u32 {
        let began = self.began.load(Ordering::Relaxed);
        if began == NOT_BEGUN {
            self.began.store(now, Ordering::Relaxed);
            return 0;
        }
        now.saturating_sub(began)
    }
}

/// No packet yet.
const NOT_BEGUN: u32 = u32::MAX;
