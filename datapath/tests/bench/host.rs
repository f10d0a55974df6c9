//! A host that frames are pushed into one at a time, or in bursts.

use datapath::books::RowId;
use datapath::pipeline::batch::Context;
use datapath::pipeline::translate::Translator;
use datapath::pipeline::{Burst, DropReason, Punt, Verdict, from_node, from_substrate};
use datapath::tables::Tables;
use packet::{HeapBuf, PacketBuf};
use vnet::compiled::PortId;

use super::plan::Site;

pub struct Host {
    pub site: Site,
    pub tables: Tables,
    pub translator: Translator,
}

/// What became of one frame.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub cx: Context,
    /// The bytes as the pipeline left them.
    pub frame: Vec<u8>,
}

/// Which way a burst goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    FromNode,
    FromSubstrate,
}

impl Host {
    pub fn new(site: Site, tables: Tables) -> Self {
        Self {
            site,
            tables,
            translator: Translator::new(0, 1),
        }
    }

    /// A frame that a node sent on this port.
    pub fn node_sends(&mut self, port: u16, frame: &[u8]) -> Outcome {
        self.one(Way::FromNode, PortId(port), HeapBuf::from_slice(frame))
    }

    /// A frame that the substrate delivered on the first uplink.
    pub fn substrate_delivers(&mut self, frame: &[u8]) -> Outcome {
        let uplink = self.site.uplinks()[0];
        self.one(Way::FromSubstrate, uplink, HeapBuf::from_slice(frame))
    }

    /// One buffer of any kind.
    pub fn one<B: PacketBuf + core::fmt::Debug>(
        &mut self,
        way: Way,
        port: PortId,
        buf: B,
    ) -> Outcome {
        let mut burst = Burst::new(port);
        burst.push(buf, self.row(port)).unwrap();
        self.run(way, &mut burst);
        let packet = burst.packets.pop().unwrap();
        Outcome {
            cx: packet.cx,
            frame: packet.buf.data().to_vec(),
        }
    }

    /// The line of the books of a port before its frame is known.
    pub fn row(&self, port: PortId) -> RowId {
        self.tables.drawn.ports.rows().of(port, None)
    }

    pub fn run<B: PacketBuf>(&mut self, way: Way, burst: &mut Burst<B>) {
        match way {
            Way::FromNode => from_node(burst, &self.tables, &mut self.translator),
            Way::FromSubstrate => from_substrate(burst, &self.tables, &mut self.translator),
        }
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
            other => panic!("not dropped but {other:?}"),
        }
    }

    #[track_caller]
    pub fn punted(&self) -> Punt {
        match self.cx.verdict {
            Verdict::Punt(punt) => punt,
            other => panic!("not punted but {other:?}"),
        }
    }
}
