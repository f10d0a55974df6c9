//! How this host stands on the fabric: the `substrate` section.

use core::net::Ipv6Addr;
use core::num::NonZeroU32;
use core::time::Duration;

pub use datapath::substrate::Announce;
use packet::{Ipv6Prefix, Locator};
use vnet::compiled::PortId;

/// This host on the fabric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substrate {
    /// The /64 that this host's interfaces are under.
    pub locator: Locator,
    /// How the fabric learns where the locator is.
    pub announce: Announce,
    /// Hop limit of the packets sent to other hosts.
    pub hop_limit: u8,
    /// How long packets that come to where somebody was are sent on after it.
    pub move_grace: Duration,
    /// The ports to the fabric, at least one.
    pub uplinks: Vec<Uplink>,
}

/// A port to the fabric, where this host is an ordinary IPv6 host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// The port.
    pub port: PortId,
    /// This host's own address there.
    pub address: Ipv6Addr,
    /// How many of its bits are the on-link prefix.
    pub prefix_length: u8,
    /// The largest IPv6 packet, in bytes.
    pub mtu: u16,
    /// Where everything else is.
    pub routes: Vec<Route>,
    /// Where this machine's kernel hears of the link, if it does.
    pub kernel: Option<Kernel>,
}

/// The way between an uplink and this machine's kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The port whose other end is the kernel's interface.
    pub port: PortId,
    /// Packets per second that the kernel is given at most.
    pub rate: NonZeroU32,
}

impl Uplink {
    /// The on-link prefix.
    pub fn prefix(&self) -> Ipv6Prefix {
        Ipv6Prefix::containing(self.address, self.prefix_length)
    }
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub to: Ipv6Prefix,
    /// Where to.
    pub via: Via,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// To these next hops, at least one; flows are spread over several (ECMP).
    NextHops(Vec<Ipv6Addr>),
    /// Nowhere: the destinations are on the uplink's link themselves.
    OnLink,
}

/// Reads `address/length`, the length being 0 to 128.
pub(super) fn address_and_length(text: &str) -> Option<(Ipv6Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let length: u8 = length.parse().ok()?;
    let address = address.parse().ok()?;
    (length <= 128).then_some((address, length))
}
