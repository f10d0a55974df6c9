//! Where a router sends packets (RFC 4293: the ip group's scalars and
//! ipAddrTable; RFC 2096: ipCidrRouteTable; RFC 4292: inetCidrRouteTable).

use core::net::Ipv4Addr;

use packet::VirtualAddr;
use vnet::compiled::Ipv4Subnet;

use super::{RowName, Rows, Table, Value};

const IP: &[u32] = &[1, 3, 6, 1, 2, 1, 4];
const IP_AD_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 4, 20, 1];
const IP_FORWARD: &[u32] = &[1, 3, 6, 1, 2, 1, 4, 24];
const IP_CIDR_ROUTE_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 4, 24, 4, 1];
const INET_CIDR_ROUTE_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 4, 24, 7, 1];

/// The TTL that routers begin with.
const TTL: i32 = datapath::pipeline::answer::icmp_error::FIRST_TTL as i32;

/// `forwarding` of ipForwarding, `active` of RowStatus, `ipv4` of InetAddressType.
const FORWARDING: i32 = 1;
const ACTIVE: i32 = 1;
const IPV4: u32 = 1;

/// An address of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snmp) struct Address {
    /// The address, which is its row's name.
    pub(in crate::snmp) address: VirtualAddr,
    /// The number of its interface.
    pub(in crate::snmp) index: u32,
    /// The range that the interface reaches.
    pub(in crate::snmp) subnet: Ipv4Subnet,
}

/// A next hop of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snmp) struct Route {
    /// The destinations.
    pub(in crate::snmp) to: Ipv4Subnet,
    /// The next hop's address; 0.0.0.0: there is none, or it has none.
    pub(in crate::snmp) via: Ipv4Addr,
    /// The number of the interface that leads there; 0: none does.
    pub(in crate::snmp) index: u32,
    /// How it leads there.
    pub(in crate::snmp) kind: Kind,
}

/// What a route leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snmp) enum Kind {
    /// A segment of the router.
    Local,
    /// A next hop.
    Remote,
}

impl Kind {
    /// As ipCidrRouteType and inetCidrRouteType have it.
    const fn number(self) -> i32 {
        match self {
            Self::Local => 3,
            Self::Remote => 4,
        }
    }

    /// Who says so, as IANAipRouteProtocol has it: `local`, or `netmgmt`.
    const fn protocol(self) -> i32 {
        match self {
            Self::Local => 2,
            Self::Remote => 3,
        }
    }
}

fn octets(address: Ipv4Addr) -> [u32; 4] {
    address.octets().map(u32::from)
}

fn mask(subnet: Ipv4Subnet) -> Ipv4Addr {
    let shift = 32 - u32::from(subnet.length());
    Ipv4Addr::from_bits(u32::MAX.checked_shl(shift).unwrap_or(0))
}

impl Address {
    /// The name of its row.
    pub(in crate::snmp) fn row(&self) -> RowName {
        octets(self.address.ipv4()).into()
    }
}

impl Route {
    /// The name of its row in ipCidrRouteTable: destination, mask, type of
    /// service, next hop.
    pub(in crate::snmp) fn cidr_row(&self) -> RowName {
        let (to, mask, via) = (
            octets(self.to.network()),
            octets(mask(self.to)),
            octets(self.via),
        );
        [&to[..], &mask, &[0], &via].concat().into()
    }

    /// The name of its row in inetCidrRouteTable: destination and prefix length,
    /// policy (none), next hop.
    pub(in crate::snmp) fn inet_row(&self) -> RowName {
        let (to, via) = (octets(self.to.network()), octets(self.via));
        let length = [self.to.length().into()];
        // zeroDotZero, of two parts.
        let policy = [2, 0, 0];
        [&[IPV4, 4][..], &to, &length, &policy, &[IPV4, 4], &via]
            .concat()
            .into()
    }
}

/// The routes of a router, and the names of their rows, each in the table's order.
#[derive(Debug, Default)]
pub(in crate::snmp) struct Routes {
    routes: Vec<Route>,
    cidr: Vec<RowName>,
    inet: Vec<RowName>,
    /// The place among `routes` of each of `inet`.
    inet_at: Vec<usize>,
}

