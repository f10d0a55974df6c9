//! Memif peers that come, go, come late, and go while being polled.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{TempDir, config, eal, poll_until, pool};
use dpdk_bindings::{Device, Mbuf, Mempool, Queues};
use packet::{BufPool, PacketBuf};

type Burst = ArrayVec<Mbuf, 32>;

const AMPLE: Duration = Duration::from_secs(30);

fn end(name: &str, role: &str, socket: &Path, pool: Mempool) -> (Device, Queues) {
    let socket = socket.display();
    let devargs = format!("{name},role={role},id=0,socket={socket},socket-abstract=no,rsize=9");
    let mut device = Device::attach(eal(), &devargs).unwrap();
    let queues = device.start(&config(1, 1500), pool).unwrap();
    (device, queues)
}

/// Sends and receives until `count` packets came back from an echo.
fn ping(peer: &mut Queues, mut pool: Mempool, count: usize) {
    let mut echoed = 0;
    poll_until(AMPLE, || {
        let packets = (0..32).map_while(|_| pool.alloc_with(&[7; 700]));
        let mut burst: Burst = packets.collect();
        peer.tx[0].transmit(&mut burst);
        burst.clear();
        echoed += peer.rx[0].receive(&mut burst);
        assert!(burst.iter().all(|packet| packet.data() == [7; 700]));
        echoed >= count
    });
}

/// Stops the echo when its test ends, also when it fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn echo(queues: &mut Queues, stop: &AtomicBool) {
    let mut burst = Burst::new();
    while !stop.load(Ordering::Relaxed) {
        queues.rx[0].receive(&mut burst);
        queues.tx[0].transmit(&mut burst);
        burst.clear();
    }
}

#[test]
fn a_server_survives_clients_that_leave_while_it_polls() {
    let pool = pool("mf-server", 16_384);
    let folder = TempDir::new("memif");
    let socket = folder.path().join("m.sock");
    let (server, mut queues) = end("net_memif_s", "server", &socket, pool);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| echo(&mut queues, &stop));
        let _stop = StopAtEnd(&stop);
        for round in 0..20 {
            let (client, mut peer) = end(&format!("net_memif_c{round}"), "client", &socket, pool);
            poll_until(AMPLE, || client.link().unwrap().up);
            ping(&mut peer, pool, 2000);
            // Dropped while packets are in flight.
        }
    });
    drop((queues, server));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_client_waits_for_its_server_and_finds_the_next_one() {
    let pool = pool("mf-client", 16_384);
    let folder = TempDir::new("memif");
    let socket = folder.path().join("m.sock");
    // Spelled differently: the driver keeps one record per path and process, and
    // it would stay a client's.
    let same = folder.path().join("./m.sock");
    let (client, mut queues) = end("net_memif_late", "client", &same, pool);
    assert!(!client.link().unwrap().up);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| echo(&mut queues, &stop));
        let _stop = StopAtEnd(&stop);
        client.tend().unwrap();
        for round in 0..8 {
            let name = format!("net_memif_next{round}");
            let (server, mut peer) = end(&name, "server", &socket, pool);
            // The client may not have noticed yet that the last one went.
            poll_until(AMPLE, || {
                client.tend().unwrap();
                std::thread::sleep(Duration::from_millis(50));
                server.link().unwrap().up
            });
            ping(&mut peer, pool, 2000);
        }
    });
    drop((queues, client));
    assert_eq!(pool.in_use(), 0);
}
