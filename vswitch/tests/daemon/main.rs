//! The real daemon, as a process, on memory ports: changed over its socket,
//! killed, started again.

mod changes;
mod killed;
mod process;
