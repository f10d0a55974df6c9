//! Ports in and out of workers that turn, hang, and recover.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, ThreadId};

use datapath::books::{Ledger, OutputId, OutputNumbers, Patience};
use packet::{HeapBuf, MacAddr};
use parking_lot::Mutex;
use vnet::topology::PortPurpose;

use super::*;
use crate::config::PortSource;
use crate::ports::live::WorkerIndex;
use crate::ports::memory::MemoryPort;
use crate::ports::opener::OpenPortError;
use crate::ports::sizing::sizes;
use crate::ports::{Packets, PortInfo, PortMonitor};

const WORKERS: u16 = 3;
const HELD: u32 = 100;

/// Where devices were closed, and how many are open.
#[derive(Default)]
struct Spy {
    open: AtomicUsize,
    closed_by: Mutex<Vec<ThreadId>>,
}

struct Watched {
    device: Box<dyn PortMonitor>,
    spy: Arc<Spy>,
}

impl PortMonitor for Watched {
    fn info(&self) -> PortInfo {
        self.device.info()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.spy.open.fetch_sub(1, Ordering::Relaxed);
        self.spy.closed_by.lock().push(thread::current().id());
    }
}

/// Opens memory ports with fewer transmit queues than there are workers.
#[derive(Clone, Default)]
struct Opener {
    spy: Arc<Spy>,
}

impl PortOpener<HeapBuf> for Opener {
    fn open(
        &self,
        config: &PortConfig,
        size: &PortSize,
    ) -> Result<OpenPort<HeapBuf>, OpenPortError> {
        if config.name == "broken" {
            return Err(OpenPortError::Pci {
                port: config.name.clone(),
            });
        }
        let port = MemoryPort {
            name: config.name.clone(),
            mac: MacAddr::new([2, 0, 0, 0, 0, 1]),
            mtu: size.mtu,
            rx_queues: size.rx_queues,
            tx_queues: size.tx_queues.min(2),
            capacity: 1024,
        };
        let mut open = port.open();
        self.spy.open.fetch_add(1, Ordering::Relaxed);
        open.monitor = Box::new(Watched {
            device: open.monitor,
            spy: Arc::clone(&self.spy),
        });
        Ok(open)
    }
}

fn config(name: &str) -> PortConfig {
    PortConfig {
        name: name.to_owned(),
        queues: 2,
        mtu: 1500,
        descriptors: None,
        source: PortSource::Memory,
    }
}

fn vhost(name: &str, path: &str) -> PortConfig {
    PortConfig {
        source: PortSource::Vhost {
            path: path.into(),
            client: false,
        },
        ..config(name)
    }
}

struct Bench {
    panel: PatchPanel<HeapBuf>,
    hands: Vec<Hand<HeapBuf>>,
    spy: Arc<Spy>,
    first: Vec<MemoryHandle<HeapBuf>>,
}

/// A panel with the ports `up`, an uplink, and `a`; and its workers' hands.
fn bench() -> Bench {
    let opener = Opener::default();
    let configs = [config("up"), config("a")];
    let sizes = sizes(&Demand {
        ports: &configs,
        workers: WORKERS,
        memory: Memory::None,
        held: HELD,
        reserve: None,
    })
    .unwrap();
    let mut handles = Vec::new();
    let roles = [PortRole::Uplink, PortRole::Node];
    let ports = configs.into_iter().zip(&sizes.ports).zip(roles);
    let first = ports
        .map(|((config, size), role)| {
            let mut open = opener.open(&config, size).unwrap();
            handles.extend(open.memory.take());
            FirstPort {
                config,
                role,
                row: RowId(0),
                open,
            }
        })
        .collect();
    let started = Started {
        sizes,
        workers: WORKERS,
        memory: Memory::None,
        held: HELD,
    };
    let spy = Arc::clone(&opener.spy);
    let (panel, hands) = PatchPanel::new(started, Box::new(opener), first);
    Bench {
        panel: panel.with_patience(Duration::from_secs(30)),
        hands,
        spy,
        first: handles,
    }
}

