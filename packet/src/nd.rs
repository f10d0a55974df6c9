//! Neighbour discovery messages (RFC 4861 §4.3, §4.4), their options, and the
//! rules by which one is valid (§7.1).
//!
//! ```text
//! |  type 135/136  |   code 0   |          checksum           |
//! |R|S|O|                     reserved                       |   flags: 136 only
//! |                   target address, 128 bits               |
//! |  option type   |  length/8  |  ...
//! ```

use core::net::Ipv6Addr;

use arrayvec::ArrayVec;
use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ipv6::Ipv6Header;
use crate::mac::MacAddr;

/// ICMPv6 type of a router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// ICMPv6 type of a router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// ICMPv6 type of a neighbour solicitation.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// ICMPv6 type of a neighbour advertisement.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// ICMPv6 type of a redirect.
pub const REDIRECT: u8 = 137;

/// The hop limit of every neighbour discovery message: no router has touched
/// it (RFC 4861 §3.1, "Using link-local addresses … Hop Limit of 255").
pub const HOP_LIMIT: u8 = 255;

/// Length of a message without options, in bytes.
pub const MESSAGE_LEN: usize = 24;

/// Bytes of a message that is made here: the message, one link-layer address
/// option, one nonce option. Its checksum field is still zero.
pub type Message = ArrayVec<u8, 40>;

/// Six random bytes that tell a looped-back solicitation from another's
/// (RFC 7527 §4.1).
pub type Nonce = [u8; 6];

/// A message that is not valid (RFC 4861 §7.1.1, §7.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NdError {
    /// A router has touched it, or someone beyond one sent it.
    #[error("hop limit is not 255")]
    HopLimit,
    /// Too short for its fixed part.
    #[error("message is shorter than 24 bytes")]
    Length,
    /// Code other than 0.
    #[error("code is not 0")]
    Code,
    /// The target is no unicast address.
    #[error("target is not a unicast address")]
    Target,
    /// An option of length 0, cut off, or a link-layer address that is not a
    /// unicast MAC.
    #[error("option is malformed")]
    Option,
    /// From `::`, but not to a solicited-node group, or with a link-layer
    /// address.
    #[error("source is unspecified where it may not be")]
    Unspecified,
    /// Solicited flag on a multicast advertisement.
    #[error("advertisement to a group claims to be solicited")]
    SolicitedGroup,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FixedPart {
    kind: u8,
    code: u8,
    checksum: U16,
    flags: U32,
    target: [u8; 16],
}

const _: () = assert!(size_of::<FixedPart>() == MESSAGE_LEN);

const ROUTER: u32 = 1 << 31;
const SOLICITED: u32 = 1 << 30;
const OVERRIDE: u32 = 1 << 29;

/// "Who has the target?"
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Solicitation {
    /// The address asked for.
    pub target: Ipv6Addr,
    /// The asker's MAC; none in duplicate address detection.
    pub source_mac: Option<MacAddr>,
    /// In duplicate address detection: tells ours from another's.
    pub nonce: Option<Nonce>,
}

/// "The target is at this MAC."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// The address that is advertised.
    pub target: Ipv6Addr,
    /// Its MAC; may be left out where the asker knows it.
    pub target_mac: Option<MacAddr>,
    /// The sender is a router.
    pub router: bool,
    /// Answers a solicitation: proves reachability.
    pub solicited: bool,
    /// Replaces what is known.
    pub overrides: bool,
}

impl Solicitation {
    /// The solicitation in an ICMPv6 message whose checksum is right.
    ///
    /// # Errors
    /// The rule of RFC 4861 §7.1.1 that it breaks.
    pub fn parse(header: &Ipv6Header, message: &[u8]) -> Result<Self, NdError> {
        let (fixed, target, options) = fixed_part(header, message)?;
        debug_assert_eq!(fixed.kind, NEIGHBOR_SOLICITATION);
        if header.source().is_unspecified() {
            let group = is_solicited_node(header.destination());
            if !group || options.source_mac.is_some() {
                return Err(NdError::Unspecified);
            }
        }
        Ok(Self {
            target,
            source_mac: options.source_mac,
            nonce: options.nonce,
        })
    }

    /// The message, its checksum field zero.
    pub fn emit(&self) -> Message {
        let mut message = emit_fixed(NEIGHBOR_SOLICITATION, 0, self.target);
        if let Some(mac) = self.source_mac {
            emit_option(&mut message, option::SOURCE_MAC, mac.octets());
        }
        if let Some(nonce) = self.nonce {
            emit_option(&mut message, option::NONCE, nonce);
        }
        message
    }
}

