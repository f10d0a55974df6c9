//! `completion SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell that shall complete
    shell: Shell,
}

pub(super) fn print(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    session.write(&script(options.shell))
}

/// The completion script for a shell.
pub(super) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "vswitchctl", &mut script);
    script
}
