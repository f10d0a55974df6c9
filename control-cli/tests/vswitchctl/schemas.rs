//! What verbs print as JSON is what docs/schemas says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fake::Fake;
use crate::lab::Lab;
use crate::schema::JsonSchema;

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schemas");

/// Every verb that answers in JSON, as it may be typed. `watch` never ends by
/// itself: see `what_watchers_are_told`.
const TYPED: [&str; 41] = [
    "status",
    "apply -f z.yaml --confirm-within 60s",
    "apply -f faulty.yaml",
    "diff -f z.yaml",
    "export",
    "confirm 813",
    "rollback",
    "history",
    "port list",
    "port add vm-b --tap t0",
    "port remove vm-b",
    "interface list",
    "interface show c",
    "network list",
    "network show z",
    "segment list",
    "segment show far",
    "mapping list",
    "mapping load m.txt",
    "mapping save saved.txt",
    "mapping set 0x00a001 10.0.0.9 --locator fd00:0:0:b::/64 --mac 02:00:00:00:00:09",
    "mapping remove 0x00a001 10.0.0.9",
    "table list",
    "neighbor list",
    "group list",
    "uplink list",
    "mtu check",
    "mtu check --to 10.1.5.3",
    "router list",
    "router show j",
    "switch list",
    "switch show sw",
    "route get --from 10.0.0.2 --to 10.1.5.3",
    "route get --from 10.0.0.2 --to 8.8.8.8",
    "rule list",
    "flow list",
    "counter list --all",
    "books",
    "address decode fd00::b:0:a001:a00:3",
    "address decode ff36::100:a001:efff:fffe",
    "address encode --locator fd00:0:4102:304::/64 --segment 1 --address 10.0.0.3",
];

/// The verb that was typed: the longest one that has a schema.
fn verb(typed: &str) -> String {
    let words: Vec<&str> = typed.split(' ').collect();
    let two = words[..words.len().min(2)].join("-");
    if schema_path(&two).exists() {
        two
    } else {
        words[0].to_owned()
    }
}

fn schema_path(verb: &str) -> std::path::PathBuf {
    Path::new(SCHEMAS).join(format!("{verb}.json"))
}

fn schema(verb: &str) -> JsonSchema {
    JsonSchema::new(&fs::read_to_string(schema_path(verb)).unwrap())
}

#[track_caller]
fn fits(schema: &JsonSchema, answer: &Value, typed: &str) {
    if let Err(fault) = schema.check(answer) {
        panic!("{typed}: {fault} in {answer:#}");
    }
}

fn lab() -> Lab {
    let lab = Lab::start(Fake {
        more_mappings: 2,
        duplicate: true,
        ..Fake::default()
    });
    let write = |name: &str, text: &str| {
        fs::write(lab.directory.path().join(name), text).unwrap();
    };
    write("z.yaml", "network: z\n");
    write("faulty.yaml", "fault: here\n");
    let mapping = "0x00a001 10.0.0.8 fd00:0:0:b::/64 02:00:00:00:00:08\n";
    write("m.txt", mapping);
    lab
}

#[test]
fn every_answer_fits_its_schema() {
    let lab = lab();
    let mut seen = BTreeSet::from(["watch".to_owned()]);
    for typed in TYPED {
        let mut command = lab.command(&typed.split(' ').collect::<Vec<_>>());
        command
            .args(["-o", "json"])
            .current_dir(lab.directory.path());
        let outcome = crate::lab::Outcome::of(command);
        assert_eq!(outcome.stderr, "", "{typed}");
        let answer: Value = serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{typed}: {error}: {outcome:?}"));
        let empty = answer.as_array().is_some_and(Vec::is_empty);
        assert!(!empty, "{typed}: an empty list proves nothing");
        fits(&schema(&verb(typed)), &answer, typed);
        seen.insert(verb(typed));
    }
    let schemas = fs::read_dir(SCHEMAS).unwrap();
    let schemas = schemas.map(|file| file.unwrap().path());
    let schemas = schemas.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    assert_eq!(seen, schemas.collect(), "every schema has its verb here");
}

#[test]
fn what_watchers_are_told_fits_its_schema() {
    let schema = schema("watch");
    let (lines, _) = crate::topology::watched(&["-o", "json"], 6);
    for line in lines {
        fits(&schema, &serde_json::from_str(&line).unwrap(), &line);
    }
}

/// The test above would notice.
#[test]
fn an_answer_with_another_field_does_not_fit() {
    let lab = lab();
    let mut answer = lab.json(&["status"]);
    let schema = schema("status");
    fits(&schema, &answer, "status");
    answer["news"] = 1.into();
    assert!(schema.check(&answer).is_err());
    answer.as_object_mut().unwrap().remove("news");
    answer["pid"] = "4711".into();
    assert!(schema.check(&answer).is_err());
}
