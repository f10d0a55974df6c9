//! Ports that are only memory, and what the owners promise about them.
//!
//! The EAL starts once per process: these tests share one, and run both with a
//! process per test and with a thread per test.

mod common;

use arrayvec::ArrayVec;
use common::{config, eal, pool};
use dpdk_bindings::{
    Device, DeviceError, Eal, EalConfig, EalError, HEADROOM, Mbuf, Mempool, MempoolError,
    WorkerThread,
};
use packet::{BufPool, PacketBuf};

type Burst = ArrayVec<Mbuf, 32>;

#[test]
fn the_eal_starts_once_and_leaves_the_affinity_alone() {
    let before = rustix::thread::sched_getaffinity(None).unwrap();
    eal();
    assert_eq!(rustix::thread::sched_getaffinity(None).unwrap(), before);
    let again = Eal::start(&EalConfig::ordinary(64)).unwrap_err();
    assert!(matches!(again, EalError::AlreadyStarted), "{again}");
    assert!(Eal::running().is_some());
}

#[test]
fn an_mbuf_is_a_packet_buffer() {
    let mut pool = pool("buf", 64);
    let mut buf = pool.alloc().unwrap();
    assert_eq!(
        (buf.headroom(), buf.tailroom(), buf.len()),
        (HEADROOM, 2048, 0)
    );
    assert!(buf.is_contiguous());
    buf.append(4).unwrap();
    buf.data_mut().copy_from_slice(b"abcd");
    assert!(buf.append(2045).is_err());
    assert!(buf.append(usize::MAX).is_err());
    assert!(buf.prepend(HEADROOM + 1).is_err());
    buf.prepend(HEADROOM).unwrap();
    assert_eq!((buf.headroom(), buf.len(), buf.packet_len()), (0, 132, 132));
    assert!(buf.trim_front(133).is_err());
    buf.trim_front(HEADROOM + 1).unwrap();
    assert_eq!(buf.data(), b"bcd");
    buf.truncate(7);
    buf.truncate(2);
    assert_eq!((buf.data(), buf.packet_len()), (&b"bc"[..], 2));
    assert!(pool.alloc_with(&[0; 2049]).is_none());
    assert_eq!(pool.alloc_with(b"xyz").unwrap().data(), b"xyz");
}

#[test]
fn a_pool_counts_and_runs_dry() {
    let mut pool = pool("dry", 100);
    assert_eq!((pool.available(), pool.in_use()), (100, 0));
    let taken: Vec<Mbuf> = core::iter::from_fn(|| pool.alloc()).collect();
    assert_eq!(
        (taken.len(), pool.available(), pool.in_use()),
        (100, 0, 100)
    );
    drop(taken);
    assert_eq!((pool.available(), pool.in_use()), (100, 0));
}

#[test]
fn a_pool_that_cannot_be_is_explained() {
    let name = "explained";
    pool(name, 8);
    let refused =
        |name: &str, count, room, cache| Mempool::new(eal(), name, count, room, cache).unwrap_err();
    assert!(matches!(
        refused(name, 8, 64, 0),
        MempoolError::Exists { .. }
    ));
    assert!(matches!(refused("", 8, 64, 0), MempoolError::Name { .. }));
    assert!(matches!(
        refused("e2", 8, 0, 0),
        MempoolError::Range {
            field: "data_room",
            ..
        }
    ));
    assert!(matches!(
        refused("e2", 8, u16::MAX, 0),
        MempoolError::Range { .. }
    ));
    assert!(matches!(
        refused("e2", 90, 64, 61),
        MempoolError::Range { field: "cache", .. }
    ));
    assert!(matches!(
        refused("e2", 0, 64, 0),
        MempoolError::Range { field: "count", .. }
    ));
    let huge = refused("e3", 10_000_000, 9000, 0);
    assert!(matches!(huge, MempoolError::Memory { .. }), "{huge}");
    assert!(
        huge.to_string().contains("10000000 buffers of 9000 bytes"),
        "{huge}"
    );
}

