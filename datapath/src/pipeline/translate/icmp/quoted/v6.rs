//! A quoted IPv6 packet, and how it looks in IPv4 (RFC 7915 §5.3).

use packet::checksum::{self, Delta};
use packet::fragment::{FRAGMENT_LEN, FragmentHeader};
use packet::ipv4::IPV4_LEN;
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{Fragment, IpProtocol, TransportChecksum, VirtualAddr};
use zerocopy::{FromBytes, IntoBytes};

use super::super::{Peer, Untranslatable, echo};
use super::v4::quoted_echo;
use super::{Written, copy};
use crate::pipeline::translate::flow_label;
use crate::pipeline::translate::mtu::{Carriage, IPV6_MIN_MTU};
use crate::pipeline::translate::transport;
use crate::pipeline::translate::v6_to_v4::{self, Restored};

/// A quoted IPv6 packet. Extension headers before the fragment header are
/// skipped (RFC 7915 §5.1), behind it there may be none (§5.1.1).
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct V6<'a> {
    /// Its header, whose next header is the fragment header or the protocol.
    pub(in super::super) header: Ipv6Header,
    fragment: Option<FragmentHeader>,
    protocol: IpProtocol,
    /// What its headers say of the length of what follows them, in bytes.
    payload_len: u16,
    /// As much of that as there is, and what follows.
    payload: &'a [u8],
}

impl<'a> V6<'a> {
    /// Reads a quoted packet.
    ///
    /// # Errors
    /// [`Untranslatable::Malformed`]: not IPv6, or less than its headers.
    /// [`Untranslatable::QuotedRoute`], [`Untranslatable::QuotedProtocol`].
    pub(in super::super) fn parse(datagram: &'a [u8], peer: Peer) -> Result<Self, Untranslatable> {
        let malformed = Untranslatable::Malformed;
        let (mut header, rest) = Ipv6Header::read_from_prefix(datagram).map_err(|_| malformed)?;
        if header.version() != 6 {
            return Err(malformed);
        }
        let mut rest = Chain {
            bytes: rest,
            len: header.payload_len(),
        };
        header.next_header = skip_extensions(header.next_header, &mut rest)?;
        let mut protocol = header.next_header;
        let mut fragment = None;
        if protocol == IpProtocol::FRAGMENT {
            let bytes = rest.take(FRAGMENT_LEN)?;
            let (read, _) = FragmentHeader::read_from_prefix(bytes).map_err(|_| malformed)?;
            protocol = read.next_header;
            fragment = Some(read);
        }
        if !is_translated(protocol, fragment.is_some(), peer) {
            return Err(Untranslatable::QuotedProtocol);
        }
        Ok(Self {
            header,
            fragment,
            protocol,
            payload_len: u16::try_from(rest.len).map_err(|_| malformed)?,
            payload: rest.bytes,
        })
    }

    /// Without what follows the packet: padding.
    pub(in super::super) fn unpadded(self) -> Self {
        let len = self.payload.len().min(usize::from(self.payload_len));
        Self {
            payload: self.payload.get(..len).unwrap_or(self.payload),
            ..self
        }
    }

    /// How the packet was carried.
    pub(in super::super) const fn carriage(&self) -> Carriage {
        match self.fragment {
            None => Carriage::Rewritten,
            Some(_) => Carriage::Fragment,
        }
    }

