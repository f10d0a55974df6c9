//! Configured ports over real devices: veth, tap, vhost, memif.
//!
//! Needs root, for network interfaces; no hugepages. Interfaces, sockets and
//! device names belong to this process alone, and go with it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dpdk_bindings::{Eal, Mbuf, Mempool};
use packet::{BufPool, PacketBuf};
use vswitch::config::{MemifRole, Memory, PortConfig, PortSource};
use vswitch::ports::sizing::{Demand, Sizes, sizes};
use vswitch::ports::{LinkState, OpenPort, Packets, dpdk};

/// IEEE 802 Local Experimental Ethertype 1: nobody else on the wire speaks it.
const ETHERTYPE: [u8; 2] = [0x88, 0xb5];

/// The process's EAL and a pool for jumbo frames; sizes as the ports need them.
fn start() -> (Eal, Mempool) {
    static STARTED: OnceLock<(Eal, Mempool)> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let ports = [port("any", 9000, 2, af_packet("v"))];
        let mut sizes = sizes_of(&ports);
        sizes.buffers = 16_384;
        sizes.memory_mib = 512;
        let config = dpdk::eal_config(&ports, Memory::None, &sizes);
        let eal = Eal::start(&config).unwrap();
        let pool = Mempool::new(eal, "ports", sizes.buffers, sizes.data_room, sizes.cache);
        (eal, pool.unwrap())
    })
}

fn port(name: &str, mtu: u16, queues: u16, source: PortSource) -> PortConfig {
    PortConfig {
        name: name.to_owned(),
        queues,
        mtu,
        descriptors: None,
        source,
    }
}

fn af_packet(interface: &str) -> PortSource {
    PortSource::AfPacket {
        interface: interface.to_owned(),
    }
}

fn sizes_of(ports: &[PortConfig]) -> Sizes {
    let demand = Demand {
        ports,
        workers: 2,
        memory: Memory::None,
        held: 0,
        reserve: Some(0),
    };
    sizes(&demand).unwrap()
}

fn open(config: &PortConfig) -> OpenPort<Mbuf> {
    let sizes = sizes_of(core::slice::from_ref(config));
    let (eal, pool) = start();
    let opened = dpdk::open(eal, config, &sizes.ports[0], pool).unwrap();
    assert_eq!(opened.warnings, [""; 0]);
    opened
}

fn refused(config: &PortConfig) -> String {
    let sizes = sizes_of(core::slice::from_ref(config));
    let (eal, pool) = start();
    dpdk::open(eal, config, &sizes.ports[0], pool)
        .unwrap_err()
        .to_string()
}

/// A name of at most 15 bytes that nothing else on this machine has.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:x}x{number}", std::process::id())
}

fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two connected interfaces, up; gone when dropped.
struct Veth {
    ends: [String; 2],
}

impl Veth {
    fn new(mtu: u16) -> Self {
        let ends = [unique("va"), unique("vb")];
        let [a, b] = &ends;
        run(&format!(
            "ip link add {a} mtu {mtu} type veth peer name {b} mtu {mtu}"
        ));
        for end in &ends {
            // The kernel's own chatter stays off the wire.
            let knob = format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6");
            std::fs::write(knob, "1").unwrap();
            run(&format!("ip link set {end} up"));
        }
        Self { ends }
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["link", "del", &self.ends[0]])
            .output();
    }
}

/// A frame of `len` bytes for a MAC that no port has, marked with `n`.
fn frame(len: usize, n: u8) -> Vec<u8> {
    let mut frame = vec![n; len];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0xee]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, n]);
    frame[12..14].copy_from_slice(&ETHERTYPE);
    frame
}

/// Sends frames by `tx` until they arrive at any queue of `rx`: those given, in
/// order, in one piece.
fn carry(from: &mut OpenPort<Mbuf>, to: &mut OpenPort<Mbuf>, frames: &[Vec<u8>]) {
    let (_, mut pool) = start();
    for chunk in frames.chunks(8) {
        let mut burst: Packets<Mbuf> = chunk
            .iter()
            .map(|frame| pool.alloc_with(frame).unwrap())
            .collect();
        let mut arrived = Vec::new();
        wait_for("the port to take a burst", || {
            from.tx[0].transmit(&mut burst);
            // A memif receiver gives room as it polls.
            arrived.extend(ours(to));
            burst.is_empty()
        });
        wait_for("the burst to arrive", || {
            arrived.extend(ours(to));
            arrived.len() >= chunk.len()
        });
        arrived.sort_unstable();
        let mut expected = chunk.to_vec();
        expected.sort_unstable();
        assert!(
            arrived == expected,
            "{:?} arrived of {:?}",
            marks(&arrived),
            marks(&expected)
        );
    }
}

/// Length and mark of frames, for messages.
fn marks(frames: &[Vec<u8>]) -> Vec<(usize, u8)> {
    frames
        .iter()
        .map(|frame| (frame.len(), frame[11]))
        .collect()
}

