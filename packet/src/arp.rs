//! ARP for IPv4 over Ethernet (RFC 826), 28 bytes.

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::VirtualAddr;
use crate::mac::MacAddr;
use crate::protocol::EtherType;

/// What an ARP packet asks or says (RFC 826, "opcode").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// The sender has it.
    Reply,
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct ArpPacket {
    hardware_type: U16,
    protocol_type: EtherType,
    hardware_len: u8,
    protocol_len: u8,
    operation: U16,
    /// The sender's MAC.
    pub sender_mac: MacAddr,
    sender_address: [u8; 4],
    /// The target's MAC; zero in a request.
    pub target_mac: MacAddr,
    target_address: [u8; 4],
}

/// Length of an [`ArpPacket`] in bytes.
pub const ARP_LEN: usize = 28;

impl ArpPacket {
    /// An ARP packet.
    pub fn new(
        operation: ArpOperation,
        sender: (MacAddr, VirtualAddr),
        target: (MacAddr, VirtualAddr),
    ) -> Self {
        Self {
            hardware_type: U16::new(1),
            protocol_type: EtherType::IPV4,
            hardware_len: 6,
            protocol_len: 4,
            operation: U16::new(match operation {
                ArpOperation::Request => 1,
                ArpOperation::Reply => 2,
            }),
            sender_mac: sender.0,
            sender_address: sender.1.ipv4().octets(),
            target_mac: target.0,
            target_address: target.1.ipv4().octets(),
        }
    }

    /// Is this IPv4 over Ethernet, with an operation we know?
    pub fn operation(&self) -> Option<ArpOperation> {
        let ours = self.hardware_type.get() == 1
            && self.protocol_type == EtherType::IPV4
            && self.hardware_len == 6
            && self.protocol_len == 4;
        match self.operation.get() {
            1 if ours => Some(ArpOperation::Request),
            2 if ours => Some(ArpOperation::Reply),
            _ => None,
        }
    }

    /// The sender's protocol address; zero in a probe (RFC 5227 §1.1).
    pub fn sender_address(&self) -> VirtualAddr {
        VirtualAddr::new(self.sender_address.into())
    }

    /// The target's protocol address; equal to the sender's in an announcement
    /// ("gratuitous ARP", RFC 5227 §1.1).
    pub fn target_address(&self) -> VirtualAddr {
        VirtualAddr::new(self.target_address.into())
    }
}

const _: () = assert!(size_of::<ArpPacket>() == ARP_LEN);
