//! What does a DHCP client say? (RFC 2131 §2, RFC 2132.)
//!
//! Read strictly: what is not as the RFCs say is not answered.

use arrayvec::ArrayVec;
use packet::{MacAddr, VirtualAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::options::{self, Options, code};

/// What begins the options (RFC 2131 §3).
pub(in crate::pipeline) const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// The flag that asks for a broadcast (RFC 2131 §2).
const BROADCAST: u8 = 0x80;

/// Of a hardware type and the length of its addresses: Ethernet's.
pub(in crate::pipeline) const ETHERNET: [u8; 2] = [1, 6];

/// From a client.
pub(in crate::pipeline) const REQUEST: u8 = 1;
/// From a server.
pub(in crate::pipeline) const REPLY: u8 = 2;

/// What comes before the options.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(in crate::pipeline) struct Header {
    pub(in crate::pipeline) operation: u8,
    /// Type and length of hardware addresses.
    pub(in crate::pipeline) hardware_kind: [u8; 2],
    pub(in crate::pipeline) hops: u8,
    pub(in crate::pipeline) transaction: [u8; 4],
    pub(in crate::pipeline) seconds: [u8; 2],
    pub(in crate::pipeline) flags: [u8; 2],
    pub(in crate::pipeline) client_address: [u8; 4],
    pub(in crate::pipeline) your_address: [u8; 4],
    pub(in crate::pipeline) next_server: [u8; 4],
    pub(in crate::pipeline) relay: [u8; 4],
    pub(in crate::pipeline) hardware: [u8; 6],
    pub(in crate::pipeline) padding: [u8; 10],
    pub(in crate::pipeline) server_name: [u8; 64],
    pub(in crate::pipeline) file: [u8; 128],
    pub(in crate::pipeline) cookie: [u8; 4],
}

/// The length of [`Header`].
pub(super) const HEADER_LEN: usize = size_of::<Header>();

/// The longest value of an option.
const LONGEST: usize = 255;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Discover,
    Request,
    Decline,
    Release,
    Inform,
}

/// What a client says.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) transaction: [u8; 4],
    pub(super) flags: [u8; 2],
    /// The address that it has; none where it has none yet.
    pub(super) client_address: Option<VirtualAddr>,
    pub(super) hardware: MacAddr,
    /// The address that it would like.
    pub(super) requested: Option<VirtualAddr>,
    /// The server that it means.
    pub(super) server: Option<VirtualAddr>,
    /// The longest message that it takes, IP header included.
    pub(super) max_len: usize,
    /// Its identifier, which comes back (RFC 6842).
    pub(super) client: ArrayVec<u8, LONGEST>,
    /// What a relay says, which comes back (RFC 3046 §2.2).
    pub(super) relay: ArrayVec<u8, LONGEST>,
    /// What it wants to know; nothing: all there is.
    wanted: ArrayVec<u8, LONGEST>,
}

impl Message {
    /// Reads what a datagram carries. `None`, if it is no client's message, or
    /// a relayed one, or contradicts itself.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, tail) = Header::ref_from_prefix(bytes).ok()?;
        let is_ours = header.operation == REQUEST
            && header.hardware_kind == ETHERNET
            && header.relay == [0; 4]
            && header.cookie == COOKIE;
        if !is_ours {
            return None;
        }
        let mut found = Found::default();
        found.take(tail)?;
        // RFC 2132 §9.3: the fields that options have been put into, too, file
        // first (RFC 3396 §5).
        let overload = found.overload.map_or(Some(0), |value| value.byte())?;
        if overload > 3 {
            return None;
        }
        if overload & 1 != 0 {
            found.take(&header.file)?;
        }
        if overload & 2 != 0 {
            found.take(&header.server_name)?;
        }
        found.message(header)
    }

    /// Does it ask for a broadcast?
    pub(super) const fn wants_broadcast(&self) -> bool {
        self.flags[0] & BROADCAST != 0
    }

    /// Does it ask for this option, or for whatever there is?
    pub(super) fn wants(&self, code: u8) -> bool {
        self.wanted.is_empty() || self.wanted.contains(&code)
    }

    /// Does it ask for this option by name?
    pub(super) fn names(&self, code: u8) -> bool {
        self.wanted.contains(&code)
    }
}

