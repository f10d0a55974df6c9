//! A port: attached, configured, started, watched, and removed again.

mod attach;
mod error;
mod info;
mod offloads;

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::Arc;

use packet::MacAddr;
use parking_lot::Mutex;

use crate::eal::Eal;
use crate::errno::{Errno, check};
use crate::log;
use crate::memif::{Gate, Poller};
use crate::mempool::Mempool;
use crate::offload::{Taken, Trusted};
use crate::queue::{RxQueue, TxQueue};
use crate::sys;

pub use attach::LinkedDrivers;
pub use error::DeviceError;
pub use info::{DeviceInfo, DeviceStats, Link, OutOfRange};
pub use offloads::DeviceOffloads;

/// A frame is longer than its MTU by at most this: Ethernet header, two VLAN
/// tags, and the checksum that some NICs deliver, in bytes.
pub const FRAME_OVERHEAD: u16 = 14 + 2 * 4 + 4;

/// DPDK's control calls expect one caller at a time; the ports that have an
/// owner.
static CONTROL: Mutex<[bool; sys::VS_MAX_PORTS as usize]> =
    Mutex::new([false; sys::VS_MAX_PORTS as usize]);

/// How to start a [`Device`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceConfig {
    /// Receive queues, one per worker that polls.
    pub rx_queues: u16,
    /// Transmit queues, one per worker that sends.
    pub tx_queues: u16,
    /// Descriptors per receive queue; rounded to what the driver can.
    pub rx_descriptors: u16,
    /// Descriptors per transmit queue; rounded to what the driver can.
    pub tx_descriptors: u16,
    /// The largest payload of an Ethernet frame, in bytes.
    pub mtu: u16,
    /// Leave the device's own MTU as it is: it is large enough, and lowering it
    /// would keep frames from arriving.
    pub keep_mtu: bool,
    /// What it is to do for packets; what it cannot, it is not asked for.
    pub offloads: DeviceOffloads,
}

/// The queues of a started device, to be moved to the threads that poll them.
#[derive(Debug)]
pub struct Queues {
    /// As many as asked for; the driver spreads flows over them.
    pub rx: Vec<RxQueue>,
    /// As many as asked for.
    pub tx: Vec<TxQueue>,
}

/// A port of DPDK.
///
/// The port is stopped, closed and detached when this and all its queues are
/// dropped: no queue can be polled while that happens.
#[derive(Debug)]
pub struct Device {
    port: Arc<Port>,
    devargs: String,
}

/// The port itself, owned by its [`Device`] and its queues together.
#[derive(Debug)]
pub(crate) struct Port {
    id: u16,
    started: AtomicBool,
    /// Of a memif port.
    gate: Option<Gate>,
    /// Its other side is a guest, who decides what it may be sent.
    vhost: bool,
    /// What it was asked for and can: [`DeviceOffloads::bits`].
    offloads: AtomicU8,
    /// Packets that came, or were to be sent, and cannot be what they say.
    refused: [AtomicU64; 2],
}

impl Port {
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// What it does for packets now.
    #[inline]
    fn offloads(&self) -> DeviceOffloads {
        let asked = DeviceOffloads::from_bits(self.offloads.load(Ordering::Relaxed));
        if self.vhost {
            asked.and(offloads::guest_takes(self.id))
        } else {
            asked
        }
    }

    /// Which words of the driver its frames are read by.
    #[inline]
    pub(crate) fn trusted(&self) -> Trusted {
        self.offloads().trusted()
    }

    /// What its frames may be.
    #[inline]
    pub(crate) fn taken(&self) -> Taken {
        self.offloads().taken(self.vhost)
    }

    /// Counts a received frame that is dropped.
    pub(crate) fn refused_in(&self) {
        self.refused[0].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame that cannot be sent.
    pub(crate) fn refused_out(&self) {
        self.refused[1].fetch_add(1, Ordering::Relaxed);
    }

    /// Starts the port and lets pollers in. The caller holds the control lock.
    fn start(&self) -> Result<(), Errno> {
        // SAFETY: a configured port that is not running.
        check(unsafe { sys::vs_port_start(self.id, self.memif()) })?;
        self.started.store(true, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.open();
        }
        if self.vhost {
            offloads::ask_guest(self.id);
        }
        Ok(())
    }

    /// Stops the port. The caller holds the control lock, and nobody polls: no
    /// queue is left, or a gate is shut.
    fn stop(&self) -> Result<(), Errno> {
        if !self.started.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        // SAFETY: a valid port that nobody polls.
        check(unsafe { sys::vs_port_stop(self.id, self.memif()) }).map(drop)
    }

    fn memif(&self) -> i32 {
        i32::from(self.gate.is_some())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut owned = CONTROL.lock();
        // Failures leave a port that nobody uses.
        let _ = self.stop();
        if self.vhost {
            offloads::unwatch_guest(self.id);
        }
        // SAFETY: the port is valid until removed here, and nobody polls it:
        // queues hold an `Arc` of it.
        unsafe { sys::vs_port_remove(self.id, self.memif()) };
        if let Some(slot) = owned.get_mut(usize::from(self.id)) {
            *slot = false;
        }
    }
}

impl Device {
    /// Attaches a device: `devargs` is a PCI address that [`crate::EalConfig`]
    /// allowed, or a virtual device's name with its arguments, e.g.
    /// `net_tap0,iface=tap0`.
    ///
    /// Network interfaces are found in the network namespace of the calling
    /// thread.
    ///
    /// # Errors
    /// [`DeviceError`], which says what to change.
    pub fn attach(_started: Eal, devargs: &str) -> Result<Self, DeviceError> {
        let mut owned = CONTROL.lock();
        let id = attach::attach(devargs, owned.as_slice())?;
        if let Some(slot) = owned.get_mut(usize::from(id)) {
            *slot = true;
        }
        let memif = devargs.starts_with("net_memif");
        let vhost = ["net_vhost", "eth_vhost"]
            .iter()
            .any(|driver| devargs.starts_with(driver));
        if vhost {
            offloads::watch_guest(id);
        }
        Ok(Self {
            port: Arc::new(Port {
                id,
                started: AtomicBool::new(false),
                gate: memif.then(Gate::new),
                vhost,
                offloads: AtomicU8::new(0),
                refused: [const { AtomicU64::new(0) }; 2],
            }),
            devargs: devargs.to_owned(),
        })
    }

