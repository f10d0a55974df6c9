//! What it costs to keep the state: how long a commit takes, how fast many
//! mappings are kept, how large the file becomes, how long a start takes.
//!
//! `cargo bench -p vswitch --bench state -- [MAPPINGS…]` prints a table; the
//! file is in the folder for temporary files (`TMPDIR`).
#![allow(clippy::unwrap_used, clippy::disallowed_macros, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};
use vswitch::state::{Commit, MappingChange, MappingPlace, Progress, RequestId, Revision, Store};

const HOST: &str = "r";
const CHUNK: u64 = 8192;
/// Chunks that are written together.
const GROUP: u64 = 8;

fn main() {
    let counts: Vec<u64> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    latency();
    for count in if counts.is_empty() {
        vec![1_000_000]
    } else {
        counts
    } {
        mappings(count);
    }
}

/// A number that looks random, the same for the same `n` (SplitMix64).
fn scattered(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The mapping of a number: up to 65 536 in a segment, on one of 1000 hosts.
fn mapping(n: u64, moves: u64) -> MappingChange {
    let [.., s0, s1, a0, a1] = n.to_be_bytes();
    let segment = 0xa000 + u32::from_be_bytes([0, 0, s0, s1]);
    let random = scattered(n);
    let [m0, m1, m2, m3, m4, ..] = random.to_be_bytes();
    MappingChange {
        segment: SegmentId::new(segment).unwrap(),
        address: VirtualAddr::from_bits(u32::from_be_bytes([10, 0, a0, a1])),
        place: Some(MappingPlace {
            locator: Locator::from_bits(0xfd00_0000_0000_0000 + (random + moves) % 1000),
            slot: Slot::ZERO,
            mac: MacAddr::new([2, m0, m1, m2, m3, m4]),
        }),
    }
}

fn commit(revision: u64, mappings: impl Iterator<Item = MappingChange>) -> Commit {
    Commit {
        mappings: mappings.collect(),
        request: RequestId::new(&format!("request-{revision}")),
        ..Commit::empty(Revision(revision))
    }
}

/// One commit after the other, each on the disk before the next.
fn latency() {
    println!(
        "commit of           p50         p99     (one at a time, 1 M mappings' worth of keys)"
    );
    for changes in [1, 1000, CHUNK] {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, ..) = Store::open(&folder.path().join("state"), HOST).unwrap();
        let mut took: Vec<Duration> = (1..=300)
            .map(|revision| {
                let keys = (0..changes).map(|n| scattered(revision << 32 | n) % 1_000_000);
                let commit = commit(revision, keys.map(|n| mapping(n, revision)));
                let begun = Instant::now();
                store.commit(&[commit]).unwrap();
                begun.elapsed()
            })
            .collect();
        took.sort();
        println!(
            "{changes:>5} changes  {:>9.2?}  {:>9.2?}",
            took[took.len() / 2],
            took[took.len() * 99 / 100]
        );
    }
}

fn mappings(count: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    println!("\n{count} mappings");
    let (mut store, ..) = Store::open(&path, HOST).unwrap();
    let mut revision = 0;
    let chunks: Vec<u64> = (0..count).step_by(8192).collect();
    let mut kept = Duration::ZERO;
    for group in chunks.chunks(8) {
        let group: Vec<Commit> = group
            .iter()
            .map(|first| {
                revision += 1;
                let end = count.min(first + CHUNK);
                commit(revision, (*first..end).map(|n| mapping(n, 0)))
            })
            .collect();
        let begun = Instant::now();
        store.commit(&group).unwrap();
        kept += begun.elapsed();
    }
    say_rate(
        &format!("kept in chunks of {CHUNK}, {GROUP} together"),
        count,
        kept,
    );
    say_size(&path, count);
    crash(&path);
    close_and_open(store, &path);

    let (mut store, ..) = Store::open(&path, HOST).unwrap();
    let changes = 300 * 1000;
    let mut kept = Duration::ZERO;
    for n in 0..300 {
        revision += 1;
        let keys = (0..1000).map(|at| scattered(n << 32 | at) % count);
        let commit = commit(revision, keys.map(|key| mapping(key, revision)));
        let begun = Instant::now();
        store.commit(&[commit]).unwrap();
        kept += begun.elapsed();
    }
    say_rate("changed at random, 1000 in a commit", changes, kept);

    let begun = Instant::now();
    let mut checkpoint = store.begin_checkpoint((0..count).map(|n| mapping(n, 0)));
    let mut longest = Duration::ZERO;
    let mut steps = 0;
    loop {
        let step = Instant::now();
        let progress = store.checkpoint_step(&mut checkpoint).unwrap();
        longest = longest.max(step.elapsed());
        steps += 1;
        if progress == Progress::Done {
            break;
        }
    }
    println!(
        "  checkpoint: {:.2?} in {steps} steps, the longest {longest:.2?}",
        begun.elapsed()
    );
    say_size(&path, count);
    close_and_open(store, &path);
}

fn say_rate(what: &str, count: u64, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("  {what}: {took:.2?}, {rate:.0}/s");
}

fn say_size(path: &Path, count: u64) {
    use std::os::unix::fs::MetadataExt as _;
    let about = fs::metadata(path).unwrap();
    let on_disk = about.blocks() * 512;
    println!(
        "  file: {:.1} MB on the disk, {:.1} bytes per mapping (length {:.1} MB)",
        on_disk as f64 / 1e6,
        on_disk as f64 / count as f64,
        about.len() as f64 / 1e6
    );
}

/// A copy is what a crash leaves.
fn crash(path: &Path) {
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).unwrap();
    open("start after a crash", &copy);
    fs::remove_file(&copy).unwrap();
}

fn close_and_open(store: Store, path: &Path) {
    let begun = Instant::now();
    store.close().unwrap();
    println!("  close: {:.2?}", begun.elapsed());
    open("start", path);
}

fn open(what: &str, path: &Path) {
    let begun = Instant::now();
    let (store, ..) = Store::open(path, HOST).unwrap();
    let opened = begun.elapsed();
    let mut puts = 0_u64;
    let begun = Instant::now();
    let replayed = store
        .replay(|changes| puts += changes.iter().filter(|c| c.place.is_some()).count() as u64)
        .unwrap();
    let took = begun.elapsed();
    println!(
        "  {what}: opened and checked in {opened:.2?}, {} changes read in {took:.2?}",
        replayed.changes
    );
    assert!(puts <= replayed.changes);
    store.close().unwrap();
}
