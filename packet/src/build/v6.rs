//! IPv6 packets, well-formed and not.

use core::net::Ipv6Addr;

use zerocopy::IntoBytes;

use super::{Checksum, Frame, Payload};
use crate::icmp;
use crate::ipv6::{FlowLabel, Ipv6Fields, Ipv6Header};
use crate::protocol::{EtherType, IpProtocol};

/// A frame with an IPv6 header that does not say yet what it carries.
#[derive(Debug, Clone)]
pub struct Ipv6 {
    frame: Frame,
    fields: Ipv6Fields,
    payload_len: Option<u16>,
    version: u8,
    checksum: Checksum,
}

impl Ipv6 {
    pub(super) const fn new(frame: Frame, source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Self {
            frame,
            fields: Ipv6Fields {
                source,
                destination,
                traffic_class: 0,
                flow_label: FlowLabel::new(0),
                next_header: IpProtocol::NO_NEXT_HEADER,
                hop_limit: 64,
                payload_len: 0,
            },
            payload_len: None,
            version: 6,
            checksum: Checksum::Right,
        }
    }

    /// With this hop limit.
    pub const fn hop_limit(mut self, hop_limit: u8) -> Self {
        self.fields.hop_limit = hop_limit;
        self
    }

    /// With this DSCP (6 bits) and ECN (2 bits).
    pub const fn traffic_class(mut self, traffic_class: u8) -> Self {
        self.fields.traffic_class = traffic_class;
        self
    }

    /// With this flow label, 20 bits.
    pub const fn flow_label(mut self, label: u32) -> Self {
        self.fields.flow_label = FlowLabel::new(label);
        self
    }

    /// With this transport checksum.
    pub const fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// Fault: this payload length, whatever is there.
    pub const fn payload_len(mut self, payload_len: u16) -> Self {
        self.payload_len = Some(payload_len);
        self
    }

    /// Fault: this version (4 bits).
    pub const fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// The frame with a UDP datagram.
    pub fn udp(self, source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
        self.carrying(Payload::udp(source, destination, data))
    }

    /// The frame with a TCP segment: sequence number 1, ACK.
    pub fn tcp(self, source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
        self.carrying(Payload::tcp(source, destination, 1, 0x10, data))
    }

    /// The frame with an echo request.
    pub fn icmp_echo(self, identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
        self.icmp((icmp::v6::ECHO_REQUEST, 0), (identifier, sequence), data)
    }

    /// The frame with an ICMPv6 message of this type and code.
    pub fn icmp(self, kind: (u8, u8), rest: (u16, u16), data: &[u8]) -> Vec<u8> {
        self.carrying(Payload::icmp(IpProtocol::ICMPV6, kind, rest, data))
    }

    /// The frame with bytes of any next header.
    pub fn protocol(self, next_header: u8, data: &[u8]) -> Vec<u8> {
        self.raw(IpProtocol(next_header), data)
    }

    /// The frame with this upper-layer packet.
    pub fn carrying(self, payload: Payload) -> Vec<u8> {
        let protocol = payload.protocol;
        let addresses = Ipv6Header::new(&self.fields).address_sum();
        let bytes = payload.sealed(addresses, self.checksum);
        self.raw(protocol, &bytes)
    }

    fn raw(mut self, next_header: IpProtocol, payload: &[u8]) -> Vec<u8> {
        self.fields.next_header = next_header;
        let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        self.fields.payload_len = self.payload_len.unwrap_or(len);
        let mut packet = Ipv6Header::new(&self.fields).as_bytes().to_vec();
        if let Some(first) = packet.first_mut() {
            *first = self.version << 4 | *first & 0x0f;
        }
        packet.extend_from_slice(payload);
        self.frame.carrying(EtherType::IPV6, &packet)
    }
}
