//! Real devices that come and go while workers turn: nothing of them is left.
//!
//! Needs root, for network interfaces; no hugepages. Interfaces, sockets and
//! device names belong to this process alone, and go with it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use datapath::books::{Ledger, RowId};
use dpdk_bindings::{Eal, Mbuf, Mempool, WorkerThread};
use packet::BufPool;
use parking_lot::{Mutex, MutexGuard};
use vnet::compiled::PortId;
use vswitch::config::{MemifRole, Memory, PortConfig, PortSource};
use vswitch::ports::opener::DpdkOpener;
use vswitch::ports::sizing::{Demand, Sizes, sizes};
use vswitch::ports::{LinkState, Packets, dpdk};
use vswitch::worker::hand::Hand;
use vswitch::worker::panel::{AddPortError, PatchPanel, Started};

const WORKERS: u16 = 2;
/// More than DPDK has port numbers.
const ROUNDS: usize = 100;

/// The process's EAL and pool; one test at a time, for they count what is open.
fn start() -> (Eal, Mempool, Sizes, MutexGuard<'static, ()>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    static STARTED: OnceLock<(Eal, Mempool, Sizes)> = OnceLock::new();
    let guard = ONE_AT_A_TIME.lock();
    let (eal, pool, sizes) = STARTED.get_or_init(|| {
        // No port yet, and room for many.
        let sizes = sizes(&Demand {
            ports: &[],
            workers: WORKERS,
            memory: Memory::None,
            held: 0,
            reserve: Some(80),
        })
        .unwrap();
        let eal = Eal::start(&dpdk::eal_config(&[], Memory::None, &sizes)).unwrap();
        let pool = Mempool::new(eal, "live", sizes.buffers, sizes.data_room, sizes.cache);
        (eal, pool.unwrap(), sizes)
    });
    (*eal, *pool, sizes.clone(), guard)
}

/// A panel and its workers, which send what comes by the port after the one it
/// came by.
struct Switch {
    panel: PatchPanel<Mbuf>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    pool: Mempool,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Switch {
    fn start() -> Self {
        let (eal, pool, sizes, guard) = start();
        let started = Started {
            sizes,
            workers: WORKERS,
            memory: Memory::None,
            held: 0,
        };
        let opener = Box::new(DpdkOpener::new(eal, pool));
        let (panel, hands) = PatchPanel::new(started, opener, Vec::new());
        let stop = Arc::new(AtomicBool::new(false));
        let turns = |hand: Hand<Mbuf>| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let _registered = WorkerThread::register(eal).unwrap();
                turn(hand, &stop);
            })
        };
        let threads = hands.into_iter().map(turns).collect();
        Self {
            // Builds beside this test may keep a worker waiting.
            panel: panel.with_patience(Duration::from_secs(60)),
            stop,
            threads,
            pool,
            _one_at_a_time: guard,
        }
    }

    fn add(&mut self, config: PortConfig) -> PortId {
        let port = self.panel.open(config).unwrap();
        let id = port.port().id();
        self.panel.plug(port, RowId(0)).unwrap();
        id
    }

    fn remove(&mut self, name: &str) {
        self.panel.unplug(name).unwrap().close();
    }

    fn is_up(&self, name: &str) -> bool {
        let info = self.panel.live().now().find(name).and_then(|p| p.info());
        info.is_some_and(|info| info.link == LinkState::Up)
    }

    /// Adds and removes a port many times; what is open afterwards is what was
    /// open before.
    fn come_and_go(&mut self, config: &PortConfig, mut meanwhile: impl FnMut(&mut Self, usize)) {
        let mut round = |switch: &mut Self, n| {
            switch.add(config.clone());
            meanwhile(switch, n);
            switch.remove(&config.name);
        };
        // The first one starts threads and opens files that stay for all.
        round(self, 0);
        let before = open_now();
        for n in 0..ROUNDS {
            round(self, n);
        }
        let name = &config.name;
        wait_for(&format!("{name}: files and threads"), || {
            open_now() == before
        });
        let pool = self.pool;
        wait_for(&format!("{name}: all buffers"), || pool.in_use() == 0);
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }
}

fn turn(mut hand: Hand<Mbuf>, stop: &AtomicBool) {
    let ledger = Ledger::new(1, 64).unwrap();
    while !stop.load(Ordering::Relaxed) {
        hand.change(&ledger);
        for polled in &mut hand.polled {
            let mut received = Packets::new();
            polled.queue.receive(&mut received);
            for frame in received {
                hand.outbox.offer(PortId(polled.port.0 + 1), frame, &ledger);
            }
        }
        hand.outbox.flush(&ledger);
        thread::yield_now();
    }
}

/// This process's open files, and its threads.
fn open_now() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

fn port(name: &str, queues: u16, source: PortSource) -> PortConfig {
    PortConfig {
        name: name.to_owned(),
        queues,
        mtu: 1500,
        descriptors: None,
        source,
    }
}

