//! `port list`, `port add`, `port remove`.

pub(super) mod add;
pub(super) mod list;
pub(super) mod remove;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the ports, their links and traffic
    #[command(after_help = "Example: vswitchctl port list")]
    List,
    /// Adds a port while the vswitch runs
    #[command(after_help = add::HELP)]
    Add(Box<add::Options>),
    /// Removes a port while the vswitch runs; no node may be behind it
    #[command(after_help = "Example: vswitchctl port remove vm-b")]
    Remove(remove::Options),
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List => list::list(session).await,
        Verb::Add(options) => add::run(&options, session).await,
        Verb::Remove(options) => remove::run(options, session).await,
    }
}
