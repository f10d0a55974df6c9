//! The options behind an IPv4 header (RFC 791 §3.1), one after the other.
//!
//! ```text
//! | kind | length | data … |    or just    | kind |
//! ```

/// What kind of option it is: its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionKind(pub u8);

impl OptionKind {
    /// End of Option List: one byte; what follows is padding.
    pub const END: Self = Self(0);
    /// No Operation: one byte.
    pub const NO_OPERATION: Self = Self(1);
    /// Loose source and record route.
    pub const LOOSE_SOURCE_ROUTE: Self = Self(131);
    /// Strict source and record route.
    pub const STRICT_SOURCE_ROUTE: Self = Self(137);

    /// A source route, loose or strict.
    pub const fn is_source_route(self) -> bool {
        matches!(self, Self::LOOSE_SOURCE_ROUTE | Self::STRICT_SOURCE_ROUTE)
    }

    /// The copied flag: later fragments have the option, too.
    pub const fn is_copied(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Option<'a> {
    /// Its first byte.
    pub kind: OptionKind,
    /// All of it, kind and length included.
    pub bytes: &'a [u8],
}

impl Ipv4Option<'_> {
    /// Has this route come to its end: does its pointer point behind it? Not if
    /// it has no pointer. Of routes only (source routes, record route).
    pub fn is_at_its_end(&self) -> bool {
        let pointer = self.bytes.get(2).copied();
        pointer.is_some_and(|pointer| usize::from(pointer) > self.bytes.len())
    }
}

/// An option whose length is missing, less than 2, or more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an option of kind {} has no valid length", .kind.0)]
pub struct MalformedOption {
    /// What kind it says it is.
    pub kind: OptionKind,
}

/// The options of a header, up to End of Option List. One that is malformed is
/// the last: what stands behind it cannot be told apart.
#[derive(Clone, Debug)]
pub struct Ipv4Options<'a> {
    rest: &'a [u8],
}

impl<'a> Ipv4Options<'a> {
    /// Of the bytes behind the first 20 of a header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Ipv4Options<'a> {
    type Item = Result<Ipv4Option<'a>, MalformedOption>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&first, behind) = self.rest.split_first()?;
        let kind = OptionKind(first);
        let len = match kind {
            OptionKind::END => return None,
            OptionKind::NO_OPERATION => Some(1),
            _ => behind
                .first()
                .map(|len| usize::from(*len))
                .filter(|len| *len >= 2),
        };
        let split = len.and_then(|len| self.rest.split_at_checked(len));
        let Some((bytes, rest)) = split else {
            self.rest = &[];
            return Some(Err(MalformedOption { kind }));
        };
        self.rest = rest;
        Some(Ok(Ipv4Option { kind, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<&[u8], u8>> {
        let options = Ipv4Options::new(bytes);
        options
            .map(|option| match option {
                Ok(option) => {
                    assert_eq!(option.kind.0, option.bytes[0]);
                    Ok(option.bytes)
                }
                Err(malformed) => Err(malformed.kind.0),
            })
            .collect()
    }

    #[test]
    fn options_come_in_order_up_to_the_end_of_the_list() {
        let bytes = [1, 7, 4, 4, 0, 1, 148, 4, 0, 0, 0, 131, 3, 4];
        assert_eq!(
            read(&bytes),
            [
                Ok(&[1][..]),
                Ok(&[7, 4, 4, 0]),
                Ok(&[1]),
                Ok(&[148, 4, 0, 0]),
            ]
        );
        assert_eq!(read(&[]), []);
        // No End of Option List where the header is full.
        assert_eq!(read(&[148, 4, 0, 0]), [Ok(&[148, 4, 0, 0][..])]);
        assert_eq!(read(&[5, 2]), [Ok(&[5, 2][..])]);
    }

    #[test]
    fn one_without_a_valid_length_is_the_last() {
        for bytes in [
            &[131][..],
            &[131, 0, 4, 1],
            &[131, 1, 4, 1],
            &[131, 5, 4, 0],
            &[131, 255, 131, 3],
        ] {
            assert_eq!(read(bytes), [Err(131)], "{bytes:?}");
        }
        assert_eq!(read(&[1, 7, 40, 4]), [Ok(&[1][..]), Err(7)]);
    }

    /// RFC 791 §3.1: the kinds' numbers have their copied flag, class and number.
    #[test]
    fn kinds_are_those_of_rfc_791() {
        let source_routes: Vec<u8> = (0..=255)
            .filter(|kind| OptionKind(*kind).is_source_route())
            .collect();
        assert_eq!(source_routes, [0x80 | 3, 0x80 | 9]);
        // Stream id and security, not record route and timestamp.
        let copied = [136, 130, 7, 68].map(|kind| OptionKind(kind).is_copied());
        assert_eq!(copied, [true, true, false, false]);
    }

    #[test]
    fn a_route_is_at_its_end_when_its_pointer_is_behind_it() {
        let at_end = |bytes| {
            let option = Ipv4Options::new(bytes).next().unwrap().unwrap();
            option.is_at_its_end()
        };
        assert!(!at_end(&[131, 7, 4, 10, 0, 0, 9]));
        assert!(!at_end(&[131, 7, 7, 10, 0, 0, 9]));
        assert!(at_end(&[131, 7, 8, 10, 0, 0, 9]));
        assert!(at_end(&[131, 3, 4]));
        assert!(!at_end(&[131, 3, 0]));
        assert!(!at_end(&[131, 2]), "it has no pointer");
    }
}
