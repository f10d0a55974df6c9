//! Every verb has all that belongs to a verb. A new one that lacks something
//! fails here, and is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use serde_json::Value;

use super::{completion, man, schema};
use crate::args::Cli;

/// Verbs whose answer is not JSON, whatever -o says.
const WITHOUT_JSON: [&str; 3] = ["completion", "schema", "man"];

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Every verb that does something, with the words that lead to it.
fn verbs() -> Vec<(String, Command)> {
    fn walk(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands() {
            let words = format!("{words} {}", verb.get_name()).trim().to_owned();
            if verb.has_subcommands() {
                walk(verb, &words, found);
            } else {
                found.push((words, verb.clone()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Cli::command(), "", &mut found);
    assert!(found.len() >= 25, "{found:?}");
    found
}

fn json_verbs() -> BTreeSet<String> {
    let verbs = verbs().into_iter().map(|(words, _)| words);
    verbs
        .filter(|words| !WITHOUT_JSON.contains(&words.as_str()))
        .collect()
}

#[test]
fn every_verb_says_what_it_does_and_gives_an_example() {
    for (words, verb) in verbs() {
        let about = verb.get_about().map(ToString::to_string);
        assert!(about.is_some_and(|about| about.len() > 10), "{words}");
        let help = verb.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let example = format!("vswitchctl {words}");
        assert!(help.starts_with("Example"), "{words} has no example");
        assert!(help.contains(&example), "{words}: {help}");
        for argument in verb.get_arguments() {
            let id = argument.get_id();
            assert!(argument.get_help().is_some(), "{words}: {id}");
        }
    }
}

/// An example that cannot be typed teaches nothing.
#[test]
fn every_example_in_the_help_is_understood() {
    for (words, verb) in verbs() {
        let help = verb.get_after_help().unwrap_or_default().to_string();
        for line in help.lines() {
            let Some((_, typed)) = line.split_once("vswitchctl ") else {
                continue;
            };
            let typed = typed.split(['|', '>']).next().unwrap_or_default();
            let typed = typed.split_whitespace();
            let parsed =
                Cli::command().try_get_matches_from(["vswitchctl"].into_iter().chain(typed));
            assert!(parsed.is_ok(), "{words}: {line}: {parsed:?}");
        }
    }
}

#[test]
fn every_verb_has_its_section_in_the_reference() {
    let reference = fs::read_to_string(documents().join("vswitchctl.md")).unwrap();
    let sections: Vec<&str> = reference.split("\n## ").collect();
    for (words, _) in verbs() {
        let name = format!("`{words}`");
        let section = sections
            .iter()
            .find(|text| text.lines().next().is_some_and(|head| head.contains(&name)));
        let section = section.unwrap_or_else(|| panic!("docs/vswitchctl.md has no ## {name}"));
        let example = format!("vswitchctl {words}");
        assert!(section.contains(&example), "{words} has no example there");
    }
}

#[test]
fn every_verb_has_a_schema_where_it_answers_in_json() {
    let schemas = schema::all();
    let named: BTreeSet<String> = schemas.iter().map(|(verb, _)| (*verb).to_owned()).collect();
    assert_eq!(named, json_verbs());
    for (verb, schema) in &schemas {
        described(verb, schema);
    }
}

/// Every field of an answer has its words.
fn described(path: &str, schema: &Value) {
    let Value::Object(keys) = schema else {
        return;
    };
    if let Some(Value::Object(fields)) = keys.get("properties") {
        for (field, about) in fields {
            // A choice's name is explained where the choice is.
            let known = about.get("description").is_some() || about.get("const").is_some();
            assert!(known, "{path}: field {field} has no description");
        }
    }
    for (key, value) in keys {
        let path = format!("{path}/{key}");
        match value {
            Value::Array(several) => several.iter().for_each(|one| described(&path, one)),
            one => described(&path, one),
        }
    }
}

/// docs/schemas has them for whoever reads and does not run. With
/// REGENERATE_DOCS=1 in the environment they are written instead of compared.
#[test]
fn the_schemas_in_the_documents_are_these() {
    let folder = documents().join("schemas");
    let mut expected = BTreeSet::new();
    for (verb, schema) in schema::all() {
        let file = format!("{}.json", verb.replace(' ', "-"));
        let path = folder.join(&file);
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("REGENERATE_DOCS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "docs/schemas/{file} is not what the program says; \
             REGENERATE_DOCS=1 cargo test -p control-cli writes it anew"
        );
        expected.insert(file);
    }
    let files = fs::read_dir(&folder).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), expected, "others are there");
}

#[test]
fn every_verb_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = man::write_into(directory.path()).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), pages);
    for (words, verb) in verbs() {
        let page = format!("vswitchctl-{}.1", words.replace(' ', "-"));
        let text = fs::read_to_string(directory.path().join(&page));
        let text = text.unwrap_or_else(|_| panic!("there is no {page}"));
        assert!(text.contains(".SH EXAMPLES"), "{page}");
        assert!(
            text.contains("\\-\\-socket"),
            "{page} lacks what all verbs take"
        );
        for argument in verb.get_arguments() {
            let long = argument.get_long().unwrap_or_default().replace('-', "\\-");
            assert!(text.contains(&long), "{page}: {long}");
        }
    }
    let program = fs::read_to_string(directory.path().join("vswitchctl.1")).unwrap();
    assert!(program.contains(".SH \"EXIT STATUS\"") || program.contains(".SH EXIT STATUS"));
}

#[test]
fn every_verb_is_completed() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = String::from_utf8(completion::script(shell)).unwrap();
        for (words, verb) in verbs() {
            let last = words.split(' ').next_back().unwrap_or_default();
            assert!(script.contains(last), "{shell}: {words}");
            for argument in verb.get_arguments() {
                let long = argument.get_long().unwrap_or_default();
                assert!(script.contains(long), "{shell}: {words} --{long}");
            }
        }
    }
}
