//! Sizes of daemons, and of ports that come later.

use super::*;

fn port(name: &str, mtu: u16, queues: u16, source: PortSource) -> PortConfig {
    PortConfig {
        name: name.to_owned(),
        queues,
        mtu,
        descriptors: None,
        source,
    }
}

fn af_packet() -> PortSource {
    PortSource::AfPacket {
        interface: "v".to_owned(),
    }
}

fn af_xdp() -> PortSource {
    PortSource::AfXdp {
        interface: "x".to_owned(),
    }
}

fn pci() -> PortSource {
    PortSource::Pci {
        address: "0000:3b:00.0".to_owned(),
    }
}

fn of(ports: &[PortConfig], workers: u16) -> Result<Sizes, SizeError> {
    sizes(&Demand {
        ports,
        workers,
        memory: Memory::None,
        held: 100,
        reserve: Some(0),
    })
}

#[test]
fn classic_and_jumbo_frames_get_buffers_that_hold_them() {
    let classic = of(&[port("a", 1500, 1, pci())], 1).unwrap();
    assert_eq!(classic.data_room, 2048);
    let jumbo = of(&[port("a", 9000, 1, pci())], 1).unwrap();
    assert_eq!(jumbo.data_room, 9216);
}

#[test]
fn no_frame_is_longer_than_its_buffer() {
    for mtu in 68..=16_056 {
        let port = port("a", mtu, 1, af_packet());
        let room = of(core::slice::from_ref(&port), 1).unwrap().data_room;
        assert!(room >= mtu + FRAME_OVERHEAD);
    }
}

#[test]
fn buffers_are_what_rings_workers_and_the_slow_path_hold() {
    let sizes = of(
        &[port("a", 1500, 2, pci()), port("b", 1500, 1, af_packet())],
        2,
    )
    .unwrap();
    // Super-frames come in 32 buffers each, and make 46 segments.
    let rings = 2 * 1024 + 2 * 1024 + (64 + 32 * 32) + 2 * 32;
    let hands = 4 * 32;
    let giants = 32 * (2 * 32 + 46 + 1);
    assert_eq!(
        sizes.buffers,
        rings + 2 * (384 + hands + giants) + hands + 100
    );
    assert_eq!(sizes.ports[0].tx_queues, 2);
    assert_eq!((sizes.ports[1].rx_queues, sizes.ports[1].tx_queues), (1, 2));
    let without = of(&[port("a", 1500, 2, pci())], 1).unwrap();
    assert_eq!(without.buffers, 3 * 1024 + (384 + 96) + 96 + 100);
    assert!(sizes.memory_mib > 32);
    let vhost = |words: &str| {
        let devargs = format!("net_vhost0,iface=/run/s{words}");
        let source = PortSource::Devargs { devargs };
        of(&[port("a", 1500, 1, source)], 1).unwrap().buffers
    };
    assert_eq!(vhost(",tso=1"), vhost("") + giants);
}

#[test]
fn a_kinds_own_limit_is_named() {
    let error = of(&[port("x", 9000, 1, af_xdp())], 1)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("mtu 9000 is more than the 3498 bytes that af_xdp"),
        "{error}"
    );
}

#[test]
fn ports_that_cannot_share_buffers_are_named_with_a_way_out() {
    let ports = |mtu| [port("up", mtu, 1, pci()), port("x", 1500, 1, af_xdp())];
    let error = of(&ports(9000), 1).unwrap_err();
    let SizeError::Room { fits, .. } = &error else {
        panic!("{error}");
    };
    assert!(of(&ports(*fits), 1).is_ok());
    assert!(of(&ports(*fits + 1), 1).is_err());
    let text = error.to_string();
    assert!(text.contains("needs buffers of 9216 bytes"), "{text}");
}

