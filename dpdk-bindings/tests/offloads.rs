//! What is left to devices: chains of buffers, partial checksums, super-frames.
//!
//! A vhost port and a virtio port in one process, the latter playing the guest;
//! no network interface, no hugepages.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use core::num::NonZeroU16;
use std::sync::OnceLock;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{TempDir, config, poll_until};
use dpdk_bindings::{Device, DeviceConfig, DeviceOffloads, Eal, EalConfig, Mbuf, Mempool, Queues};
use packet::build::Frame;
use packet::{BufPool, HeaderChecksum, MacAddr, Offload, PacketBuf, TransportChecksum, checksum};

type Burst = ArrayVec<Mbuf, 32>;

const AMPLE: Duration = Duration::from_secs(30);

/// Where the parts of the frames here are: Ethernet, IPv4, TCP or UDP.
const IP: usize = 14;
const TRANSPORT: usize = 14 + 20;

/// virtio_user wants its memory in one file.
fn eal() -> Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    *EAL.get_or_init(|| {
        let config = EalConfig {
            single_file_segments: true,
            ..EalConfig::ordinary(512)
        };
        Eal::start(&config).unwrap()
    })
}

fn pool(name: &str, count: u32) -> Mempool {
    Mempool::new(eal(), name, count, 2048, 32).unwrap()
}

/// A packet of as many segments as its bytes need.
fn chained(pool: &mut Mempool, bytes: &[u8]) -> Mbuf {
    let mut chunks = bytes.chunks(2000);
    let mut packet = pool.alloc_with(chunks.next().unwrap()).unwrap();
    for chunk in chunks {
        packet.chain(pool.alloc_with(chunk).unwrap()).unwrap();
    }
    packet
}

fn bytes(packet: &Mbuf) -> Vec<u8> {
    let mut bytes = vec![0; packet.len()];
    packet.read_at(0, &mut bytes).unwrap();
    assert_eq!(packet.chunks().collect::<Vec<_>>().concat(), bytes);
    bytes
}

fn patterned(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 / 3).to_le_bytes()[0]).collect()
}

