//! A host that frames are pushed into one at a time, or in bursts.

use core::time::Duration;

use datapath::books::{Ledger, Patience, RowId, RowReading};
use datapath::pipeline::batch::Context;
use datapath::pipeline::claim::behalf;
use datapath::pipeline::{
    Burst, Claim, DropReason, Exits, Punt, Punted, Settling, Verdict, Word, WorkerState,
    from_kernel, from_node, from_substrate, on_behalf, settle,
};
use datapath::tables::Tables;
use packet::{HeapBuf, Offload, PacketBuf};
use vnet::compiled::PortId;

use super::plan::Site;

pub struct Host {
    pub site: Site,
    pub tables: Tables,
    pub state: WorkerState,
    pub ledger: Ledger,
    /// The workers' clock.
    pub now: Duration,
}

/// What became of one frame.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub cx: Context,
    /// The bytes as the pipeline left them, before they were cut.
    pub frame: Vec<u8>,
    /// Everything that left, in order: the frame, its pieces, or an answer.
    pub sent: Vec<(PortId, Vec<u8>)>,
    /// What a device is to do with each of those.
    pub offloads: Vec<Offload>,
    /// What was booked as dropped, of the packet or of its pieces.
    pub booked: Vec<DropReason>,
    /// The claims to addresses that were seen.
    pub claims: Vec<Claim>,
}

/// Where a burst comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Node,
    Substrate,
    Kernel,
}

impl Host {
    pub fn new(site: Site, tables: Tables) -> Self {
        let ledger = Ledger::of(tables.drawn.ports.rows()).unwrap();
        Self {
            site,
            tables,
            state: WorkerState::new(0, 1).counting(&ledger),
            ledger,
            now: Duration::ZERO,
        }
    }

    /// A frame that a node sent on this port.
    pub fn node_sends(&mut self, port: u16, frame: &[u8]) -> Outcome {
        self.one(Way::Node, PortId(port), HeapBuf::from_slice(frame))
    }

    /// A frame that the substrate delivered on the first uplink.
    pub fn substrate_delivers(&mut self, frame: &[u8]) -> Outcome {
        let uplink = self.site.uplinks()[0];
        self.one(Way::Substrate, uplink, HeapBuf::from_slice(frame))
    }

    /// A frame that the kernel sent; see [`Plan::kernel`](super::Plan::kernel).
    pub fn kernel_sends(&mut self, frame: &[u8]) -> Outcome {
        let path = self.tables.uplinks.uplinks[0].kernel.unwrap();
        self.one(Way::Kernel, path.port, HeapBuf::from_slice(frame))
    }

    /// A frame of which a device has left something undone.
    pub fn node_leaves_to_a_device(
        &mut self,
        port: u16,
        frame: &[u8],
        offload: Offload,
    ) -> Outcome {
        let mut buf = HeapBuf::from_slice(frame);
        buf.set_offload(offload);
        self.one(Way::Node, PortId(port), buf)
    }

    /// A word on an interface's behalf.
    pub fn says(&mut self, word: &Word) -> Outcome {
        let buf = HeapBuf::from_slice(&word.frame());
        let mut burst = behalf::burst(word, buf, &self.tables, self.now).unwrap();
        on_behalf(&mut burst, word, &self.tables, &mut self.state);
        self.settled(burst)
    }

    /// The same from the substrate, on the first uplink.
    pub fn substrate_leaves_to_a_device(&mut self, frame: &[u8], offload: Offload) -> Outcome {
        let mut buf = HeapBuf::from_slice(frame);
        buf.set_offload(offload);
        self.one(Way::Substrate, self.site.uplinks()[0], buf)
    }

    /// One buffer of any kind.
    pub fn one<B: PacketBuf + core::fmt::Debug + Made>(
        &mut self,
        way: Way,
        port: PortId,
        buf: B,
    ) -> Outcome {
        let mut burst = Burst::new(port, self.now);
        burst.push(buf, self.row(port)).unwrap();
        self.run(way, &mut burst);
        self.settled(burst)
    }

