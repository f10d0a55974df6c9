//! The addresses that the daemon has in use on the fabric, and the next hops
//! that it knows, kept where a daemon that starts a moment later finds them: it
//! goes on to use them, and packets need not wait until they are proved anew.
//!
//! The file lies beside the control socket, in `/run` as a rule, so that it
//! does not outlive the machine's run. It counts only while it is fresh: who
//! was away for longer may have been replaced.

use core::fmt::Write as _;
use core::time::Duration;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use datapath::substrate::{
    AddressInfo, AddressState, Held, HeldAddress, HeldNeighbor, UplinkTable,
};
use nix::unistd::Uid;

/// A file that nobody has touched for longer says nothing.
const FRESH: Duration = Duration::from_secs(60);

/// Where the kernel names its own run: another one after every boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The file of the addresses in use.
#[derive(Debug)]
pub struct Residence {
    path: PathBuf,
    written: Option<String>,
    warned: bool,
}

impl Residence {
    /// That of the daemon with this control socket.
    pub fn beside(socket: &Path) -> Self {
        let mut name = socket.file_name().unwrap_or_default().to_owned();
        name.push(".addresses");
        Self {
            path: socket.with_file_name(name),
            written: None,
            warned: false,
        }
    }

    /// What a daemon that ran here until a moment ago had in use; nothing if
    /// there was none, or if the file makes no sense or is somebody else's.
    pub fn held(&self) -> Held {
        let fresh = fs::symlink_metadata(&self.path)
            .ok()
            .filter(|about| about.is_file() && about.uid() == Uid::effective().as_raw())
            .and_then(|about| about.modified().ok())
            .and_then(|touched| SystemTime::now().duration_since(touched).ok())
            .is_some_and(|age| age < FRESH);
        let text = fresh.then(|| fs::read_to_string(&self.path).ok()).flatten();
        text.and_then(|text| parse(&text, &boot()?))
            .unwrap_or_default()
    }

    /// Notes what is in use now; to be called every second. As long as nothing
    /// is, what an earlier daemon had stays noted.
    pub fn note(&mut self, addresses: &[AddressInfo], uplinks: &UplinkTable) {
        let Some(text) = boot().and_then(|boot| emit(addresses, uplinks, &boot)) else {
            return;
        };
        match self.keep(text) {
            Ok(()) => self.warned = false,
            Err(error) => {
                if !self.warned {
                    tracing::warn!(
                        file = %self.path.display(), %error,
                        "the addresses in use cannot be noted: the next start takes two seconds \
                         longer; make the folder of control.socket writable"
                    );
                }
                self.warned = true;
            }
        }
    }

    fn keep(&mut self, text: String) -> io::Result<()> {
        if self.written.as_deref() == Some(&text) {
            return File::options()
                .write(true)
                .open(&self.path)?
                .set_modified(SystemTime::now());
        }
        self.written = None;
        let unnamed = self
            .path
            .with_extension(format!("addresses.{}.new", std::process::id()));
        // Made anew, so that a link which lies there leads nowhere.
        let _ = fs::remove_file(&unnamed);
        let mut file = File::create_new(&unnamed)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        fs::rename(&unnamed, &self.path)?;
        self.written = Some(text);
        Ok(())
    }
}

fn boot() -> Option<String> {
    let boot = fs::read_to_string(BOOT_ID).ok()?;
    Some(boot.trim_end().to_owned())
}

/// A line that names the boot; then one for each address, and one for each next
/// hop: the uplink's MAC, the address, and the next hop's MAC.
fn emit(addresses: &[AddressInfo], uplinks: &UplinkTable, boot: &str) -> Option<String> {
    let mut text = format!("{boot}\n");
    let mut any = false;
    for own in addresses {
        let mut uplinks = uplinks.uplinks.iter();
        let uplink = uplinks.find(|uplink| uplink.port == own.port);
        let in_use = own.state == AddressState::Preferred;
        if let Some(uplink) = uplink.filter(|_| in_use) {
            any = true;
            writeln!(text, "{} {}", uplink.mac, own.address).ok()?;
        }
    }
    for hop in &uplinks.next_hops {
        if let Some(mac) = hop.destination_mac {
            writeln!(text, "{} {} {mac}", hop.source_mac, hop.address).ok()?;
        }
    }
    any.then_some(text)
}

