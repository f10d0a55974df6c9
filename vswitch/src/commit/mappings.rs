//! Transactions on mappings: a group of them at a time, each whole or not at
//! all.
//!
//! A group shares what is slow: one write to the disk, one publication. It is
//! staged first, where nobody sees it; a transaction that turns out to be
//! refused is taken out, and the others are staged anew. Then it is written to
//! the disk, then committed, then the hosts that are new with it are met, then
//! it is published: an error before it is committed leaves nothing behind.

use std::collections::{HashMap, HashSet};

use datapath::tables::{MappingEntry, MappingKey, Origin, Staged, TableFull};
use packet::{Locator, PacketBuf, SegmentId};
use vnet::compiled::{Host, HostId, Ipv4Subnet, MappingKind};

use super::clerk::{Answer, Clerk};
use super::event::What;
use super::order::{ChangeMappings, Committed, MAX_CHANGES, MappingChange, Revision};
use super::refusal::Refusal;
use crate::state::Commit;

/// A transaction, and whom to tell.
pub(super) type Asked = (ChangeMappings, Answer<Committed>);

/// Changes of all transactions that are committed together, at most. More
/// would make the first ones wait for the last.
pub(super) const GROUP: usize = 8 * MAX_CHANGES;

/// A transaction of the group in work.
struct Member {
    order: ChangeMappings,
    answer: Answer<Committed>,
    counts: Committed,
}

/// Why a transaction cannot be.
enum Fault {
    /// It cannot be.
    Refused(Refusal),
    /// Not before readers have come past what it supersedes.
    Waiting(TableFull),
    /// The disk has not taken the group.
    NotWritten(Refusal),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What mappings are held against.
#[derive(Debug, Default)]
pub(super) struct Known {
    subnets: HashMap<SegmentId, Ipv4Subnet>,
    hosts: HashMap<Locator, HostId>,
    /// One more than the largest id of a host.
    places: usize,
}

/// Hosts that no mapping has led to before, in the order of the ids that they
/// will have: nobody knows them until what names them is committed.
struct Newcomers<'k> {
    known: &'k Known,
    hosts: HashMap<Locator, HostId>,
    in_order: Vec<Locator>,
}

impl<'k> Newcomers<'k> {
    fn none_beside(known: &'k Known) -> Self {
        Self {
            known,
            hosts: HashMap::new(),
            in_order: Vec::new(),
        }
    }

    /// The id that the host has, or will have; `None`: there are too many.
    fn id(&mut self, locator: Locator) -> Option<HostId> {
        let known = self.known.hosts.get(&locator);
        if let Some(id) = known.or_else(|| self.hosts.get(&locator)) {
            return Some(*id);
        }
        let place = self.known.places + self.in_order.len();
        let id = HostId(u32::try_from(place).ok()?);
        self.hosts.insert(locator, id);
        self.in_order.push(locator);
        Some(id)
    }
}

impl Known {
    pub(super) fn set_segments(&mut self, segments: &[vnet::compiled::Segment]) {
        self.subnets = segments.iter().map(|s| (s.id, s.subnet)).collect();
    }

    pub(super) fn set_hosts(&mut self, hosts: &[Host]) {
        let numbered = (0..).map(HostId).zip(hosts);
        self.hosts = numbered.map(|(id, host)| (host.locator, id)).collect();
        self.places = hosts.len();
    }
}

impl<B: PacketBuf + 'static> Clerk<B> {
    /// Carries out a group of transactions, in their order.
    pub(super) fn change_mappings(&mut self, group: Vec<Asked>) {
        let members = self.admit(group);
        self.commit_group(members);
    }

    fn commit_group(&mut self, mut members: Vec<Member>) {
        let mut tidied = false;
        while let Err((at, fault)) = self.stage_and_write(&mut members) {
            match fault {
                Fault::Refused(refusal) => members.remove(at).answer.give(Err(refusal)),
                Fault::NotWritten(refusal) => {
                    for member in members {
                        member.answer.give(Err(refusal.clone()));
                    }
                    return;
                }
                // What all of them supersede is too much at once.
                Fault::Waiting(_) if members.len() > 1 => {
                    let second_half = members.split_off(members.len() / 2);
                    self.commit_group(members);
                    self.commit_group(second_half);
                    return;
                }
                Fault::Waiting(_) if !tidied => {
                    self.writer.make_room();
                    tidied = true;
                }
                Fault::Waiting(full) => {
                    let refusal = Refusal::NotNow(full.to_string());
                    members.remove(at).answer.give(Err(refusal));
                }
            }
        }
        if members.is_empty() {
            return;
        }
        let seen = self.writer.publish();
        let mut answers = Vec::with_capacity(members.len());
        for member in members {
            let revision = member.counts.revision;
            self.revision = revision;
            if let Some(request) = member.order.request {
                self.requests.note(request, revision);
            }
            let what = member.order.changes.into_iter().map(What::Mapping);
            self.show.events.note(revision, what);
            self.show.show_revision(revision);
            let committed = Committed {
                durable: self.durable.is_there(),
                seen,
                ..member.counts
            };
            answers.push((member.answer, committed));
        }
        // Who asks as soon as it is answered sees how full they are now.
        self.show_tables();
        for (answer, committed) in answers {
            answer.give(Ok(committed));
        }
    }

    /// Stages a group, writes it to the disk, commits it. After an error it has
    /// never been; the transaction is named that the error is about.
    fn stage_and_write(&mut self, members: &mut [Member]) -> Result<(), (usize, Fault)> {
        let staged = self.writer.mappings.stage();
        let (staged, newcomers) = stage_all(staged, &self.known, members, self.revision)?;
        let commits = members.iter().map(|member| {
            let commit = Commit {
                mappings: member.order.changes.clone(),
                request: member.order.request.clone(),
                ..Commit::empty(member.counts.revision)
            };
            (commit, member.order.learned)
        });
        let written = self.durable.write_transactions(commits);
        written.map_err(|refusal| (0, Fault::NotWritten(refusal)))?;
        staged.commit();
        // Before it is published: the way to a host must be in the tables when
        // the mappings are.
        if !newcomers.is_empty() {
            self.add_hosts(&newcomers);
        }
        let changes = members.iter().flat_map(|member| &member.order.changes);
        for change in changes {
            let host = change
                .place
                .and_then(|place| self.known.hosts.get(&place.locator));
            if let Some(host) = host {
                self.writer.note_loaded(change.segment, *host);
            }
        }
        Ok(())
    }

    /// Those that are not refused at first sight, or were carried out before.
    fn admit(&mut self, group: Vec<Asked>) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::with_capacity(group.len());
        let mut in_group = HashSet::new();
        for (order, answer) in group {
            let request = order.request.as_ref();
            if let Some(revision) = request.and_then(|id| self.requests.find(id)) {
                answer.give(Ok(Committed {
                    revision,
                    durable: self.durable.is_there(),
                    repeated: true,
                    ..Committed::default()
                }));
                continue;
            }
            if request.is_some_and(|id| !in_group.insert(id.clone())) {
                answer.give(Err(Refusal::NotNow(
                    "a transaction with this request id is being carried out; ask again".to_owned(),
                )));
                continue;
            }
            members.push(Member {
                order,
                answer,
                counts: Committed::default(),
            });
        }
        members
    }
}

