//! Which logical routers of a network come, go and change?

use std::collections::BTreeSet;

use packet::MacAddr;

use super::join::{Joined, join_unordered};
use super::loss::Why;
use super::stations::{self, Attached};
use super::{Change, Differences, LISTED, PlanLine, ROUTER, Side, counted, listed};
use crate::topology::{Network, NextHop, Router};

impl<'a> Differences<'a> {
    pub(super) fn routers(&mut self, before: &'a Network, after: &'a Network) -> Vec<PlanLine> {
        let by_name = |router: &'a Router| (router.name.value.as_str(), router);
        let joined = join_unordered(
            before.routers.iter().map(by_name),
            after.routers.iter().map(by_name),
        );
        let lines = joined.filter_map(|(name, joined)| {
            let (old, new) = joined.sides();
            let was = old
                .map(|router| legs(&self.before, router))
                .unwrap_or_default();
            let is = new
                .map(|router| legs(&self.after, router))
                .unwrap_or_default();
            let (change, detail) = match joined {
                Joined::Before(_) => {
                    self.losses.removed();
                    (Change::Removed, linked(&was))
                }
                Joined::After(_) => (Change::Added, linked(&is)),
                Joined::Both(old, new) => {
                    let mut parts = stations::changes(&was, &is);
                    stations::note_losses(&mut self.losses, (ROUTER, name), &was, &is);
                    parts.extend(self.routes((before, old), (after, new)));
                    if old.source != new.source {
                        parts.push("source differs".to_owned());
                    }
                    if proxies(old) != proxies(new) {
                        parts.push("proxy-arp differs".to_owned());
                    }
                    if parts.is_empty() {
                        return None;
                    }
                    (Change::Changed, parts.join(", "))
                }
            };
            Some(PlanLine {
                mappings: self.mappings_of(&was, &is),
                ..PlanLine::new(change, ROUTER, name, detail)
            })
        });
        lines.collect()
    }

    /// What about a router's routes is not as it was.
    fn routes(
        &mut self,
        (before, old): (&'a Network, &'a Router),
        (after, new): (&'a Network, &'a Router),
    ) -> Vec<String> {
        let by_destination = |network: &'a Network, router: &'a Router| {
            let routes = router.routes.iter();
            routes.map(|route| {
                let key = (route.to.network(), route.to.length());
                (key, via(network, &route.via))
            })
        };
        let joined = join_unordered(by_destination(before, old), by_destination(after, new));
        let (mut parts, mut loses) = (Vec::new(), false);
        for ((network, length), joined) in joined {
            let to = format!("route to {network}/{length}");
            parts.push(match joined {
                Joined::After(via) => format!("{to} via {via} added"),
                Joined::Before(_) => {
                    loses = true;
                    format!("{to} removed")
                }
                Joined::Both(was, is) if was == is => continue,
                Joined::Both(was, is) => {
                    loses = true;
                    format!("{to} via {was} -> {is}")
                }
            });
        }
        if loses {
            self.losses.note(Why::Routes, ROUTER, &new.name.value);
        }
        listed(parts, "route", "differ")
    }
}

fn legs<'a>(side: &Side<'a>, router: &'a Router) -> Vec<Attached<'a, ()>> {
    let stations = router.interfaces.iter();
    stations::attached(side, stations.map(|leg| (&leg.station, ())))
}

/// Its MACs that answer ARP for others.
fn proxies(router: &Router) -> BTreeSet<MacAddr> {
    let legs = router.interfaces.iter().filter(|leg| leg.proxy_arp);
    legs.map(|leg| leg.station.mac).collect()
}

/// Which segments it links.
fn linked(legs: &[Attached<'_, ()>]) -> String {
    let segments: BTreeSet<&str> = legs.iter().map(|leg| leg.segment).collect();
    if segments.len() > LISTED {
        return format!("links {}", counted(segments.len(), "segment"));
    }
    let segments: Vec<&str> = segments.into_iter().collect();
    match segments.as_slice() {
        [] => String::new(),
        some => format!("links {}", some.join(" and ")),
    }
}

/// Next hops by what a person calls them.
fn via(network: &Network, via: &[NextHop]) -> String {
    let names: Vec<_> = via.iter().map(|hop| next_hop(network, hop)).collect();
    names.join(" and ")
}

fn next_hop(network: &Network, hop: &NextHop) -> String {
    match hop {
        NextHop::Address(address) => address.to_string(),
        NextHop::Router(index) => {
            let router = network.routers.get(*index);
            router.map_or_else(String::new, |router| router.name.value.clone())
        }
    }
}