/// Workers that send what comes to the port that its first byte says.
struct Workers {
    stop: Arc<AtomicBool>,
    /// Those that stand still, for a while.
    hang: Vec<Arc<AtomicBool>>,
    ledgers: Vec<Arc<Ledger>>,
    threads: Vec<JoinHandle<Hand<HeapBuf>>>,
}

impl Workers {
    fn start(hands: Vec<Hand<HeapBuf>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut hang, mut ledgers, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for mut hand in hands {
            let ledger = Arc::new(Ledger::new(1, 16).unwrap());
            let hangs = Arc::new(AtomicBool::new(false));
            hang.push(Arc::clone(&hangs));
            ledgers.push(Arc::clone(&ledger));
            let stop = Arc::clone(&stop);
            threads.push(thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if !hangs.load(Ordering::Relaxed) {
                        turn(&mut hand, &ledger);
                    }
                    thread::yield_now();
                }
                hand
            }));
        }
        Self {
            stop,
            hang,
            ledgers,
            threads,
        }
    }

    fn end(self) -> Vec<Hand<HeapBuf>> {
        self.stop.store(true, Ordering::Relaxed);
        let hands = self.threads.into_iter();
        hands.map(|hand| hand.join().unwrap()).collect()
    }

    fn output(&self, port: u16) -> OutputNumbers {
        let mut sum = OutputNumbers::default();
        for ledger in &self.ledgers {
            sum += ledger.read_output(OutputId(port.into()), &Patience::none());
        }
        sum
    }

    /// Frames given to another worker, and not taken over.
    fn between(&self) -> u64 {
        let work = self.ledgers.iter().map(|ledger| ledger.work());
        let (handed, taken) = work.fold((0, 0), |(handed, taken), work| {
            (handed + work.handed_on.get(), taken + work.taken_over.get())
        });
        handed - taken
    }
}

fn turn(hand: &mut Hand<HeapBuf>, ledger: &Ledger) {
    hand.change(ledger);
    for polled in &mut hand.polled {
        let mut received = Packets::new();
        polled.queue.receive(&mut received);
        for frame in received {
            let to = PortId(frame.data()[0].into());
            hand.outbox.offer(to, frame, ledger);
        }
    }
    hand.outbox.flush(ledger);
}

fn frame(to: u16) -> HeapBuf {
    HeapBuf::from_slice(&[u8::try_from(to).unwrap(); 60])
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {what}");
        thread::yield_now();
    }
}

/// Adds a port and returns its id and far end.
fn add(panel: &mut PatchPanel<HeapBuf>, name: &str) -> (PortId, MemoryHandle<HeapBuf>) {
    let mut port = panel.open(config(name)).unwrap();
    let (id, far) = (port.port().id(), port.take_memory().unwrap());
    panel.plug(port, RowId(0)).unwrap();
    (id, far)
}

#[test]
fn a_port_that_is_added_carries_both_ways_until_it_is_removed() {
    let Bench {
        mut panel,
        hands,
        spy,
        first,
    } = bench();
    let workers = Workers::start(hands);
    let (id, far) = add(&mut panel, "b");
    assert_eq!(id, PortId(2));
    let live = panel.live().now();
    assert_eq!(live.find("b").unwrap().info().unwrap().name, "b");
    let queues = (0..WORKERS).map(|worker| live.queues_of(WorkerIndex(worker)).len());
    assert_eq!(queues.collect::<Vec<_>>(), [2, 2, 2]);

    // By every queue, to every port: workers without a queue hand over.
    for queue in [0, 1] {
        far.inject(queue, frame(1)).unwrap();
        first[1].inject(queue, frame(2)).unwrap();
    }
    let (mut there, mut back) = (0, 0);
    wait_for("frames", || {
        there += first[1].drain().len();
        back += far.drain().len();
        (there, back) == (2, 2)
    });

    let port = panel.unplug("b").unwrap();
    assert!(panel.live().now().find("b").is_none());
    first[1].inject(0, frame(2)).unwrap();
    wait_for("refusal", || workers.output(2).refused == 1);
    // It is still open, and can come back as it was.
    assert_eq!(spy.open.load(Ordering::Relaxed), 3);
    panel.plug(port, RowId(0)).unwrap();
    first[1].inject(0, frame(2)).unwrap();
    wait_for("a frame", || far.collect().is_some());
    panel.unplug("b").unwrap().close();
    assert_eq!(spy.open.load(Ordering::Relaxed), 2);
    assert!(live.find("b").unwrap().info().is_none());
    workers.end();
    assert_eq!(*spy.closed_by.lock(), [thread::current().id()]);
}