fn devargs(devargs: String) -> PortSource {
    PortSource::Devargs { devargs }
}

/// A name of at most 15 bytes that nothing else on this machine has.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:x}x{number}", std::process::id())
}

fn run(line: &str) {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        thread::sleep(Duration::from_micros(200));
    }
}

fn vhost(path: &Path) -> PortSource {
    PortSource::Vhost {
        path: path.to_owned(),
        client: false,
    }
}

#[test]
fn vhost_ports_come_and_go_with_their_sockets() {
    let mut switch = Switch::start();
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("vm.sock");
    switch.come_and_go(&port("vm", 2, vhost(&path)), |_, _| {
        assert!(path.exists());
    });
    assert!(!path.exists());
}

#[test]
fn a_guests_port_is_removed_while_it_sends_and_comes_back() {
    let mut switch = Switch::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm.sock");
    for _ in 0..5 {
        switch.add(port("vm", 1, vhost(&path)));
        // Whatever the port before it receives, it is to send.
        let guest = format!("net_virtio_user_g,path={},queues=1", path.display());
        switch.add(port("guest", 1, devargs(guest)));
        wait_for("the guest's link", || {
            switch.is_up("vm") && switch.is_up("guest")
        });
        let mut memory = switch
            .panel
            .open(port("source", 1, PortSource::Memory))
            .unwrap();
        let far = memory.take_memory().unwrap();
        switch.panel.plug(memory, RowId(0)).unwrap();
        for _ in 0..100 {
            let frame = switch.pool.alloc_with(&[0x55; 60]).unwrap();
            let _ = far.inject(0, frame);
        }
        switch.remove("vm");
        switch.remove("guest");
        switch.remove("source");
        drop(far);
    }
    let pool = switch.pool;
    wait_for("all buffers", || pool.in_use() == 0);
}

#[test]
fn taps_come_and_go_with_their_interfaces() {
    let mut switch = Switch::start();
    let name = unique("tap");
    let interface = Path::new("/sys/class/net").join(&name);
    let source = PortSource::Tap {
        interface: name.clone(),
        mac: None,
    };
    switch.come_and_go(&port("t", 2, source), |_, _| {
        assert!(interface.exists());
        // What the kernel sends by itself comes by the port.
        run(&format!("ip link set {name} up"));
    });
    assert!(!interface.exists());
}

#[test]
fn packet_sockets_come_and_go_and_the_interface_stays() {
    let mut switch = Switch::start();
    let (a, b) = (unique("va"), unique("vb"));
    run(&format!("ip link add {a} type veth peer name {b}"));
    run(&format!("ip link set {a} up"));
    run(&format!("ip link set {b} up"));
    let source = PortSource::AfPacket {
        interface: a.clone(),
    };
    switch.come_and_go(&port("p", 2, source), |switch, _| {
        assert!(switch.is_up("p"));
    });
    run(&format!("ip link del {a}"));
}

#[test]
fn memif_and_null_and_memory_ports_come_and_go() {
    let mut switch = Switch::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("m.sock");
    let memif = PortSource::Memif {
        socket: socket.clone(),
        role: MemifRole::Server,
        id: 0,
    };
    switch.come_and_go(&port("m", 1, memif), |_, _| assert!(socket.exists()));
    assert!(!socket.exists());
    // A device that always has frames: it is removed in the midst of them.
    let null = devargs("net_null0,size=64".to_owned());
    switch.come_and_go(&port("null", 2, null), |_, _| {});
    switch.come_and_go(&port("memory", 2, PortSource::Memory), |_, _| {});
}

#[test]
fn more_ports_than_dpdk_has_numbers_are_refused_and_nothing_breaks() {
    let mut switch = Switch::start();
    let null = |n: usize| {
        let name = format!("n{n}");
        port(&name, 1, devargs(format!("net_null{n},no-rx=1")))
    };
    let mut added = 0;
    let refused = loop {
        match switch.panel.open(null(added)) {
            Ok(opened) => switch.panel.plug(opened, RowId(0)).unwrap(),
            Err(refused) => break refused,
        }
        added += 1;
        assert!(added <= 32, "more than 32 ports of DPDK?");
    };
    assert_eq!(added, 32);
    assert!(matches!(refused, AddPortError::Open(_)), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("32"), "{text}");
    // Ports that need no number still fit.
    switch.add(port("memory", 1, PortSource::Memory));
    switch.remove("n7");
    switch.add(null(40));
    for live in switch.panel.live().now().iter() {
        switch.remove(live.name());
    }
    let pool = switch.pool;
    wait_for("all buffers", || pool.in_use() == 0);
}

#[test]
fn a_pci_device_is_refused_with_what_to_do() {
    let mut switch = Switch::start();
    let address = "0000:3b:00.0".to_owned();
    let refused = switch
        .panel
        .open(port("nic", 1, PortSource::Pci { address }));
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("configuration file"), "{text}");
}
