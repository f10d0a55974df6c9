//! Ports, the interfaces behind them, and the segments those are in.

use core::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use hashbrown::HashMap;
use packet::{EtherType, MacAddr, OuterTag, SegmentId, Slot, Tags, VirtualAddr, VlanId};
use vnet::compiled::{
    Compiled, InterfaceId, Ipv4Subnet, LegId, MappingKind, PhantomRouter, PortId, RouterId,
    UnknownMac,
};

use super::dhcp::DhcpService;
use super::phantoms::{self, SegmentPhantom};
use super::routes::At;
use crate::books::{RowId, Rows};

/// What is behind a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRole {
    /// Nodes.
    Node,
    /// The substrate.
    Uplink,
    /// This machine's own kernel: see `pipeline/kernel`.
    Kernel,
}

/// What a port's sending side does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortOffloads {
    /// Completes partial checksums of TCP and UDP.
    pub checksum: bool,
    /// Cuts super-frames into TCP segments; takes them as chains, too.
    pub segmentation: bool,
}

/// A port that there is now, as the tables need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortEntry {
    /// Its name: the books go by it.
    pub name: Arc<str>,
    /// What is behind it.
    pub role: PortRole,
    /// What its sending side does by itself, to begin with.
    pub offloads: PortOffloads,
}

/// [`PortOffloads`] that the control side may change while workers read: a
/// guest decides anew what it can each time it starts.
#[derive(Debug, Default)]
struct OffloadCell(AtomicU8);

impl OffloadCell {
    const CHECKSUM: u8 = 1;
    const SEGMENTATION: u8 = 2;

    fn get(&self) -> PortOffloads {
        let bits = self.0.load(Ordering::Relaxed);
        PortOffloads {
            checksum: bits & Self::CHECKSUM != 0,
            segmentation: bits & Self::SEGMENTATION != 0,
        }
    }

    fn set(&self, offloads: PortOffloads) {
        let bit = |on, bit| if on { bit } else { 0 };
        let checksum = bit(offloads.checksum, Self::CHECKSUM);
        let segmentation = bit(offloads.segmentation, Self::SEGMENTATION);
        self.0.store(checksum | segmentation, Ordering::Relaxed);
    }
}

/// A node's attachment to a segment, as the pipeline needs it.
#[derive(Debug, Clone)]
pub struct Interface {
    /// The port it is behind.
    pub port: PortId,
    /// What is on its frames.
    pub tags: Tags,
    /// Its MAC.
    pub mac: MacAddr,
    /// Its segment.
    pub segment: SegmentId,
    /// Its segment's place in the table.
    segment_at: u32,
    /// Its addresses as drawn; perhaps none.
    pub addresses: Box<[VirtualAddr]>,
    /// What the fabric knows it by, where it sends from none of them: the first,
    /// or an anchor.
    pub identity: VirtualAddr,
    /// May it come to have others, too? Which it has then, the table of mappings
    /// says.
    pub claims: bool,
    /// May it answer DHCP clients?
    pub dhcp_server: bool,
    /// Its slot on this host's locator: what receivers hold its packets'
    /// sources against.
    pub slot: Slot,
    /// What it forwards for, if it does.
    pub phantom: Option<Box<PhantomRouter>>,
    /// The line of the books for what it sends.
    pub row: RowId,
}

/// A segment that this host's interfaces are in, as the pipeline needs it.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The range its addresses come from.
    pub subnet: Ipv4Subnet,
    /// The largest IPv4 packet, in bytes.
    pub mtu: u16,
    /// What becomes of frames to MACs that nobody has.
    pub unknown_mac: UnknownMac,
    /// The logical routers on it: usually none or one, so a scan is the
    /// fastest look-up.
    pub routers: Vec<SegmentRouter>,
    /// The nodes on it that forward for others, by MAC: usually none.
    pub phantoms: HashMap<MacAddr, SegmentPhantom>,
    /// What may pass besides IPv4 and ARP: usually nothing.
    pub ethertypes: Vec<EtherType>,
    /// What DHCP clients are told, if they are answered.
    pub dhcp: Option<Box<DhcpService>>,
    /// A node of the segment answers them.
    pub has_dhcp_server: bool,
}

/// A logical router's interface to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRouter {
    /// Its MAC.
    pub mac: MacAddr,
    /// Its address.
    pub address: VirtualAddr,
    /// Where a packet for its MAC begins its walk.
    pub at: Option<At>,
}

