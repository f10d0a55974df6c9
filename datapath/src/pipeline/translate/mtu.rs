//! How large may a packet be? One file of arithmetic, pure: what the rewrite
//! adds to a packet, and what an MTU in one version's ICMP is in the other's
//! (RFC 7915 §4.2, §5.2).

pub use packet::ipv6::IPV6_MIN_MTU;

/// How an IPv4 packet travels the substrate, as far as its size goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// Rewritten header for header: IPv6's is 20 bytes longer.
    Rewritten,
    /// Rewritten, and it is a fragment: 8 more for IPv6's fragment header.
    Fragment,
    /// Whole, with its Ethernet header, in EtherIP: 40 + 2 + 14 bytes.
    Raw,
}

impl Carriage {
    /// What it adds to the length of the IPv4 packet, in bytes.
    pub const fn overhead(self) -> u16 {
        match self {
            Self::Rewritten => 20,
            Self::Fragment => 28,
            Self::Raw => 56,
        }
    }

    /// The largest IPv4 packet that fits an IPv6 path of this MTU.
    pub const fn fits(self, path_mtu: u16) -> u16 {
        path_mtu.saturating_sub(self.overhead())
    }
}

/// The MTUs in bytes of the translator's own next hops towards the packet in
/// error's destination, where they are known and to be kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextHops {
    /// The next hop in IPv4.
    pub v4: Option<u16>,
    /// The next hop in IPv6.
    pub v6: Option<u16>,
}

impl NextHops {
    /// No bounds: between two vswitches the MTU passes as it is.
    pub const UNKNOWN: Self = Self { v4: None, v6: None };
}

/// The MTU of ICMPv6 Packet Too Big that stands for ICMPv4 Fragmentation Needed
/// with the MTU `advertised`, about a packet of `total_len` bytes which the
/// rewrite carries like this (RFC 7915 §4.2, code 4).
///
/// `advertised` 0 is a router's from before RFC 1191; its MTU is guessed.
pub fn to_packet_too_big(
    advertised: u16,
    total_len: u16,
    carriage: Carriage,
    next_hops: NextHops,
) -> u32 {
    let overhead = u32::from(carriage.overhead());
    let path = match advertised {
        0 => plateau_below(total_len),
        known => known,
    };
    let mut mtu = u32::from(path) + overhead;
    if let Some(v6) = next_hops.v6 {
        mtu = mtu.min(u32::from(v6));
    }
    if let Some(v4) = next_hops.v4 {
        mtu = mtu.min(u32::from(v4) + overhead);
    }
    mtu.max(u32::from(IPV6_MIN_MTU))
}

/// The MTU of ICMPv4 Fragmentation Needed that stands for ICMPv6 Packet Too Big
/// with the MTU `advertised`, about a packet that the rewrite carries like this
/// (RFC 7915 §5.2: with or without a fragment header).
pub fn to_fragmentation_needed(advertised: u32, carriage: Carriage, next_hops: NextHops) -> u16 {
    let advertised = advertised.saturating_sub(u32::from(carriage.overhead()));
    let mut mtu = u16::try_from(advertised).unwrap_or(u16::MAX);
    if let Some(v4) = next_hops.v4 {
        mtu = mtu.min(v4);
    }
    if let Some(v6) = next_hops.v6 {
        mtu = mtu.min(carriage.fits(v6));
    }
    mtu
}

/// The MTUs that links are likely to have (RFC 1191 §7, table 7-1), in bytes.
const PLATEAUS: [u16; 11] = [
    65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68,
];

