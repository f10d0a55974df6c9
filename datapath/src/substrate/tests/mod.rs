//! The host as a whole: packets in, packets out; hosts on a wire; garbage.

mod garbage;
mod judge;
mod packets;
mod wire;

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::MacAddr;
use packet::nd::{Advertisement, Solicitation};

use super::frame::Outgoing;
use super::testing::{config, mac, uplink};
use super::{Effect, SubstrateConfig, SubstrateHost};

const NOW: Duration = Duration::from_secs(1000);

/// Lets the host do what is due until `until`; gives the effects.
fn run(host: &mut SubstrateHost, until: Duration) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some(at) = host.next_deadline().filter(|at| *at <= until) {
        effects.extend(host.tick(at));
    }
    effects
}

/// A host whose addresses were proved, with one uplink (`fd00:0:0:ff::a`, MAC
/// `02::a0`) and a default route via `fd00:0:0:ff::1`; and the time it is.
fn settled(change: impl FnOnce(&mut SubstrateConfig)) -> (SubstrateHost, Duration) {
    let link = uplink(0, &[("::/0", &["fd00:0:0:ff::1"])]);
    let mut config = config("fd00:0:0:a::/64", vec![link]);
    change(&mut config);
    let mut host = SubstrateHost::new(config, NOW).unwrap();
    let now = NOW + Duration::from_secs(5);
    run(&mut host, now);
    (host, now)
}

/// The router on the link: `fd00:0:0:ff::1` at MAC 1.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 1);
/// The host on the link: MAC `02::a0`.
const HOST: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 0xa);

fn host_mac() -> MacAddr {
    mac(0xa0)
}

fn solicitation(source: Ipv6Addr, to: Ipv6Addr, target: Ipv6Addr, from: Option<u8>) -> Vec<u8> {
    let message = Solicitation {
        target,
        source_mac: from.map(mac),
        nonce: None,
    };
    let sender = mac(from.unwrap_or(1));
    Outgoing::discovery(source, to).frame(sender, host_mac(), &message.emit())
}

fn advertisement(source: Ipv6Addr, to: Ipv6Addr, from: u8, solicited: bool) -> Vec<u8> {
    let message = Advertisement {
        target: source,
        target_mac: Some(mac(from)),
        router: true,
        solicited,
        overrides: true,
    };
    Outgoing::discovery(source, to).frame(mac(from), host_mac(), &message.emit())
}

fn ping(source: Ipv6Addr, to: Ipv6Addr, data: &[u8]) -> Vec<u8> {
    let mut message = vec![128, 0, 0, 0, 0x12, 0x34, 0, 7];
    message.extend_from_slice(data);
    let packet = Outgoing {
        source,
        destination: to,
        traffic_class: 0xb9,
        hop_limit: 61,
    };
    packet.frame(mac(1), host_mac(), &message)
}
