//! docs/rfc7915.md is true: every proof that it names exists, every test and
//! golden case that names a clause is in it, and no clause is in it twice.
//!
//! A test names its clauses at the head of its doc comment (`/// RFC 7915 §4.1,
//! §4.5: …`) or of its name (`rfc_7915_4_2_…`), a golden case at the head of its
//! title (`RFC 7915 4.1: …`).
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const STATES: [&str; 5] = ["done", "border", "differs", "later", "not ours"];

/// An RFC's number and a clause's.
type Clause = (String, String);

/// A row of the document.
#[derive(Debug)]
struct Row {
    clause: Clause,
    /// The whole first cell.
    title: String,
    asks: String,
    state: String,
    reason: String,
    /// (short name of a file or `golden`, test or case).
    proofs: Vec<(String, String)>,
}

/// The document, and what is wrong with its form.
#[derive(Debug, Default)]
struct Ledger {
    files: BTreeMap<String, PathBuf>,
    rows: Vec<Row>,
    faults: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

impl Ledger {
    fn read(text: &str) -> Self {
        let mut ledger = Self::default();
        let mut rfc = String::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## RFC ") {
                rfc = title.chars().take_while(char::is_ascii_digit).collect();
            }
            let Some(inner) = line.strip_prefix("| ").and_then(|l| l.strip_suffix('|')) else {
                continue;
            };
            let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
            match cells[..] {
                [name, file] if name.starts_with('`') => {
                    let (name, file) = (code(name).next().unwrap(), code(file).next().unwrap());
                    let old = ledger.files.insert(name.to_owned(), root().join(file));
                    if old.is_some() {
                        ledger.faults.push(format!("file {name} is listed twice"));
                    }
                }
                [title, asks, here, proof] if title.starts_with('§') => {
                    ledger.row(&rfc, [title, asks, here, proof]);
                }
                _ if inner.starts_with('§') => {
                    ledger.faults.push(format!("not four cells: {line}"));
                }
                _ => {}
            }
        }
        ledger
    }

    fn row(&mut self, rfc: &str, [title, asks, here, proof]: [&str; 4]) {
        let (state, reason) = here.split_once(':').unwrap_or((here, ""));
        let proofs: Vec<_> = code(proof)
            .map(|proof| proof.split_once("::").unwrap_or((proof, "")))
            .map(|(file, name)| (file.to_owned(), name.to_owned()))
            .collect();
        let mut fault = |what: &str| self.faults.push(format!("RFC {rfc} {title}: {what}"));
        if !STATES.contains(&state) {
            fault("its state is none of the five");
        }
        if matches!(state, "done" | "border") && proofs.is_empty() {
            fault("nothing proves it");
        }
        if state != "done" && reason.trim().is_empty() {
            fault("it says no reason");
        }
        let number = title.trim_start_matches('§').split(' ').next().unwrap();
        self.rows.push(Row {
            clause: (rfc.to_owned(), number.to_owned()),
            title: title.to_owned(),
            asks: asks.to_owned(),
            state: state.to_owned(),
            reason: reason.to_owned(),
            proofs,
        });
    }
}

/// A test function of a source file: its name, and the clauses that it names.
#[derive(Debug)]
struct Test {
    name: String,
    clauses: Vec<Clause>,
}

/// The clauses at the head of a text: `RFC 7915 §4.1, §4.5, RFC 8021 §4: …`.
fn clauses_of(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut rfc = "";
    let Some((head, _)) = text.split_once(':').filter(|_| text.starts_with("RFC ")) else {
        return clauses;
    };
    for part in head.split(", ") {
        let words: Vec<&str> = part.split_whitespace().collect();
        let number = match words[..] {
            ["RFC", which, number, ..] => {
                rfc = which;
                number
            }
            [number, ..] => number,
            [] => continue,
        };
        let number = number.trim_start_matches('§');
        if number.starts_with(|c: char| c.is_ascii_digit()) {
            clauses.push((rfc.to_owned(), number.to_owned()));
        }
    }
    clauses
}

/// The clause at the head of a test's name: `rfc_7915_4_2_every_type`.
fn clause_of_name(name: &str) -> Option<Clause> {
    let rest = name.strip_prefix("rfc_")?;
    let mut words = rest.split('_');
    let rfc = words.next()?.to_owned();
    let is_number = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let number: Vec<&str> = words.take_while(is_number).collect();
    (!number.is_empty()).then(|| (rfc, number.join(".")))
}