/// What arrived of our frames.
fn ours(port: &mut OpenPort<Mbuf>) -> Vec<Vec<u8>> {
    let mut burst = Packets::new();
    for queue in &mut port.rx {
        queue.receive(&mut burst);
    }
    assert!(burst.iter().all(PacketBuf::is_contiguous));
    let frames = burst.iter().map(|buf| buf.data().to_vec());
    frames
        .filter(|frame| frame[12..14] == ETHERTYPE || frame[12..14] == [0x81, 0])
        .collect()
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn up(port: &OpenPort<Mbuf>) -> bool {
    port.monitor.info().link == LinkState::Up
}

fn assert_nothing_leaked() {
    let (_, pool) = start();
    wait_for("all buffers to return", || pool.in_use() == 0);
}

#[test]
fn af_packet_carries_frames_of_every_length_both_ways() {
    let veth = Veth::new(9000);
    let [a, b] = &veth.ends;
    let mut one = open(&port("one", 9000, 1, af_packet(a)));
    let mut two = open(&port("two", 9000, 2, af_packet(b)));
    assert_eq!((two.rx.len(), two.tx.len()), (2, 2));
    let lengths = [60, 61, 1514, 1515, 1983, 2048, 4096, 9000, 9014];
    let mut frames: Vec<Vec<u8>> = (1..).zip(lengths).map(|(n, len)| frame(len, n)).collect();
    // 802.1Q survives, with its priority.
    let mut tagged = frame(1518, 99);
    tagged[12..16].copy_from_slice(&[0x81, 0x00, 0x60, 0x64]);
    frames.push(tagged);
    carry(&mut one, &mut two, &frames);
    carry(&mut two, &mut one, &frames);

    let info = one.monitor.info();
    assert_eq!(
        (info.kind, info.driver.as_str()),
        ("af_packet", "packet_socket")
    );
    assert_eq!(
        (&info.device, info.mtu, info.link),
        (a, 9000, LinkState::Up)
    );
    let octets = run(&format!("cat /sys/class/net/{a}/address"));
    assert_eq!(info.mac.to_string(), octets.trim());
    assert!(info.counters.tx_packets >= 10 && info.counters.rx_bytes > 20_000);
    drop((one, two));
    assert_nothing_leaked();
}

#[test]
fn an_interfaces_mtu_is_raised_and_never_lowered() {
    let mtu = |interface: &str| run(&format!("cat /sys/class/net/{interface}/mtu"));
    let veth = Veth::new(1500);
    let [a, b] = &veth.ends;
    let one = open(&port("one", 9000, 1, af_packet(a)));
    assert_eq!(mtu(a).trim(), "9000");
    let two = open(&port("two", 1280, 1, af_packet(b)));
    assert_eq!(mtu(b).trim(), "1500");
    drop((one, two));
}

#[test]
fn af_xdp_carries_frames_and_names_its_limits() {
    let veth = Veth::new(1500);
    let [a, b] = &veth.ends;
    let (eal, _) = start();
    // Of its own: AF_XDP takes no jumbo buffers.
    let config = port(
        "x",
        1500,
        1,
        PortSource::AfXdp {
            interface: a.clone(),
        },
    );
    let sizes = sizes_of(core::slice::from_ref(&config));
    let name = unique("x");
    let xdp_pool = Mempool::new(eal, &name, sizes.buffers, sizes.data_room, sizes.cache).unwrap();
    let mut xdp = dpdk::open(eal, &config, &sizes.ports[0], xdp_pool).unwrap();
    let mut plain = open(&port("p", 1500, 1, af_packet(b)));
    let frames: Vec<Vec<u8>> = (1..20)
        .map(|n| frame(60 + usize::from(n) * 70, n))
        .collect();
    carry(&mut plain, &mut xdp, &frames);
    carry(&mut xdp, &mut plain, &frames);
    drop((xdp, plain));
    assert_nothing_leaked();
}

#[test]
fn a_tap_reaches_the_kernel_and_back() {
    let name = unique("tap");
    let config = port(
        "t",
        1500,
        1,
        PortSource::Tap {
            mac: None,
            interface: name.clone(),
        },
    );
    let mut tap = open(&config);
    std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1").unwrap();
    run(&format!("ip link set {name} up"));
    wait_for("the link", || up(&tap));
    // The kernel's end, through a packet socket.
    let mut kernel = open(&port("k", 1500, 1, af_packet(&name)));
    let frames: Vec<Vec<u8>> = (1..20)
        .map(|n| frame(60 + usize::from(n) * 70, n))
        .collect();
    carry(&mut kernel, &mut tap, &frames);
    carry(&mut tap, &mut kernel, &frames);
    drop((tap, kernel));
    assert_nothing_leaked();
    assert!(!Path::new(&format!("/sys/class/net/{name}")).exists());
}

#[test]
fn a_tap_of_several_queues_moves_to_another_namespace() {
    let name = unique("tap");
    let space = unique("ns");
    let config = port(
        "t",
        1500,
        2,
        PortSource::Tap {
            mac: None,
            interface: name.clone(),
        },
    );
    let mut tap = open(&config);
    assert_eq!((tap.rx.len(), tap.tx.len()), (2, 2));
    run(&format!("ip netns add {space}"));
    run(&format!("ip link set {name} netns {space}"));
    run(&format!("ip -n {space} link set {name} up"));
    run(&format!("ip -n {space} addr add 192.0.2.1/24 dev {name}"));
    // Its ARP requests come out of the port.
    let mut ping = Command::new("ip")
        .args([
            "netns",
            "exec",
            &space,
            "ping",
            "-c",
            "20",
            "-i",
            "0.2",
            "192.0.2.2",
        ])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut burst = Packets::new();
    wait_for("an ARP request", || {
        for queue in &mut tap.rx {
            queue.receive(&mut burst);
        }
        let found = burst
            .iter()
            .any(|frame| frame.data()[12..14] == [0x08, 0x06]);
        burst.clear();
        found
    });
    ping.kill().unwrap();
    ping.wait().unwrap();
    drop(tap);
    run(&format!("ip netns del {space}"));
    assert_nothing_leaked();
}

#[test]
fn vhost_serves_a_guest_and_its_socket_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm.sock");
    // What a dead switch left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let config = port(
        "vm",
        1500,
        2,
        PortSource::Vhost {
            path: path.clone(),
            client: false,
        },
    );
    let mut vhost = open(&config);
    assert!(!up(&vhost));
    assert!(refused(&config).contains("in use by another process"));

    let guest = format!(
        "net_virtio_user_g,path={},queues=2,queue_size=256",
        path.display()
    );
    let mut guest = open(&port(
        "guest",
        1500,
        2,
        PortSource::Devargs { devargs: guest },
    ));
    wait_for("the guest's link", || up(&vhost) && up(&guest));
    let frames: Vec<Vec<u8>> = (1..40)
        .map(|n| frame(60 + usize::from(n) * 36, n))
        .collect();
    carry(&mut guest, &mut vhost, &frames);
    carry(&mut vhost, &mut guest, &frames);
    drop(guest);
    wait_for("the guest to be gone", || !up(&vhost));
    drop(vhost);
    assert_nothing_leaked();
}

