//! How a port is opened, whatever drives it: the same way at the start and
//! while the daemon runs.

use packet::{HeapBuf, HeapPool};

use super::info::OpenPort;
use super::pcap::PcapError;
use super::sizing::PortSize;
use super::software;
use crate::config::PortConfig;

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPortError {
    /// A capture file cannot be used.
    #[error(transparent)]
    Pcap(#[from] PcapError),
    /// It needs DPDK, which this daemon did not start.
    #[error(
        "port \"{port}\" ({kind}) needs DPDK, which this daemon runs without, for none of the \
         ports in its configuration file needs it; add the port there, then restart the daemon"
    )]
    NoDpdk {
        /// The port.
        port: String,
        /// Its kind.
        kind: &'static str,
    },
    /// DPDK takes PCI devices when it starts, only.
    #[error(
        "port \"{port}\": a PCI device is taken when the daemon starts; add the port to the \
         configuration file, then restart the daemon"
    )]
    Pci {
        /// The port.
        port: String,
    },
    /// Its device.
    #[cfg(feature = "dpdk")]
    #[error(transparent)]
    Dpdk(#[from] super::dpdk::OpenError),
}

/// Opens ports while the daemon runs.
pub trait PortOpener<B>: Send {
    /// Opens a port with its queues. May take a while.
    ///
    /// # Errors
    /// [`OpenPortError`]: the reason, and what to do; nothing is left behind.
    fn open(&self, config: &PortConfig, size: &PortSize) -> Result<OpenPort<B>, OpenPortError>;
}

/// Opens capture files and memory, without DPDK.
#[derive(Debug, Clone)]
pub struct HeapOpener {
    pool: HeapPool,
}

impl HeapOpener {
    /// An opener of ports with buffers of `pool`.
    pub fn new(pool: HeapPool) -> Self {
        Self { pool }
    }
}

impl PortOpener<HeapBuf> for HeapOpener {
    fn open(
        &self,
        config: &PortConfig,
        size: &PortSize,
    ) -> Result<OpenPort<HeapBuf>, OpenPortError> {
        match software::open(config, size, &self.pool) {
            Some(opened) => Ok(opened?),
            None => Err(OpenPortError::NoDpdk {
                port: config.name.clone(),
                kind: config.source.as_str(),
            }),
        }
    }
}

#[cfg(feature = "dpdk")]
pub use with_dpdk::DpdkOpener;

#[cfg(feature = "dpdk")]
mod with_dpdk {
    use dpdk_bindings::{Eal, Mbuf, Mempool};

    use super::{OpenPort, OpenPortError, PortConfig, PortOpener, PortSize};
    use crate::ports::{devargs, dpdk};

    /// Opens ports of every kind, with DPDK's buffers.
    #[derive(Debug, Clone, Copy)]
    pub struct DpdkOpener {
        eal: Eal,
        pool: Mempool,
    }

    impl DpdkOpener {
        /// An opener of ports with buffers of `pool`.
        pub fn new(eal: Eal, pool: Mempool) -> Self {
            Self { eal, pool }
        }
    }

    impl PortOpener<Mbuf> for DpdkOpener {
        fn open(
            &self,
            config: &PortConfig,
            size: &PortSize,
        ) -> Result<OpenPort<Mbuf>, OpenPortError> {
            if devargs::pci(&config.source).is_some() {
                return Err(OpenPortError::Pci {
                    port: config.name.clone(),
                });
            }
            Ok(dpdk::open(self.eal, config, size, self.pool)?)
        }
    }
}
