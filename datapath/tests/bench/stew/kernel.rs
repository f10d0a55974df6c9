//! What concerns R's kernel, or is made to look so: frames to the host's own
/// addresses and near them, and what the kernel might send.
use core::net::Ipv6Addr;

use packet::MacAddr;
use packet::build::{Frame, Ipv6};

use super::super::names::*;
use super::super::plan::{Site, router_mac, solicited};
use super::super::random::Random;
use super::{payload, spoilt, transport};

/// The host's own, the locator's, others', and groups.
fn address(random: &mut Random) -> Ipv6Addr {
    let text = |text: &str| text.parse::<Ipv6Addr>().unwrap();
    match random.below(14) {
        0..4 => Site::R.address(),
        4 => Site::R.link_local(),
        5 => text("fd00:0:0:a::1"),
        6 => Ipv6Addr::from_bits(
            Site::R.locator().network().to_bits() | u128::from(random.next() as u32),
        ),
        7 => Site::R.substrate(FRONT, A.ip).to_ipv6(),
        8 => Site::S.substrate(FRONT, G.ip).to_ipv6(),
        9 => random.pick(&[Site::S.address(), text("::"), text("::1"), text("fe80::99")]),
        10 => solicited(Site::R.address()),
        11 => random.pick(&[text("ff02::1"), text("ff02::2"), text("ff02::16")]),
        12 => random.pick(&[text("ff02::5"), text("ff05::101"), text("ff0e::1")]),
        _ => Ipv6Addr::from_bits(text("ff36::").to_bits() | u128::from(random.next() as u32)),
    }
}

/// Carrying anything that has something to do with discovery, or nothing.
fn carrying(random: &mut Random, ip: Ipv6) -> Vec<u8> {
    let data = payload(random);
    match random.below(6) {
        0 | 1 => {
            let kinds = [
                1, 2, 3, 128, 129, 130, 131, 133, 134, 135, 136, 137, 143, 200,
            ];
            ip.icmp((random.pick(&kinds), 0), (0, 0), &data)
        }
        2 => {
            // Router Alert, then a listener's message.
            let kind = random.pick(&[130, 131, 143, 135, 136, 7]);
            let bytes = [&[58, 0, 5, 2, 0, 0, 1, 0, kind, 0, 0, 0], &data[..]].concat();
            ip.protocol(0, &bytes)
        }
        3 => ip.protocol(random.u8(), &data),
        _ => ip.carrying(transport(random, &data)),
    }
}

/// A frame on R's uplink.
pub fn to_host(random: &mut Random) -> Vec<u8> {
    let destination = address(random);
    let mac = if destination.is_multicast() {
        MacAddr::for_ipv6_multicast(destination)
    } else {
        Site::R.uplink_mac(R_UPLINKS[0])
    };
    let source = address(random);
    let ip = Frame::between(router_mac(0), mac).ipv6(source, destination);
    let frame = carrying(random, ip);
    spoilt(random, frame)
}

/// A frame on the port of R's kernel.
pub fn from_kernel(random: &mut Random) -> Vec<u8> {
    let mac = if random.once_in(8) {
        A.mac
    } else {
        Site::R.uplink_mac(R_UPLINKS[0])
    };
    let (source, destination) = (address(random), address(random));
    let ip = Frame::between(mac, router_mac(0)).ipv6(source, destination);
    let frame = carrying(random, ip);
    spoilt(random, frame)
}
