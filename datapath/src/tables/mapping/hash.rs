//! Where keys go, so that tenants, who choose the keys, cannot choose that.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use packet::{MacAddr, SegmentId};

use super::MappingKey;

/// Secret numbers, drawn anew for each table.
///
/// Multiply-shift over 128 bits: the upper 64 of `a·x + b mod 2^128`. For `a`
/// and `b` drawn at random it is pairwise independent on inputs of up to 65
/// bits, whoever has chosen them (Dietzfelbinger 1996, *Universal hashing and
/// k-wise independent random variables via integer arithmetic without primes*,
/// theorem 3): no set of keys is worse than another. It leaves the pattern of
/// an arithmetic progression, which addresses in use are, visible; a fixed
/// bijection behind it takes that away and keeps the independence.
#[derive(Debug)]
pub(super) struct Seed {
    key: u128,
    segment: u128,
    mac: u128,
    offset: u128,
}

/// All of a key's bits, mixed: the upper ones pick a bucket, the lower ones
/// are the key's tag in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash(u64);

impl Seed {
    /// From the system's source of random numbers, by way of the standard
    /// library's keys.
    pub(super) fn random() -> Self {
        let source = RandomState::new();
        let half = |of: u8| u128::from(source.hash_one(of));
        Self {
            key: half(0) << 64 | half(1),
            segment: half(2) << 64 | half(3),
            mac: half(4) << 64 | half(5),
            offset: half(6) << 64 | half(7),
        }
    }

    /// The same for the same numbers.
    #[cfg(any(test, loom))]
    pub(super) fn fixed() -> Self {
        Self {
            key: 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835,
            segment: 0xd1b5_4a32_d192_ed03_8cb9_2ba7_2f3d_8dd7,
            mac: 0xaef1_7502_108e_f2d9_eb44_acca_b455_d165,
            offset: 0x2545_f491_4f6c_dd1d,
        }
    }

    #[inline]
    pub(super) fn of_key(&self, key: MappingKey) -> Hash {
        self.finish(self.key.wrapping_mul(u128::from(key.to_bits())))
    }

    pub(super) fn of_mac(&self, segment: SegmentId, mac: MacAddr) -> Hash {
        let segment = self.segment.wrapping_mul(u128::from(segment.get()));
        let mac = self.mac.wrapping_mul(u128::from(mac.to_u64()));
        self.finish(segment.wrapping_add(mac))
    }

    #[inline]
    fn finish(&self, product: u128) -> Hash {
        let upper = (product.wrapping_add(self.offset) >> 64) as u64;
        let mixed = (upper ^ upper >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        Hash(mixed ^ mixed >> 32)
    }
}

impl Hash {
    /// A place among so many, each as likely.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "less than `places`")]
    pub(super) fn place(self, places: usize) -> usize {
        ((u128::from(self.0) * places as u128) >> 64) as usize
    }

    /// What tells most keys with the same place apart: 1 to 255.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits")]
    pub(super) const fn tag(self) -> u8 {
        match self.0 as u8 {
            0 => 1,
            tag => tag,
        }
    }
}
