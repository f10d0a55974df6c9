//! What is a DHCP client told, and how does it reach it? (RFC 2131 §4.1, §4.3.)

use packet::checksum::Sum;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use packet::{EtherType, Fragment, IpProtocol, MacAddr, PacketBuf, VirtualAddr};
use zerocopy::IntoBytes;

use super::message::{COOKIE, ETHERNET, HEADER_LEN, Header, Message, REPLY};
use super::options::{Writer, code};
use super::{CLIENT_PORT, SERVER_PORT};
use crate::pipeline::answer::icmp_error::FIRST_TTL;
use crate::pipeline::answer::udp::{self, UDP_LEN};
use crate::pipeline::verdict::DropReason;
use crate::tables::DhcpService;
use crate::tables::dhcp::code as said;

/// Where the parts of the frame begin.
const DATAGRAM: usize = ETHERNET_LEN + IPV4_LEN;
const MESSAGE: usize = DATAGRAM + UDP_LEN;
const OPTIONS: usize = MESSAGE + HEADER_LEN;

/// BOOTP's length (RFC 1542 §2.1): some clients want no less.
const SHORTEST: usize = MESSAGE + 300;

/// More than there can be to say, in bytes of the IP packet: no buffer is
/// asked for more.
const LONGEST: usize = 1200;

/// What a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It can have this address.
    Offer(VirtualAddr),
    /// It has it.
    Ack(VirtualAddr),
    /// It asks for one that is not its own.
    Nak,
    /// It has an address, and wants to know the rest.
    Informed(VirtualAddr),
}

impl Told {
    /// The message's type (RFC 2132 §9.6).
    const fn kind(self) -> u8 {
        match self {
            Self::Offer(_) => 2,
            Self::Ack(_) | Self::Informed(_) => 5,
            Self::Nak => 6,
        }
    }

    /// The address that it is given.
    const fn given(self) -> Option<VirtualAddr> {
        match self {
            Self::Offer(address) | Self::Ack(address) => Some(address),
            Self::Nak | Self::Informed(_) => None,
        }
    }
}

/// An answer that is to be written.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) message: &'a Message,
    pub(super) told: Told,
    /// The client's MAC.
    pub(super) client: MacAddr,
    pub(super) service: &'a DhcpService,
}

impl Reply<'_> {
    /// Puts the answer in the place of the question; no longer than the client
    /// takes, and the segment.
    ///
    /// # Errors
    /// `no-headroom`.
    pub(super) fn write<B: PacketBuf>(&self, buf: &mut B, mtu: u16) -> Result<(), DropReason> {
        let room = self.message.max_len.min(mtu.into()).min(LONGEST);
        buf.truncate(ETHERNET_LEN);
        buf.append(room).map_err(|_| DropReason::NoHeadroom)?;
        let frame = buf.data_mut();
        frame.fill(0);
        let options = frame.get_mut(OPTIONS..).ok_or(DropReason::NoHeadroom)?;
        let end = OPTIONS + self.options(Writer::new(options));
        buf.truncate(end.max(SHORTEST));
        self.headers(buf.data_mut()).ok_or(DropReason::NoHeadroom)
    }

    /// Everything but the options, which are there.
    fn headers(&self, frame: &mut [u8]) -> Option<()> {
        let (mac, address) = self.receiver();
        let (ethernet, packet) = frame.split_at_mut_checked(ETHERNET_LEN)?;
        let header = EthernetHeader {
            destination: mac,
            source: self.service.mac,
            ether_type: EtherType::IPV4,
        };
        header.write_to(ethernet).ok()?;
        let (ip, datagram) = packet.split_at_mut_checked(IPV4_LEN)?;
        let header = Ipv4Header::new(&Ipv4Fields {
            source: self.service.address,
            destination: address,
            traffic_class: 0,
            ttl: FIRST_TTL,
            protocol: IpProtocol::UDP,
            // Then any identification does (RFC 6864 §4.1).
            dont_fragment: true,
            identification: 0,
            fragment: Fragment::WHOLE,
            payload_len: u16::try_from(datagram.len()).ok()?,
        });
        header.write_to(ip).ok()?;
        self.message()
            .write_to_prefix(datagram.get_mut(UDP_LEN..)?)
            .ok()?;
        let addresses: Sum = header.address_sum();
        udp::write(datagram, (SERVER_PORT, CLIENT_PORT), addresses)
    }

    /// §4.1: the client's own address, where it hears that; else everybody.
    fn receiver(&self) -> (MacAddr, VirtualAddr) {
        let has_it = |address| self.message.client_address == Some(address);
        let to = match self.told {
            Told::Informed(address) => Some(address),
            Told::Offer(address) | Told::Ack(address) => {
                let hears = has_it(address) || !self.message.wants_broadcast();
                hears.then_some(address)
            }
            Told::Nak => None,
        };
        let all = (MacAddr::BROADCAST, VirtualAddr::from_bits(u32::MAX));
        to.map_or(all, |address| (self.client, address))
    }

    /// §4.3.1, table 3.
    fn message(&self) -> Header {
        let octets = |address: Option<VirtualAddr>| {
            let bits = address.map_or(0, VirtualAddr::to_bits);
            bits.to_be_bytes()
        };
        let client_address = match self.told {
            Told::Ack(_) | Told::Informed(_) => self.message.client_address,
            Told::Offer(_) | Told::Nak => None,
        };
        Header {
            operation: REPLY,
            hardware_kind: ETHERNET,
            hops: 0,
            transaction: self.message.transaction,
            seconds: [0; 2],
            flags: self.message.flags,
            client_address: octets(client_address),
            your_address: octets(self.told.given()),
            next_server: [0; 4],
            relay: [0; 4],
            hardware: self.client.octets(),
            padding: [0; 10],
            server_name: [0; 64],
            file: [0; 128],
            cookie: COOKIE,
        }
    }

    /// What a client must know comes first: where there is no room for all,
    /// the rest is left out. Says how long the options are.
    fn options(&self, mut writer: Writer<'_>) -> usize {
        let server = self.service.address.ipv4().octets();
        writer.put(code::KIND, &[self.told.kind()]);
        writer.put(code::SERVER, &server);
        if self.told.given().is_some() {
            for (code, value) in &self.service.lease {
                if *code == said::LEASE || self.message.wants(*code) {
                    writer.put(*code, value);
                }
            }
        }
        writer.put(code::CLIENT, &self.message.client);
        if self.told != Told::Nak {
            for (code, value) in &self.service.options {
                if self.is_told(*code) {
                    writer.put(*code, value);
                }
            }
        }
        // RFC 3046 §2.2: the last.
        writer.put(code::RELAY, &self.message.relay);
        writer.end()
    }

    /// RFC 3442: who asks for routes is told the default one among them.
    fn is_told(&self, code: u8) -> bool {
        let by_routes = code == said::ROUTER
            && self.message.names(said::ROUTES)
            && self.service.says(said::ROUTES);
        self.message.wants(code) && !by_routes
    }
}
