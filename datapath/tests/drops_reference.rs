//! docs/drops.md is the declaration of `DropReason`, for people. Rewrite it
//! with `REGENERATE_DOCS=1 cargo test -p datapath --test drops_reference`.
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fmt::Write as _;
use std::path::Path;

use datapath::pipeline::DropReason;

fn reference() -> String {
    let mut text = String::from(
        "# Every drop reason\n\n\
         In the order of a packet's walk. `vswitchctl counter list --drops` shows those that\n\
         have happened, per port and segment. This page is generated from their declaration,\n\
         `datapath/src/pipeline/verdict.rs`, and checked by a test.\n",
    );
    let mut stage = "";
    for reason in DropReason::ALL {
        if reason.stage() != stage {
            stage = reason.stage();
            write!(
                text,
                "\n## {stage}\n\n| reason | what it means | what to do |\n|---|---|---|\n"
            )
            .unwrap();
        }
        let (name, what, remedy) = (reason.name(), reason.description(), reason.remedy());
        writeln!(text, "| `{name}` | {what} | {remedy} |").unwrap();
    }
    text
}

#[test]
fn the_reference_lists_every_reason_as_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/drops.md");
    if std::env::var_os("REGENERATE_DOCS").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written,
        reference(),
        "regenerate docs/drops.md: see the head of this test"
    );
}
