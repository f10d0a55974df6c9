//! What follows the quoted packet in an error message (RFC 4884): the extension
//! structure, MPLS labels for instance. It is carried over as it is; only where
//! it begins changes, and the length attribute that says so (RFC 7915 §4.2, §5.2,
//! "ICMP Error Payload").
//!
//! A message without a length attribute has no extension that could be told from
//! the quoted packet (RFC 4884 §5.4, §5.5): all of it is quoted packet.

/// The unit of the length attribute (RFC 4884 §4), in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// ICMPv4: 32-bit words.
    V4 = 4,
    /// ICMPv6: 64-bit words.
    V6 = 8,
}

/// With an extension behind it, the quoted packet is filled up with zeros to so
/// many bytes (RFC 4884 §4).
const MIN_DATAGRAM: usize = 128;

/// The body of an error message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// The quoted packet, or as much of it as there is, and padding if there is
    /// an extension.
    pub(super) datagram: &'a [u8],
    /// The extension, or nothing.
    pub(super) extension: &'a [u8],
}

/// The parts of a body under a header with this length attribute. One that says
/// more than there is, or less than a quoted packet before an extension has, says
/// nothing: the byte was unused before RFC 4884.
pub(super) fn split(body: &[u8], attribute: u8, unit: Unit) -> Parts<'_> {
    let all = Parts {
        datagram: body,
        extension: &[],
    };
    let parts = match usize::from(attribute) * unit as usize {
        ..MIN_DATAGRAM => None,
        len => body.split_at_checked(len),
    };
    parts.map_or(all, |(datagram, extension)| Parts {
        datagram,
        extension,
    })
}

/// What [`append`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appended {
    /// The length of the body, in bytes.
    pub(super) len: usize,
    /// The length attribute; 0 where there is no extension.
    pub(super) attribute: u8,
    /// Something did not fit, and was cut off.
    pub(super) cut: bool,
}

/// Puts the extension behind the first `quoted_len` bytes of `body`, as much of
/// it as fits (RFC 7915 §4.2: simply truncated).
pub(super) fn append(body: &mut [u8], quoted_len: usize, extension: &[u8], unit: Unit) -> Appended {
    let bare = |cut| Appended {
        len: quoted_len,
        attribute: 0,
        cut,
    };
    if extension.is_empty() {
        return bare(false);
    }
    let unit = unit as usize;
    let padded = quoted_len.next_multiple_of(unit).max(MIN_DATAGRAM);
    // The attribute has 8 bits; a quoted packet that is longer is cut off there.
    let padded = padded.min(usize::from(u8::MAX) * unit);
    let Some((datagram, room)) = body.split_at_mut_checked(padded) else {
        return bare(true);
    };
    let fits = extension.len().min(room.len());
    let (Some(room), Some(carried)) = (room.get_mut(..fits), extension.get(..fits)) else {
        return bare(true);
    };
    if carried.is_empty() {
        return bare(true);
    }
    datagram.iter_mut().skip(quoted_len).for_each(|b| *b = 0);
    room.copy_from_slice(carried);
    Appended {
        len: padded + fits,
        attribute: u8::try_from(padded / unit).unwrap_or(u8::MAX),
        cut: padded < quoted_len || fits < extension.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_says_where_the_extension_begins() {
        let body: Vec<u8> = (0..=255).cycle().take(300).collect();
        let parts = split(&body, 32, Unit::V4);
        assert_eq!((parts.datagram.len(), parts.extension.len()), (128, 172));
        let parts = split(&body, 32, Unit::V6);
        assert_eq!((parts.datagram.len(), parts.extension.len()), (256, 44));
        // None; more than there is; less than 128 bytes.
        let none = [(0, Unit::V4), (0, Unit::V6)];
        let long = [(76, Unit::V4), (38, Unit::V6)];
        let short = [(1, Unit::V4), (31, Unit::V4), (1, Unit::V6), (15, Unit::V6)];
        for (attribute, unit) in none.into_iter().chain(long).chain(short) {
            let parts = split(&body, attribute, unit);
            assert_eq!((parts.datagram, parts.extension), (&body[..], &[][..]));
        }
    }

    #[test]
    fn the_datagram_is_padded_to_its_unit_and_to_128_bytes() {
        for (quoted, unit, padded) in [
            (28, Unit::V4, 128),
            (28, Unit::V6, 128),
            (128, Unit::V4, 128),
            (129, Unit::V4, 132),
            (129, Unit::V6, 136),
            (148, Unit::V6, 152),
        ] {
            let mut body = [0xa5; 400];
            let appended = append(&mut body, quoted, &[1, 2, 3, 4], unit);
            assert_eq!(appended.len, padded + 4);
            assert_eq!(usize::from(appended.attribute) * unit as usize, padded);
            assert!(!appended.cut);
            assert!(body[..quoted].iter().all(|b| *b == 0xa5));
            assert!(body[quoted..padded].iter().all(|b| *b == 0));
            assert_eq!(body[padded..padded + 5], [1, 2, 3, 4, 0xa5]);
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let mut body = [0xa5; 132];
        let appended = append(&mut body, 28, &[7; 8], Unit::V4);
        let expected = Appended {
            len: 132,
            attribute: 32,
            cut: true,
        };
        assert_eq!(appended, expected);
        for room in [100, 128] {
            let mut body = vec![0xa5; room];
            let appended = append(&mut body, 28, &[7; 8], Unit::V4);
            let expected = Appended {
                len: 28,
                attribute: 0,
                cut: true,
            };
            assert_eq!(appended, expected);
            assert_eq!(body, vec![0xa5; room]);
        }
        // 255 words of 4 bytes are the longest quoted packet.
        let mut body = [0xa5; 1240];
        let appended = append(&mut body, 1200, &[7; 8], Unit::V4);
        let expected = Appended {
            len: 1028,
            attribute: 255,
            cut: true,
        };
        assert_eq!(appended, expected);
    }
}