fn tests_of(source: &str) -> Vec<Test> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = |line: &&&str| line.starts_with("///") || line.starts_with("#[");
    let mut tests = Vec::new();
    for (at, _) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| **line == "#[test]")
    {
        let name = lines[at..].iter().find_map(|line| line.strip_prefix("fn "));
        let name = name.and_then(|rest| rest.split('(').next()).unwrap_or("");
        let before = lines[..at].iter().rev().take_while(head);
        let mut doc: Vec<&str> = before
            .filter_map(|line| line.strip_prefix("/// "))
            .collect();
        doc.reverse();
        let mut clauses = clauses_of(&doc.join(" "));
        clauses.extend(clause_of_name(name));
        tests.push(Test {
            name: name.to_owned(),
            clauses,
        });
    }
    tests
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every test of `datapath` and `packet`, by file.
fn all_tests() -> BTreeMap<PathBuf, Vec<Test>> {
    let mut files = Vec::new();
    for folder in [
        "datapath/src",
        "datapath/tests",
        "packet/src",
        "packet/tests",
    ] {
        rust_files(&root().join(folder), &mut files);
    }
    let read = |file: PathBuf| {
        let tests = tests_of(&fs::read_to_string(&file).unwrap());
        (fs::canonicalize(file).unwrap(), tests)
    };
    files.into_iter().map(read).collect()
}

/// Case → the clauses in its title.
fn all_cases() -> BTreeMap<String, Vec<Clause>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folders = fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases = BTreeMap::new();
    for folder in folders.filter(|path| path.is_dir()) {
        let text = fs::read_to_string(folder.join("counters.txt")).unwrap();
        let title = text.lines().next().unwrap_or("").trim_start_matches("# ");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        cases.insert(name, clauses_of(title));
    }
    cases
}

/// Every proof exists, and every file of the list is used.
fn proofs_exist(
    ledger: &Ledger,
    tests: &BTreeMap<PathBuf, Vec<Test>>,
    cases: &BTreeMap<String, Vec<Clause>>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for row in &ledger.rows {
        for (file, name) in &row.proofs {
            used.insert(file.as_str());
            let exists = if file == "golden" {
                cases.contains_key(name)
            } else {
                let path = ledger
                    .files
                    .get(file)
                    .and_then(|path| fs::canonicalize(path).ok());
                let tests = path.and_then(|path| tests.get(&path));
                tests.is_some_and(|tests| tests.iter().any(|test| test.name == *name))
            };
            if !exists {
                let (rfc, title) = (&row.clause.0, &row.title);
                faults.push(format!("RFC {rfc} {title}: there is no {file}::{name}"));
            }
        }
    }
    let unused = ledger
        .files
        .keys()
        .filter(|name| !used.contains(name.as_str()));
    faults.extend(unused.map(|name| format!("file {name} is listed, and proves nothing")));
    faults
}

/// Every test and case that names a clause is in one of the clause's rows.
fn tags_are_listed(
    ledger: &Ledger,
    tests: &BTreeMap<PathBuf, Vec<Test>>,
    cases: &BTreeMap<String, Vec<Clause>>,
) -> Vec<String> {
    let rfcs: BTreeSet<&str> = ledger
        .rows
        .iter()
        .map(|row| row.clause.0.as_str())
        .collect();
    let mut listed = BTreeSet::<(Clause, PathBuf, &str)>::new();
    for row in &ledger.rows {
        for (file, name) in &row.proofs {
            let path = ledger
                .files
                .get(file)
                .and_then(|path| fs::canonicalize(path).ok());
            let path = path.unwrap_or_else(|| PathBuf::from(file));
            listed.insert((row.clause.clone(), path, name));
        }
    }
    let golden = PathBuf::from("golden");
    let named = tests
        .iter()
        .flat_map(|(path, tests)| tests.iter().map(move |t| (path, &t.name, &t.clauses)))
        .chain(cases.iter().map(|(name, clauses)| (&golden, name, clauses)));
    let mut faults = Vec::new();
    for (path, name, clauses) in named {
        for clause in clauses
            .iter()
            .filter(|clause| rfcs.contains(clause.0.as_str()))
        {
            if !listed.contains(&(clause.clone(), path.clone(), name)) {
                let (rfc, number) = clause;
                let path = path.display();
                faults.push(format!("{path}: {name} is not under RFC {rfc} §{number}"));
            }
        }
    }
    faults
}

