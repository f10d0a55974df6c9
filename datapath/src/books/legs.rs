//! What logical routers' interfaces have done: a line for each leg.
//!
//! Beside the books, not part of them: a packet that crosses three routers is on
//! six of these lines, and on one of the books'. Each thread counts the work that
//! it has done for a router; the router's counts are the sum.

use super::chunks::{Chunks, NoMemory};
use super::counters::{LegCells, LegNumbers};

/// A leg's line. It stays the leg's (segment, MAC) own while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LegLine(pub u32);

/// One thread's lines: it alone counts, anybody may read.
#[derive(Debug)]
pub struct LegBooks {
    lines: Chunks<LegCells>,
}

impl LegBooks {
    pub(super) fn new() -> Result<Self, NoMemory> {
        let lines = Chunks::new()?;
        Ok(Self { lines })
    }

    /// Makes sure that there are so many lines, while their writer counts on.
    pub(super) fn ensure(&self, lines: usize) -> Result<(), NoMemory> {
        self.lines.ensure(lines)
    }

    fn line(&self, line: LegLine) -> Option<&LegCells> {
        self.lines.get(line.0 as usize)
    }

    /// A packet came in, in a frame of so many octets.
    pub fn came_in(&self, line: LegLine, octets: u64) {
        if let Some(leg) = self.line(line) {
            leg.in_packets.add(1);
            leg.in_octets.add(octets);
        }
    }

    /// A packet left, in a frame of so many octets.
    pub fn left(&self, line: LegLine, octets: u64) {
        if let Some(leg) = self.line(line) {
            leg.out_packets.add(1);
            leg.out_octets.add(octets);
        }
    }

    /// A packet was to leave, and could not.
    pub fn discarded(&self, line: LegLine) {
        if let Some(leg) = self.line(line) {
            leg.out_discards.add(1);
        }
    }

    /// The line as it stands; packets and octets may be a packet apart.
    pub fn read(&self, line: LegLine) -> LegNumbers {
        self.line(line)
            .map_or_else(LegNumbers::default, LegCells::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leg_has_its_own_line_and_more_come_while_counting() {
        let books = LegBooks::new().unwrap();
        let (near, far) = (LegLine(1), LegLine(700));
        books.came_in(near, 98);
        books.left(far, 98);
        assert_eq!(books.read(far), LegNumbers::default(), "there is none yet");
        books.ensure(701).unwrap();
        books.left(far, 98);
        books.left(far, 60);
        books.discarded(far);
        let read = books.read(far);
        assert_eq!((read.out_packets, read.out_octets), (2, 158));
        assert_eq!((read.in_packets, read.out_discards), (0, 1));
        assert_eq!(books.read(near).in_octets, 98);
    }
}
