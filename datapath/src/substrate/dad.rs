//! Own addresses, and the proof that nobody else has them: duplicate address
//! detection (RFC 4862 §5.4), with a nonce against loops (RFC 7527).
//!
//! An address that was in use here a moment ago stays in use while it is asked
//! for again: that is an Optimistic Address of RFC 4429, with its rules. Until
//! nobody has objected it overrides no neighbour's entry (§3.2), solicits nobody
//! (§3.3), does not answer whoever asks for it to have it, and is given up to
//! them (§3.4). So a station that took it meanwhile keeps it.
//!
//! RFC 4429 §3.1 says that this should not be done with addresses that somebody
//! typed, since they collide more often. It is done here because this very host
//! had proved the address a moment ago: what it risks is not a typing error but
//! that somebody gave the address to another machine within the last minute.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::nd::Nonce;

use super::neighbor::RETRANS_TIMER;
use super::random::Random;

/// Most random delay before the first solicitation
/// (`MAX_RTR_SOLICITATION_DELAY`, RFC 4861 §10, RFC 4862 §5.4.2).
pub(super) const MAX_FIRST_DELAY: Duration = Duration::from_secs(1);

/// Unsolicited advertisements after an address came into use
/// (`MAX_NEIGHBOR_ADVERTISEMENT`, RFC 4861 §7.2.6): neighbours that knew it at
/// another MAC hear of the new one.
pub(super) const MAX_NEIGHBOR_ADVERTISEMENT: u8 = 3;

/// May an address be used?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressState {
    /// Being asked for.
    Tentative,
    /// Nobody else has it: in use.
    Preferred,
    /// Somebody else has it: never used.
    Duplicate,
}

impl AddressState {
    /// The word for it in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tentative => "tentative",
            Self::Preferred => "preferred",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Where an own address comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressKind {
    /// Made from the uplink's MAC.
    LinkLocal,
    /// Configured for the uplink.
    Configured,
    /// The host's number 1 under its on-link locator; stands for all of it.
    Locator,
}

impl AddressKind {
    /// The word for it in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkLocal => "link-local",
            Self::Configured => "configured",
            Self::Locator => "locator",
        }
    }
}

/// What must be done when an address's time is up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AddressDue {
    /// Ask whether anyone has it.
    Solicit(Nonce),
    /// Nobody has: it is in use from now. Advertise it.
    Usable,
    /// Advertise it again.
    Announce,
}

/// One address of one uplink.
#[derive(Clone, Debug)]
pub(super) struct OwnAddress {
    pub(super) address: Ipv6Addr,
    pub(super) kind: AddressKind,
    state: AddressState,
    /// Nobody has objected, in the time that there was for it.
    proved: bool,
    since: Duration,
    deadline: Option<Duration>,
    /// Solicitations, then advertisements.
    sent: u8,
    nonce: Option<Nonce>,
}

impl OwnAddress {
    /// Tentative; the first solicitation goes out at `first`.
    pub(super) const fn new(
        address: Ipv6Addr,
        kind: AddressKind,
        now: Duration,
        first: Duration,
    ) -> Self {
        Self {
            address,
            kind,
            state: AddressState::Tentative,
            proved: false,
            since: now,
            deadline: Some(first),
            sent: 0,
            nonce: None,
        }
    }

    /// It was in use until a moment ago, and goes on to be; it is asked for
    /// again at once.
    pub(super) const fn resumed(address: Ipv6Addr, kind: AddressKind, now: Duration) -> Self {
        Self {
            state: AddressState::Preferred,
            ..Self::new(address, kind, now, now)
        }
    }

    /// The link is back: proves it again. A duplicate gets another chance,
    /// perhaps the other one is gone.
    pub(super) fn restart(&mut self, now: Duration, first: Duration) {
        *self = Self::new(self.address, self.kind, now, first);
    }

    /// The link is gone: not in use until [`Self::restart`].
    pub(super) fn suspend(&mut self, now: Duration) {
        self.proved = false;
        self.enter(AddressState::Tentative, now, None);
    }

    pub(super) const fn state(&self) -> AddressState {
        self.state
    }

    pub(super) const fn since(&self) -> Duration {
        self.since
    }

    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(super) fn is_usable(&self) -> bool {
        self.state == AddressState::Preferred
    }

    /// In use, and nobody has objected: no Optimistic Address.
    pub(super) fn is_proved(&self) -> bool {
        self.is_usable() && self.proved
    }

    /// Is this the nonce of our own solicitation?
    pub(super) fn sent_nonce(&self, nonce: Option<Nonce>) -> bool {
        nonce.is_some() && self.nonce == nonce
    }

    /// Somebody else has the address, or wants it just now (§5.4.3, §5.4.4).
    /// Says whether that settled the matter.
    pub(super) fn claimed(&mut self, now: Duration) -> bool {
        let open = !self.proved && self.state != AddressState::Duplicate;
        if open {
            self.enter(AddressState::Duplicate, now, None);
        }
        open
    }

