//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verb::{address, books, completion, counter, mapping, mtu};

/// Administers a running vswitch.
#[derive(Debug, Parser)]
#[command(name = "vswitchctl", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The vswitch's control socket
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "VSWITCH_SOCKET",
        default_value = control_api::DEFAULT_SOCKET
    )]
    pub(crate) socket: PathBuf,
    /// How to show the answer
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub(crate) output: Format,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    #[default]
    Table,
    /// Stable field names, for programs
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Who the daemon is and how its workers fare
    Status,
    /// The vswitch's ports
    #[command(subcommand)]
    Port(Only),
    /// The nodes' interfaces on this host
    #[command(subcommand)]
    Interface(Only),
    /// Where virtual addresses are
    #[command(subcommand)]
    Mapping(mapping::Verb),
    /// The fabric's routers and hosts next to this one
    #[command(subcommand)]
    Neighbor(Only),
    /// The ports to the fabric, with this host's own addresses there
    #[command(subcommand)]
    Uplink(Only),
    /// How large packets to other hosts may be
    #[command(subcommand)]
    Mtu(mtu::Verb),
    /// What was counted: traffic, events, drops by reason
    #[command(subcommand)]
    Counter(counter::Verb),
    /// Where every packet went; exits 1 if the numbers do not add up
    Books(books::Options),
    /// Substrate addresses and their parts (works without a daemon)
    #[command(subcommand)]
    Address(address::Verb),
    /// Prints a completion script for a shell
    Completion(completion::Options),
}

/// The verb of nouns that can only be listed.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Only {
    /// Lists them
    List,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the answer is negative or the verb failed; \
2 wrong usage; 3 no daemon reached";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_anywhere() {
        let before = Cli::try_parse_from(["vswitchctl", "-o", "json", "port", "list"]).unwrap();
        let after = Cli::try_parse_from(["vswitchctl", "port", "list", "-o", "json"]).unwrap();
        assert_eq!(before.global.output, Format::Json);
        assert_eq!(after.global.output, Format::Json);
    }
}
