//! The logical switches that can be reached.

use hashbrown::HashMap;
use vnet::compiled::{Compiled, Management};

use super::MappingKey;

/// The switches, by where they are reached.
#[derive(Debug, Default)]
pub struct SwitchTable {
    by_address: HashMap<MappingKey, LogicalSwitch>,
}

/// A logical switch, as the pipeline needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogicalSwitch {
    /// Its address and MAC.
    pub management: Management,
    /// The largest packet that its segment takes, in bytes.
    pub mtu: u16,
    /// Does it answer SNMP?
    pub has_agent: bool,
}

impl SwitchTable {
    /// The table of what was drawn.
    pub(super) fn new(compiled: &Compiled) -> Self {
        let switches = compiled.switches.iter().filter_map(|switch| {
            let management = switch.management?;
            let network = compiled.networks.get(switch.network);
            let segment = compiled.segment(switch.segment)?;
            let switch = LogicalSwitch {
                management,
                mtu: segment.mtu,
                has_agent: network.is_some_and(|network| network.snmp.is_some()),
            };
            let key = MappingKey::new(segment.id, management.address);
            Some((key, switch))
        });
        Self {
            by_address: switches.collect(),
        }
    }

    /// The switch that has an address in a segment.
    pub fn at(&self, key: MappingKey) -> Option<&LogicalSwitch> {
        self.by_address.get(&key)
    }
}