impl Advertisement {
    /// The advertisement in an ICMPv6 message whose checksum is right.
    ///
    /// # Errors
    /// The rule of RFC 4861 §7.1.2 that it breaks.
    pub fn parse(header: &Ipv6Header, message: &[u8]) -> Result<Self, NdError> {
        let (fixed, target, options) = fixed_part(header, message)?;
        debug_assert_eq!(fixed.kind, NEIGHBOR_ADVERTISEMENT);
        let flags = fixed.flags.get();
        let solicited = flags & SOLICITED != 0;
        if header.source().is_unspecified() {
            return Err(NdError::Unspecified);
        }
        if solicited && header.destination().is_multicast() {
            return Err(NdError::SolicitedGroup);
        }
        Ok(Self {
            target,
            target_mac: options.target_mac,
            router: flags & ROUTER != 0,
            solicited,
            overrides: flags & OVERRIDE != 0,
        })
    }

    /// The message, its checksum field zero.
    pub fn emit(&self) -> Message {
        let mut flags = 0;
        for (set, flag) in [
            (self.router, ROUTER),
            (self.solicited, SOLICITED),
            (self.overrides, OVERRIDE),
        ] {
            flags |= if set { flag } else { 0 };
        }
        let mut message = emit_fixed(NEIGHBOR_ADVERTISEMENT, flags, self.target);
        if let Some(mac) = self.target_mac {
            emit_option(&mut message, option::TARGET_MAC, mac.octets());
        }
        message
    }
}

/// Option types (RFC 4861 §4.6, RFC 3971 §5.3.2).
mod option {
    pub(super) const SOURCE_MAC: u8 = 1;
    pub(super) const TARGET_MAC: u8 = 2;
    pub(super) const NONCE: u8 = 14;
}

#[derive(Default)]
struct Options {
    source_mac: Option<MacAddr>,
    target_mac: Option<MacAddr>,
    nonce: Option<Nonce>,
}

fn fixed_part<'a>(
    header: &Ipv6Header,
    message: &'a [u8],
) -> Result<(&'a FixedPart, Ipv6Addr, Options), NdError> {
    if header.hop_limit != HOP_LIMIT {
        return Err(NdError::HopLimit);
    }
    let (fixed, options) = FixedPart::ref_from_prefix(message).map_err(|_| NdError::Length)?;
    if fixed.code != 0 {
        return Err(NdError::Code);
    }
    let target = Ipv6Addr::from_octets(fixed.target);
    if target.is_multicast() || target.is_unspecified() {
        return Err(NdError::Target);
    }
    Ok((fixed, target, parse_options(options)?))
}

/// All options are walked, known or not: one of length 0 spoils the message.
/// Where one kind comes twice, the first counts.
fn parse_options(mut rest: &[u8]) -> Result<Options, NdError> {
    let mut options = Options::default();
    while let &[kind, eighths, ..] = rest {
        let len = usize::from(eighths) * 8;
        let body = rest.get(2..len).ok_or(NdError::Option)?;
        rest = rest.get(len..).ok_or(NdError::Option)?;
        match kind {
            option::SOURCE_MAC => {
                options.source_mac = options.source_mac.or(Some(link_layer(body)?));
            }
            option::TARGET_MAC => {
                options.target_mac = options.target_mac.or(Some(link_layer(body)?));
            }
            // A nonce of another length is not from RFC 7527, and not ours.
            option::NONCE if options.nonce.is_none() => options.nonce = body.try_into().ok(),
            _ => {}
        }
    }
    if rest.is_empty() {
        Ok(options)
    } else {
        Err(NdError::Option)
    }
}

/// A link-layer address option of Ethernet has exactly six bytes (RFC 2464 §6).
fn link_layer(body: &[u8]) -> Result<MacAddr, NdError> {
    let octets = body.try_into().map_err(|_| NdError::Option)?;
    let mac = MacAddr::new(octets);
    mac.is_unicast().then_some(mac).ok_or(NdError::Option)
}

fn is_solicited_node(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, _] = address.segments();
    [a, b, c, d, e, f] == [0xff02, 0, 0, 0, 0, 1] && g >> 8 == 0xff
}

fn emit_fixed(kind: u8, flags: u32, target: Ipv6Addr) -> Message {
    let fixed = FixedPart {
        kind,
        code: 0,
        checksum: U16::ZERO,
        flags: U32::new(flags),
        target: target.octets(),
    };
    fixed.as_bytes().iter().copied().collect()
}