    /// A memif client, which connects only when it is started.
    fn is_memif_client(&self) -> bool {
        self.port.gate.is_some() && self.devargs.split(',').any(|word| word == "role=client")
    }

    /// Configures the port with its queues over `pool`, and starts it.
    ///
    /// # Errors
    /// [`DeviceError`]: it runs already, a value is out of the driver's range
    /// (both are named), or the driver refuses.
    pub fn start(&mut self, config: &DeviceConfig, pool: Mempool) -> Result<Queues, DeviceError> {
        let info = self.info()?;
        if self.port.started.load(Ordering::Relaxed) || Arc::strong_count(&self.port) > 1 {
            return Err(DeviceError::Running {
                device: self.devargs.clone(),
            });
        }
        info.check(config, pool.data_room())
            .map_err(|range| DeviceError::Range {
                device: self.devargs.clone(),
                range,
            })?;
        let mark = log::mark();
        let refused = |step, errno| DeviceError::Refused {
            device: self.devargs.clone(),
            step,
            errno,
            said: log::quote_since(mark),
        };

        let _control = CONTROL.lock();
        self.configure(config, &info, pool)
            .map_err(|errno| refused("configure", errno))?;
        match self.port.start() {
            // Its server is not there yet: `tend` tries again.
            Err(_) if self.is_memif_client() => {}
            started => started.map_err(|errno| refused("start", errno))?,
        }

        let poller = || self.port.gate.as_ref().map(Poller::register);
        let rx = 0..config.rx_queues;
        let tx = 0..config.tx_queues;
        Ok(Queues {
            rx: rx
                .map(|queue| RxQueue::new(Arc::clone(&self.port), queue, poller()))
                .collect(),
            tx: tx
                .map(|queue| TxQueue::new(Arc::clone(&self.port), queue, poller()))
                .collect(),
        })
    }

