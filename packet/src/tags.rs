//! What marks a node's frames on its link: nothing, an 802.1Q tag or an MPLS
//! label, and outside of that perhaps a provider's tag.

use core::fmt;

use crate::ids::{MplsLabel, VlanId};
use crate::protocol::EtherType;

/// What stands between a frame's Ethernet header and what it carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub struct Tags {
    /// A provider's tag, the same on all frames of the link.
    pub outer: Option<OuterTag>,
    /// What tells the link's segments apart.
    pub inner: Option<InnerTag>,
}

/// What identifies a segment on a link.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum InnerTag {
    /// An 802.1Q tag.
    Vlan(VlanId),
    /// An MPLS label, the only one of its stack (RFC 3032).
    Label(MplsLabel),
}

/// A provider's tag (IEEE 802.1ad): outside of all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct OuterTag {
    /// What announces it.
    pub kind: OuterKind,
    /// Its VLAN id.
    pub vlan: VlanId,
}

/// By which EtherType a provider's tag is announced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub enum OuterKind {
    /// 0x88a8, a service tag (IEEE 802.1ad).
    #[default]
    Service,
    /// 0x8100, as many bridges do that stack 802.1Q tags.
    Customer,
    /// 0x9100, from before there was a standard.
    Legacy,
}

impl Tags {
    /// A frame without any.
    pub const NONE: Self = Self {
        outer: None,
        inner: None,
    };

    /// An 802.1Q tag alone.
    pub const fn vlan(vlan: VlanId) -> Self {
        Self {
            outer: None,
            inner: Some(InnerTag::Vlan(vlan)),
        }
    }

    /// No more than one 802.1Q tag: what every device knows how to deal with.
    pub const fn is_plain(self) -> bool {
        self.outer.is_none() && !matches!(self.inner, Some(InnerTag::Label(_)))
    }

    /// The 802.1Q tag that tells segments apart.
    pub const fn inner_vlan(self) -> Option<VlanId> {
        match self.inner {
            Some(InnerTag::Vlan(vlan)) => Some(vlan),
            _ => None,
        }
    }

    /// The MPLS label that tells segments apart.
    pub const fn label(self) -> Option<MplsLabel> {
        match self.inner {
            Some(InnerTag::Label(label)) => Some(label),
            _ => None,
        }
    }
}

impl From<Option<VlanId>> for Tags {
    fn from(vlan: Option<VlanId>) -> Self {
        vlan.map_or(Self::NONE, Self::vlan)
    }
}

impl OuterKind {
    /// The EtherType.
    pub const fn ether_type(self) -> EtherType {
        match self {
            Self::Service => EtherType::DOT1AD,
            Self::Customer => EtherType::DOT1Q,
            Self::Legacy => EtherType::LEGACY_OUTER,
        }
    }

    /// The kind that an EtherType announces.
    pub const fn of(ether_type: EtherType) -> Option<Self> {
        match ether_type {
            EtherType::DOT1AD => Some(Self::Service),
            EtherType::DOT1Q => Some(Self::Customer),
            EtherType::LEGACY_OUTER => Some(Self::Legacy),
            _ => None,
        }
    }
}

/// As plans and listings say it: `VLAN 100`, `label 1000 in 0x88a8 300`.
impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inner {
            Some(InnerTag::Vlan(vlan)) => write!(f, "VLAN {vlan}")?,
            Some(InnerTag::Label(label)) => write!(f, "label {label}")?,
            None => f.write_str("untagged")?,
        }
        match self.outer {
            Some(outer) => write!(f, " in {outer}"),
            None => Ok(()),
        }
    }
}

/// `0x88a8 300`.
impl fmt::Display for OuterTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind.ether_type(), self.vlan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_named_from_the_inside_out() {
        let outer = Some(OuterTag {
            kind: OuterKind::Service,
            vlan: VlanId::new(300).unwrap(),
        });
        let label = Some(InnerTag::Label(MplsLabel::new(1000).unwrap()));
        let of = |outer, inner| Tags { outer, inner }.to_string();
        assert_eq!(of(outer, label), "label 1000 in 0x88a8 300");
        assert_eq!(of(outer, None), "untagged in 0x88a8 300");
        assert_eq!(Tags::from(VlanId::new(7).ok()).to_string(), "VLAN 7");
        assert_eq!(Tags::NONE.to_string(), "untagged");
    }

    #[test]
    fn every_kind_is_found_by_its_ethertype() {
        for kind in [OuterKind::Service, OuterKind::Customer, OuterKind::Legacy] {
            assert_eq!(OuterKind::of(kind.ether_type()), Some(kind));
        }
        assert_eq!(OuterKind::of(EtherType::MPLS), None);
    }
}
