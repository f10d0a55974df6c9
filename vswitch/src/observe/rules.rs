//! The access rules, and the flows that they permit.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use vnet::compiled::WeekMinute;

use super::Observer;

/// The minute of the week that it is, by the system's clock.
pub(crate) fn this_minute() -> WeekMinute {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    WeekMinute::at(since.unwrap_or_default().as_secs())
}

impl Observer {
    /// What rules need about once a second: the time of day, and that expired
    /// flows are nobody's any more.
    pub(super) fn tend_access(&self) {
        let root = Arc::clone(self.publisher.lock().current());
        root.week.set(this_minute());
        let now = u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX);
        let access = &root.drawn.access;
        root.flows.sweep(now, |owner| access.is_owner(owner));
    }
}
