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
    let mut script = Vec::new();
    generate(
        options.shell,
        &mut Cli::command(),
        "vswitchctl",
        &mut script,
    );
    session.write(&script)
}
