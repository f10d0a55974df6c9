//! The beginning of a payload, where checksums stand: all of it that a
//! translation changes. The rest is passed on as it lies (RFC 7915 §4, §5).

/// A copy of the payload's beginning, as far as a checksum can stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Front {
    bytes: [u8; Self::LEN],
    len: usize,
}

impl Front {
    /// TCP's checksum ends with byte 18.
    pub const LEN: usize = 20;

    /// Of this payload, all of it where it is short.
    pub fn of(payload: &[u8]) -> Self {
        let mut bytes = [0; Self::LEN];
        let len = payload.len().min(Self::LEN);
        for (to, from) in bytes.iter_mut().zip(payload) {
            *to = *from;
        }
        Self { bytes, len }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}
