//! How long clients may take over what they have begun.

use core::time::Duration;

/// Time limits. Whoever keeps none of a limit's half of a conversation loses
/// that conversation, not more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// From connecting to the last octet of HTTP/2's greeting.
    pub greeting: Duration,
    /// Without a sign of life on a connection, until the daemon asks for one;
    /// and from there until it hangs up.
    pub silence: Duration,
    /// For a request to arrive whole.
    pub request: Duration,
    /// Until the next piece of an `apply` arrives.
    pub piece: Duration,
    /// Until all pieces of an `apply` have arrived.
    pub pieces: Duration,
    /// Until an export has been taken.
    pub export: Duration,
    /// Until the next page of a listing of mappings has been taken.
    pub page: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            request: Duration::from_secs(30),
            piece: Duration::from_secs(30),
            pieces: Duration::from_secs(600),
            export: Duration::from_secs(120),
            page: Duration::from_secs(120),
        }
    }
}
