//! Who listens to which group, by name.

use datapath::snooping::{Membership, Whereabouts};

use super::Observer;
use crate::control::source::GroupMember;

impl Observer {
    pub(super) fn shown_groups(&self) -> Vec<GroupMember> {
        let memberships = self.substrate.lock().memberships.clone();
        let shown = memberships.into_iter();
        shown
            .map(|membership| self.group_member(membership))
            .collect()
    }

    fn group_member(&self, membership: Membership) -> GroupMember {
        let in_force = self.show.in_force();
        let (host, interface) = match membership.at {
            Whereabouts::Here(id) => (0, in_force.compiled.interface(id)),
            Whereabouts::There(host) => (host.0 as usize, None),
        };
        let host = in_force.hosts.get(host);
        GroupMember {
            segment: self.segment_label(membership.segment),
            group: membership.group,
            host: host.map_or_else(String::new, |host| host.name.clone()),
            node: interface.map(|interface| interface.node.clone()),
            port: interface.map(|interface| self.port_name(interface.port)),
            how: membership.how,
            sources: membership.sources,
            expires: membership.until.saturating_sub(self.started.elapsed()),
        }
    }
}
