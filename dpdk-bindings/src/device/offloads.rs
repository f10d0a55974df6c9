//! What a port can do for packets, what it is asked to, and what it does.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::offload::{Taken, Trusted};
use crate::sys;

/// Work on packets that a device may take over.
///
/// In [`super::DeviceConfig`] it is what is wanted, in [`super::DeviceInfo`] what
/// there is, and [`super::Device::offloads`] says what it has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceOffloads {
    /// It checks IPv4 headers' checksums
    /// ([`HeaderChecksum`](packet::HeaderChecksum)).
    pub receive_header_checksum: bool,
    /// Frames come with partial checksums where their sender left them so, and
    /// super-frames come whole. Only vhost and virtio can: elsewhere a checksum
    /// is complete, and what a NIC says of it is another matter. A vhost port's
    /// `tso=1` makes guests send super-frames.
    pub receive_partial: bool,
    /// The other side of a virtio port may send super-frames. (Not what NICs
    /// call LRO: those merge packets that somebody sent.)
    pub receive_super_frames: bool,
    /// Partial checksums of TCP and UDP are completed, or passed on as such to
    /// a guest that knows them.
    pub transmit_checksum: bool,
    /// Super-frames, chains of segments among them, are cut into TCP segments,
    /// or passed on as such to a guest that knows them.
    pub transmit_segmentation: bool,
}

/// Drivers that mean a partial checksum by `RTE_MBUF_F_RX_L4_CKSUM_NONE`, because
/// their other side is a program. Of NICs some say it of UDP without a checksum.
const OTHER_SIDE_IS_A_PROGRAM: &[&str] = &["net_vhost", "net_virtio", "net_virtio_user"];

/// Drivers that offer to do in software, frame by frame, what the pipeline does
/// itself at less expense; and net_tap cannot cut IPv6.
const SOFTWARE: &[&str] = &["net_tap", "net_tun"];

impl DeviceOffloads {
    /// Nothing.
    pub const NONE: Self = Self {
        receive_header_checksum: false,
        receive_partial: false,
        receive_super_frames: false,
        transmit_checksum: false,
        transmit_segmentation: false,
    };

    /// Everything.
    pub const ALL: Self = Self {
        receive_header_checksum: true,
        receive_partial: true,
        receive_super_frames: true,
        transmit_checksum: true,
        transmit_segmentation: true,
    };

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::from_bits(self.bits() & other.bits())
    }

    /// What a driver can, by its name and its `RTE_ETH_*_OFFLOAD_*`.
    pub(super) fn of(driver: &str, rx: u64, tx: u64) -> Self {
        if SOFTWARE.contains(&driver) {
            return Self::NONE;
        }
        let all = |of: u64, wanted: u32| of & u64::from(wanted) == u64::from(wanted);
        let program = OTHER_SIDE_IS_A_PROGRAM.contains(&driver);
        let checksum = all(tx, sys::VS_TX_OFFLOAD_L4_CKSUM);
        // The guest decides, not the driver (`guest_takes`).
        let segmentation = driver == "net_vhost" || all(tx, sys::VS_TX_OFFLOAD_TSO);
        Self {
            receive_header_checksum: all(rx, sys::VS_RX_OFFLOAD_IPV4_CKSUM),
            receive_partial: program && all(rx, sys::VS_RX_OFFLOAD_L4_CKSUM),
            receive_super_frames: program && all(rx, sys::VS_RX_OFFLOAD_LRO),
            transmit_checksum: checksum,
            transmit_segmentation: checksum && segmentation && all(tx, sys::VS_TX_OFFLOAD_CHAINS),
        }
    }

    /// As the driver is asked for them: `RTE_ETH_RX_OFFLOAD_*`, then
    /// `RTE_ETH_TX_OFFLOAD_*`, of those that it has.
    pub(super) fn words(self, has_rx: u64, has_tx: u64) -> (u64, u64) {
        let word = |asked: bool, word: u32| if asked { u64::from(word) } else { 0 };
        let rx = word(self.receive_header_checksum, sys::VS_RX_OFFLOAD_IPV4_CKSUM)
            | word(self.receive_partial, sys::VS_RX_OFFLOAD_L4_CKSUM)
            | word(self.receive_super_frames, sys::VS_RX_OFFLOAD_LRO);
        let tx = word(self.transmit_checksum, sys::VS_TX_OFFLOAD_L4_CKSUM)
            | word(
                self.transmit_segmentation,
                sys::VS_TX_OFFLOAD_TSO | sys::VS_TX_OFFLOAD_CHAINS | sys::VS_TX_OFFLOAD_IPV4_CKSUM,
            );
        (rx & has_rx, tx & has_tx)
    }

    /// One bit each, for an atomic.
    pub(super) const fn bits(self) -> u8 {
        self.receive_header_checksum as u8
            | (self.receive_partial as u8) << 1
            | (self.receive_super_frames as u8) << 2
            | (self.transmit_checksum as u8) << 3
            | (self.transmit_segmentation as u8) << 4
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self {
            receive_header_checksum: bits & 1 != 0,
            receive_partial: bits & 1 << 1 != 0,
            receive_super_frames: bits & 1 << 2 != 0,
            transmit_checksum: bits & 1 << 3 != 0,
            transmit_segmentation: bits & 1 << 4 != 0,
        }
    }

    pub(super) fn trusted(self) -> Trusted {
        Trusted {
            header_checksum: self.receive_header_checksum,
            partial: self.receive_partial,
        }
    }

    /// `by_guest`: of a vhost port.
    pub(super) fn taken(self, by_guest: bool) -> Taken {
        Taken {
            checksum: self.transmit_checksum,
            segmentation: self.transmit_segmentation,
            by_guest,
        }
    }
}

