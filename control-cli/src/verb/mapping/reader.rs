//! A mapping file, cut into transactions by a thread of its own: the next is
//! ready while those before are on their way.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::thread;

use control_api::v1;
use tokio::sync::mpsc;

use super::format::Parser;
use crate::failure::Failure;

/// Where lines come from.
pub(super) struct Source {
    /// As the user named it.
    pub(super) name: String,
    /// Its size, where it is known.
    pub(super) bytes: Option<u64>,
    reader: Box<dyn Read + Send>,
}

impl Source {
    /// A file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self {
                name: "<stdin>".to_owned(),
                bytes: None,
                reader: Box::new(io::stdin()),
            });
        }
        let name = path.display().to_string();
        let unreadable = |error| Failure::File(format!("cannot read {name}: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if about.is_dir() {
            return Err(Failure::File(format!("{name} is a directory; name a file")));
        }
        let bytes = about.is_file().then_some(about.len());
        Ok(Self {
            bytes,
            reader: Box::new(file),
            name,
        })
    }
}

/// The changes of one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<v1::MappingChange>,
    /// The file's lines that they stand on.
    pub(super) lines: Lines,
    /// Where in the file they end.
    pub(super) end_bytes: u64,
}

/// On which lines the changes of a batch stand: where they follow each other
/// without a gap, only the first of them is noted.
#[derive(Debug, Default)]
pub(super) struct Lines {
    runs: Vec<(usize, u64)>,
    last: u64,
}

impl Lines {
    fn push(&mut self, change: usize, line: u64) {
        if change == 0 || line != self.last + 1 {
            self.runs.push((change, line));
        }
        self.last = line;
    }

    /// The line of a change.
    pub(super) fn of(&self, change: usize) -> u64 {
        let after = self.runs.partition_point(|(first, _)| *first <= change);
        let (first, line) = after.checked_sub(1).map_or((0, 1), |run| self.runs[run]);
        line + (change - first) as u64
    }

    /// The line of the last.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}

/// Begins to read: batches of so many changes, in the order of the file. An
/// error is the last thing that comes, and the batch it is in does not.
pub(super) fn batches(source: Source, size: usize) -> mpsc::Receiver<Result<Batch, Failure>> {
    let (ready, batches) = mpsc::channel(READ_AHEAD);
    thread::spawn(move || {
        let mut reader = Reader::new(source, size);
        loop {
            let next = reader.batch();
            let end = !matches!(next, Ok(Some(_)));
            // Nobody takes it: there is nothing to read for.
            let taken = next
                .transpose()
                .is_none_or(|next| ready.blocking_send(next).is_ok());
            if end || !taken {
                break;
            }
        }
    });
    batches
}

/// Batches that wait for their turn.
const READ_AHEAD: usize = 4;

struct Reader {
    name: String,
    reader: BufReader<Box<dyn Read + Send>>,
    parser: Parser,
    size: usize,
    text: Vec<u8>,
    line: u64,
    bytes: u64,
}

impl Reader {
    fn new(source: Source, size: usize) -> Self {
        Self {
            name: source.name,
            reader: BufReader::with_capacity(BUFFER_BYTES, source.reader),
            parser: Parser::default(),
            size,
            text: Vec::new(),
            line: 0,
            bytes: 0,
        }
    }

    fn batch(&mut self) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch {
            changes: Vec::with_capacity(self.size),
            ..Batch::default()
        };
        while batch.changes.len() < self.size && self.next_line()? {
            let change = self.parser.line(&self.text);
            let change = change.map_err(|error| self.fault(&error.to_string()))?;
            if let Some(change) = change {
                batch.lines.push(batch.changes.len(), self.line);
                batch.changes.push(change);
            }
        }
        batch.end_bytes = self.bytes;
        Ok((!batch.changes.is_empty()).then_some(batch))
    }

    /// Reads a line into `text`; `false` at the end.
    fn next_line(&mut self) -> Result<bool, Failure> {
        self.text.clear();
        self.line += 1;
        let mut limited = (&mut self.reader).take(LONGEST_LINE + 1);
        let read = limited.read_until(b'\n', &mut self.text);
        let read = read.map_err(|error| self.fault(&format!("cannot read on: {error}")))?;
        self.bytes += read as u64;
        if read as u64 > LONGEST_LINE {
            return Err(self.fault("the line is far too long; is this a mapping file?"));
        }
        Ok(read > 0)
    }

