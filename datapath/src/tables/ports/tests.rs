use packet::VlanId;
use vnet::compiled::{Interface as CompiledInterface, LinkType};

use super::*;

fn segment(id: u32) -> SegmentId {
    SegmentId::new(id).unwrap()
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn interface(id: u32, port: u16, tag: Option<u16>) -> CompiledInterface {
    CompiledInterface {
        id: InterfaceId(id),
        node: format!("node {id}"),
        port: PortId(port),
        segment: segment(7),
        tags: tag.map(|tag| VlanId::new(tag).unwrap()).into(),
        link: LinkType::Access,
        mac: mac(9),
        addresses: vec![VirtualAddr::new([10, 0, 0, 1].into())],
        dhcp_server: false,
        policy: vnet::compiled::AddressPolicy::Fixed,
    }
}

fn entry(name: &str) -> Option<PortEntry> {
    Some(PortEntry {
        name: name.into(),
        role: PortRole::Node,
        offloads: PortOffloads {
            checksum: true,
            segmentation: false,
        },
    })
}

fn table(interfaces: Vec<CompiledInterface>, ports: &[Option<PortEntry>]) -> PortTable {
    let compiled = Compiled {
        interfaces,
        ..Compiled::default()
    };
    let rows = Rows::new(&compiled, ports);
    PortTable::new(&compiled, ports, rows)
}

#[test]
fn an_interface_is_found_by_its_id_and_its_sender_whatever_is_missing() {
    let interfaces = vec![interface(6, 0, Some(5)), interface(2, 0, None)];
    let table = table(interfaces, &[entry("a")]);
    let known: Vec<u32> = (0..9)
        .filter(|id| table.interface(InterfaceId(*id)).is_some())
        .collect();
    assert_eq!(known, [2, 6]);
    let sender = |tag: Option<u16>| {
        let tag = tag.map(|tag| VlanId::new(tag).unwrap());
        table.sender(PortId(0), tag, mac(9)).map(|(id, _)| id.0)
    };
    assert_eq!(sender(None), Ok(2));
    assert_eq!(sender(Some(5)), Ok(6));
    assert_eq!(sender(Some(6)), Err(NoInterface::UnknownTag));
}

#[test]
fn a_port_that_is_gone_has_nobody_behind_it() {
    let ports = [None, entry("b")];
    let table = table(vec![interface(0, 0, None), interface(1, 1, None)], &ports);
    let from = |port| table.sender(PortId(port), None, mac(9)).map(|(id, _)| id.0);
    assert_eq!(from(0), Err(NoInterface::UnknownMac));
    assert_eq!(from(1), Ok(1));
    assert_eq!(from(2), Err(NoInterface::UnknownMac));
    table.set_offloads(PortId(0), PortOffloads::default());
    assert_eq!(table.offloads(PortId(0)), PortOffloads::default());
    assert!(table.offloads(PortId(1)).checksum);
}

#[test]
fn each_segment_has_its_own_routers() {
    use vnet::compiled::{HostId, Mapping, Segment as CompiledSegment};
    let subnet = Ipv4Subnet::new([10, 0, 0, 0].into(), 8).unwrap();
    let drawn = |id| CompiledSegment {
        id: segment(id),
        name: String::new(),
        network: 0,
        subnet,
        vlan: None,
        label: None,
        mtu: 1500,
        unknown_mac: UnknownMac::Drop,
        ethertypes: Vec::new(),
        dhcp: None,
        multicast: vnet::compiled::Multicast::default(),
        has_dhcp_server: false,
    };
    let mapping = |id, last: u8, kind| Mapping {
        segment: segment(id),
        address: VirtualAddr::new([10, 0, 0, last].into()),
        kind,
        mac: mac(last),
        host: HostId(0),
        slot: Slot::ZERO,
        interface: None,
    };
    let compiled = Compiled {
        segments: vec![drawn(7), drawn(8)],
        mappings: vec![
            mapping(7, 1, MappingKind::Router),
            mapping(7, 3, MappingKind::Node),
            mapping(8, 2, MappingKind::Router),
            // In a segment that is not there.
            mapping(9, 4, MappingKind::Router),
        ],
        interfaces: vec![interface(0, 0, None)],
        ..Compiled::default()
    };
    let ports = [entry("a")];
    let table = PortTable::new(&compiled, &ports, Rows::new(&compiled, &ports));
    let seven = table.segment_of(table.interface(InterfaceId(0)).unwrap());
    let seven = seven.unwrap();
    assert_eq!(seven.id, segment(7));
    assert!(seven.is_router(mac(1)) && !seven.is_router(mac(2)) && !seven.is_router(mac(3)));
    assert!(table.segments[1].is_router(mac(2)) && table.segments.len() == 2);
}
