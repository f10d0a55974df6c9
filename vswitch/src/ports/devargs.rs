//! A configured port in DPDK's words.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sizing::PortSize;
use crate::config::{MemifRole, PortSource};

/// The devargs of a port, with a device name that no other port of this process
/// has; `None` for a port that none of DPDK's
/// drivers is behind.
pub fn devargs(source: &PortSource, size: &PortSize) -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let queues = size.rx_queues.max(size.tx_queues);
    Some(match source {
        PortSource::Pci { address } => address.clone(),
        PortSource::Devargs { devargs } => devargs.clone(),
        PortSource::Tap { interface, mac } => {
            let mac = mac.map_or_else(String::new, |mac| format!(",mac={mac}"));
            format!("net_tap_vs{number},iface={interface}{mac}")
        }
        PortSource::AfXdp { interface } => {
            let count = if queues > 1 {
                format!(",queue_count={queues}")
            } else {
                String::new()
            };
            format!("net_af_xdp_vs{number},iface={interface}{count}")
        }
        PortSource::Memif { socket, role, id } => {
            let role = match role {
                MemifRole::Server => "server",
                MemifRole::Client => "client",
            };
            let socket = shown(socket);
            let rsize = size.rx_descriptors.max(2).ilog2();
            format!(
                "net_memif_vs{number},role={role},id={id},socket={socket},socket-abstract=no,\
                 rsize={rsize}"
            )
        }
        PortSource::Vhost { path, client } => {
            let path = shown(path);
            let client = u8::from(*client);
            format!("net_vhost_vs{number},iface={path},queues={queues},client={client},tso=1")
        }
        PortSource::AfPacket { .. } | PortSource::Pcap { .. } | PortSource::Memory => return None,
    })
}

/// The socket file that the port makes, if any.
pub fn own_socket(source: &PortSource) -> Option<&Path> {
    match source {
        PortSource::Memif {
            socket,
            role: MemifRole::Server,
            ..
        } => Some(socket),
        PortSource::Vhost {
            path,
            client: false,
        } => Some(path),
        _ => None,
    }
}

/// The PCI device that DPDK must be allowed to use, in devargs, if any.
pub fn pci(source: &PortSource) -> Option<&str> {
    match source {
        PortSource::Pci { address } => Some(address),
        PortSource::Devargs { devargs } => {
            let name = devargs.split(',').next().unwrap_or_default();
            name.contains(':').then_some(devargs)
        }
        _ => None,
    }
}

/// Devargs are text; a path that is none cannot be said in them, and is then
/// not found.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> PortSize {
        PortSize {
            mtu: 9000,
            rx_queues: 2,
            tx_queues: 1,
            rx_descriptors: 512,
            tx_descriptors: 512,
        }
    }

    fn words(source: PortSource) -> (String, String) {
        let text = devargs(&source, &size()).unwrap();
        let (name, arguments) = text.split_once(',').unwrap();
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem.to_owned(), arguments.to_owned())
    }

    #[test]
    fn each_kind_is_said_in_its_drivers_words() {
        let said = |source, stem: &str, arguments: &str| {
            assert_eq!(words(source), (stem.to_owned(), arguments.to_owned()));
        };
        let interface = || "eth1".to_owned();
        said(
            PortSource::AfXdp {
                interface: interface(),
            },
            "net_af_xdp_vs",
            "iface=eth1,queue_count=2",
        );
        said(
            PortSource::Tap {
                interface: interface(),
                mac: None,
            },
            "net_tap_vs",
            "iface=eth1",
        );
        said(
            PortSource::Tap {
                interface: interface(),
                mac: Some(packet::MacAddr::new([2, 0, 0, 0, 0, 0xa])),
            },
            "net_tap_vs",
            "iface=eth1,mac=02:00:00:00:00:0a",
        );
        said(
            PortSource::Vhost {
                path: "/p/a".into(),
                client: true,
            },
            "net_vhost_vs",
            "iface=/p/a,queues=2,client=1,tso=1",
        );
        said(
            PortSource::Memif {
                socket: "/p/m".into(),
                role: MemifRole::Client,
                id: 3,
            },
            "net_memif_vs",
            "role=client,id=3,socket=/p/m,socket-abstract=no,rsize=9",
        );
    }

    #[test]
    fn names_never_repeat() {
        let source = PortSource::Tap {
            interface: "t".to_owned(),
            mac: None,
        };
        assert_ne!(devargs(&source, &size()), devargs(&source, &size()));
        assert_eq!(devargs(&PortSource::Memory, &size()), None);
    }

    #[test]
    fn raw_words_pass_unchanged_and_pci_ones_are_allowed() {
        let raw = |devargs: &str| PortSource::Devargs {
            devargs: devargs.to_owned(),
        };
        let virtual_port = raw("net_ring0");
        assert_eq!(devargs(&virtual_port, &size()).unwrap(), "net_ring0");
        assert_eq!(pci(&virtual_port), None);
        let port = raw("0000:3b:00.0,representor=1");
        assert_eq!(pci(&port), Some("0000:3b:00.0,representor=1"));
    }

    #[test]
    fn only_servers_make_sockets() {
        let vhost = |client| PortSource::Vhost {
            path: "/p".into(),
            client,
        };
        assert_eq!(own_socket(&vhost(false)), Some(Path::new("/p")));
        assert_eq!(own_socket(&vhost(true)), None);
    }
}
