//! The daemon, in this process, with ports that end in this test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use control_api::{Client, v1};
use packet::{HeapPool, MacAddr};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::oneshot;
use vswitch::control::ControlConfig;
use vswitch::daemon::restore::restore;
use vswitch::daemon::{self, Platform};
use vswitch::ports::memory::MemoryPort;
use vswitch::ports::opener::HeapOpener;
use vswitch::ports::sizing::{self, Demand};
use vswitch::take_over::seat::Seat;

use super::ends::{Far, Port};
use super::traffic::Traffic;

/// The longest that anything may take. Machines may be very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const SEGMENT: u32 = 0xa001;
pub(crate) const NODE: (u32, MacAddr) = (0x0a00_0002, MacAddr::new([2, 0, 0, 0, 0, 2]));
pub(crate) const UPLINK: MacAddr = MacAddr::new([2, 0, 0, 0, 1, 1]);

/// The MAC of who has an address.
pub(crate) fn mac_of(address: u32) -> MacAddr {
    let [a, b, c, d] = address.to_be_bytes();
    MacAddr::new([2, 1, a, b, c, d])
}

pub(crate) struct Options {
    pub(crate) workers: u16,
    pub(crate) state: bool,
}

/// The daemon, running.
pub(crate) struct Switch {
    directory: TempDir,
    end: Option<oneshot::Sender<()>>,
    daemon: Option<JoinHandle<()>>,
}

/// The addresses of nodes on this host: one for each worker.
pub(crate) fn local_address(worker: usize) -> u32 {
    0x0a00_0100 + u32::try_from(worker).unwrap()
}

/// A node that is drawn on another host.
pub(crate) const DRAWN: u32 = 0x0a00_0004;
/// The host it is on.
pub(crate) const DRAWN_HOST: u64 = 0xfd00_0000_0000_000b;

fn topology(workers: u16) -> String {
    let mut text = format!(
        "network: z\nsegments: [{{ name: front, id: {SEGMENT}, subnet: 10.0.0.0/8, \
         multicast: {{ snooping: false }} }}]\nnodes:\n"
    );
    let mut node = |name: &str, place: &str, address: u32, mac: MacAddr| {
        let address = core::net::Ipv4Addr::from_bits(address);
        let _ = writeln!(
            text,
            "  - {{ name: {name}, {place}, segment: front, address: {address}, mac: \"{mac}\" }}"
        );
    };
    node("a", "host: r, port: vm-a, link: access", NODE.0, NODE.1);
    node("g", "host: s", DRAWN, mac_of(DRAWN));
    for worker in 0..usize::from(workers) {
        let address = local_address(worker);
        let place = "host: r, port: vm-c, link: access";
        node(&format!("c{worker}"), place, address, mac_of(address));
    }
    text
}

fn config(options: &Options) -> String {
    let cores: Vec<_> = (0..options.workers).map(|core| core.to_string()).collect();
    let state = if options.state {
        "state: state.redb"
    } else {
        ""
    };
    format!(
        "\
host: r
workers: {{ cores: [{}], poll: busy }}
memory: none
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  routes: [{{ to: ::/0, via: fd00:0:0:ff::1 }}]
  mtu: 1600
ports:
  - {{ name: vm-a, memory: true }}
  - {{ name: vm-c, memory: true }}
  - {{ name: uplink0, memory: true }}
hosts: [{{ name: s, locator: fd00:0:0:b::/64 }}]
control: {{ socket: control.sock }}
{state}
tables: {{ mappings: 200000 }}
topology: topology.yaml
",
        cores.join(", ")
    )
}

