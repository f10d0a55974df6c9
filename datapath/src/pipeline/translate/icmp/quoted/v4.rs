//! A quoted IPv4 packet, and how it looks in IPv6 (RFC 7915 §4.3).

use packet::checksum::{self, Delta};
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::{IpProtocol, TransportChecksum};
use zerocopy::FromBytes;

use super::super::{Peer, Untranslatable, echo};
use super::{Written, copy};
use crate::pipeline::translate::flow_label::{self, Carried};
use crate::pipeline::translate::mtu::Carriage;
use crate::pipeline::translate::transport;
use crate::pipeline::translate::v4_to_v6::{self, Addresses, Hops};
use packet::ipv6::FlowLabel;

/// The hop limit of a packet that one vswitch quotes to another: any.
const HOP_LIMIT: u8 = 64;

/// A quoted IPv4 packet. Options are skipped, as on the way (RFC 7915 §4.1).
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct V4<'a> {
    /// Its header.
    pub(in super::super) header: Ipv4Header,
    /// What its header says of the length of its payload, in bytes.
    payload_len: u16,
    /// As much of its payload as there is, and what follows.
    payload: &'a [u8],
}

impl<'a> V4<'a> {
    /// Reads a quoted packet.
    ///
    /// # Errors
    /// [`Untranslatable::Malformed`]: not IPv4, or less than its header.
    pub(in super::super) fn parse(datagram: &'a [u8]) -> Result<Self, Untranslatable> {
        let malformed = Untranslatable::Malformed;
        let (header, _) = Ipv4Header::read_from_prefix(datagram).map_err(|_| malformed)?;
        let header_len = header.header_len();
        if header.version() != 4 || header_len < IPV4_LEN {
            return Err(malformed);
        }
        let payload = datagram.get(header_len..).ok_or(malformed)?;
        let payload_len = header.total_len().checked_sub(header_len);
        let payload_len = payload_len.and_then(|len| u16::try_from(len).ok());
        Ok(Self {
            header,
            payload_len: payload_len.ok_or(malformed)?,
            payload,
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

    /// How a packet like it is carried.
    pub(in super::super) const fn carriage(&self) -> Carriage {
        if self.header.is_fragment() {
            Carriage::Fragment
        } else {
            Carriage::Rewritten
        }
    }

    /// Writes it in IPv6, as much of it as fits.
    ///
    /// # Errors
    /// The addresses have no counterpart, the protocol or the ICMP in it neither,
    /// or `out` has no room for the headers.
    pub(in super::super) fn write_v6(
        &self,
        peer: Peer,
        addresses: Option<Addresses>,
        out: &mut [u8],
    ) -> Result<Written, Untranslatable> {
        let Self { header, .. } = self;
        let protocol = header.protocol;
        if !is_translated(protocol, peer) {
            return Err(Untranslatable::QuotedProtocol);
        }
        let addresses = addresses.ok_or(Untranslatable::QuotedAddress)?;
        let hops = self.hops(peer);
        let headers = v4_to_v6::headers(header, self.payload_len, addresses, hops);
        let too_long = Untranslatable::TooLong;
        headers.write(out).map_err(|_| too_long)?;
        let room = out.get_mut(headers.len()..).ok_or(too_long)?;
        let copied = copy(self.payload, room);
        let body_len = copied.min(usize::from(self.payload_len));
        let body = room.get_mut(..body_len).ok_or(too_long)?;
        let fragment = header.fragment();
        let address_sum = headers.v6.address_sum();
        if protocol != IpProtocol::ICMP {
            let delta = Delta::new(header.address_sum(), address_sum);
            let complete = TransportChecksum::Complete;
            transport::update(body, protocol, fragment, complete, delta);
        } else if fragment.is_fragment() {
            return Err(Untranslatable::QuotedIcmp);
        } else {
            let len = u32::from(self.payload_len);
            let pseudo = checksum::pseudo_header_v6(address_sum, len, IpProtocol::ICMPV6);
            echo::quoted_to_v6(body, peer, pseudo).map_err(quoted_echo)?;
        }
        Ok(Written {
            len: headers.len() + copied,
            cut: copied < self.payload.len(),
        })
    }

    fn hops(&self, peer: Peer) -> Hops {
        let Ipv4Header { ttl, .. } = self.header;
        match peer {
            Peer::Vswitch => {
                let dont_fragment = self.header.dont_fragment();
                let carried = Carried { ttl, dont_fragment };
                Hops {
                    flow_label: flow_label::encode(carried, 0),
                    hop_limit: HOP_LIMIT,
                }
            }
            Peer::External => Hops {
                flow_label: FlowLabel::new(0),
                hop_limit: ttl,
            },
        }
    }
}

/// Can a packet of this protocol have come from IPv6? Between two vswitches, if
/// it may go there; a system of the IPv6 side sends whatever it likes, and only
/// what says that more headers follow never comes out of a translator (RFC 7915
/// §5.1).
const fn is_translated(protocol: IpProtocol, peer: Peer) -> bool {
    let goes_on = matches!(
        protocol,
        IpProtocol::HOP_BY_HOP
            | IpProtocol::ROUTING
            | IpProtocol::FRAGMENT
            | IpProtocol::ICMPV6
            | IpProtocol::DESTINATION_OPTIONS
    );
    match peer {
        Peer::Vswitch => protocol.may_be_next_header(),
        Peer::External => !goes_on,
    }
}

/// What it means for the message that quotes it.
pub(super) const fn quoted_echo(error: Untranslatable) -> Untranslatable {
    match error {
        Untranslatable::Kind => Untranslatable::QuotedIcmp,
        other => other,
    }
}
