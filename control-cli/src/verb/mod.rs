//! The verbs, one file per noun.

pub(crate) mod address;
pub(crate) mod apply;
pub(crate) mod books;
pub(crate) mod completion;
pub(crate) mod confirm;
pub(crate) mod counter;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod flow;
pub(crate) mod interface;
pub(crate) mod man;
pub(crate) mod mapping;
pub(crate) mod mtu;
pub(crate) mod network;
pub(crate) mod port;
pub(crate) mod rollback;
pub(crate) mod route;
pub(crate) mod router;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod segment;
pub(crate) mod switch;
pub(crate) mod watch;

mod group;
mod history;
mod neighbor;
mod status;
mod table;
mod uplink;

use std::io::Write;

use crate::args::{Cli, Group, Neighbor, Table, Uplink, Verb};
use crate::failure::Failure;
use crate::session::Session;

/// Does what was typed.
pub(crate) async fn run(cli: Cli, out: &mut dyn Write) -> Result<(), Failure> {
    let mut session = Session::new(cli.global, out);
    let session = &mut session;
    match cli.verb {
        Verb::Status => status::show(session).await,
        Verb::Apply(options) => apply::run(options, session).await,
        Verb::Diff(options) => diff::run(options, session).await,
        Verb::Export(options) => export::run(options, session).await,
        Verb::Confirm(options) => confirm::run(&options, session).await,
        Verb::Rollback(options) => rollback::run(&options, session).await,
        Verb::History => history::list(session).await,
        Verb::Watch(options) => watch::run(&options, session).await,
        Verb::Port(verb) => port::run(verb, session).await,
        Verb::Network(verb) => network::run(verb, session).await,
        Verb::Segment(verb) => segment::run(verb, session).await,
        Verb::Interface(verb) => interface::run(verb, session).await,
        Verb::Mapping(verb) => mapping::run(verb, session).await,
        Verb::Table(Table::List) => table::list(session).await,
        Verb::Neighbor(Neighbor::List) => neighbor::list(session).await,
        Verb::Group(Group::List) => group::list(session).await,
        Verb::Uplink(Uplink::List) => uplink::list(session).await,
        Verb::Mtu(verb) => mtu::run(verb, session).await,
        Verb::Router(verb) => router::run(verb, session).await,
        Verb::Switch(verb) => switch::run(verb, session).await,
        Verb::Route(verb) => route::run(verb, session).await,
        Verb::Rule(verb) => rule::run(verb, session).await,
        Verb::Flow(verb) => flow::run(verb, session).await,
        Verb::Counter(verb) => counter::run(verb, session).await,
        Verb::Books(options) => books::show(&options, session).await,
        Verb::Address(verb) => address::run(verb, session).await,
        Verb::Completion(options) => completion::print(&options, session),
        Verb::Schema(options) => schema::print(&options, session),
        Verb::Man(options) => man::write(&options, session),
    }
}

#[cfg(test)]
mod tests;
