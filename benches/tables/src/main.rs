//! Prints the tables side by side: see the crate's documentation.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "printing is what it is for"
)]

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tables_bench::measure::{self, Asked, Disturbed, Figure};
use tables_bench::subject::brown::Brown;
use tables_bench::subject::ours::Ours;
use tables_bench::subject::{Concurrent, Subject};

const HELP: &str = "\
usage: tables-bench [--json] [SIZE...]

Prints ns per look-up and per change, memory and time to load, of our mapping
table, hashbrown and (with --features dpdk) DPDK's rte_hash, for tables of so
many entries: 1000, 100000, 1000000 and 10000000 unless sizes are given. Figures
are medians of five, interleaved; the least and the most follow in brackets.";

const SIZES: [u32; 4] = [1000, 100_000, 1_000_000, 10_000_000];
/// Odd, so that there is a median.
const ROUNDS: u32 = 5;
const BURSTS: u32 = 60_000;
const TRANSACTIONS: u32 = 4000;

/// One subject at one size.
struct Column {
    name: &'static str,
    hit: Figure,
    miss: Figure,
    update: Figure,
    load: Duration,
    own_bytes: Option<usize>,
    resident: usize,
    beside_writer: Option<Disturbed>,
}

fn main() -> ExitCode {
    let (json, sizes) = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match measure::in_its_own_session() {
        Ok(None) => {}
        Ok(Some(status)) => return ExitCode::from(u8::from(!status.success())),
        Err(error) => {
            eprintln!("tables-bench: cannot start itself anew: {error}");
            return ExitCode::FAILURE;
        }
    }
    let mut machine = Machine::start(&sizes);
    let mut results = Vec::new();
    for size in sizes {
        let columns = machine.compare(size);
        if json {
            results.push(as_json(size, &columns));
        } else {
            print(size, &columns);
        }
    }
    if json {
        println!("{:#}", Value::Array(results));
    }
    ExitCode::SUCCESS
}

fn arguments() -> Result<(bool, Vec<u32>), String> {
    let (mut json, mut sizes) = (false, Vec::new());
    for argument in std::env::args().skip(1) {
        match (argument.as_str(), argument.parse()) {
            ("--json", _) => json = true,
            (_, Ok(size)) if size > 0 => sizes.push(size),
            _ => return Err(HELP.to_owned()),
        }
    }
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    Ok((json, sizes))
}

/// What subjects need of the machine.
struct Machine {
    #[cfg(feature = "dpdk")]
    eal: Option<dpdk_bindings::Eal>,
}

impl Machine {
    #[cfg(feature = "dpdk")]
    fn start(sizes: &[u32]) -> Self {
        // 64 bytes an entry, in powers of two, one table after the other.
        let largest = sizes.iter().max().copied().unwrap_or(0);
        let mib = 256 + (largest >> 20) * 256;
        let config = dpdk_bindings::EalConfig::ordinary(mib);
        let eal = dpdk_bindings::Eal::start(&config);
        let eal = eal.inspect_err(|error| eprintln!("without rte_hash: {error}"));
        Self { eal: eal.ok() }
    }

    #[cfg(not(feature = "dpdk"))]
    fn start(_: &[u32]) -> Self {
        Self {}
    }

    /// All subjects at one size, measured in turns.
    fn compare(&mut self, size: u32) -> Vec<Column> {
        let mut ours = Measured::new(|| Ours::new(size), size);
        let mut brown = Measured::new(|| Brown::new(size), size);
        #[cfg(feature = "dpdk")]
        let mut rte = self.eal.as_ref().and_then(|eal| {
            use tables_bench::subject::rte::Rte;
            match Rte::new(eal, size) {
                Ok(rte) => Some(Measured::new(|| rte, size)),
                Err(error) => {
                    eprintln!("without rte_hash at {size}: {error}");
                    None
                }
            }
        });
        for round in 1..=ROUNDS {
            ours.measure(round);
            brown.measure(round);
            #[cfg(feature = "dpdk")]
            if let Some(rte) = &mut rte {
                rte.measure(round);
            }
        }
        let mut columns = Vec::new();
        let beside = Some(ours.disturb());
        columns.extend(ours.into_column(beside));
        columns.extend(brown.into_column(None));
        #[cfg(feature = "dpdk")]
        if let Some(mut rte) = rte {
            let beside = Some(rte.disturb());
            columns.extend(rte.into_column(beside));
        }
        columns
    }
}

