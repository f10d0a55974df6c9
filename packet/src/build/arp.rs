//! ARP packets (RFC 826, RFC 5227).

use core::net::Ipv4Addr;

use zerocopy::IntoBytes;

use super::Frame;
use crate::arp::{ArpOperation, ArpPacket};
use crate::mac::MacAddr;
use crate::protocol::EtherType;

impl Frame {
    /// "Who has `target`? Tell `sender`." The sender's MAC is the frame's source.
    pub fn arp_request(&self, sender: impl Into<Ipv4Addr>, target: impl Into<Ipv4Addr>) -> Vec<u8> {
        let sender = (self.source, sender.into().into());
        let target = (MacAddr::ZERO, target.into().into());
        self.arp(&ArpPacket::new(ArpOperation::Request, sender, target))
    }

    /// "Does anybody have `target`, which I would like to use?" (RFC 5227 §2.1.1)
    pub fn arp_probe(&self, target: impl Into<Ipv4Addr>) -> Vec<u8> {
        self.arp_request(Ipv4Addr::UNSPECIFIED, target)
    }

    /// "I have `address` now", also called gratuitous ARP (RFC 5227 §2.3).
    pub fn arp_announcement(&self, address: impl Into<Ipv4Addr>) -> Vec<u8> {
        let address = address.into();
        self.arp_request(address, address)
    }

    /// "`sender` is at the frame's source MAC", told to the frame's destination.
    pub fn arp_reply(&self, sender: impl Into<Ipv4Addr>, target: impl Into<Ipv4Addr>) -> Vec<u8> {
        let sender = (self.source, sender.into().into());
        let target = (self.destination, target.into().into());
        self.arp(&ArpPacket::new(ArpOperation::Reply, sender, target))
    }

    /// Any ARP packet.
    pub fn arp(&self, packet: &ArpPacket) -> Vec<u8> {
        self.carrying(EtherType::ARP, packet.as_bytes())
    }
}
