//! Addresses that interfaces claim: learned, told to other hosts, forgotten.
//!
//! Workers have checked that each claim may be made (`datapath`'s
//! `pipeline/claim`), of nodes here and of what the fabric has brought; here it
//! is held against what is true by now, and the mapping changes. What is learned
//! of an interface of this host is said again to the others every so often, so
//! that a host which has just started hears of it, and forgets it when it does
//! not any more.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use datapath::pipeline::{Claim, How};
use datapath::tables::{MappingEntry, MappingKey, Origin, Right};
use packet::{PacketBuf, Slot, VirtualAddr};
use vnet::compiled::{AddressPolicy, Claimant, Compiled, HostId, InterfaceId, MappingKind};

use super::clerk::Clerk;
use super::event::What;
use super::order::{MappingChange, MappingPlace, Revision};
use crate::slow_path::lead::Word;
use crate::state::Commit;

/// So often is said again what other hosts should know.
const REPEAT: Duration = Duration::from_secs(30);
/// After so long without a word another host's word counts no more: three are
/// lost.
const FORGET: Duration = Duration::from_secs(100);
/// How long a node has to answer whether it still has an address.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// After how long a silent interface loses an address of which nothing says when.
const SILENCE: Duration = Duration::from_secs(300);
/// Between two looks at what is due.
const LOOK: Duration = Duration::from_millis(200);
/// Claims that are decided together.
const AT_ONCE: usize = 256;

/// What is known of a learned mapping besides where it leads.
#[derive(Debug, Clone, Copy)]
pub struct Learned {
    /// Which interface has it, by its identity.
    pub by: VirtualAddr,
    /// By what it was claimed last.
    pub how: How,
    /// Since when that interface has it.
    pub since: SystemTime,
    /// How often it has gone from one interface to another.
    pub moves: u64,
    /// When it was heard of last.
    heard: Instant,
    /// When its lease ends.
    until: Option<Instant>,
    /// When the other hosts were told last, of one that is here.
    told: Instant,
    /// When its node was asked last.
    asked: Instant,
    /// It is here.
    is_here: bool,
    /// After how long without a word it is forgotten.
    age: Option<Duration>,
}

impl Learned {
    /// How long ago it was heard of.
    pub fn heard_ago(&self) -> Duration {
        self.heard.elapsed()
    }

    /// Has an interface of this host it?
    pub const fn is_here(&self) -> bool {
        self.is_here
    }

    /// When it is forgotten, if nothing is heard of it; `None`: never.
    pub fn expires_in(&self) -> Option<Duration> {
        let silent = self.age.map(|age| self.heard + age);
        let ends = match (self.until, silent) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        ends.map(|end| end.saturating_duration_since(Instant::now()))
    }
}

/// All of it, by key.
pub type LearnedMappings = HashMap<MappingKey, Learned>;

/// What becomes of a mapping.
#[derive(Debug, Clone, Copy)]
struct Change {
    key: MappingKey,
    entry: Option<MappingEntry>,
    learned: Option<Learned>,
    /// The others have to be told: they have not heard the claim itself.
    tell: Tell,
}

/// What other hosts have to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    /// Nothing: they have heard it, or it is not here.
    Nothing,
    /// That it is here, and their nodes, too.
    Here,
    /// That it is here no more.
    Gone(VirtualAddr),
}