#[test]
fn a_chain_is_read_cut_and_made_one() {
    let mut pool = pool("chains", 256);
    let content = patterned(7000);
    let mut packet = chained(&mut pool, &content);
    assert!(!packet.is_contiguous());
    assert_eq!((packet.len(), packet.data().len()), (7000, 2000));
    assert_eq!(packet.tailroom(), 0);
    assert_eq!(bytes(&packet), content);
    for (offset, len) in [(0, 1), (1999, 2), (2000, 2000), (1500, 5500), (6999, 1)] {
        let mut into = vec![0; len];
        packet.read_at(offset, &mut into).unwrap();
        assert_eq!(into, content[offset..offset + len]);
    }
    assert!(packet.read_at(6999, &mut [0; 2]).is_err());
    assert!(packet.read_at(7001, &mut [0; 1]).is_err());
    assert!(packet.linearize().is_err());
    packet.trim_front(14).unwrap();
    packet.prepend(14).unwrap();
    assert_eq!(packet.len(), 7000);

    assert_eq!(pool.in_use(), 4);
    packet.truncate(7000);
    packet.truncate(6001);
    assert_eq!((packet.len(), pool.in_use()), (6001, 4));
    packet.truncate(6000);
    assert_eq!((packet.len(), pool.in_use()), (6000, 3));
    packet.truncate(2010);
    assert_eq!(
        (bytes(&packet), pool.in_use()),
        (content[..2010].to_vec(), 2)
    );
    packet.linearize().unwrap();
    assert!(packet.is_contiguous());
    assert_eq!((packet.data(), pool.in_use()), (&content[..2010], 1));
    packet.truncate(3);
    assert_eq!(packet.data(), &content[..3]);
    drop(packet);
    drop(chained(&mut pool, &content));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn what_is_said_of_a_packet_stays_with_it() {
    let mut packet = pool("said", 64).alloc_with(&[0; 60]).unwrap();
    assert_eq!(packet.offload(), Offload::NONE);
    for transport in [TransportChecksum::Complete, TransportChecksum::Partial] {
        for ipv4_header in [
            HeaderChecksum::Unverified,
            HeaderChecksum::Good,
            HeaderChecksum::Bad,
        ] {
            for segment_size in [None, NonZeroU16::new(1), NonZeroU16::new(u16::MAX)] {
                let offload = Offload {
                    transport,
                    ipv4_header,
                    segment_size,
                };
                packet.set_offload(offload);
                assert_eq!(packet.offload(), offload);
            }
        }
    }
    packet.set_offload(Offload::NONE);
    assert_eq!(packet.offload(), Offload::NONE);
}

/// Between a host's vhost port and a guest's card.
struct Cable {
    host: (Device, Queues),
    guest: (Device, Queues),
    pool: Mempool,
    _folder: TempDir,
}

impl Cable {
    fn new(name: &str, host: DeviceOffloads, guest: DeviceOffloads) -> Self {
        let folder = TempDir::new("vh");
        let path = folder.path().join("s");
        let path = path.display();
        let pool = pool(name, 2048);
        let start = |devargs: &str, offloads| {
            let mut device = Device::attach(eal(), devargs).unwrap();
            let config = DeviceConfig {
                offloads,
                ..config(1, 1500)
            };
            let queues = device.start(&config, pool).unwrap();
            (device, queues)
        };
        let host = start(
            &format!("net_vhost_{name},iface={path},queues=1,tso=1"),
            host,
        );
        let guest = start(
            &format!("net_virtio_user_{name},path={path},queues=1,queue_size=256,mrg_rxbuf=1"),
            guest,
        );
        poll_until(AMPLE, || host.0.link().unwrap().up);
        Self {
            host,
            guest,
            pool,
            _folder: folder,
        }
    }

    /// One packet from the host to the guest (or back, `false`).
    fn carry(&mut self, to_guest: bool, packet: Mbuf) -> Mbuf {
        let (host, guest) = (&mut self.host.1, &mut self.guest.1);
        let (tx, rx) = if to_guest {
            (&mut host.tx[0], &mut guest.rx[0])
        } else {
            (&mut guest.tx[0], &mut host.rx[0])
        };
        let mut burst = Burst::from_iter([packet]);
        let mut arrived = Burst::new();
        poll_until(AMPLE, || {
            tx.transmit(&mut burst);
            rx.receive(&mut arrived);
            !arrived.is_empty()
        });
        arrived.pop().unwrap()
    }
}

fn frame() -> packet::build::Ipv4 {
    Frame::between(MacAddr::new([2; 6]), MacAddr::new([4; 6])).ipv4([10, 0, 0, 2], [10, 0, 0, 3])
}

/// The frame with a partial checksum, as a sender leaves it.
fn left_partial(mut frame: Vec<u8>, field: usize) -> Vec<u8> {
    let len = u32::try_from(frame.len() - TRANSPORT).unwrap();
    let addresses = checksum::Sum::of(&frame[IP + 12..IP + 20]);
    let protocol = packet::IpProtocol(frame[IP + 9]);
    let sum = checksum::pseudo_header_v6(addresses, len, protocol).fold();
    frame[TRANSPORT + field..TRANSPORT + field + 2].copy_from_slice(&sum.to_be_bytes());
    frame
}

const TCP_FIELD: usize = 16;
const UDP_FIELD: usize = 6;

fn partial() -> Offload {
    Offload {
        transport: TransportChecksum::Partial,
        ..Offload::NONE
    }
}

fn super_frame() -> Offload {
    Offload {
        segment_size: NonZeroU16::new(1448),
        ..partial()
    }
}

/// A TCP frame as long as IPv4 allows.
fn giant() -> Vec<u8> {
    left_partial(
        frame().tcp(5000, 80, &patterned(65_535 - 20 - 20)),
        TCP_FIELD,
    )
}

#[test]
fn a_guest_sends_a_super_frame_and_partial_checksums() {
    let mut cable = Cable::new("up", DeviceOffloads::ALL, DeviceOffloads::ALL);
    let content = giant();
    let mut packet = chained(&mut cable.pool, &content);
    packet.set_offload(super_frame());
    let arrived = cable.carry(false, packet);
    assert_eq!(arrived.offload(), super_frame());
    assert!(arrived.data().len() > TRANSPORT + 20);
    assert!(bytes(&arrived) == content);

    for (content, what) in [
        (left_partial(frame().tcp(1, 2, b"hello"), TCP_FIELD), "tcp"),
        (left_partial(frame().udp(1, 2, b"hello"), UDP_FIELD), "udp"),
    ] {
        let mut packet = cable.pool.alloc_with(&content).unwrap();
        packet.set_offload(partial());
        let arrived = cable.carry(false, packet);
        assert_eq!(arrived.offload(), partial(), "{what}");
        assert_eq!(arrived.data(), content, "{what}");
    }
    let whole = frame().udp(1, 2, b"hello");
    let packet = cable.pool.alloc_with(&whole).unwrap();
    let arrived = cable.carry(false, packet);
    assert_eq!(
        (arrived.offload(), arrived.data()),
        (Offload::NONE, &whole[..])
    );
}

#[test]
fn a_guest_gets_a_super_frame_as_one() {
    let mut cable = Cable::new("down", DeviceOffloads::ALL, DeviceOffloads::ALL);
    let offloads = cable.host.0.offloads();
    assert!(offloads.transmit_checksum && offloads.transmit_segmentation);
    let content = giant();
    let mut packet = chained(&mut cable.pool, &content);
    packet.set_offload(super_frame());
    let arrived = cable.carry(true, packet);
    assert_eq!(arrived.offload(), super_frame());
    // The sum of its pseudo-header with the length, too: the guest may be a router.
    assert!(bytes(&arrived) == content);
    drop(arrived);

    let content = left_partial(frame().udp(1, 2, b"hello"), UDP_FIELD);
    let mut packet = cable.pool.alloc_with(&content).unwrap();
    packet.set_offload(partial());
    let arrived = cable.carry(true, packet);
    assert_eq!(
        (arrived.offload(), arrived.data()),
        (partial(), &content[..])
    );
}

#[test]
fn a_guest_that_knows_no_offloads_is_sent_none() {
    let mut cable = Cable::new("none", DeviceOffloads::ALL, DeviceOffloads::NONE);
    let offloads = cable.host.0.offloads();
    assert!(!offloads.transmit_checksum && !offloads.transmit_segmentation);
    let content = left_partial(frame().udp(1, 2, b"hello"), UDP_FIELD);
    let mut packet = cable.pool.alloc_with(&content).unwrap();
    packet.set_offload(partial());
    let before = cable.host.0.stats().unwrap().tx_errors;
    let mut burst = Burst::from_iter([packet]);
    let transmitted = cable.host.1.tx[0].transmit(&mut burst);
    let refused = (transmitted.refused, transmitted.refused_bytes);
    assert_eq!((transmitted.sent, refused), (0, (1, content.len())));
    assert!(burst.is_empty());
    assert_eq!(cable.host.0.stats().unwrap().tx_errors, before + 1);

    let whole = frame().udp(1, 2, b"hello");
    let packet = cable.pool.alloc_with(&whole).unwrap();
    let arrived = cable.carry(true, packet);
    assert_eq!(arrived.data(), whole);

    // When the guest is gone, nobody takes anything.
    let (device, queues) = cable.guest;
    drop((device, queues));
    poll_until(AMPLE, || !cable.host.0.link().unwrap().up);
    assert!(!cable.host.0.offloads().transmit_checksum);
}

#[test]
fn no_flag_survives_a_port() {
    let mut pool = pool("stale", 4096);
    let mut device = Device::attach(eal(), "net_ring_stale").unwrap();
    let mut queues = device.start(&config(1, 1500), pool).unwrap();
    let mut packet = pool.alloc_with(&frame().udp(1, 2, b"hello")).unwrap();
    packet.set_offload(Offload {
        ipv4_header: HeaderChecksum::Bad,
        ..Offload::NONE
    });
    let mut burst = Burst::from_iter([packet]);
    assert_eq!(queues.tx[0].transmit(&mut burst).sent, 1);
    // A ring hands over the same mbuf.
    assert_eq!(queues.rx[0].receive(&mut burst), 1);
    assert_eq!(burst[0].offload(), Offload::NONE);
}
