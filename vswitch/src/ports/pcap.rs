//! A port whose cable is a capture file: frames arrive as fast as they are
//! polled, and what is sent is written down.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use datapath::tables::PortOffloads;
use packet::{BufPool, MacAddr, PacketBuf};
use parking_lot::Mutex;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};
use pcap_file::{DataLink, TsResolution};

use super::info::{LinkState, OpenPort, PortCounters, PortInfo, PortMonitor};
use super::queue::{Packets, Refused, RxQueue, TxQueue};

/// Frames longer than this are not written in full, in bytes.
const SNAP_LEN: u32 = 65_535;

/// Why a capture file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PcapError {
    /// The file cannot be opened or made.
    #[error(
        "port \"{port}\": cannot open capture file {path}: {source}; a file to receive from must \
         exist, and one to transmit to must be writable"
    )]
    Open {
        /// The port.
        port: String,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not a capture.
    #[error(
        "port \"{port}\": {path} is not a pcap capture ({reason}); convert it: editcap -F pcap \
         {path} OUT"
    )]
    Format {
        /// The port.
        port: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The capture is not of Ethernet frames.
    #[error("port \"{port}\": {path} holds {link:?} frames; use a capture of Ethernet")]
    Link {
        /// The port.
        port: String,
        /// The file.
        path: PathBuf,
        /// What it holds.
        link: DataLink,
    },
}

/// What a capture-file port is made of.
#[derive(Debug, Clone)]
pub struct PcapPort {
    /// Its name in the configuration.
    pub name: String,
    /// The MAC it reports.
    pub mac: MacAddr,
    /// The MTU it reports, in bytes.
    pub mtu: u16,
    /// Receive queues, over which flows are spread.
    pub rx_queues: u16,
    /// Transmit queues, all into one file.
    pub tx_queues: u16,
    /// Frames that arrive; `None`: none.
    pub receive: Option<PathBuf>,
    /// Where sent frames are written; `None`: nowhere.
    pub transmit: Option<PathBuf>,
}

impl PcapPort {
    /// Opens the files; received frames are copied into buffers of `pool`.
    ///
    /// # Errors
    /// [`PcapError`]: the port, the file, and what to do.
    pub fn open<P>(self, pool: &P) -> Result<OpenPort<P::Buf>, PcapError>
    where
        P: BufPool + Clone + 'static,
        P::Buf: 'static,
    {
        let counts = Arc::new(Counts::default());
        let mut rx: Vec<Box<dyn RxQueue<P::Buf>>> = Vec::new();
        for queue in 0..self.rx_queues {
            let frames = self
                .receive
                .as_deref()
                .map(|path| self.reader(path))
                .transpose()?;
            rx.push(Box::new(Replay {
                frames,
                waiting: None,
                pool: pool.clone(),
                queue,
                queues: self.rx_queues,
                counts: Arc::clone(&counts),
            }));
        }
        let writer = self
            .transmit
            .as_deref()
            .map(|path| self.writer(path))
            .transpose()?;
        let writer = writer.map(|writer| Arc::new(Mutex::new(writer)));
        let tx = (0..self.tx_queues)
            .map(|_| {
                let record = Record {
                    writer: writer.clone(),
                    counts: Arc::clone(&counts),
                };
                Box::new(record) as Box<dyn TxQueue<P::Buf>>
            })
            .collect();
        Ok(OpenPort {
            rx,
            tx,
            max_tx_queues: u16::MAX,
            mac: self.mac,
            offloads: PortOffloads::default(),
            monitor: Box::new(Monitor { port: self, counts }),
            memory: None,
            warnings: Vec::new(),
        })
    }

