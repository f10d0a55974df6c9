//! Can the logical routers be what they are drawn as?

use std::collections::HashMap;

use super::super::text::{NextHop as HopText, RouteText, RouterText};
use super::super::{NextHop, Route, Router, Station};
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
            let interfaces: Vec<Station> = (text.interfaces.iter())
                .filter_map(|interface| self.station(interface, &owner))
                .collect();
            self.disjoint(&owner, &interfaces);
            let known = (interfaces.len() == complete).then_some(interfaces.as_slice());
            let routes = self.routes(&owner, index, &text.routes, &names, known);
            Router {
                name: text.name,
                interfaces,
                routes,
            }
        });
        routers.collect()
    }

    /// A router cannot tell overlapping subnets apart.
    fn disjoint(&mut self, owner: &str, interfaces: &[Station]) {
        let mut seen: Vec<(String, Ipv4Subnet, &Station)> = Vec::new();
        for station in interfaces {
            let Some((name, subnet)) = self.stations.segment(station.segment) else {
                continue;
            };
            let other = seen.iter().find(|(_, other, before)| {
                overlap(*other, subnet) && before.segment != station.segment
            });
            if let Some((other_name, other_subnet, _)) = other {
                let message = format!(
                    "{owner} links segments \"{other_name}\" ({other_subnet}) and \"{name}\" \
                     ({subnet}), whose subnets overlap"
                );
                let remedy = "give the two segments disjoint subnets, or link only one of them";
                self.out.error(&station.place, message, remedy);
            }
            seen.push((name.to_owned(), subnet, station));
        }
    }

    /// `interfaces` is `None` where some could not be read.
    fn routes(
        &mut self,
        owner: &str,
        this: usize,
        texts: &[RouteText],
        routers: &HashMap<String, usize>,
        interfaces: Option<&[Station]>,
    ) -> Vec<Route> {
        let mut seen: HashMap<Ipv4Subnet, &RouteText> = HashMap::new();
        let mut routes = Vec::new();
        for text in texts {
            let to = text.to.value;
            if let Some(before) = seen.get(&to) {
                let message = format!(
                    "{owner} already has a route to {to} at {}",
                    before.to.place.seen_from(&text.to.place)
                );
                self.out
                    .error(&text.to.place, message, "keep one of the two");
                continue;
            }
            seen.insert(to, text);
            let via = match &text.via.value {
                HopText::Router(name) => self.router(name, &text.via, this, routers),
                HopText::Address(address) => {
                    let on_link = interfaces.is_none_or(|interfaces| {
                        interfaces.iter().any(|station| {
                            let segment = self.stations.segment(station.segment);
                            segment.is_some_and(|(_, subnet)| subnet.contains(*address))
                        })
                    });
                    if !on_link {
                        let message = format!("via {address} is on no segment of {owner}");
                        let remedy =
                            "use an address of one of its segments, or another router's name";
                        self.out.error(&text.via.place, message, remedy);
                    }
                    on_link.then_some(NextHop::Address(*address))
                }
            };
            routes.extend(via.map(|via| Route { to, via }));
        }
        routes
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

fn overlap(a: Ipv4Subnet, b: Ipv4Subnet) -> bool {
    a.contains(b.network().into()) || b.contains(a.network().into())
}