impl Interface {
    /// May it send from an address that is not its own?
    pub fn forwards(&self, source: VirtualAddr) -> bool {
        let phantom = self.phantom.as_ref();
        phantom.is_some_and(|phantom| phantom.forwards(source))
    }
}

impl Segment {
    /// Is this the MAC of a logical router?
    pub fn is_router(&self, mac: MacAddr) -> bool {
        self.router(mac).is_some()
    }

    /// The logical router that has this MAC.
    pub fn router(&self, mac: MacAddr) -> Option<&SegmentRouter> {
        self.routers.iter().find(|router| router.mac == mac)
    }
}

/// Ports, interfaces, segments, and the rows of the books.
#[derive(Debug)]
pub struct PortTable {
    /// By [`PortId`]; `None` is a port that is gone.
    ports: Vec<Option<Port>>,
    /// By [`InterfaceId`]; `None` is an interface that is gone.
    interfaces: Vec<Option<Interface>>,
    segments: Vec<Segment>,
    rows: Rows,
}

#[derive(Debug)]
struct Port {
    role: PortRole,
    offloads: OffloadCell,
    /// (tag, MAC) → interface, of those with an 802.1Q tag at most.
    interfaces: HashMap<u64, InterfaceId>,
    /// MAC → has it interfaces that are untagged, tagged?
    macs: HashMap<MacAddr, Tagging>,
    /// The others, if there are any.
    marked: Option<Box<Marked>>,
}

/// The interfaces behind a port that have an outer tag or a label.
#[derive(Debug, Default)]
struct Marked {
    /// (tags, MAC) → interface.
    interfaces: HashMap<(Tags, MacAddr), InterfaceId>,
    /// (outer tag, MAC) → whose frames may come without a label on a link that
    /// goes by labels.
    by_labels: HashMap<(Option<OuterTag>, MacAddr), Vec<InterfaceId>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tagging {
    untagged: bool,
    tagged: bool,
    outer: bool,
}

/// Why no interface was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoInterface {
    /// No interface on the port has the MAC.
    UnknownMac,
    /// The MAC is there only with tags, and the frame had none.
    UntaggedOnTrunk,
    /// The MAC is there only without tag, and the frame had one.
    TaggedOnAccess,
    /// The MAC is there with other tags.
    UnknownTag,
    /// The MAC is there only without an outer tag, and the frame had one.
    NoOuter,
}

impl PortTable {
    /// The tables for ports, in the order of their ids, of which `None` are
    /// gone; and for lines of the books that have room for all of it.
    pub(super) fn new(compiled: &Compiled, ports: &[Option<PortEntry>], rows: Rows) -> Self {
        let mut ports: Vec<Option<Port>> = ports
            .iter()
            .map(|port| port.as_ref().map(Port::new))
            .collect();
        reserve(&mut ports, compiled);
        let (segments, at) = segments(compiled);
        let slots: HashMap<InterfaceId, Slot> = compiled
            .mappings
            .iter()
            .filter(|mapping| mapping.kind != MappingKind::Phantom)
            .filter_map(|mapping| mapping.interface.zip(Some(mapping.slot)))
            .collect();
        let phantoms = compiled.phantoms.iter();
        let phantoms = phantoms.filter_map(|one| Some((one.interface?, one)));
        let phantoms: HashMap<InterfaceId, &PhantomRouter> = phantoms.collect();
        let ids = compiled.interfaces.iter().map(|interface| interface.id.0);
        let mut interfaces = Vec::new();
        interfaces.resize_with(ids.max().map_or(0, |id| id as usize + 1), || None);
        for interface in &compiled.interfaces {
            let id = interface.id;
            let port = ports.get_mut(usize::from(interface.port.0));
            if let Some(port) = port.and_then(Option::as_mut) {
                port.attach(id, interface.tags, interface.mac);
                for mac in compiled.shared_macs(interface) {
                    port.attach(id, interface.tags, mac);
                }
            }
            let identity = interface.addresses.first().copied();
            let identity = identity.unwrap_or(VirtualAddr::from_bits(0));
            let drawn = interface.addresses.iter().filter(|a| !a.is_anchor());
            if let Some(place) = interfaces.get_mut(id.0 as usize) {
                *place = Some(Interface {
                    port: interface.port,
                    tags: interface.tags,
                    mac: interface.mac,
                    segment: interface.segment,
                    segment_at: at.get(&interface.segment).copied().unwrap_or(u32::MAX),
                    addresses: drawn.copied().collect(),
                    identity,
                    claims: compiled.claimant(interface.segment, identity).is_some(),
                    dhcp_server: interface.dhcp_server,
                    slot: slots.get(&id).copied().unwrap_or(Slot::ZERO),
                    phantom: phantoms.get(&id).map(|one| Box::new((*one).clone())),
                    row: rows.of(interface.port, Some(interface.segment)),
                });
            }
        }
        unlabelled(&mut ports, compiled);
        Self {
            ports,
            interfaces,
            segments,
            rows,
        }
    }

