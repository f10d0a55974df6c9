//! What of a packet is left undone because a device does it, and what a device
//! has done already.

use core::num::NonZeroU16;

/// The state of one packet between the devices and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Offload {
    /// The transport's checksum.
    pub transport: TransportChecksum,
    /// The IPv4 header's checksum.
    pub ipv4_header: HeaderChecksum,
    /// A super-frame: the sender left it to a device to cut its TCP payload
    /// into segments of so many bytes, each with headers of its own (TSO, GSO).
    /// Its transport checksum is then always [`TransportChecksum::Partial`].
    pub segment_size: Option<NonZeroU16>,
}

impl Offload {
    /// A packet as it stands on a wire, that nobody has checked.
    pub const NONE: Self = Self {
        transport: TransportChecksum::Complete,
        ipv4_header: HeaderChecksum::Unverified,
        segment_size: None,
    };
}

/// The state of a TCP or UDP checksum field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TransportChecksum {
    /// It holds what the sender says is the checksum.
    #[default]
    Complete,
    /// It holds the folded sum, not complemented, of the pseudo-header alone
    /// (addresses, protocol, length of transport header and payload of the
    /// whole packet as it is): whoever puts the packet on a wire adds the rest
    /// and complements. (virtio 1.2 §5.1.6.2, Linux's `CHECKSUM_PARTIAL`.)
    Partial,
}

/// What a device found of an IPv4 header's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HeaderChecksum {
    /// Nothing: it is to be checked.
    #[default]
    Unverified,
    /// It is right.
    Good,
    /// It is wrong.
    Bad,
}
