//! Nothing on a packet's way allocates or frees, whatever the packet is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is missing"
)]

mod bench;

use core::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use bench::ends::{plan, ruled_plan};
use bench::host::Way;
use bench::random::Random;
use bench::{Host, Plan, R_KERNEL, R_UPLINKS, stew};
use datapath::pipeline::{BURST, Burst};
use packet::HeapBuf;
use vnet::compiled::PortId;

/// Bursts of every kind of frame, whole and spoilt, ready to be pushed.
fn bursts(host: &Host, way: Way) -> Vec<Burst<HeapBuf>> {
    let mut random = Random::seeded(3);
    let mut bursts: Vec<Burst<HeapBuf>> = match way {
        Way::Node => (0..9)
            .map(|port| Burst::new(PortId(port), Duration::ZERO))
            .collect(),
        Way::Substrate => (0..16)
            .map(|_| Burst::new(PortId(R_UPLINKS[0]), Duration::ZERO))
            .collect(),
        Way::Kernel => (0..16)
            .map(|_| Burst::new(PortId(R_KERNEL), Duration::ZERO))
            .collect(),
    };
    for at in 0..9 * BURST {
        let (port, frame) = match way {
            Way::Node => stew::from_node(&mut random),
            Way::Substrate if at % 4 == 0 => (0, stew::to_host(&mut random)),
            Way::Substrate => (0, stew::from_substrate(&mut random)),
            Way::Kernel => (0, stew::from_kernel(&mut random)),
        };
        let burst = match way {
            Way::Node => &mut bursts[usize::from(port)],
            Way::Substrate | Way::Kernel => &mut bursts[at % 16],
        };
        let row = host.row(burst.port);
        // A full burst is as good as one with this frame, too.
        drop(burst.push(HeapBuf::from_slice(&frame), row));
    }
    bursts
}

fn allocations(way: Way) -> AllocationInfo {
    let ruled = allocations_of(ruled_plan(), way);
    assert_eq!(ruled, AllocationInfo::default(), "with access rules");
    allocations_of(plan(), way)
}

fn allocations_of(plan: Plan, way: Way) -> AllocationInfo {
    let mut host = plan.kernel(100, false).host();
    for mut burst in bursts(&host, way) {
        host.run(way, &mut burst);
    }
    let mut bursts = bursts(&host, way);
    let pushed: usize = bursts.iter().map(|burst| burst.packets.len()).sum();
    assert!(pushed > 5 * BURST, "{pushed}");
    measure(|| {
        for burst in &mut bursts {
            host.run(way, burst);
        }
    })
}

#[test]
fn from_a_node_nothing_allocates() {
    assert_eq!(allocations(Way::Node), AllocationInfo::default());
}

#[test]
fn from_the_substrate_nothing_allocates() {
    assert_eq!(allocations(Way::Substrate), AllocationInfo::default());
}

#[test]
fn from_the_kernel_nothing_allocates() {
    assert_eq!(allocations(Way::Kernel), AllocationInfo::default());
}

#[test]
fn the_counter_counts() {
    let info = measure(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert_eq!((info.count_total, info.count_current), (1, 0));
}
