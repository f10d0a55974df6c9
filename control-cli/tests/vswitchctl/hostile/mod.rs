//! Bad inputs to the socket, from noise to well-formed nonsense. Each is met
//! with a clear error or a closed connection, changes nothing, and keeps nobody
//! waiting.
//!
//! * `inputs`: what is no HTTP/2, no gRPC, or bad;
//! * `values`: requests that cannot be carried out;
//! * `crowds`: too much of what would be fine;
//! * `late`: what is begun, and not gone on with.

mod crowds;
#[path = "../../../../tests/hostile/mod.rs"]
pub(crate) mod inputs;
mod late;
mod values;

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use control_api::{Client, v1};
use parking_lot::Mutex;
use vswitch::commit::Revision;

use self::inputs::{Outcome, SECONDS, client_side};
use crate::administration::FakeAdministration;
use crate::fake::Fake;
use crate::lab::Lab;

/// What a test may leave behind in memory; other tests of this process take
/// some meanwhile.
const LEFT_BEHIND_KIB: u64 = 256 << 10;

/// The open files and the memory of a process are everybody's in it: who takes
/// many, or counts them, does so alone.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn no_bad_input_does_any_harm() {
    let _alone = ALONE.lock();
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    let before = resident_kib();
    let over = AtomicBool::new(false);
    let (inputs, longest) = std::thread::scope(|scope| {
        let (socket, over) = (&lab.socket, &over);
        let beside = scope.spawn(move || good_client(socket, over));
        let mut inputs = 0;
        let mut failures = Vec::new();
        let all = inputs::all(&lab.socket).chain(values::all(&lab));
        for (name, outcome) in all {
            inputs += 1;
            match outcome {
                Ok(met) => println!("{inputs:3} {name}: {met}"),
                Err(instead) => failures.push(format!("{name}: {instead}")),
            }
        }
        over.store(true, Ordering::Relaxed);
        let longest = beside.join().unwrap();
        assert!(failures.is_empty(), "{failures:#?}");
        (inputs, longest)
    });
    let grown = resident_kib().saturating_sub(before);
    println!(
        "{inputs} bad inputs; a good client beside them waited {longest:?} at most; \
         {grown} KiB more memory"
    );
    assert!(inputs >= 50);
    assert!(longest < SECONDS, "a good client waited {longest:?}");
    assert!(grown < LEFT_BEHIND_KIB, "{grown} KiB more memory");
    assert_eq!(
        administration.revision(),
        Revision(812),
        "something was applied"
    );
    assert_eq!(administration.loaded(), 0);
}

/// Asks all the time, over one connection and over new ones: the longest wait.
fn good_client(socket: &Path, over: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    client_side(async {
        let mut old = Client::connect(socket, "good").await.unwrap();
        while !over.load(Ordering::Relaxed) {
            let asked = Instant::now();
            old.verbs().status(v1::StatusRequest {}).await.unwrap();
            let mut new = Client::connect(socket, "good").await.unwrap();
            new.verbs().status(v1::StatusRequest {}).await.unwrap();
            longest = longest.max(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    longest
}

/// The memory of this process, which both sides share.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
