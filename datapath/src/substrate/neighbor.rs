//! What is known of one neighbour: the states of RFC 4861 §7.3.2 and what moves
//! between them (appendix C).
//!
//! ```text
//!            answer                  30 s                 used
//! INCOMPLETE ──────▶ REACHABLE ──────────▶ STALE ─────────────▶ DELAY
//!     │ 3 asked          ▲                   ▲                    │ 5 s
//!     ▼ in vain          │ answer            │ another MAC        ▼
//!   FAILED ◀─────────────┴───────────────────┴───────────────── PROBE
//!                              3 asked in vain
//! ```
//!
//! The RFC forgets a neighbour that fails. Here it stays for a while as
//! `FAILED`, so that packets to it are refused at once instead of each causing
//! a new search; one that a route needs is asked for again and again, ever
//! more rarely.

use core::time::Duration;

use packet::MacAddr;

use super::random::Random;

/// Time between two solicitations (`RETRANS_TIMER`, RFC 4861 §10).
pub(super) const RETRANS_TIMER: Duration = Duration::from_secs(1);
/// Solicitations to the group before a neighbour counts as failed.
pub(super) const MAX_MULTICAST_SOLICIT: u8 = 3;
/// Solicitations to a neighbour's MAC before it counts as failed.
pub(super) const MAX_UNICAST_SOLICIT: u8 = 3;
/// How long upper layers have to prove reachability before it is probed.
pub(super) const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// The same for a neighbour that was known before a restart: longer than the
/// proof of an address takes.
pub(super) const RECALLED_PROBE_TIME: Duration = Duration::from_secs(2);
/// How long an answer proves reachability, before its random factor.
pub(super) const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// How long a neighbour that failed is first left alone; doubles up to
/// [`MAX_FAILED_HOLD`].
pub(super) const FAILED_HOLD: Duration = Duration::from_secs(1);
/// The longest time between two searches for a failed next hop.
pub(super) const MAX_FAILED_HOLD: Duration = Duration::from_secs(16);

/// Reachability of a neighbour (RFC 4861 §7.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NeighborState {
    /// Asked for, not yet answered.
    Incomplete,
    /// Answered lately.
    Reachable,
    /// Known, not lately proved; used as it is.
    Stale,
    /// Stale and in use: soon to be probed.
    Delay,
    /// Being probed.
    Probe,
    /// Did not answer.
    Failed,
}

impl NeighborState {
    /// The word for it in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Reachable => "reachable",
            Self::Stale => "stale",
            Self::Delay => "delay",
            Self::Probe => "probe",
            Self::Failed => "failed",
        }
    }
}

/// What a neighbour told of itself in an advertisement (RFC 4861 §4.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) mac: Option<MacAddr>,
    pub(super) solicited: bool,
    pub(super) overrides: bool,
    pub(super) router: bool,
}

/// What must be done when a neighbour's time is up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// Nothing but the new state.
    Nothing,
    /// Solicit it in its group.
    Multicast,
    /// Solicit it at its MAC.
    Unicast(MacAddr),
    /// It failed: give up what waits for it.
    GiveUp,
    /// Nobody needs it any more.
    Forget,
}

/// One neighbour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Neighbor {
    state: NeighborState,
    /// Known in all states but `Incomplete` and `Failed`.
    mac: Option<MacAddr>,
    router: bool,
    since: Duration,
    deadline: Option<Duration>,
    /// Solicitations sent in vain; in `Failed`, how often it was sought since.
    asked: u8,
}

impl Neighbor {
    /// Nothing is known, and nobody asks yet: see [`Self::seek`].
    pub(super) const fn unknown(now: Duration) -> Self {
        Self {
            state: NeighborState::Incomplete,
            mac: None,
            router: false,
            since: now,
            deadline: None,
            asked: 0,
        }
    }

    /// It asked us, and gave its MAC (§7.2.3).
    pub(super) const fn heard(mac: MacAddr, now: Duration) -> Self {
        Self {
            state: NeighborState::Stale,
            mac: Some(mac),
            ..Self::unknown(now)
        }
    }

    pub(super) const fn state(&self) -> NeighborState {
        self.state
    }

    pub(super) const fn mac(&self) -> Option<MacAddr> {
        self.mac
    }

    pub(super) const fn router(&self) -> bool {
        self.router
    }

    /// When it came into its state.
    pub(super) const fn since(&self) -> Duration {
        self.since
    }