/// A value of at most four bytes, of which all are there.
#[derive(Debug, Clone, Copy)]
struct Short {
    bytes: [u8; 4],
    len: usize,
}

impl Short {
    fn of(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; 4];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self {
            bytes,
            len: value.len(),
        })
    }

    fn byte(self) -> Option<u8> {
        (self.len == 1).then_some(self.bytes[0])
    }

    fn number(self) -> Option<u16> {
        let [a, b, _, _] = self.bytes;
        (self.len == 2).then_some(u16::from_be_bytes([a, b]))
    }

    fn address(self) -> Option<VirtualAddr> {
        (self.len == 4).then_some(VirtualAddr::from_bits(u32::from_be_bytes(self.bytes)))
    }
}

/// The options that matter, as they stand.
#[derive(Default)]
struct Found {
    kind: Option<Short>,
    requested: Option<Short>,
    server: Option<Short>,
    max_len: Option<Short>,
    overload: Option<Short>,
    client: Option<ArrayVec<u8, LONGEST>>,
    relay: Option<ArrayVec<u8, LONGEST>>,
    wanted: Option<ArrayVec<u8, LONGEST>>,
}

impl Found {
    /// Reads a field of options to its end.
    fn take(&mut self, field: &[u8]) -> Option<()> {
        for option in Options::new(field) {
            let (code, value) = option.ok()?;
            match code {
                code::KIND => once(&mut self.kind, value)?,
                code::REQUESTED => once(&mut self.requested, value)?,
                code::SERVER => once(&mut self.server, value)?,
                code::MAX_LEN => once(&mut self.max_len, value)?,
                code::OVERLOAD => once(&mut self.overload, value)?,
                code::CLIENT => more(&mut self.client, value)?,
                code::RELAY => more(&mut self.relay, value)?,
                code::WANTED => more(&mut self.wanted, value)?,
                _ => {}
            }
        }
        Some(())
    }

    fn message(self, header: &Header) -> Option<Message> {
        let kind = match self.kind?.byte()? {
            1 => Kind::Discover,
            3 => Kind::Request,
            4 => Kind::Decline,
            7 => Kind::Release,
            8 => Kind::Inform,
            _ => return None,
        };
        let address = |found: Option<Short>| match found {
            Some(found) => found.address().map(Some),
            None => Some(None),
        };
        let max_len = match self.max_len {
            Some(found) => found.number()?,
            None => 0,
        };
        let client = self.client.unwrap_or_default();
        // RFC 2132 §9.14: a type, and something behind it.
        if client.len() == 1 {
            return None;
        }
        let client_address = VirtualAddr::from_bits(u32::from_be_bytes(header.client_address));
        Some(Message {
            kind,
            transaction: header.transaction,
            flags: header.flags,
            client_address: (client_address.to_bits() != 0).then_some(client_address),
            hardware: MacAddr::new(header.hardware),
            requested: address(self.requested)?,
            server: address(self.server)?,
            max_len: usize::from(max_len).max(options::LEAST_MAX_LEN),
            client,
            relay: self.relay.unwrap_or_default(),
            wanted: self.wanted.unwrap_or_default(),
        })
    }
}

/// An option that has one short value. `None`, if it has another already.
fn once(place: &mut Option<Short>, value: &[u8]) -> Option<()> {
    match place.replace(Short::of(value)?) {
        None => Some(()),
        Some(_) => None,
    }
}

/// An option that may be in pieces (RFC 3396 §7). `None`, if it is too long
/// for what comes back, or has no value.
fn more(place: &mut Option<ArrayVec<u8, LONGEST>>, value: &[u8]) -> Option<()> {
    if value.is_empty() {
        return None;
    }
    let whole = place.get_or_insert_default();
    whole.try_extend_from_slice(value).ok()
}
