//! Access rules in the compiled form: who may send what to whom. Names are
//! resolved, so that every host judges a packet by the same values.

use core::fmt;
use core::ops::RangeInclusive;

use packet::{IpProtocol, SegmentId, VirtualAddr};

use super::Ipv4Subnet;

/// The rules of one network, the first that matches a packet decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRules {
    /// Index into [`super::Compiled::networks`].
    pub network: usize,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// What becomes of a packet inside a segment that no rule matches.
    pub inside: Action,
    /// What becomes of one between linked segments that no rule matches.
    pub between: Action,
    /// What the sender of a refused packet hears.
    pub refusal: Refusal,
    /// Do replies to what was permitted pass without a rule?
    pub replies: bool,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It may pass.
    Allow,
    /// It is refused.
    Deny,
}

/// What the sender of a refused packet hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Refusal {
    /// Nothing.
    #[default]
    Silence,
    /// ICMP 3/13: communication administratively prohibited (RFC 1812
    /// §5.2.7.1).
    Reject,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, if it was given one; unique in its network.
    pub name: Option<String>,
    /// What it says, in one spelling: `front -> far allow icmp, tcp/443`.
    pub text: String,
    /// Who sends.
    pub from: Peers,
    /// Who is to receive.
    pub to: Peers,
    /// What is sent: any of these.
    pub services: Vec<Service>,
    /// How long the IPv4 packet is, in bytes.
    pub size: Option<RangeInclusive<u16>>,
    /// When.
    pub when: Option<Window>,
    /// What then becomes of it.
    pub action: Action,
}

/// One end of a packet: whoever is in any of these sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peers {
    /// Everyone of the network.
    pub any: bool,
    /// Who is in the segment of the packet's other end.
    pub same_segment: bool,
    /// Who is in another segment than the packet's other end.
    pub other_segment: bool,
    /// Who is in these segments, groups included; ordered, each once.
    pub segments: Vec<SegmentId>,
    /// Who has these addresses; ordered, each once.
    pub stations: Vec<(SegmentId, VirtualAddr)>,
    /// Who has an address in these ranges, in whichever segment; ordered, none
    /// inside of another.
    pub prefixes: Vec<Ipv4Subnet>,
}

impl Peers {
    /// Brings the lists into the order that is promised of them.
    pub fn tidy(&mut self) {
        self.segments.sort_unstable();
        self.segments.dedup();
        self.stations.sort_unstable();
        self.stations.dedup();
        // What contains others comes before them.
        let key = |prefix: &Ipv4Subnet| (prefix.network(), prefix.length());
        self.prefixes.sort_unstable_by_key(key);
        self.prefixes
            .dedup_by(|next, kept| kept.contains(next.network().into()));
    }
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Anything, also what is not IPv4.
    Any,
    /// Any packet of an IP protocol.
    Protocol(IpProtocol),
    /// One whose ports are in these ranges.
    Ports {
        /// TCP, UDP or one of their kin.
        protocol: IpProtocol,
        /// The sender's port.
        source: PortRange,
        /// The receiver's.
        destination: PortRange,
    },
    /// An ICMP message.
    Icmp {
        /// Its type.
        kind: u8,
        /// Its code; `None`: any.
        code: Option<u8>,
    },
}

/// Ports that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// Is the port one of them?
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => f.write_str("any"),
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

/// Minutes of a day, and of a week.
pub const DAY: u16 = 24 * 60;
/// Minutes of a week.
pub const WEEK: u16 = 7 * DAY;

/// A minute of the week in UTC: 0 is Monday, 00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeekMinute(u16);

impl WeekMinute {
    /// The minute of a time, in seconds since 1970-01-01 00:00 UTC, which was
    /// a Thursday.
    pub fn at(unix_seconds: u64) -> Self {
        let minute = (unix_seconds / 60 + 3 * u64::from(DAY)) % u64::from(WEEK);
        // Less than a week.
        Self(u16::try_from(minute).unwrap_or(0))
    }

    /// The minute of that number; `None`: a week has fewer.
    pub fn new(minute: u16) -> Option<Self> {
        (minute < WEEK).then_some(Self(minute))
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// When a rule holds: hours of days, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// A bit per day, Monday the lowest.
    pub days: u8,
    /// The first minute of the day that is in it.
    pub from: u16,
    /// The first that is not any more: up to [`DAY`]. If that is not after
    /// `from`, it is of the next day.
    pub to: u16,
}

impl Window {
    /// Every day.
    pub const ALL_DAYS: u8 = 0x7f;

    /// Is that minute in it?
    pub const fn contains(&self, at: WeekMinute) -> bool {
        let (day, minute) = (at.get() / DAY, at.get() % DAY);
        let day_before = (day + 6) % 7;
        if self.from < self.to {
            self.has(day) && self.from <= minute && minute < self.to
        } else {
            (self.has(day) && minute >= self.from) || (self.has(day_before) && minute < self.to)
        }
    }

    const fn has(&self, day: u16) -> bool {
        self.days >> day & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_was_a_thursday() {
        assert_eq!(WeekMinute::at(0).get(), 3 * DAY);
        // 2026-11-29 12:10 UTC: a Sunday.
        assert_eq!(WeekMinute::at(1_795_954_200).get(), 6 * DAY + 730);
        assert_eq!(WeekMinute::new(WEEK), None);
    }

    #[test]
    fn a_window_may_last_into_the_next_day() {
        let window = |days, from, to| Window { days, from, to };
        let at = |day: u16, minute: u16| WeekMinute::new(day * DAY + minute).unwrap();
        let office = window(0b1_1111, 8 * 60, 18 * 60);
        assert!(office.contains(at(0, 480)) && office.contains(at(4, 1079)));
        assert!(!office.contains(at(0, 479)) && !office.contains(at(4, 1080)));
        assert!(!office.contains(at(5, 600)));
        let sunday_night = window(0b100_0000, 22 * 60, 6 * 60);
        assert!(sunday_night.contains(at(6, 1439)) && sunday_night.contains(at(0, 0)));
        assert!(!sunday_night.contains(at(0, 360)) && !sunday_night.contains(at(6, 100)));
        let all_day = window(Window::ALL_DAYS, 0, DAY);
        assert!(all_day.contains(at(3, 0)) && all_day.contains(at(3, 1439)));
    }
}