impl Switch {
    pub(crate) fn start(options: Options, traffic: &Arc<Mutex<Traffic>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("host.yaml");
        fs::write(&path, config(&options)).unwrap();
        let drawn = directory.path().join("topology.yaml");
        fs::write(drawn, topology(options.workers)).unwrap();
        let restored = restore(&path).unwrap_or_else(|error| panic!("{error}"));
        let config = &restored.config;
        let sizes = sizing::sizes(&Demand {
            ports: &config.ports,
            workers: options.workers,
            memory: config.memory,
            held: 0,
            reserve: None,
        });
        let sizes = sizes.unwrap();
        let seat = Seat::take(&ControlConfig {
            socket: config.control.socket.clone(),
            ..ControlConfig::default()
        });
        let seat = seat.unwrap();
        let ends = [
            (NODE.1, Port::Sender),
            (MacAddr::new([2, 0, 0, 0, 0, 3]), Port::Local),
            (UPLINK, Port::Uplink),
        ];
        let ports = ends
            .into_iter()
            .zip(&config.ports)
            .map(|((mac, end), port)| {
                let port = MemoryPort {
                    name: port.name.clone(),
                    mac,
                    mtu: 1600,
                    rx_queues: options.workers,
                    tx_queues: options.workers,
                    capacity: 1,
                };
                let far = |queue| Far {
                    port: end,
                    queue,
                    traffic: Arc::clone(traffic),
                };
                let queues = || 0..usize::from(options.workers);
                let mut port = port.open();
                port.rx = queues().map(|queue| Box::new(far(queue)) as _).collect();
                port.tx = queues().map(|queue| Box::new(far(queue)) as _).collect();
                port
            });
        let ports: Vec<_> = ports.collect();
        let pool = HeapPool::new(usize::from(sizes.data_room));
        let platform = Platform {
            opener: Box::new(HeapOpener::new(pool.clone())),
            pool,
            dpdk: None,
            prologue: Arc::new(|| Box::new(()) as Box<dyn core::any::Any>),
            sizes,
            held: 0,
        };
        let (end, ending) = oneshot::channel::<()>();
        // Not pinned: other tests run on the same cores.
        let cores = vec![None; usize::from(options.workers)];
        let daemon = thread::spawn(move || {
            let ending = async {
                let _ = ending.await;
            };
            daemon::run(restored, ports, platform, seat, &cores, ending).unwrap();
        });
        Self {
            directory,
            end: Some(end),
            daemon: Some(daemon),
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    pub(crate) async fn client(&self) -> Client {
        let began = Instant::now();
        loop {
            match Client::connect(&self.socket(), "loss test").await {
                Ok(client) => return client,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it in order.
    pub(crate) fn end(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        drop(self.end.take());
        if let Some(daemon) = self.daemon.take() {
            let ended = daemon.join();
            assert!(ended.is_ok() || thread::panicking(), "the daemon panicked");
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What was dropped by reason, read when the books balance.
pub(crate) struct Drops(BTreeMap<String, u64>);

impl Drops {
    pub(crate) async fn read(client: &mut Client) -> Self {
        balanced(client).await;
        let request = v1::ListCountersRequest {
            drops_only: true,
            ..v1::ListCountersRequest::default()
        };
        let pages = client.verbs().list_counters(request).await.unwrap();
        let mut pages = pages.into_inner();
        let mut drops = BTreeMap::new();
        while let Some(page) = pages.message().await.unwrap() {
            for counter in page.counters {
                *drops.entry(counter.name).or_default() += counter.value;
            }
        }
        Self(drops)
    }

    /// Since then, exactly so many packets were dropped, for this reason only.
    pub(crate) fn only_for_want_of_a_mapping(&self, before: &Self, packets: u64) {
        let mut dropped = 0;
        for (reason, now) in &self.0 {
            let since = now - before.0.get(reason).unwrap_or(&0);
            let expected = ["no-mapping", "unknown-destination-mac"].contains(&reason.as_str());
            assert!(since == 0 || expected, "{since} packets dropped: {reason}");
            dropped += since;
        }
        assert_eq!(dropped, packets, "drops in the books: {:?}", self.0);
    }
}

/// Waits until the books balance, with nothing held.
async fn balanced(client: &mut Client) {
    let began = Instant::now();
    loop {
        let books = client.verbs().books(v1::BooksRequest {}).await.unwrap();
        let books = books.into_inner();
        let whole = books.whole.unwrap();
        let came = whole.received + whole.generated + whole.copies + whole.extra_fragments;
        let went = whole.sent + whole.consumed + whole.held + whole.dropped;
        if came == went && whole.held == 0 && books.outputs.iter().all(|o| o.tx_dropped == 0) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no balance: {books:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