/// What the guest of each vhost port has negotiated: `VIRTIO_NET_F_*`.
static GUESTS: [AtomicU64; sys::VS_MAX_PORTS as usize] =
    [const { AtomicU64::new(0) }; sys::VS_MAX_PORTS as usize];

/// Feature bits of a virtio network card (virtio 1.2 §5.1.3).
const GUEST_CSUM: u64 = 1 << 1;
const GUEST_TSO4: u64 = 1 << 7;
const GUEST_TSO6: u64 = 1 << 8;

/// Called by the vhost library's thread when a guest comes, goes, or negotiates
/// again: always before the guest's queues are in use.
extern "C" fn guest_changed(port: u16, features: u64) {
    if let Some(guest) = GUESTS.get(usize::from(port)) {
        guest.store(features, Ordering::Relaxed);
    }
}

/// Watches the guest of a vhost port. The caller holds the control lock.
pub(super) fn watch_guest(port: u16) {
    // SAFETY: a valid port; the function lives forever and never unwinds. That
    // memory is short fails no port: then the guest gets complete packets.
    unsafe { sys::vs_vhost_watch(port, Some(guest_changed)) };
}

/// Asks once: the guest may have come before the port was started.
pub(super) fn ask_guest(port: u16) {
    // SAFETY: a valid vhost port.
    guest_changed(port, unsafe { sys::vs_vhost_features(port) });
}

/// The end of [`watch_guest`].
pub(super) fn unwatch_guest(port: u16) {
    // SAFETY: a valid port.
    unsafe { sys::vs_vhost_unwatch(port) };
    guest_changed(port, 0);
}

/// What may be sent to a vhost port's guest: DPDK would send a super-frame to
/// any, and each wants to have said that it knows them. While there is none,
/// nothing.
pub(super) fn guest_takes(port: u16) -> DeviceOffloads {
    let features = GUESTS
        .get(usize::from(port))
        .map_or(0, |guest| guest.load(Ordering::Relaxed));
    let has = |wanted: u64| features & wanted == wanted;
    DeviceOffloads {
        transmit_checksum: has(GUEST_CSUM),
        transmit_segmentation: has(GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6),
        ..DeviceOffloads::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_keep_each_apart() {
        for bits in 0..1 << 5 {
            assert_eq!(DeviceOffloads::from_bits(bits).bits(), bits);
        }
        assert_eq!(DeviceOffloads::ALL.bits(), 31);
        assert_eq!(
            DeviceOffloads::ALL.and(DeviceOffloads::NONE),
            DeviceOffloads::NONE
        );
    }

    #[test]
    fn a_driver_is_believed_for_what_it_is() {
        let every = u64::MAX;
        assert_eq!(
            DeviceOffloads::of("net_virtio_user", every, every),
            DeviceOffloads::ALL
        );
        let nic = DeviceOffloads::of("net_ice", every, every);
        assert!(!nic.receive_partial && !nic.receive_super_frames);
        assert!(nic.receive_header_checksum && nic.transmit_segmentation);
        assert_eq!(
            DeviceOffloads::of("net_tap", every, every),
            DeviceOffloads::NONE
        );
        let without_tso = !u64::from(sys::VS_TX_OFFLOAD_TSO);
        let nic = DeviceOffloads::of("net_ice", 0, without_tso);
        assert!(nic.transmit_checksum && !nic.transmit_segmentation);
        assert!(DeviceOffloads::of("net_vhost", 0, without_tso).transmit_segmentation);
    }

    #[test]
    fn a_guest_gets_what_it_has_negotiated() {
        let port = u16::try_from(sys::VS_MAX_PORTS - 1).unwrap();
        let takes = |features| {
            guest_changed(port, features);
            let takes = guest_takes(port);
            (takes.transmit_checksum, takes.transmit_segmentation)
        };
        assert_eq!(takes(GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6), (true, true));
        assert_eq!(takes(GUEST_CSUM | GUEST_TSO4), (true, false));
        assert_eq!(takes(GUEST_TSO4 | GUEST_TSO6), (false, false));
        assert_eq!(takes(0), (false, false));
    }
}
