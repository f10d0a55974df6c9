//! Who has joined which group: what nodes and other hosts say is heard, nodes are
//! asked, other hosts told, and workers given what is known
//! (`datapath::snooping`).

use std::sync::Arc;
use std::time::Duration;

use datapath::pipeline::batch::{Burst, Sender, Tuple};
use datapath::pipeline::topology::group::RAW_GROUP;
use datapath::pipeline::{self, DropReason, Punt, Punted, Verdict, WorkerState};
use datapath::snooping::{self, Effect, Heard, Membership, Snooper, Speaker};
use datapath::tables::publish::Publication;
use datapath::tables::{Destination, Drawn, LoadedHosts, MappingKey, Tables};
use packet::build::Frame;
use packet::{
    BufPool, EtherType, HeapBuf, IpProtocol, MacAddr, PacketBuf, SegmentId, VirtualAddr, igmp,
};
use vnet::compiled::{HostId, InterfaceId, PortId};
use vnet::topology::derive_mac;

use super::SlowPath;

/// Between two publications: what changes meanwhile goes together.
const TOGETHER: Duration = Duration::from_millis(2);

/// Internetwork control (RFC 2236 §2, RFC 3376 §4): as routers mark it.
const TYPE_OF_SERVICE: u8 = 0xc0;

/// What the slow path knows of groups.
pub struct Groups {
    snooper: Snooper,
    /// For the frames that are made here.
    state: WorkerState,
    /// What the snooper was last shown.
    seen: Option<(Arc<Drawn>, Arc<LoadedHosts>)>,
    published: Duration,
}

impl Groups {
    /// Nothing is known. `workers`: whose state is not this one's.
    pub fn new(workers: u16) -> Self {
        Self {
            snooper: Snooper::default(),
            state: WorkerState::new(workers, workers.saturating_add(1)),
            seen: None,
            published: Duration::ZERO,
        }
    }

    /// Everything that is known, for listings.
    pub fn memberships(&self) -> Vec<Membership> {
        self.snooper.memberships()
    }

    /// The segments that snoop, as they are drawn, if that has changed.
    fn follow(&mut self, tables: &Tables, now: Duration) -> bool {
        let is_seen = self.seen.as_ref().is_some_and(|(drawn, loaded)| {
            Arc::ptr_eq(drawn, &tables.drawn) && Arc::ptr_eq(loaded, &tables.loaded_hosts)
        });
        if is_seen {
            return false;
        }
        let all = tables.drawn.groups.iter();
        let all = all.filter(|(_, members)| {
            members.multicast.snooping.is_some() && !members.here.is_empty()
        });
        let all = all.map(|(segment, members)| {
            let loaded = tables.loaded_hosts.of(segment);
            let mut hosts = [members.hosts.as_slice(), loaded].concat();
            hosts.sort_unstable();
            hosts.dedup();
            snooping::Drawn {
                segment,
                multicast: members.multicast.clone(),
                wires: members
                    .here
                    .iter()
                    .map(|wire| wire.interfaces.clone())
                    .collect(),
                hosts,
            }
        });
        self.snooper.follow(all.collect(), now);
        self.seen = Some((Arc::clone(&tables.drawn), Arc::clone(&tables.loaded_hosts)));
        true
    }
}

impl<P: BufPool> SlowPath<P> {
    /// Follows what is drawn, does what is due, and publishes what is new. True
    /// if there was anything.
    pub(super) fn tend_groups(&mut self, now: Duration) -> bool {
        let tables = Arc::clone(self.publisher.lock().current());
        let mut busy = self.groups.follow(&tables, now);
        drop(tables);
        let due = self.groups.snooper.next_deadline();
        if due.is_some_and(|due| due <= now) {
            for effect in self.groups.snooper.tick(now) {
                busy = true;
                self.carry_out_for_groups(effect, now);
            }
        }
        if now.saturating_sub(self.groups.published) >= TOGETHER
            && let Some(listeners) = self.groups.snooper.table()
        {
            self.groups.published = now;
            let mut publisher = self.publisher.lock();
            let next = Tables {
                listeners: Arc::new(listeners),
                ..Tables::clone(publisher.current())
            };
            let Publication(publication) = publisher.publish(next);
            tracing::debug!(publication, ?now, "published listeners");
            busy = true;
        }
        busy
    }

    /// Takes note of what a node, or another host, says of its groups.
    pub(super) fn hear_of_groups(&mut self, punted: &Punted<P::Buf>, now: Duration) {
        match self.heard(punted, now) {
            Some(Heard::Noted) => self.ledger.line(punted.row).consumed(),
            Some(Heard::NoRoom) => self
                .ledger
                .book_drop(punted.row, DropReason::GroupTableFull),
            None => self.ledger.book_drop(punted.row, DropReason::IgmpMalformed),
        }
    }

    fn heard(&mut self, punted: &Punted<P::Buf>, now: Duration) -> Option<Heard> {
        let (source, message) = snooping::said(punted.buf.data())?;
        let from = punted.from?;
        let speaker = match (from.interface, from.address) {
            (Some(interface), _) => Speaker::Here(interface, source),
            (None, Some(address)) => {
                let tables = self.publisher.lock().pin();
                let sender = tables.destination(from.segment, address)?;
                Speaker::There(sender.host())
            }
            (None, None) => return None,
        };
        let snooper = &mut self.groups.snooper;
        Some(snooper.hear(from.segment, speaker, &message, now))
    }

