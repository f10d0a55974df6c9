//! How far a load is, on a terminal.

use core::time::Duration;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::grouped;

/// A line on stderr that says how far a load is; nothing where stderr is no
/// terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    begin: Instant,
    /// Before it nothing new is shown: transactions are answered faster than
    /// anybody reads.
    next: Instant,
}

impl Progress {
    /// Of a file of that size, where it is known.
    pub(super) fn begin(bytes: Option<u64>, quiet: bool) -> Self {
        let target = match quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(bytes, target);
        let template = match bytes {
            Some(_) => "{bar:30} {percent:>3} %  {msg}  ETA {eta}",
            None => "{spinner} {msg}",
        };
        // A template that is wrong leaves the bar as it looks by itself.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let begin = Instant::now();
        Self {
            bar,
            begin,
            next: begin,
        }
    }

    /// So much of the file is acknowledged.
    pub(super) fn at(&mut self, bytes: u64, changes: u64) {
        let now = Instant::now();
        if self.bar.is_hidden() || now < self.next {
            return;
        }
        let rate = per_second(changes, now - self.begin);
        let words = format!("{} mappings, {}/s", grouped(changes), grouped(rate));
        self.bar.set_message(words);
        self.bar.set_position(bytes);
        self.next = Instant::now() + PAUSE;
    }

    /// Takes the line away. How long it was there.
    pub(super) fn end(&self) -> Duration {
        self.bar.finish_and_clear();
        self.begin.elapsed()
    }
}

/// A rate, in whole numbers per second.
pub(super) fn per_second(count: u64, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    u64::try_from(u128::from(count) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}

const PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(per_second(10, Duration::from_secs(2)), 5);
        assert_eq!(per_second(10, Duration::from_millis(1)), 10_000);
        assert_eq!(per_second(0, Duration::ZERO), 0);
        assert_eq!(per_second(u64::MAX, Duration::ZERO), u64::MAX);
    }
}
