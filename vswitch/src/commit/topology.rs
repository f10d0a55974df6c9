//! Networks put into force, confirmed, taken back.

use std::collections::HashSet;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::SystemTime;

use datapath::tables::{MappingEntry, MappingKey, Origin};
use packet::{Locator, PacketBuf, SegmentId, SubstrateAddr};
use vnet::compiled::Compiled;
use vnet::diagnostic::Diagnostics;
use vnet::plan::Plan;
use vnet::topology::Topology;
use vnet::topology::networks::NetworkTexts;

use super::claims::holder;
use super::clerk::Clerk;
use super::event::What;
use super::order::{Applied, Apply, Author, Cause, MappingChange, RequestId, Revision, Rollback};
use super::refusal::Refusal;
use crate::observe::MtuPaths;
use crate::state::{Commit, Confirmation, NetworkText, Recovered, TopologyRecord, Unconfirmed};

/// Networks on their way into force.
struct Proposal {
    networks: NetworkTexts,
    author: Author,
    cause: Cause,
    request: Option<RequestId>,
    unconfirmed: Option<(SystemTime, Revision)>,
    dry_run: bool,
    /// What is wrong with them so far.
    out: Diagnostics,
}

impl<B: PacketBuf + 'static> Clerk<B> {
    pub(super) fn apply(&mut self, order: Apply) -> Result<Applied, Refusal> {
        if let Some(done) = self.done_before(order.request.as_ref()) {
            return Ok(done);
        }
        let is = self.topology_revision();
        if let Some(expected) = order.expected.filter(|expected| *expected != is) {
            let what = "topology";
            return Err(Refusal::Stale { what, expected, is });
        }
        if !order.dry_run {
            self.refuse_while_unconfirmed()?;
        }
        let mut out = Diagnostics::default();
        let files = order.files.iter();
        let files = files.map(|(file, text)| (Arc::clone(file), text.as_str()));
        let networks = self.networks.merge(files, order.prune, &mut out);
        let until = order.confirm_within.map(|time| SystemTime::now() + time);
        self.propose(Proposal {
            networks,
            author: order.author,
            cause: Cause::Applied,
            request: order.request,
            unconfirmed: until.map(|until| (until, is)),
            dry_run: order.dry_run,
            out,
        })
    }

    pub(super) fn rollback(&mut self, order: &Rollback) -> Result<Applied, Refusal> {
        if let Some(done) = self.done_before(order.request.as_ref()) {
            return Ok(done);
        }
        let to = match (order.to, self.unconfirmed) {
            (Some(to), _) => to,
            (None, Some(unconfirmed)) => unconfirmed.back_to,
            (None, None) => self.one_before()?,
        };
        self.go_back(
            to,
            order.author,
            Cause::RolledBack,
            order.request.clone(),
            order.dry_run,
        )
    }

    pub(super) fn confirm(
        &mut self,
        author: Author,
        revision: Revision,
    ) -> Result<Revision, Refusal> {
        let unconfirmed = self.unconfirmed.ok_or_else(|| {
            Refusal::NotNow("no topology waits to be confirmed; see: vswitchctl history".to_owned())
        })?;
        if unconfirmed.revision != revision {
            return Err(Refusal::NotNow(format!(
                "it is revision {} that waits to be confirmed, not {revision}",
                unconfirmed.revision
            )));
        }
        self.durable.write(Commit {
            confirmation: Some(Confirmation::Settled),
            ..Commit::empty(self.revision)
        })?;
        tracing::info!(%revision, uid = author.uid, "confirmed");
        self.unconfirmed = None;
        self.show();
        Ok(revision)
    }

    /// Goes back if nobody has confirmed in time.
    pub(super) fn revert_if_due(&mut self) {
        let Some(unconfirmed) = self.unconfirmed else {
            return;
        };
        if SystemTime::now() < unconfirmed.until {
            return;
        }
        let daemon = Author { uid: None };
        let to = unconfirmed.back_to;
        match self.go_back(to, daemon, Cause::Unconfirmed, None, false) {
            Ok(applied) if applied.revision.is_some() => {
                tracing::warn!(revision = %unconfirmed.revision, %to, "not confirmed: went back");
            }
            outcome => {
                // Not again and again: somebody must look at it.
                self.unconfirmed = None;
                let sentence = format!(
                    "revision {} was not confirmed, and it was not possible to go back to \
                     revision {to}",
                    unconfirmed.revision
                );
                tracing::error!(?outcome, "{sentence}");
                self.show.attend_to(sentence);
                self.show();
            }
        }
    }

    fn go_back(
        &mut self,
        to: Revision,
        author: Author,
        cause: Cause,
        request: Option<RequestId>,
        dry_run: bool,
    ) -> Result<Applied, Refusal> {
        let found = self.history.iter().rev().find(|entry| entry.revision == to);
        let found = found.ok_or_else(|| {
            Refusal::NotFound(format!(
                "no topology of revision {to} is remembered; see: vswitchctl history"
            ))
        })?;
        self.propose(Proposal {
            networks: networks_of(found),
            author,
            cause,
            request,
            unconfirmed: None,
            dry_run,
            out: Diagnostics::default(),
        })
    }

    /// Checks networks, says what they change, and puts them into force.
    fn propose(&mut self, proposal: Proposal) -> Result<Applied, Refusal> {
        let Proposal {
            networks, mut out, ..
        } = proposal;
        let topology = Topology::of(&networks, &mut out);
        let before = self.compiled_with_all_hosts();
        let compiled = self
            .frame
            .compile(&topology, &self.frame_ports(), &before, &mut out);
        let faulty = out.errors() > 0;
        let diagnostics = out.into_sorted();
        if faulty {
            return Ok(Applied {
                diagnostics,
                ..Applied::default()
            });
        }
        let plan = Plan::between(&before, &compiled);
        let lost = self.loaded_that_are_lost(&compiled);
        let same = plan.is_empty() && networks.same_texts(&self.networks);
        let mut applied = Applied {
            diagnostics,
            plan,
            loaded_mappings_lost: lost.len() as u64,
            durable: self.durable.is_there(),
            ..Applied::default()
        };
        let settles = self.unconfirmed.is_some() && proposal.cause != Cause::Applied;
        if proposal.dry_run || (same && !settles) {
            return Ok(applied);
        }

        let revision = Revision(self.revision.0 + 1);
        let unconfirmed = proposal.unconfirmed.map(|(until, back_to)| Unconfirmed {
            revision,
            until,
            back_to,
        });
        let record = TopologyRecord {
            revision,
            at: SystemTime::now(),
            author: proposal.author,
            cause: proposal.cause,
            summary: summary(&applied.plan),
            networks: texts_of(&networks),
        };
        self.put_into_force(
            &before,
            compiled,
            Commit {
                topology: Some(record.clone()),
                confirmation: Some(
                    unconfirmed.map_or(Confirmation::Settled, Confirmation::Awaited),
                ),
                mappings: lost,
                request: proposal.request.clone(),
                ..Commit::empty(revision)
            },
        )
        .map(|seen| applied.seen = Some(seen))?;

        self.networks = Arc::new(networks);
        self.unconfirmed = unconfirmed;
        if let Some(request) = proposal.request {
            self.requests.note(request, revision);
        }
        let what = What::Topology {
            summary: record.summary.clone(),
            reverts_at: unconfirmed.map(|unconfirmed| unconfirmed.until),
        };
        tracing::info!(%revision, uid = proposal.author.uid, summary = record.summary, "topology");
        self.history.push(record);
        let forgotten = self.history.len().saturating_sub(Recovered::HISTORY);
        self.history.drain(..forgotten);
        self.show();
        self.show.show_revision(revision);
        self.show.events.note(revision, core::iter::once(what));
        self.show_tables();
        applied.revision = Some(revision);
        applied.reverts_at = unconfirmed.map(|unconfirmed| unconfirmed.until);
        Ok(applied)
    }

    /// The tables as `compiled` wants them: staged, written to the disk,
    /// published.
    fn put_into_force(
        &mut self,
        before: &Compiled,
        compiled: Compiled,
        commit: Commit,
    ) -> Result<core::time::Duration, Refusal> {
        // What the new root will lead to must be there before it is. None of it
        // harms if it then does not come to that.
        let drawn = self.draw(&compiled, &self.panel.live().now())?;
        self.prepare(&compiled);
        let changes: Vec<_> = vnet::plan::mapping_changes(before, &compiled).collect();
        let wanted = changes.len() as u64;
        self.writer.make_room();
        let mut staged = self.writer.mappings.stage();
        let used = staged.len() as u64;
        for change in changes {
            let key = MappingKey::new(change.segment, change.address);
            match &change.after {
                Some(mapping) => {
                    let put = staged.put(key, MappingEntry::drawn(mapping));
                    put.map_err(|full| Refusal::full(full, used, wanted))?;
                }
                None => {
                    staged.remove(key);
                }
            }
        }
        for lost in &commit.mappings {
            let key = MappingKey::new(lost.segment, lost.address);
            if staged
                .get(key)
                .is_some_and(|entry| entry.origin != Origin::Drawn)
            {
                staged.remove(key);
            }
        }
        let revision = commit.revision;
        self.durable.write(commit)?;
        staged.commit();
        self.revision = revision;
        self.writer.drawn = drawn;
        let (now, grace) = (self.started.elapsed(), self.move_grace);
        let moves = self.writer.moves.followed_by(before, &compiled, now, grace);
        self.writer.moves = Arc::new(moves);
        self.known.set_segments(&compiled.segments);
        self.mtu_paths = Arc::new(MtuPaths::new(&compiled));
        self.compiled = Arc::new(compiled);
        self.keep_learned();
        Ok(self.writer.publish())
    }

    /// Ways to new hosts, groups of new tenants, lines in the books.
    fn prepare(&mut self, compiled: &Compiled) {
        if compiled.hosts.len() > self.hosts.len() {
            let new = compiled.hosts.iter().skip(self.hosts.len());
            self.hosts.extend(new.cloned());
            self.hosts_changed();
            self.leader.lead(self.writer.peers());
        }
        self.leader.serve(tenants(self.frame.locator(), compiled));
    }

    /// Mappings of clients, and learned ones, that cannot stay: their segment
    /// goes, the topology now says itself where the address is, or whoever has
    /// learned it may not have it any more.
    fn loaded_that_are_lost(&self, compiled: &Compiled) -> Vec<MappingChange> {
        let gone = |segment, address| MappingChange {
            segment,
            address,
            place: None,
        };
        let is_loaded = |entry: MappingEntry| entry.origin != Origin::Drawn;
        let drawn = compiled.mappings.iter();
        let taken_over = drawn.filter(|mapping| {
            let key = MappingKey::new(mapping.segment, mapping.address);
            self.writer.mappings.get(key).is_some_and(is_loaded)
        });
        let mut lost: Vec<_> = taken_over.map(|m| gone(m.segment, m.address)).collect();
        let stay: HashSet<SegmentId> = compiled.segments.iter().map(|s| s.id).collect();
        let segments = &self.compiled.segments;
        if segments.iter().any(|segment| !stay.contains(&segment.id)) {
            let all = self.writer.mappings.iter();
            let homeless =
                all.filter(|(key, entry)| is_loaded(*entry) && !stay.contains(&key.segment));
            lost.extend(homeless.map(|(key, _)| gone(key.segment, key.address)));
        }
        // Nobody may have it any more who has it.
        for key in self.show.learned.lock().keys() {
            let entry = self.writer.mappings.get(*key);
            let learned = entry.filter(|entry| entry.origin == Origin::Learned);
            if learned.is_some_and(|entry| holder(compiled, *key, &entry).is_none()) {
                lost.push(gone(key.segment, key.address));
            }
        }
        lost.sort_unstable_by_key(|change| (change.segment, change.address));
        lost.dedup_by_key(|change| (change.segment, change.address));
        lost
    }

    /// What is drawn, with all hosts that there are: so that none gets the id of
    /// another.
    fn compiled_with_all_hosts(&self) -> Compiled {
        Compiled {
            hosts: self.hosts.clone(),
            ..Compiled::clone(&self.compiled)
        }
    }

    fn topology_revision(&self) -> Revision {
        self.history
            .last()
            .map_or(Revision(0), |last| last.revision)
    }

    fn one_before(&self) -> Result<Revision, Refusal> {
        let before = self.history.iter().rev().nth(1);
        before.map(|entry| entry.revision).ok_or_else(|| {
            Refusal::NotFound("there is no topology before this one to go back to".to_owned())
        })
    }

    fn refuse_while_unconfirmed(&self) -> Result<(), Refusal> {
        let Some(unconfirmed) = self.unconfirmed else {
            return Ok(());
        };
        let revision = unconfirmed.revision;
        Err(Refusal::NotNow(format!(
            "revision {revision} waits to be confirmed: vswitchctl confirm {revision}, or \
             vswitchctl rollback, comes first"
        )))
    }

    /// The answer to a request that was carried out before.
    fn done_before(&self, request: Option<&RequestId>) -> Option<Applied> {
        let revision = self.requests.find(request?)?;
        let waits = self.unconfirmed.filter(|u| u.revision == revision);
        Some(Applied {
            revision: Some(revision),
            reverts_at: waits.map(|unconfirmed| unconfirmed.until),
            durable: self.durable.is_there(),
            repeated: true,
            ..Applied::default()
        })
    }
}

