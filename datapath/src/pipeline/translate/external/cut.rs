//! Where is a datagram cut that is too long? (RFC 791 §3.2, RFC 7915 §4.1 and
//! §5.1.1.) Only numbers: which bytes, and which place each piece has.

use core::ops::Range;

use packet::Fragment;

/// The pieces of `len` bytes that stand at `whole` of their datagram, each of at
/// most `most` bytes: where they are among those bytes, and where in the
/// datagram. All but the last are of a multiple of 8 bytes, and a piece that
/// was not the datagram's last stays so.
pub fn pieces(
    len: usize,
    whole: Fragment,
    most: usize,
) -> impl Iterator<Item = (Range<usize>, Fragment)> {
    let step = (most / Fragment::UNIT).max(1) * Fragment::UNIT;
    // What fits in one need not be cut at a multiple of 8.
    let count = if len <= most { 1 } else { len.div_ceil(step) };
    (0..count).map(move |nth| {
        let last = nth + 1 == count;
        let start = nth * step;
        let end = if last { len } else { start + step };
        let units = u16::try_from(start / Fragment::UNIT).unwrap_or(u16::MAX);
        let place = Fragment::new(
            whole.offset_units().saturating_add(units),
            whole.more() || !last,
        );
        (start..end, place)
    })
}

/// Does a datagram end within what 16 bits can say, with `len` bytes at this
/// place? One that does not is nobody's (RFC 791 §3.1), and could not be cut.
pub fn ends_in_time(len: usize, place: Fragment) -> bool {
    place.offset() + len <= usize::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7915 §4.1: at most 1232 bytes behind the IPv4 header.
    #[test]
    fn pieces_for_the_smallest_ipv6_mtu_are_of_1232_bytes() {
        let cut: Vec<_> = pieces(3000, Fragment::WHOLE, 1232).collect();
        assert_eq!(
            cut,
            [
                (0..1232, Fragment::new(0, true)),
                (1232..2464, Fragment::new(154, true)),
                (2464..3000, Fragment::new(308, false)),
            ]
        );
    }

    #[test]
    fn what_fits_is_one_piece_at_its_place() {
        let middle = Fragment::new(3, true);
        assert_eq!(
            pieces(13, middle, 13).collect::<Vec<_>>(),
            [(0..13, middle)]
        );
        let nothing: Vec<_> = pieces(0, Fragment::WHOLE, 8).collect();
        assert_eq!(nothing, [(0..0, Fragment::WHOLE)]);
    }

    proptest! {
        #[test]
        fn pieces_cover_everything_once_and_in_order(
            len in 0usize..20_000,
            most in 8usize..2_000,
            offset in 0u16..4_000,
            more: bool,
        ) {
            let whole = Fragment::new(offset, more);
            let mut next = 0;
            let cut: Vec<_> = pieces(len, whole, most).collect();
            for (nth, (range, place)) in cut.iter().enumerate() {
                prop_assert_eq!(range.start, next);
                prop_assert!(range.len() <= most);
                prop_assert_eq!(place.offset(), whole.offset() + range.start);
                let last = nth + 1 == cut.len();
                prop_assert_eq!(place.more(), more || !last);
                prop_assert!(last || range.len() % 8 == 0);
                next = range.end;
            }
            prop_assert_eq!(next, len);
        }
    }
}