    /// When [`Self::timeout`] wants to be called.
    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Starts asking at `at`, unless that goes on or is not needed.
    pub(super) fn seek(&mut self, at: Duration) {
        if self.state == NeighborState::Incomplete && self.deadline.is_none() {
            self.deadline = Some(at);
        }
    }

    /// Forgets everything: the link went away.
    pub(super) fn lose(&mut self, now: Duration) {
        self.enter(NeighborState::Failed, now, None);
        self.mac = None;
    }

    /// A packet was sent to it (§7.3.3).
    pub(super) fn used(&mut self, now: Duration) {
        if self.state == NeighborState::Stale {
            let probe_at = now.saturating_add(DELAY_FIRST_PROBE_TIME);
            self.enter(NeighborState::Delay, now, Some(probe_at));
        }
    }

    /// It solicited something and gave its MAC (§7.2.3): known, but that our
    /// packets reach it is not proved.
    pub(super) fn solicited(&mut self, mac: MacAddr, now: Duration) {
        if self.mac != Some(mac) {
            self.mac = Some(mac);
            self.enter(NeighborState::Stale, now, None);
        }
    }

    /// Its MAC was known until a moment ago. It is asked soon, when the
    /// addresses to ask from are proved.
    pub(super) fn recall(&mut self, mac: MacAddr, now: Duration) {
        if self.mac.is_none() {
            self.mac = Some(mac);
            let probe_at = now.saturating_add(RECALLED_PROBE_TIME);
            self.enter(NeighborState::Delay, now, Some(probe_at));
        }
    }

    /// It advertised itself (§7.2.5).
    pub(super) fn advertised(&mut self, told: Told, now: Duration, random: &mut Random) {
        let Some(known) = self.mac else {
            // Without a MAC it says nothing; Override does not matter.
            if let Some(mac) = told.mac {
                self.mac = Some(mac);
                self.router = told.router;
                self.settle(told.solicited, now, random);
            }
            return;
        };
        let mac = told.mac.unwrap_or(known);
        if mac != known && !told.overrides {
            if self.state == NeighborState::Reachable {
                self.enter(NeighborState::Stale, now, None);
            }
            return;
        }
        self.mac = Some(mac);
        self.router = told.router;
        if told.solicited || mac != known {
            self.settle(told.solicited, now, random);
        }
    }

    /// Its deadline has come. `needed`: a route leads through it.
    pub(super) fn timeout(&mut self, now: Duration, needed: bool) -> Due {
        let again = Some(now.saturating_add(RETRANS_TIMER));
        match (self.state, self.mac) {
            (NeighborState::Incomplete, _) if self.asked < MAX_MULTICAST_SOLICIT => {
                self.asked += 1;
                self.deadline = again;
                Due::Multicast
            }
            (NeighborState::Reachable, _) => {
                self.enter(NeighborState::Stale, now, None);
                Due::Nothing
            }
            (NeighborState::Delay, Some(mac)) => {
                self.enter(NeighborState::Probe, now, again);
                self.asked = 1;
                Due::Unicast(mac)
            }
            (NeighborState::Probe, Some(mac)) if self.asked < MAX_UNICAST_SOLICIT => {
                self.asked += 1;
                self.deadline = again;
                Due::Unicast(mac)
            }
            (NeighborState::Stale, _) => {
                self.deadline = None;
                Due::Nothing
            }
            (NeighborState::Failed, _) if !needed => Due::Forget,
            (NeighborState::Failed, _) => {
                self.asked = self.asked.saturating_add(1);
                let hold = FAILED_HOLD
                    .saturating_mul(1 << self.asked.min(8))
                    .min(MAX_FAILED_HOLD);
                self.deadline = Some(now.saturating_add(hold));
                Due::Multicast
            }
            _ => {
                let hold = now.saturating_add(FAILED_HOLD);
                self.enter(NeighborState::Failed, now, Some(hold));
                self.mac = None;
                Due::GiveUp
            }
        }
    }

    fn settle(&mut self, proved: bool, now: Duration, random: &mut Random) {
        if proved {
            // Between half and one and a half times REACHABLE_TIME (§6.3.2).
            let time = REACHABLE_TIME / 2 + random.up_to(REACHABLE_TIME);
            let until = now.saturating_add(time);
            self.enter(NeighborState::Reachable, now, Some(until));
        } else {
            self.enter(NeighborState::Stale, now, None);
        }
    }

    fn enter(&mut self, state: NeighborState, now: Duration, deadline: Option<Duration>) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
        self.deadline = deadline;
        self.asked = 0;
    }
}

#[cfg(test)]
mod tests;