    fn reader(&self, path: &Path) -> Result<PcapReader<BufReader<File>>, PcapError> {
        let file = File::open(path).map_err(|source| self.cannot_open(path, source))?;
        let reader = PcapReader::new(BufReader::new(file)).map_err(|error| PcapError::Format {
            port: self.name.clone(),
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        match reader.header().datalink {
            DataLink::ETHERNET => Ok(reader),
            link => Err(PcapError::Link {
                port: self.name.clone(),
                path: path.to_owned(),
                link,
            }),
        }
    }

    fn writer(&self, path: &Path) -> Result<Writer, PcapError> {
        let file = File::create(path).map_err(|source| self.cannot_open(path, source))?;
        let header = PcapHeader {
            snaplen: SNAP_LEN,
            datalink: DataLink::ETHERNET,
            ts_resolution: TsResolution::NanoSecond,
            ..PcapHeader::default()
        };
        let shared = Shared(Arc::new(Mutex::new(BufWriter::new(file))));
        let pcap = PcapWriter::with_header(shared.clone(), header)
            .map_err(|error| self.cannot_open(path, std::io::Error::other(error)))?;
        Ok(Writer { pcap, file: shared })
    }

    fn cannot_open(&self, path: &Path, source: std::io::Error) -> PcapError {
        PcapError::Open {
            port: self.name.clone(),
            path: path.to_owned(),
            source,
        }
    }
}

/// A capture file, which the format's writer owns and we must be able to flush.
#[derive(Clone)]
struct Shared(Arc<Mutex<BufWriter<File>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().flush()
    }
}

struct Writer {
    pcap: PcapWriter<Shared>,
    file: Shared,
}

#[derive(Default)]
struct Counts {
    rx_packets: AtomicU64,
    rx_bytes: AtomicU64,
    rx_errors: AtomicU64,
    tx_packets: AtomicU64,
    tx_bytes: AtomicU64,
    tx_errors: AtomicU64,
}

fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

/// A receive queue: its share of the file's frames.
struct Replay<P> {
    /// `None` when the file has ended.
    frames: Option<PcapReader<BufReader<File>>>,
    /// Read, while the pool had no buffer for it.
    waiting: Option<Vec<u8>>,
    pool: P,
    queue: u16,
    queues: u16,
    counts: Arc<Counts>,
}

impl<P: BufPool> Replay<P> {
    /// The next frame that is this queue's.
    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(frame) = self.waiting.take() {
            return Some(frame);
        }
        loop {
            match self.frames.as_mut()?.next_packet() {
                Some(Ok(packet)) if spread(&packet.data, self.queues) == self.queue => {
                    return Some(packet.data.into_owned());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) => {
                    // A torn end: what came before it is good.
                    add(&self.counts.rx_errors, 1);
                    self.frames = None;
                }
                None => self.frames = None,
            }
        }
    }
}

impl<P: BufPool> RxQueue<P::Buf> for Replay<P> {
    fn receive(&mut self, into: &mut Packets<P::Buf>) {
        while !into.is_full() {
            let Some(frame) = self.next() else {
                break;
            };
            let Some(mut buf) = self.pool.alloc() else {
                self.waiting = Some(frame);
                break;
            };
            if buf.append(frame.len()).is_err() {
                add(&self.counts.rx_errors, 1);
                continue;
            }
            buf.data_mut().copy_from_slice(&frame);
            add(&self.counts.rx_packets, 1);
            add(&self.counts.rx_bytes, frame.len());
            into.push(buf);
        }
    }

    fn is_exhausted(&self) -> bool {
        self.frames.is_none() && self.waiting.is_none()
    }
}

/// Which queue a frame arrives on: all frames with the same addresses on the
/// same one, as a NIC does it, so that they stay in order.
fn spread(frame: &[u8], queues: u16) -> u16 {
    let addresses = match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.get(26..34),
        Some([0x86, 0xdd]) => frame.get(22..54),
        _ => frame.get(..12),
    };
    let hash = addresses
        .unwrap_or(frame)
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
    // Below `queues`, which is 16 bits.
    u16::try_from(hash % u32::from(queues.max(1))).unwrap_or_default()
}

/// A transmit queue: writes frames down.
struct Record {
    writer: Option<Arc<Mutex<Writer>>>,
    counts: Arc<Counts>,
}

