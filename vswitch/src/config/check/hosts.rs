//! Is every host's name and locator its own, and is there a way to each?

use std::collections::HashMap;

use packet::Locator;
use vnet::diagnostic::{Diagnostics, Place};

use crate::config::read::{HostText, OtherHost};

pub(super) fn check(text: &HostText, out: &mut Diagnostics) {
    let substrate = text.substrate.as_ref();
    let own = substrate.and_then(|substrate| substrate.locator.as_ref());
    let mut names: HashMap<&str, &Place> = HashMap::new();
    let mut locators: HashMap<Locator, (&str, &Place)> = HashMap::new();
    if let Some(this) = &text.host {
        names.insert(&this.value, &this.place);
        if let Some(own) = own {
            locators.insert(own.value, (&this.value, &own.place));
        }
    }
    for host in &text.hosts {
        let name = host.name.value.as_str();
        if let Some(before) = names.get(name) {
            let before = before.seen_from(&host.name.place);
            let message = format!("host \"{name}\" is already defined at {before}");
            let remedy = "list every other host once, and not this host";
            out.error(&host.name.place, message, remedy);
            continue;
        }
        names.insert(name, &host.name.place);
        let Some(locator) = &host.locator else {
            continue;
        };
        if let Some((other, before)) = locators.get(&locator.value) {
            let before = before.seen_from(&locator.place);
            let message = format!(
                "locator {} is already that of host \"{other}\" at {before}",
                locator.value
            );
            out.error(&locator.place, message, "every host has a /64 of its own");
            continue;
        }
        locators.insert(locator.value, (name, &locator.place));
        reachable(text, host, locator.value, out);
    }
}

/// Recommends a route where none leads to a host.
fn reachable(text: &HostText, host: &OtherHost, locator: Locator, out: &mut Diagnostics) {
    let Some(substrate) = &text.substrate else {
        return;
    };
    let network = locator.network();
    let found = substrate.uplinks.iter().any(|uplink| {
        let unread = |route: &crate::config::read::RouteText| route.to.is_none();
        // What could not be read may have been the way.
        let Some(address) = &uplink.address else {
            return true;
        };
        let (own, length) = address.value;
        let on_link = packet::Ipv6Prefix::containing(own, length).contains(network);
        on_link
            || uplink.routes.iter().any(|route| {
                let to = route.to.as_ref();
                unread(route) || to.is_some_and(|to| to.value.contains(network))
            })
    });
    if !found {
        let message = format!("no route leads to host \"{}\" ({locator})", host.name.value);
        let remedy = format!(
            "add {{ to: {locator}, via: the next router }} to routes, or a default route (::/0)"
        );
        out.warn(&host.name.place, message, remedy);
    }
}