impl Routes {
    /// Of these, each (destination, next hop) once.
    pub(in crate::snmp) fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_cached_key(Route::cidr_row);
        routes.dedup_by_key(|route| (route.to, route.via));
        let mut inet: Vec<_> = (0..)
            .zip(&routes)
            .map(|(at, r)| (r.inet_row(), at))
            .collect();
        inet.sort();
        let (inet, inet_at) = inet.into_iter().unzip();
        Self {
            cidr: routes.iter().map(Route::cidr_row).collect(),
            inet,
            inet_at,
            routes,
        }
    }
}

pub(super) fn tables<'a>(
    addresses: &'a [Address],
    address_rows: &'a [RowName],
    routes: &'a Routes,
) -> [Table<'a>; 6] {
    let number = || {
        Some(Value::Gauge32(
            u32::try_from(routes.routes.len()).unwrap_or(u32::MAX),
        ))
    };
    [
        Table {
            entry: IP,
            columns: &[1, 2],
            rows: Rows::Scalars,
            cell: Box::new(|column, _| match column {
                1 => Some(Value::Integer(FORWARDING)),
                2 => Some(Value::Integer(TTL)),
                _ => None,
            }),
        },
        Table {
            entry: IP_AD_ENTRY,
            columns: &[1, 2, 3, 4],
            rows: Rows::Named(address_rows),
            cell: Box::new(|column, at| of_address(column, addresses.get(at)?)),
        },
        Table {
            entry: IP_FORWARD,
            columns: &[3],
            rows: Rows::Scalars,
            cell: Box::new(move |_, _| number()),
        },
        Table {
            entry: IP_FORWARD,
            columns: &[6],
            rows: Rows::Scalars,
            cell: Box::new(move |_, _| number()),
        },
        Table {
            entry: IP_CIDR_ROUTE_ENTRY,
            columns: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            rows: Rows::Named(&routes.cidr),
            cell: Box::new(|column, at| of_cidr_route(column, routes.routes.get(at)?)),
        },
        Table {
            entry: INET_CIDR_ROUTE_ENTRY,
            columns: &[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
            rows: Rows::Named(&routes.inet),
            cell: Box::new(|column, at| {
                let at = routes.inet_at.get(at)?;
                of_inet_route(column, routes.routes.get(*at)?)
            }),
        },
    ]
}

fn of_address(column: u32, of: &Address) -> Option<Value> {
    Some(match column {
        1 => Value::Address(of.address.ipv4()),
        2 => Value::Integer(i32::try_from(of.index).ok()?),
        3 => Value::Address(mask(of.subnet)),
        // The least significant bit of the broadcast address.
        4 => Value::Integer(1),
        _ => return None,
    })
}

/// What a route that is on no path of several costs.
const METRIC: i32 = 1;
/// A metric that is not used.
const UNUSED: i32 = -1;

fn of_cidr_route(column: u32, route: &Route) -> Option<Value> {
    Some(match column {
        1 => Value::Address(route.to.network()),
        2 => Value::Address(mask(route.to)),
        // The default type of service; age; next hop's system.
        3 | 8 | 10 => Value::Integer(0),
        4 => Value::Address(route.via),
        5 => Value::Integer(i32::try_from(route.index).ok()?),
        6 => Value::Integer(route.kind.number()),
        7 => Value::Integer(route.kind.protocol()),
        9 => Value::Object(vec![0, 0]),
        11 => Value::Integer(METRIC),
        12..=15 => Value::Integer(UNUSED),
        16 => Value::Integer(ACTIVE),
        _ => return None,
    })
}

fn of_inet_route(column: u32, route: &Route) -> Option<Value> {
    Some(match column {
        7 => Value::Integer(i32::try_from(route.index).ok()?),
        8 => Value::Integer(route.kind.number()),
        9 => Value::Integer(route.kind.protocol()),
        // Age; next hop's system.
        10 | 11 => Value::Gauge32(0),
        12 => Value::Integer(METRIC),
        13..=16 => Value::Integer(UNUSED),
        17 => Value::Integer(ACTIVE),
        _ => return None,
    })
}