impl<B: PacketBuf + 'static> Clerk<B> {
    /// What the state file has brought back is held against the drawing.
    pub(super) fn recall_learned(&mut self) {
        let now = Instant::now();
        let (mut known, mut lost) = (LearnedMappings::new(), Vec::new());
        for (key, entry) in self.writer.mappings.iter() {
            if entry.origin != Origin::Learned {
                continue;
            }
            match holder(&self.compiled, key, &entry) {
                Some(by) => {
                    // Not long: whoever is there says so soon.
                    let learned = learned_of(&self.compiled, by, key, How::Repeated, now);
                    known.insert(key, learned);
                }
                None => lost.push(forget(key, Tell::Nothing)),
            }
        }
        *self.show.learned.lock() = known;
        self.change_learned(lost);
    }

    /// Takes the claims that workers have seen. True if there were any.
    pub(super) fn take_claims(&mut self) -> bool {
        let mut changes: HashMap<MappingKey, Change> = HashMap::new();
        let mut any = false;
        let now = Instant::now();
        for _ in 0..AT_ONCE {
            let Some(claim) = self.punts.next_claim() else {
                break;
            };
            any = true;
            if let Some(change) = self.decide(&claim, &changes, now) {
                changes.insert(change.key, change);
            }
        }
        self.change_learned(changes.into_values().collect());
        any
    }

    /// What a claim changes; `None`: nothing, though it may be a word of what is
    /// known.
    fn decide(
        &self,
        claim: &Claim,
        pending: &HashMap<MappingKey, Change>,
        now: Instant,
    ) -> Option<Change> {
        let key = claim.key();
        let claimant = self.compiled.claimant(claim.segment, claim.by)?;
        let right = self
            .writer
            .drawn
            .claims
            .right(claimant, claim.address, claim.mac)?;
        let mut learned = self.show.learned.lock();
        let (before, known) = match pending.get(&key) {
            Some(change) => (change.entry, change.learned),
            None => (self.writer.mappings.get(key), learned.get(&key).copied()),
        };
        if before.is_some_and(|before| before.origin != Origin::Learned) {
            return None;
        }
        let entry = entry_of(claimant, claim);
        let is_its = before == Some(entry);
        if matches!(claim.how, How::Released | How::Withdrawn) {
            return is_its.then(|| forget(key, gone(claimant, claim.how)));
        }
        if is_its {
            // No transaction is made for it; if one is under way, that says it.
            if let Some(known) = learned.get_mut(&key) {
                known.by = claim.by;
                known.hear(claim.how, now);
            }
            return None;
        }
        let may = match (before, right) {
            (None, Right::Shared | Right::Leased) => true,
            (None, Right::Learned) => {
                claimant.interface.is_none() || {
                    let has = |other: &&Learned| other.by == claim.by && other.is_here;
                    let here = learned.iter().filter(|(k, _)| k.segment == claim.segment);
                    let so_far = here.map(|(_, other)| other).filter(has).count();
                    let waiting = pending.values().filter(|c| c.key.segment == claim.segment);
                    let waiting = waiting.filter_map(|change| change.learned.as_ref());
                    so_far + waiting.filter(has).count() < most(claimant)
                }
            }
            // What its host repeats moves nothing: somebody else has claimed it
            // since, or it will be heard from the claimant itself.
            (Some(_), Right::Shared | Right::Leased) => claim.how != How::Repeated,
            (Some(_), Right::Learned) => false,
        };
        if !may {
            return None;
        }
        let new = learned_of(&self.compiled, claimant, key, claim.how, now);
        let moves = known.map_or(0, |known| known.moves + 1);
        let heard_by_all = matches!(claim.how, How::Announced | How::Repeated);
        Some(Change {
            key,
            entry: Some(entry),
            learned: Some(Learned { moves, ..new }),
            tell: match claimant.interface {
                Some(_) if !heard_by_all => Tell::Here,
                _ => Tell::Nothing,
            },
        })
    }

    /// Puts changes into force, together.
    fn change_learned(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let revision = Revision(self.revision.0 + 1);
        let mut staged = self.writer.mappings.stage();
        let mut done = Vec::with_capacity(changes.len());
        for change in changes {
            let put = match change.entry {
                Some(entry) => staged.put(change.key, entry).map(drop),
                None => {
                    staged.remove(change.key);
                    Ok(())
                }
            };
            match put {
                Ok(()) => done.push(change),
                Err(full) => tracing::warn!(%full, "an address is not learned"),
            }
        }
        let hosts = &self.hosts;
        let mappings: Vec<_> = done
            .iter()
            .map(|change| MappingChange {
                segment: change.key.segment,
                address: change.key.address,
                place: change.entry.and_then(|entry| {
                    let host = hosts.get(entry.host.0 as usize)?;
                    Some(MappingPlace {
                        locator: host.locator,
                        slot: entry.slot,
                        mac: entry.mac,
                    })
                }),
            })
            .collect();
        let commit = Commit {
            mappings: mappings.clone(),
            ..Commit::empty(revision)
        };
        // Whoever claimed it will do so again: what is not written is not lost.
        if let Err(refusal) = self
            .durable
            .write_transactions([(commit, true)].into_iter())
        {
            tracing::warn!(%refusal, "learned mappings are not written");
        }
        staged.commit();
        self.writer.publish();
        self.revision = revision;
        {
            let mut learned = self.show.learned.lock();
            for change in &done {
                match change.learned {
                    Some(new) => learned.insert(change.key, new),
                    None => learned.remove(&change.key),
                };
            }
        }
        let what = mappings.into_iter().map(What::Mapping);
        self.show.events.note(revision, what);
        self.show.show_revision(revision);
        self.show_tables();
        let words = done.iter().filter_map(|change| self.word(change));
        let words = words.collect();
        self.leader.say(words);
    }

    /// What the others are told of a change.
    fn word(&self, change: &Change) -> Option<Word> {
        let key = change.key;
        match (change.tell, change.entry) {
            (Tell::Here, Some(entry)) => Some(Word::Here {
                interface: entry.interface?,
                address: key.address,
                mac: entry.mac,
                to_nodes: true,
            }),
            (Tell::Gone(by), _) => {
                let claimant = self.compiled.claimant(key.segment, by)?;
                let table = &self.writer.drawn.claims;
                Some(Word::Gone {
                    interface: claimant.interface?,
                    address: key.address,
                    mac: table.mac_of(claimant, key.address),
                })
            }
            _ => None,
        }
    }

    /// Forgets what has come to its end, asks who is silent, and says again what
    /// others should know.
    pub(super) fn look_after_learned(&mut self) {
        let now = Instant::now();
        if now < self.learned_due {
            return;
        }
        self.learned_due = now + LOOK;
        let (mut over, mut words) = (Vec::new(), Vec::new());
        for (key, learned) in self.show.learned.lock().iter_mut() {
            let Some(entry) = self.writer.mappings.get(*key) else {
                continue;
            };
            if learned.is_over(now) {
                let tell = if learned.is_here {
                    Tell::Gone(learned.by)
                } else {
                    Tell::Nothing
                };
                over.push(forget(*key, tell));
                continue;
            }
            let Some(interface) = entry.interface else {
                continue;
            };
            words.extend(learned.due(interface, *key, &entry, now));
        }
        if !words.is_empty() {
            self.leader.say(words);
        }
        self.change_learned(over);
    }

    /// After another drawing is in force: what of the learned mappings is there
    /// still?
    pub(super) fn keep_learned(&self) {
        let mut learned = self.show.learned.lock();
        learned.retain(|key, _| {
            let entry = self.writer.mappings.get(*key);
            entry.is_some_and(|entry| entry.origin == Origin::Learned)
        });
    }
}

