//! Opens the ports that need no DPDK.

use packet::{BufPool, MacAddr};

use super::info::OpenPort;
use super::memory::MemoryPort;
use super::pcap::{PcapError, PcapPort};
use super::sizing::PortSize;
use crate::config::{PortConfig, PortSource};

/// Opens a capture-file or memory port; `None` for a port that DPDK drives.
///
/// # Errors
/// [`PcapError`]: a capture file cannot be read or written.
pub fn open<P>(
    config: &PortConfig,
    size: &PortSize,
    pool: &P,
) -> Option<Result<OpenPort<P::Buf>, PcapError>>
where
    P: BufPool + Clone + 'static,
    P::Buf: 'static,
{
    let mac = made_up_mac(&config.name);
    match &config.source {
        PortSource::Memory => {
            let port = MemoryPort {
                name: config.name.clone(),
                mac,
                mtu: size.mtu,
                rx_queues: size.rx_queues,
                tx_queues: size.tx_queues,
                capacity: usize::from(size.rx_descriptors),
            };
            Some(Ok(port.open()))
        }
        PortSource::Pcap { receive, transmit } => {
            let port = PcapPort {
                name: config.name.clone(),
                mac,
                mtu: size.mtu,
                rx_queues: size.rx_queues,
                tx_queues: size.tx_queues,
                receive: receive.clone(),
                transmit: transmit.clone(),
            };
            Some(port.open(pool))
        }
        _ => None,
    }
}

/// A locally administered unicast MAC (IEEE 802-2014 §8.4) that a port of this
/// name always has.
fn made_up_mac(name: &str) -> MacAddr {
    // FNV-1a: any spread will do.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let [a, b, c, d, e, _, _, _] = hash.to_le_bytes();
    MacAddr::new([0x02, a, b, c, d, e])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_macs_are_unicast_and_differ() {
        let (a, b) = (made_up_mac("vm-a"), made_up_mac("vm-b"));
        assert!(a.is_unicast() && b.is_unicast());
        assert_ne!(a, b);
        assert_eq!(a, made_up_mac("vm-a"));
    }
}
