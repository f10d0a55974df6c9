//! The books: every packet that comes in is on exactly one line, and ends in
//! exactly one column of it. They balance, always:
//!
//! per (input port, segment): received + pieces + copies = forwarded + answered +
//! consumed + punted + dropped, where pieces are what cutting a packet that was
//! too large made beyond the packet itself, and copies what one to many became
//! beyond itself; of what was punted the slow path books the end, and until then
//! it is held. Per output port: offered = sent + port-full + refused. For the
//! whole: received + generated + pieces + copies = sent + consumed (answered, too)
//! + held + dropped.
//!
//! A ledger has one writer (a worker, or the slow path) and any readers. An
//! increment is a plain load and store, and the writer never waits:
//!
//! * A line is sealed while a packet is booked on it, so a reader sees it as it
//!   stood between two packets ([`Ledger::read_row`]), and it balances. Lines
//!   that nobody booked on have no memory and are not looked at.
//! * The whole balances only where nothing is under way. So the thread sums up
//!   as it books, and copies the sums at its next burst boundary for whoever
//!   asks ([`Ledger::read`]): a few numbers, however many lines there are.
//!
//! Lines are added while their writer counts ([`Ledger::ensure`]), and keep
//! their ids as long as the process lives ([`Rows`]).

mod chunks;
mod counters;
mod ledger;
mod legs;
mod line;
mod rows;
mod seal;
#[cfg(test)]
mod tests;

pub use chunks::NoMemory;
pub use counters::{
    Counter, LegCells, LegNumbers, OutputCells, OutputNumbers, RowCells, RowNumbers, TotalCells,
    TotalNumbers, WorkCells, WorkNumbers,
};
pub use ledger::{Ledger, Reading};
pub use legs::{LegBooks, LegLine};
pub use line::{Line, RowReading};
pub use rows::{OutputId, RowId, RowName, Rows};
pub use seal::Patience;
