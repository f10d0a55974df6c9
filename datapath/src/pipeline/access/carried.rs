//! What do the rules want to know of what is behind the IP header?
//!
//! A few bytes, read only where a network has rules; no other stage needs them.

use packet::ethernet::ETHERNET_LEN;
use packet::icmp::v4;
use packet::{IpProtocol, PacketBuf};

use crate::pipeline::batch::{IpTuple, Packet};
use crate::tables::access::Carried;
use crate::tables::flows::Signal;

/// Up to and with its flags, a TCP header has so many bytes (RFC 9293 §3.1).
const TCP_FLAGS: usize = 13;
/// Ports of TCP, UDP and their kin stand in so many bytes.
const PORTS: usize = 4;
/// Type and code of ICMP.
const KIND_AND_CODE: usize = 2;

/// What is behind the IP header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    pub(super) carried: Carried,
    pub(super) flow: InFlow,
}

/// What a packet is in its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlow {
    /// Part of one, with these ports (or zeroes).
    Part {
        source: u16,
        destination: u16,
        signal: Signal,
    },
    /// An ICMP question, with what stands for a port.
    Query { port: u16 },
    /// The answer to one.
    Answer { port: u16 },
    /// An ICMP error about another packet.
    Error,
    /// A later piece of a datagram.
    Later,
    /// Nothing that a reply could be told by.
    None,
}

impl Contents {
    pub(super) fn of<B: PacketBuf>(packet: &Packet<B>) -> Self {
        let Some(ip) = packet.cx.tuple.ip else {
            return Self {
                carried: Carried::Foreign,
                flow: InFlow::None,
            };
        };
        let start = ETHERNET_LEN + usize::from(ip.header_len);
        let payload = packet.buf.data().get(start..).unwrap_or_default();
        Self::read(&ip, payload)
    }

    pub(super) fn read(ip: &IpTuple, payload: &[u8]) -> Self {
        let protocol = ip.protocol;
        if ip.fragment.is_later() {
            // RFC 1858 §3.2: the second eight bytes of TCP hold its flags.
            let overwrites = protocol == IpProtocol::TCP && ip.fragment.offset_units() == 1;
            let (carried, flow) = match overwrites {
                true => (Carried::Short(protocol), InFlow::None),
                false => (Carried::Later(protocol), InFlow::Later),
            };
            return Self { carried, flow };
        }
        let short = Self {
            carried: Carried::Short(protocol),
            flow: InFlow::None,
        };
        match protocol {
            IpProtocol::ICMP if payload.len() < KIND_AND_CODE => short,
            IpProtocol::ICMP => Self::icmp(payload),
            IpProtocol::TCP if payload.len() <= TCP_FLAGS => short,
            IpProtocol::TCP
            | IpProtocol::UDP
            | IpProtocol::SCTP
            | IpProtocol::DCCP
            | IpProtocol::UDP_LITE => match payload.first_chunk::<PORTS>() {
                Some(&[a, b, c, d]) => {
                    let (source, destination) =
                        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                    let flags = payload.get(TCP_FLAGS).copied().unwrap_or(0);
                    Self {
                        carried: Carried::Ports {
                            protocol,
                            source,
                            destination,
                        },
                        flow: InFlow::Part {
                            source,
                            destination,
                            signal: match protocol {
                                IpProtocol::TCP => Signal::of_tcp(flags),
                                _ => Signal::Plain,
                            },
                        },
                    }
                }
                None => short,
            },
            _ => Self {
                carried: Carried::Opaque(protocol),
                flow: InFlow::Part {
                    source: 0,
                    destination: 0,
                    signal: Signal::Plain,
                },
            },
        }
    }

    fn icmp(payload: &[u8]) -> Self {
        let byte = |at: usize| payload.get(at).copied().unwrap_or(0);
        let (kind, code) = (byte(0), byte(1));
        let identifier = u16::from_be_bytes([byte(4), byte(5)]);
        let flow = match kind {
            v4::ECHO_REQUEST => InFlow::Query { port: identifier },
            v4::ECHO_REPLY => InFlow::Answer { port: identifier },
            _ if v4::is_error(kind) => InFlow::Error,
            _ => InFlow::None,
        };
        Self {
            carried: Carried::Icmp { kind, code },
            flow,
        }
    }
}