    fn port(&self, port: PortId) -> Option<&Port> {
        self.ports.get(usize::from(port.0))?.as_ref()
    }

    /// What is behind the port; nodes, if there is no such port.
    pub fn role(&self, port: PortId) -> PortRole {
        self.port(port).map_or(PortRole::Node, |port| port.role)
    }

    /// Says what the port's sending side does from now on.
    pub fn set_offloads(&self, port: PortId, offloads: PortOffloads) {
        if let Some(port) = self.port(port) {
            port.offloads.set(offloads);
        }
    }

    /// What the port's sending side does.
    pub fn offloads(&self, port: PortId) -> PortOffloads {
        self.port(port)
            .map_or(PortOffloads::default(), |port| port.offloads.get())
    }

    /// The interface that sends with this tag and MAC on this port.
    ///
    /// # Errors
    /// In which way the frame does not fit the port's links.
    pub fn sender(
        &self,
        port: PortId,
        tag: Option<VlanId>,
        mac: MacAddr,
    ) -> Result<(InterfaceId, &Interface), NoInterface> {
        let port = self.port(port).ok_or(NoInterface::UnknownMac)?;
        if let Some(&id) = port.interfaces.get(&key(tag, mac))
            && let Some(interface) = self.interface(id)
        {
            return Ok((id, interface));
        }
        let known = port.macs.get(&mac).ok_or(NoInterface::UnknownMac)?;
        Err(match tag {
            None => NoInterface::UntaggedOnTrunk,
            Some(_) if known.untagged && !known.tagged => NoInterface::TaggedOnAccess,
            Some(_) => NoInterface::UnknownTag,
        })
    }

    /// Has the port interfaces with an outer tag or a label?
    pub fn has_marked(&self, port: PortId) -> bool {
        self.port(port).is_some_and(|port| port.marked.is_some())
    }

    /// The interface that sends with these tags and this MAC on this port.
    ///
    /// # Errors
    /// In which way the frame does not fit the port's links.
    pub fn marked_sender(
        &self,
        port: PortId,
        tags: Tags,
        mac: MacAddr,
    ) -> Result<(InterfaceId, &Interface), NoInterface> {
        if tags.is_plain() {
            return self.sender(port, tags.inner_vlan(), mac);
        }
        let port = self.port(port).ok_or(NoInterface::UnknownMac)?;
        let marked = port.marked.as_deref();
        if let Some(&id) = marked.and_then(|marked| marked.interfaces.get(&(tags, mac)))
            && let Some(interface) = self.interface(id)
        {
            return Ok((id, interface));
        }
        let known = port.macs.get(&mac).ok_or(NoInterface::UnknownMac)?;
        Err(match tags.outer {
            Some(_) if !known.outer => NoInterface::NoOuter,
            _ => NoInterface::UnknownTag,
        })
    }

    /// Whose frames may come without a label from a MAC, on a link of this port
    /// that goes by labels; `None` where it does not.
    pub fn link_by_labels(
        &self,
        port: PortId,
        outer: Option<OuterTag>,
        mac: MacAddr,
    ) -> Option<&[InterfaceId]> {
        let marked = self.port(port)?.marked.as_deref()?;
        marked.by_labels.get(&(outer, mac)).map(Vec::as_slice)
    }

