//! Cells that grow in number while a thread counts in them.
//!
//! Nothing ever moves: what there is stays where it is, and more comes in
//! chunks, each as large as all before it. They are zeroed by the kernel when
//! they are first written to, so that a cell nobody counts in costs nothing.

use std::sync::OnceLock;

use zerocopy::FromZeros;

/// Cells that there are from the beginning.
const BASE: usize = 512;

/// Times that the cells can double.
const DOUBLINGS: usize = 13;

/// The most cells that there can be: 4 194 304.
pub(super) const MOST: usize = BASE << DOUBLINGS;

/// There is no memory for so many lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no memory for {cells} lines of the books: free some, or let this host take part in fewer segments"
)]
pub struct NoMemory {
    /// How many there were to be.
    pub cells: usize,
}

#[derive(Debug)]
pub(super) struct Chunks<T> {
    base: Box<[T; BASE]>,
    /// Chunk `n` holds cells `BASE << n` to twice that.
    grown: [OnceLock<Box<[T]>>; DOUBLINGS],
}

impl<T: FromZeros> Chunks<T> {
    /// The cells that there are from the beginning.
    pub(super) fn new() -> Result<Self, NoMemory> {
        let no_memory = |_| NoMemory { cells: BASE };
        Ok(Self {
            base: <[T; BASE]>::new_box_zeroed().map_err(no_memory)?,
            grown: [const { OnceLock::new() }; DOUBLINGS],
        })
    }

    /// Makes sure that there are so many; never more than [`MOST`]. Whoever
    /// reads or counts meanwhile is not disturbed.
    pub(super) fn ensure(&self, cells: usize) -> Result<(), NoMemory> {
        let no_memory = |_| NoMemory { cells };
        for (chunk, size) in self.grown.iter().zip(sizes()) {
            if size >= cells {
                break;
            }
            if chunk.get().is_none() {
                let zeroed = <[T]>::new_box_zeroed_with_elems(size).map_err(no_memory)?;
                // Another thread may have been quicker; then there is one.
                let _ = chunk.set(zeroed);
            }
        }
        Ok(())
    }

    /// The first cell: there always is one.
    pub(super) fn first(&self) -> &T {
        let [first, ..] = &*self.base;
        first
    }

    /// A cell, if there are so many.
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.base.get(at).or_else(|| self.beyond_base(at))
    }

    fn beyond_base(&self, at: usize) -> Option<&T> {
        let chunk = (at / BASE).checked_ilog2()?;
        let begins = BASE << chunk;
        self.grown.get(chunk as usize)?.get()?.get(at - begins)
    }
}

/// Where each chunk begins, which is also how many cells it holds.
fn sizes() -> impl Iterator<Item = usize> {
    (0..DOUBLINGS).map(|doubling| BASE << doubling)
}
