//! The verbs, one file per noun.

pub(crate) mod address;
pub(crate) mod books;
pub(crate) mod completion;
pub(crate) mod counter;
pub(crate) mod mapping;
pub(crate) mod mtu;

mod interface;
mod neighbor;
mod port;
mod status;
mod uplink;

use std::io::Write;

use crate::args::{Cli, Only, Verb};
use crate::failure::Failure;
use crate::session::Session;

/// Does what was typed.
pub(crate) async fn run(cli: Cli, out: &mut dyn Write) -> Result<(), Failure> {
    let mut session = Session::new(cli.global, out);
    let session = &mut session;
    match cli.verb {
        Verb::Status => status::show(session).await,
        Verb::Port(Only::List) => port::list(session).await,
        Verb::Interface(Only::List) => interface::list(session).await,
        Verb::Mapping(verb) => mapping::run(verb, session).await,
        Verb::Neighbor(Only::List) => neighbor::list(session).await,
        Verb::Uplink(Only::List) => uplink::list(session).await,
        Verb::Mtu(verb) => mtu::run(verb, session).await,
        Verb::Counter(verb) => counter::run(verb, session).await,
        Verb::Books(options) => books::show(&options, session).await,
        Verb::Address(verb) => address::run(verb, session).await,
        Verb::Completion(options) => completion::print(&options, session),
    }
}
