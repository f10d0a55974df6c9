//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//!
//! One's complement arithmetic has two zeros. [`Delta::apply`] computes
//! RFC 1624's equation 3, `HC' = ~(~HC + ~m + m')`, which yields the same zero
//! as a fresh computation over a message that is not all zeros: a checksum
//! that was right is right and bit-identical afterwards, and one that was
//! wrong stays wrong.

/// A one's complement sum of 16-bit words, not yet folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sum(u32);

impl Sum {
    /// The sum of no words.
    pub const ZERO: Self = Self(0);

    /// The sum of `bytes` as big-endian words; an odd last byte is padded with
    /// zero (RFC 1071 §4.1). At most 65 536 words, far above any packet.
    pub fn of(bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(2);
        let mut sum = 0u32;
        for pair in &mut chunks {
            if let &[high, low] = pair {
                sum += u32::from(u16::from_be_bytes([high, low]));
            }
        }
        if let &[last] = chunks.remainder() {
            sum += u32::from(u16::from_be_bytes([last, 0]));
        }
        Self(sum).folded()
    }

    /// The sum of one word.
    pub const fn word(word: u16) -> Self {
        Self(word as u32)
    }

    /// The sum of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.fold() as u32 + other.fold() as u32)
    }

    /// The folded 16-bit sum.
    #[expect(clippy::cast_possible_truncation, reason = "two folds leave 16 bits")]
    pub const fn fold(self) -> u16 {
        let once = (self.0 & 0xffff) + (self.0 >> 16);
        ((once & 0xffff) + (once >> 16)) as u16
    }

    /// The checksum that makes a message with this sum right.
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }

    const fn folded(self) -> Self {
        Self(self.fold() as u32)
    }
}

/// The checksum of a message whose checksum field is zero, or 0 when the
/// message contains its right checksum.
pub fn of(bytes: &[u8]) -> u16 {
    Sum::of(bytes).checksum()
}

/// The sum of the pseudo-header for upper-layer checksums over IPv6
/// (RFC 8200 §8.1), given the sum of the two addresses.
pub fn pseudo_header_v6(addresses: Sum, upper_len: u32, next_header: crate::IpProtocol) -> Sum {
    let [a, b, c, d] = upper_len.to_be_bytes();
    addresses
        .and(Sum::word(u16::from_be_bytes([a, b])))
        .and(Sum::word(u16::from_be_bytes([c, d])))
        .and(Sum::word(u16::from(next_header.0)))
}

/// The change of some words of a message: `m'` for `m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta(u16);

impl Delta {
    /// The words that sum to `old` are replaced by words that sum to `new`.
    pub const fn new(old: Sum, new: Sum) -> Self {
        Self(Sum(!old.fold() as u32 + new.fold() as u32).fold())
    }

    /// Both changes.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(Sum(self.0 as u32 + other.0 as u32).fold())
    }

    /// The checksum after the change (RFC 1624, equation 3).
    pub const fn apply(self, checksum: u16) -> u16 {
        !Sum(!checksum as u32 + self.0 as u32).fold()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_1071_example() {
        // §3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::of(&bytes).fold(), 0xddf2);
    }

    #[test]
    fn rfc_1624_example() {
        // §4: HC = DD2F, m = 5555, m' = 3285 gives 0000 by equation 3.
        let delta = Delta::new(Sum::word(0x5555), Sum::word(0x3285));
        assert_eq!(delta.apply(0xdd2f), 0x0000);
    }

    proptest! {
        #[test]
        fn a_delta_equals_a_fresh_computation(
            mut bytes in prop::collection::vec(any::<u8>(), 4..200),
            new in any::<[u8; 2]>(),
            at in any::<prop::sample::Index>(),
        ) {
            prop_assume!(bytes.iter().any(|b| *b != 0));
            let at = at.index(bytes.len() / 2) * 2;
            let before = of(&bytes);
            let delta = Delta::new(Sum::of(&bytes[at..at + 2]), Sum::of(&new));
            bytes[at..at + 2].copy_from_slice(&new);
            prop_assume!(bytes.iter().any(|b| *b != 0));
            prop_assert_eq!(delta.apply(before), of(&bytes));
        }
    }
}
