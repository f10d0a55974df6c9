//! A plan after somebody has moved.

use core::time::Duration;

use datapath::tables::MoveTable;
use vnet::compiled::{HostId, InterfaceId};

use super::names::Node;
use super::plan::{Plan, ip_of};

/// For so long the old place is remembered.
pub const GRACE: Duration = Duration::from_secs(10);

/// The plan after somebody has moved at 0, to the other host or here;
/// `before` is how it was drawn.
pub fn after_move(before: &Plan, after: Plan) -> Plan {
    let moves = MoveTable::default();
    let sorted = |plan: &Plan| {
        let mut compiled = plan.compiled.clone();
        compiled.mappings.sort_by_key(|m| (m.segment, m.address));
        compiled
    };
    let (was, is) = (sorted(before), sorted(&after));
    let moves = moves.followed_by(&was, &is, Duration::ZERO, GRACE);
    Plan { moves, ..after }
}

/// Without this node on its host, which is now on the other.
pub fn gone(mut plan: Plan, node: Node) -> Plan {
    plan.compiled.interfaces.retain(|i| i.mac != node.mac);
    for mapping in plan
        .compiled
        .mappings
        .iter_mut()
        .filter(|m| m.mac == node.mac)
    {
        (mapping.host, mapping.interface) = (HostId(1), None);
    }
    for one in plan
        .compiled
        .phantoms
        .iter_mut()
        .filter(|p| p.mac == node.mac)
    {
        (one.host, one.interface) = (HostId(1), None);
    }
    plan
}

/// With this node of `front` on the other host, which is now here, in the place of
/// somebody.
pub fn come(mut plan: Plan, node: Node, place: Node) -> Plan {
    let interfaces = &mut plan.compiled.interfaces;
    let id = InterfaceId(1000);
    let mut of = interfaces
        .iter()
        .find(|i| i.mac == place.mac)
        .unwrap()
        .clone();
    (of.id, of.mac, of.addresses) = (id, node.mac, vec![ip_of(node.ip)]);
    interfaces.push(of);
    for mapping in plan
        .compiled
        .mappings
        .iter_mut()
        .filter(|m| m.mac == node.mac)
    {
        (mapping.host, mapping.interface) = (HostId(0), Some(id));
    }
    for one in plan
        .compiled
        .phantoms
        .iter_mut()
        .filter(|p| p.mac == node.mac)
    {
        (one.host, one.interface) = (HostId(0), Some(id));
    }
    plan
}
