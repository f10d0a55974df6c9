//! The objects of a logical router: its interfaces are its legs.
//!
//! An interface's number is its segment's id: it is the same on every host, and
//! stays the same when others come and go.

use core::net::Ipv4Addr;

use datapath::books::{LegLine, LegNumbers};
use datapath::tables::Drawn;
use vnet::compiled::{Compiled, LegId, NextHop, Router, RouterId};

use super::interfaces::{self, Passed, Shown};
use super::routes::{self, Address, Kind, Route, Routes};
use super::system::{self, System};
use super::{Mib, RowName};

/// Of a sum of layers: it serves layer 3.
pub(in crate::snmp) const SERVICES: i32 = 1 << 2;

/// Where the numbers of a segment's further legs go on: behind all segment ids.
const SECOND: u32 = 1 << 24;

/// What of a router does not change while the drawing stays as it is, in the
/// order of the tables.
#[derive(Debug)]
pub(in crate::snmp) struct RouterView {
    interfaces: Vec<Shown>,
    interface_rows: Vec<RowName>,
    /// Where each interface is counted.
    lines: Vec<LegLine>,
    addresses: Vec<Address>,
    address_rows: Vec<RowName>,
    routes: Routes,
}

impl RouterView {
    /// Of a router that is drawn so.
    pub(in crate::snmp) fn of(id: RouterId, compiled: &Compiled, drawn: &Drawn) -> Option<Self> {
        let router = compiled.routers.get(id.0 as usize)?;
        let numbers = numbers(router);
        let mut interfaces = Vec::new();
        for ((at, leg), index) in (0..).map(LegId).zip(&router.legs).zip(&numbers) {
            let segment = compiled.segment(leg.segment)?;
            let line = drawn.routes.leg(id, at)?.line;
            let shown = Shown {
                index: *index,
                description: format!("leg in segment {} ({})", segment.name, segment.id),
                name: segment.name.clone(),
                mtu: leg.mtu,
                mac: leg.mac,
            };
            interfaces.push((shown, line));
        }
        interfaces.sort_by_key(|(shown, _)| shown.index);
        let (interfaces, lines): (Vec<_>, Vec<_>) = interfaces.into_iter().unzip();
        let mut addresses = Vec::new();
        for (leg, index) in router.legs.iter().zip(&numbers) {
            addresses.extend(leg.addresses.iter().map(|address| Address {
                address: *address,
                index: *index,
                subnet: leg.subnet,
            }));
        }
        addresses.sort_by_key(|address| address.address);
        Some(Self {
            interface_rows: interfaces::rows(&interfaces),
            interfaces,
            lines,
            address_rows: addresses.iter().map(Address::row).collect(),
            addresses,
            routes: Routes::new(all_routes(compiled, router, &numbers)),
        })
    }

    /// All objects; `read` counts for a leg.
    pub(in crate::snmp) fn mib<'a>(
        &'a self,
        system: System<'a>,
        read: impl Fn(LegLine) -> LegNumbers + Copy + 'a,
    ) -> Mib<'a> {
        let passed = move |at: usize| {
            let line = self.lines.get(at).copied();
            let read = line.map(read).unwrap_or_default();
            Passed {
                in_packets: read.in_packets,
                in_octets: read.in_octets,
                in_discards: 0,
                out: Some((read.out_packets, read.out_octets)),
                out_discards: read.out_discards,
            }
        };
        let mut tables = vec![system::table(system)];
        let (shown, rows) = (&self.interfaces, &self.interface_rows);
        tables.extend(interfaces::tables(shown, rows, passed));
        tables.extend(routes::tables(
            &self.addresses,
            &self.address_rows,
            &self.routes,
        ));
        Mib::of(tables)
    }
}

/// The interface number of each leg.
fn numbers(router: &Router) -> Vec<u32> {
    let mut seen = std::collections::HashMap::new();
    let numbers = router.legs.iter().map(|leg| {
        let before = seen.entry(leg.segment).or_insert(0);
        let number = leg.segment.get() + *before * SECOND;
        *before += 1;
        number
    });
    numbers.collect()
}

/// Its own segments, and its routes.
fn all_routes(compiled: &Compiled, router: &Router, numbers: &[u32]) -> Vec<Route> {
    let mut routes = Vec::new();
    for (leg, index) in router.legs.iter().zip(numbers) {
        routes.push(Route {
            to: leg.subnet,
            via: Ipv4Addr::UNSPECIFIED,
            index: *index,
            kind: Kind::Local,
        });
    }
    for route in &router.routes {
        for hop in &route.via {
            let (via, index) = next_hop(compiled, router, numbers, hop);
            routes.push(Route {
                to: route.to,
                via,
                index,
                kind: Kind::Remote,
            });
        }
    }
    routes
}

/// The address of a next hop, and the interface that leads to it; zeros where a
/// link is no segment.
fn next_hop(
    compiled: &Compiled,
    router: &Router,
    numbers: &[u32],
    hop: &NextHop,
) -> (Ipv4Addr, u32) {
    let number = |at: usize| numbers.get(at).copied().unwrap_or(0);
    match *hop {
        NextHop::Station { by, address } => (address.ipv4(), number(by.0 as usize)),
        NextHop::Router { router: next, by } => {
            let next = compiled.routers.get(next.0 as usize);
            let leg = by.and_then(|by| next?.legs.get(by.0 as usize));
            let Some(leg) = leg else {
                return (Ipv4Addr::UNSPECIFIED, 0);
            };
            let own = router
                .legs
                .iter()
                .position(|own| own.segment == leg.segment);
            let address = leg.addresses.first().map(|address| address.ipv4());
            (
                address.unwrap_or(Ipv4Addr::UNSPECIFIED),
                own.map_or(0, number),
            )
        }
    }
}
