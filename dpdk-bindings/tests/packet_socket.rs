//! Ports on the kernel's network interfaces, with kernels that leave to devices
//! all they can.
//!
//! Needs root, for network namespaces; they belong to one test each, and go with
//! it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{eal, poll_until, run, unique};
use dpdk_bindings::{
    Mbuf, Mempool, PacketQueues, PacketSocket, PacketSocketConfig, PacketSocketError,
};
use packet::build::Frame;
use packet::{BufPool, EtherType, MacAddr, Offload, PacketBuf, TransportChecksum};

type Burst = ArrayVec<Mbuf, 32>;

const AMPLE: Duration = Duration::from_secs(60);

/// Longer than an empty socket is believed to be empty.
const EMPTY: Duration = Duration::from_millis(1);

/// A network namespace that goes when dropped.
struct Namespace(String);

impl Namespace {
    fn new() -> Self {
        let name = unique("ps");
        run(&format!("ip netns add {name}"));
        run(&format!("ip -n {name} link set lo up"));
        Self(name)
    }

    /// Moves the calling thread there.
    fn enter(&self) {
        enter(&self.0);
    }

    fn ip(&self, line: &str) {
        run(&format!("ip -n {} {line}", self.0));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = std::process::Command::new("ip")
            .args(["netns", "del", &self.0])
            .output();
    }
}

fn enter(name: &str) {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    let file = File::open(format!("/run/netns/{name}")).unwrap();
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

fn pool() -> Mempool {
    Mempool::new(eal(), &unique("ps"), 8192, 2048, 32).unwrap()
}

fn open(interface: &str, queues: u16, pool: Mempool) -> (PacketSocket, PacketQueues) {
    PacketSocket::open(&config(interface, queues), pool).unwrap()
}

fn config(interface: &str, queues: u16) -> PacketSocketConfig {
    PacketSocketConfig {
        interface: interface.to_owned(),
        rx_queues: queues,
        tx_queues: queues,
        rx_descriptors: 256,
        mtu: 1500,
    }
}

/// Two ports that are the ends of one cable.
struct Cable {
    ends: [(PacketSocket, PacketQueues); 2],
    pool: Mempool,
    _namespace: Namespace,
}

impl Cable {
    fn new(queues: u16) -> Self {
        let namespace = Namespace::new();
        for knob in ["all", "default"] {
            let path = format!("net.ipv6.conf.{knob}.disable_ipv6=1");
            run(&format!(
                "ip netns exec {} sysctl -q -w {path}",
                namespace.0
            ));
        }
        namespace.ip("link add ea type veth peer name eb");
        namespace.ip("link set ea up");
        namespace.ip("link set eb up");
        namespace.enter();
        let pool = pool();
        Self {
            ends: [open("ea", queues, pool), open("eb", queues, pool)],
            pool,
            _namespace: namespace,
        }
    }

    fn packet(&mut self, bytes: &[u8]) -> Mbuf {
        let mut chunks = bytes.chunks(2000);
        let mut packet = self.pool.alloc_with(chunks.next().unwrap()).unwrap();
        for chunk in chunks {
            packet.chain(self.pool.alloc_with(chunk).unwrap()).unwrap();
        }
        packet
    }

    /// Sends from one end, and receives as many at the other.
    fn carry(&mut self, packets: impl IntoIterator<Item = Mbuf>) -> Vec<Mbuf> {
        let mut burst = Burst::from_iter(packets);
        let count = burst.len();
        let [(_, from), (_, to)] = &mut self.ends;
        let mut arrived = Vec::new();
        poll_until(AMPLE, || {
            from.tx[0].transmit(&mut burst);
            for queue in &mut to.rx {
                let mut burst = Burst::new();
                queue.receive(&mut burst);
                arrived.extend(burst);
            }
            arrived.len() == count
        });
        arrived
    }
}

fn frame() -> Frame {
    Frame::between(MacAddr::new([2; 6]), MacAddr::new([4; 6]))
}

fn udp(len: usize) -> Vec<u8> {
    frame()
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2])
        .udp(1, 2, &vec![7; len - 42])
}

fn bytes(packet: &Mbuf) -> Vec<u8> {
    packet.chunks().collect::<Vec<_>>().concat()
}

