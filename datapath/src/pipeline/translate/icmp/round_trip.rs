//! Would an error message come back as it is? Only then may it be rewritten
//! between two vswitches; RFC 7915 maps many onto one (net and host unreachable,
//! for instance), and what it maps so goes raw.

use packet::VirtualAddr;

use super::error_to_v4::{ToV4, to_v4};
use super::error_to_v6::{ToV6, to_v6};
use super::{MAX_ERROR_V6, Peer, Untranslatable, embedded};
use crate::pipeline::translate::mtu::NextHops;
use crate::pipeline::translate::v4_to_v6::Addresses;

/// Room for one message there and back, one per worker.
#[derive(Debug, Clone)]
pub struct Scratch {
    there: [u8; MAX_ERROR_V6],
    back: [u8; MAX_ERROR_V6],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            there: [0; MAX_ERROR_V6],
            back: [0; MAX_ERROR_V6],
        }
    }
}

/// The ICMPv6 message that stands for an ICMPv4 error between two vswitches, from
/// the first byte of the ICMP header on: [`to_v6`], if the receiver's [`to_v4`]
/// restores `message` from it byte for byte.
///
/// # Errors
/// Why it must go raw.
pub fn to_v6_if_it_comes_back<'s>(
    message: &[u8],
    outer: Addresses,
    quoted: &dyn Fn(VirtualAddr, VirtualAddr) -> Option<Addresses>,
    scratch: &'s mut Scratch,
) -> Result<&'s [u8], Untranslatable> {
    let Scratch { there, back } = scratch;
    let (peer, mtu) = (Peer::Vswitch, NextHops::UNKNOWN);
    let cx = ToV6 {
        outer,
        peer,
        mtu,
        traffic_class: None,
        quoted,
    };
    let len = to_v6(message, &cx, there)?;
    let there = there.get(..len).ok_or(Untranslatable::TooLong)?;
    let cx = ToV4 {
        outer,
        peer,
        mtu,
        type_of_service: None,
        quoted: &embedded,
    };
    let len = to_v4(there, &cx, back).map_err(|_| Untranslatable::Lossy)?;
    if back.get(..len) == Some(message) {
        Ok(there)
    } else {
        Err(Untranslatable::Lossy)
    }
}