#[test]
fn what_flows_between_other_ports_does_not_notice_ports_that_come_and_go() {
    let Bench {
        mut panel,
        hands,
        first,
        ..
    } = bench();
    let workers = Workers::start(hands);
    let stop = Arc::new(AtomicBool::new(false));
    let (up, a) = (first[0].clone(), first[1].clone());
    let flow = {
        let stop = Arc::clone(&stop);
        // Every frame comes out before the next hundred are sent: none may be
        // missing, and no queue is ever full.
        thread::spawn(move || {
            let mut sent = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                for n in 0..100 {
                    up.inject(n % 2, frame(1)).unwrap();
                    // And some for the port that comes and goes.
                    a.inject(n % 2, frame(2)).unwrap();
                }
                let mut came = 0;
                wait_for("every frame", || {
                    came += a.drain().len();
                    came == 100
                });
                wait_for("what was for the other port", || a.is_drained());
                sent += 100;
            }
            sent
        })
    };
    let mut came = 0;
    for round in 0..200 {
        let (id, far) = add(&mut panel, "b");
        assert_eq!(id, PortId(2));
        if round % 2 == 0 {
            wait_for("traffic", || far.collect().map(|_| came += 1).is_some());
        }
        panel.unplug("b").unwrap().close();
        came += far.drain().len();
    }
    stop.store(true, Ordering::Relaxed);
    let sent = flow.join().unwrap();
    wait_for("quiet", || {
        first.iter().all(MemoryHandle::is_drained) && workers.between() == 0
    });
    let (a, b) = (workers.output(1), workers.output(2));
    assert!(came > 0);
    workers.end();
    assert_eq!((a.offered, a.sent), (sent, sent));
    assert_eq!(b.offered, sent);
    assert_eq!(b.sent, came as u64);
    assert_eq!(b.offered, b.sent + b.refused + b.port_full);
}

#[test]
fn a_worker_that_hangs_leaves_everything_as_it_was() {
    let Bench {
        panel,
        hands,
        spy,
        first,
    } = bench();
    let mut panel = panel.with_patience(Duration::from_millis(300));
    let workers = Workers::start(hands);
    // The last one: the others have the port already when it does not answer.
    for stuck in (0..WORKERS).rev() {
        let hang = &workers.hang[usize::from(stuck)];
        hang.store(true, Ordering::Relaxed);
        let port = panel.open(config("b")).unwrap();
        let error = panel.plug(port, RowId(0)).unwrap_err();
        assert_eq!(
            (error.worker, error.port.as_str()),
            (WorkerIndex(stuck), "b")
        );
        assert!(panel.live().now().find("b").is_none());
        assert_eq!(spy.open.load(Ordering::Relaxed), 2, "it was closed");
        let error = panel.unplug("a").unwrap_err();
        let RemovePortError::Stuck(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.worker, WorkerIndex(stuck));
        hang.store(false, Ordering::Relaxed);
        for queue in [0, 1] {
            first[0].inject(queue, frame(1)).unwrap();
            wait_for("a frame", || first[1].collect().is_some());
            first[1].inject(queue, frame(0)).unwrap();
            wait_for("a frame", || first[0].collect().is_some());
        }
    }
    let mut panel = panel.with_patience(Duration::from_secs(30));
    add(&mut panel, "b");
    workers.end();
}