#[test]
fn too_little_memory_is_refused_with_what_would_do() {
    let ports = [port("up", 9000, 4, pci())];
    let with = |mib: u64| {
        sizes(&Demand {
            ports: &ports,
            workers: 4,
            memory: Memory::Hugepages { bytes: mib << 20 },
            held: 0,
            reserve: Some(0),
        })
    };
    let Err(SizeError::Memory { need_mib, .. }) = with(64) else {
        panic!("64 MiB are enough?");
    };
    assert!(with(need_mib).is_ok());
    assert!(with(need_mib - 1).is_err());
}

#[test]
fn room_is_kept_for_as_many_later_ports_as_was_said() {
    let first = [port("up", 1500, 1, pci())];
    let vhost = |n: u16| PortSource::Vhost {
        path: format!("/s{n}").into(),
        client: false,
    };
    let kinds: [fn(u16) -> PortSource; 3] = [
        |_| af_packet(),
        |n| PortSource::Tap {
            interface: format!("t{n}"),
            mac: None,
        },
        vhost,
    ];
    for (workers, kind) in (1..=4).flat_map(|workers| kinds.map(|kind| (workers, kind))) {
        let demand = Demand {
            ports: &first,
            workers,
            memory: Memory::None,
            held: 100,
            reserve: Some(3),
        };
        let running = sizes(&demand).unwrap();
        let mut now = first.to_vec();
        for n in 0..3 {
            let demand = Demand {
                ports: &now,
                ..demand
            };
            let next = port(&format!("n{n}"), 1500, 1, kind(n));
            later::admit(&running, &demand, &next).unwrap();
            now.push(next);
        }
        // Of the dearest kind, with all its queues, no fourth one fits.
        let greedy = port("greedy", 1500, 16, pci());
        let demand = Demand {
            ports: &now,
            ..demand
        };
        let refused = later::admit(&running, &demand, &greedy).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("ports-reserve"), "{text}");
    }
}

#[test]
fn given_memory_is_for_the_first_ports_first() {
    let first = [port("up", 1500, 1, pci())];
    let with = |mib: u64, reserve| {
        sizes(&Demand {
            ports: &first,
            workers: 2,
            memory: Memory::Hugepages { bytes: mib << 20 },
            held: 100,
            reserve,
        })
    };
    let least = with(4096, Some(0)).unwrap().memory_mib;
    assert_eq!(with(least.into(), None).unwrap().reserve, 0);
    assert!(with(least.into(), Some(1)).is_err());
    assert_eq!(with(4096, None).unwrap().reserve, later::DEFAULT);
    assert_eq!(with(4096, Some(20)).unwrap().reserve, 20);
}

#[test]
fn a_later_ports_frames_must_fit_the_buffers_that_there_are() {
    let classic = [port("up", 1500, 1, pci())];
    let demand = Demand {
        ports: &classic,
        workers: 1,
        memory: Memory::None,
        held: 0,
        reserve: None,
    };
    let running = sizes(&demand).unwrap();
    let refused = later::admit(&running, &demand, &port("j", 9000, 1, af_packet()));
    let later::NoRoom::Buffer { fits, .. } = refused.unwrap_err() else {
        panic!("a jumbo frame in a classic buffer?");
    };
    let fits = port("j", fits, 1, af_packet());
    assert!(later::admit(&running, &demand, &fits).is_ok());

    let jumbo = [port("up", 9000, 1, pci())];
    let demand = Demand {
        ports: &jumbo,
        ..demand
    };
    let running = sizes(&demand).unwrap();
    let refused = later::admit(&running, &demand, &port("x", 1500, 1, af_xdp()));
    assert!(matches!(refused, Err(later::NoRoom::Kind { .. })));
}

#[test]
fn no_more_ports_than_ids() {
    let ports: Vec<PortConfig> = (0..=MAX_PORTS)
        .map(|n| port(&format!("p{n}"), 1500, 1, PortSource::Memory))
        .collect();
    assert!(of(&ports[1..], 1).is_ok());
    assert_eq!(of(&ports, 1), Err(SizeError::Ports { ports: 257 }));
}
