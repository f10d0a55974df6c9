//! Access rules, written as tenants write them, for the worked example's
//! network z.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use datapath::tables::Drawn;
use packet::VirtualAddr;
use vnet::compiled::AccessRules;
use vnet::diagnostic::Diagnostics;
use vnet::topology::Topology;

use super::host::Host;
use super::names::*;
use super::plan::{Plan, STATIONS};

/// `rules`, `groups` and `defaults`, as YAML, among the segments and nodes of
/// network z.
#[track_caller]
pub fn rules(text: &str) -> AccessRules {
    let mut drawing = "network: z\nsegments:\n".to_owned();
    let segments = [
        ("front", FRONT, "10.0.0.0", ", vlan: 100"),
        ("back", BACK, "10.0.5.0", ", vlan: 200"),
        ("far", FAR, "10.1.5.0", ""),
        ("loose", LOOSE, "10.2.0.0", ""),
    ];
    for (name, id, subnet, vlan) in segments {
        let line = format!("  - {{ name: {name}, id: {id:#x}, subnet: {subnet}/24{vlan} }}");
        writeln!(drawing, "{line}").unwrap();
    }
    let mut nodes: BTreeMap<&str, Vec<(&str, Vec<VirtualAddr>)>> = BTreeMap::new();
    for (name, _, node, second, segment, ..) in STATIONS {
        let of = segments.iter().find(|(_, id, ..)| *id == segment);
        let Some((segment, ..)) = of else { continue };
        let addresses = [Some(node.ip), second].into_iter().flatten();
        let addresses = addresses.map(super::plan::ip_of).collect();
        nodes.entry(name).or_default().push((segment, addresses));
    }
    drawing.push_str("nodes:\n");
    for (name, interfaces) in nodes {
        let listed = |(segment, addresses): &(&str, Vec<VirtualAddr>)| {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!(
                "{{ segment: {segment}, addresses: [{}] }}",
                addresses.join(", ")
            )
        };
        let link = match interfaces.as_slice() {
            [_] => "access",
            _ => "{ trunk: [front, back] }",
        };
        let interfaces: Vec<String> = interfaces.iter().map(listed).collect();
        let interfaces = interfaces.join(", ");
        let line =
            format!("  - {{ name: {name}, host: h, link: {link}, interfaces: [{interfaces}] }}");
        writeln!(drawing, "{line}").unwrap();
    }
    drawing.push_str(text);
    let mut out = Diagnostics::default();
    let file: Arc<Path> = Path::new("z.yaml").into();
    let topology = Topology::read([(file, drawing.as_str())], &mut out);
    let said: Vec<String> = out.into_sorted().iter().map(|d| d.to_string()).collect();
    assert!(said.is_empty(), "{said:?}");
    topology.networks[0].access.clone().unwrap()
}

impl Plan {
    /// With these rules in network z.
    #[track_caller]
    pub fn ruled(mut self, text: &str) -> Self {
        self.compiled.access = vec![rules(text)];
        self
    }
}

impl Host {
    /// Another commit puts the plan into force.
    pub fn follow(&mut self, plan: &Plan) {
        let drawn: &Drawn = &self.tables.drawn;
        let next = drawn.followed_by(&plan.compiled, &plan.entries());
        self.tables.drawn = Arc::new(next);
    }
}
