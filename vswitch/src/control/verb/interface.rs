//! `ListInterfaces`.

use control_api::v1;
use packet::{MplsLabel, OuterTag};
use vnet::compiled::LinkType;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Interface};
use crate::control::wire;

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListInterfacesReply> {
    pages(
        source.interfaces().into_iter().map(interface),
        |interfaces| v1::ListInterfacesReply { interfaces },
    )
}

fn interface(interface: Interface) -> v1::Interface {
    v1::Interface {
        node: interface.node,
        port: interface.port,
        segment: Some(wire::segment(interface.segment)),
        tag: interface.tags.inner_vlan().map(|tag| tag.get().into()),
        label: interface.tags.label().map(MplsLabel::get),
        outer: interface.tags.outer.map(outer),
        link: link(interface.link).into(),
        mac: wire::mac(interface.mac),
        addresses: interface.addresses.iter().map(|a| a.to_bits()).collect(),
        forwards: interface.forwards.iter().map(ToString::to_string).collect(),
        slot: interface.slot.map(|slot| slot.get().into()),
    }
}

fn outer(tag: OuterTag) -> v1::OuterTag {
    v1::OuterTag {
        tpid: tag.kind.ether_type().get().into(),
        vlan: tag.vlan.get().into(),
    }
}

fn link(link: LinkType) -> v1::LinkType {
    match link {
        LinkType::Access => v1::LinkType::Access,
        LinkType::Trunk => v1::LinkType::Trunk,
        LinkType::TrunkNative => v1::LinkType::Native,
    }
}
