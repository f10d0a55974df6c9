//! What DPDK logs: kept for error messages, and passed on to the program's own
//! log.
//!
//! Conditions are found by probing them; the quotes here only add what a
//! driver alone knows.

use std::collections::VecDeque;
use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::sys;

/// How grave DPDK says a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Emergency, alert, critical, error.
    Error,
    /// Warning.
    Warning,
    /// Notice, information.
    Info,
    /// Debug.
    Debug,
}

impl Level {
    fn from_rte(level: u32) -> Self {
        match level {
            0..=4 => Self::Error,
            5 => Self::Warning,
            6..=7 => Self::Info,
            _ => Self::Debug,
        }
    }
}

type Sink = Box<dyn Fn(Level, &str) + Send + Sync>;

/// Receives every line from now on; the first call in a process wins.
static SINK: OnceLock<Sink> = OnceLock::new();
static KEPT: Mutex<Kept> = Mutex::new(Kept {
    lines: VecDeque::new(),
    partial: String::new(),
    total: 0,
});

/// Lines kept for error messages, at most.
const KEEP: usize = 64;

struct Kept {
    lines: VecDeque<(Level, String)>,
    partial: String,
    /// Lines seen since the start.
    total: usize,
}

/// Passes DPDK's log lines on; `sink` must not call DPDK. Only the first call
/// has an effect.
pub fn forward_to(sink: impl Fn(Level, &str) + Send + Sync + 'static) {
    let _ = SINK.set(Box::new(sink));
}

/// Takes DPDK's log over, before the EAL starts.
pub(crate) fn redirect() {
    // SAFETY: `line` has the signature that the shim calls, touches no DPDK
    // state, never unwinds, and lives as long as the process. A failure leaves
    // DPDK's own log in place.
    unsafe { sys::vs_log_redirect(Some(line)) };
}

unsafe extern "C" fn line(level: u32, text: *const core::ffi::c_char, len: usize) {
    // SAFETY: the C library calls this with the `len` bytes that it has
    // formatted, valid during the call.
    let bytes = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), len) };
    accept(
        &KEPT,
        Level::from_rte(level),
        &String::from_utf8_lossy(bytes),
    );
}

fn accept(kept: &Mutex<Kept>, level: Level, text: &str) {
    let mut complete = Vec::new();
    {
        let mut kept = kept.lock();
        kept.partial.push_str(text);
        while let Some(end) = kept.partial.find('\n') {
            let rest = kept.partial.split_off(end + 1);
            let mut line = core::mem::replace(&mut kept.partial, rest);
            line.truncate(line.trim_end().len());
            if line.is_empty() {
                continue;
            }
            if kept.lines.len() == KEEP {
                kept.lines.pop_front();
            }
            kept.total += 1;
            kept.lines.push_back((level, line.clone()));
            complete.push(line);
        }
    }
    if let Some(sink) = SINK.get() {
        for line in &complete {
            sink(level, line);
        }
    }
}

/// A place in the log, to quote from later.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

/// Here.
pub(crate) fn mark() -> Mark {
    Mark(KEPT.lock().total)
}

/// What DPDK logged since as a warning or worse; ready to end a message: empty,
/// or with a leading `; DPDK says: `.
pub(crate) fn quote_since(mark: Mark) -> String {
    quote(&KEPT.lock(), mark)
}

fn quote(kept: &Kept, mark: Mark) -> String {
    let fresh = kept.total.saturating_sub(mark.0).min(kept.lines.len());
    let lines: Vec<&str> = kept
        .lines
        .iter()
        .skip(kept.lines.len() - fresh)
        .filter(|(level, _)| *level <= Level::Warning)
        .map(|(_, line)| line.as_str())
        .collect();
    if lines.is_empty() {
        String::new()
    } else {
        format!("; DPDK says: {}", lines.join(" / "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_and_errors_are_quoted() {
        let kept = Mutex::new(Kept {
            lines: VecDeque::new(),
            partial: String::new(),
            total: 0,
        });
        accept(&kept, Level::Error, "before\n");
        let mark = Mark(kept.lock().total);
        accept(&kept, Level::Error, "EAL: can");
        accept(&kept, Level::Error, "not\nsecond\n\n");
        accept(&kept, Level::Info, "chatter\n");
        assert_eq!(
            quote(&kept.lock(), mark),
            "; DPDK says: EAL: cannot / second"
        );
        for _ in 0..KEEP {
            accept(&kept, Level::Debug, "fill\n");
        }
        assert_eq!(kept.lock().lines.len(), KEEP);
        assert_eq!(quote(&kept.lock(), mark), "");
    }
}
