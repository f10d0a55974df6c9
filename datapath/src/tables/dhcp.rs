//! What the DHCP clients of a segment are told: the same for all of them, so it
//! is put into words once, when the drawing changes.

use packet::{MacAddr, VirtualAddr};
use vnet::compiled::{Dhcp, Ipv4Subnet, Segment};
use vnet::topology::derive_mac;

use super::SegmentRouter;
use crate::pipeline::answer::icmp_error::DUMMY_ADDRESS;

/// The numbers of DHCP options (IANA bootp-dhcp-parameters).
pub mod code {
    /// The subnet mask.
    pub const MASK: u8 = 1;
    /// Default routers.
    pub const ROUTER: u8 = 3;
    /// Name servers.
    pub const DNS: u8 = 6;
    /// The domain that names are looked up in.
    pub const DOMAIN: u8 = 15;
    /// The interface's MTU.
    pub const MTU: u8 = 26;
    /// The broadcast address.
    pub const BROADCAST: u8 = 28;
    /// For how long the address is given.
    pub const LEASE: u8 = 51;
    /// When the client is to ask its server for more time.
    pub const RENEWAL: u8 = 58;
    /// When it is to ask any server.
    pub const REBINDING: u8 = 59;
    /// Classless static routes (RFC 3442).
    pub const ROUTES: u8 = 121;
}

/// The DHCP server of a segment.
#[derive(Debug, Clone)]
pub struct DhcpService {
    /// Its address: how clients name it. The segment's router's, or where there
    /// is none, the one that stands for who has none.
    pub address: VirtualAddr,
    /// Its MAC.
    pub mac: MacAddr,
    /// What is said of a lease: first the time itself.
    pub lease: [(u8, [u8; 4]); 3],
    /// What is said of the segment, in the order of the message. The mask comes
    /// before the router (RFC 2132 §3.3).
    pub options: Vec<(u8, Box<[u8]>)>,
}

impl DhcpService {
    /// The server of a segment, whose first logical router is given; `None` if
    /// none is drawn.
    pub(super) fn of(segment: &Segment, router: Option<&SegmentRouter>) -> Option<Self> {
        let dhcp = segment.dhcp.as_ref()?;
        let dummy = VirtualAddr::new(DUMMY_ADDRESS);
        let (address, mac) = match router {
            Some(router) => (router.address, router.mac),
            None => (dummy, derive_mac(segment.id, dummy)),
        };
        let times = lease_times(dhcp.lease);
        let options = [
            (code::MASK, mask(segment.subnet).to_vec()),
            (code::ROUTES, routes(dhcp)),
            (code::ROUTER, addresses(dhcp.router)),
            (code::DNS, addresses(dhcp.dns.iter().copied())),
            (code::MTU, segment.mtu.to_be_bytes().to_vec()),
            (
                code::DOMAIN,
                dhcp.domain.clone().unwrap_or_default().into_bytes(),
            ),
            (code::BROADCAST, addresses(segment.subnet.broadcast())),
        ];
        let said = options.into_iter().filter(|(_, value)| !value.is_empty());
        Some(Self {
            address,
            mac,
            lease: times.map(|(code, seconds)| (code, seconds.to_be_bytes())),
            options: said.map(|(code, value)| (code, value.into())).collect(),
        })
    }

    /// Has it something to say about this?
    pub fn says(&self, code: u8) -> bool {
        self.options.iter().any(|(said, _)| *said == code)
    }
}

/// RFC 2131 §4.4.5: a client asks its server after half of the time, and any
/// server after seven eighths.
fn lease_times(lease: u32) -> [(u8, u32); 3] {
    [
        (code::LEASE, lease),
        (code::RENEWAL, lease / 2),
        (code::REBINDING, lease - lease / 8),
    ]
}

fn mask(subnet: Ipv4Subnet) -> [u8; 4] {
    let host_bits = 32 - u32::from(subnet.length());
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    mask.to_be_bytes()
}

fn addresses(list: impl IntoIterator<Item = VirtualAddr>) -> Vec<u8> {
    let octets = list.into_iter().flat_map(|a| a.ipv4().octets());
    octets.collect()
}

/// RFC 3442: each route is the length of its prefix, the octets of it that
/// matter, and the next hop. A client that reads them heeds no other default
/// router, so that one is among them.
fn routes(dhcp: &Dhcp) -> Vec<u8> {
    let mut routes: Vec<u8> = Vec::new();
    for route in &dhcp.routes {
        let length = route.to.length();
        let network = route.to.network().octets();
        routes.push(length);
        routes.extend(network.iter().take(usize::from(length).div_ceil(8)));
        routes.extend(route.via.ipv4().octets());
    }
    let has_default = dhcp.routes.iter().any(|route| route.to.length() == 0);
    if let Some(router) = dhcp.router.filter(|_| !routes.is_empty() && !has_default) {
        routes.push(0);
        routes.extend(router.ipv4().octets());
    }
    routes
}

#[cfg(test)]
mod tests {
    use vnet::compiled::DhcpRoute;

    use super::*;

    fn dhcp(routes: &[([u8; 4], u8)]) -> Dhcp {
        let route = |&(network, length): &([u8; 4], u8)| DhcpRoute {
            to: Ipv4Subnet::new(network.into(), length).unwrap(),
            via: VirtualAddr::new([10, 0, 0, 9].into()),
        };
        Dhcp {
            router: Some(VirtualAddr::new([10, 0, 0, 1].into())),
            dns: Vec::new(),
            domain: None,
            lease: 60,
            routes: routes.iter().map(route).collect(),
        }
    }

    #[test]
    fn the_examples_of_rfc_3442() {
        let listed = |network, length| {
            let mut bytes = routes(&dhcp(&[(network, length)]));
            bytes.truncate(bytes.len() - 5 - 4);
            bytes
        };
        assert_eq!(listed([10, 0, 0, 0], 8), [8, 10]);
        assert_eq!(listed([10, 0, 0, 0], 24), [24, 10, 0, 0]);
        assert_eq!(listed([10, 17, 0, 0], 16), [16, 10, 17]);
        assert_eq!(listed([10, 27, 129, 0], 24), [24, 10, 27, 129]);
        assert_eq!(listed([10, 229, 0, 128], 25), [25, 10, 229, 0, 128]);
        assert_eq!(listed([10, 198, 122, 47], 32), [32, 10, 198, 122, 47]);
    }

    #[test]
    fn the_default_route_is_there_once() {
        assert_eq!(routes(&dhcp(&[])), []);
        let all = [0, 10, 0, 0, 9];
        assert_eq!(routes(&dhcp(&[([0; 4], 0)])), all);
        let given = routes(&dhcp(&[([10, 0, 0, 0], 8)]));
        assert_eq!(given, [8, 10, 10, 0, 0, 9, 0, 10, 0, 0, 1]);
    }

    #[test]
    fn masks_and_times() {
        let masked = |length| mask(Ipv4Subnet::around(VirtualAddr::from_bits(0), length).unwrap());
        assert_eq!(masked(0), [0; 4]);
        assert_eq!(masked(22), [255, 255, 252, 0]);
        assert_eq!(masked(32), [255; 4]);
        assert_eq!(lease_times(3600).map(|(_, time)| time), [3600, 1800, 3150]);
    }
}
