//! Which flow is it, whichever way a packet goes?

use packet::{IpProtocol, SegmentId, VirtualAddr};

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowEnd {
    /// The segment it is in.
    pub segment: SegmentId,
    /// Its address.
    pub address: VirtualAddr,
    /// Its port, or what stands for one; zero, where there is none.
    pub port: u16,
}

/// The end of a flow that a packet comes from: the ends are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The lower.
    Low,
    /// The higher.
    High,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    pub(super) const fn bit(self) -> u64 {
        match self {
            Self::Low => 1,
            Self::High => 2,
        }
    }
}

/// A flow: the same for both directions.
///
/// ```text
/// segment of the lower end 24 | of the higher 24 | protocol 8 | 0
/// address of the lower end 32 | of the higher 32
/// port of the lower end 16    | of the higher 16 | the cell's owner 16 | 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    low: FlowEnd,
    high: FlowEnd,
    protocol: u8,
}

impl FlowKey {
    /// Of a packet from one end to the other, and which of the two sent it.
    pub fn of(from: FlowEnd, to: FlowEnd, protocol: IpProtocol) -> (Self, Side) {
        let (low, high, side) = if from <= to {
            (from, to, Side::Low)
        } else {
            (to, from, Side::High)
        };
        let protocol = protocol.0;
        (
            Self {
                low,
                high,
                protocol,
            },
            side,
        )
    }

    /// An end.
    pub const fn end(&self, side: Side) -> FlowEnd {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }

    /// What they speak.
    pub const fn protocol(&self) -> IpProtocol {
        IpProtocol(self.protocol)
    }

    pub(super) fn words(&self) -> [u64; 3] {
        let (low, high) = (&self.low, &self.high);
        [
            u64::from(low.segment.get()) << 40
                | u64::from(high.segment.get()) << 16
                | u64::from(self.protocol) << 8,
            u64::from(low.address.to_bits()) << 32 | u64::from(high.address.to_bits()),
            u64::from(low.port) << 48 | u64::from(high.port) << 32,
        ]
    }

    /// `None`: no key has these words.
    #[expect(clippy::cast_possible_truncation, reason = "parts of a word")]
    pub(super) fn of_words([segments, addresses, ports]: [u64; 3]) -> Option<Self> {
        let segment = |bits: u64| SegmentId::new(bits as u32 & 0x00ff_ffff).ok();
        Some(Self {
            low: FlowEnd {
                segment: segment(segments >> 40)?,
                address: VirtualAddr::from_bits((addresses >> 32) as u32),
                port: (ports >> 48) as u16,
            },
            high: FlowEnd {
                segment: segment(segments >> 16)?,
                address: VirtualAddr::from_bits(addresses as u32),
                port: (ports >> 32) as u16,
            },
            protocol: (segments >> 8) as u8,
        })
    }

    /// With a secret, because tenants choose the keys.
    pub(super) fn hash(&self, (a, b): (u64, u64)) -> u64 {
        let [x, y, z] = self.words();
        let folded = |x: u64, y: u64| {
            let product = u128::from(x) * u128::from(y);
            #[expect(clippy::cast_possible_truncation, reason = "both halves")]
            let (low, high) = (product as u64, (product >> 64) as u64);
            low ^ high
        };
        let first = folded(x ^ a, y ^ b);
        folded(first ^ z, a.rotate_left(32) | 1)
    }
}