/// Stages a group; and the hosts that are to be met if it is committed. An error
/// names the transaction that cannot be, and why; the others are to be staged
/// anew without it.
fn stage_all<'w>(
    mut staged: Staged<'w>,
    known: &Known,
    members: &mut [Member],
    before: Revision,
) -> Result<(Staged<'w>, Vec<Locator>), (usize, Fault)> {
    let mut newcomers = Newcomers::none_beside(known);
    for (member, at) in members.iter_mut().zip(0..) {
        let revision = Revision(before.0 + at as u64 + 1);
        member.counts = Committed {
            revision,
            ..Committed::default()
        };
        stage(&mut staged, &mut newcomers, member).map_err(|fault| (at, fault))?;
    }
    Ok((staged, newcomers.in_order))
}

fn stage(
    staged: &mut Staged<'_>,
    hosts: &mut Newcomers<'_>,
    member: &mut Member,
) -> Result<(), Fault> {
    let Member { order, counts, .. } = member;
    let is = Revision(counts.revision.0 - 1);
    if let Some(expected) = order.expected.filter(|expected| *expected != is) {
        let what = "vswitch";
        return Err(Refusal::Stale { what, expected, is }.into());
    }
    if order.changes.len() > MAX_CHANGES {
        let many = order.changes.len();
        let message = format!("{many} changes in one transaction; send at most {MAX_CHANGES}");
        let change = None;
        return Err(Refusal::Invalid { message, change }.into());
    }
    for (at, change) in order.changes.iter().enumerate() {
        let key = MappingKey::new(change.segment, change.address);
        let before = match entry(hosts, change, at)? {
            Some(entry) => {
                let used = staged.len() as u64;
                let wanted = (order.changes.len() - at) as u64;
                let put = staged.put(key, entry);
                let before = put.map_err(|full| match full {
                    TableFull::Capacity { .. } => Refusal::full(full, used, wanted).into(),
                    TableFull::Waiting { .. } => Fault::Waiting(full),
                })?;
                match before {
                    None => counts.added += 1,
                    Some(before) if before == entry => counts.unchanged += 1,
                    Some(_) => counts.changed += 1,
                }
                before
            }
            None => {
                let before = staged.remove(key);
                match before {
                    None => counts.unchanged += 1,
                    Some(_) => counts.removed += 1,
                }
                before
            }
        };
        if before.is_some_and(|before| before.origin == Origin::Drawn) {
            return Err(Refusal::Drawn {
                segment: change.segment,
                address: change.address,
                change: at,
            }
            .into());
        }
    }
    Ok(())
}

/// The table's entry for a change; `None`: a removal.
fn entry(
    hosts: &mut Newcomers<'_>,
    change: &MappingChange,
    at: usize,
) -> Result<Option<MappingEntry>, Refusal> {
    let segment = change.segment;
    let Some(subnet) = hosts.known.subnets.get(&segment) else {
        return Err(Refusal::NoSuchSegment {
            segment,
            change: at,
        });
    };
    let Some(place) = change.place else {
        return Ok(None);
    };
    let invalid = |message| Refusal::Invalid {
        message,
        change: Some(at),
    };
    if !subnet.contains(change.address) {
        return Err(invalid(format!(
            "{} is not in {subnet}, the subnet of segment {segment}",
            change.address
        )));
    }
    if !place.mac.is_unicast() {
        return Err(invalid(format!(
            "{} is no station's MAC address: {} in segment {segment} needs a unicast one",
            place.mac, change.address
        )));
    }
    match hosts.id(place.locator) {
        Some(HostId(0)) => Err(invalid(format!(
            "{} is this host's own locator: a node on this host is drawn in the topology, with its \
             port",
            place.locator
        ))),
        Some(host) => Ok(Some(MappingEntry {
            kind: MappingKind::Node,
            mac: place.mac,
            host,
            slot: place.slot,
            interface: None,
            origin: Origin::Loaded,
        })),
        None => Err(invalid(format!(
            "{} cannot be added: there are too many hosts",
            place.locator
        ))),
    }
}
