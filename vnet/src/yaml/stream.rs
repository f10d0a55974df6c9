//! A file to its documents: which lines belong to which?
//!
//! In YAML a line that begins with `---` or `...` is a marker wherever it
//! stands (YAML 1.2.2 §9.1), so lines are all that must be looked at, and
//! what is wrong inside one document is no other's fault.

/// One document of a file, as it was written: comments, indentation and line
/// ends are kept (but CR alone becomes LF). What only separates documents is not part of it: `---` and
/// `...` with nothing after them, `%` directives (they have no meaning here),
/// a byte order mark, and empty lines around it.
///
/// Comments without a document belong to the one that follows, at the end of
/// the file to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The line of the file at which the text begins, from 1.
    pub first_line: u32,
    /// The text. It ends with a line end.
    pub text: String,
}

/// The documents of a file. Where there is nothing but comments there is none.
pub fn documents(text: &str) -> Vec<Document> {
    let mut stream = Stream {
        done: Vec::new(),
        open: Open::at(1),
    };
    for (number, line) in (1..).zip(lines(text)) {
        stream.take(number, line);
    }
    stream.finish()
}

/// The lines, each with its end: LF, CR LF, or CR alone (YAML 1.2.2 §5.4).
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let end = rest.find(['\n', '\r'])?;
        let after = rest.get(end..)?;
        let length = end + if after.starts_with("\r\n") { 2 } else { 1 };
        let (line, following) = rest.split_at_checked(length)?;
        rest = following;
        Some(line)
    })
    .chain(core::iter::once_with(move || {
        let last = text.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        text.get(last..).unwrap_or_default()
    }))
    .filter(|line| !line.is_empty())
}

/// A document whose end was not reached yet.
struct Open {
    first_line: u32,
    text: String,
    /// It holds more than comments.
    content: bool,
}

impl Open {
    const fn at(first_line: u32) -> Self {
        Self {
            first_line,
            text: String::new(),
            content: false,
        }
    }

    /// The document without the empty lines around it.
    fn closed(self) -> Document {
        let mut text = self.text.as_str();
        let mut first_line = self.first_line;
        for line in lines(&self.text) {
            if !is_blank(line) {
                break;
            }
            text = text.get(line.len()..).unwrap_or_default();
            first_line = first_line.saturating_add(1);
        }
        let kept = text.trim_end_matches(|c: char| c.is_ascii_whitespace());
        let ending = text.get(kept.len()..).and_then(|rest| lines(rest).next());
        // A space or tab before the line end is kept as well.
        let ending = ending.filter(|ending| ending.ends_with(['\n', '\r']));
        Document {
            first_line,
            text: [kept, ending.unwrap_or("\n")].concat(),
        }
    }
}

struct Stream {
    done: Vec<Open>,
    open: Open,
}

impl Stream {
    fn take(&mut self, number: u32, line: &str) {
        let line = if self.open.content {
            line
        } else {
            line.trim_start_matches('\u{feff}')
        };
        if let Some(after) = after_marker(line, "---") {
            self.close(number);
            self.marker(line, after);
        } else if let Some(after) = after_marker(line, "...") {
            self.marker(line, after);
            self.close(number.saturating_add(1));
        } else if !self.open.content && line.starts_with('%') {
            self.open.text.push('\n');
        } else {
            self.push(line);
            self.open.content |= !is_blank(line) && !is_comment(line);
        }
    }

    /// A marker: of the line only a comment is kept, and all of it where it
    /// holds more. The number of lines stays what it is.
    fn marker(&mut self, line: &str, after: &str) {
        if is_blank(after) {
            self.open.text.push('\n');
        } else if is_comment(after) {
            self.push(after.trim_start());
        } else {
            self.push(line);
            self.open.content = true;
        }
    }

    fn push(&mut self, line: &str) {
        match line.strip_suffix('\r') {
            Some(line) => self.open.text.extend([line, "\n"]),
            None => self.open.text.push_str(line),
        }
    }

    /// Ends the document at hand, if it is one; the next begins at `line`.
    fn close(&mut self, line: u32) {
        if self.open.content {
            let open = core::mem::replace(&mut self.open, Open::at(line));
            self.done.push(open);
        }
    }

    fn finish(mut self) -> Vec<Document> {
        if self.open.content {
            self.done.push(self.open);
        } else if let Some(last) = self.done.last_mut() {
            last.text.push_str(&self.open.text);
        }
        self.done.into_iter().map(Open::closed).collect()
    }
}

/// What follows a marker on its line, if the line begins with it.
fn after_marker<'l>(line: &'l str, marker: &str) -> Option<&'l str> {
    let after = line.strip_prefix(marker)?;
    let ends = after.is_empty() || after.starts_with([' ', '\t', '\n', '\r']);
    ends.then_some(after)
}

fn is_blank(line: &str) -> bool {
    line.trim_ascii().is_empty()
}

fn is_comment(line: &str) -> bool {
    line.trim_ascii_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u32, String)> {
        let documents = documents(text).into_iter();
        documents.map(|d| (d.first_line, d.text)).collect()
    }

    #[test]
    fn a_document_is_what_was_written_between_markers() {
        for (text, expected) in [
            ("a: 1\n", &[(1, "a: 1\n")][..]),
            ("a: 1", &[(1, "a: 1\n")]),
            ("a: 1\n---\nb: 2\n", &[(1, "a: 1\n"), (3, "b: 2\n")]),
            ("---\na: 1\n---\n", &[(2, "a: 1\n")]),
            ("\u{feff}---\r\na: 1\r\n", &[(2, "a: 1\r\n")]),
            ("---\n\u{feff}a: 1\n", &[(2, "a: 1\n")]),
            ("a: 1\r---\rb: 2\r", &[(1, "a: 1\n"), (3, "b: 2\n")]),
            ("%YAML 1.2\n---\na: 1\n...\n", &[(3, "a: 1\n")]),
            ("a: 1\n...\n%X\n---\nb: 2", &[(1, "a: 1\n"), (5, "b: 2\n")]),
            // Comments on markers, before and after documents.
            ("# x\n---\na: 1\n", &[(1, "# x\n\na: 1\n")]),
            ("--- # x\na: 1\n", &[(1, "# x\na: 1\n")]),
            ("a: 1\n---\n# x\n", &[(1, "a: 1\n\n# x\n")]),
            ("a: 1\n... # x\n---\n", &[(1, "a: 1\n# x\n")]),
            ("---\n# x\n---\nb: 2\n", &[(2, "# x\n\nb: 2\n")]),
            // What stands behind a marker is content, what looks like one not.
            ("a: 1\n--- {b: 2}\n", &[(1, "a: 1\n"), (2, "--- {b: 2}\n")]),
            ("a: 1\n---b: 2\n ---\n", &[(1, "a: 1\n---b: 2\n ---\n")]),
            ("---\na: |\n  ---\n", &[(2, "a: |\n  ---\n")]),
            ("\n \n a: 1 \n\n\n", &[(3, " a: 1 \n")]),
            ("", &[]),
            ("---\n# nothing\n...\n---\n\n", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|&(n, t)| (n, t.to_owned())).collect();
            assert_eq!(split(text), expected, "{text:?}");
        }
    }
}