/// No two rows are about the same, so that none can contradict another.
fn rows_are_unique(ledger: &Ledger) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again = ledger
        .rows
        .iter()
        .filter(|row| !seen.insert((&row.clause.0, &row.title)));
    again
        .map(|row| format!("RFC {} {}: is there twice", row.clause.0, row.title))
        .collect()
}

#[test]
fn the_ledger_is_true() {
    let ledger = Ledger::read(&fs::read_to_string(root().join("docs/rfc7915.md")).unwrap());
    let (tests, cases) = (all_tests(), all_cases());
    let mut faults = ledger.faults.clone();
    faults.extend(rows_are_unique(&ledger));
    faults.extend(proofs_exist(&ledger, &tests, &cases));
    faults.extend(tags_are_listed(&ledger, &tests, &cases));
    for state in STATES {
        let of = |word: &str| {
            let rows = ledger.rows.iter().filter(|row| row.state == state);
            rows.filter(|row| row.asks.contains(word)).count()
        };
        eprintln!(
            "{state}: {} rows, {} with MUST, {} with SHOULD",
            of(""),
            of("MUST"),
            of("SHOULD")
        );
    }
    for row in ledger.rows.iter().filter(|row| row.state == "differs") {
        eprintln!("RFC {} {} differs:{}", row.clause.0, row.title, row.reason);
    }
    assert!(faults.is_empty(), "docs/rfc7915.md:\n{}", faults.join("\n"));
    assert!(ledger.rows.len() > 90, "{} rows", ledger.rows.len());
}

/// The checks above would see each kind of fault.
#[test]
fn faults_are_seen() {
    let path = "datapath/tests/rfc7915.rs";
    let text = format!(
        "| `here` | `{path}` |\n| `idle` | `{path}` |\n## RFC 7915\n\
         | §4.1 A | MUST | done | `here::faults_are_seen` |\n\
         | §4.1 A | MUST | done | `here::gone`, `golden::gone`, `nowhere::faults_are_seen` |\n\
         | §4.1 B | MUST | done | |\n| §4.1 C | MUST | perhaps: for a reason | |\n\
         | §4.1 D | MUST | later | |\n| §4.1 E | three cells | done |\n"
    );
    let ledger = Ledger::read(&text);
    assert_eq!(
        ledger.faults,
        [
            "RFC 7915 §4.1 B: nothing proves it",
            "RFC 7915 §4.1 C: its state is none of the five",
            "RFC 7915 §4.1 D: it says no reason",
            "not four cells: | §4.1 E | three cells | done |",
        ]
    );
    assert_eq!(
        rows_are_unique(&ledger),
        ["RFC 7915 §4.1 A: is there twice"]
    );
    let cases = BTreeMap::from([("case".to_owned(), clauses_of("RFC 7915 4.1: a case"))]);
    assert_eq!(
        proofs_exist(&ledger, &all_tests(), &cases),
        [
            "RFC 7915 §4.1 A: there is no here::gone",
            "RFC 7915 §4.1 A: there is no golden::gone",
            "RFC 7915 §4.1 A: there is no nowhere::faults_are_seen",
            "file idle is listed, and proves nothing",
        ]
    );
    let unlisted = tags_are_listed(&ledger, &BTreeMap::new(), &cases);
    assert_eq!(unlisted, ["golden: case is not under RFC 7915 §4.1"]);
}

#[test]
fn clauses_are_read_from_docs_and_names() {
    let clause = |rfc: &str, number: &str| (rfc.to_owned(), number.to_owned());
    let source = "/// RFC 7915 §4.1, §4.5, RFC 8021 §4: what it\n/// shows.\n#[test]\nfn first() {}\n\
                  /// Mentions RFC 7915 §5.1: no tag.\n#[test]\nfn second() {}\n\
                  #[test]\nfn rfc_7915_5_1_1_third() {}\nfn fourth() {}\n";
    let tests = tests_of(source);
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "rfc_7915_5_1_1_third"]);
    let expected = [
        clause("7915", "4.1"),
        clause("7915", "4.5"),
        clause("8021", "4"),
    ];
    assert_eq!(tests[0].clauses, expected);
    assert_eq!(tests[1].clauses, []);
    assert_eq!(tests[2].clauses, [clause("7915", "5.1.1")]);
    assert_eq!(clause_of_name("rfc_7915_figure_3_every_pointer"), None);
}
