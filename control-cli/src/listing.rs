//! A list on its way to the reader, as a table or as JSON, from the same rows.

use core::marker::PhantomData;
use std::io::{self, Write};

use serde::Serialize;

use crate::args::Format;
use crate::failure::Failure;
use crate::table::{Column, Layout};

/// One entry of a list: its serialized form for programs, cells for people.
pub(crate) trait Row: Serialize {
    /// The table's columns.
    const COLUMNS: &'static [Column];

    /// The entry's cells, one per column; an empty one is shown as `-`.
    fn cells(&self) -> Vec<String>;
}

/// Writes rows as they come: a list of millions is never held as a whole. The
/// first rows decide how wide a table's columns are.
pub(crate) struct Listing<'a, R> {
    out: &'a mut dyn Write,
    state: State,
    row: PhantomData<R>,
}

enum State {
    /// Rows that wait until the widths are known.
    Fitting(Layout, Vec<Vec<String>>),
    /// The widths are settled.
    Table(Layout),
    /// JSON, and how many elements there have been.
    Json(u64),
}

impl<'a, R: Row> Listing<'a, R> {
    pub(crate) fn new(format: Format, out: &'a mut dyn Write) -> Self {
        let state = match format {
            Format::Table => State::Fitting(Layout::new(R::COLUMNS), Vec::new()),
            Format::Json => State::Json(0),
        };
        Self {
            out,
            state,
            row: PhantomData,
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &R) -> Result<(), Failure> {
        self.try_push(row).map_err(Failure::Output)
    }

    /// Ends the list.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.settle()
            .and_then(|()| match self.state {
                State::Json(0) => self.out.write_all(b"[]\n"),
                State::Json(_) => self.out.write_all(b"\n]\n"),
                _ => Ok(()),
            })
            .map_err(Failure::Output)
    }

    fn try_push(&mut self, row: &R) -> io::Result<()> {
        match &mut self.state {
            State::Fitting(layout, waiting) => {
                let cells = row.cells();
                layout.fit(&cells);
                waiting.push(cells);
                if waiting.len() >= ROWS_TO_FIT {
                    self.settle()?;
                }
                Ok(())
            }
            State::Table(layout) => self.out.write_all(layout.line(&row.cells()).as_bytes()),
            State::Json(count) => {
                let lead: &[u8] = if *count == 0 { b"[\n" } else { b",\n" };
                *count += 1;
                self.out.write_all(lead)?;
                Ok(serde_json::to_writer(&mut *self.out, row)?)
            }
        }
    }

    /// Writes what waits for its widths.
    fn settle(&mut self) -> io::Result<()> {
        if let State::Fitting(layout, waiting) = &mut self.state {
            self.out.write_all(layout.heading().as_bytes())?;
            for cells in waiting.drain(..) {
                self.out.write_all(layout.line(&cells).as_bytes())?;
            }
            let layout = core::mem::replace(layout, Layout::new(&[]));
            self.state = State::Table(layout);
        }
        Ok(())
    }
}

const ROWS_TO_FIT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{number, words};

    #[derive(Serialize)]
    struct Pet {
        name: &'static str,
        legs: u32,
    }

    impl Row for Pet {
        const COLUMNS: &'static [Column] = &[words("name"), number("legs")];

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned(), self.legs.to_string()]
        }
    }

    fn listed(format: Format, count: usize) -> String {
        let mut out = Vec::new();
        let mut listing = Listing::new(format, &mut out);
        for _ in 0..count {
            listing
                .push(&Pet {
                    name: "cat",
                    legs: 4,
                })
                .unwrap();
        }
        listing.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_is_an_array_at_every_length() {
        assert_eq!(listed(Format::Json, 0), "[]\n");
        assert_eq!(
            listed(Format::Json, 2),
            "[\n{\"name\":\"cat\",\"legs\":4},\n{\"name\":\"cat\",\"legs\":4}\n]\n"
        );
        let long: serde_json::Value = serde_json::from_str(&listed(Format::Json, 3000)).unwrap();
        assert_eq!(long.as_array().unwrap().len(), 3000);
    }

    #[test]
    fn a_table_has_one_heading_at_every_length() {
        assert_eq!(listed(Format::Table, 0), "name  legs\n");
        assert_eq!(listed(Format::Table, 1), "name  legs\ncat      4\n");
        let long = listed(Format::Table, 3 * ROWS_TO_FIT);
        assert_eq!(long.lines().count(), 3 * ROWS_TO_FIT + 1);
        assert_eq!(long.matches("name").count(), 1);
    }
}
