//! All mappings written anew, so that the log of their changes can go.

use core::fmt;

use redb::{TableHandle as _, UntypedTableHandle, WriteTransaction};

use super::layout::{BASE_PREFIX, Head, LOG_PREFIX, Pieces, base_name};
use super::piece::PieceWriter;
use super::record::MappingChange;

/// How far a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to write.
    More,
    /// It is complete, and the old log is gone; or none was begun.
    Done,
}

/// Mappings that are written in one transaction: a quarter of a megabyte, and
/// hardly more time than a commit takes.
const PART: usize = 1 << 15;

/// A checkpoint that is under way: [`super::Store::begin_checkpoint`].
pub struct Checkpoint {
    /// The base that is written, and the first log that it does not contain.
    number: u64,
    /// Changes in the logs that it contains.
    contained: u64,
    mappings: Box<dyn Iterator<Item = MappingChange> + Send>,
    /// Mappings in one part.
    part: usize,
    written: u64,
    pieces: u64,
}

impl Checkpoint {
    pub(super) fn new(
        number: u64,
        contained: u64,
        mappings: Box<dyn Iterator<Item = MappingChange> + Send>,
    ) -> Self {
        Self {
            number,
            contained,
            mappings,
            part: PART,
            written: 0,
            pieces: 0,
        }
    }

    /// The same, with so many mappings in each part.
    pub fn in_parts_of(mut self, mappings: usize) -> Self {
        self.part = mappings.max(1);
        self
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Nothing of it is written.
    pub(super) const fn is_new(&self) -> bool {
        self.pieces == 0
    }

    /// Writes the next part.
    pub(super) fn write(
        &mut self,
        transaction: &WriteTransaction,
    ) -> Result<Progress, redb::Error> {
        let name = base_name(self.number);
        let mut table = transaction.open_table(Pieces::new(&name))?;
        let mut writer = PieceWriter::default();
        let mut in_part = 0;
        for mapping in self.mappings.by_ref().take(self.part) {
            in_part += 1;
            if let Some(piece) = writer.push(&mapping) {
                table.insert(self.pieces, piece.as_slice())?;
                self.pieces += 1;
            }
        }
        if let Some(piece) = writer.finish() {
            table.insert(self.pieces, piece.as_slice())?;
            self.pieces += 1;
        }
        self.written += in_part as u64;
        Ok(if in_part < self.part {
            Progress::Done
        } else {
            Progress::More
        })
    }

    /// Puts the complete base into the place of the old one and of the logs
    /// that it contains.
    pub(super) fn take_over(
        &self,
        head: &mut Head,
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        head.base = self.number;
        head.base_mappings = self.written;
        head.log_changes -= self.contained;
        drop_tables(transaction, BASE_PREFIX, |base| base != self.number)?;
        drop_tables(transaction, LOG_PREFIX, |log| log < self.number)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("number", &self.number)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Drops the tables of a kind whose number is `useless`.
pub(super) fn drop_tables(
    transaction: &WriteTransaction,
    prefix: &str,
    useless: impl Fn(u64) -> bool,
) -> Result<(), redb::Error> {
    let tables: Vec<UntypedTableHandle> = transaction.list_tables()?.collect();
    for table in tables {
        let number = table.name().strip_prefix(prefix);
        if number
            .and_then(|number| number.parse().ok())
            .is_some_and(&useless)
        {
            transaction.delete_table(table)?;
        }
    }
    Ok(())
}