    fn configure(
        &self,
        config: &DeviceConfig,
        info: &DeviceInfo,
        pool: Mempool,
    ) -> Result<(), Errno> {
        // SAFETY: takes nothing and returns a constant.
        let wanted = unsafe { sys::vs_rss_types_wanted() };
        let offloads = config.offloads.and(info.offloads);
        let (rx_offloads, tx_offloads) = offloads.words(info.rx_offloads, info.tx_offloads);
        self.port.offloads.store(offloads.bits(), Ordering::Relaxed);
        let mut conf = sys::vs_port_conf {
            rx_queues: config.rx_queues,
            tx_queues: config.tx_queues,
            rx_descriptors: config.rx_descriptors,
            tx_descriptors: config.tx_descriptors,
            mtu: config.mtu,
            rss_types: if config.rx_queues > 1 {
                wanted & info.rss_types
            } else {
                0
            },
            rx_offloads,
            tx_offloads,
        };
        let configure = |conf: &sys::vs_port_conf| {
            // SAFETY: a valid port that is not running (`started` is false and
            // the control lock is held); `conf` lives during the call, the pool
            // forever.
            check(unsafe { sys::vs_port_configure(self.port.id, conf, pool.as_ptr()) })
        };
        let set_mtu = || {
            // SAFETY: a valid, configured port.
            check(unsafe { sys::rte_eth_dev_set_mtu(self.port.id, config.mtu) })
        };
        // Some software drivers state the frame length of a classic Ethernet as
        // their limit and carry more; for those the MTU is set afterwards.
        let frame = u32::from(config.mtu) + 14;
        if config.keep_mtu || frame > info.max_rx_packet {
            conf.mtu = 0;
        }
        configure(&conf)?;
        if config.keep_mtu {
            return Ok(());
        }
        match set_mtu() {
            Ok(_) | Err(Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Stops the port, so that it can be started with another configuration.
    ///
    /// # Errors
    /// [`DeviceError::QueuesInUse`] unless all its queues have been dropped.
    pub fn stop(&mut self) -> Result<(), DeviceError> {
        if Arc::get_mut(&mut self.port).is_none() {
            return Err(DeviceError::QueuesInUse {
                device: self.devargs.clone(),
            });
        }
        let mark = log::mark();
        let _control = CONTROL.lock();
        self.port.stop().map_err(|errno| DeviceError::Refused {
            device: self.devargs.clone(),
            step: "stop",
            errno,
            said: log::quote_since(mark),
        })
    }

    /// What a device wants done about once a second, while its queues are in
    /// use: a memif client without a connection tries to connect. Nothing for
    /// others.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] if it could not be stopped to try again; that
    /// there is no server yet is no error.
    pub fn tend(&self) -> Result<(), DeviceError> {
        let Some(gate) = self.port.gate.as_ref().filter(|_| self.is_memif_client()) else {
            return Ok(());
        };
        let _control = CONTROL.lock();
        if info::link(self.port.id).is_ok_and(|link| link.up) {
            return Ok(());
        }
        gate.shut();
        self.port
            .stop()
            .map_err(|errno| self.refused("reconnect", errno))?;
        // There may be no server yet.
        let _ = self.port.start();
        Ok(())
    }

    /// The devargs it was attached with.
    pub fn devargs(&self) -> &str {
        &self.devargs
    }

    /// DPDK's number for it, as in [`crate::Mbuf::port`].
    pub fn port_id(&self) -> u16 {
        self.port.id
    }

    /// What it is and can.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] if the driver does not say.
    pub fn info(&self) -> Result<DeviceInfo, DeviceError> {
        let _control = CONTROL.lock();
        info::read(self.port.id).map_err(|errno| self.refused("describe", errno))
    }

    /// Its MAC.
    ///
    /// # Errors
    /// As [`Device::info`].
    pub fn mac(&self) -> Result<MacAddr, DeviceError> {
        Ok(self.info()?.mac)
    }

    /// Is it connected, and how fast?
    ///
    /// # Errors
    /// [`DeviceError::Refused`] if the driver does not say.
    pub fn link(&self) -> Result<Link, DeviceError> {
        let _control = CONTROL.lock();
        info::link(self.port.id).map_err(|errno| self.refused("read the link of", errno))
    }

    /// What it counted since it was attached.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] if the driver does not count.
    pub fn stats(&self) -> Result<DeviceStats, DeviceError> {
        let _control = CONTROL.lock();
        let mut stats = info::stats(self.port.id)
            .map_err(|errno| self.refused("read the counters of", errno))?;
        let [came, left] = &self.port.refused;
        stats.rx_errors += came.load(Ordering::Relaxed);
        stats.tx_errors += left.load(Ordering::Relaxed);
        Ok(stats)
    }

    /// What it does for packets now: what it was started to do, as far as it
    /// can, and of a vhost port as far as its guest has agreed. That changes
    /// whenever a guest starts or is restarted.
    pub fn offloads(&self) -> DeviceOffloads {
        self.port.offloads()
    }

    /// Its MTU now, in bytes.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] if the driver does not say.
    pub fn mtu(&self) -> Result<u16, DeviceError> {
        let _control = CONTROL.lock();
        let mut mtu = 0;
        // SAFETY: a valid port; `mtu` lives during the call.
        check(unsafe { sys::rte_eth_dev_get_mtu(self.port.id, &raw mut mtu) })
            .map_err(|errno| self.refused("read the MTU of", errno))?;
        Ok(mtu)
    }

    /// Receives frames for every MAC, or (`false`) for its own only.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] with [`Errno::NOTSUP`] if the driver cannot.
    pub fn set_promiscuous(&self, on: bool) -> Result<(), DeviceError> {
        let _control = CONTROL.lock();
        // SAFETY: a valid port.
        let status = unsafe {
            if on {
                sys::rte_eth_promiscuous_enable(self.port.id)
            } else {
                sys::rte_eth_promiscuous_disable(self.port.id)
            }
        };
        check(status)
            .map(drop)
            .map_err(|errno| self.refused("make promiscuous", errno))
    }

    /// Receives frames for every group MAC, or (`false`) for joined ones only.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] with [`Errno::NOTSUP`] if the driver cannot.
    pub fn set_all_multicast(&self, on: bool) -> Result<(), DeviceError> {
        let _control = CONTROL.lock();
        // SAFETY: a valid port.
        let status = unsafe {
            if on {
                sys::rte_eth_allmulticast_enable(self.port.id)
            } else {
                sys::rte_eth_allmulticast_disable(self.port.id)
            }
        };
        check(status)
            .map(drop)
            .map_err(|errno| self.refused("receive all multicast on", errno))
    }

    fn refused(&self, step: &'static str, errno: Errno) -> DeviceError {
        DeviceError::Refused {
            device: self.devargs.clone(),
            step,
            errno,
            said: String::new(),
        }
    }
}
