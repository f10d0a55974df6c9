//! `address decode` and `address encode`: substrate addresses and their
//! parts. Both work without a daemon; a reachable one adds names.

mod parts;

use core::net::{Ipv4Addr, Ipv6Addr};
use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use control_api::{ConnectError, DEFAULT_SOCKET, v1};
use packet::{IdError, Locator, SegmentId, Slot, SubstrateAddr, VirtualAddr};

pub(super) use self::parts::Parts;
use crate::failure::Failure;
use crate::session::Session;

const ENCODE_HELP: &str = "\
Example:
  vswitchctl address encode --locator fd00:0:0:b::/64 --segment 0x00a001 --address 10.0.0.3";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Shows the parts of a substrate address, with names if a daemon is
    /// reachable
    #[command(after_help = "Example: vswitchctl address decode fd00::b:0:a001:a00:3")]
    Decode(Decode),
    /// Makes a substrate address of its parts
    #[command(after_help = ENCODE_HELP)]
    Encode(Encode),
}

#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// The address, e.g. fd00::b:0:a001:a00:3
    address: Ipv6Addr,
}

#[derive(Debug, Args)]
pub(crate) struct Encode {
    /// The host's locator, e.g. fd00:0:0:b::/64
    #[arg(long, value_name = "PREFIX")]
    locator: Locator,
    /// The segment's id, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: SegmentId,
    /// The virtual address, e.g. 10.0.0.3
    #[arg(long, value_name = "IPV4")]
    address: Ipv4Addr,
    /// Which node on that host, 0 to 63
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = slot)]
    slot: Slot,
    /// Deliver to the node in the slot, whatever the virtual address
    #[arg(long)]
    forward: bool,
    /// The destination is a group
    #[arg(long)]
    group: bool,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::Decode(decode) => {
            let mut parts = Parts::of(decode.address)?;
            if parts.names_something() {
                parts.name(names(decode.address, session).await?)?;
            }
            session.show(&parts, Parts::text)
        }
        Verb::Encode(encode) => {
            let address = encode.to_address().to_ipv6();
            session.show(&Parts::of(address)?, |_| format!("{address}\n"))
        }
    }
}

impl Encode {
    fn to_address(&self) -> SubstrateAddr {
        SubstrateAddr {
            locator: self.locator,
            slot: self.slot,
            forward: self.forward,
            group: self.group,
            segment: self.segment,
            address: VirtualAddr::new(self.address),
        }
    }
}

/// What a daemon knows of the address; nothing if there is none.
async fn names(
    address: Ipv6Addr,
    session: &Session<'_>,
) -> Result<v1::DescribeAddressReply, Failure> {
    let mut client = match session.connect().await {
        Ok(client) => client,
        Err(ConnectError::NotRunning(socket)) if socket.as_os_str() == DEFAULT_SOCKET => {
            return Ok(v1::DescribeAddressReply::default());
        }
        // Somebody counts on that socket: say why there are no names.
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "vswitchctl: without names: {error}");
            return Ok(v1::DescribeAddressReply::default());
        }
    };
    let request = v1::DescribeAddressRequest {
        address: address.octets().to_vec(),
    };
    Ok(client.verbs().describe_address(request).await?.into_inner())
}

fn slot(text: &str) -> Result<Slot, IdError> {
    let number = text.parse().map_err(|_| IdError::Text(text.to_owned()))?;
    Slot::new(number)
}
