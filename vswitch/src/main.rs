//! `vswitch --config FILE [--check|--take-over]`: the daemon's command line.
#![forbid(unsafe_code)]

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use vswitch::config::HostConfig;
use vswitch::daemon::restore::{RestoreError, restore};
use vswitch::take_over::TakeOver;
use vswitch::{config, platform};

/// A virtual switch: private networks for many tenants on one IPv6 fabric,
/// without tunnels.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// This host's configuration.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Only check the configuration: exit 0 if it can be used, 1 with every
    /// fault's place and remedy if not.
    #[arg(long)]
    check: bool,
    /// Take over from the vswitch that runs with this control.socket: it forwards
    /// until this one has read the configuration and the state and has started
    /// DPDK, then closes its ports and ends. If anything is wrong before that, it
    /// goes on, and this one exits 1. If none runs there, this is a usual start.
    #[arg(long, conflicts_with = "check")]
    take_over: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            EnvFilter::try_from_env("VSWITCH_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .init();
    let outcome = match (arguments.check, arguments.take_over) {
        (true, _) => check(&arguments.config).map(drop),
        (false, true) => take_over(&arguments.config),
        (false, false) => start(&arguments.config, None),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(faults) => {
            complain_of_all(&faults);
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration, starting nothing.
fn check(path: &Path) -> Result<HostConfig, Vec<String>> {
    let config = config::load(path).map_err(|faults| in_words(&faults))?;
    complain_of_all(&config.warnings);
    platform::check(&config).map_err(said_by_vswitch)?;
    Ok(config)
}

/// Starts, and runs until told to end.
fn start(path: &Path, over: Option<TakeOver>) -> Result<(), Vec<String>> {
    let restored = restore(path).map_err(|error| match error {
        RestoreError::Faults(faults) => in_words(&faults),
        error => said_by_vswitch(error),
    })?;
    complain_of_all(&restored.config.warnings);
    complain_of_all(&restored.attention);
    platform::run(restored, over).map_err(said_by_vswitch)
}

/// Starts in the place of a vswitch that runs, which is not disturbed before
/// this configuration is known to be right.
fn take_over(path: &Path) -> Result<(), Vec<String>> {
    let socket = check(path)?.control.socket;
    let over = TakeOver::begin(&socket).map_err(said_by_vswitch)?;
    if over.is_none() {
        tracing::info!(
            socket = %socket.display(),
            "no vswitch runs there to take over from: this is a usual start"
        );
    }
    start(path, over)
}

fn in_words(faults: &[impl ToString]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn said_by_vswitch(error: impl core::fmt::Display) -> Vec<String> {
    vec![format!("vswitch: {error}")]
}

fn complain_of_all(what: &[impl core::fmt::Display]) {
    for what in what {
        complain(what);
    }
}

/// To the operator, on stderr; a closed stderr is no reason to crash.
fn complain(what: &dyn core::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{what}");
}
