//! `mapping list`, `load`, `save`, `set` and `remove`.
//!
//! [`mod@format`] is the text that `load` reads and `save` writes;
//! [`reader`] cuts it into transactions, which [`load`] keeps in flight;
//! [`transaction`] is what is asked and answered.

pub(super) mod change;
mod format;
pub(super) mod list;
pub(super) mod load;
mod progress;
mod reader;
pub(super) mod save;
mod transaction;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the mappings, by segment id and address
    #[command(after_help = "Example: vswitchctl mapping list --segment 0x00a001")]
    List(list::Options),
    /// Loads mappings from a file, any number of them
    #[command(after_help = load::HELP)]
    Load(load::Options),
    /// Writes mappings to a file that load reads
    #[command(after_help = save::HELP)]
    Save(save::Options),
    /// Says where one virtual address is
    #[command(after_help = change::SET_HELP)]
    Set(change::Set),
    /// Forgets where one virtual address is
    #[command(after_help = "Example: vswitchctl mapping remove 0x00a001 10.0.0.9")]
    Remove(change::Remove),
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List(options) => list::list(&options, session).await,
        Verb::Load(options) => load::run(&options, session).await,
        Verb::Save(options) => save::run(&options, session).await,
        Verb::Set(set) => change::set(&set, session).await,
        Verb::Remove(remove) => change::remove(&remove, session).await,
    }
}