/// A subject and what has been measured of it.
struct Measured<S> {
    subject: S,
    size: u32,
    load: Duration,
    resident: usize,
    hits: Vec<f64>,
    misses: Vec<f64>,
    updates: Vec<f64>,
}

impl<S: Subject> Measured<S> {
    fn new(make: impl FnOnce() -> S, size: u32) -> Self {
        let before = measure::resident();
        let mut subject = make();
        let load = measure::load(&mut subject, size);
        Self {
            subject,
            size,
            load,
            resident: measure::resident().saturating_sub(before),
            hits: Vec::new(),
            misses: Vec::new(),
            updates: Vec::new(),
        }
    }

    fn measure(&mut self, round: u32) {
        let Self { subject, size, .. } = self;
        self.hits
            .push(measure::look_up(subject, *size, Asked::Hits, BURSTS));
        self.misses
            .push(measure::look_up(subject, *size, Asked::Misses, BURSTS));
        self.updates
            .push(measure::update(subject, *size, TRANSACTIONS, round));
    }

    fn disturb(&mut self) -> Disturbed
    where
        S: Concurrent + Send,
    {
        measure::disturb(&mut self.subject, self.size, Duration::from_millis(500))
    }

    fn into_column(self, beside_writer: Option<Disturbed>) -> Option<Column> {
        Some(Column {
            name: S::NAME,
            hit: Figure::of(self.hits)?,
            miss: Figure::of(self.misses)?,
            update: Figure::of(self.updates)?,
            load: self.load,
            own_bytes: self.subject.bytes(),
            resident: self.resident,
            beside_writer,
        })
    }
}

fn print(size: u32, columns: &[Column]) {
    println!("\n{size} entries");
    let row = |what: &str, cell: &dyn Fn(&Column) -> String| {
        print!("  {what:<28}");
        for column in columns {
            print!("{:>26}", cell(column));
        }
        println!();
    };
    let figure = |f: Figure| format!("{:.1} ({:.1}-{:.1})", f.median, f.least, f.most);
    let per_entry = |bytes: usize| format!("{:.1}", bytes as f64 / f64::from(size));
    let none = || "-".to_owned();
    row("", &|column| column.name.to_owned());
    row("ns/look-up, hits", &|column| figure(column.hit));
    row("ns/look-up, misses", &|column| figure(column.miss));
    row("ns/change", &|column| figure(column.update));
    row("load, s", &|c| format!("{:.3}", c.load.as_secs_f64()));
    row("bytes/entry, by itself", &|column| {
        column.own_bytes.map_or_else(none, per_entry)
    });
    row("bytes/entry, resident", &|c| per_entry(c.resident));
    row("reader alone, ns", &|column| {
        let beside = column.beside_writer;
        beside.map_or_else(none, |it| format!("{:.1}", it.alone))
    });
    row("reader beside writer, ns", &|column| {
        let beside = column.beside_writer;
        beside.map_or_else(none, |it| {
            format!("{:.1} (x {:.2})", it.disturbed, it.disturbed / it.alone)
        })
    });
    row("changes/s meanwhile", &|column| {
        let beside = column.beside_writer;
        beside.map_or_else(none, |it| format!("{:.0}", it.changes_per_second))
    });
    if let [ours, others @ ..] = columns {
        for other in others {
            let ratio = ours.hit.median / other.hit.median;
            println!(
                "  ours / {}: {ratio:.2} of its time per look-up",
                other.name
            );
        }
    }
}

fn as_json(size: u32, columns: &[Column]) -> Value {
    let figure = |f: Figure| json!({"median": f.median, "least": f.least, "most": f.most});
    let of = |column: &Column| {
        json!({
            "name": column.name,
            "look_up_ns": figure(column.hit),
            "miss_ns": figure(column.miss),
            "change_ns": figure(column.update),
            "load_seconds": column.load.as_secs_f64(),
            "own_bytes": column.own_bytes,
            "resident_bytes": column.resident,
            "reader_alone_ns": column.beside_writer.map(|it| it.alone),
            "reader_beside_writer_ns": column.beside_writer.map(|it| it.disturbed),
            "changes_per_second": column.beside_writer.map(|it| it.changes_per_second),
        })
    };
    let columns: Vec<Value> = columns.iter().map(of).collect();
    json!({"entries": size, "tables": columns})
}
