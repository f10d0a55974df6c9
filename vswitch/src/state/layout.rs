//! What is where in the file: the tables, and the messages in their rows.
//!
//! Mappings are a **base** (all of them at some moment, sorted) and **logs** of
//! the changes since. Each base has a number `n` and contains every log below
//! `n`; what holds is the base that [`Head::base`] names, then the logs from
//! that number up to [`Head::log`]. A checkpoint begins another log, writes
//! the base of that number beside the one in use, and in its last transaction
//! names the new one and drops what it contains. So a crash finds the old
//! base with all its logs, or the new one.

use redb::TableDefinition;

/// The number of this format. Raise it whenever an older vswitch would read
/// wrongly, or this one would read an older file wrongly.
pub(super) const FORMAT: u32 = 1;

/// Single rows, by name.
pub(super) const ROWS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("vswitch");
/// The row with [`FORMAT`], little-endian: the one thing that no format may
/// change.
pub(super) const ROW_FORMAT: &str = "format";
/// The row with [`Head`].
pub(super) const ROW_HEAD: &str = "head";
/// The row with [`Ports`].
pub(super) const ROW_PORTS: &str = "ports";

/// [`Topology`] by revision.
pub(super) const HISTORY: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("history");
/// The networks' texts, by the number that [`Network::text`] refers to.
pub(super) const TEXTS: TableDefinition<'static, u64, &str> = TableDefinition::new("texts");
/// (Revision, request id), in the order of the requests.
pub(super) const REQUESTS: TableDefinition<'static, u64, (u64, &str)> =
    TableDefinition::new("requests");

/// Pieces of mappings ([`super::piece`]) in their order.
pub(super) type Pieces<'a> = TableDefinition<'a, u64, &'static [u8]>;

/// What the names of all bases begin with.
pub(super) const BASE_PREFIX: &str = "base-";
/// What the names of all logs begin with.
pub(super) const LOG_PREFIX: &str = "log-";

/// The name of a base's table.
pub(super) fn base_name(number: u64) -> String {
    format!("{BASE_PREFIX}{number}")
}

/// The name of a log's table.
pub(super) fn log_name(number: u64) -> String {
    format!("{LOG_PREFIX}{number}")
}

/// What the file is, and how far it is. Written with every transaction.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Head {
    /// The host whose state it is.
    #[prost(string, tag = "1")]
    pub(super) host: String,
    /// The newest commit.
    #[prost(uint64, tag = "2")]
    pub(super) revision: u64,
    /// Counts transactions: tells, after a failure, whether one got in.
    #[prost(uint64, tag = "3")]
    pub(super) transactions: u64,
    /// The base in use; its table may be missing: it is empty then.
    #[prost(uint64, tag = "4")]
    pub(super) base: u64,
    /// The log that is written.
    #[prost(uint64, tag = "5")]
    pub(super) log: u64,
    /// Mappings in the base.
    #[prost(uint64, tag = "6")]
    pub(super) base_mappings: u64,
    /// Changes in the logs that the base does not contain.
    #[prost(uint64, tag = "7")]
    pub(super) log_changes: u64,
    /// A topology that waits to be confirmed.
    #[prost(message, optional, tag = "8")]
    pub(super) unconfirmed: Option<Unconfirmed>,
    /// The process that wrote it last has closed it.
    #[prost(bool, tag = "9")]
    pub(super) closed: bool,
}

/// See [`super::record::Unconfirmed`].
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Unconfirmed {
    #[prost(uint64, tag = "1")]
    pub(super) revision: u64,
    /// Nanoseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub(super) until: u64,
    #[prost(uint64, tag = "3")]
    pub(super) back_to: u64,
}

/// See [`super::record::TopologyRecord`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Topology {
    /// Nanoseconds since 1970.
    #[prost(uint64, tag = "1")]
    pub(super) at: u64,
    /// Missing: the daemon itself.
    #[prost(uint32, optional, tag = "2")]
    pub(super) uid: Option<u32>,
    #[prost(enumeration = "Cause", tag = "3")]
    pub(super) cause: i32,
    #[prost(string, tag = "4")]
    pub(super) summary: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) networks: Vec<Network>,
}

/// See [`super::record::Cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Cause {
    /// Written by no vswitch.
    Unspecified = 0,
    Configured = 1,
    Applied = 2,
    RolledBack = 3,
    Unconfirmed = 4,
}

/// See [`super::record::NetworkText`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Network {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) label: String,
    #[prost(uint32, tag = "3")]
    pub(super) first_line: u32,
    /// Its row in [`TEXTS`].
    #[prost(uint64, tag = "4")]
    pub(super) text: u64,
}

/// The ports added at run time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Ports {
    #[prost(message, repeated, tag = "1")]
    pub(super) ports: Vec<Port>,
}

/// See [`super::record::PortText`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Port {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) text: String,
}

/// Changes of mappings, in their order; column by column, which packs best.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Piece {
    /// Keys (segment, 24 bits, above address, 32 bits), each as its difference
    /// from the one before, the first from 0.
    #[prost(sint64, repeated, tag = "1")]
    pub(super) steps: Vec<i64>,
    /// For each key, 0: removed; else the place of its locator in `locators`,
    /// from 1.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) places: Vec<u32>,
    /// Locators.
    #[prost(fixed64, repeated, tag = "3")]
    pub(super) locators: Vec<u64>,
    /// For each key that is not removed, its MAC: six octets.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) macs: Vec<u8>,
    /// For each key that is not removed, its slot; empty: all are 0.
    #[prost(bytes = "vec", tag = "5")]
    pub(super) slots: Vec<u8>,
}