#[test]
fn a_worker_that_hangs_with_a_command_in_its_hands_ends_it_later() {
    let Bench {
        panel,
        mut hands,
        spy,
        ..
    } = bench();
    let mut panel = panel.with_patience(Duration::from_millis(300));
    let last = hands.pop().unwrap();
    let workers = Workers::start(hands);
    let port = panel.open(config("b")).unwrap();
    // It takes the command, and then does not go on.
    let slow = thread::spawn(move || {
        let mut hand = last;
        let mut command = None;
        wait_for("a command", || {
            command = hand.mailbox().take();
            command.is_some()
        });
        (hand, command)
    });
    // Of two transmit queues the third worker has none: it is told last.
    let error = panel.plug(port, RowId(0)).unwrap_err();
    assert_eq!(error.worker, WorkerIndex(2));
    let (mut hand, command) = slow.join().unwrap();
    assert_eq!(
        spy.open.load(Ordering::Relaxed),
        3,
        "a worker has its queues"
    );
    let again = panel.open(config("b")).unwrap_err();
    assert!(matches!(again, AddPortError::Exists { .. }), "{again}");
    let ledger = Ledger::new(1, 4).unwrap();
    hand.carry_out(command.unwrap(), &ledger);
    wait_for("the end", || {
        hand.change(&ledger);
        panel.tend();
        spy.open.load(Ordering::Relaxed) == 2
    });
    let mut hands = workers.end();
    hands.push(hand);
    let workers = Workers::start(hands);
    add(&mut panel.with_patience(Duration::from_secs(30)), "b");
    workers.end();
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let Bench {
        mut panel,
        hands,
        spy,
        ..
    } = bench();
    let workers = Workers::start(hands);
    let no = |panel: &mut PatchPanel<HeapBuf>, config| panel.open(config).unwrap_err().to_string();
    assert!(no(&mut panel, config("a")).contains("there is a port \"a\" already"));
    assert!(no(&mut panel, config("broken")).contains("restart the daemon"));
    let port = panel.open(vhost("v", "/run/v.sock")).unwrap();
    panel.plug(port, RowId(0)).unwrap();
    let text = no(&mut panel, vhost("w", "/run/v.sock"));
    assert!(
        text.contains("socket /run/v.sock is already that of port \"v\""),
        "{text}"
    );
    let text = panel.unplug("up").unwrap_err().to_string();
    assert!(text.contains("\"up\" is no port of nodes"), "{text}");
    let text = panel.unplug("nobody").unwrap_err().to_string();
    assert!(text.contains("there is no port \"nobody\""), "{text}");
    let mut jumbo = config("j");
    jumbo.mtu = 9000;
    assert!(no(&mut panel, jumbo).contains("lower the port's mtu to 2022"));
    let full = (0..100).find_map(|n| {
        let port = match panel.open(config(&format!("p{n}"))) {
            Ok(port) => port,
            Err(error) => return Some(error.to_string()),
        };
        panel.plug(port, RowId(0)).unwrap();
        None
    });
    assert!(full.unwrap().contains("ports-reserve"));
    let open = spy.open.load(Ordering::Relaxed);
    assert_eq!(
        panel.live().now().iter().count(),
        open,
        "refused ports stay open"
    );
    workers.end();
}

#[test]
fn an_id_comes_free_when_its_port_is_closed() {
    let Bench {
        mut panel, hands, ..
    } = bench();
    let workers = Workers::start(hands);
    assert_eq!(add(&mut panel, "b").0, PortId(2));
    assert_eq!(add(&mut panel, "c").0, PortId(3));
    let b = panel.unplug("b").unwrap();
    assert_eq!(add(&mut panel, "d").0, PortId(4), "b is still open");
    b.close();
    assert_eq!(add(&mut panel, "e").0, PortId(2));
    panel.unplug("c").unwrap().close();
    let live = panel.live().now();
    let names = live.entries().into_iter();
    let names: Vec<_> = names
        .map(|entry| entry.map(|e| e.name.to_string()))
        .collect();
    let expected = ["up", "a", "e", "", "d"].map(|name| {
        let name = name.to_owned();
        (!name.is_empty()).then_some(name)
    });
    assert_eq!(names, expected);
    let purpose = |at: usize| live.known()[at].as_ref().map(|port| port.purpose);
    assert_eq!(purpose(0), Some(PortPurpose::Uplink));
    assert_eq!(purpose(1), Some(PortPurpose::Nodes));
    workers.end();
}