#[test]
fn frames_of_every_length_pass_as_they_are() {
    let mut cable = Cable::new(1);
    for len in [60, 61, 1513, 1514] {
        let packet = cable.packet(&udp(len));
        let arrived = cable.carry([packet]);
        assert_eq!(
            (arrived[0].data(), arrived[0].offload()),
            (&udp(len)[..], Offload::NONE)
        );
    }
    // Nobody hears what it sent itself.
    std::thread::sleep(EMPTY);
    let [(a, queues), (b, _)] = &mut cable.ends;
    assert_eq!(queues.rx[0].receive(&mut Burst::new()), 0);
    let (a, b) = (a.stats(), b.stats());
    assert_eq!((a.tx_packets, b.rx_packets, a.rx_packets), (4, 4, 0));
    assert_eq!((a.tx_bytes, b.rx_bytes), (3148, 3148));
    assert_eq!(b.rx_errors + a.tx_errors + b.rx_missed, 0);
}

#[test]
fn tags_stay_on_their_frames() {
    let mut cable = Cable::new(1);
    let ipv4 = |frame: Frame| frame.ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2, b"hello");
    for tagged in [
        frame().vlan(100),
        frame().vlan(0),
        frame().tag(EtherType::DOT1Q, 0xefff),
        frame().tag(EtherType::DOT1AD, 7).vlan(100),
    ] {
        let content = packet::build::padded(ipv4(tagged));
        let packet = cable.packet(&content);
        assert_eq!(cable.carry([packet])[0].data(), content);
    }
}

#[test]
fn what_is_too_long_is_counted_and_the_rest_passes() {
    let mut cable = Cable::new(1);
    let packets = [60, 5000, 61].map(|len| cable.packet(&udp(len)));
    let mut burst = Burst::from_iter(packets);
    let [(a, from), (_, to)] = &mut cable.ends;
    assert_eq!(from.tx[0].transmit(&mut burst), 2);
    assert!(burst.is_empty());
    assert_eq!(a.stats().tx_errors, 1);
    let mut lens = Vec::new();
    poll_until(AMPLE, || {
        to.rx[0].receive(&mut burst);
        lens.extend(burst.drain(..).map(|packet| packet.len()));
        lens == [60, 61]
    });

    // A cable that carries more than a buffer holds: a chain, of no super-frame.
    cable._namespace.ip("link set ea mtu 6000");
    cable._namespace.ip("link set eb mtu 6000");
    assert_eq!(cable.ends[0].0.mtu(), Some(6000));
    let packet = cable.packet(&udp(5000));
    let arrived = cable.carry([packet]);
    assert!(!arrived[0].is_contiguous());
    assert_eq!(
        (bytes(&arrived[0]), arrived[0].offload()),
        (udp(5000), Offload::NONE)
    );
}

#[test]
fn what_finds_no_room_is_missed_and_a_cut_cable_shows() {
    let mut cable = Cable::new(1);
    let mut sent = 0;
    poll_until(AMPLE, || {
        let mut burst = Burst::new();
        while !burst.is_full() {
            burst.push(cable.packet(&udp(1500)));
        }
        let [(_, from), (b, _)] = &mut cable.ends;
        sent += from.tx[0].transmit(&mut burst);
        b.stats().rx_missed > 100
    });
    let [(a, _), (b, to)] = &mut cable.ends;
    let mut got = 0;
    loop {
        match to.rx[0].receive(&mut Burst::new()) {
            0 => break,
            more => got += more,
        }
    }
    assert_eq!(b.stats().rx_missed + got as u64, sent as u64);

    assert!(a.link().up && b.link().up);
    cable._namespace.ip("link set eb down");
    assert!(!a.link().up && !b.link().up);
    assert_eq!(to.rx[0].receive(&mut Burst::new()), 0);
    cable._namespace.ip("link set eb up");
    cable._namespace.ip("link set ea name other");
    assert_eq!(a.interface().as_deref(), Some("other"));
    assert!(a.link().up && b.link().up);
    let packet = cable.packet(&udp(60));
    assert_eq!(cable.carry([packet]).len(), 1);
    cable._namespace.ip("link del eb");
    let packet = cable.packet(&udp(60));
    let [(a, from), (b, to)] = &mut cable.ends;
    assert_eq!((a.interface(), b.mtu(), b.link().up), (None, None, false));
    assert_eq!(from.tx[0].transmit(&mut Burst::from_iter([packet])), 0);
    assert_eq!(to.rx[0].receive(&mut Burst::new()), 0);
}

#[test]
fn several_queues_share_the_flows_and_double_none() {
    let mut cable = Cable::new(3);
    for n in 0..20u8 {
        let packets: Vec<Mbuf> = (0..30)
            .map(|flow| {
                let content = frame().ipv4([10, 0, n, flow], [10, 1, 0, 2]).udp(
                    1000 + u16::from(flow),
                    2,
                    b"hello",
                );
                cable.packet(&packet::build::padded(content))
            })
            .collect();
        assert_eq!(cable.carry(packets).len(), 30);
    }
    let [_, (b, to)] = &mut cable.ends;
    std::thread::sleep(EMPTY);
    assert!(
        to.rx
            .iter_mut()
            .all(|queue| queue.receive(&mut Burst::new()) == 0)
    );
    assert_eq!(b.stats().rx_packets, 600);
}

