//! What the switch says on an interface's behalf, and asks of it: ARP about an
//! address that it has learned.
//!
//! A word is told to the other hosts as if the interface had said it, so they
//! prove it as they prove its packets.

use packet::arp::{ARP_LEN, ArpOperation, ArpPacket};
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::{EtherType, MacAddr, PacketBuf, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId, MappingKind};
use zerocopy::IntoBytes;

use super::{NOBODY, SWITCHES};
use crate::pipeline::batch::{Burst, Packet, Sender, Tuple};
use crate::tables::{Destination, MappingEntry, MappingKey, Origin, Tables};

/// What is said or asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The interface has the address.
    Here {
        /// Which.
        interface: InterfaceId,
        /// The address.
        address: VirtualAddr,
        /// The MAC by which neighbours know it.
        mac: MacAddr,
        /// The nodes of the segment hear it, too.
        to_nodes: bool,
    },
    /// The interface has it no more: for other hosts.
    Gone {
        /// Which.
        interface: InterfaceId,
        /// The address.
        address: VirtualAddr,
        /// The MAC by which neighbours knew it.
        mac: MacAddr,
    },
    /// Has the interface it still? (RFC 5227 §2.1.1.)
    StillThere {
        /// Which.
        interface: InterfaceId,
        /// The address.
        address: VirtualAddr,
        /// Its MAC.
        mac: MacAddr,
    },
}

/// The switch's own MAC, where it asks: of the kind that administrators assign.
const ASKING: MacAddr = MacAddr::new([0x02, 0, 0x5e, 0, 0, 0x01]);

/// The length of a word, in bytes.
pub const WORD_LEN: usize = ETHERNET_LEN + ARP_LEN;

impl Word {
    /// The interface that it is about.
    pub const fn interface(&self) -> InterfaceId {
        match self {
            Self::Here { interface, .. }
            | Self::Gone { interface, .. }
            | Self::StillThere { interface, .. } => *interface,
        }
    }

    /// As a bare frame.
    pub fn frame(&self) -> [u8; WORD_LEN] {
        let (to, from, said, target) = match *self {
            Self::Here {
                address,
                mac,
                to_nodes,
                ..
            } => {
                let to = if to_nodes {
                    MacAddr::BROADCAST
                } else {
                    SWITCHES
                };
                (to, mac, address, address)
            }
            Self::Gone { address, mac, .. } => (SWITCHES, mac, address, NOBODY),
            Self::StillThere { address, mac, .. } => (mac, ASKING, NOBODY, address),
        };
        let ethernet = EthernetHeader {
            destination: to,
            source: from,
            ether_type: EtherType::ARP,
        };
        let arp = ArpPacket::new(ArpOperation::Request, (from, said), (MacAddr::ZERO, target));
        let mut frame = [0; WORD_LEN];
        let (front, back) = frame.split_at_mut(ETHERNET_LEN);
        front.copy_from_slice(ethernet.as_bytes());
        back.copy_from_slice(arp.as_bytes());
        frame
    }

    /// Begins its way: the packet of its frame, which no stage has seen, in a
    /// burst of the interface's port. `None`: the interface is gone.
    pub(in crate::pipeline) fn begin<B: PacketBuf>(
        &self,
        packet: &mut Packet<B>,
        tables: &Tables,
    ) -> Option<()> {
        let interface = tables.drawn.ports.interface(self.interface())?;
        let header = packet.buf.data().first_chunk::<12>()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *header;
        packet.cx.row = interface.row;
        packet.cx.tuple = Tuple {
            destination_mac: MacAddr::new([a, b, c, d, e, f]),
            source_mac: MacAddr::new([g, h, i, j, k, l]),
            ether_type: EtherType::ARP,
            ..Tuple::UNPARSED
        };
        let asks = matches!(self, Self::StillThere { .. });
        packet.cx.from = Some(Sender {
            segment: interface.segment,
            mac: packet.cx.tuple.source_mac,
            interface: (!asks).then_some(self.interface()),
            address: None,
            forwards: false,
            relays: false,
        });
        if asks {
            let key = MappingKey::new(interface.segment, interface.identity);
            packet.cx.to = Some(Destination::new(
                key,
                &MappingEntry {
                    kind: MappingKind::Node,
                    mac: interface.mac,
                    host: HostId(0),
                    slot: interface.slot,
                    interface: Some(self.interface()),
                    origin: Origin::Drawn,
                },
            ));
        }
        Some(())
    }
}

/// The port of the burst that a word needs; `None`: the interface is gone.
pub fn burst<B: PacketBuf>(
    word: &Word,
    buf: B,
    tables: &Tables,
    now: core::time::Duration,
) -> Option<Burst<B>> {
    let interface = tables.drawn.ports.interface(word.interface())?;
    let mut burst = Burst::new(interface.port, now);
    burst.push(buf, interface.row).ok()?;
    Some(burst)
}
