//! IPv4 packets, well-formed and not.

use core::net::Ipv4Addr;

use zerocopy::IntoBytes;

use super::{Checksum, Frame, Payload};
use crate::checksum;
use crate::fragment::Fragment;
use crate::icmp;
use crate::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use crate::protocol::{EtherType, IpProtocol};

/// A frame with an IPv4 header that does not say yet what it carries.
#[derive(Debug, Clone)]
pub struct Ipv4 {
    frame: Frame,
    fields: Ipv4Fields,
    options: Vec<u8>,
    /// Reserved bit, DF, MF, offset in units of 8 bytes.
    flags_offset: u16,
    faults: Faults,
    checksum: Checksum,
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    header_checksum: bool,
    version_ihl: Option<u8>,
    total_len: Option<u16>,
}

impl Ipv4 {
    pub(super) fn new(frame: Frame, source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self {
            frame,
            fields: Ipv4Fields {
                source: source.into(),
                destination: destination.into(),
                traffic_class: 0,
                ttl: 64,
                protocol: IpProtocol(0),
                dont_fragment: false,
                identification: 0,
                fragment: Fragment::WHOLE,
                payload_len: 0,
            },
            options: Vec::new(),
            flags_offset: 0,
            faults: Faults::default(),
            checksum: Checksum::Right,
        }
    }

    /// With this time to live, in hops.
    pub const fn ttl(mut self, ttl: u8) -> Self {
        self.fields.ttl = ttl;
        self
    }

    /// With this DSCP (6 bits) and ECN (2 bits).
    pub const fn tos(mut self, tos: u8) -> Self {
        self.fields.traffic_class = tos;
        self
    }

    /// With this identification.
    pub const fn id(mut self, identification: u16) -> Self {
        self.fields.identification = identification;
        self
    }

    /// With DF set.
    pub const fn dont_fragment(mut self) -> Self {
        self.flags_offset |= 0x4000;
        self
    }

    /// With the reserved flag set (RFC 791 §3.1: must be zero).
    pub const fn reserved_flag(mut self) -> Self {
        self.flags_offset |= 0x8000;
        self
    }

    /// As a fragment that begins `offset` units of 8 bytes into its datagram.
    pub const fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.flags_offset |= (offset & 0x1fff) | if more { 0x2000 } else { 0 };
        self
    }

    /// With these options, at most 40 bytes; filled up with End of Option List
    /// to a multiple of 4.
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.iter().copied().take(40).collect();
        self.options
            .resize(self.options.len().next_multiple_of(4), 0);
        self
    }

    /// With this transport checksum.
    pub const fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// Fault: one bit of the header checksum is flipped.
    pub const fn wrong_header_checksum(mut self) -> Self {
        self.faults.header_checksum = true;
        self
    }

    /// Fault: this version and header length in words, whatever is there.
    pub const fn version_ihl(mut self, version_ihl: u8) -> Self {
        self.faults.version_ihl = Some(version_ihl);
        self
    }

    /// Fault: this total length, whatever is there.
    pub const fn total_len(mut self, total_len: u16) -> Self {
        self.faults.total_len = Some(total_len);
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
        self.icmp((icmp::v4::ECHO_REQUEST, 0), (identifier, sequence), data)
    }

    /// The frame with an echo reply.
    pub fn icmp_echo_reply(self, identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
        self.icmp((icmp::v4::ECHO_REPLY, 0), (identifier, sequence), data)
    }

    /// The frame with an ICMP message of this type and code.
    pub fn icmp(self, kind: (u8, u8), rest: (u16, u16), data: &[u8]) -> Vec<u8> {
        self.carrying(Payload::icmp(IpProtocol::ICMP, kind, rest, data))
    }

    /// The frame with bytes of any protocol.
    pub fn protocol(self, protocol: u8, data: &[u8]) -> Vec<u8> {
        self.raw(IpProtocol(protocol), data)
    }

    /// The frame with this upper-layer packet.
    pub fn carrying(self, payload: Payload) -> Vec<u8> {
        let protocol = payload.protocol;
        let addresses = Ipv4Header::new(&self.fields).address_sum();
        let bytes = payload.sealed(addresses, self.checksum);
        self.raw(protocol, &bytes)
    }

    fn raw(mut self, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
        self.fields.protocol = protocol;
        let packet = [self.header(payload.len()), payload.to_vec()].concat();
        self.frame.carrying(EtherType::IPV4, &packet)
    }

    fn header(&self, payload_len: usize) -> Vec<u8> {
        let mut header = Ipv4Header::new(&self.fields).as_bytes().to_vec();
        header.extend_from_slice(&self.options);
        let words = u8::try_from(header.len() / 4).unwrap_or(15);
        let total_len = u16::try_from(header.len() + payload_len).unwrap_or(u16::MAX);
        let total_len = self.faults.total_len.unwrap_or(total_len);
        let version_ihl = self.faults.version_ihl.unwrap_or(0x40 | words);
        write(&mut header, 0, &[version_ihl]);
        write(&mut header, 2, &total_len.to_be_bytes());
        write(&mut header, 6, &self.flags_offset.to_be_bytes());
        write(&mut header, 10, &[0, 0]);
        // Over the length that the header claims, as a receiver sums it: the
        // length is then the only fault.
        let claimed = usize::from(version_ihl & 0x0f) * 4;
        let summed = header.get(..claimed.max(IPV4_LEN)).unwrap_or(&header);
        let sum = checksum::of(summed) ^ if self.faults.header_checksum { 1 } else { 0 };
        write(&mut header, 10, &sum.to_be_bytes());
        header
    }
}

fn write(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}