/// Two kernels, and our wire between them.
struct Wire {
    kernels: [Namespace; 2],
    _ours: Namespace,
    ends: [(PacketSocket, PacketQueues); 2],
}

/// What a wire carried, one way.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    frames: usize,
    partial: usize,
    super_frames: usize,
    longest: usize,
    fragments: usize,
}

impl Wire {
    fn new(queues: u16) -> Self {
        let ours = Namespace::new();
        let kernels = [Namespace::new(), Namespace::new()];
        for (kernel, (end, host)) in kernels.iter().zip([("ea", 1), ("eb", 2)]) {
            ours.ip(&format!(
                "link add {end} type veth peer name eth0 netns {}",
                kernel.0
            ));
            ours.ip(&format!("link set {end} up"));
            kernel.ip("link set eth0 up");
            kernel.ip(&format!("addr add 10.9.0.{host}/24 dev eth0"));
            kernel.ip(&format!("addr add fd09::{host}/64 dev eth0 nodad"));
        }
        ours.enter();
        let pool = pool();
        Self {
            ends: [open("ea", queues, pool), open("eb", queues, pool)],
            kernels,
            _ours: ours,
        }
    }

    /// Carries frames both ways until `done`; what went from the first kernel to
    /// the second.
    fn until(&mut self, done: impl Fn() -> bool) -> Seen {
        let mut seen = Seen::default();
        let [(_, a), (_, b)] = &mut self.ends;
        poll_until(AMPLE, || {
            step(a, b, Some(&mut seen));
            step(b, a, None);
            done()
        });
        seen
    }
}

fn step(from: &mut PacketQueues, to: &mut PacketQueues, mut seen: Option<&mut Seen>) {
    for (rx, tx) in from.rx.iter_mut().zip(&mut to.tx) {
        let mut burst = Burst::new();
        rx.receive(&mut burst);
        for packet in &burst {
            let Some(seen) = &mut seen else { break };
            let offload = packet.offload();
            seen.frames += 1;
            seen.partial += usize::from(offload.transport == TransportChecksum::Partial);
            seen.super_frames += usize::from(offload.segment_size.is_some());
            seen.longest = seen.longest.max(packet.len());
            let fragment = packet.data().get(20..22).unwrap_or_default();
            let is_ipv4 = packet.data().get(12..14) == Some(&[8, 0][..]);
            seen.fragments += usize::from(is_ipv4 && fragment[0] & 0x3f | fragment[1] != 0);
        }
        let mut left = 1000;
        while !burst.is_empty() && left > 0 {
            tx.transmit(&mut burst);
            left -= 1;
        }
    }
}

/// Sets its flag when dropped, so also when its thread fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn stream(wire: &mut Wire, address: &'static str) -> Seen {
    const LEN: usize = 20 << 20;
    static DONE: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];
    let done = &DONE[usize::from(address.contains(':'))];
    let [from, to] = [wire.kernels[0].0.clone(), wire.kernels[1].0.clone()];
    let receiver: JoinHandle<usize> = std::thread::spawn(move || {
        let _done = Done(done);
        enter(&to);
        let listener = TcpListener::bind((address, 7000)).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut content = Vec::new();
        stream.read_to_end(&mut content).unwrap();
        assert!(content.chunks(251).all(|chunk| chunk[0] == 0));
        content.len()
    });
    let sender = std::thread::spawn(move || {
        enter(&from);
        let mut stream = loop {
            match TcpStream::connect((address, 7000)) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let content: Vec<u8> = (0..LEN).map(|at| (at % 251).to_le_bytes()[0]).collect();
        stream.write_all(&content).unwrap();
    });
    let seen = wire.until(|| done.load(Ordering::Relaxed));
    assert_eq!(receiver.join().unwrap(), LEN);
    sender.join().unwrap();
    seen
}

#[test]
fn kernels_leave_segments_and_checksums_to_us_and_take_them() {
    let mut wire = Wire::new(1);
    for address in ["10.9.0.2", "fd09::2"] {
        let seen = stream(&mut wire, address);
        assert!(seen.super_frames > 0 && seen.longest > 20_000, "{seen:?}");
        assert!(seen.partial >= seen.super_frames, "{seen:?}");
    }
    for (end, _) in &wire.ends {
        let stats = end.stats();
        assert_eq!(stats.rx_errors + stats.tx_errors, 0, "{stats:?}");
    }
}

