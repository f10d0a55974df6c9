//! One run of `vswitchctl`: where to ask, where and how to answer.

use std::io::Write;
use std::path::PathBuf;

use control_api::{Client, ConnectError};
use serde::Serialize;

use crate::args::{Format, Global};
use crate::failure::Failure;
use crate::listing::{Listing, Row};

/// Where to ask, where and how to answer.
pub(crate) struct Session<'a> {
    socket: PathBuf,
    format: Format,
    out: &'a mut dyn Write,
}

impl<'a> Session<'a> {
    pub(crate) fn new(global: Global, out: &'a mut dyn Write) -> Self {
        Self {
            socket: global.socket,
            format: global.output,
            out,
        }
    }

    /// A connection to the daemon.
    pub(crate) async fn connect(&self) -> Result<Client, ConnectError> {
        Client::connect(&self.socket, PROGRAM).await
    }

    /// Begins a list.
    pub(crate) fn list<R: Row>(&mut self) -> Listing<'_, R> {
        Listing::new(self.format, self.out)
    }

    /// Shows a single value: as JSON, or as the text that `text` makes of it.
    pub(crate) fn show<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.out.write_all(text(value).as_bytes()),
            Format::Json => serde_json::to_writer_pretty(&mut *self.out, value)
                .map_err(Into::into)
                .and_then(|()| self.out.write_all(b"\n")),
        }
        .map_err(Failure::Output)
    }

    /// Shows one of a series of values at once: as a line of JSON, or as the
    /// line that `text` makes of it.
    pub(crate) fn tell<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.out.write_all(text(value).as_bytes()),
            Format::Json => serde_json::to_writer(&mut *self.out, value).map_err(Into::into),
        }
        .and_then(|()| self.out.write_all(b"\n"))
        .map_err(Failure::Output)
    }

    /// Lets the reader see what was written so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::Output)
    }

    /// Is the answer for people?
    pub(crate) fn for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Writes as is, whatever the format.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(Failure::Output)
    }
}

const PROGRAM: &str = concat!("vswitchctl ", env!("CARGO_PKG_VERSION"));
