//! What is wrong in a file, where, and what to write instead.

use core::fmt;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A place in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the user named it.
    pub file: Arc<Path>,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// The column, from 1, in characters; 0 where the file as a whole is meant.
    pub column: u32,
}

impl Place {
    /// The file as a whole: it cannot be read, for instance.
    pub fn whole(file: impl Into<Arc<Path>>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

impl Place {
    /// The place in words, for a message at another place: `line 7`, or with
    /// its file where that is another one.
    pub fn seen_from(&self, here: &Self) -> String {
        if self.file == here.file {
            format!("line {}", self.line)
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// Does it stop the configuration from being used?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It does.
    Error,
    /// It works, yet something better is recommended.
    Warning,
}

/// One thing that is wrong, with its place and its remedy. Shown as
///
/// ```text
/// host-r.yaml:11:8: what is wrong
///   remedy: what to write instead
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the configuration from being used.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let Self {
            place,
            message,
            remedy,
            ..
        } = self;
        write!(f, "{place}: {kind}{message}\n  remedy: {remedy}")
    }
}

/// How many errors are kept. Who has that many made one mistake many times
/// over, and each costs a search for a remedy.
const MAX_ERRORS: usize = 1000;

/// Collects what is wrong, so that one run reports all of it, or the first
/// thousand errors.
#[derive(Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    errors: usize,
    /// By the order in which they were first named.
    files: HashMap<Arc<Path>, usize>,
}

impl Diagnostics {
    /// Names a file that is about to be read: what is wrong in it comes
    /// before what is wrong in files named later.
    pub fn reading(&mut self, file: &Arc<Path>) {
        if !self.files.contains_key(file) {
            self.files.insert(file.clone(), self.files.len());
        }
    }

    /// Notes an error.
    pub fn error(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.errors += 1;
        self.note(Severity::Error, place, message.into(), remedy.into());
    }

    /// Notes a recommendation.
    pub fn warn(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Warning, place, message.into(), remedy.into());
    }

    fn note(&mut self, severity: Severity, place: &Place, message: String, remedy: String) {
        if self.full() {
            return;
        }
        self.reading(&place.file);
        self.all.push(Diagnostic {
            severity,
            place: place.clone(),
            message: on_one_line(&message),
            remedy: on_one_line(&remedy),
        });
    }

    /// How many errors (not recommendations) were noted.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// There are so many errors that no more is noted: no use in checking on.
    pub fn full(&self) -> bool {
        self.errors > MAX_ERRORS
    }

    /// Everything noted: by file in the order in which files were first
    /// read or named, then by line and column.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let order = |diagnostic: &Diagnostic| {
            let Place { file, line, column } = &diagnostic.place;
            (self.files.get(file).copied(), *line, *column)
        };
        self.all.sort_by_cached_key(order);
        self.all.dedup();
        self.all
    }
}

/// What a person wrote may hold line ends and other control characters; what
/// is said about it must not.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: u32) -> Place {
        Place {
            file: Path::new(file).into(),
            line,
            column: 8,
        }
    }

    #[test]
    fn a_mistake_made_many_times_is_not_reported_for_ever() {
        let mut found = Diagnostics::default();
        for line in 0..3000 {
            found.error(&at("z.yaml", line), "a is b", "write c");
        }
        assert!(found.full());
        assert_eq!(found.errors(), 3000);
        assert_eq!(found.into_sorted().len(), MAX_ERRORS);
    }

    #[test]
    fn shown_as_place_message_and_remedy() {
        let mut found = Diagnostics::default();
        found.error(&at("host-r.yaml", 11), "a is b", "write c");
        found.warn(&at("host-r.yaml", 2), "d is e", "write f");
        found.error(&at("z.yaml", 3), "\"a\nb\" is odd", "write c");
        found.error(&Place::whole(Path::new("x.yaml")), "not there", "make it");
        assert_eq!(found.errors(), 3);
        let text: Vec<String> = found.into_sorted().iter().map(|d| d.to_string()).collect();
        assert_eq!(
            text,
            [
                "host-r.yaml:2:8: warning: d is e\n  remedy: write f",
                "host-r.yaml:11:8: a is b\n  remedy: write c",
                "z.yaml:3:8: \"a\u{fffd}b\" is odd\n  remedy: write c",
                "x.yaml: not there\n  remedy: make it",
            ]
        );
    }
}