#[test]
fn a_ring_gives_back_what_was_sent_and_leaks_nothing() {
    let mut pool = pool("ring", 4096);
    let mut device = Device::attach(eal(), "net_ring_a").unwrap();
    let mut queues = device.start(&config(1, 1500), pool).unwrap();
    let (rx, tx) = (&mut queues.rx[0], &mut queues.tx[0]);

    let mut burst: Burst = (0..20u8)
        .map(|n| pool.alloc_with(&[n; 60]).unwrap())
        .collect();
    assert_eq!(tx.transmit(&mut burst).sent, 20);
    assert!(burst.is_empty());
    let mut arrived = Burst::new();
    assert_eq!(rx.receive(&mut arrived), 20);
    assert_eq!(rx.receive(&mut arrived), 0);
    for (n, packet) in (0..).zip(&arrived) {
        assert_eq!(packet.data(), [n; 60]);
    }
    drop(arrived);

    // The ring holds 1023: the rest is given back, in order.
    let mut sent = 0;
    let mut left = loop {
        let mut burst: Burst = (0..32u8)
            .map(|n| pool.alloc_with(&[n; 60]).unwrap())
            .collect();
        sent += tx.transmit(&mut burst).sent;
        if !burst.is_empty() {
            break burst;
        }
    };
    let first = 32 - left.len();
    for (n, packet) in left.iter().enumerate() {
        assert_eq!(usize::from(packet.data()[0]), first + n);
    }
    assert_eq!(tx.transmit(&mut left).sent, 0);
    assert_eq!(pool.in_use() as usize, sent + left.len());
    drop(left);
    let mut received = 0;
    while received < sent {
        received += rx.receive(&mut Burst::new());
    }
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn receiving_into_a_full_burst_takes_nothing() {
    let mut pool = pool("full", 256);
    let mut device = Device::attach(eal(), "net_ring_full").unwrap();
    let mut queues = device.start(&config(1, 1500), pool).unwrap();
    let mut burst: Burst = (0..32)
        .map(|_| pool.alloc_with(&[1; 60]).unwrap())
        .collect();
    queues.tx[0].transmit(&mut burst);
    let mut arrived: ArrayVec<Mbuf, 5> = ArrayVec::new();
    assert_eq!(queues.rx[0].receive(&mut arrived), 5);
    assert_eq!(queues.rx[0].receive(&mut arrived), 0);
    arrived.truncate(3);
    assert_eq!(queues.rx[0].receive(&mut arrived), 2);
    assert_eq!(pool.in_use(), 30);
}

#[test]
fn a_null_port_feeds_worker_threads_from_several_queues() {
    let pool = pool("null", 8192);
    let mut device = Device::attach(eal(), "net_null_w,size=64").unwrap();
    let queues = device.start(&config(2, 1500), pool).unwrap();
    let workers: Vec<_> = queues
        .rx
        .into_iter()
        .zip(queues.tx)
        .map(|(mut rx, mut tx)| {
            std::thread::spawn(move || {
                let worker = WorkerThread::register(eal()).unwrap();
                assert!(WorkerThread::register(eal()).is_err());
                let mut moved = 0;
                while moved < 100_000 {
                    let mut burst = Burst::new();
                    moved += rx.receive(&mut burst);
                    for packet in &mut burst {
                        assert_eq!(packet.len(), 64);
                        packet.prepend(20).unwrap();
                    }
                    tx.transmit(&mut burst);
                }
                worker.lcore()
            })
        })
        .collect();
    let lcores: Vec<u32> = workers.into_iter().map(|w| w.join().unwrap()).collect();
    assert_ne!(lcores[0], 0);
    assert_eq!(
        device.stats().unwrap().tx_packets,
        device.stats().unwrap().rx_packets
    );
    device.stop().unwrap();
    drop(device);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_device_is_described_started_again_and_removed() {
    let pool = pool("again", 4096);
    let name = "net_null_again";
    let mut device = Device::attach(eal(), name).unwrap();
    let info = device.info().unwrap();
    assert_eq!(
        (info.driver.as_str(), info.name.as_str()),
        ("net_null", name)
    );
    assert!(info.mac.is_unicast());
    assert!(info.max_rx_queues > 1);

    let queues = device.start(&config(1, 1500), pool).unwrap();
    assert!(device.link().unwrap().up);
    assert!(matches!(
        device.start(&config(1, 1500), pool),
        Err(DeviceError::Running { .. })
    ));
    assert!(matches!(
        device.stop(),
        Err(DeviceError::QueuesInUse { .. })
    ));
    drop(queues);
    device.stop().unwrap();
    device.stop().unwrap();
    let queues = device.start(&config(2, 1000), pool).unwrap();
    assert_eq!((queues.rx.len(), queues.tx.len()), (2, 2));

    // The name is free again when the last owner is gone.
    assert!(matches!(
        Device::attach(eal(), name),
        Err(DeviceError::Exists { .. })
    ));
    drop(device);
    assert!(matches!(
        Device::attach(eal(), name),
        Err(DeviceError::Exists { .. })
    ));
    drop(queues);
    Device::attach(eal(), name).unwrap();
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn impossible_configurations_are_refused_with_the_numbers() {
    let pool = pool("range", 512);
    let mut device = Device::attach(eal(), "net_null_range").unwrap();
    let message = |device: &mut Device, queues, mtu| {
        device
            .start(&config(queues, mtu), pool)
            .unwrap_err()
            .to_string()
    };
    let text = message(&mut device, 1, 9000);
    assert!(
        text.contains("mtu 9000 is impossible: use 68 to 2022"),
        "{text}"
    );
    assert!(message(&mut device, 0, 1500).contains("rx queues 0 is impossible: use 1 to"));
    assert!(message(&mut device, 1, 10).contains("mtu 10"));
}

#[test]
fn devargs_that_cannot_be_are_explained() {
    let message = |devargs: &str| Device::attach(eal(), devargs).unwrap_err().to_string();
    let text = message("net_tulip0");
    assert!(
        text.contains("no driver for \"net_tulip0\"") && text.contains("net_tap"),
        "{text}"
    );
    let text = message("net_af_packet_x,iface=nosuchif0");
    assert!(
        text.contains("cannot attach") && text.contains("nosuchif0"),
        "{text}"
    );
    let text = message("net_null_x,bogus=1");
    assert!(
        text.contains("cannot attach device \"net_null_x,bogus=1\""),
        "{text}"
    );
    let text = message("0000:00:1f.7");
    assert!(
        text.contains("lspci") || text.contains("vfio-pci"),
        "{text}"
    );
}
