//! docs/vswitchctl.md shows what the program prints, exactly.

use std::fs;

use crate::fake::Fake;
use crate::lab::Lab;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vswitchctl.md");

/// Every block that begins with `$ vswitchctl …` is followed by that
/// command's answer. With REGENERATE_DOCS=1 in the environment the answers
/// are written instead of compared.
#[test]
fn every_example_of_the_reference_is_real() {
    let lab = Lab::start(Fake::default());
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let mut real = String::new();
    let mut examples = 0;
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        real.push_str(line);
        real.push('\n');
        if let Some(arguments) = line.strip_prefix("$ vswitchctl ") {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let outcome = lab.ctl(&arguments);
            assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{line}");
            real.push_str(&outcome.stdout);
            while lines.next_if(|l| !l.starts_with("```")).is_some() {}
            examples += 1;
        }
    }
    if std::env::var_os("REGENERATE_DOCS").is_some() {
        fs::write(DOCUMENT, real).unwrap();
    } else {
        assert!(examples >= 10, "only {examples} examples found");
        let differs = document.lines().zip(real.lines()).find(|(a, b)| a != b);
        assert!(
            document == real,
            "docs/vswitchctl.md differs from the program, first in {differs:?}; \
             REGENERATE_DOCS=1 cargo test -p control-cli writes it anew"
        );
    }
}
