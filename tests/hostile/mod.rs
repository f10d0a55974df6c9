//! Bad inputs to a control socket, whatever daemon is behind it: for the tests
//! of several crates, each of which has this as a module.
//!
//! * `frames`: what is no HTTP/2, or bad HTTP/2;
//! * `messages`: what is no gRPC, or bad gRPC.

mod frames;
pub(crate) mod messages;

use core::time::Duration;
use std::path::Path;

/// Nobody waits longer than this, on whatever machine.
pub(crate) const SECONDS: Duration = Duration::from_secs(120);

/// What came of a bad input; `Err`: not what should have come of it.
pub(crate) type Outcome = Result<String, String>;

/// Tries all of them, one after the other, each on a connection of its own.
pub(crate) fn all(socket: &Path) -> impl Iterator<Item = (String, Outcome)> {
    frames::all(socket).chain(messages::all(socket))
}

/// Holds a conversation on a thread that has no runtime.
pub(crate) fn client_side<T>(conversation: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(conversation)
}