    /// An interface on this host.
    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(id.0 as usize)?.as_ref()
    }

    /// The segment that an interface is in.
    pub fn segment_of(&self, interface: &Interface) -> Option<&Segment> {
        self.segments.get(interface.segment_at as usize)
    }

    /// The rows of the books for this configuration.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Port {
    fn new(port: &PortEntry) -> Self {
        let offloads = OffloadCell::default();
        offloads.set(port.offloads);
        Self {
            role: port.role,
            offloads,
            interfaces: HashMap::new(),
            macs: HashMap::new(),
            marked: None,
        }
    }

    fn attach(&mut self, id: InterfaceId, tags: Tags, mac: MacAddr) {
        let tagging = self.macs.entry(mac).or_default();
        if tags.is_plain() {
            let vlan = tags.inner_vlan();
            tagging.untagged |= vlan.is_none();
            tagging.tagged |= vlan.is_some();
            self.interfaces.insert(key(vlan, mac), id);
            return;
        }
        tagging.outer |= tags.outer.is_some();
        let marked = self.marked.get_or_insert_default();
        marked.interfaces.insert((tags, mac), id);
        if tags.label().is_some() {
            let link = marked.by_labels.entry((tags.outer, mac));
            link.or_default().push(id);
        }
    }
}

/// What comes without a label on a link by labels may be its native segment's,
/// too.
fn unlabelled(ports: &mut [Option<Port>], compiled: &Compiled) {
    for interface in compiled
        .interfaces
        .iter()
        .filter(|i| i.tags.inner.is_none())
    {
        let port = ports.get_mut(usize::from(interface.port.0));
        let marked = port
            .and_then(Option::as_mut)
            .and_then(|port| port.marked.as_mut());
        let link = (interface.tags.outer, interface.mac);
        if let Some(link) = marked.and_then(|marked| marked.by_labels.get_mut(&link)) {
            link.insert(0, interface.id);
        }
    }
}

/// Makes room for the interfaces behind each port, so that nothing is moved
/// while they are attached.
fn reserve(ports: &mut [Option<Port>], compiled: &Compiled) {
    let mut counts = vec![0; ports.len()];
    for interface in &compiled.interfaces {
        if let Some(count) = counts.get_mut(usize::from(interface.port.0)) {
            *count += 1;
        }
    }
    for (port, count) in ports.iter_mut().zip(counts) {
        if let Some(port) = port {
            port.interfaces.reserve(count);
        }
    }
}

/// The segments, and the place of each.
fn segments(compiled: &Compiled) -> (Vec<Segment>, HashMap<SegmentId, u32>) {
    let mut phantoms = phantoms::by_mac(compiled);
    let mut segments: Vec<Segment> = compiled
        .segments
        .iter()
        .map(|segment| Segment {
            id: segment.id,
            subnet: segment.subnet,
            mtu: segment.mtu,
            unknown_mac: segment.unknown_mac,
            routers: Vec::new(),
            phantoms: phantoms.remove(&segment.id).unwrap_or_default(),
            ethertypes: segment.ethertypes.clone(),
            dhcp: None,
            has_dhcp_server: segment.has_dhcp_server,
        })
        .collect();
    let at: HashMap<SegmentId, u32> = segments.iter().map(|segment| segment.id).zip(0..).collect();
    let walks = entries(compiled);
    let mappings = compiled.mappings.iter();
    for router in mappings.filter(|mapping| mapping.kind == MappingKind::Router) {
        let at = at.get(&router.segment);
        if let Some(segment) = at.and_then(|at| segments.get_mut(*at as usize)) {
            segment.routers.push(SegmentRouter {
                mac: router.mac,
                address: router.address,
                at: walks.get(&(router.segment, router.mac)).copied(),
            });
        }
    }
    for (segment, drawn) in segments.iter_mut().zip(&compiled.segments) {
        let service = DhcpService::of(drawn, segment.routers.first());
        segment.dhcp = service.map(Box::new);
    }
    (segments, at)
}

/// The routers' legs, by segment and MAC.
fn entries(compiled: &Compiled) -> HashMap<(SegmentId, MacAddr), At> {
    let routers = (0..).map(RouterId).zip(&compiled.routers);
    let legs = routers.flat_map(|(router, drawn)| {
        let legs = (0..).map(LegId).zip(&drawn.legs);
        legs.map(move |(leg, of)| {
            let by = Some(leg);
            ((of.segment, of.mac), At { router, by })
        })
    });
    legs.collect()
}

fn key(tag: Option<VlanId>, mac: MacAddr) -> u64 {
    u64::from(tag.map_or(0, VlanId::get)) << 48 | mac.to_u64()
}

#[cfg(test)]
mod tests;
