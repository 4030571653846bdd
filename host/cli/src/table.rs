//! Tables for people: columns as wide as their widest cell, two spaces between them, nothing after
//! the last.

use unicode_width::UnicodeWidthStr;

use crate::output::clean;

/// Where a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For text.
    Left,
    /// For numbers.
    Right,
}

/// Rows of cells.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a header.
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        let mut new = Self::headless(columns.map(|(_, align)| align));
        new.row(columns.map(|(title, _)| title.to_owned()));
        new
    }

    /// A table without.
    pub fn headless<const N: usize>(columns: [Align; N]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Control characters in its cells are escaped.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows
            .push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// The lines, each with its end.
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                self.rows
                    .iter()
                    .map(|row| width(&row[column]))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, align), wide) in row.iter().zip(&self.columns).zip(&widths) {
                let padding = " ".repeat(wide - width(cell));
                match align {
                    Align::Left => line.extend([cell, &*padding]),
                    Align::Right => line.extend([&*padding, cell]),
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Columns of a terminal that a cell takes.
fn width(cell: &str) -> usize {
    UnicodeWidthStr::width(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let mut table = Table::new([
            ("NAME", Align::Left),
            ("SIZE", Align::Right),
            ("NOTE", Align::Left),
        ]);
        table.row(["b\u{fc}ro".to_owned(), "12.3 MiB".to_owned(), String::new()]);
        table.row(["a-long-name".to_owned(), "7 B".to_owned(), "x".to_owned()]);
        assert_eq!(
            table.render(),
            "NAME             SIZE  NOTE\n\
             b\u{fc}ro         12.3 MiB\n\
             a-long-name       7 B  x\n"
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::headless([Align::Left, Align::Left]);
        table.row(["\u{65e5}\u{672c}".to_owned(), "x".to_owned()]);
        table.row(["abcd".to_owned(), "y".to_owned()]);
        assert_eq!(table.render(), "\u{65e5}\u{672c}  x\nabcd  y\n");
    }

    #[test]
    fn a_cell_cannot_leave_its_line() {
        let mut table = Table::headless([Align::Left, Align::Left]);
        table.row(["a\n\u{1b}[31m".to_owned(), "b".to_owned()]);
        assert_eq!(table.render(), "a\\n\\u{1b}[31m  b\n");
    }
}
