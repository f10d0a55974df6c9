//! Why a packet socket cannot be had, and what to do about it.

use std::io;

/// Why there is no port on an interface.
#[derive(Debug, thiserror::Error)]
pub enum PacketSocketError {
    /// The system does not let this process have one.
    #[error(
        "packet sockets need the capability CAP_NET_RAW ({source}); run as root, or give it to \
         the program: setcap cap_net_raw,cap_net_admin+ep PROGRAM"
    )]
    NotPermitted {
        /// The system's reason.
        source: io::Error,
    },
    /// The network interface does not exist.
    #[error(
        "there is no network interface \"{interface}\" in this network namespace; make it first, \
         or correct the name (see: ip link)"
    )]
    NoInterface {
        /// The interface.
        interface: String,
    },
    /// Its frames are not Ethernet's.
    #[error(
        "network interface \"{interface}\" is not Ethernet (hardware type {kind}); use one that is"
    )]
    NotEthernet {
        /// The interface.
        interface: String,
        /// What it is (`ARPHRD_*`).
        kind: u16,
    },
    /// The network interface carries less than the port must.
    #[error(
        "network interface \"{interface}\" has mtu {has}, less than the {mtu} bytes the port is to \
         carry, and it cannot be raised ({source}); ip link set {interface} mtu {mtu}"
    )]
    Mtu {
        /// The interface.
        interface: String,
        /// What it has, in bytes.
        has: u32,
        /// What is asked for, in bytes.
        mtu: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// More queues than can share an interface.
    #[error("network interface \"{interface}\": {queues} queues are impossible: use 1 to 256")]
    Queues {
        /// The interface.
        interface: String,
        /// How many were asked for.
        queues: u16,
    },
    /// Anything else.
    #[error("network interface \"{interface}\": cannot {step}: {source}")]
    Refused {
        /// The interface.
        interface: String,
        /// What was being done.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}
