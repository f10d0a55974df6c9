//! Which header of an IPv6 packet is its payload's? (RFC 7915 §5.1, §5.1.1.)
//! Hop-by-hop options, destination options and a finished routing header are
//! skipped, however many there are; a fragment header is kept.

use packet::IpProtocol;
use packet::fragment::{FRAGMENT_LEN, FragmentHeader};
use packet::ipv6::IPV6_LEN;
use zerocopy::FromBytes;

/// What stands behind an IPv6 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain<'a> {
    /// What the payload is.
    pub protocol: IpProtocol,
    /// The fragment header, if there is one.
    pub fragment: Option<FragmentHeader>,
    /// Behind all headers.
    pub payload: &'a [u8],
}

/// Why a chain has no payload to translate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A header is longer than the packet.
    Cut,
    /// A routing header has segments left.
    SegmentsLeft {
        /// Which byte of the packet says so, from the IPv6 header on.
        pointer: u32,
    },
    /// An extension header stands behind a fragment header.
    Unexpected,
}

/// Walks the headers behind an IPv6 header that says `next`, in `bytes`.
///
/// # Errors
/// As [`Broken`] says.
pub fn walk(mut next: IpProtocol, bytes: &[u8]) -> Result<Chain<'_>, Broken> {
    let mut rest = bytes;
    // Each header is at least 8 bytes of those there are.
    loop {
        let len = match next {
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION_OPTIONS => extension_len(rest)?,
            IpProtocol::ROUTING => {
                let len = extension_len(rest)?;
                if rest.get(3).is_some_and(|segments_left| *segments_left != 0) {
                    let at = IPV6_LEN + (bytes.len() - rest.len()) + 3;
                    return Err(Broken::SegmentsLeft {
                        pointer: u32::try_from(at).unwrap_or(0),
                    });
                }
                len
            }
            IpProtocol::FRAGMENT => return behind_fragment(rest),
            protocol => {
                return Ok(Chain {
                    protocol,
                    fragment: None,
                    payload: rest,
                });
            }
        };
        next = IpProtocol(rest.first().copied().ok_or(Broken::Cut)?);
        rest = rest.get(len..).ok_or(Broken::Cut)?;
    }
}

/// The ICMPv6 message behind whatever headers there are, also those that end
/// [`walk`]; empty where it is not the first piece or cut short. About some of
/// these no error may be sent (§5.4; RFC 4443 §2.4 e).
pub fn icmp_message(mut next: IpProtocol, bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while next != IpProtocol::ICMPV6 {
        let len = match next {
            IpProtocol::FRAGMENT => {
                let (fragment, _) = FragmentHeader::read_from_prefix(rest).ok()?;
                if fragment.fragment().is_later() {
                    let is_icmp = fragment.next_header == IpProtocol::ICMPV6;
                    return is_icmp.then_some(&[]);
                }
                FRAGMENT_LEN
            }
            // RFC 4302 §2.2: in units of 4 bytes, the first two not counted.
            IpProtocol::AH => (usize::from(*rest.get(1)?) + 2) * 4,
            other if is_extension(other) => extension_len(rest).ok()?,
            _ => return None,
        };
        next = IpProtocol(*rest.first()?);
        rest = rest.get(len..)?;
    }
    Some(rest)
}

/// RFC 8200 §4.3, §4.4, §4.6: in units of 8 bytes, the first not counted.
fn extension_len(header: &[u8]) -> Result<usize, Broken> {
    let units = header.get(1).copied().ok_or(Broken::Cut)?;
    Ok((usize::from(units) + 1) * 8)
}

fn behind_fragment(bytes: &[u8]) -> Result<Chain<'_>, Broken> {
    let (fragment, payload) = FragmentHeader::read_from_prefix(bytes).map_err(|_| Broken::Cut)?;
    let protocol = fragment.next_header;
    // §5.1.1: in a later fragment such a header could not even be found.
    if is_extension(protocol) {
        return Err(Broken::Unexpected);
    }
    Ok(Chain {
        protocol,
        fragment: Some(fragment),
        payload,
    })
}

/// IANA's list of IPv6 extension header types, but for ESP, which §5.1.1 lets
/// through, and the numbers for experiments, which are transports' too.
const fn is_extension(protocol: IpProtocol) -> bool {
    matches!(
        protocol,
        IpProtocol::HOP_BY_HOP
            | IpProtocol::ROUTING
            | IpProtocol::FRAGMENT
            | IpProtocol::AH
            | IpProtocol::DESTINATION_OPTIONS
            | IpProtocol::MOBILITY
            | IpProtocol::HIP
            | IpProtocol::SHIM6
    )
}

#[cfg(test)]
mod tests {
    use packet::Fragment;
    use zerocopy::IntoBytes;

    use super::*;

    const TRANSPORT: [u8; 4] = [0xde, 0xad, 0xbe, 0xef];

    /// An extension header of so many units of 8 bytes, its fourth byte given.
    fn header(next: IpProtocol, units: usize, fourth: u8) -> Vec<u8> {
        let mut header = vec![0; units * 8];
        header[0] = next.0;
        header[1] = u8::try_from(units - 1).unwrap();
        header[3] = fourth;
        header
    }

    fn fragment(next: IpProtocol) -> Vec<u8> {
        let header = FragmentHeader::new(next, Fragment::new(185, true), 7);
        header.as_bytes().to_vec()
    }

