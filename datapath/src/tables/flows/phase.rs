//! How far has a flow come, and for how long is it remembered?

use packet::IpProtocol;

use super::Seconds;

/// How far a flow has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody has answered yet.
    Opening,
    /// Both sides have spoken.
    Open,
    /// TCP: one has said that it will send no more.
    Closing,
    /// TCP: it was reset.
    Closed,
}

impl Phase {
    pub(super) const fn of_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::Opening,
            1 => Self::Open,
            2 => Self::Closing,
            _ => Self::Closed,
        }
    }

    pub(super) const fn bits(self) -> u64 {
        self as u64
    }

    /// For how long a flow is remembered after its last packet.
    ///
    /// TCP: RFC 5382 REQ-5 asks for at least two hours and four minutes of an
    /// established connection, and RFC 1122 §4.2.3.6 has keep-alives come each
    /// two hours. UDP: more than the two minutes of RFC 4787 REQ-5, once there is
    /// an answer. ICMP: RFC 5508 REQ-2.
    pub const fn timeout(self, protocol: IpProtocol) -> Seconds {
        match (protocol, self) {
            (IpProtocol::TCP, Self::Open) => 2 * 3600 + 240,
            (IpProtocol::TCP, Self::Closing) => 240,
            (IpProtocol::TCP, Self::Closed) => 10,
            (IpProtocol::ICMP, _) => 60,
            (_, Self::Opening) => 30,
            _ => 180,
        }
    }
}

/// What a packet means for its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Nothing but that there is one.
    Plain,
    /// TCP: it begins anew: SYN without ACK.
    Syn,
    /// TCP: the answer to that: SYN with ACK.
    SynAck,
    /// TCP: its sender will send no more.
    Fin,
    /// TCP: it is over.
    Rst,
}

impl Signal {
    /// What the flags of a TCP segment say (RFC 9293 §3.1).
    pub const fn of_tcp(flags: u8) -> Self {
        const FIN: u8 = 1;
        const SYN: u8 = 2;
        const RST: u8 = 4;
        const ACK: u8 = 0x10;
        match flags {
            _ if flags & RST != 0 => Self::Rst,
            _ if flags & (SYN | ACK) == SYN => Self::Syn,
            _ if flags & SYN != 0 => Self::SynAck,
            _ if flags & FIN != 0 => Self::Fin,
            _ => Self::Plain,
        }
    }

    /// Where a flow is when it is first heard of so.
    pub(super) const fn first(self) -> Phase {
        match self {
            Self::Rst => Phase::Closed,
            Self::Fin => Phase::Closing,
            Self::Plain | Self::Syn | Self::SynAck => Phase::Opening,
        }
    }

    /// Where a flow in `phase` goes; `answers`: the other side has spoken
    /// before.
    pub(super) fn after(self, phase: Phase, answers: bool) -> Phase {
        match (self, phase) {
            (Self::Rst, _) => Phase::Closed,
            (Self::Syn, Phase::Closing | Phase::Closed) => Phase::Opening,
            (Self::Fin, Phase::Opening | Phase::Open) => Phase::Closing,
            (_, Phase::Opening) if answers => Phase::Open,
            (_, phase) => phase,
        }
    }
}
