//! A burst of packets on its way through the stages, each with what the stages
//! have found out about it so far.

use core::time::Duration;

use arrayvec::ArrayVec;
use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::Ipv4Header;
use packet::{EtherType, Fragment, IpProtocol, MacAddr, Offload, SegmentId, VirtualAddr, VlanId};
use vnet::compiled::{InterfaceId, PortId};

use super::translate::mtu::Carriage;
use super::verdict::{DropReason, Verdict};
use crate::books::{LegLine, RowId};
use crate::substrate::NextHopId;
use crate::tables::{At, Destination, Interface, MappingKey, PortTable, Tables};

/// The most packets that travel together, from port to port. DPDK's own
/// examples move as many at once; so do its vector PMDs.
pub const BURST: usize = 32;

/// Packets that came in by one port at one time.
#[derive(Debug)]
pub struct Burst<B> {
    /// The port they came in by.
    pub port: PortId,
    /// When, on the clock of the workers: since the daemon's start.
    pub now: Duration,
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
    /// What logical routers do with it.
    pub routing: Routing,
    /// Where it should go, once the topology has said so.
    pub target: Option<Target>,
    /// Where that is, once the mapping has said so.
    pub to: Option<Destination>,
    /// The hash of its flow, once the way over the substrate is asked for.
    pub flow_hash: u32,
    /// Which neighbour gets it, if it leaves this host.
    pub hop: Option<NextHopId>,
    /// How it leaves this host, if it does.
    pub carriage: Option<Carriage>,
    /// What a device has done for it, and from `fit` on: is to do.
    pub offload: Offload,
    /// It is a piece of a packet that was cut.
    pub is_piece: bool,
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
    /// Set where it is on another host: the address that its source proves. Of
    /// an interface here: the one it has claimed, if it sends from that.
    pub address: Option<VirtualAddr>,
    /// That address is not its own: it is a phantom router, and stands for it.
    pub forwards: bool,
    /// It has not sent it: the host where the receiver was before it has moved
    /// sends on what came there. What is inside was proved there.
    pub relays: bool,
}

/// What logical routers do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Nothing: it stays in its segment, or nobody has asked yet.
    Switched,
    /// It is for the MAC of this one.
    Entering(At),
    /// It has been brought to its segment.
    Routed(Routed),
}

/// How logical routers have brought a packet to its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// The first, which its sender knows.
    pub first: At,
    /// The last, which its receiver knows.
    pub last: At,
    /// Its MAC in the receiver's segment.
    pub mac: MacAddr,
    /// Where what leaves by its leg there is counted.
    pub line: LegLine,
    /// How many have still to be taken off the TTL.
    pub hops: u8,
    /// The largest packet that all segments on the way take, in bytes.
    pub mtu: u16,
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
    /// Whoever has the address is to pass the packet on: it is for another.
    pub passes_on: bool,
}

impl Target {
    /// What to look up.
    pub const fn key(&self) -> MappingKey {
        MappingKey::new(self.segment, self.address)
    }
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
    /// Where it stands in its datagram.
    pub fragment: Fragment,
    /// The DF flag.
    pub dont_fragment: bool,
    /// Length of the IP header in bytes: more than 20 if there are options.
    pub header_len: u8,
    /// Length of the IP packet in bytes.
    pub len: u16,
}

impl IpTuple {
    /// What a header says; ports stand behind it.
    pub fn of_header(header: &Ipv4Header) -> Self {
        Self {
            source: header.source(),
            destination: header.destination(),
            protocol: header.protocol,
            ports: (0, 0),
            fragment: header.fragment(),
            dont_fragment: header.dont_fragment(),
            // At most 15 words.
            header_len: u8::try_from(header.header_len()).unwrap_or(60),
            len: u16::try_from(header.total_len()).unwrap_or(u16::MAX),
        }
    }

    /// Has the header options?
    pub const fn has_options(&self) -> bool {
        self.header_len > 20
    }

    /// The Ethernet frame that carries it, without tag, in bytes.
    pub const fn frame_len(&self) -> u64 {
        ETHERNET_LEN as u64 + self.len as u64
    }

    /// What is behind the header, in bytes.
    pub const fn payload_len(&self) -> u16 {
        self.len.saturating_sub(self.header_len as u16)
    }

    /// A hash of the flow that both directions share, as all fragments of a
    /// datagram do: the way through the drawn topology is the same there and
    /// back, where that is drawn so.
    pub fn symmetric_hash(&self) -> u32 {
        let (a, b) = (self.source.to_bits(), self.destination.to_bits());
        let addresses = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        let (p, q) = self.ports;
        let ports = u64::from(p.min(q)) << 16 | u64::from(p.max(q));
        mix(addresses, ports << 8 | u64::from(self.protocol.0))
    }

    /// A hash of the flow that all fragments of a datagram share: addresses
    /// and protocol; where nothing is fragmented, the ports too.
    pub fn flow_hash(&self) -> u32 {
        let addresses =
            u64::from(self.source.to_bits()) << 32 | u64::from(self.destination.to_bits());
        let ports = u64::from(self.ports.0) << 16 | u64::from(self.ports.1);
        mix(addresses, ports << 8 | u64::from(self.protocol.0))
    }
}

/// Two rounds of a multiply-xorshift mixer: every input bit reaches every
/// output bit, which the flow label's 11 bits need.
fn mix(a: u64, b: u64) -> u32 {
    let mut x = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (x >> 32) as u32
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

    /// A hash of the flow: of what is not IP, MACs and ethertype.
    pub fn flow_hash(&self) -> u32 {
        let macs = || {
            let ether_type = u64::from(self.ether_type.get()) << 48;
            mix(
                ether_type | self.source_mac.to_u64(),
                self.destination_mac.to_u64(),
            )
        };
        self.ip.map_or_else(macs, |ip| ip.flow_hash())
    }
}

impl<B: packet::PacketBuf> Burst<B> {
    /// An empty burst from a port.
    pub fn new(port: PortId, now: Duration) -> Self {
        Self {
            port,
            now,
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
            routing: Routing::Switched,
            target: None,
            to: None,
            flow_hash: 0,
            hop: None,
            carriage: None,
            offload: buf.offload(),
            is_piece: false,
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

    /// What the undecided packets' targets are in the table, in their order.
    pub(crate) fn targets(&mut self, tables: &Tables) -> ArrayVec<Option<Destination>, BURST> {
        let targets = self.undecided().map(|packet| packet.cx.target);
        tables.destinations(targets.map(|target| Some(target?.key())))
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
