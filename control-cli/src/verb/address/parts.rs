//! The parts of a substrate address, for people and for programs.

use core::fmt::Write as _;
use core::net::Ipv6Addr;

use control_api::v1;
use packet::{Locator, SubstrateAddr, Topology, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::wire::{self, Segment, Shown};

/// A substrate address in its parts. Absent is what the address does not have
/// (a group prefix has no organisation, a host's own address no segment) or
/// what nobody was there to name.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Parts {
    /// The address.
    address: Ipv6Addr,
    #[serde(skip)]
    upper: Locator,
    /// Whose address it is, of the three kinds that share the format.
    of: Of,
    /// Its host's locator: an IPv6 prefix of length 64.
    locator: Option<Shown<Locator>>,
    /// Whose installation it is in.
    organisation: Option<String>,
    /// Where the host stands.
    topology: Option<Place>,
    /// The host's name.
    host: Option<String>,
    /// The slot, 0 to 63.
    slot: Option<u8>,
    /// Deliver to the node in the slot, whatever the virtual address.
    forward: Option<bool>,
    /// The destination is a group.
    group: Option<bool>,
    /// The segment's id.
    segment_id: Option<String>,
    /// The segment, by name.
    segment: Option<Segment>,
    /// The virtual address: IPv4, or a label that stands for IPv6.
    virtual_address: Option<Shown<VirtualAddr>>,
    /// Who has that virtual address.
    owner: Option<Owner>,
}

/// Whose address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Of {
    /// An interface, or a group by head-end replication.
    Interface,
    /// A group sent natively.
    NativeGroup,
    /// The host itself: segment 0.
    Host,
}

/// What bits 32 to 63 of a locator say of where the host stands.
#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    /// All of them, as in the address.
    bits: String,
    /// How they are divided.
    version: u8,
    #[serde(flatten)]
    steps: Steps,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Steps {
    /// Version 0: four steps.
    Place {
        /// The locale, 6 bits.
        locale: u8,
        /// The area, 8 bits.
        area: u8,
        /// The rack, 8 bits.
        rack: u8,
        /// The machine, 8 bits.
        machine: u8,
    },
    /// Version 1: a number within a locale.
    Numbered {
        /// The locale, 14 bits.
        locale: u16,
        /// The host's number, 16 bits.
        host_number: u16,
    },
    /// Versions without a meaning yet.
    Unknown {},
}

/// Who has a virtual address.
#[derive(Debug, Serialize, JsonSchema)]
struct Owner {
    /// `node` or `router`.
    kind: String,
    /// Its name.
    name: String,
}

impl Parts {
    /// The parts, without names.
    pub(super) fn of(address: Ipv6Addr) -> Result<Self, Failure> {
        let upper = Locator::of(address);
        let special = address.is_unicast_link_local() || upper.to_bits() == 0;
        if special {
            return Err(Failure::NotUnderALocator(address));
        }
        let below = SubstrateAddr::from_ipv6(address).ok();
        let of = match below {
            _ if address.is_multicast() => Of::NativeGroup,
            Some(_) => Of::Interface,
            None => Of::Host,
        };
        let located = of != Of::NativeGroup;
        Ok(Self {
            address,
            upper,
            of,
            locator: located.then_some(Shown(upper)),
            organisation: located.then(|| halves(upper.organisation())),
            topology: located.then(|| Place::of(upper)),
            host: None,
            slot: below.map(|b| b.slot.get()),
            forward: below.map(|b| b.forward),
            group: below.map(|b| b.group),
            segment_id: below.map(|b| b.segment.to_string()),
            segment: None,
            virtual_address: below.map(|b| Shown(b.address)),
            owner: None,
        })
    }

    /// Can a daemon have names for it?
    pub(super) fn names_something(&self) -> bool {
        self.segment_id.is_some()
    }

    /// Adds what a daemon knows.
    pub(super) fn name(&mut self, names: v1::DescribeAddressReply) -> Result<(), Failure> {
        self.host = names.host;
        self.segment = wire::optional_segment(names.segment)?;
        self.owner = names.owner.map(|owner| Owner {
            kind: wire::mapping_kind(owner.kind),
            name: owner.name,
        });
        Ok(())
    }