#[test]
fn memif_connects_a_server_and_a_client() {
    let folder = tempfile::tempdir().unwrap();
    let end = |role| PortSource::Memif {
        socket: folder.path().join("m.sock"),
        role,
        id: 0,
    };
    let mut server = open(&port("s", 1500, 2, end(MemifRole::Server)));
    let mut client = open(&port("c", 1500, 2, end(MemifRole::Client)));
    wait_for("the link", || up(&server) && up(&client));
    let frames: Vec<Vec<u8>> = (1..20)
        .map(|n| frame(60 + usize::from(n) * 70, n))
        .collect();
    carry(&mut client, &mut server, &frames);
    carry(&mut server, &mut client, &frames);
    drop(client);
    wait_for("the link to go", || !up(&server));
    let mut client = open(&port("c", 1500, 2, end(MemifRole::Client)));
    wait_for("the link", || up(&server) && up(&client));
    carry(&mut client, &mut server, &frames);
    drop((server, client));
    assert_nothing_leaked();
}

#[test]
fn capture_files_and_memory_work_with_dpdk_buffers() {
    let (_, mut pool) = start();
    let mut memory = open(&port("m", 1500, 1, PortSource::Memory));
    let far = memory.memory.take().unwrap();
    far.inject(0, pool.alloc_with(&frame(60, 1)).unwrap())
        .unwrap();
    let mut burst = Packets::new();
    memory.rx[0].receive(&mut burst);
    memory.tx[1].transmit(&mut burst);
    assert_eq!(far.collect().unwrap().data(), frame(60, 1));
    drop(memory);
    assert_nothing_leaked();
}

#[test]
fn ports_that_cannot_be_opened_say_why() {
    let text = refused(&port("up", 1500, 1, af_packet("nosuchif0")));
    assert!(
        text.contains("port \"up\": there is no network interface \"nosuchif0\""),
        "{text}"
    );
    let devargs = "net_bogus0".to_owned();
    let text = refused(&port("d", 1500, 1, PortSource::Devargs { devargs }));
    assert!(
        text.contains("port \"d\": no driver for \"net_bogus0\""),
        "{text}"
    );
    let path = "/nonexistent/folder/s".into();
    let text = refused(&port(
        "v",
        1500,
        1,
        PortSource::Vhost {
            path,
            client: false,
        },
    ));
    assert!(text.contains("folder /nonexistent/folder"), "{text}");
    let address = "0000:ff:1f.7".to_owned();
    let text = refused(&port("p", 1500, 1, PortSource::Pci { address }));
    assert!(text.contains("lspci"), "{text}");
}
