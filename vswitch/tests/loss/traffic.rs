//! The node that sends as fast as the switch takes it, and everybody who may
//! receive something.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use packet::build::Frame;
use packet::heap::HEADROOM;
use packet::{HeapBuf, MacAddr, PacketBuf as _};
use parking_lot::Mutex;
use vswitch::ports::Packets;

use super::ends::Stop;
use super::flow::{End, Flow, LENGTH, PAYLOAD, REMEMBERED, Stamp};
use super::pool::{CHANGING, HOSTS, Pool, host};
use super::switch::{DRAWN, DRAWN_HOST, NODE, PATIENCE, SEGMENT, UPLINK, local_address, mac_of};

/// Addresses whose mappings were loaded, and do not change.
pub(crate) const LOADED: u32 = 1024;

/// The address with this number among them.
pub(crate) const fn loaded_address(number: u32) -> u32 {
    0x0a01_0000 + number
}

const ROUTER: MacAddr = MacAddr::new([2, 0, 0, 0, 9, 9]);
const ROUTER_ADDRESS: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 1];
const OWN_LOCATOR: u64 = 0xfd00_0000_0000_000a;

/// The flow number of frames that only warm up.
const WARM: u32 = u32::MAX;

/// What became of all packets.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) sent: u64,
    pub(crate) to_changing: u64,
    /// Did not arrive, though their mapping was there.
    pub(crate) lost: u64,
    /// Arrived where they should not, or damaged.
    pub(crate) misdelivered: u64,
    /// Arrived twice, or too late.
    pub(crate) out_of_order: u64,
    /// Did not arrive, rightly.
    pub(crate) without_mapping: u64,
    /// The most versions that a packet could be forwarded by.
    pub(crate) widest: u32,
    /// The first fault, in words.
    pub(crate) fault: Option<String>,
}

pub(crate) struct Traffic {
    pool: Arc<Pool>,
    workers: usize,
    flows: Vec<Flow>,
    /// In which order flows get their turn.
    turns: Vec<u32>,
    /// By queue.
    turn: Vec<usize>,
    /// The node sends all that it can.
    pub(crate) flowing: bool,
    /// Flows of which it sends a frame before anything else; by queue.
    wanted: Vec<VecDeque<u32>>,
    answers: VecDeque<HeapBuf>,
    spare: Vec<HeapBuf>,
    warm: bool,
    /// The worker that next sends to a node on this host stands still there.
    pub(crate) stop: Option<Arc<Stop>>,
    pub(crate) sum: Sum,
}

impl Traffic {
    pub(crate) fn new(pool: Arc<Pool>, workers: usize) -> Self {
        let mut flows: Vec<Flow> = (0..workers)
            .map(|worker| Flow::new(End::Here, local_address(worker)))
            .collect();
        flows.push(Flow::new(End::There(DRAWN_HOST), DRAWN));
        let stay = flows.len() as u32;
        flows.extend((0..LOADED).map(|n| {
            let there = End::There(host(n % HOSTS));
            Flow::new(there, loaded_address(n))
        }));
        let change = flows.len() as u32;
        flows.extend((0..CHANGING).map(|n| Flow::new(End::Changing(n), Pool::address(n))));
        // Of eight frames two stay here or go to a drawn node, three to loaded
        // mappings, three to changing ones. Neighbours in the order are far
        // apart in the pool.
        let turns = (0..CHANGING).flat_map(|n| {
            let changing = |k: u32| change + (3 * n + k).wrapping_mul(5023) % CHANGING;
            let loaded = |k: u32| stay + (3 * n + k) % LOADED;
            [
                n % (stay - 1),
                changing(0),
                loaded(0),
                stay - 1,
                changing(1),
                loaded(1),
                changing(2),
                loaded(2),
            ]
        });
        Self {
            turns: turns.collect(),
            turn: vec![0; workers],
            flowing: false,
            wanted: vec![VecDeque::new(); workers],
            answers: VecDeque::new(),
            pool,
            workers,
            flows,
            spare: Vec::new(),
            warm: false,
            stop: None,
            sum: Sum::default(),
        }
    }

    /// What the node sends next, as much as there is room for.
    pub(crate) fn send(&mut self, queue: usize, into: &mut Packets<HeapBuf>) {
        while !into.is_full() {
            let flow = match self.wanted[queue].pop_front() {
                Some(flow) => flow,
                None if self.flowing => self.turn(queue),
                None => return,
            };
            into.push(self.frame(flow));
        }
    }

    /// What the fabric's router answers.
    pub(crate) fn answer(&mut self, into: &mut Packets<HeapBuf>) {
        let room = into.remaining_capacity().min(self.answers.len());
        into.extend(self.answers.drain(..room));
    }

    /// Whose turn it is on a queue. A flow stays on one.
    fn turn(&mut self, queue: usize) -> u32 {
        loop {
            let turn = &mut self.turn[queue];
            let flow = self.turns[*turn];
            *turn = (*turn + 1) % self.turns.len();
            if flow as usize % self.workers == queue {
                return flow;
            }
        }
    }

