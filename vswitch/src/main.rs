//! `vswitch --config FILE [--check]`: the daemon's command line.
#![forbid(unsafe_code)]

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use vswitch::daemon::restore::{RestoreError, restore};
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
    let outcome = if arguments.check {
        match config::load(&arguments.config) {
            Ok(config) => {
                complain_of_all(&config.warnings);
                platform::check(&config)
            }
            Err(faults) => {
                complain_of_all(&faults);
                return ExitCode::FAILURE;
            }
        }
    } else {
        match restore(&arguments.config) {
            Ok(restored) => {
                complain_of_all(&restored.config.warnings);
                complain_of_all(&restored.attention);
                platform::run(restored)
            }
            Err(RestoreError::Faults(faults)) => {
                complain_of_all(&faults);
                return ExitCode::FAILURE;
            }
            Err(error) => {
                complain(&format_args!("vswitch: {error}"));
                return ExitCode::FAILURE;
            }
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format_args!("vswitch: {error}"));
            ExitCode::FAILURE
        }
    }
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