impl Learned {
    fn hear(&mut self, how: How, now: Instant) {
        self.heard = now;
        match how {
            How::Leased(seconds) => {
                self.until = Some(now + Duration::from_secs(seconds.into()));
                self.how = how;
            }
            How::Advertised | How::Announced => self.how = how,
            How::Used | How::Repeated | How::Released | How::Withdrawn => {}
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let silent = self.age.is_some_and(|age| now >= self.heard + age);
        silent || self.until.is_some_and(|until| now >= until)
    }

    /// What is to be said of one that is here.
    fn due(
        &mut self,
        interface: InterfaceId,
        key: MappingKey,
        entry: &MappingEntry,
        now: Instant,
    ) -> Vec<Word> {
        let mut words = Vec::new();
        let (address, mac) = (key.address, entry.mac);
        let is_quiet = self.age.is_some_and(|age| now >= self.heard + age / 2);
        if is_quiet && now >= self.asked + ASK_AGAIN {
            self.asked = now;
            words.push(Word::StillThere {
                interface,
                address,
                mac,
            });
        }
        if now >= self.told + REPEAT {
            self.told = now;
            words.push(Word::Here {
                interface,
                address,
                mac,
                to_nodes: false,
            });
        }
        words
    }
}

fn forget(key: MappingKey, tell: Tell) -> Change {
    Change {
        key,
        entry: None,
        learned: None,
        tell,
    }
}

fn gone(claimant: &Claimant, how: How) -> Tell {
    match claimant.interface {
        Some(_) if how == How::Released => Tell::Gone(claimant.identity),
        _ => Tell::Nothing,
    }
}

fn most(claimant: &Claimant) -> usize {
    match claimant.policy {
        AddressPolicy::Learn(learn) => learn.most.into(),
        AddressPolicy::Fixed | AddressPolicy::Dhcp => 0,
    }
}

fn entry_of(claimant: &Claimant, claim: &Claim) -> MappingEntry {
    MappingEntry {
        kind: MappingKind::Node,
        mac: claim.mac,
        host: claimant.host,
        slot: Slot::ZERO,
        interface: claimant.interface,
        origin: Origin::Learned,
    }
}

/// A mapping that was just learned, or brought back.
fn learned_of(
    compiled: &Compiled,
    claimant: &Claimant,
    key: MappingKey,
    how: How,
    now: Instant,
) -> Learned {
    let is_here = claimant.host == HostId(0);
    let is_shared = compiled.shared(key.segment, key.address).is_some();
    let until = match how {
        How::Leased(seconds) => Some(now + Duration::from_secs(seconds.into())),
        _ => None,
    };
    let age = match claimant.policy {
        _ if !is_here => Some(FORGET),
        // Who claimed it last has it.
        _ if is_shared => None,
        AddressPolicy::Learn(learn) => Some(Duration::from_secs(learn.age.into())),
        AddressPolicy::Dhcp if until.is_some() => None,
        AddressPolicy::Dhcp | AddressPolicy::Fixed => Some(SILENCE),
    };
    Learned {
        by: claimant.identity,
        how,
        since: SystemTime::now(),
        moves: 0,
        heard: now,
        until,
        told: now,
        asked: now,
        is_here,
        age,
    }
}

/// Who may have a mapping that the state file says was learned.
pub fn holder<'c>(
    compiled: &'c Compiled,
    key: MappingKey,
    entry: &MappingEntry,
) -> Option<&'c Claimant> {
    let found = compiled.claimant_of(key.segment, key.address, entry.mac, entry.host);
    found.filter(|claimant| claimant.interface == entry.interface)
}