    /// The flow's next frame.
    fn frame(&mut self, flow: u32) -> HeapBuf {
        let mut frame = self.spare.pop().unwrap_or_else(fresh);
        let mut stamp = Stamp {
            flow,
            number: 0,
            floor: 0,
        };
        if flow == WARM {
            let drawn = self.flows.iter().find(|flow| flow.address == DRAWN);
            drawn.unwrap().write(frame.data_mut(), stamp);
            return frame;
        }
        let that = &mut self.flows[flow as usize];
        stamp.number = that.next;
        if let End::Changing(number) = that.end {
            stamp.floor = self.pool.answered(number);
            that.floors[stamp.number as usize % REMEMBERED] = stamp.floor;
            self.sum.to_changing += 1;
        }
        that.write(frame.data_mut(), stamp);
        that.next += 1;
        self.sum.sent += 1;
        frame
    }

    pub(crate) fn at_sender(&mut self, frame: &[u8]) {
        self.misdelivered(format!("the sender itself was sent {frame:02x?}"));
    }

    /// The frame can be used again.
    pub(crate) fn spare(&mut self, mut frame: HeapBuf) {
        let moved = HEADROOM as i64 - frame.headroom() as i64;
        if moved >= 0 && frame.trim_front(moved as usize).is_ok() && frame.len() <= LENGTH {
            let missing = LENGTH - frame.len();
            if frame.append(missing).is_ok() {
                self.spare.push(frame);
            }
        }
    }

    fn misdelivered(&mut self, what: String) {
        self.sum.misdelivered += 1;
        self.sum.fault.get_or_insert(what);
    }

    pub(crate) fn at_local(&mut self, frame: &[u8]) {
        let Some(stamp) = Stamp::read(frame.get(PAYLOAD..).unwrap_or_default()) else {
            return self.misdelivered(format!("here arrived {frame:02x?}"));
        };
        let Some(flow) = self.flows.get(stamp.flow as usize) else {
            return self.misdelivered(format!("here arrived {stamp:?}"));
        };
        let right = flow.end == End::Here
            && frame[..6] == flow.mac().octets()
            && frame[6..12] == NODE.1.octets()
            && frame[30..34] == flow.address.to_be_bytes();
        if !right {
            return self.misdelivered(format!("here arrived {stamp:?} to {:x}", flow.address));
        }
        self.arrived(stamp);
    }

    pub(crate) fn at_fabric(&mut self, frame: &[u8]) {
        const BODY: usize = 14 + 40;
        // ICMPv6, and MLD behind its hop-by-hop option: the host's own.
        if frame.get(20).is_some_and(|next| [0, 58].contains(next)) {
            return self.be_a_router(frame);
        }
        let Some(stamp) = Stamp::read(frame.get(BODY + 8..).unwrap_or_default()) else {
            return self.misdelivered(format!("the uplink sent {frame:02x?}"));
        };
        if stamp.flow == WARM {
            self.warm = true;
            return;
        }
        let Some(flow) = self.flows.get(stamp.flow as usize) else {
            return self.misdelivered(format!("the uplink sent {stamp:?}"));
        };
        let half = |at: usize| u64::from_be_bytes(frame[at..at + 8].try_into().unwrap());
        let low = |address: u32| u64::from(SEGMENT) << 32 | u64::from(address);
        let locator = half(38);
        let right = frame[..6] == ROUTER.octets()
            && frame[6..12] == UPLINK.octets()
            && (half(22), half(30)) == (OWN_LOCATOR, low(NODE.0))
            && half(46) == low(flow.address);
        let there = match flow.end {
            End::Here => false,
            End::There(there) => there == locator,
            End::Changing(number) => self.pool.was_at(number, stamp.floor, locator),
        };
        if !(right && there) {
            let what = format!("{stamp:?} to {:x} went to {locator:x}", flow.address);
            return self.misdelivered(what);
        }
        self.arrived(stamp);
    }

    /// It arrived where it should; is it the one that is due?
    fn arrived(&mut self, stamp: Stamp) {
        let flow = &mut self.flows[stamp.flow as usize];
        if stamp.number < flow.due || stamp.number >= flow.next {
            self.sum.out_of_order += 1;
            return;
        }
        let missing = flow.due..stamp.number;
        flow.due = stamp.number + 1;
        if let End::Changing(number) = flow.end {
            let width = self.pool.asked(number) - stamp.floor;
            self.sum.widest = self.sum.widest.max(width);
        }
        self.missing(stamp.flow, missing);
    }

