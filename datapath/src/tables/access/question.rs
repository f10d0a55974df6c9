//! What rules are asked about a packet.

use packet::{IpProtocol, SegmentId, VirtualAddr};
use vnet::compiled::WeekMinute;

/// A packet, as far as rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Who sends it.
    pub from: Peer,
    /// Who is to receive it.
    pub to: Peer,
    /// What it carries.
    pub carried: Carried,
    /// How long it is, in bytes of IPv4; `None`: it is not IPv4, or a piece of
    /// something whose length nobody knows.
    pub len: Option<u16>,
    /// Now.
    pub at: WeekMinute,
}

/// One end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its segment.
    pub segment: SegmentId,
    /// Its address; a group's, where many are meant.
    pub address: VirtualAddr,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// It is not IPv4.
    Foreign,
    /// A protocol without ports.
    Opaque(IpProtocol),
    /// One with ports.
    Ports {
        /// TCP, UDP or one of their kin.
        protocol: IpProtocol,
        /// The sender's port.
        source: u16,
        /// The receiver's.
        destination: u16,
    },
    /// An ICMP message.
    Icmp {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
    /// A later piece of a datagram: what it begins with is not here.
    Later(IpProtocol),
    /// A packet, or the first piece of one, that is too short for its ports or
    /// its type; or a later one that would write over them (RFC 1858 §3).
    Short(IpProtocol),
}

impl Carried {
    /// The protocol; `None`: not IPv4.
    pub const fn protocol(self) -> Option<IpProtocol> {
        match self {
            Self::Foreign => None,
            Self::Opaque(protocol)
            | Self::Ports { protocol, .. }
            | Self::Later(protocol)
            | Self::Short(protocol) => Some(protocol),
            Self::Icmp { .. } => Some(IpProtocol::ICMP),
        }
    }

    /// Is it too short?
    pub const fn is_short(self) -> bool {
        matches!(self, Self::Short(_))
    }
}

impl Question {
    /// Does it stay in its segment?
    pub fn is_inside(&self) -> bool {
        self.from.segment == self.to.segment
    }

    /// The same packet the other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        let carried = match self.carried {
            Carried::Ports {
                protocol,
                source,
                destination,
            } => Carried::Ports {
                protocol,
                source: destination,
                destination: source,
            },
            other => other,
        };
        Self {
            from: self.to,
            to: self.from,
            carried,
            ..self
        }
    }
}
