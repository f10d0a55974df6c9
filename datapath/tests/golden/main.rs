//! Golden cases: frames in, frames out and counters, byte for byte.
//!
//! A case is a folder beside this file:
//!
//! * `in.pcap`: what arrives at one port, in this order (`tcpdump -r`);
//! * `out-PORT.pcap`: what leaves by each port;
//! * `counters.txt`: its sentence, what to look at, the host and the port, and
//!   every count.
//!
//! `VSWITCH_BLESS=1 cargo test -p datapath --test golden` writes them anew
//! from `cases.rs` and its fellows; the difference is then for `git diff` and a reader.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is missing"
)]

#[path = "../bench/mod.rs"]
mod bench;

mod border;
mod case;
mod cases;
mod dhcp;
mod groups;
mod moves;
mod phantoms;
mod place;
mod rewrite;
mod routing;
mod rules;
mod sound;

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use case::Case;
use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};

fn all() -> Vec<Case> {
    [
        cases::all(),
        groups::all(),
        routing::all(),
        phantoms::all(),
        moves::all(),
        rules::all(),
        dhcp::all(),
        rewrite::all(),
        border::all(),
    ]
    .concat()
}

/// File name → content of everything that a case says.
type Files = BTreeMap<String, Vec<u8>>;

/// Runs frames through the case's place.
fn run(case: &Case, frames: &[Vec<u8>]) -> Files {
    let happened = case.place.run(case.name, frames);
    let mut text = format!("# {}\n", case.title);
    if let Some(look) = case.look {
        writeln!(text, "# look at: {look}").unwrap();
    }
    let place = case.place.describe();
    writeln!(text, "# {place}\nreceived {}", frames.len()).unwrap();
    for (what, count) in happened.counts {
        writeln!(text, "{what} {count}").unwrap();
    }
    let mut files = Files::from([("counters.txt".to_owned(), text.into_bytes())]);
    files.insert("in.pcap".to_owned(), pcap(frames));
    for (port, frames) in happened.out {
        files.insert(format!("out-{port}.pcap"), pcap(&frames));
    }
    files
}

/// A capture whose frames are a second apart.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let header = PcapHeader {
        // Not the machine's: the files are the same everywhere.
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (second, frame) in (0..).zip(frames) {
        let len = u32::try_from(frame.len()).unwrap();
        let packet = PcapPacket::new(Duration::from_secs(second), len, frame);
        writer.write_packet(&packet).unwrap();
    }
    writer.into_writer()
}

fn frames_of(pcap: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(pcap).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        frames.push(packet.unwrap().data.into_owned());
    }
    frames
}

fn folder(case: &Case) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(case.name)
}

fn kept(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        files.insert(name, fs::read(entry.path()).unwrap());
    }
    files
}

fn bless(folder: &Path, files: &Files) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
}

/// What differs, in words: whole files, or frames of them.
fn differences(case: &str, kept: &Files, now: &Files) -> Vec<String> {
    let names: BTreeSet<&String> = kept.keys().chain(now.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        match (kept.get(name), now.get(name)) {
            (Some(kept), Some(now)) if kept == now => {}
            (Some(_), None) => differences.push(format!("{case}/{name}: no longer made")),
            (None, _) => differences.push(format!("{case}/{name}: not kept")),
            (Some(kept), Some(now)) if name.ends_with(".pcap") => {
                let (kept, now) = (frames_of(kept), frames_of(now));
                let count = format!("{case}/{name}: {} frames, now {}", kept.len(), now.len());
                differences.push(count);
                for (at, (kept, now)) in kept.iter().zip(&now).enumerate() {
                    if kept != now {
                        let hex = |bytes: &[u8]| format!("{bytes:02x?}");
                        let (kept, now) = (hex(kept), hex(now));
                        differences.push(format!("  frame {at}\n  kept {kept}\n  now  {now}"));
                    }
                }
            }
            (Some(kept), Some(now)) => differences.push(format!(
                "{case}/{name}\n--- kept\n{}--- now\n{}",
                String::from_utf8_lossy(kept),
                String::from_utf8_lossy(now)
            )),
        }
    }
    differences
}

#[test]
fn every_case_is_as_it_was() {
    let cases = all();
    let mut all = Vec::new();
    for case in &cases {
        let folder = folder(case);
        if blessing() {
            bless(&folder, &run(case, &case.frames));
        }
        let kept = kept(&folder);
        let sent = kept
            .get("in.pcap")
            .map_or(Vec::new(), |pcap| frames_of(pcap));
        all.extend(differences(case.name, &kept, &run(case, &sent)));
    }
    assert!(
        all.is_empty(),
        "{}\nIf this is meant: VSWITCH_BLESS=1 cargo test -p datapath --test golden",
        all.join("\n")
    );
}

fn blessing() -> bool {
    std::env::var_os("VSWITCH_BLESS").is_some()
}

#[test]
fn every_folder_is_a_case_and_every_case_has_its_frames() {
    if blessing() {
        // The folders are being written.
        return;
    }
    let cases = all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "a name is used twice");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in fs::read_dir(here).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            assert!(names.contains(name.as_str()), "{name} is nobody's");
        }
    }
    for case in &cases {
        let kept = kept(&folder(case));
        let sent = frames_of(&kept["in.pcap"]);
        assert_eq!(
            sent, case.frames,
            "{}/in.pcap is not what its case says",
            case.name
        );
    }
}
