//! `man DIRECTORY`: the manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;

use crate::args::Cli;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to write vswitchctl.1, vswitchctl-apply.1 and so on; made if it
    /// is not there
    directory: PathBuf,
}

pub(super) fn write(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let directory = &options.directory;
    let pages = write_into(directory)?;
    let directory = directory.display();
    session.write(format!("{pages} manual pages written to {directory}\n").as_bytes())
}

/// Writes all pages; says how many.
pub(super) fn write_into(directory: &Path) -> Result<usize, Failure> {
    fs::create_dir_all(directory).map_err(|source| Failure::Write {
        path: directory.to_owned(),
        source,
    })?;
    // Built: every page has the options that all verbs take.
    let mut program = Cli::command();
    program.build();
    pages(&program, directory)
}

/// Writes the page of a command and those of its verbs; says how many.
fn pages(command: &Command, directory: &Path) -> Result<usize, Failure> {
    // `help` repeats what the others say.
    let verbs = command.get_subcommands();
    let verbs = verbs.filter(|verb| verb.get_name() != "help");
    let mut count = 1;
    for verb in verbs {
        count += pages(verb, directory)?;
    }
    let page = Man::new(command.clone().disable_help_subcommand(true))
        .source(concat!("vswitch ", env!("CARGO_PKG_VERSION")))
        .manual("vswitch");
    let path = directory.join(page.get_filename());
    let text = text(&page, command);
    text.and_then(|text| fs::write(&path, text))
        .map_err(|source| Failure::Write { path, source })?;
    Ok(count)
}

fn text(page: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(words) = command.get_after_help() {
        let heading = match command.get_name() {
            PROGRAM => "EXIT STATUS",
            _ => "EXAMPLES",
        };
        text.extend(verbatim(heading, &words.to_string()).bytes());
    }
    Ok(text)
}

/// A section whose lines stay as they are: not filled, and no commands.
fn verbatim(heading: &str, words: &str) -> String {
    let mut text = format!(".SH {heading}\n.nf\n");
    for line in words.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) {
            text.push_str("\\&");
        }
        text.push_str(&line);
        text.push('\n');
    }
    text + ".fi\n"
}

const PROGRAM: &str = "vswitchctl";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_roff() {
        assert_eq!(
            verbatim("X", ".so /etc/passwd\n'a\nb\\c -d"),
            ".SH X\n.nf\n\\&.so /etc/passwd\n\\&'a\nb\\ec \\-d\n.fi\n"
        );
    }
}
