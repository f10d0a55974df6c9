//! Does a packet's IPv4 header ask for a source route? (RFC 7915 §4.1.) All
//! other options are ignored.

use packet::ipv4_options::Ipv4Options;

/// Is a source route among these options that has not reached its end: whose
/// pointer still points into it (RFC 791 §3.1)? An option without a valid
/// length counts as none, and nothing behind it can be read.
pub fn is_unexpired(options: &[u8]) -> bool {
    Ipv4Options::new(options).flatten().any(|option| {
        option.kind.is_source_route() && option.bytes.len() > 2 && !option.is_at_its_end()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    const NO_OPERATION: u8 = 1;
    const END: u8 = 0;

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
            &[LOOSE, 7, 4, 10],
            &[7, 40, 4, LOOSE],
            &[7, 0, LOOSE, 7, 4, 1, 1, 1],
        ] {
            assert!(!is_unexpired(options), "{options:?}");
        }
    }
}
