//! The packet that an error message quotes, in the other version's terms
//! (RFC 7915 §4.3, §5.3): translated as if it were on its way, except that its
//! TTL is not decremented. Its beginning may be all there is: then its length
//! fields go on to say its whole length.

mod v4;
mod v6;

pub(super) use v4::V4;
pub(super) use v6::V6;

/// A quoted packet as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Its length, in bytes.
    pub(super) len: usize,
    /// Its end did not fit.
    pub(super) cut: bool,
}

/// Copies as much of `bytes` as fits.
fn copy(bytes: &[u8], room: &mut [u8]) -> usize {
    let len = bytes.len().min(room.len());
    if let (Some(room), Some(bytes)) = (room.get_mut(..len), bytes.get(..len)) {
        room.copy_from_slice(bytes);
    }
    len
}
