//! `mapping save FILE`: mappings, as `load` reads them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use control_api::v1;
use packet::SegmentId;
use schemars::JsonSchema;
use serde::Serialize;

use super::format::{HEADING, write};
use crate::failure::Failure;
use crate::session::Session;
use crate::text::counted;
use crate::wire;

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl mapping save mappings.txt
  vswitchctl mapping save - --segment 0x00a001 | gzip > front.gz

Only what clients have loaded is written, unless --all is given: what the topology
draws is written by export.";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file; - for standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Only those of this segment, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
    /// Also those that the topology draws
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    if options.file.as_os_str() == "-" {
        let mut text = Vec::from(HEADING);
        let mut pages = Pages::ask(options, session).await?;
        loop {
            session.write(&text)?;
            text.clear();
            if pages.next(&mut text).await?.is_none() {
                return Ok(());
            }
        }
    }
    let unwritten = |source| Failure::Write {
        path: options.file.clone(),
        source,
    };
    let mut pages = Pages::ask(options, session).await?;
    let mut sink = Sink::create(&options.file).map_err(unwritten)?;
    let mut saved = Saved {
        file: options.file.display().to_string(),
        mappings: 0,
    };
    let mut text = Vec::from(HEADING);
    loop {
        sink.write(&text).map_err(unwritten)?;
        text.clear();
        match pages.next(&mut text).await? {
            Some(count) => saved.mappings += count,
            None => break,
        }
    }
    sink.finish().map_err(unwritten)?;
    session.show(&saved, |saved| {
        let count = counted(saved.mappings, "mapping", "mappings");
        format!("{count} written to {}\n", saved.file)
    })
}

/// Mappings that were saved.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Saved {
    /// The file.
    file: String,
    /// How many are in it.
    mappings: u64,
}

/// The daemon's list of mappings.
struct Pages {
    pages: tonic::Streaming<v1::ListMappingsReply>,
    all: bool,
}

impl Pages {
    async fn ask(options: &Options, session: &Session<'_>) -> Result<Self, Failure> {
        let mut client = session.connect().await?;
        let request = v1::ListMappingsRequest {
            segment: options.segment.map(SegmentId::get),
        };
        let pages = client.verbs().list_mappings(request).await?.into_inner();
        let all = options.all;
        Ok(Self { pages, all })
    }

    /// Adds the next page's lines to a text. How many; nothing at the end.
    async fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<u64>, Failure> {
        let Some(page) = self.pages.message().await? else {
            return Ok(None);
        };
        let mut count = 0;
        for mapping in &page.mappings {
            if self.all || mapping.origin() == v1::MappingOrigin::Loaded {
                line(text, mapping)?;
                count += 1;
            }
        }
        Ok(Some(count))
    }
}

fn line(text: &mut Vec<u8>, mapping: &v1::Mapping) -> Result<(), Failure> {
    let segment = mapping.segment.as_ref().map_or(0, |segment| segment.id);
    write(
        text,
        wire::segment_id(segment)?,
        wire::virtual_address(mapping.address).0,
        wire::locator(mapping.locator).0,
        wire::mac(&mapping.mac)?.0,
        mapping.slot,
    )
    .map_err(Failure::Output)
}

/// A file that appears whole or not at all.
struct Sink {
    out: BufWriter<File>,
    /// What it is written as, and what it becomes.
    names: Option<(PathBuf, PathBuf)>,
}

impl Sink {
    fn create(path: &Path) -> io::Result<Self> {
        // A pipe or a device is not replaced, but written to.
        if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            let out = BufWriter::new(File::options().write(true).open(path)?);
            return Ok(Self { out, names: None });
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.part", std::process::id()));
        let beside = PathBuf::from(beside);
        let out = BufWriter::new(File::create_new(&beside)?);
        let names = Some((beside, path.to_owned()));
        Ok(Self { out, names })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some((beside, path)) = &self.names {
            self.out.get_ref().sync_all()?;
            fs::rename(beside, path)?;
            self.names = None;
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some((beside, _)) = &self.names {
            // Half a list helps nobody; and whoever could not write it may not
            // be able to remove it either.
            let _ = fs::remove_file(beside);
        }
    }
}
