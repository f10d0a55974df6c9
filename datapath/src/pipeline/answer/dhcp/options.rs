//! How the options of a DHCP message are read and written (RFC 2132 §2).

/// The numbers of the options that a message says itself; those that are the
/// same for a whole segment are in [`crate::tables::dhcp::code`].
pub(in crate::pipeline) mod code {
    pub(in crate::pipeline) const REQUESTED: u8 = 50;
    pub(in super::super) const OVERLOAD: u8 = 52;
    pub(in crate::pipeline) const KIND: u8 = 53;
    pub(in super::super) const SERVER: u8 = 54;
    pub(in super::super) const WANTED: u8 = 55;
    pub(in super::super) const MAX_LEN: u8 = 57;
    pub(in super::super) const CLIENT: u8 = 61;
    pub(in super::super) const RELAY: u8 = 82;
}

/// Without value: to be passed over, and the end.
const PAD: u8 = 0;
const END: u8 = 255;

/// What every client takes, IP header included (RFC 2131 §2).
pub(super) const LEAST_MAX_LEN: usize = 576;

/// It ends before its options do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct CutShort;

/// The options of a field, one by one: code and value.
#[derive(Debug, Clone)]
pub(in crate::pipeline) struct Options<'m> {
    rest: Option<&'m [u8]>,
}

impl<'m> Options<'m> {
    pub(in crate::pipeline) const fn new(field: &'m [u8]) -> Self {
        Self { rest: Some(field) }
    }
}

impl<'m> Iterator for Options<'m> {
    type Item = Result<(u8, &'m [u8]), CutShort>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest.take()?;
        while let [PAD, behind @ ..] = rest {
            rest = behind;
        }
        let found = match *rest {
            [END, ..] => return None,
            [code, len, ref behind @ ..] => {
                let found = behind.split_at_checked(usize::from(len));
                found.map(|(value, behind)| (code, value, behind))
            }
            _ => None,
        };
        let Some((code, value, behind)) = found else {
            return Some(Err(CutShort));
        };
        self.rest = Some(behind);
        Some(Ok((code, value)))
    }
}

/// Writes options into a field, as many as it has room for.
#[derive(Debug)]
pub(super) struct Writer<'m> {
    field: &'m mut [u8],
    len: usize,
}

impl<'m> Writer<'m> {
    pub(super) const fn new(field: &'m mut [u8]) -> Self {
        Self { field, len: 0 }
    }

    /// Adds an option, if there is room for it and for the end, and if it says
    /// something.
    pub(super) fn put(&mut self, code: u8, value: &[u8]) {
        let Ok(len @ 1..) = u8::try_from(value.len()) else {
            return;
        };
        let room = self.field.get_mut(self.len..).unwrap_or_default();
        if value.len() + 3 > room.len() {
            return;
        }
        if let [c, l, rest @ ..] = room
            && let Some(place) = rest.get_mut(..value.len())
        {
            (*c, *l) = (code, len);
            place.copy_from_slice(value);
            self.len += 2 + value.len();
        }
    }

    /// Ends the options; says how long they are.
    pub(super) fn end(self) -> usize {
        if let Some(last) = self.field.get_mut(self.len) {
            *last = END;
        }
        self.len + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &[u8]) -> Vec<Result<(u8, Vec<u8>), CutShort>> {
        let options = Options::new(field);
        options
            .map(|option| option.map(|(code, value)| (code, value.to_vec())))
            .collect()
    }

    #[test]
    fn options_are_read_to_their_end_and_not_beyond() {
        let all = read(&[0, 53, 1, 1, 0, 0, 80, 0, 61, 2, 7, 8, 255, 9, 9]);
        let wanted = [(53, vec![1]), (80, vec![]), (61, vec![7, 8])];
        assert_eq!(all, wanted.map(Ok));
    }

    #[test]
    fn what_has_no_end_is_cut_short() {
        for field in [&[][..], &[0, 0], &[53], &[53, 1], &[53, 2, 1], &[1, 255]] {
            assert_eq!(read(field), [Err(CutShort)], "{field:?}");
        }
        assert_eq!(read(&[53, 1, 1]), [Ok((53, vec![1])), Err(CutShort)]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut field = [0; 10];
        let mut writer = Writer::new(&mut field);
        writer.put(53, &[5]);
        writer.put(51, &[0; 5]);
        writer.put(15, &[]);
        writer.put(54, &[1; 4]);
        assert_eq!(writer.end(), 10);
        assert_eq!(field, [53, 1, 5, 54, 4, 1, 1, 1, 1, 255]);
        let mut nothing = Writer::new(&mut []);
        nothing.put(53, &[5]);
    }
}