    /// Two lines: which host, and what on it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        match (&self.organisation, &self.topology) {
            (Some(organisation), Some(topology)) => {
                let _ = write!(
                    text,
                    "organisation {organisation}  topology {}",
                    topology.text()
                );
            }
            _ => {
                let _ = write!(text, "native group prefix {}", self.upper);
            }
        }
        if let Some(host) = &self.host {
            let _ = write!(text, "  host {host}");
        }
        let _ = match &self.segment_id {
            Some(id) => writeln!(text, "\n{}", self.below(id)),
            None => writeln!(
                text,
                "\nsegment 0: in a locator, the host itself; no tenant's interface"
            ),
        };
        text
    }

    fn below(&self, segment_id: &str) -> String {
        let mut text = format!(
            "slot {}  forward {}  group {}  segment {segment_id}",
            self.slot.unwrap_or_default(),
            yes_no(self.forward),
            yes_no(self.group)
        );
        if let Some(s) = &self.segment {
            let _ = write!(
                text,
                " ({}, network {}, entity {})",
                s.name, s.network, s.entity
            );
        }
        if let Some(Shown(address)) = self.virtual_address {
            let _ = match address.is_ipv6_label() {
                false => write!(text, "  address {address}"),
                true => write!(text, "  IPv6 label {:#010x}", address.to_bits()),
            };
        }
        if let Some(owner) = &self.owner {
            let _ = write!(text, " ({} {})", owner.kind, owner.name);
        }
        text
    }
}

impl Place {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    fn of(locator: Locator) -> Self {
        let (version, steps) = match locator.topology() {
            Topology::Place {
                locale,
                area,
                rack,
                machine,
            } => (
                0,
                Steps::Place {
                    locale,
                    area,
                    rack,
                    machine,
                },
            ),
            Topology::Numbered { locale, host } => (
                1,
                Steps::Numbered {
                    locale,
                    host_number: host,
                },
            ),
            Topology::Unknown { version } => (version, Steps::Unknown {}),
        };
        Self {
            bits: halves(locator.to_bits() as u32),
            version,
            steps,
        }
    }

    fn text(&self) -> String {
        let steps = match self.steps {
            Steps::Place {
                locale,
                area,
                rack,
                machine,
            } => format!("locale {locale}, area {area}, rack {rack}, machine {machine}"),
            Steps::Numbered {
                locale,
                host_number,
            } => format!("locale {locale}, host {host_number}"),
            Steps::Unknown {} => "not in use".to_owned(),
        };
        format!("{} (version {}: {steps})", self.bits, self.version)
    }
}

/// 32 bits as two groups of an IPv6 address.
fn halves(bits: u32) -> String {
    format!("{:04x}:{:04x}", bits >> 16, bits & 0xffff)
}

fn yes_no(flag: Option<bool>) -> &'static str {
    if flag == Some(true) { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &str) -> Parts {
        Parts::of(address.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_interface_with_all_its_names() {
        let mut parts = parts("fd00::b:0:a001:a00:3");
        parts
            .name(v1::DescribeAddressReply {
                host: None,
                segment: Some(v1::Segment {
                    id: 0xa001,
                    name: "front".to_owned(),
                    network: "z".to_owned(),
                    entity: "Z".to_owned(),
                }),
                owner: Some(v1::AddressOwner {
                    kind: v1::MappingKind::Node.into(),
                    name: "g".to_owned(),
                }),
            })
            .unwrap();
        assert_eq!(
            parts.text(),
            "organisation fd00:0000  topology 0000:000b \
             (version 0: locale 0, area 0, rack 0, machine 11)\n\
             slot 0  forward no  group no  segment 0x00a001 \
             (front, network z, entity Z)  address 10.0.0.3 (node g)\n"
        );
    }

    #[test]
    fn flags_slots_labels_and_the_other_version() {
        let text = parts("fd00:0:4102:304:ff00:a001:f000:1").text();
        assert!(text.contains("version 1: locale 258, host 772"), "{text}");
        assert!(text.contains("slot 63  forward yes  group yes"), "{text}");
        assert!(text.contains("IPv6 label 0xf0000001"), "{text}");
        let text = parts("fd00:0:8000::a001:a00:3").text();
        assert!(text.contains("(version 2: not in use)"), "{text}");
    }

    #[test]
    fn hosts_and_native_groups_are_not_interfaces() {
        let host = parts("fd00:0:0:a::1");
        assert!(host.text().contains("the host itself"), "{}", host.text());
        assert!(!host.names_something());
        let group = parts("ff36::100:a001:efff:fffe");
        assert!(group.text().starts_with("native group prefix ff36::/64\n"));
        assert!(group.text().contains("group yes"), "{}", group.text());
        assert!(Parts::of("fe80::1".parse().unwrap()).is_err());
        assert!(Parts::of(Ipv6Addr::LOCALHOST).is_err());
    }

    #[test]
    fn programs_get_every_field_by_name() {
        let json = serde_json::to_value(parts("fd00::b:0:a001:a00:3")).unwrap();
        assert_eq!(json["of"], "interface");
        assert_eq!(json["locator"], "fd00:0:0:b::/64");
        assert_eq!(json["topology"]["machine"], 11);
        assert_eq!(json["segment_id"], "0x00a001");
        assert_eq!(json["virtual_address"], "10.0.0.3");
        assert!(json["owner"].is_null() && json["host"].is_null());
    }
}
