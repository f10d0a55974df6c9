//! Ports on the kernel's network interfaces: the ends of one cable.
//!
//! Needs root, for network namespaces; they belong to one test each, and go with
//! it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use std::num::NonZeroU16;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::interfaces::{Namespace, config, open, pool};
use common::{poll_until, run};
use dpdk_bindings::{
    Mbuf, Mempool, PacketQueues, PacketSocket, PacketSocketConfig, PacketSocketError, Transmitted,
};
use packet::build::Frame;
use packet::{BufPool, EtherType, MacAddr, Offload, PacketBuf, TransportChecksum};

type Burst = ArrayVec<Mbuf, 32>;

const AMPLE: Duration = Duration::from_secs(60);

/// Longer than an empty socket is believed to be empty.
const EMPTY: Duration = Duration::from_millis(1);

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
fn tags_stay_on_what_is_left_to_devices() {
    let mut cable = Cable::new(1);
    let ipv4 = frame().vlan(7).ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
    let content = ipv4.tcp(1, 2, &[7; 20_000]);
    for (len, segment_size) in [(1400, None), (content.len(), NonZeroU16::new(1000))] {
        let left = Offload {
            transport: TransportChecksum::Partial,
            segment_size,
            ..Offload::NONE
        };
        let mut packet = cable.packet(&content[..len]);
        packet.set_offload(left);
        let arrived = cable.carry([packet]);
        assert_eq!(arrived[0].offload(), left);
        let mut got = bytes(&arrived[0]);
        let checksum = 18 + 20 + 16;
        got[checksum..checksum + 2].copy_from_slice(&content[checksum..checksum + 2]);
        assert_eq!(got, content[..len]);
    }
}

#[test]
fn what_is_too_long_is_counted_and_the_rest_passes() {
    let mut cable = Cable::new(1);
    let packets = [60, 5000, 61].map(|len| cable.packet(&udp(len)));
    let mut burst = Burst::from_iter(packets);
    let [(a, from), (_, to)] = &mut cable.ends;
    let transmitted = Transmitted {
        sent: 2,
        refused: 1,
        refused_bytes: 5000,
    };
    assert_eq!(from.tx[0].transmit(&mut burst), transmitted);
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
        sent += from.tx[0].transmit(&mut burst).sent;
        b.stats().rx_missed > 100
    });
    let [(a, _), (b, to)] = &mut cable.ends;
    let mut got = 0;
    // The kernel may still be at it.
    poll_until(AMPLE, || {
        got += to.rx[0].receive(&mut Burst::new());
        b.stats().rx_missed + got as u64 == sent as u64
    });

    // The kernel tells of carriers once a second, if there is much to tell.
    let links = |a: &PacketSocket, b: &PacketSocket, up| a.link().up == up && b.link().up == up;
    assert!(links(a, b, true));
    // That the interface was down is said of the next frame, whatever it is.
    cable._namespace.ip("link set ea down");
    cable._namespace.ip("link set ea up");
    let packet = cable.packet(&udp(60));
    assert_eq!(cable.carry([packet]).len(), 1);
    let [(a, _), (b, to)] = &mut cable.ends;
    cable._namespace.ip("link set eb down");
    poll_until(AMPLE, || links(a, b, false));
    assert_eq!(to.rx[0].receive(&mut Burst::new()), 0);
    cable._namespace.ip("link set eb up");
    cable._namespace.ip("link set ea name other");
    assert_eq!(a.interface().as_deref(), Some("other"));
    poll_until(AMPLE, || links(a, b, true));
    let packet = cable.packet(&udp(60));
    assert_eq!(cable.carry([packet]).len(), 1);
    cable._namespace.ip("link del eb");
    let packet = cable.packet(&udp(60));
    let [(a, from), (b, to)] = &mut cable.ends;
    assert_eq!((a.interface(), b.mtu(), b.link().up), (None, None, false));
    let transmitted = Transmitted {
        refused: 1,
        refused_bytes: 60,
        ..Transmitted::default()
    };
    assert_eq!(
        from.tx[0].transmit(&mut Burst::from_iter([packet])),
        transmitted
    );
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