/// A topology of the history, as texts that can be compiled.
pub fn networks_of(record: &TopologyRecord) -> NetworkTexts {
    let texts = record.networks.iter();
    texts
        .map(|network| vnet::topology::networks::NetworkText {
            name: network.name.clone(),
            label: std::path::Path::new(&network.label).into(),
            first_line: network.first_line,
            text: Arc::clone(&network.text),
            in_use: true,
        })
        .collect()
}

/// Texts as the history keeps them.
pub fn texts_of(networks: &NetworkTexts) -> Vec<NetworkText> {
    let texts = networks.iter();
    texts
        .map(|network| NetworkText {
            name: network.name.clone(),
            label: network.label.display().to_string(),
            first_line: network.first_line,
            text: Arc::clone(&network.text),
        })
        .collect()
}

/// The substrate addresses of this host's interfaces.
pub fn tenants(locator: Locator, compiled: &Compiled) -> Vec<Ipv6Addr> {
    let interfaces = compiled.interfaces.iter();
    let addresses = interfaces.flat_map(|interface| {
        let addresses = interface.addresses.iter();
        addresses.map(|address| (interface.segment, *address))
    });
    addresses
        .map(|(segment, address)| SubstrateAddr::ordinary(locator, segment, address).to_ipv6())
        .collect()
}

/// A plan in one line.
fn summary(plan: &Plan) -> String {
    let things = match plan.lines.as_slice() {
        [] => "only in its wording".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    };
    let mappings = plan.mappings_added + plan.mappings_changed + plan.mappings_removed;
    match mappings {
        0 => things,
        1 => format!("{things} (1 mapping)"),
        many => format!("{things} ({many} mappings)"),
    }
}
