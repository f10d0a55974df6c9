//! The state file against a plain model: with what is written and read, with
//! processes killed while they write, with damage, without space.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::disallowed_macros,
    clippy::print_stdout
)]

mod damage;
mod full;
mod kill;
mod model;
mod rounds;