impl<B: PacketBuf> TxQueue<B> for Record {
    fn transmit(&mut self, burst: &mut Packets<B>) -> Refused {
        let mut refused = Refused::NONE;
        let Some(writer) = &self.writer else {
            for frame in burst.drain(..) {
                add(&self.counts.tx_packets, 1);
                add(&self.counts.tx_bytes, frame.len());
            }
            return refused;
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut writer = writer.lock();
        for frame in burst.drain(..) {
            let length = u32::try_from(frame.len()).unwrap_or(SNAP_LEN);
            let record = PcapPacket::new(now, length, frame.data());
            match writer.pcap.write_packet(&record) {
                Ok(_) => {
                    add(&self.counts.tx_packets, 1);
                    add(&self.counts.tx_bytes, frame.len());
                }
                Err(_) => {
                    add(&self.counts.tx_errors, 1);
                    refused += Refused {
                        packets: 1,
                        bytes: frame.len() as u64,
                    };
                }
            }
        }
        // Complete at every moment: somebody may be reading along.
        if writer.file.flush().is_err() {
            add(&self.counts.tx_errors, 1);
        }
        refused
    }
}

struct Monitor {
    port: PcapPort,
    counts: Arc<Counts>,
}

impl PortMonitor for Monitor {
    fn info(&self) -> PortInfo {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let shown = |path: &Option<PathBuf>| {
            path.as_ref()
                .map_or_else(|| "-".to_owned(), |path| path.display().to_string())
        };
        PortInfo {
            name: self.port.name.clone(),
            kind: "pcap",
            device: format!(
                "{} > {}",
                shown(&self.port.receive),
                shown(&self.port.transmit)
            ),
            driver: "pcap".to_owned(),
            mac: self.port.mac,
            mtu: self.port.mtu,
            rx_queues: self.port.rx_queues,
            tx_queues: self.port.tx_queues,
            link: LinkState::Up,
            speed_mbps: None,
            offloads: self.offloads(),
            counters: PortCounters {
                rx_packets: get(&self.counts.rx_packets),
                rx_bytes: get(&self.counts.rx_bytes),
                rx_missed: 0,
                rx_errors: get(&self.counts.rx_errors),
                tx_packets: get(&self.counts.tx_packets),
                tx_bytes: get(&self.counts.tx_bytes),
                tx_errors: get(&self.counts.tx_errors),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use packet::{HeapBuf, HeapPool};

    use super::*;

    fn port(receive: Option<PathBuf>, transmit: Option<PathBuf>, queues: u16) -> PcapPort {
        PcapPort {
            name: "p".to_owned(),
            mac: MacAddr::new([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            rx_queues: queues,
            tx_queues: queues,
            receive,
            transmit,
        }
    }

    fn receive_all(port: &mut OpenPort<HeapBuf>, queue: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while !port.rx[queue].is_exhausted() {
            let mut burst = Packets::new();
            port.rx[queue].receive(&mut burst);
            frames.extend(burst.iter().map(|frame| frame.data().to_vec()));
        }
        frames
    }

    /// An IPv4 frame of flow `flow`, number `n` in it.
    fn frame(flow: u8, n: u8) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[12] = 0x08;
        frame[29] = flow;
        frame[50] = n;
        frame
    }

    #[test]
    fn what_is_sent_can_be_received_with_flows_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.pcap");
        let sent: Vec<Vec<u8>> = (0..100).map(|n| frame(n % 7, n)).collect();
        let pool = HeapPool::new(2048);
        let mut out = port(None, Some(file.clone()), 2).open(&pool).unwrap();
        assert!(out.rx[0].is_exhausted());
        for (n, chunk) in sent.chunks(20).enumerate() {
            let mut burst: Packets<HeapBuf> = chunk
                .iter()
                .map(|frame| HeapBuf::from_slice(frame))
                .collect();
            out.tx[n % 2].transmit(&mut burst);
            assert!(burst.is_empty());
        }
        assert_eq!(out.monitor.info().counters.tx_bytes, 6000);

        // Complete while the writer still lives.
        let mut back = port(Some(file.clone()), None, 1).open(&pool).unwrap();
        assert_eq!(receive_all(&mut back, 0), sent);
        assert_eq!(back.monitor.info().counters.rx_packets, 100);

        let mut back = port(Some(file), None, 3).open(&pool).unwrap();
        let shares: Vec<_> = (0..3).map(|queue| receive_all(&mut back, queue)).collect();
        assert_eq!(shares.iter().map(Vec::len).sum::<usize>(), 100);
        assert!(shares.iter().filter(|share| !share.is_empty()).count() > 1);
        for flow in 0..7 {
            let of_flow = |frames: &[Vec<u8>]| -> Vec<Vec<u8>> {
                frames
                    .iter()
                    .filter(|frame| frame[29] == flow)
                    .cloned()
                    .collect()
            };
            let holders: Vec<_> = shares.iter().map(|share| of_flow(share)).collect();
            assert_eq!(holders.iter().filter(|share| !share.is_empty()).count(), 1);
            assert!(holders.contains(&of_flow(&sent)));
        }
    }

    #[test]
    fn a_dry_pool_loses_nothing_and_long_frames_are_counted() {
        /// Gives every second time only.
        #[derive(Clone)]
        struct Stingy(bool);
        impl BufPool for Stingy {
            type Buf = HeapBuf;
            fn alloc(&mut self) -> Option<HeapBuf> {
                self.0 = !self.0;
                self.0.then(|| HeapBuf::with_capacity(128 + 100))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in.pcap");
        let mut out = port(None, Some(file.clone()), 1)
            .open(&HeapPool::new(2048))
            .unwrap();
        let mut burst: Packets<HeapBuf> = [60, 101, 60, 60]
            .map(|len| HeapBuf::from_slice(&vec![1; len]))
            .into_iter()
            .collect();
        out.tx[0].transmit(&mut burst);
        let mut back = port(Some(file), None, 1).open(&Stingy(false)).unwrap();
        assert_eq!(receive_all(&mut back, 0).len(), 3);
        assert_eq!(back.monitor.info().counters.rx_errors, 1);
    }

    #[test]
    fn files_that_are_no_captures_are_explained() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        let open = |path: &Path| {
            let opened = port(Some(path.to_owned()), None, 1).open(&HeapPool::new(2048));
            opened.unwrap_err()
        };
        assert!(matches!(open(&file), PcapError::Open { .. }));
        std::fs::write(&file, "hello, this is not a capture file").unwrap();
        assert!(open(&file).to_string().contains("editcap"));
    }
}
