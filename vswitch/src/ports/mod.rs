//! The ports: where frames come from and go to.

pub mod queue;

pub use queue::{BURST, Packets, RxQueue, TxQueue};
