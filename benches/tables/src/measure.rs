//! How it is measured, on machines that do not stand still.

use std::hint::black_box;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::subject::{Concurrent, Reader, Subject};
use crate::workload::{BURST, Numbers};

/// Changes of one transaction.
pub const TRANSACTION: usize = 64;

/// The median of a few measurements, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Figure {
    /// Of at least one measurement.
    pub fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        Some(Self {
            median: *samples.get(samples.len() / 2)?,
            least: *samples.first()?,
            most: *samples.last()?,
        })
    }
}

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Keys that are there.
    Hits,
    /// Keys that are not.
    Misses,
}

/// Nanoseconds per look-up, over so many bursts.
pub fn look_up(subject: &mut impl Subject, count: u32, asked: Asked, bursts: u32) -> f64 {
    let mut numbers = Numbers::new(1);
    let begun = Instant::now();
    for _ in 0..bursts {
        let keys = match asked {
            Asked::Hits => numbers.keys(count),
            Asked::Misses => numbers.absent(count),
        };
        black_box(subject.look_up(&keys));
    }
    per(begun.elapsed(), bursts as usize * BURST)
}

/// Nanoseconds per change of a mapping that is there, over so many
/// transactions.
pub fn update(subject: &mut impl Subject, count: u32, transactions: u32, round: u32) -> f64 {
    let mut numbers = Numbers::new(u64::from(round));
    let begun = Instant::now();
    for _ in 0..transactions {
        let changed: [u32; TRANSACTION] = core::array::from_fn(|_| numbers.below(count));
        subject.put(&changed, round);
    }
    per(begun.elapsed(), transactions as usize * TRANSACTION)
}

/// How long it takes to fill the table.
pub fn load(subject: &mut impl Subject, count: u32) -> Duration {
    let begun = Instant::now();
    let all: Vec<u32> = (0..count).collect();
    for some in all.chunks(1000) {
        subject.put(some, 0);
    }
    begun.elapsed()
}

/// A reader beside a writer.
#[derive(Debug, Clone, Copy)]
pub struct Disturbed {
    /// Nanoseconds per look-up while nobody writes.
    pub alone: f64,
    /// While a writer runs flat out on another core.
    pub disturbed: f64,
    /// How many changes the writer made per second meanwhile.
    pub changes_per_second: f64,
}

/// What a writer that runs flat out costs a reader.
pub fn disturb<S: Concurrent + Send>(subject: &mut S, count: u32, time: Duration) -> Disturbed {
    let mut reader = subject.reader();
    let (stop, looked_up) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            let mut numbers = Numbers::new(2);
            while !stop.load(Ordering::Relaxed) {
                black_box(reader.look_up(&numbers.keys(count)));
                looked_up.fetch_add(BURST as u64, Ordering::Relaxed);
            }
        });
        let during = |work: &mut dyn FnMut()| {
            let (begun, before) = (Instant::now(), looked_up.load(Ordering::Relaxed));
            while begun.elapsed() < time {
                work();
            }
            let after = looked_up.load(Ordering::Relaxed);
            begun.elapsed().as_nanos() as f64 / (after - before).max(1) as f64
        };
        let alone = during(&mut || thread::sleep(Duration::from_millis(10)));
        let (mut numbers, mut round, begun) = (Numbers::new(3), 0_u32, Instant::now());
        let disturbed = during(&mut || {
            round += 1;
            let changed: [u32; TRANSACTION] = core::array::from_fn(|_| numbers.below(count));
            subject.put(&changed, round);
        });
        let changes = f64::from(round) * TRANSACTION as f64;
        let changes_per_second = changes / begun.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        Disturbed {
            alone,
            disturbed,
            changes_per_second,
        }
    })
}

/// This process's memory in use, in bytes.
pub fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_usize) * rustix::param::page_size()
}

/// Keeps the thread on a core, if the machine has it.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    // A machine with fewer cores measures with what it has.
    let _ = sched_setaffinity(None, &set);
}

const INSIDE: &str = "TABLES_BENCH_HAS_ITS_OWN_SESSION";

/// Runs this program again in a session of its own, whose share of the
/// processor is as large as it gets: with automatic groups (`sched_autogroup`)
/// niceness alone protects nobody. `None`: this is that run.
///
/// # Errors
/// The program cannot be started again.
pub fn in_its_own_session() -> std::io::Result<Option<ExitStatus>> {
    if std::env::var_os(INSIDE).is_none() {
        let program = std::env::current_exe()?;
        let mut again = Command::new(program);
        let again = again.args(std::env::args_os().skip(1)).env(INSIDE, "1");
        return again.status().map(Some);
    }
    // Without the right to it, the figures are worse; that is all.
    let _ = rustix::process::setsid();
    let _ = std::fs::write("/proc/self/autogroup", "-20");
    pin(0);
    Ok(None)
}

fn per(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count.max(1) as f64
}
