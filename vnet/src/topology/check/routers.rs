//! Can the logical routers be what they are drawn as?

use std::collections::{HashMap, HashSet};

use packet::VirtualAddr;

use super::super::text::{NextHop as HopText, RouteText, RouterText};
use super::super::{NextHop, Route, Router, RouterInterface, Station};
use super::Rooms;
use crate::compiled::Ipv4Subnet;
use crate::yaml::Located;
use crate::yaml::nearest::did_you_mean;

impl Rooms<'_> {
    pub(super) fn routers(&mut self, texts: Vec<RouterText>) -> Vec<Router> {
        let names: HashMap<String, usize> = (texts.iter().enumerate())
            .map(|(index, text)| (text.name.value.clone(), index))
            .collect();
        let routers = texts.into_iter().enumerate().map(|(index, text)| {
            let owner = format!("router \"{}\"", text.name.value);
            let complete = text.interfaces.len();
            let interfaces: Vec<RouterInterface> = (text.interfaces.iter())
                .filter_map(|leg| {
                    Some(RouterInterface {
                        station: self.station(&leg.station, &owner)?,
                        proxy_arp: leg.proxy_arp,
                    })
                })
                .collect();
            let source = text.source.as_ref().map(|source| source.value);
            self.disjoint(&owner, &interfaces);
            let known = (interfaces.len() == complete).then_some(interfaces.as_slice());
            let routes = self.routes(&owner, index, &text.routes, &names, known);
            Router {
                name: text.name,
                interfaces,
                source,
                routes,
            }
        });
        routers.collect()
    }

    /// A router cannot tell overlapping subnets apart. Of two that overlap one
    /// holds the other: in the order of their first addresses, the wider
    /// first, whatever holds a subnet is still open when it comes.
    fn disjoint(&mut self, owner: &str, interfaces: &[RouterInterface]) {
        let mut legs: Vec<Leg<'_>> = Vec::new();
        let stations = interfaces.iter().map(|leg| &leg.station);
        for (order, station) in stations.enumerate() {
            if let Some((name, subnet)) = self.stations.segment(station.segment) {
                legs.push(Leg {
                    order,
                    name,
                    subnet,
                    station,
                });
            }
        }
        legs.sort_by_key(|leg| (leg.subnet.network(), leg.subnet.length(), leg.order));
        let mut open: Vec<&Leg<'_>> = Vec::new();
        for leg in &legs {
            let first = leg.subnet.network().into();
            while open.pop_if(|wider| !wider.subnet.contains(first)).is_some() {}
            let wider = open.last();
            if let Some(wider) = wider
                && wider.station.segment != leg.station.segment
            {
                let (before, after) = if wider.order < leg.order {
                    (*wider, leg)
                } else {
                    (leg, *wider)
                };
                let message = format!(
                    "{owner} links segments \"{}\" ({}) and \"{}\" ({}), whose subnets overlap",
                    before.name, before.subnet, after.name, after.subnet
                );
                let remedy = "give the two segments disjoint subnets, or link only one of them";
                self.out.error(&after.station.place, message, remedy);
            }
            open.push(leg);
        }
    }

    /// `interfaces` is `None` where some could not be read.
    fn routes(
        &mut self,
        owner: &str,
        this: usize,
        texts: &[RouteText],
        routers: &HashMap<String, usize>,
        interfaces: Option<&[RouterInterface]>,
    ) -> Vec<Route> {
        let on_link: Option<HashSet<Ipv4Subnet>> = interfaces.map(|interfaces| {
            let segments = interfaces.iter();
            let segments = segments.filter_map(|leg| self.stations.segment(leg.station.segment));
            segments.map(|(_, subnet)| subnet).collect()
        });
        let legs = interfaces.into_iter().flatten();
        let own: HashSet<VirtualAddr> = legs
            .flat_map(|leg| leg.station.addresses.iter().copied())
            .collect();
        let mut seen: HashMap<Ipv4Subnet, &RouteText> = HashMap::new();
        let mut routes = Vec::new();
        for text in texts {
            let to = text.to.value;
            if let Some(before) = seen.get(&to) {
                let message = format!(
                    "{owner} already has a route to {to} at {}",
                    before.to.place.seen_from(&text.to.place)
                );
                let remedy = "keep one of the two, or give one both next hops: via: [SOME, OTHER]";
                self.out.error(&text.to.place, message, remedy);
                continue;
            }
            seen.insert(to, text);
            let mut via = Vec::new();
            for hop in &text.via {
                let found = match &hop.value {
                    HopText::Router(name) => self.router(name, hop, this, routers),
                    HopText::Address(address) => {
                        self.on_link(owner, hop, *address, &own, on_link.as_ref())
                    }
                };
                let Some(found) = found else { continue };
                if via.contains(&found) {
                    let message = format!("{owner} has the same next hop to {to} twice");
                    self.out.error(&hop.place, message, "keep one of the two");
                    continue;
                }
                via.push(found);
            }
            if !via.is_empty() {
                routes.push(Route { to, via });
            }
        }
        routes
    }

    /// A next hop by address. `subnets` is `None` where not all are known.
    fn on_link(
        &mut self,
        owner: &str,
        hop: &Located<HopText>,
        address: VirtualAddr,
        own: &HashSet<VirtualAddr>,
        subnets: Option<&HashSet<Ipv4Subnet>>,
    ) -> Option<NextHop> {
        if own.contains(&address) {
            let message = format!("{owner} has a route via its own address {address}");
            let remedy = "name the next router; a router reaches its own segments without a route";
            self.out.error(&hop.place, message, remedy);
            return None;
        }
        let on_link = subnets.is_none_or(|subnets| {
            let mut around = (0..=32).filter_map(|length| Ipv4Subnet::around(address, length));
            around.any(|subnet| subnets.contains(&subnet))
        });
        if !on_link {
            let message = format!("via {address} is on no segment of {owner}");
            let remedy = "use an address of one of its segments, or another router's name";
            self.out.error(&hop.place, message, remedy);
        }
        on_link.then_some(NextHop::Address(address))
    }

    fn router(
        &mut self,
        name: &str,
        via: &Located<HopText>,
        this: usize,
        routers: &HashMap<String, usize>,
    ) -> Option<NextHop> {
        match routers.get(name) {
            Some(&index) if index == this => {
                let message = format!("router \"{name}\" has a route via itself");
                let remedy =
                    "name the next router; a router reaches its own segments without a route";
                self.out.error(&via.place, message, remedy);
                None
            }
            Some(&index) => Some(NextHop::Router(index)),
            None => {
                let message = format!("there is no router \"{name}\" in this network");
                let names: Vec<&str> = routers.keys().map(String::as_str).collect();
                let remedy = did_you_mean(name, names, || "define it under routers".to_owned());
                self.out.error(&via.place, message, remedy);
                None
            }
        }
    }
}

/// A router's interface.
struct Leg<'a> {
    /// Its place in the list.
    order: usize,
    /// Its segment's name and subnet.
    name: &'a str,
    subnet: Ipv4Subnet,
    station: &'a Station,
}
