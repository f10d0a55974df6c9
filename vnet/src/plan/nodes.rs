//! Which nodes and static mappings of a network come, go and change?

use packet::{MacAddr, Slot, Tags, VirtualAddr};

use super::join::{Joined, join_unordered};
use super::loss::Why;
use super::stations::{self, Attached};
use super::{Change, Differences, MAPPING, NODE, PlanLine, Side, listed};
use crate::compiled::{AddressPolicy, Ipv4Subnet, LinkType};
use crate::topology::{At, Network, Node, Phantom, Station};

/// How an interface's frames are tagged.
type Tagging = (LinkType, Tags);

/// What else there is to know of a node's interface.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    tagging: Tagging,
    dhcp_server: bool,
    forwards: Forwards<'a>,
    policy: AddressPolicy,
}

/// What an interface forwards for, and its slot if it does.
type Forwards<'a> = (&'a [Ipv4Subnet], Option<Slot>);

impl<'a> Differences<'a> {
    pub(super) fn nodes(&mut self, before: &'a Network, after: &'a Network) -> Vec<PlanLine> {
        let by_name = |node: &'a Node| (node.name.value.as_str(), node);
        let joined = join_unordered(
            before.nodes.iter().map(by_name),
            after.nodes.iter().map(by_name),
        );
        let lines = joined.filter_map(|(name, joined)| self.node(name, joined));
        lines.collect()
    }

    fn node(&mut self, name: &str, joined: Joined<&'a Node>) -> Option<PlanLine> {
        let (old, new) = joined.sides();
        let was = old
            .map(|node| interfaces(&self.before, node))
            .unwrap_or_default();
        let is = new
            .map(|node| interfaces(&self.after, node))
            .unwrap_or_default();
        let (change, detail) = match joined {
            Joined::Before(node) => {
                self.losses.removed();
                (Change::Removed, format!("was on host {}", node.host.value))
            }
            Joined::After(node) => {
                let at = stations::addresses(&is);
                (Change::Added, format!("on host {}, {at}", node.host.value))
            }
            Joined::Both(old, new) => {
                let mut parts: Vec<String> = self.place(old, new).into_iter().collect();
                parts.extend(stations::changes(&was, &is));
                parts.extend(self.taggings(name, &was, &is));
                parts.extend(dhcp_servers(&was, &is));
                parts.extend(self.forwards(name, &was, &is));
                parts.extend(policies(&was, &is));
                stations::note_losses(&mut self.losses, (NODE, name), &was, &is);
                if parts.is_empty() {
                    return None;
                }
                (Change::Changed, parts.join(", "))
            }
        };
        Some(PlanLine {
            mappings: self.mappings_of(&was, &is),
            ..PlanLine::new(change, NODE, name, detail)
        })
    }

    /// Host and port.
    fn place(&mut self, old: &Node, new: &Node) -> Option<String> {
        let port = |node: &Node| {
            let port = node.port.as_ref();
            port.map_or_else(|| "none".to_owned(), |port| port.value.clone())
        };
        let name = &new.name.value;
        let (was, is) = (&old.host.value, &new.host.value);
        if was != is {
            self.losses.note(Why::Moves, NODE, name);
            return Some(format!("moves from host {was} to host {is}"));
        }
        let (was, is) = (port(old), port(new));
        (was != is).then(|| {
            self.losses.note(Why::Link, NODE, name);
            format!("port {was} -> {is}")
        })
    }

    /// How the frames of what stays are tagged: per segment.
    fn taggings(
        &mut self,
        name: &str,
        was: &[Attached<'a, Facts<'a>>],
        is: &[Attached<'a, Facts<'a>>],
    ) -> Vec<String> {
        let changes = stations::differing(was, is, |attached| attached.more.tagging);
        if !changes.is_empty() {
            self.losses.note(Why::Link, NODE, name);
        }
        let lines = changes
            .into_iter()
            .map(|(segment, was, is)| format!("in {segment}: {} -> {}", words(was), words(is)));
        listed(lines.collect(), "tag", "differ")
    }

    /// What it forwards for, and by which slot: per segment.
    fn forwards(
        &mut self,
        name: &str,
        was: &[Attached<'a, Facts<'a>>],
        is: &[Attached<'a, Facts<'a>>],
    ) -> Vec<String> {
        let changes = stations::differing(was, is, |attached| attached.more.forwards);
        if changes.iter().any(|(_, (was, _), _)| !was.is_empty()) {
            self.losses.note(Why::Forwards, NODE, name);
        }
        let lines = changes.into_iter().map(|(segment, was, is)| {
            let (was, is) = (prefixes(was), prefixes(is));
            format!("forwards in {segment}: {was} -> {is}")
        });
        listed(lines.collect(), "forwards", "differ")
    }

