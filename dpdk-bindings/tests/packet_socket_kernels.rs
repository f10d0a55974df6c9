//! Ports between two kernels that leave to devices all they can.
//!
//! Needs root, for network namespaces; they belong to one test each, and go with
//! it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::interfaces::{Namespace, enter, open, pool};
use common::poll_until;
use dpdk_bindings::{Mbuf, PacketQueues, PacketSocket};
use packet::{PacketBuf, TransportChecksum};

type Burst = ArrayVec<Mbuf, 32>;

const AMPLE: Duration = Duration::from_secs(60);

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
    let done = Arc::new(AtomicBool::new(false));
    let their_done = Arc::clone(&done);
    let [from, to] = [wire.kernels[0].0.clone(), wire.kernels[1].0.clone()];
    let receiver: JoinHandle<usize> = std::thread::spawn(move || {
        let _done = Done(&their_done);
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

/// Datagrams that are sent as one, from and to these addresses.
fn datagrams(wire: &mut Wire, pairs: [(&'static str, &'static str); 2]) -> Seen {
    let done = Arc::new(AtomicBool::new(false));
    let their_done = Arc::clone(&done);
    let [from, to] = [wire.kernels[0].0.clone(), wire.kernels[1].0.clone()];
    let talk = std::thread::spawn(move || {
        let _done = Done(&their_done);
        let mut buffer = vec![0; 65_536];
        for (here, there) in pairs {
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
    let seen = wire.until(|| done.load(Ordering::Relaxed));
    talk.join().unwrap();
    let stats = wire.ends[0].0.stats();
    assert_eq!((stats.rx_errors, stats.rx_no_buffer), (0, 0), "{stats:?}");
    seen
}

#[test]
fn datagrams_that_were_sent_as_one_are_what_they_stand_for() {
    let mut wire = Wire::new(1);
    let pairs = [("10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2")];
    let seen = datagrams(&mut wire, pairs);
    assert!(
        seen.longest <= 62 + 1000 && seen.partial >= 2 * 41,
        "{seen:?}"
    );
}

#[test]
fn what_a_tunnel_inside_of_a_node_leaves_to_its_nic_is_done() {
    for checksum in ["noudpcsum", "udpcsum"] {
        let mut wire = Wire::new(1);
        for (kernel, [here, there]) in wire.kernels.iter().zip([[1, 2], [2, 1]]) {
            kernel.ip(&format!(
                "link add vx0 type vxlan id 5 dev eth0 local 10.9.0.{here} remote 10.9.0.{there} \
                 dstport 4789 {checksum}"
            ));
            kernel.ip(&format!("addr add 10.10.0.{here}/24 dev vx0"));
            kernel.ip(&format!("addr add fd10::{here}/64 dev vx0 nodad"));
            kernel.ip("link set vx0 up");
        }
        for address in ["10.10.0.2", "fd10::2"] {
            let seen = stream(&mut wire, address);
            assert!(seen.longest <= 1514 && seen.super_frames == 0, "{seen:?}");
        }
        let pairs = [("10.10.0.1", "10.10.0.2"), ("fd10::1", "fd10::2")];
        let seen = datagrams(&mut wire, pairs);
        assert!(seen.longest <= 50 + 62 + 1000, "{seen:?}");
        for (end, _) in &wire.ends {
            let stats = end.stats();
            assert_eq!(stats.rx_errors + stats.tx_errors, 0, "{stats:?}");
        }
        for kernel in &wire.kernels {
            assert_eq!(wrong_checksums(&kernel.0), 0);
        }
    }
}

/// Segments and datagrams that a kernel found to be damaged.
fn wrong_checksums(kernel: &str) -> u64 {
    let kernel = kernel.to_owned();
    let read = move || {
        enter(&kernel);
        let of = |name| std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap();
        let (v4, v6) = (of("snmp"), of("snmp6"));
        let lines: Vec<Vec<&str>> = v4.lines().map(|line| line.split(' ').collect()).collect();
        let pairs = lines.as_chunks::<2>().0.iter();
        let v4 = pairs.flat_map(|[names, values]| names.iter().copied().zip(values.clone()));
        let v6 = v6
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace));
        let counts = v4
            .chain(v6)
            .filter(|(name, _)| name.ends_with("InCsumErrors"));
        let counts: Vec<u64> = counts.map(|(_, n)| n.trim().parse().unwrap()).collect();
        assert!(counts.len() > 4, "{counts:?}");
        counts.iter().sum()
    };
    std::thread::spawn(read).join().unwrap()
}
