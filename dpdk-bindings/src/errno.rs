//! DPDK's error numbers: errno values, plus a few of its own.

use core::fmt;

use crate::sys;

/// An error number as DPDK's functions return (negated) or leave in
/// `rte_errno`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// No such device or address.
    pub const NOENT: Self = Self(2);
    /// Out of memory.
    pub const NOMEM: Self = Self(12);
    /// Already exists.
    pub const EXIST: Self = Self(17);
    /// Not possible with this device.
    pub const NOTSUP: Self = Self(95);
    /// Already done or in progress.
    pub const ALREADY: Self = Self(114);

    /// What `rte_errno` of the calling thread says.
    pub(crate) fn last() -> Self {
        // SAFETY: reads a thread-local integer.
        Self(unsafe { sys::vs_errno() })
    }
}

/// The one place where DPDK's statuses become results: negative is an error,
/// -1 means "see `rte_errno`" unless that is unset.
pub(crate) fn check(status: i32) -> Result<i32, Errno> {
    match status {
        0.. => Ok(status),
        -1 if Errno::last().0 > 0 => Err(Errno::last()),
        negative => Err(Errno(negative.saturating_neg())),
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            // RTE_MIN_ERRNO and the two that DPDK defines itself.
            1001 => f.write_str("operation not allowed in a secondary process"),
            1002 => f.write_str("missing rte_config"),
            number => fmt::Display::fmt(&std::io::Error::from_raw_os_error(number), f),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_results() {
        assert_eq!(check(0), Ok(0));
        assert_eq!(check(7), Ok(7));
        assert_eq!(check(-12), Err(Errno::NOMEM));
        assert_eq!(check(i32::MIN), Err(Errno(i32::MAX)));
        assert!(Errno::NOMEM.to_string().contains("memory"));
        assert!(Errno(1001).to_string().contains("secondary"));
    }
}
