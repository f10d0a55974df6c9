//! Clients misbehave while others forward: no packet is lost, and a good
//! client's changes go on.

#[allow(dead_code, reason = "others use more of it")]
#[path = "../../../tests/hostile/mod.rs"]
mod inputs;

use core::time::Duration;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use control_api::{Client, v1};
use tonic::Streaming;

use super::switch::{Options, PATIENCE};
use super::{Lab, during};

/// Connections of those who only connect.
const IDLE: usize = 1000;
/// Those who ask, and do not read.
const SLOW: usize = 8;

#[tokio::test]
async fn no_packet_is_lost_while_clients_misbehave() {
    let mut lab = Lab::start(Options {
        workers: 1,
        state: false,
    })
    .await;
    let traffic = Arc::clone(&lab.traffic);
    let socket = lab.switch.socket();
    let over = Arc::new(AtomicBool::new(false));
    let (slowest, _) = during(&traffic, async {
        let attack = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                let _over = Over(over);
                misbehave(&socket)
            }
        });
        let mut slowest = Duration::ZERO;
        while !over.load(Ordering::SeqCst) {
            let began = Instant::now();
            lab.changes.few(1).await;
            slowest = slowest.max(began.elapsed());
            // A new connection finds its place, too.
            lab.switch.client().await;
        }
        let inputs = attack.join().unwrap();
        eprintln!(
            "{inputs} bad inputs, {IDLE} idle connections, {SLOW} slow readers of each kind; a \
             good client's change took {slowest:?} at most"
        );
        assert!(inputs >= 50);
        slowest
    })
    .await;
    assert!(slowest < PATIENCE, "a good client waited {slowest:?}");
    let sum = lab.end().await;
    eprintln!("{} packets meanwhile, none lost", sum.sent);
    assert!(sum.sent > 10_000, "too little");
}

/// Says that it is over, also where it went wrong.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// All at once what can be; how many bad inputs there were.
fn misbehave(socket: &Path) -> usize {
    let slow = slow_readers(socket.to_owned());
    let idle: Vec<_> = (0..IDLE).map(|n| half_open(socket, n)).collect();
    let mut inputs = 0;
    let mut failures = Vec::new();
    for (name, outcome) in inputs::all(socket) {
        inputs += 1;
        if let Err(instead) = outcome {
            failures.push(format!("{name}: {instead}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    drop((slow, idle));
    inputs
}

/// Connects, and begins to greet.
fn half_open(socket: &Path, n: usize) -> UnixStream {
    use std::io::Write as _;
    let mut stream = UnixStream::connect(socket).unwrap();
    let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    // It may have been hung up on already.
    let _ = stream.write_all(&greeting[..n % greeting.len()]);
    stream
}

/// Kept open until dropped: nobody reads them, nor anything else that comes.
struct SlowReaders {
    _watching: Vec<Streaming<v1::WatchReply>>,
    _listing: Vec<Streaming<v1::ListMappingsReply>>,
    _runtime: tokio::runtime::Runtime,
}

fn slow_readers(socket: PathBuf) -> SlowReaders {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut watching, mut listing) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        for _ in 0..SLOW {
            let mut client = Client::connect(&socket, "slow").await.unwrap();
            let all = v1::WatchRequest::default();
            let stream = client.verbs().watch(all).await.unwrap();
            watching.push(stream.into_inner());
            let all = v1::ListMappingsRequest::default();
            let stream = client.verbs().list_mappings(all).await.unwrap();
            listing.push(stream.into_inner());
        }
    });
    SlowReaders {
        _watching: watching,
        _listing: listing,
        _runtime: runtime,
    }
}
