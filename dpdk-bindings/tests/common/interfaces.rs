//! Network namespaces, and ports on interfaces in them.

use std::fs::File;
use std::os::fd::AsFd;

use dpdk_bindings::{Mempool, PacketQueues, PacketSocket, PacketSocketConfig};

use super::{eal, run, unique};

/// A network namespace that goes when dropped.
pub(crate) struct Namespace(pub(crate) String);

impl Namespace {
    pub(crate) fn new() -> Self {
        let name = unique("ps");
        run(&format!("ip netns add {name}"));
        run(&format!("ip -n {name} link set lo up"));
        Self(name)
    }

    /// Moves the calling thread there.
    pub(crate) fn enter(&self) {
        enter(&self.0);
    }

    pub(crate) fn ip(&self, line: &str) {
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

/// Moves the calling thread into a namespace.
pub(crate) fn enter(name: &str) {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    let file = File::open(format!("/run/netns/{name}")).unwrap();
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// A pool of its own.
pub(crate) fn pool() -> Mempool {
    Mempool::new(eal(), &unique("ps"), 8192, 2048, 32).unwrap()
}

/// A port of so many queues each way.
pub(crate) fn open(interface: &str, queues: u16, pool: Mempool) -> (PacketSocket, PacketQueues) {
    PacketSocket::open(&config(interface, queues), pool).unwrap()
}

/// For a classic Ethernet.
pub(crate) fn config(interface: &str, queues: u16) -> PacketSocketConfig {
    PacketSocketConfig {
        interface: interface.to_owned(),
        rx_queues: queues,
        tx_queues: queues,
        rx_descriptors: 256,
        mtu: 1500,
    }
}