/// A message has at most two options, for which [`Message`] has the room.
fn emit_option(message: &mut Message, kind: u8, body: [u8; 6]) {
    message.extend([kind, 1].into_iter().chain(body));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ipv6::{FlowLabel, Ipv6Fields};
    use crate::protocol::IpProtocol;

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn header(source: &str, destination: &str, hop_limit: u8) -> Ipv6Header {
        Ipv6Header::new(&Ipv6Fields {
            source: address(source),
            destination: address(destination),
            traffic_class: 0,
            flow_label: FlowLabel::default(),
            next_header: IpProtocol::ICMPV6,
            hop_limit,
            payload_len: 32,
        })
    }

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last])
    }

    fn solicitation() -> Solicitation {
        Solicitation {
            target: address("fd00::1"),
            source_mac: Some(mac(1)),
            nonce: None,
        }
    }

    fn advertisement() -> Advertisement {
        Advertisement {
            target: address("fd00::1"),
            target_mac: Some(mac(2)),
            router: true,
            solicited: true,
            overrides: false,
        }
    }

    const GROUP: &str = "ff02::1:ff00:1";

    #[test]
    fn bytes_of_a_solicitation() {
        let bytes = solicitation().emit();
        let expect = [
            0x87, 0, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2,
            0, 0, 0, 0, 1,
        ];
        assert_eq!(bytes.as_slice(), expect);
        let parsed = Solicitation::parse(&header("fd00::2", GROUP, 255), &bytes);
        assert_eq!(parsed, Ok(solicitation()));
    }

    #[test]
    fn bytes_of_an_advertisement() {
        let bytes = advertisement().emit();
        assert_eq!(bytes[..8], [0x88, 0, 0, 0, 0xc0, 0, 0, 0]);
        assert_eq!(bytes[24..], [2, 1, 2, 0, 0, 0, 0, 2]);
        let parsed = Advertisement::parse(&header("fd00::1", "fd00::2", 255), &bytes);
        assert_eq!(parsed, Ok(advertisement()));
    }

    #[test]
    fn duplicate_detection_comes_from_nowhere_to_the_group_without_a_mac() {
        let probe = Solicitation {
            source_mac: None,
            nonce: Some([1, 2, 3, 4, 5, 6]),
            ..solicitation()
        };
        let from_nowhere = header("::", GROUP, 255);
        assert_eq!(Solicitation::parse(&from_nowhere, &probe.emit()), Ok(probe));
        let with_mac = solicitation().emit();
        assert_eq!(
            Solicitation::parse(&from_nowhere, &with_mac),
            Err(NdError::Unspecified)
        );
        let to_host = header("::", "fd00::1", 255);
        assert_eq!(
            Solicitation::parse(&to_host, &probe.emit()),
            Err(NdError::Unspecified)
        );
    }

    #[test]
    fn each_rule_of_7_1_1_has_its_error() {
        let good = header("fd00::2", GROUP, 255);
        let refused = |header: &Ipv6Header, change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = solicitation().emit().to_vec();
            change(&mut bytes);
            Solicitation::parse(header, &bytes).unwrap_err()
        };
        let far = header("fd00::2", GROUP, 254);
        assert_eq!(refused(&far, &|_| ()), NdError::HopLimit);
        assert_eq!(refused(&good, &|b| b[1] = 1), NdError::Code);
        assert_eq!(refused(&good, &|b| b.truncate(23)), NdError::Length);
        assert_eq!(refused(&good, &|b| b[8] = 0xff), NdError::Target);
        assert_eq!(refused(&good, &|b| b[25] = 0), NdError::Option);
        assert_eq!(refused(&good, &|b| b[25] = 2), NdError::Option);
        assert_eq!(refused(&good, &|b| b.truncate(31)), NdError::Option);
        assert_eq!(refused(&good, &|b| b.push(1)), NdError::Option);
        assert_eq!(refused(&good, &|b| b[26] |= 1), NdError::Option);
        // An unknown option is skipped, unless its length is 0.
        assert_eq!(
            refused(&good, &|b| b.extend([200, 0, 0, 0, 0, 0, 0, 0])),
            NdError::Option
        );
        let mut bytes = solicitation().emit().to_vec();
        bytes.extend([200, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Solicitation::parse(&good, &bytes), Ok(solicitation()));
    }

    #[test]
    fn an_advertisement_to_a_group_is_never_solicited() {
        let to_all = header("fd00::1", "ff02::1", 255);
        let bytes = advertisement().emit();
        assert_eq!(
            Advertisement::parse(&to_all, &bytes),
            Err(NdError::SolicitedGroup)
        );
        let unsolicited = Advertisement {
            solicited: false,
            ..advertisement()
        };
        assert!(Advertisement::parse(&to_all, &unsolicited.emit()).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            target in any::<u128>(), source in prop::option::of(any::<[u8; 6]>()),
            nonce in prop::option::of(any::<[u8; 6]>()), flags in any::<[bool; 3]>(),
        ) {
            let target = Ipv6Addr::from_bits(target & !(1 << 127) | 1);
            let mac = source.map(MacAddr::new).filter(|mac| mac.is_unicast());
            let asked = Solicitation { target, source_mac: mac, nonce };
            let from = header("fd00::2", GROUP, 255);
            prop_assert_eq!(Solicitation::parse(&from, &asked.emit()), Ok(asked));
            let [router, solicited, overrides] = flags;
            let told = Advertisement { target, target_mac: mac, router, solicited, overrides };
            let from = header("fd00::2", "fd00::3", 255);
            prop_assert_eq!(Advertisement::parse(&from, &told.emit()), Ok(told));
        }

        #[test]
        fn garbage_is_an_error_or_a_message_never_a_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 1..80),
        ) {
            let from = header("fd00::2", GROUP, 255);
            bytes[0] = NEIGHBOR_SOLICITATION;
            let _ = Solicitation::parse(&from, &bytes);
            bytes[0] = NEIGHBOR_ADVERTISEMENT;
            let _ = Advertisement::parse(&from, &bytes);
        }
    }
}
