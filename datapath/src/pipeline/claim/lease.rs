//! Who is given which address by a DHCP server, and who gives it back? (RFC
//! 2131 §2, §3.)
//!
//! Read over a server's shoulder: what is not understood is not learned, and
//! passes all the same.

use packet::{IpProtocol, MacAddr, VirtualAddr};
use zerocopy::FromBytes;

use crate::pipeline::answer::dhcp::message::{COOKIE, ETHERNET, Header, REPLY, REQUEST};
use crate::pipeline::answer::dhcp::options::{Options, code};
use crate::pipeline::answer::dhcp::{CLIENT_PORT, SERVER_PORT};
use crate::pipeline::answer::udp::UDP_LEN;
use crate::pipeline::batch::IpTuple;
use crate::tables::dhcp::code::LEASE;

/// A lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Whose: the client's MAC.
    pub client: MacAddr,
    /// The address.
    pub address: VirtualAddr,
    /// For how long, in seconds.
    pub seconds: u32,
}

/// The types of message that change something (RFC 2132 §9.6).
const DECLINE: u8 = 4;
const ACK: u8 = 5;
const RELEASE: u8 = 7;

/// From a server to a client.
pub fn is_to_client(ip: &IpTuple) -> bool {
    ip.protocol == IpProtocol::UDP && ip.ports == (SERVER_PORT, CLIENT_PORT)
}

/// From a client to a server.
pub fn is_to_server(ip: &IpTuple) -> bool {
    ip.protocol == IpProtocol::UDP && ip.ports == (CLIENT_PORT, SERVER_PORT)
}

/// What a server's datagram gives, if it gives something.
pub fn given(datagram: &[u8]) -> Option<Lease> {
    let message = Message::read(datagram, REPLY)?;
    let address = VirtualAddr::from_bits(u32::from_be_bytes(message.header.your_address));
    // Who only asks to be told the rest is given no address.
    let is_given = message.kind == ACK && address.is_unicast();
    Some(Lease {
        client: MacAddr::new(message.header.hardware),
        address,
        seconds: message.lease?,
    })
    .filter(|_| is_given)
}

/// The address that a client's datagram gives back, if it does.
pub fn given_back(datagram: &[u8]) -> Option<VirtualAddr> {
    let message = Message::read(datagram, REQUEST)?;
    match message.kind {
        RELEASE => Some(u32::from_be_bytes(message.header.client_address)),
        DECLINE => message.requested,
        _ => None,
    }
    .map(VirtualAddr::from_bits)
}

struct Message<'m> {
    header: &'m Header,
    kind: u8,
    lease: Option<u32>,
    requested: Option<u32>,
}

impl<'m> Message<'m> {
    fn read(datagram: &'m [u8], operation: u8) -> Option<Self> {
        let (header, options) = Header::ref_from_prefix(datagram.get(UDP_LEN..)?).ok()?;
        let is_ours = header.operation == operation
            && header.hardware_kind == ETHERNET
            && header.cookie == COOKIE;
        if !is_ours {
            return None;
        }
        let (mut kind, mut lease, mut requested) = (None, None, None);
        // Behind the end there is padding.
        for (of, value) in Options::new(options).map_while(Result::ok) {
            let number = || value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            match of {
                code::KIND => kind = value.first().copied(),
                LEASE => lease = number(),
                code::REQUESTED => requested = number(),
                _ => {}
            }
        }
        Some(Self {
            header,
            kind: kind?,
            lease,
            requested,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram with these fields and options.
    fn datagram(operation: u8, ciaddr: [u8; 4], yiaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; UDP_LEN + 236];
        bytes[UDP_LEN..UDP_LEN + 3].copy_from_slice(&[operation, 1, 6]);
        bytes[UDP_LEN + 12..UDP_LEN + 16].copy_from_slice(&ciaddr);
        bytes[UDP_LEN + 16..UDP_LEN + 20].copy_from_slice(&yiaddr);
        bytes[UDP_LEN + 28..UDP_LEN + 34].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        bytes.extend(COOKIE);
        bytes.extend(options);
        bytes
    }

    #[test]
    fn an_acknowledgement_gives_and_an_offer_does_not() {
        let with = |kind| [53, 1, kind, 51, 4, 0, 0, 14, 16, 255, 0, 0];
        let ack = datagram(2, [0; 4], [10, 0, 0, 9], &with(5));
        let lease = given(&ack).unwrap();
        assert_eq!(lease.seconds, 3600);
        assert_eq!(lease.address.ipv4().octets(), [10, 0, 0, 9]);
        assert_eq!(lease.client, MacAddr::new([2, 0, 0, 0, 0, 9]));
        assert_eq!(given(&datagram(2, [0; 4], [10, 0, 0, 9], &with(2))), None);
        // An answer to Inform, and one from a client.
        assert_eq!(given(&datagram(2, [10, 0, 0, 9], [0; 4], &with(5))), None);
        assert_eq!(given(&datagram(1, [0; 4], [10, 0, 0, 9], &with(5))), None);
        for len in 0..ack.len() - 3 {
            assert_eq!(given(&ack[..len]), None, "{len}");
        }
    }

    #[test]
    fn a_client_gives_back_what_it_has_or_was_offered() {
        let ip = |a: VirtualAddr| a.ipv4().octets();
        let release = datagram(1, [10, 0, 0, 9], [0; 4], &[53, 1, 7, 255]);
        assert_eq!(given_back(&release).map(ip), Some([10, 0, 0, 9]));
        let decline = datagram(1, [0; 4], [0; 4], &[50, 4, 10, 0, 0, 8, 53, 1, 4, 255]);
        assert_eq!(given_back(&decline).map(ip), Some([10, 0, 0, 8]));
        let discover = datagram(1, [0; 4], [0; 4], &[53, 1, 1, 255]);
        assert_eq!(given_back(&discover), None);
    }
}
