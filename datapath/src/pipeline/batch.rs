//! A burst of packets on its way through the stages, each with what the stages
//! have found out about it so far.

use arrayvec::ArrayVec;
use packet::{EtherType, IpProtocol, MacAddr, SegmentId, VirtualAddr, VlanId};
use vnet::compiled::{InterfaceId, PortId};

use super::verdict::{DropReason, Verdict};
use crate::books::RowId;
use crate::tables::{Destination, Interface, PortTable};

/// The most packets that travel together, from port to port. DPDK's own
/// examples move as many at once; so do its vector PMDs.
pub const BURST: usize = 32;

/// Packets that came in by one port at one time.
#[derive(Debug)]
pub struct Burst<B> {
    /// The port they came in by.
    pub port: PortId,
    /// The packets, in order of arrival.
    pub packets: ArrayVec<Packet<B>, BURST>,
}

/// A packet and its context.
#[derive(Debug)]
pub struct Packet<B> {
    /// The bytes.
    pub buf: B,
    /// What is known about it.
    pub cx: Context,
}

/// What the stages have found out about one packet.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// What is decided about it.
    pub verdict: Verdict,
    /// Which line of the books it is on: (input port, segment).
    pub row: RowId,
    /// Bytes on the wire when it came in.
    pub wire_len: u32,
    /// Its headers, parsed once.
    pub tuple: Tuple,
    /// Who sent it, once known.
    pub from: Option<Sender>,
    /// Where it should go, once the topology has said so.
    pub target: Option<Target>,
    /// Where that is, once the mapping has said so.
    pub to: Option<Destination>,
}

/// The interface that sent a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The segment it is in.
    pub segment: SegmentId,
    /// Its MAC, which the receiver sees.
    pub mac: MacAddr,
    /// Set where it is attached to this host.
    pub interface: Option<InterfaceId>,
}

/// The next hop in the drawn topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The segment of the destination.
    pub segment: SegmentId,
    /// The address to look up there.
    pub address: VirtualAddr,
    /// The MAC that whoever has the address must have, where the sender chose
    /// its receiver by MAC.
    pub mac: Option<MacAddr>,
}

/// The headers of a packet, parsed once by `classify`; later stages read
/// these, not the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuple {
    /// Ethernet destination.
    pub destination_mac: MacAddr,
    /// Ethernet source.
    pub source_mac: MacAddr,
    /// The VLAN tag the frame came with. Inside the pipeline frames are bare.
    pub tag: Option<VlanId>,
    /// What the Ethernet header carries.
    pub ether_type: EtherType,
    /// What the IP header says, if there is one.
    pub ip: Option<IpTuple>,
}

/// What an IPv4 header says, or the IPv6 header that stands for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpTuple {
    /// Source address.
    pub source: VirtualAddr,
    /// Destination address.
    pub destination: VirtualAddr,
    /// What follows.
    pub protocol: IpProtocol,
    /// Source and destination port (TCP, UDP and their kin), else zero.
    pub ports: (u16, u16),
    /// A fragment: first, middle or last.
    pub fragment: bool,
    /// The header has options.
    pub options: bool,
    /// Length of the IP packet in bytes.
    pub len: u16,
}

impl IpTuple {
    /// A hash of the flow that all fragments of a datagram share: addresses
    /// and protocol; where nothing is fragmented, the ports too.
    pub fn flow_hash(&self) -> u32 {
        let addresses =
            u64::from(self.source.to_bits()) << 32 | u64::from(self.destination.to_bits());
        let ports = u64::from(self.ports.0) << 16 | u64::from(self.ports.1);
        // Two rounds of a multiply-xorshift mixer: every input bit reaches
        // every output bit, which the flow label's 11 bits need.
        let mut x = addresses
            ^ (ports << 8 | u64::from(self.protocol.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x >> 32) as u32
    }
}

impl Tuple {
    /// Of a frame that is not parsed yet.
    pub const UNPARSED: Self = Self {
        destination_mac: MacAddr::ZERO,
        source_mac: MacAddr::ZERO,
        tag: None,
        ether_type: EtherType::new(0),
        ip: None,
    };
}

impl<B: packet::PacketBuf> Burst<B> {
    /// An empty burst from a port.
    pub fn new(port: PortId) -> Self {
        Self {
            port,
            packets: ArrayVec::new(),
        }
    }

    /// Adds a packet as it was received; gives it back if the burst is full.
    ///
    /// # Errors
    /// The buffer, if there are [`BURST`] packets already.
    pub fn push(&mut self, buf: B, row: RowId) -> Result<(), B> {
        let wire_len = u32::try_from(buf.len()).unwrap_or(u32::MAX);
        let cx = Context {
            verdict: Verdict::Next,
            row,
            wire_len,
            tuple: Tuple::UNPARSED,
            from: None,
            target: None,
            to: None,
        };
        self.packets
            .try_push(Packet { buf, cx })
            .map_err(|full| full.element().buf)
    }

    /// The packets that no stage has decided about yet.
    pub fn undecided(&mut self) -> impl Iterator<Item = &mut Packet<B>> {
        self.packets
            .iter_mut()
            .filter(|packet| packet.cx.verdict == Verdict::Next)
    }

    /// Asks `question` about each undecided packet; an error is its drop.
    pub fn each(&mut self, mut question: impl FnMut(&mut Packet<B>) -> Result<(), DropReason>) {
        for packet in self.undecided() {
            if let Err(reason) = question(packet) {
                packet.cx.verdict = Verdict::Drop(reason);
            }
        }
    }
}

impl Context {
    /// The interface on this host that sent it: every packet from a node has
    /// one once `classify` has passed it on.
    pub(crate) fn sender<'t>(&self, ports: &'t PortTable) -> Result<&'t Interface, DropReason> {
        let id = self.from.and_then(|from| from.interface);
        id.and_then(|id| ports.interface(id))
            .ok_or(DropReason::UnknownMac)
    }

    /// The IP tuple; a stage that needs one drops what has none.
    pub(crate) fn ip(&self) -> Result<IpTuple, DropReason> {
        self.tuple.ip.ok_or(DropReason::EtherTypeNotAllowed)
    }
}