    fn settled<B: PacketBuf + Made>(&mut self, mut burst: Burst<B>) -> Outcome {
        let (cx, frame) = {
            let packet = &burst.packets[0];
            (packet.cx, packet.buf.data().to_vec())
        };
        let mut out = Out::default();
        let drops_before = self.drops(cx.row);
        let with = Settling {
            tables: &self.tables,
            ledger: &self.ledger,
        };
        settle(&mut burst, with, &mut self.state, &mut out);
        Outcome {
            cx,
            frame,
            sent: out.sent,
            claims: out.claims,
            offloads: out.offloads,
            booked: DropReason::ALL
                .iter()
                .zip(self.drops(cx.row).iter().zip(drops_before))
                .flat_map(|(reason, (after, before))| (before..*after).map(|_| *reason))
                .collect(),
        }
    }

    fn drops(&self, row: RowId) -> [u64; DropReason::COUNT] {
        self.booked(row).dropped
    }

    /// What a line of the books says.
    pub fn booked(&self, row: RowId) -> RowReading {
        let booked = self.ledger.read_row(row, &Patience::none());
        booked.unwrap_or_default()
    }

    /// The line of the books of a port before its frame is known.
    pub fn row(&self, port: PortId) -> RowId {
        self.tables.drawn.ports.rows().of(port, None)
    }

    pub fn run<B: PacketBuf>(&mut self, way: Way, burst: &mut Burst<B>) {
        match way {
            Way::Node => from_node(burst, &self.tables, &mut self.state),
            Way::Substrate => from_substrate(burst, &self.tables, &mut self.state),
            Way::Kernel => from_kernel(burst, &self.tables),
        }
    }
}

/// Buffers that can be made here.
pub trait Made {
    fn made() -> Option<Self>
    where
        Self: Sized;
}

impl Made for HeapBuf {
    fn made() -> Option<Self> {
        Some(Self::from_slice(&[]))
    }
}

/// The ways out, into lists.
#[derive(Default)]
struct Out {
    sent: Vec<(PortId, Vec<u8>)>,
    offloads: Vec<Offload>,
    claims: Vec<Claim>,
}

impl<B: PacketBuf + Made> Exits<B> for Out {
    fn buffer(&mut self) -> Option<B> {
        B::made()
    }

    fn offer(&mut self, port: PortId, buf: B) {
        self.sent.push((port, buf.data().to_vec()));
        self.offloads.push(buf.offload());
    }

    fn punt(&mut self, _: Punted<B>) -> Result<(), Punted<B>> {
        Ok(())
    }

    fn claim(&mut self, claim: Claim) {
        self.claims.push(claim);
    }
}

impl Outcome {
    /// The frame, which must have gone out of this port.
    #[track_caller]
    pub fn forwarded(self, port: u16) -> Vec<u8> {
        assert_eq!(self.cx.verdict, Verdict::Forward(PortId(port)));
        self.frame
    }

    /// The answer, which there must be.
    #[track_caller]
    pub fn reply(self) -> Vec<u8> {
        assert_eq!(self.cx.verdict, Verdict::Reply);
        self.frame
    }

    /// Why it was dropped, which it must have been.
    #[track_caller]
    pub fn dropped(&self) -> DropReason {
        match self.cx.verdict {
            Verdict::Drop(reason) => reason,
            other => match self.booked[..] {
                [reason, ..] if self.sent.is_empty() => reason,
                _ => panic!("not dropped but {other:?}"),
            },
        }
    }

    /// The pieces, which must have gone out of this port.
    #[track_caller]
    pub fn cut(self, port: u16) -> Vec<Vec<u8>> {
        assert!(
            matches!(self.cx.verdict, Verdict::Cut(_)),
            "{:?}",
            self.cx.verdict
        );
        assert_eq!(self.booked, []);
        let out = |(at, frame)| {
            assert_eq!(at, PortId(port));
            frame
        };
        self.sent.into_iter().map(out).collect()
    }

    #[track_caller]
    pub fn punted(&self) -> Punt {
        match self.cx.verdict {
            Verdict::Punt(punt) => punt,
            other => panic!("not punted but {other:?}"),
        }
    }
}