    /// Static mappings have no names: one line for each address.
    pub(super) fn static_mappings(
        &mut self,
        before: &'a Network,
        after: &'a Network,
    ) -> Vec<PlanLine> {
        let joined = join_unordered(
            elsewhere(&self.before, before),
            elsewhere(&self.after, after),
        );
        let mut lines = Vec::new();
        for ((segment, address), joined) in joined {
            let name = format!("{address} in {segment}");
            let (change, detail) = match joined {
                Joined::Before((_, at, _)) => {
                    self.losses.removed();
                    (Change::Removed, format!("was on {}", place(at)))
                }
                Joined::After((_, at, _)) => (Change::Added, format!("on {}", place(at))),
                Joined::Both((mac, at, forwards), (new_mac, new_at, new_forwards)) => {
                    let mut parts = Vec::new();
                    let (was, is) = (place(at), place(new_at));
                    if was != is {
                        self.losses.note(Why::Moves, MAPPING, &name);
                        parts.push(format!("moves from {was} to {is}"));
                    }
                    if mac != new_mac {
                        self.losses.note(Why::Mac, MAPPING, &name);
                        parts.push(format!("mac {mac} -> {new_mac}"));
                    }
                    if forwards != new_forwards {
                        self.losses.note(Why::Forwards, MAPPING, &name);
                        let (was, is) = (prefixes(forwards), prefixes(new_forwards));
                        parts.push(format!("forwards {was} -> {is}"));
                    }
                    if parts.is_empty() {
                        continue;
                    }
                    (Change::Changed, parts.join(", "))
                }
            };
            lines.push(PlanLine {
                mappings: 1,
                ..PlanLine::new(change, MAPPING, &name, detail)
            });
        }
        lines
    }
}

/// Where a node may answer DHCP clients, and where it may not any more.
fn dhcp_servers(was: &[Attached<'_, Facts<'_>>], is: &[Attached<'_, Facts<'_>>]) -> Vec<String> {
    let changes = stations::differing(was, is, |attached| attached.more.dhcp_server);
    let lines = changes
        .into_iter()
        .map(|(segment, was, is)| format!("dhcp-server in {segment} {was} -> {is}"));
    listed(lines.collect(), "dhcp-server", "differ")
}

/// How interfaces come by addresses, where that changes.
fn policies(was: &[Attached<'_, Facts<'_>>], is: &[Attached<'_, Facts<'_>>]) -> Vec<String> {
    let changes = stations::differing(was, is, |attached| attached.more.policy);
    let lines = changes
        .into_iter()
        .map(|(segment, was, is)| format!("policy in {segment} {was} -> {is}"));
    listed(lines.collect(), "policy", "differ")
}

fn interfaces<'a>(side: &Side<'a>, node: &'a Node) -> Vec<Attached<'a, Facts<'a>>> {
    let stations = node.interfaces.iter();
    let stations = stations.map(|i| {
        let facts = Facts {
            tagging: (i.link, i.tags),
            dhcp_server: i.dhcp_server,
            forwards: forwards(side, &i.station, i.phantom.as_ref()),
            policy: i.policy,
        };
        (&i.station, facts)
    });
    stations::attached(side, stations)
}

/// The static mappings of a network, address by address.
fn elsewhere<'a>(
    side: &Side<'a>,
    network: &'a Network,
) -> impl Iterator<Item = ((&'a str, VirtualAddr), (MacAddr, &'a At, Forwards<'a>))> {
    let stations = network.mappings.iter();
    let stations = stations.map(|mapping| {
        let forwards = forwards(side, &mapping.station, mapping.phantom.as_ref());
        (&mapping.station, (&mapping.at, forwards))
    });
    let attached = stations::attached(side, stations).into_iter();
    attached.map(|a| {
        let (at, forwards) = a.more;
        ((a.segment, a.address), (a.mac, at, forwards))
    })
}

fn forwards<'a>(side: &Side<'a>, station: &Station, phantom: Option<&'a Phantom>) -> Forwards<'a> {
    let Some(phantom) = phantom else {
        return (&[], None);
    };
    let segment = side.compiled.topology.segment(station.segment);
    let mapping = segment.zip(station.addresses.first());
    let mapping = mapping.and_then(|(segment, first)| side.compiled.mapping(segment.id, *first));
    (&phantom.forwards, mapping.map(|mapping| mapping.slot))
}

/// `10.9.0.0/16 (slot 7)`, or `nothing`.
fn prefixes((prefixes, slot): Forwards<'_>) -> String {
    let Some(slot) = slot else {
        return "nothing".to_owned();
    };
    let listed: Vec<String> = prefixes.iter().map(Ipv4Subnet::to_string).collect();
    format!("{} (slot {slot})", listed.join(" and "))
}

/// `host s`, or a locator.
fn place(at: &At) -> String {
    match at {
        At::Host(host) => format!("host {}", host.value),
        At::Locator(locator) => locator.value.to_string(),
    }
}

/// How an interface's frames are tagged, in words.
fn words((link, tags): Tagging) -> String {
    let is_native = link == LinkType::TrunkNative;
    match tags.outer.filter(|_| is_native) {
        Some(outer) => format!("native in {outer}"),
        None if is_native => "native".to_owned(),
        None => tags.to_string(),
    }
}