#[test]
fn a_datagrams_fragments_come_one_by_one() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let mut wire = Wire::new(2);
    let [from, to] = [wire.kernels[0].0.clone(), wire.kernels[1].0.clone()];
    let talk = std::thread::spawn(move || {
        let _done = Done(&DONE);
        enter(&to);
        let receiver = UdpSocket::bind("10.9.0.2:7001").unwrap();
        receiver.set_read_timeout(Some(AMPLE)).unwrap();
        enter(&from);
        let sender = UdpSocket::bind("10.9.0.1:0").unwrap();
        let mut buffer = vec![0; 65_536];
        for len in [1400, 4000, 60_000] {
            let content: Vec<u8> = (0..len).map(|at: usize| at.to_le_bytes()[0]).collect();
            sender.send_to(&content, "10.9.0.2:7001").unwrap();
            let got = receiver.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..got], content);
        }
    });
    let seen = wire.until(|| DONE.load(Ordering::Relaxed));
    talk.join().unwrap();
    // Of 1480 bytes of IP payload each, with the UDP header in the first.
    assert_eq!(seen.fragments, 3 + 41, "{seen:?}");
    assert!(seen.partial > 0 && seen.longest <= 1514, "{seen:?}");
}

/// Tells the kernel to cut what this socket sends into datagrams (`udp(7)`).
fn set_segment(socket: &UdpSocket, size: u16) {
    use std::os::fd::AsRawFd;
    let size = libc::c_int::from(size);
    // SAFETY: the value lives during the call, and is as long as said.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            (&raw const size).cast(),
            4,
        )
    };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn datagrams_that_were_sent_as_one_are_what_they_stand_for() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let mut wire = Wire::new(1);
    let [from, to] = [wire.kernels[0].0.clone(), wire.kernels[1].0.clone()];
    let talk = std::thread::spawn(move || {
        let _done = Done(&DONE);
        let mut buffer = vec![0; 65_536];
        for (here, there) in [("10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2")] {
            enter(&to);
            let receiver = UdpSocket::bind((there, 7002)).unwrap();
            receiver.set_read_timeout(Some(AMPLE)).unwrap();
            enter(&from);
            let sender = UdpSocket::bind((here, 0)).unwrap();
            set_segment(&sender, 1000);
            let content: Vec<u8> = (0..40_400).map(|at: usize| at.to_le_bytes()[0]).collect();
            sender.send_to(&content, (there, 7002)).unwrap();
            for chunk in content.chunks(1000) {
                let got = receiver.recv(&mut buffer).unwrap();
                assert_eq!(buffer[..got], *chunk);
            }
        }
    });
    let seen = wire.until(|| DONE.load(Ordering::Relaxed));
    talk.join().unwrap();
    assert!(
        seen.longest <= 62 + 1000 && seen.partial >= 2 * 41,
        "{seen:?}"
    );
    let stats = wire.ends[0].0.stats();
    assert_eq!((stats.rx_errors, stats.rx_no_buffer), (0, 0), "{stats:?}");
}

#[test]
fn an_interface_that_cannot_be_is_explained() {
    let namespace = Namespace::new();
    namespace.ip("link add ea type veth peer name eb");
    namespace.enter();
    let pool = pool();
    let refused = |config: &PacketSocketConfig| {
        let error = PacketSocket::open(config, pool).unwrap_err();
        (error.to_string(), error)
    };
    for name in ["nosuchif0", "", "a-name-of-more-than-15-bytes"] {
        let (text, error) = refused(&config(name, 1));
        assert!(
            matches!(error, PacketSocketError::NoInterface { .. }),
            "{text}"
        );
        assert!(text.contains(name) && text.contains("ip link"), "{text}");
    }
    let (text, _) = refused(&config("ea", 0));
    assert!(
        text.contains("0 queues are impossible: use 1 to 256"),
        "{text}"
    );
    namespace.ip("link add em link ea type macvlan");
    let (text, error) = refused(&PacketSocketConfig {
        mtu: 9000,
        ..config("em", 1)
    });
    assert!(
        matches!(error, PacketSocketError::Mtu { has: 1500, .. }),
        "{text}"
    );
    assert!(text.contains("ip link set em mtu 9000"), "{text}");
    namespace.ip("tuntap add et mode tun");
    let (text, error) = refused(&config("et", 1));
    assert!(
        matches!(error, PacketSocketError::NotEthernet { .. }),
        "{text}"
    );
    let (port, _queues) = open("ea", 1, pool);
    assert_eq!(port.mtu(), Some(1500));
    let (port, _more) = PacketSocket::open(
        &PacketSocketConfig {
            mtu: 9000,
            ..config("eb", 1)
        },
        pool,
    )
    .unwrap();
    assert_eq!(port.mtu(), Some(9000));
    assert!(!port.link().up);
}