    fn fault(&self, words: &str) -> Failure {
        Failure::File(format!("{}:{}: {words}", self.name, self.line))
    }
}

const BUFFER_BYTES: usize = 1 << 18;
/// In bytes; sensible lines have a tenth of it.
const LONGEST_LINE: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source {
            name: "m.txt".to_owned(),
            bytes: None,
            reader: Box::new(io::Cursor::new(text.to_owned().into_bytes())),
        }
    }

    fn read(text: &str, size: usize) -> (Vec<Batch>, Option<String>) {
        let mut batches = batches(source(text), size);
        let (mut all, mut error) = (Vec::new(), None);
        while let Some(next) = batches.blocking_recv() {
            match next {
                Ok(batch) => all.push(batch),
                Err(failure) => error = Some(failure.to_string()),
            }
        }
        (all, error)
    }

    fn removals(count: u32) -> String {
        let line = |n| format!("remove 1 10.0.{}.{}\n", n / 256, n % 256);
        (0..count).map(line).collect()
    }

    #[test]
    fn a_file_of_any_length_comes_in_order_and_whole() {
        for (lines, size) in [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 7)] {
            let text = removals(lines);
            let (batches, error) = read(&text, size);
            assert_eq!(error, None);
            let addresses = batches.iter().flat_map(|b| &b.changes).map(|c| c.address);
            assert!(addresses.eq((0..lines).map(|n| 0x0a00_0000 + n)));
            assert!(batches.iter().all(|b| b.changes.len() <= size));
            if let Some(last) = batches.last() {
                assert_eq!(last.end_bytes, text.len() as u64);
            }
        }
    }

    #[test]
    fn every_change_knows_its_line() {
        let text = "# head\nremove 1 10.0.0.1\nremove 1 10.0.0.2\n\n\nremove 1 10.0.0.3";
        let (batches, _) = read(text, 8);
        let lines: Vec<u64> = (0..3).map(|change| batches[0].lines.of(change)).collect();
        assert_eq!(lines, [2, 3, 6]);
        assert_eq!(batches[0].lines.last(), 6);
        let (batches, _) = read(text, 1);
        let lines: Vec<u64> = batches.iter().map(|batch| batch.lines.of(0)).collect();
        assert_eq!(lines, [2, 3, 6]);
    }

    #[test]
    fn nothing_of_a_faulty_batch_comes() {
        let (batches, error) = read(&(removals(5) + "nonsense\n" + &removals(9)), 4);
        assert_eq!(batches.len(), 1);
        let error = error.unwrap();
        assert!(error.starts_with("m.txt:6: \"nonsense\""), "{error}");
    }

    #[test]
    fn a_line_without_an_end_is_noticed() {
        let (batches, error) = read(&"x".repeat(1 << 20), 4);
        assert!(batches.is_empty());
        assert!(error.unwrap().contains("far too long"));
    }

    /// How fast lines are read. Run it by name, with --release:
    /// `cargo test --release -p control-cli lines_per_second -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn lines_per_second() {
        use std::fmt::Write as _;
        use std::io::Write as _;
        let mut text = String::new();
        for n in 0..2_000_000_u32 {
            let (segment, host) = (0xa000 + n / 60_000, n % 5000);
            let _ = writeln!(
                text,
                "{segment:#08x} 10.{}.{}.{} fd00:0:0:{host:x}::/64 02:00:{:02x}:{:02x}:{:02x}:01",
                n >> 16 & 255,
                n >> 8 & 255,
                n & 255,
                n >> 16 & 255,
                n >> 8 & 255,
                n & 255,
            );
        }
        let begin = std::time::Instant::now();
        let (batches, error) = read(&text, 4096);
        let seconds = begin.elapsed().as_secs_f64();
        assert_eq!(error, None);
        let lines: usize = batches.iter().map(|batch| batch.changes.len()).sum();
        let rate = lines as f64 / seconds / 1e6;
        let mut out = io::stderr().lock();
        let _ = writeln!(out, "{lines} lines in {seconds:.3} s: {rate:.2} M lines/s");
    }
}
