//! A port whose other end is in this process: for tests and benchmarks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::queue::ArrayQueue;
use datapath::tables::PortOffloads;
use packet::{MacAddr, PacketBuf};

use super::info::{LinkState, OpenPort, PortCounters, PortInfo, PortMonitor};
use super::queue::{Packets, Refused, RxQueue, TxQueue};

/// The far end of a memory port: puts frames in, takes frames out.
#[derive(Debug)]
pub struct MemoryHandle<B> {
    wires: Arc<Wires<B>>,
}

impl<B> Clone for MemoryHandle<B> {
    fn clone(&self) -> Self {
        Self {
            wires: Arc::clone(&self.wires),
        }
    }
}

#[derive(Debug)]
struct Wires<B> {
    towards: Vec<Wire<B>>,
    from: Vec<Wire<B>>,
    up: AtomicBool,
}

/// One direction of one queue, with its books.
#[derive(Debug)]
struct Wire<B> {
    frames: ArrayQueue<B>,
    packets: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
}

impl<B: PacketBuf> Wire<B> {
    fn new(capacity: usize) -> Self {
        Self {
            frames: ArrayQueue::new(capacity.max(1)),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    fn count(&self, bytes: usize) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<B: PacketBuf> MemoryHandle<B> {
    /// Puts a frame on a receive queue; what does not fit, or has no such
    /// queue, comes back, and a full queue counts it as missed.
    ///
    /// # Errors
    /// The frame itself.
    pub fn inject(&self, queue: usize, frame: B) -> Result<(), B> {
        let Some(wire) = self.wires.towards.get(queue) else {
            return Err(frame);
        };
        wire.frames.push(frame).inspect_err(|_| {
            wire.lost.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Takes the next frame that the port sent, whichever queue it left by.
    pub fn collect(&self) -> Option<B> {
        self.wires.from.iter().find_map(|wire| wire.frames.pop())
    }

    /// Takes everything that the port sent.
    pub fn drain(&self) -> Vec<B> {
        core::iter::from_fn(|| self.collect()).collect()
    }

    /// Has everything that was injected been received?
    pub fn is_drained(&self) -> bool {
        self.wires.towards.iter().all(|wire| wire.frames.is_empty())
    }

    /// Plugs the cable in, or (`false`) pulls it: nothing passes.
    pub fn set_link(&self, up: bool) {
        self.wires.up.store(up, Ordering::Release);
    }
}

/// What a memory port is made of.
#[derive(Debug, Clone)]
pub struct MemoryPort {
    /// Its name in the configuration.
    pub name: String,
    /// The MAC it reports.
    pub mac: MacAddr,
    /// The MTU it reports, in bytes.
    pub mtu: u16,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Frames that each queue holds.
    pub capacity: usize,
}

impl MemoryPort {
    /// Makes the port and its far end.
    pub fn open<B: PacketBuf + 'static>(self) -> OpenPort<B> {
        let make = |queues: u16| (0..queues).map(|_| Wire::new(self.capacity)).collect();
        let wires: Arc<Wires<B>> = Arc::new(Wires {
            towards: make(self.rx_queues),
            from: make(self.tx_queues),
            up: AtomicBool::new(true),
        });
        let end = |queue: u16| End {
            wires: Arc::clone(&wires),
            queue: usize::from(queue),
        };
        OpenPort {
            rx: (0..self.rx_queues)
                .map(|queue| Box::new(end(queue)) as Box<dyn RxQueue<B>>)
                .collect(),
            tx: (0..self.tx_queues)
                .map(|queue| Box::new(end(queue)) as Box<dyn TxQueue<B>>)
                .collect(),
            max_tx_queues: u16::MAX,
            mac: self.mac,
            offloads: PortOffloads::default(),
            memory: Some(MemoryHandle {
                wires: Arc::clone(&wires),
            }),
            monitor: Box::new(Monitor { port: self, wires }),
            warnings: Vec::new(),
        }
    }
}

/// A queue of the port.
struct End<B> {
    wires: Arc<Wires<B>>,
    queue: usize,
}

impl<B: PacketBuf> RxQueue<B> for End<B> {
    fn receive(&mut self, into: &mut Packets<B>) {
        let Some(wire) = self.wires.towards.get(self.queue) else {
            return;
        };
        if !self.wires.up.load(Ordering::Acquire) {
            return;
        }
        while !into.is_full() {
            let Some(frame) = wire.frames.pop() else {
                break;
            };
            wire.count(frame.len());
            into.push(frame);
        }
    }
}

impl<B: PacketBuf> TxQueue<B> for End<B> {
    fn transmit(&mut self, burst: &mut Packets<B>) -> Refused {
        let Some(wire) = self.wires.from.get(self.queue) else {
            return Refused::NONE;
        };
        if !self.wires.up.load(Ordering::Acquire) {
            return Refused::NONE;
        }
        let mut left = Packets::new();
        for frame in burst.drain(..) {
            let bytes = frame.len();
            let refused = if left.is_empty() {
                wire.frames.push(frame).err()
            } else {
                Some(frame)
            };
            match refused {
                None => wire.count(bytes),
                Some(frame) => left.push(frame),
            }
        }
        *burst = left;
        Refused::NONE
    }
}

struct Monitor<B> {
    port: MemoryPort,
    wires: Arc<Wires<B>>,
}

impl<B: PacketBuf> PortMonitor for Monitor<B> {
    fn info(&self) -> PortInfo {
        let sum = |wires: &[Wire<B>], field: fn(&Wire<B>) -> &AtomicU64| {
            wires
                .iter()
                .map(|wire| field(wire).load(Ordering::Relaxed))
                .sum()
        };
        let Wires { towards, from, up } = &*self.wires;
        PortInfo {
            name: self.port.name.clone(),
            kind: "memory",
            device: "memory".to_owned(),
            driver: "memory".to_owned(),
            mac: self.port.mac,
            mtu: self.port.mtu,
            rx_queues: self.port.rx_queues,
            tx_queues: self.port.tx_queues,
            link: if up.load(Ordering::Acquire) {
                LinkState::Up
            } else {
                LinkState::Down
            },
            speed_mbps: None,
            offloads: self.offloads(),
            counters: PortCounters {
                rx_packets: sum(towards, |wire| &wire.packets),
                rx_bytes: sum(towards, |wire| &wire.bytes),
                rx_missed: sum(towards, |wire| &wire.lost),
                tx_packets: sum(from, |wire| &wire.packets),
                tx_bytes: sum(from, |wire| &wire.bytes),
                ..PortCounters::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use packet::HeapBuf;

    use super::*;

    fn port(queues: u16, capacity: usize) -> OpenPort<HeapBuf> {
        let port = MemoryPort {
            name: "p".to_owned(),
            mac: MacAddr::new([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            rx_queues: queues,
            tx_queues: queues,
            capacity,
        };
        port.open()
    }

    fn frames(count: u8) -> Packets<HeapBuf> {
        (0..count).map(|n| HeapBuf::from_slice(&[n; 10])).collect()
    }

    #[test]
    fn frames_pass_each_way_and_are_counted() {
        let mut port = port(2, 64);
        let handle = port.memory.take().unwrap();
        handle.inject(1, HeapBuf::from_slice(&[7; 60])).unwrap();
        assert!(handle.inject(2, HeapBuf::from_slice(&[7])).is_err());
        let mut burst = Packets::new();
        port.rx[0].receive(&mut burst);
        assert!(burst.is_empty() && !handle.is_drained());
        port.rx[1].receive(&mut burst);
        assert_eq!(burst[0].data(), [7; 60]);
        assert!(handle.is_drained());
        port.tx[0].transmit(&mut burst);
        assert_eq!(handle.collect().unwrap().data(), [7; 60]);
        let counters = port.monitor.info().counters;
        assert_eq!((counters.rx_packets, counters.rx_bytes), (1, 60));
        assert_eq!((counters.tx_packets, counters.tx_bytes), (1, 60));
    }

    #[test]
    fn what_is_not_taken_stays_in_order() {
        let mut port = port(1, 3);
        let handle = port.memory.take().unwrap();
        let mut burst = frames(5);
        port.tx[0].transmit(&mut burst);
        assert_eq!(burst, frames(5).into_iter().skip(3).collect::<Packets<_>>());
        assert_eq!(handle.drain(), frames(3).to_vec());

        for frame in frames(3) {
            handle.inject(0, frame).unwrap();
        }
        assert!(handle.inject(0, HeapBuf::from_slice(&[9])).is_err());
        assert_eq!(port.monitor.info().counters.rx_missed, 1);
    }

    #[test]
    fn nothing_passes_a_pulled_cable() {
        let mut port = port(1, 8);
        let handle = port.memory.take().unwrap();
        handle.set_link(false);
        handle.inject(0, HeapBuf::from_slice(&[1])).unwrap();
        let mut burst = Packets::new();
        port.rx[0].receive(&mut burst);
        assert!(burst.is_empty());
        burst = frames(2);
        port.tx[0].transmit(&mut burst);
        assert_eq!(burst, frames(2));
        assert_eq!(port.monitor.info().link, LinkState::Down);
        handle.set_link(true);
        port.tx[0].transmit(&mut burst);
        assert_eq!(handle.drain().len(), 2);
    }
}
