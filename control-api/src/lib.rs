//! The local control protocol: what a vswitch and its clients say to each
//! other over the control socket.
//!
//! * [`v1`]: messages and service, generated from `proto/vswitch/control/v1/`;
//!   one file there per verb.
//! * [`Client`]: connects to the socket and makes sure that both sides speak
//!   the same version.
//!
//! Units and value ranges stand beside the fields in the `.proto` files. MAC
//! addresses are 6 octets, IPv6 addresses 16, both in transmission order;
//! virtual IPv4 addresses are 32-bit numbers, most significant octet first.
#![forbid(unsafe_code)]

mod client;
mod connect_error;

pub use client::Client;
pub use connect_error::ConnectError;

/// Messages and service of major version 1.
#[allow(missing_docs, reason = "generated; the .proto files carry the words")]
pub mod v1 {
    tonic::include_proto!("vswitch.control.v1");
}

/// Where a vswitch listens unless its configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/vswitch/control.sock";

/// The version spoken by this build. `v1` messages are major version 1.
pub const API_VERSION: v1::ApiVersion = v1::ApiVersion { major: 1, minor: 6 };