/// The greatest plateau below the length of a packet that was too large, in
/// bytes; every IPv4 link has the least of them.
pub fn plateau_below(total_len: u16) -> u16 {
    let below = PLATEAUS.into_iter().find(|plateau| *plateau < total_len);
    below.unwrap_or(68)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Carriage; 2] = [Carriage::Rewritten, Carriage::Fragment];

    #[test]
    fn what_each_carriage_adds() {
        let headers = packet::ipv6::IPV6_LEN - packet::ipv4::IPV4_LEN;
        assert_eq!(usize::from(Carriage::Rewritten.overhead()), headers);
        assert_eq!(
            usize::from(Carriage::Fragment.overhead()),
            headers + packet::fragment::FRAGMENT_LEN
        );
        assert_eq!(
            usize::from(Carriage::Raw.overhead()),
            packet::ipv6::IPV6_LEN + 2 + packet::ethernet::ETHERNET_LEN
        );
        let fits = [Carriage::Rewritten, Carriage::Fragment, Carriage::Raw].map(|c| c.fits(1500));
        assert_eq!(fits, [1480, 1472, 1444]);
        assert_eq!(Carriage::Raw.fits(50), 0);
    }

    #[test]
    fn rfc_7915_4_2_fragmentation_needed() {
        let unbounded = |mtu| to_packet_too_big(mtu, 9000, Carriage::Rewritten, NextHops::UNKNOWN);
        assert_eq!(unbounded(1480), 1500);
        assert_eq!(unbounded(1260), 1280);
        assert_eq!(unbounded(1259), 1280, "never below IPv6's minimum");
        assert_eq!(unbounded(68), 1280);
        assert_eq!(unbounded(65535), 65555);
        let bounded = |v4, v6| {
            let next_hops = NextHops { v4, v6 };
            to_packet_too_big(1400, 9000, Carriage::Rewritten, next_hops)
        };
        assert_eq!(bounded(None, None), 1420);
        assert_eq!(bounded(Some(1300), None), 1320);
        assert_eq!(bounded(None, Some(1300)), 1300);
        assert_eq!(bounded(Some(1310), Some(1400)), 1330);
        assert_eq!(bounded(Some(576), Some(1400)), 1280);
        assert_eq!(bounded(Some(9000), Some(9000)), 1420);
        assert_eq!(
            to_packet_too_big(1400, 0, Carriage::Fragment, NextHops::UNKNOWN),
            1428
        );
    }

    #[test]
    fn rfc_7915_4_2_a_router_without_rfc_1191_is_guessed_by_plateaus() {
        for (total_len, path) in [
            (65535, 32020),
            (32000, 17934),
            (9000, 8186),
            (8166, 4372),
            (4352, 2022),
            (2002, 1512),
            (1493, 1512),
            (1492, 1280),
            (1007, 1280),
            (68, 1280),
            (0, 1280),
        ] {
            let mtu = to_packet_too_big(0, total_len, Carriage::Rewritten, NextHops::UNKNOWN);
            assert_eq!(mtu, path, "{total_len}");
        }
        assert_eq!(plateau_below(1500), 1492);
        assert_eq!(plateau_below(69), 68);
        assert_eq!(plateau_below(20), 68);
    }

    #[test]
    fn rfc_7915_5_2_packet_too_big() {
        let unbounded = |mtu, carriage| to_fragmentation_needed(mtu, carriage, NextHops::UNKNOWN);
        assert_eq!(unbounded(1500, Carriage::Rewritten), 1480);
        assert_eq!(unbounded(1500, Carriage::Fragment), 1472);
        assert_eq!(unbounded(1500, Carriage::Raw), 1444);
        assert_eq!(unbounded(1280, Carriage::Rewritten), 1260);
        assert_eq!(unbounded(7, Carriage::Rewritten), 0);
        assert_eq!(unbounded(u32::MAX, Carriage::Rewritten), 65535);
        let bounded =
            |v4, v6| to_fragmentation_needed(1500, Carriage::Rewritten, NextHops { v4, v6 });
        assert_eq!(bounded(Some(1400), None), 1400);
        assert_eq!(bounded(None, Some(1400)), 1380);
        assert_eq!(bounded(Some(9000), Some(9000)), 1480);
    }

    proptest! {
        #[test]
        fn between_vswitches_there_and_back_is_the_identity(mtu in 1260..=u16::MAX, total in any::<u16>()) {
            for carriage in BOTH {
                let there = to_packet_too_big(mtu, total, carriage, NextHops::UNKNOWN);
                prop_assert_eq!(to_fragmentation_needed(there, carriage, NextHops::UNKNOWN), mtu);
            }
        }

        #[test]
        fn the_mtu_never_grows_beyond_any_bound(
            mtu in 1u16.., total in any::<u16>(), v4 in 1280u16.., v6 in 1280u16..,
        ) {
            let next_hops = NextHops { v4: Some(v4), v6: Some(v6) };
            for carriage in BOTH {
                let there = to_packet_too_big(mtu, total, carriage, next_hops);
                prop_assert!(there >= 1280 && there <= u32::from(v6));
                let back = to_fragmentation_needed(there, carriage, next_hops);
                prop_assert!(back <= v4 && back <= carriage.fits(v6));
            }
        }
    }
}