    /// Were these frames of a flow rightly not delivered?
    fn missing(&mut self, flow: u32, missing: core::ops::Range<u32>) {
        let that = &self.flows[flow as usize];
        for number in missing {
            let known = that.next - number <= REMEMBERED as u32;
            let floor = that.floors[number as usize % REMEMBERED];
            let rightly = match that.end {
                End::Changing(n) => !known || self.pool.may_have_been_nowhere(n, floor),
                End::Here | End::There(_) => false,
            };
            if rightly {
                self.sum.without_mapping += 1;
            } else {
                self.sum.lost += 1;
                self.sum.fault.get_or_insert_with(|| {
                    format!(
                        "frame {number} of {:?} was lost, sent as of version {floor}",
                        that.end
                    )
                });
            }
        }
    }

    /// The next burst has a frame that stays here, and behind it one to this
    /// address of the pool.
    pub(crate) fn want_both(&mut self, number: u32) {
        let changing = |flow: &Flow| flow.end == End::Changing(number);
        let flow = self.flows.iter().position(changing).unwrap() as u32;
        self.want([0, flow].into_iter());
    }

    /// Asks for another frame of these flows, in this order.
    fn want(&mut self, flows: impl Iterator<Item = u32>) {
        for flow in flows {
            self.wanted[flow as usize % self.workers].push_back(flow);
        }
    }

    /// Has all come through of the flows that stay here, one for each worker?
    fn is_through(&self) -> bool {
        let mut here = self.flows[..self.workers].iter();
        self.wanted.iter().all(VecDeque::is_empty) && here.all(|flow| flow.due == flow.next)
    }

    /// All that was sent has come through; what has not is missing.
    fn close(&mut self) {
        for flow in 0..self.flows.len() as u32 {
            let that = &mut self.flows[flow as usize];
            let missing = that.due..that.next;
            that.due = that.next;
            self.missing(flow, missing);
        }
    }

    /// Answers whoever asks for the router's MAC.
    fn be_a_router(&mut self, frame: &[u8]) {
        let (Some(kind), Some(target)) = (frame.get(54), frame.get(62..78)) else {
            return;
        };
        let asker: [u8; 16] = frame[22..38].try_into().unwrap();
        if *kind != packet::nd::NEIGHBOR_SOLICITATION
            || target != ROUTER_ADDRESS
            || asker == [0; 16]
        {
            return;
        }
        let mut options = ROUTER_ADDRESS.to_vec();
        options.extend([2, 1]);
        options.extend(ROUTER.octets());
        let answer = Frame::between(ROUTER, UPLINK)
            .ipv6(
                core::net::Ipv6Addr::from(ROUTER_ADDRESS),
                core::net::Ipv6Addr::from(asker),
            )
            .hop_limit(packet::nd::HOP_LIMIT)
            .icmp(
                (packet::nd::NEIGHBOR_ADVERTISEMENT, 0),
                // A router; solicited; overrides.
                (0xe000, 0),
                &options,
            );
        self.answers.push_back(HeapBuf::from_slice(&answer));
    }
}

/// A buffer with room for a frame and what the switch adds.
fn fresh() -> HeapBuf {
    let mut frame = HeapBuf::with_capacity(HEADROOM + 2 * LENGTH);
    frame.append(LENGTH).unwrap();
    frame
}

/// The MAC of an address of the pool.
pub(crate) fn mac(address: u32) -> u64 {
    mac_of(address).to_u64()
}

fn wait(traffic: &Mutex<Traffic>, until: impl Fn(&Traffic) -> bool) {
    let began = Instant::now();
    while !until(&traffic.lock()) {
        assert!(began.elapsed() < PATIENCE, "nothing comes through");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends until the way through the switch and over the uplink is open.
pub(crate) fn warm_up(traffic: &Mutex<Traffic>) {
    let began = Instant::now();
    while !traffic.lock().warm {
        assert!(began.elapsed() < PATIENCE, "nothing comes through");
        traffic.lock().wanted[0].push_back(WARM);
        thread::sleep(Duration::from_millis(50));
    }
    // Those that were held.
    thread::sleep(Duration::from_millis(300));
}

/// Sends no more, waits until all has come through, and books what has not.
pub(crate) fn settle(traffic: &Mutex<Traffic>) {
    traffic.lock().flowing = false;
    // The second round comes through after the first one's turn has ended.
    for _ in 0..2 {
        let workers = traffic.lock().workers as u32;
        traffic.lock().want(0..workers);
        wait(traffic, Traffic::is_through);
    }
    traffic.lock().close();
}

/// Everything is answered: one frame to every address, which must arrive just
/// where the last version says.
pub(crate) fn ask_everybody_once(traffic: &Mutex<Traffic>) {
    let before = {
        let mut traffic = traffic.lock();
        let all = 0..traffic.flows.len() as u32;
        traffic.want(all);
        traffic.sum.without_mapping
    };
    settle(traffic);
    let traffic = traffic.lock();
    let nowhere = |n: &u32| Pool::place(*n, traffic.pool.asked(*n)).is_none();
    let nowhere = (0..CHANGING).filter(nowhere).count() as u64;
    assert_eq!(traffic.sum.without_mapping - before, nowhere);
}
