//! `ListUplinks`.

use control_api::v1;
use datapath::substrate::{AddressKind, AddressState};

use crate::config::Announce;
use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Uplink, UplinkAddress};
use crate::control::wire;

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListUplinksReply> {
    pages(source.uplinks().into_iter().map(uplink), |uplinks| {
        v1::ListUplinksReply { uplinks }
    })
}

fn uplink(uplink: Uplink) -> v1::Uplink {
    v1::Uplink {
        port: uplink.port,
        mtu: uplink.mtu.into(),
        link: wire::link(uplink.link),
        announce: match uplink.announce {
            Announce::Routed => v1::LocatorAnnounce::Routed,
            Announce::OnLink => v1::LocatorAnnounce::OnLink,
        }
        .into(),
        next_hops: uplink.next_hops,
        next_hops_resolved: uplink.next_hops_resolved,
        addresses: uplink.addresses.into_iter().map(address).collect(),
    }
}

fn address(own: UplinkAddress) -> v1::UplinkAddress {
    v1::UplinkAddress {
        address: own.address.octets().to_vec(),
        kind: match own.kind {
            AddressKind::Configured => v1::UplinkAddressKind::Configured,
            AddressKind::LinkLocal => v1::UplinkAddressKind::LinkLocal,
            AddressKind::Locator => v1::UplinkAddressKind::Locator,
        }
        .into(),
        state: match own.state {
            AddressState::Tentative => v1::UplinkAddressState::Tentative,
            AddressState::Preferred => v1::UplinkAddressState::Preferred,
            AddressState::Duplicate => v1::UplinkAddressState::Duplicate,
        }
        .into(),
        since_ms: wire::milliseconds(own.since),
    }
}
