//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verb::{
    address, apply, books, completion, confirm, counter, diff, export, flow, interface, man,
    mapping, mtu, network, port, rollback, route, router, rule, schema, segment, switch, watch,
};

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
    #[command(after_help = "Example: vswitchctl status")]
    Status,
    /// Puts networks into force: all of the files, or nothing
    #[command(after_help = apply::HELP)]
    Apply(apply::Options),
    /// Says what applying files would change; exits 1 if anything
    #[command(after_help = diff::HELP)]
    Diff(diff::Options),
    /// Writes the topology in force, as YAML that apply takes
    #[command(after_help = "Example: vswitchctl export --network z > z.yaml")]
    Export(export::Options),
    /// Keeps a topology that would go back by itself
    #[command(after_help = "Example: vswitchctl confirm 812")]
    Confirm(confirm::Options),
    /// Goes back to an earlier topology
    #[command(after_help = rollback::HELP)]
    Rollback(rollback::Options),
    /// The topologies that were in force, newest first
    #[command(after_help = "Example: vswitchctl history")]
    History,
    /// Tells what changes, as it changes, until interrupted
    #[command(after_help = watch::HELP)]
    Watch(watch::Options),
    /// The vswitch's ports
    #[command(subcommand, after_help = "Example: vswitchctl port list")]
    Port(port::Verb),
    /// The virtual networks
    #[command(subcommand, after_help = "Example: vswitchctl network list")]
    Network(network::Verb),
    /// The networks' segments
    #[command(subcommand, after_help = "Example: vswitchctl segment list")]
    Segment(segment::Verb),
    /// The nodes' interfaces on this host
    #[command(subcommand, after_help = "Example: vswitchctl interface list")]
    Interface(interface::Verb),
    /// Where virtual addresses are
    #[command(subcommand, after_help = "Example: vswitchctl mapping list")]
    Mapping(mapping::Verb),
    /// The tables that the workers read
    #[command(subcommand, after_help = "Example: vswitchctl table list")]
    Table(Table),
    /// The fabric's routers and hosts next to this one
    #[command(subcommand, after_help = "Example: vswitchctl neighbor list")]
    Neighbor(Neighbor),
    /// Who listens to which multicast group
    #[command(subcommand, after_help = "Example: vswitchctl group list")]
    Group(Group),
    /// The ports to the fabric, with this host's own addresses there
    #[command(subcommand, after_help = "Example: vswitchctl uplink list")]
    Uplink(Uplink),
    /// How large packets to other hosts may be
    #[command(subcommand, after_help = "Example: vswitchctl mtu check")]
    Mtu(mtu::Verb),
    /// The logical routers
    #[command(subcommand, after_help = "Example: vswitchctl router list")]
    Router(router::Verb),
    /// The logical switches
    #[command(subcommand, after_help = "Example: vswitchctl switch list")]
    Switch(switch::Verb),
    /// Ways through the drawn networks
    #[command(
        subcommand,
        after_help = "Example: vswitchctl route get --from 10.0.0.2 --to 10.1.5.3"
    )]
    Route(route::Verb),
    /// The access rules: who may send what to whom
    #[command(subcommand, after_help = "Example: vswitchctl rule list")]
    Rule(rule::Verb),
    /// The flows whose replies pass without a rule
    #[command(subcommand, after_help = "Example: vswitchctl flow list")]
    Flow(flow::Verb),
    /// What was counted: traffic, events, drops by reason
    #[command(subcommand, after_help = "Example: vswitchctl counter list --drops")]
    Counter(counter::Verb),
    /// Where every packet went; exits 1 if the numbers do not add up
    #[command(after_help = "Example: vswitchctl books --within 5")]
    Books(books::Options),
    /// Substrate addresses and their parts (works without a daemon)
    #[command(
        subcommand,
        after_help = "Example: vswitchctl address decode fd00::b:0:a001:a00:3"
    )]
    Address(address::Verb),
    /// Prints a completion script for a shell (works without a daemon)
    #[command(
        after_help = "Example: vswitchctl completion bash > /etc/bash_completion.d/vswitchctl"
    )]
    Completion(completion::Options),
    /// Prints the JSON schema of verbs' answers (works without a daemon)
    #[command(after_help = "Example: vswitchctl schema mapping list")]
    Schema(schema::Options),
    /// Writes the manual pages (works without a daemon)
    #[command(after_help = "Example: vswitchctl man /usr/local/share/man/man1")]
    Man(man::Options),
}

/// The verb of tables.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Table {
    /// Lists the tables: capacity, occupancy, memory
    #[command(after_help = "Example: vswitchctl table list")]
    List,
}

/// The verb of neighbours.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Neighbor {
    /// Lists the neighbours on the fabric
    #[command(after_help = "Example: vswitchctl neighbor list")]
    List,
}

/// The verb of groups.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Group {
    /// Lists who listens to which multicast group
    #[command(after_help = "Example: vswitchctl group list")]
    List,
}

/// The verb of uplinks.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Uplink {
    /// Lists the uplinks, with this host's own addresses
    #[command(after_help = "Example: vswitchctl uplink list")]
    List,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the answer is negative or the verb failed; \
2 wrong usage (diff: also whatever kept it from comparing); 3 no daemon reached";

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
