//! `vswitchctl`: administers a running vswitch over its control socket.
//!
//! [`args`] is what can be typed; [`verb`] has one file per verb or noun, each
//! the other half of the daemon's file of the same name; [`listing`] and
//! [`table`] show answers to people and programs from one value; [`failure`]
//! says what went wrong and with which exit code.
//!
//! What changes networks shares [`topology_files`] (what `-f` names), [`plan`]
//! (what changes) and [`request`] (trying again without doing it twice).
#![forbid(unsafe_code)]

mod args;
mod failure;
mod listing;
mod plan;
mod request;
mod session;
mod table;
mod text;
mod topology_files;
mod verb;
mod wire;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::failure::Failure;

fn main() -> ExitCode {
    match answer(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(words) = failure.words() {
                // With stderr closed there is nobody left to tell.
                let _ = writeln!(io::stderr().lock(), "vswitchctl: {words}");
            }
            failure.exit_code()
        }
    }
}

fn answer(cli: Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = runtime.block_on(verb::run(cli, &mut out));
    // A negative answer has been written too.
    let flushed = out.flush().map_err(Failure::Output);
    match outcome {
        Err(Failure::Negative) => flushed.and(Err(Failure::Negative)),
        Err(other) => Err(other),
        Ok(()) => flushed,
    }
}
