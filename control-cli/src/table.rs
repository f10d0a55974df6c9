//! Aligned columns.

/// A column's heading and side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    align: Align,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Left,
    }
}

/// A column of numbers.
pub(crate) const fn number(title: &'static str) -> Column {
    Column {
        title,
        align: Align::Right,
    }
}

/// The widths of a table's columns, as far as its rows are known.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: &'static [Column],
    widths: Vec<usize>,
}

impl Layout {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        let widths = columns.iter().map(|c| c.title.len()).collect();
        Self { columns, widths }
    }

    /// Makes room for a row.
    pub(crate) fn fit(&mut self, cells: &[String]) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = (*width).max(shown(cell).chars().count());
        }
    }

    /// The line of headings.
    pub(crate) fn heading(&self) -> String {
        let titles: Vec<String> = self.columns.iter().map(|c| c.title.to_owned()).collect();
        self.line(&titles)
    }

    /// A row's line, newline included, without spaces at its end.
    pub(crate) fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for ((column, &width), cell) in self.columns.iter().zip(&self.widths).zip(cells) {
            let cell = shown(cell);
            if !line.is_empty() {
                line.push_str(GAP);
            }
            line.push_str(&match column.align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// A whole table.
pub(crate) fn table(columns: &'static [Column], rows: &[Vec<String>]) -> String {
    let mut layout = Layout::new(columns);
    rows.iter().for_each(|row| layout.fit(row));
    let mut text = layout.heading();
    text.extend(rows.iter().map(|row| layout.line(row)));
    text
}

/// What is printed of a cell: `-` for nothing.
fn shown(cell: &str) -> String {
    match cell {
        "" => "-".to_owned(),
        some => printable(some),
    }
}

/// Text without anything that a terminal would take as a command.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

const GAP: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[words("port"), number("packets"), words("remedy")];

    fn row(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn words_stand_left_and_numbers_right() {
        let text = table(
            COLUMNS,
            &[row(["uplink0", "1,234,567", "none"]), row(["a", "3", ""])],
        );
        assert_eq!(
            text,
            "port       packets  remedy\n\
             uplink0  1,234,567  none\n\
             a                3  -\n"
        );
    }

    #[test]
    fn no_rows_leave_the_heading() {
        assert_eq!(table(COLUMNS, &[]), "port  packets  remedy\n");
    }

    #[test]
    fn terminals_are_not_commanded() {
        let text = table(COLUMNS, &[row(["\x1b[2Jx\n", "1", "y"])]);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
