//! Mapping changes as bytes and back: pieces that just fit into a page of the
//! store.

use std::collections::HashMap;

use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};
use prost::Message as _;
use prost::encoding::encoded_len_varint;

use super::layout::Piece;
use super::record::{MappingChange, MappingPlace};

/// The store gives a value a power of two of bytes; this, with the page's own
/// few, fills 64 KiB.
const FULL: usize = (64 << 10) - 64;

/// The most that one change can add: step, place, locator, MAC, slot.
const LARGEST: usize = 10 + 5 + 8 + 6 + 1;

/// Tags and lengths of the five columns.
const COLUMNS: usize = 5 * 6;

/// Collects changes into pieces.
#[derive(Debug, Default)]
pub(super) struct PieceWriter {
    piece: Piece,
    at: u64,
    bytes: usize,
    locators: HashMap<u64, u32>,
}

impl PieceWriter {
    /// Adds a change; returns a piece that is full.
    pub(super) fn push(&mut self, change: &MappingChange) -> Option<Vec<u8>> {
        let full = if COLUMNS + self.bytes + LARGEST > FULL {
            self.finish()
        } else {
            None
        };
        let key = key(change);
        let step = key.wrapping_sub(self.at).cast_signed();
        self.at = key;
        self.piece.steps.push(step);
        self.bytes += encoded_len_varint(((step << 1) ^ (step >> 63)).cast_unsigned());
        let mut index = 0;
        if let Some(place) = &change.place {
            index = self.locator(place.locator.to_bits());
            self.piece.macs.extend_from_slice(&place.mac.octets());
            self.bytes += 6;
            self.slot(place.slot.get());
        }
        self.piece.places.push(index);
        self.bytes += encoded_len_varint(index.into());
        full
    }

    fn locator(&mut self, locator: u64) -> u32 {
        let new = u32::try_from(self.piece.locators.len() + 1).unwrap_or(u32::MAX);
        let index = *self.locators.entry(locator).or_insert(new);
        if index == new {
            self.piece.locators.push(locator);
            self.bytes += 8;
        }
        index
    }

    /// After its MAC.
    fn slot(&mut self, slot: u8) {
        let puts = self.piece.macs.len() / 6;
        if slot != 0 && self.piece.slots.is_empty() {
            self.piece.slots.resize(puts - 1, 0);
            self.bytes += puts - 1;
        }
        if slot != 0 || !self.piece.slots.is_empty() {
            self.piece.slots.push(slot);
            self.bytes += 1;
        }
    }

    /// What was collected since the last full piece.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        if self.piece.steps.is_empty() {
            return None;
        }
        let bytes = self.piece.encode_to_vec();
        debug_assert!(bytes.len() <= COLUMNS + self.bytes);
        self.piece.clear();
        self.locators.clear();
        self.at = 0;
        self.bytes = 0;
        Some(bytes)
    }
}

const fn key(change: &MappingChange) -> u64 {
    (change.segment.get() as u64) << 32 | change.address.to_bits() as u64
}

/// What is wrong with a piece.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PieceError {
    #[error("mappings: {0}")]
    Message(#[from] prost::DecodeError),
    #[error("mappings: the columns are not equally long")]
    Columns,
    #[error("mappings: {0}")]
    Value(#[from] packet::IdError),
    #[error("mappings: locator {0} of {1}")]
    Locator(u32, usize),
}

/// Reads a piece; its changes are appended to `out`.
pub(super) fn read(bytes: &[u8], out: &mut Vec<MappingChange>) -> Result<(), PieceError> {
    let piece = Piece::decode(bytes)?;
    let puts = piece.places.iter().filter(|place| **place != 0).count();
    if piece.steps.len() != piece.places.len()
        || piece.macs.len() != puts * 6
        || !(piece.slots.is_empty() || piece.slots.len() == puts)
    {
        return Err(PieceError::Columns);
    }
    out.reserve(piece.steps.len());
    let (macs, _) = piece.macs.as_chunks::<6>();
    let mut macs = macs.iter();
    let mut slots = piece.slots.iter();
    let mut at = 0_u64;
    for (step, index) in piece.steps.iter().zip(&piece.places) {
        at = at.wrapping_add_signed(*step);
        let [_, s0, s1, s2, a0, a1, a2, a3] = at.to_be_bytes();
        // What is above 24 bits fails as a segment would.
        let above = u32::from(at.to_be_bytes()[0]) << 24;
        let segment = SegmentId::new(above | u32::from_be_bytes([0, s0, s1, s2]))?;
        let place = match index.checked_sub(1) {
            None => None,
            Some(place) => {
                let locator = usize::try_from(place)
                    .ok()
                    .and_then(|place| piece.locators.get(place))
                    .ok_or(PieceError::Locator(*index, piece.locators.len()))?;
                let mac = macs.next().ok_or(PieceError::Columns)?;
                Some(MappingPlace {
                    locator: Locator::from_bits(*locator),
                    slot: Slot::new(slots.next().copied().unwrap_or(0))?,
                    mac: MacAddr::new(*mac),
                })
            }
        };
        out.push(MappingChange {
            segment,
            address: VirtualAddr::from_bits(u32::from_be_bytes([a0, a1, a2, a3])),
            place,
        });
    }
    Ok(())
}
