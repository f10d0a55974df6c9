//! TTL and DF travel in the flow label, so that they survive any number of
//! substrate hops, and 11 bits of flow hash with them, so that ECMP spreads
//! flows (RFC 6438).
//!
//! ```text
//!  19        12  11  10          0
//! |    TTL    | DF | flow hash    |
//! ```

use packet::ipv6::FlowLabel;

/// What the label carries between two vswitches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The IPv4 TTL as sent.
    pub ttl: u8,
    /// The IPv4 DF flag as sent.
    pub dont_fragment: bool,
}

/// The label of a packet.
pub fn encode(carried: Carried, flow_hash: u32) -> FlowLabel {
    let dont_fragment = u32::from(carried.dont_fragment) << 11;
    FlowLabel::new(u32::from(carried.ttl) << 12 | dont_fragment | flow_hash >> 21)
}

/// What the label of a proved packet carries.
pub fn decode(label: FlowLabel) -> Carried {
    let [_, a, b, _] = label.get().to_be_bytes();
    Carried {
        ttl: a << 4 | b >> 4,
        dont_fragment: b & 0x08 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ttl_and_df_survives_beside_any_hash() {
        for ttl in 0..=u8::MAX {
            for dont_fragment in [false, true] {
                for hash in [0, u32::MAX, 0x1234_5678] {
                    let carried = Carried { ttl, dont_fragment };
                    let label = encode(carried, hash);
                    assert_eq!(decode(label), carried);
                    assert_eq!(label.get() & 0x7ff, hash >> 21);
                }
            }
        }
    }
}
