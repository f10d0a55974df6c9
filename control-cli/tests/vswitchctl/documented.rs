//! docs/vswitchctl.md shows what the program prints, exactly.

use std::fs;

use crate::fake::Fake;
use crate::lab::{Lab, Outcome};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vswitchctl.md");

/// The files that the examples name.
const FILES: [(&str, &str); 3] = [
    ("z.yaml", "network: z\n"),
    ("same.yaml", "unchanged\n"),
    (
        "mappings.txt",
        "# SEGMENT ADDRESS LOCATOR MAC [SLOT]\n\
         0x00a001 10.0.0.8 fd00:0:0:b::/64 02:00:00:00:00:08\n\
         0x00a001 10.0.0.9 fd00:0:0:b::/64 02:00:00:00:00:09 5\n\
         remove 0x00a001 10.0.0.7\n",
    ),
];

/// A daemon for the examples of one section.
fn lab() -> Lab {
    let lab = Lab::start(Fake {
        more_mappings: 2,
        ..Fake::default()
    });
    for (name, text) in FILES {
        fs::write(lab.directory.path().join(name), text).unwrap();
    }
    lab
}

/// Every block that begins with `$ vswitchctl …` is followed by that
/// command's answer. Each section (`##`) has a daemon of its own. With
/// REGENERATE_DOCS=1 in the environment the answers are written instead of
/// compared.
#[test]
fn every_example_of_the_reference_is_real() {
    let mut section = lab();
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let mut real = String::new();
    let mut examples = 0;
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        real.push_str(line);
        real.push('\n');
        if line.starts_with("## ") {
            section = lab();
        }
        if let Some(typed) = line.strip_prefix("$ vswitchctl ") {
            let answer = answer(&section, typed);
            let mut shown = String::new();
            while let Some(line) = lines.next_if(|l| !l.starts_with("```") && !l.starts_with("$ "))
            {
                shown.push_str(line);
                shown.push('\n');
            }
            // How long something took is another number every time.
            let same = without_times(&shown) == without_times(&answer);
            real.push_str(if same { &shown } else { &answer });
            examples += 1;
        }
    }
    if std::env::var_os("REGENERATE_DOCS").is_some() {
        fs::write(DOCUMENT, real).unwrap();
    } else {
        assert!(examples >= 30, "only {examples} examples found");
        let differs = document.lines().zip(real.lines()).find(|(a, b)| a != b);
        assert!(
            document == real,
            "docs/vswitchctl.md differs from the program, first in {differs:?}; \
             REGENERATE_DOCS=1 cargo test -p control-cli writes it anew"
        );
    }
}

fn answer(lab: &Lab, typed: &str) -> String {
    let mut command = lab.command(&typed.split(' ').collect::<Vec<_>>());
    command.current_dir(lab.directory.path());
    let outcome = Outcome::of(command);
    // A difference is what the example of diff is to show.
    let expected = i32::from(typed.starts_with("diff ") && !outcome.stdout.contains("nothing"));
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (expected, ""),
        "{typed}"
    );
    outcome.stdout
}

/// The text without the numbers of lines that say how fast something was.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.contains("/s): ") || line.contains("second") {
        true => line
            .chars()
            .filter(|c| !c.is_ascii_digit() && *c != ',')
            .collect(),
        false => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