    /// The deadline has come. `transmits`: `DupAddrDetectTransmits`.
    pub(super) fn timeout(
        &mut self,
        now: Duration,
        transmits: u8,
        random: &mut Random,
    ) -> Option<AddressDue> {
        let again = Some(now.saturating_add(RETRANS_TIMER));
        self.deadline = None;
        match self.state {
            AddressState::Duplicate => None,
            _ if !self.proved && self.sent < transmits => {
                let [a, b, c, d, e, f, ..] = random.bits().to_be_bytes();
                let nonce = [a, b, c, d, e, f];
                self.nonce = Some(nonce);
                self.sent += 1;
                self.deadline = again;
                Some(AddressDue::Solicit(nonce))
            }
            _ if !self.proved => {
                self.proved = true;
                self.enter(AddressState::Preferred, now, again);
                self.sent = 1;
                Some(AddressDue::Usable)
            }
            _ if self.sent < MAX_NEIGHBOR_ADVERTISEMENT => {
                self.sent += 1;
                if self.sent < MAX_NEIGHBOR_ADVERTISEMENT {
                    self.deadline = again;
                }
                Some(AddressDue::Announce)
            }
            _ => None,
        }
    }

    fn enter(&mut self, state: AddressState, now: Duration, deadline: Option<Duration>) {
        self.state = state;
        self.since = now;
        self.deadline = deadline;
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    fn fresh() -> (OwnAddress, Random) {
        let address = "fd00::1".parse().unwrap();
        let own = OwnAddress::new(address, AddressKind::Configured, NOW, NOW);
        (own, Random::new(3))
    }

    #[test]
    fn asked_once_and_unanswered_it_is_used_and_announced() {
        let (mut own, mut random) = fresh();
        let due = own.timeout(NOW, 1, &mut random);
        let Some(AddressDue::Solicit(nonce)) = due else {
            panic!("{due:?}")
        };
        assert!(own.sent_nonce(Some(nonce)) && !own.sent_nonce(None));
        assert_eq!(own.deadline(), Some(NOW + SECOND));
        assert!(!own.is_usable());
        let later = NOW + SECOND;
        assert_eq!(own.timeout(later, 1, &mut random), Some(AddressDue::Usable));
        assert!(own.is_usable());
        assert_eq!(own.since(), later);
        for _ in 1..MAX_NEIGHBOR_ADVERTISEMENT {
            assert!(own.deadline().is_some());
            let due = own.timeout(later, 1, &mut random);
            assert_eq!(due, Some(AddressDue::Announce));
        }
        assert_eq!(own.deadline(), None);
    }

    #[test]
    fn without_transmits_it_is_trusted_unseen() {
        let (mut own, mut random) = fresh();
        assert_eq!(own.timeout(NOW, 0, &mut random), Some(AddressDue::Usable));
    }

    #[test]
    fn claimed_while_tentative_it_is_never_used() {
        let (mut own, mut random) = fresh();
        assert!(own.claimed(NOW));
        assert_eq!(own.state(), AddressState::Duplicate);
        assert_eq!(
            (own.deadline(), own.timeout(NOW, 1, &mut random)),
            (None, None)
        );
        assert!(!own.claimed(NOW), "said once");
        own.restart(NOW, NOW);
        assert_eq!(own.state(), AddressState::Tentative);
    }

    #[test]
    fn resumed_it_is_used_at_once_asked_for_and_then_announced() {
        let (fresh, mut random) = fresh();
        let mut own = OwnAddress::resumed(fresh.address, fresh.kind, NOW);
        assert!(own.is_usable());
        assert_eq!(own.deadline(), Some(NOW));
        let due = own.timeout(NOW, 1, &mut random);
        assert!(matches!(due, Some(AddressDue::Solicit(_))), "{due:?}");
        assert!(own.is_usable());
        let later = NOW + SECOND;
        assert_eq!(own.timeout(later, 1, &mut random), Some(AddressDue::Usable));
        assert!(!own.claimed(later) && own.is_usable(), "proved by now");
    }

    #[test]
    fn resumed_it_is_given_up_if_somebody_took_it_meanwhile() {
        let (fresh, mut random) = fresh();
        let mut own = OwnAddress::resumed(fresh.address, fresh.kind, NOW);
        own.timeout(NOW, 1, &mut random);
        assert!(own.claimed(NOW));
        assert_eq!(own.state(), AddressState::Duplicate);
        assert_eq!(own.timeout(NOW + SECOND, 1, &mut random), None);
    }

    #[test]
    fn in_use_it_is_not_given_up() {
        let (mut own, mut random) = fresh();
        own.timeout(NOW, 0, &mut random);
        assert!(!own.claimed(NOW));
        assert!(own.is_usable());
    }
}