    /// RFC 7915 §5.1: options and a routing header at its end are skipped.
    #[test]
    fn options_and_a_finished_routing_header_are_skipped() {
        let bytes = [
            header(IpProtocol::DESTINATION_OPTIONS, 1, 9),
            header(IpProtocol::ROUTING, 2, 9),
            header(IpProtocol::TCP, 3, 0),
            TRANSPORT.to_vec(),
        ]
        .concat();
        let chain = walk(IpProtocol::HOP_BY_HOP, &bytes).unwrap();
        assert_eq!((chain.protocol, chain.fragment), (IpProtocol::TCP, None));
        assert_eq!(chain.payload, TRANSPORT);
    }

    /// RFC 7915 §5.1: segments left are refused, by a pointer to their count.
    #[test]
    fn segments_left_are_pointed_at() {
        let bytes = [
            header(IpProtocol::ROUTING, 2, 0),
            header(IpProtocol::TCP, 1, 1),
        ]
        .concat();
        let broken = walk(IpProtocol::DESTINATION_OPTIONS, &bytes);
        assert_eq!(
            broken,
            Err(Broken::SegmentsLeft {
                pointer: 40 + 16 + 3
            })
        );
    }

    /// RFC 7915 §5.1.1: headers before a fragment header are skipped, and what
    /// it says is next is what the fragment carries.
    #[test]
    fn a_fragment_header_ends_the_walk() {
        for protocol in [IpProtocol::UDP, IpProtocol(50), IpProtocol(253)] {
            let bytes = [
                header(IpProtocol::FRAGMENT, 1, 0),
                fragment(protocol),
                TRANSPORT.to_vec(),
            ]
            .concat();
            let chain = walk(IpProtocol::HOP_BY_HOP, &bytes).unwrap();
            assert_eq!(chain.protocol, protocol);
            assert_eq!(chain.fragment.unwrap().fragment(), Fragment::new(185, true));
            assert_eq!(chain.payload, TRANSPORT);
        }
    }

    /// RFC 7915 §5.1.1: an extension header in a fragment, AH among them but
    /// not ESP, is refused.
    #[test]
    fn an_extension_header_behind_a_fragment_header_is_refused() {
        for protocol in [0, 43, 44, 51, 60, 135, 139, 140] {
            let bytes = [fragment(IpProtocol(protocol)), vec![0; 64]].concat();
            let broken = walk(IpProtocol::FRAGMENT, &bytes);
            assert_eq!(broken, Err(Broken::Unexpected), "{protocol}");
        }
    }

    #[test]
    fn a_chain_longer_than_the_packet_or_the_limit_is_broken() {
        let long = header(IpProtocol::TCP, 3, 0);
        for bytes in [&[][..], &[6], &long[..23]] {
            let broken = walk(IpProtocol::HOP_BY_HOP, bytes);
            assert_eq!(broken, Err(Broken::Cut), "{bytes:?}");
        }
        let cut = fragment(IpProtocol::UDP);
        let broken = walk(IpProtocol::FRAGMENT, &cut[..7]);
        assert_eq!(broken, Err(Broken::Cut));
    }

    /// RFC 7915 §5.1: however many there are.
    #[test]
    fn any_number_of_options_is_skipped() {
        let mut many = header(IpProtocol::DESTINATION_OPTIONS, 1, 0).repeat(100);
        many.extend(header(IpProtocol::UDP, 1, 0));
        many.extend(TRANSPORT);
        let chain = walk(IpProtocol::DESTINATION_OPTIONS, &many).unwrap();
        assert_eq!(
            (chain.protocol, chain.payload),
            (IpProtocol::UDP, &TRANSPORT[..])
        );
    }

    #[test]
    fn icmp_is_found_behind_every_header() {
        let message = [1, 4, 0xab, 0xcd];
        let ah = [&[IpProtocol::ICMPV6.0, 4][..], &[0; 22]].concat();
        let headers = [
            header(IpProtocol::MOBILITY, 1, 0),
            header(IpProtocol::ROUTING, 2, 0),
            header(IpProtocol::DESTINATION_OPTIONS, 3, 2),
            header(IpProtocol::AH, 1, 0),
            ah,
        ]
        .concat();
        let bytes = [&headers[..], &message].concat();
        let found = icmp_message(IpProtocol::HOP_BY_HOP, &bytes);
        assert_eq!(found, Some(&message[..]));
        let cut = icmp_message(IpProtocol::HOP_BY_HOP, &headers);
        assert_eq!(cut, Some(&[][..]));
        for len in 0..headers.len() {
            assert_eq!(icmp_message(IpProtocol::HOP_BY_HOP, &headers[..len]), None);
        }
        let piece = |offset| {
            let place = Fragment::new(offset, true);
            let header = FragmentHeader::new(IpProtocol::ICMPV6, place, 7);
            [header.as_bytes(), &message].concat()
        };
        let first = piece(0);
        let found = icmp_message(IpProtocol::FRAGMENT, &first);
        assert_eq!(found, Some(&message[..]));
        let later = piece(1);
        assert_eq!(icmp_message(IpProtocol::FRAGMENT, &later), Some(&[][..]));
        assert_eq!(
            icmp_message(IpProtocol::FRAGMENT, &fragment(IpProtocol::UDP)),
            None
        );
        assert_eq!(icmp_message(IpProtocol::UDP, &message), None);
    }
}
