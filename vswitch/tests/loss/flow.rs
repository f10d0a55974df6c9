//! One flow: frames from the node to one address, numbered.

use packet::MacAddr;
use packet::build::Frame;

use super::switch::{NODE, mac_of};

/// The length of the frames, in bytes, without their FCS.
pub(crate) const LENGTH: usize = 60;
/// Where the payload begins.
pub(crate) const PAYLOAD: usize = 14 + 20 + 8;

/// Where the flow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At a node on this host.
    Here,
    /// On the host with this locator.
    There(u64),
    /// At an address of the pool.
    Changing(u32),
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Which flow.
    pub(crate) flow: u32,
    /// Its number within the flow.
    pub(crate) number: u32,
    /// The version of the mapping that was answered when it was sent.
    pub(crate) floor: u32,
}

/// Numbers of unanswered packets whose versions are remembered.
pub(crate) const REMEMBERED: usize = 32;

pub(crate) struct Flow {
    pub(crate) end: End,
    pub(crate) address: u32,
    frame: [u8; LENGTH],
    /// The number of the next frame.
    pub(crate) next: u32,
    /// The number that is to arrive next.
    pub(crate) due: u32,
    /// What was answered when the last frames were sent.
    pub(crate) floors: [u32; REMEMBERED],
}

impl Flow {
    pub(crate) fn new(end: End, address: u32) -> Self {
        let mut bytes = Frame::between(NODE.1, mac_of(address))
            .ipv4(
                core::net::Ipv4Addr::from_bits(NODE.0),
                core::net::Ipv4Addr::from_bits(address),
            )
            .udp(7000, 7000, &[0; LENGTH - PAYLOAD]);
        // No checksum, so that the payload can be written anew.
        bytes[40..42].fill(0);
        Self {
            end,
            address,
            frame: bytes.try_into().unwrap(),
            next: 0,
            due: 0,
            floors: [0; REMEMBERED],
        }
    }

    /// Writes the flow's next frame.
    pub(crate) fn write(&self, into: &mut [u8], stamp: Stamp) {
        into.copy_from_slice(&self.frame);
        stamp.write(&mut into[PAYLOAD..]);
    }

    /// The MAC it is sent to.
    pub(crate) fn mac(&self) -> MacAddr {
        mac_of(self.address)
    }
}

impl Stamp {
    fn write(self, payload: &mut [u8]) {
        payload[..4].copy_from_slice(&self.flow.to_be_bytes());
        payload[4..8].copy_from_slice(&self.number.to_be_bytes());
        payload[8..12].copy_from_slice(&self.floor.to_be_bytes());
        payload[12..16].copy_from_slice(&(!self.number).to_be_bytes());
    }

    /// `None`: it was damaged on its way.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let number = word(4)?;
        (word(12)? == !number).then_some(())?;
        Some(Self {
            flow: word(0)?,
            number,
            floor: word(8)?,
        })
    }
}
