//! What a port is, can, does, and counted.

use core::ffi::{CStr, c_char};
use core::fmt;

use packet::MacAddr;

use super::{DeviceConfig, DeviceOffloads, FRAME_OVERHEAD};
use crate::errno::{Errno, check};
use crate::sys;

/// What a device is and can.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceInfo {
    /// Its driver, e.g. `net_af_packet`.
    pub driver: String,
    /// Its name in DPDK, e.g. `net_tap0` or `0000:3b:00.0`.
    pub name: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// The NUMA node it is attached to, if any.
    pub numa_node: Option<u32>,
    /// Receive queues, at most.
    pub max_rx_queues: u16,
    /// Transmit queues, at most.
    pub max_tx_queues: u16,
    /// MTU, at least, in bytes.
    pub min_mtu: u16,
    /// MTU, at most, in bytes, as the driver says; software drivers often say
    /// 65535 and mean less.
    pub max_mtu: u16,
    /// The longest frame the driver says it receives, in bytes.
    pub max_rx_packet: u32,
    /// Descriptors per receive queue: at least, at most.
    pub rx_descriptors: (u16, u16),
    /// Descriptors per transmit queue: at least, at most.
    pub tx_descriptors: (u16, u16),
    /// What of the packets' work it can take over.
    pub offloads: DeviceOffloads,
    /// Offloads it can on receive: `RTE_ETH_RX_OFFLOAD_*`.
    pub rx_offloads: u64,
    /// Offloads it can on transmit: `RTE_ETH_TX_OFFLOAD_*`.
    pub tx_offloads: u64,
    /// Which headers it can spread flows by: `RTE_ETH_RSS_*`; 0 for none, or
    /// by rules of its own.
    pub rss_types: u64,
}

/// A configuration value that is impossible, with what is possible.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutOfRange {
    /// Which value.
    pub field: &'static str,
    /// What it was.
    pub value: u32,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Where the limit comes from.
    pub because: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            min,
            max,
            because,
        } = self;
        write!(
            f,
            "{field} {value} is impossible: use {min} to {max} ({because})"
        )
    }
}

impl DeviceInfo {
    /// Can the driver, with buffers of `data_room` bytes, do this?
    pub(super) fn check(&self, config: &DeviceConfig, data_room: u16) -> Result<(), OutOfRange> {
        let within = |field, value: u16, min: u16, max: u16, because| {
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(OutOfRange {
                field,
                value: value.into(),
                min: min.into(),
                max: max.into(),
                because,
            })
        };
        let driver = "the driver's limit";
        within("rx queues", config.rx_queues, 1, self.max_rx_queues, driver)?;
        within("tx queues", config.tx_queues, 1, self.max_tx_queues, driver)?;
        within(
            "mtu",
            config.mtu,
            self.min_mtu.max(68),
            self.max_mtu,
            driver,
        )?;
        let room = data_room.saturating_sub(FRAME_OVERHEAD);
        within(
            "mtu",
            config.mtu,
            68,
            room,
            "a frame must fit one buffer of the pool",
        )?;
        // Drivers round counts within their limits; zero limits mean none.
        let descriptors = |field, value, (_, max): (u16, u16)| {
            within(
                field,
                value,
                1,
                if max == 0 { u16::MAX } else { max },
                driver,
            )
        };
        descriptors("rx descriptors", config.rx_descriptors, self.rx_descriptors)?;
        descriptors("tx descriptors", config.tx_descriptors, self.tx_descriptors)
    }
}

/// Is a port connected, and how fast?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// Frames can pass.
    pub up: bool,
    /// Speed in Mbit/s, where there is a meaning to it.
    pub speed_mbps: Option<u32>,
}

/// What a port counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets lost because nobody took them in time.
    pub rx_missed: u64,
    /// Packets received broken.
    pub rx_errors: u64,
    /// Packets lost because the pool had no buffer.
    pub rx_no_buffer: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets that could not be sent.
    pub tx_errors: u64,
}

pub(super) fn read(port: u16) -> Result<DeviceInfo, Errno> {
    let mut raw = core::mem::MaybeUninit::<sys::vs_port_info>::zeroed();
    // SAFETY: the shim fills the whole structure, which lives during the call;
    // all zero bytes are a valid one.
    let raw = unsafe {
        check(sys::vs_port_info(port, raw.as_mut_ptr()))?;
        raw.assume_init()
    };
    let driver = text(&raw.driver);
    Ok(DeviceInfo {
        offloads: DeviceOffloads::of(&driver, raw.rx_offloads, raw.tx_offloads),
        driver,
        name: text(&raw.name),
        mac: MacAddr::new(raw.mac),
        numa_node: u32::try_from(raw.socket).ok(),
        max_rx_queues: raw.max_rx_queues,
        max_tx_queues: raw.max_tx_queues,
        min_mtu: raw.min_mtu,
        max_mtu: raw.max_mtu,
        max_rx_packet: raw.max_rx_packet,
        rx_descriptors: (raw.min_rx_descriptors, raw.max_rx_descriptors),
        tx_descriptors: (raw.min_tx_descriptors, raw.max_tx_descriptors),
        rx_offloads: raw.rx_offloads,
        tx_offloads: raw.tx_offloads,
        rss_types: raw.rss_types,
    })
}

fn text(chars: &[c_char]) -> String {
    // `c_char` is signed on some machines; its bytes are meant.
    let bytes: Vec<u8> = chars.iter().map(|&char| char.to_ne_bytes()[0]).collect();
    CStr::from_bytes_until_nul(&bytes)
        .map(|text| text.to_string_lossy().into_owned())
        .unwrap_or_default()
}

pub(super) fn link(port: u16) -> Result<Link, Errno> {
    let mut raw = sys::vs_link {
        up: 0,
        speed_mbps: 0,
    };
    // SAFETY: `raw` lives during the call.
    check(unsafe { sys::vs_port_link(port, &raw mut raw) })?;
    Ok(Link {
        up: raw.up != 0,
        // 0 and all ones: none, unknown.
        speed_mbps: Some(raw.speed_mbps).filter(|speed| !matches!(*speed, 0 | u32::MAX)),
    })
}

pub(super) fn stats(port: u16) -> Result<DeviceStats, Errno> {
    let mut raw = core::mem::MaybeUninit::<sys::rte_eth_stats>::zeroed();
    // SAFETY: the structure lives during the call and is plain integers, for
    // which zeros are valid.
    let raw = unsafe {
        check(sys::rte_eth_stats_get(port, raw.as_mut_ptr()))?;
        raw.assume_init()
    };
    Ok(DeviceStats {
        rx_packets: raw.ipackets,
        rx_bytes: raw.ibytes,
        rx_missed: raw.imissed,
        rx_errors: raw.ierrors,
        rx_no_buffer: raw.rx_nombuf,
        tx_packets: raw.opackets,
        tx_bytes: raw.obytes,
        tx_errors: raw.oerrors,
    })
}
