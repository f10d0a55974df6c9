//! Arrays of atomic words that the kernel maps as they are first touched.

use super::huge_pages;
pub(super) use crate::tables::atomics::{AtomicU64, Ordering};

/// A cache line's worth of words.
const LINE: usize = 8;

/// Groups of `N` words, zero at first, none of which straddles a cache line
/// (`N` is a power of two, up to a line).
#[derive(Debug)]
pub(super) struct Words<const N: usize> {
    words: Vec<AtomicU64>,
    /// Where the first group begins, so that it begins with a cache line.
    offset: usize,
}

impl<const N: usize> Words<N> {
    pub(super) fn new(groups: usize) -> Self {
        let words = zeroed(groups.saturating_mul(N).saturating_add(LINE));
        huge_pages::advise(&words);
        let offset = words.as_ptr().align_offset(LINE * size_of::<u64>());
        // "Cannot be aligned" is an answer too, under Miri: it costs speed.
        let offset = if offset < LINE { offset } else { 0 };
        Self { words, offset }
    }

    /// All groups, at hand for who asks for many.
    #[inline]
    pub(super) fn groups(&self) -> Groups<'_, N> {
        let words = self.words.get(self.offset..).unwrap_or_default();
        Groups {
            all: words.as_chunks().0,
        }
    }

    #[inline]
    pub(super) fn group(&self, at: usize) -> Option<&[AtomicU64; N]> {
        self.groups().get(at)
    }

    /// Address space taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }
}

/// The groups of an array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups<'a, const N: usize> {
    all: &'a [[AtomicU64; N]],
}

impl<'a, const N: usize> Groups<'a, N> {
    #[inline]
    pub(super) fn get(self, at: usize) -> Option<&'a [AtomicU64; N]> {
        self.all.get(at)
    }
}

/// From the allocator's zeroed memory, not written word by word: an array of
/// this size comes from the kernel, and costs no memory where it is not used.
#[cfg(not(loom))]
fn zeroed(words: usize) -> Vec<AtomicU64> {
    use zerocopy::FromZeros;
    AtomicU64::new_vec_zeroed(words)
        .unwrap_or_else(|_| std::alloc::handle_alloc_error(std::alloc::Layout::new::<AtomicU64>()))
}

#[cfg(loom)]
fn zeroed(words: usize) -> Vec<AtomicU64> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}
