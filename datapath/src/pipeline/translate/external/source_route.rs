//! Does a packet's IPv4 header ask for a source route? (RFC 7915 §4.1.) All
//! other options are ignored.

/// Loose source and record route (RFC 791 §3.1).
const LOOSE: u8 = 131;
/// Strict source and record route.
const STRICT: u8 = 137;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;

/// Is a source route among these options that has not reached its end: whose
/// pointer still points into it (RFC 791 §3.1)? What stands behind an option
/// without a valid length cannot be read, and counts as none.
pub fn is_unexpired(mut options: &[u8]) -> bool {
    loop {
        match options {
            [] | [END, ..] => return false,
            [NO_OPERATION, rest @ ..] => options = rest,
            [kind, rest @ ..] => {
                let Some(len) = rest.first().copied().filter(|len| *len >= 2) else {
                    return false;
                };
                let pointer = rest.get(1).copied();
                if matches!(*kind, LOOSE | STRICT)
                    && len >= 3
                    && pointer.is_some_and(|pointer| pointer <= len)
                {
                    return true;
                }
                let Some(behind) = options.get(usize::from(len)..) else {
                    return false;
                };
                options = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7915 §4.1: only a source route that is not at its end counts.
    #[test]
    fn a_source_route_counts_until_its_pointer_has_passed_its_end() {
        for kind in [LOOSE, STRICT] {
            assert!(is_unexpired(&[kind, 7, 4, 10, 0, 0, 9, 0]));
            assert!(!is_unexpired(&[kind, 7, 8, 10, 0, 0, 9, 0]));
            // Behind other options.
            assert!(is_unexpired(&[
                NO_OPERATION,
                7,
                3,
                4,
                kind,
                7,
                4,
                1,
                2,
                3,
                4
            ]));
            // Behind the end of the list.
            assert!(!is_unexpired(&[END, kind, 7, 4, 10, 0, 0, 9]));
        }
        // Record route, timestamp, router alert.
        assert!(!is_unexpired(&[7, 7, 4, 0, 0, 0, 0, 0]));
        assert!(!is_unexpired(&[68, 8, 5, 0, 0, 0, 0, 0]));
        assert!(!is_unexpired(&[148, 4, 0, 0]));
    }

    #[test]
    fn an_option_without_a_valid_length_ends_the_list() {
        for options in [
            &[LOOSE][..],
            &[LOOSE, 0, 4, 1],
            &[LOOSE, 1, 4, 1],
            &[LOOSE, 2, 0, 0],
            &[7, 40, 4, LOOSE],
            &[7, 0, LOOSE, 7, 4, 1, 1, 1],
        ] {
            assert!(!is_unexpired(options), "{options:?}");
        }
    }
}
