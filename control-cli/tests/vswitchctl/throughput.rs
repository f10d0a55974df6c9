//! How many changes of mappings per second the control thread takes in, with an
//! administration behind it that does nothing. A measurement: run it by name,
//! `cargo test --release -p control-cli --test vswitchctl throughput -- --ignored --nocapture`.

use core::time::Duration;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use control_api::Client;
use vswitch::commit::MAX_CHANGES;

use crate::administration::FakeAdministration;
use crate::changes::{put, transaction};
use crate::fake::Fake;
use crate::hostile::inputs::client_side;
use crate::lab::Lab;

const CHANGES: u32 = 4_000_000;

#[test]
#[ignore = "a measurement"]
fn throughput_of_transactions() {
    let lab = Lab::start(Fake {
        administration: Arc::new(FakeAdministration {
            idle: true,
            ..FakeAdministration::default()
        }),
        ..Fake::default()
    });
    for size in [1, 16, 256, u32::try_from(MAX_CHANGES).unwrap()] {
        let count = (CHANGES / size).min(100_000);
        let (busy, wall) = (busy("server"), Instant::now());
        client_side(async {
            let mut client = Client::connect(&lab.socket, "test").await.unwrap();
            let changes: Vec<_> = (0..size).map(|n| put(256 + n)).collect();
            let requests = (0..count).map(move |_| transaction("", changes.clone()));
            let requests = tokio_stream::iter(requests);
            let answers = client.verbs().change_mappings(requests).await.unwrap();
            let mut answers = answers.into_inner();
            for _ in 0..count {
                answers.message().await.unwrap().unwrap();
            }
        });
        let changes = f64::from(count * size);
        let per_second = |time: Duration| changes / time.as_secs_f64() / 1e6;
        let server = self::busy("server") - busy;
        println!(
            "{size:5} changes per transaction: {:6.3} M changes/s of the control thread's time, \
             {:6.3} M/s with the client on the same machine",
            per_second(server),
            per_second(wall.elapsed())
        );
    }
}

/// The processor time that the thread of this name has had.
fn busy(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let tasks = tasks.map(|task| task.unwrap().path());
    let named = |comm: String| comm.trim() == name;
    let task = tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(named));
    let times = task.map(|task| fs::read_to_string(task.join("schedstat")).unwrap());
    let nanoseconds = times.map(|times| times.split(' ').next().unwrap().parse::<u64>().unwrap());
    Duration::from_nanos(nanoseconds.sum())
}