    fn carry_out_for_groups(&mut self, effect: Effect, now: Duration) {
        match effect {
            Effect::Ask {
                interface,
                group,
                message,
            } => self.ask(interface, group, &message, now),
            Effect::Tell {
                segment,
                from,
                host,
                message,
            } => {
                if !self.tell(segment, from, host, &message, now) {
                    self.groups.snooper.undelivered(segment, host, now);
                }
            }
        }
    }

    /// A query, from the segment's router; from nobody where there is none
    /// (RFC 4541 §2.1.1).
    fn ask(
        &mut self,
        interface: InterfaceId,
        group: Option<VirtualAddr>,
        message: &[u8],
        now: Duration,
    ) {
        let tables = self.publisher.lock().pin();
        let ports = &tables.drawn.ports;
        let Some(there) = ports.interface(interface) else {
            return;
        };
        let routers = ports.segment_of(there).map(|segment| &segment.routers);
        let first = routers.and_then(|all| all.iter().min_by_key(|router| router.address));
        let nobody = VirtualAddr::from_bits(0);
        let (source, mac) = first.map_or_else(
            || (nobody, derive_mac(there.segment, nobody)),
            |router| (router.address, router.mac),
        );
        let to = group.unwrap_or_else(|| VirtualAddr::new(igmp::ALL_SYSTEMS));
        let group_mac = MacAddr::for_ipv4_multicast(to.ipv4());
        let frame = igmp_frame((mac, group_mac), source, to, message);
        let to = Destination::group(MappingKey::new(there.segment, to), group_mac);
        self.originate(
            (mac, group_mac),
            &frame,
            None,
            to.at_interface(interface),
            &tables,
            now,
        );
    }

    /// A message to another host's vswitch, from one of the interfaces here: its
    /// source is proved there like any. False if it could not be sent.
    fn tell(
        &mut self,
        segment: SegmentId,
        from: InterfaceId,
        host: HostId,
        message: &[u8],
        now: Duration,
    ) -> bool {
        let tables = self.publisher.lock().pin();
        let ports = &tables.drawn.ports;
        let members = tables.drawn.groups.of(segment).into_iter();
        let all = members.flat_map(|members| &members.here);
        let all = [from]
            .into_iter()
            .chain(all.flat_map(|wire| wire.interfaces.iter().copied()));
        // The first may have no address yet.
        let speaker = all.filter_map(|id| Some((id, ports.interface(id)?)));
        let mut speaker = speaker
            .filter_map(|(id, interface)| Some((id, interface, interface.addresses.first()?)));
        let Some((from, interface, source)) = speaker.next() else {
            return false;
        };
        let group_mac = MacAddr::for_ipv4_multicast(RAW_GROUP.ipv4());
        let macs = (interface.mac, group_mac);
        let frame = igmp_frame(macs, *source, RAW_GROUP, message);
        let sender = Sender {
            segment,
            mac: interface.mac,
            interface: Some(from),
            address: None,
            forwards: false,
            relays: false,
        };
        let to = Destination::group(MappingKey::new(segment, RAW_GROUP), group_mac);
        self.originate(macs, &frame, Some(sender), to.at_host(host), &tables, now)
    }

    /// Sends a frame that the switch itself has made. False if it could not go.
    fn originate(
        &mut self,
        (source_mac, destination_mac): (MacAddr, MacAddr),
        frame: &[u8],
        from: Option<Sender>,
        to: Destination,
        tables: &Tables,
        now: Duration,
    ) -> bool {
        let mut burst = Burst::new(PortId(0), now);
        let row = tables.drawn.ports.rows().of(PortId(0), None);
        if burst.push(HeapBuf::from_slice(frame), row).is_err() {
            return false;
        }
        for packet in &mut burst.packets {
            packet.cx.tuple = Tuple {
                destination_mac,
                source_mac,
                ether_type: EtherType::IPV4,
                ..Tuple::UNPARSED
            };
            packet.cx.from = from;
            packet.cx.to = Some(to);
        }
        pipeline::from_switch(&mut burst, tables, &mut self.groups.state);
        let mut sent = false;
        for packet in burst.packets {
            match packet.cx.verdict {
                Verdict::Forward(port) => {
                    self.generate(port, packet.buf.data());
                    sent = true;
                }
                Verdict::Punt(Punt::Resolve(next_hop)) => {
                    let effects = self.host.resolve(next_hop, now);
                    self.carry_out(effects, now);
                }
                _ => {}
            }
        }
        sent
    }
}

fn igmp_frame(
    (from_mac, to_mac): (MacAddr, MacAddr),
    source: VirtualAddr,
    to: VirtualAddr,
    message: &[u8],
) -> Vec<u8> {
    Frame::between(from_mac, to_mac)
        .ipv4(source.ipv4(), to.ipv4())
        .ttl(igmp::TTL)
        .tos(TYPE_OF_SERVICE)
        .options(&igmp::ROUTER_ALERT)
        .protocol(IpProtocol::IGMP.0, message)
}