fn parse(text: &str, boot: &str) -> Option<Held> {
    let mut lines = text.lines();
    if lines.next()? != boot {
        return None;
    }
    let mut held = Held::default();
    for line in lines {
        let mut fields = line.split(' ');
        let uplink = fields.next()?.parse().ok()?;
        let address = fields.next()?.parse().ok()?;
        match fields.next() {
            None => held.addresses.push(HeldAddress {
                mac: uplink,
                address,
            }),
            Some(mac) => held.neighbors.push(HeldNeighbor {
                uplink,
                address,
                mac: mac.parse().ok()?,
            }),
        }
    }
    Some(held)
}

#[cfg(test)]
mod tests {
    use datapath::substrate::{AddressKind, NeighborState, NextHopEntry, NextHopId, UplinkFacts};
    use packet::MacAddr;
    use vnet::compiled::PortId;

    use super::*;

    const MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 9]);

    const HOP: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 10]);

    fn hop(id: u16, mac: Option<MacAddr>) -> NextHopEntry {
        NextHopEntry {
            id: NextHopId(id.into()),
            port: PortId(3),
            mtu: 1500,
            source_mac: MAC,
            destination_mac: mac,
            state: NeighborState::Stale,
            address: core::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, id),
        }
    }

    fn note(residence: &mut Residence, states: &[(&str, AddressState)]) {
        let info = |(address, state): &(&str, AddressState)| AddressInfo {
            port: PortId(3),
            address: address.parse().unwrap(),
            kind: AddressKind::Configured,
            state: *state,
            since: Duration::ZERO,
        };
        let facts = UplinkFacts {
            port: PortId(3),
            mac: MAC,
            mtu: 1500,
            kernel: None,
            address: None,
            link_local: None,
            up: true,
        };
        let uplinks = UplinkTable {
            uplinks: vec![facts],
            next_hops: vec![hop(0, Some(HOP)), hop(1, None)],
            ..UplinkTable::default()
        };
        let addresses: Vec<_> = states.iter().map(info).collect();
        residence.note(&addresses, &uplinks);
    }

    fn residence() -> (tempfile::TempDir, Residence) {
        let folder = tempfile::tempdir().unwrap();
        let residence = Residence::beside(&folder.path().join("control.sock"));
        (folder, residence)
    }

    fn held(addresses: &[&str]) -> Held {
        let held = |address: &&str| HeldAddress {
            mac: MAC,
            address: address.parse().unwrap(),
        };
        let known = HeldNeighbor {
            uplink: MAC,
            address: hop(0, None).address,
            mac: HOP,
        };
        Held {
            addresses: addresses.iter().map(held).collect(),
            neighbors: vec![known],
        }
    }

    #[test]
    fn what_is_in_use_is_found_again_and_nothing_else() {
        let (_folder, mut residence) = residence();
        assert_eq!(residence.held(), Held::default());
        let all = [
            ("fd00::1", AddressState::Preferred),
            ("fd00::2", AddressState::Tentative),
            ("fd00::3", AddressState::Duplicate),
            ("fe80::1", AddressState::Preferred),
        ];
        note(&mut residence, &all);
        assert_eq!(residence.held(), held(&["fd00::1", "fe80::1"]));
        note(&mut residence, &[("fd00::1", AddressState::Preferred)]);
        assert_eq!(residence.held(), held(&["fd00::1"]));
        note(&mut residence, &[("fd00::1", AddressState::Tentative)]);
        assert_eq!(residence.held(), held(&["fd00::1"]), "of the one before");
    }

    #[test]
    fn what_nobody_has_touched_for_long_does_not_count() {
        let (_folder, mut residence) = residence();
        let used = [("fd00::1", AddressState::Preferred)];
        note(&mut residence, &used);
        let touched = |when| {
            let file = File::options().write(true).open(&residence.path).unwrap();
            file.set_modified(when).unwrap();
        };
        touched(SystemTime::now() - FRESH);
        assert_eq!(residence.held(), Held::default());
        touched(SystemTime::now() + FRESH);
        assert_eq!(
            residence.held(),
            Held::default(),
            "from a clock that was set back"
        );
        note(&mut residence, &used);
        assert_eq!(residence.held(), held(&["fd00::1"]));
    }

    #[test]
    fn a_file_that_makes_no_sense_says_nothing() {
        let (_folder, residence) = residence();
        let boot = boot().unwrap();
        for text in [
            String::new(),
            "another boot\n02:00:00:00:00:09 fd00::1\n".to_owned(),
            format!("{boot}\n02:00:00:00:00:09\n"),
            format!("{boot}\n02:00:00:00:00:09 fd00::1\nfd00::2"),
        ] {
            fs::write(&residence.path, &text).unwrap();
            assert_eq!(residence.held(), Held::default(), "{text:?}");
        }
        fs::write(&residence.path, [0xff; 100]).unwrap();
        assert_eq!(residence.held(), Held::default());
    }
}
