//! Which next hops are in use: the worker only marks, the control side acts
//! (RFC 4861 §7.3.3: sending to a stale neighbour starts the probe of it).

use std::sync::atomic::{AtomicBool, Ordering};

use crate::substrate::NextHopId;

/// A mark per next hop.
#[derive(Debug, Default)]
pub struct UseMarks {
    marks: Vec<AtomicBool>,
}

impl UseMarks {
    /// Marks for so many next hops, none set.
    pub fn new(next_hops: usize) -> Self {
        Self {
            marks: (0..next_hops).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// How many next hops there are marks for.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The next hop is being used.
    pub fn mark(&self, id: NextHopId) {
        if let Some(mark) = self.marks.get(id.index())
            // A store per packet would make the line travel between cores.
            && !mark.load(Ordering::Relaxed)
        {
            mark.store(true, Ordering::Relaxed);
        }
    }

    /// The next hops used since the last call.
    pub fn take(&self) -> impl Iterator<Item = NextHopId> + '_ {
        let taken =
            |mark: &AtomicBool| mark.load(Ordering::Relaxed) && mark.swap(false, Ordering::Relaxed);
        (0..)
            .map(NextHopId)
            .zip(&self.marks)
            .filter(move |(_, mark)| taken(mark))
            .map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_taken_once() {
        let marks = UseMarks::new(3);
        marks.mark(NextHopId(2));
        marks.mark(NextHopId(2));
        marks.mark(NextHopId(9));
        assert_eq!(marks.take().collect::<Vec<_>>(), [NextHopId(2)]);
        assert_eq!(marks.take().count(), 0);
    }
}