    /// Writes it in IPv4, as much of it as fits.
    ///
    /// # Errors
    /// The addresses have no counterpart, the ICMP in it neither, it is longer
    /// than IPv4 can say, or `out` has no room for the header.
    pub(in super::super) fn write_v4(
        &self,
        peer: Peer,
        addresses: Option<(VirtualAddr, VirtualAddr)>,
        out: &mut [u8],
    ) -> Result<Written, Untranslatable> {
        let too_long = Untranslatable::TooLong;
        let restored = self.restored(peer, addresses.ok_or(Untranslatable::QuotedAddress)?);
        let (v6, fragment) = (&self.header, self.fragment.as_ref());
        if usize::from(self.payload_len) + IPV4_LEN > usize::from(u16::MAX) {
            return Err(too_long);
        }
        let v4 = v6_to_v4::header(v6, fragment, self.payload_len, restored);
        v4.write_to_prefix(out).map_err(|_| too_long)?;
        let room = out.get_mut(IPV4_LEN..).ok_or(too_long)?;
        let copied = copy(self.payload, room);
        let body_len = copied.min(usize::from(self.payload_len));
        let body = room.get_mut(..body_len).ok_or(too_long)?;
        let fragment = fragment.map_or(Fragment::WHOLE, FragmentHeader::fragment);
        if self.protocol != IpProtocol::ICMPV6 {
            let delta = Delta::new(v6.address_sum(), v4.address_sum());
            let complete = TransportChecksum::Complete;
            transport::update(body, self.protocol, fragment, complete, delta);
        } else if fragment.is_fragment() {
            return Err(Untranslatable::QuotedIcmp);
        } else {
            let len = u32::from(self.payload_len);
            let pseudo = checksum::pseudo_header_v6(v6.address_sum(), len, IpProtocol::ICMPV6);
            let whole = body_len == usize::from(self.payload_len);
            echo::quoted_to_v4(body, peer, pseudo, whole).map_err(quoted_echo)?;
        }
        Ok(Written {
            len: IPV4_LEN + copied,
            cut: copied < self.payload.len(),
        })
    }

    fn restored(&self, peer: Peer, addresses: (VirtualAddr, VirtualAddr)) -> Restored {
        let (ttl, dont_fragment) = match peer {
            Peer::Vswitch => {
                let carried = flow_label::decode(self.header.flow_label());
                (carried.ttl, carried.dont_fragment)
            }
            Peer::External => (self.header.hop_limit, self.must_not_fragment()),
        };
        let (source, destination) = addresses;
        Restored {
            source,
            destination,
            ttl,
            dont_fragment,
            identification: 0,
        }
    }

    /// RFC 7915 §5.1, "Flags": above 1260 bytes in IPv4; §5.1.1: no fragment.
    fn must_not_fragment(&self) -> bool {
        let total_len = usize::from(self.payload_len) + IPV4_LEN;
        let least = usize::from(IPV6_MIN_MTU) - (IPV6_LEN - IPV4_LEN);
        self.fragment.is_none() && total_len > least
    }
}

/// Is a packet of this protocol translated? With external systems RFC 7915
/// passes all on but an extension header behind a fragment header (§5.1.1).
const fn is_translated(protocol: IpProtocol, is_fragment: bool, peer: Peer) -> bool {
    match (peer, protocol) {
        // ICMPv4's number would come out as ICMPv4, whose bytes these are not.
        (_, IpProtocol::ICMP) => false,
        (_, IpProtocol::ICMPV6)
        | (Peer::External, IpProtocol::ETHERIP | IpProtocol::NO_NEXT_HEADER) => true,
        (
            Peer::External,
            IpProtocol::AH | IpProtocol::MOBILITY | IpProtocol::HIP | IpProtocol::SHIM6,
        ) => !is_fragment,
        _ => protocol.may_be_next_header(),
    }
}

/// What is left of a packet behind the headers read so far.
struct Chain<'a> {
    bytes: &'a [u8],
    /// What its header says is left, in bytes.
    len: usize,
}

impl<'a> Chain<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Untranslatable> {
        let malformed = Untranslatable::Malformed;
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(malformed)?;
        self.len = self.len.checked_sub(len).ok_or(malformed)?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// Skips hop-by-hop options, destination options and routing headers that are
/// used up (RFC 7915 §5.1); gives what comes then.
fn skip_extensions(
    mut next: IpProtocol,
    rest: &mut Chain<'_>,
) -> Result<IpProtocol, Untranslatable> {
    while let IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION_OPTIONS | IpProtocol::ROUTING = next
    {
        let first = rest.bytes.first_chunk::<4>();
        // RFC 8200 §4.3, §4.4, §4.6: units of 8 bytes, not counting the first.
        let &[following, units, _, segments_left] = first.ok_or(Untranslatable::Malformed)?;
        if next == IpProtocol::ROUTING && segments_left != 0 {
            return Err(Untranslatable::QuotedRoute);
        }
        rest.take((usize::from(units) + 1) * 8)?;
        next = IpProtocol(following);
    }
    Ok(next)
}
