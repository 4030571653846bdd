//! Tables for people: columns as wide as their widest cell, two spaces between them, nothing after
//! the last.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::clean;

/// Columns between columns.
const GAP: usize = 2;

/// Columns that are left of a cell in any case: less says nothing.
const NARROWEST: usize = 16;

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
        Self::with_columns(&columns)
    }

    /// A table with a header, of columns that are not always the same.
    pub fn with_columns(columns: &[(&str, Align)]) -> Self {
        let mut new = Self {
            columns: columns.iter().map(|(_, align)| *align).collect(),
            rows: Vec::new(),
        };
        let titles: Vec<String> = columns
            .iter()
            .map(|(title, _)| (*title).to_owned())
            .collect();
        new.cells(&titles);
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
        self.cells(&cells);
    }

    /// [`Table::row`] of a table [with columns](Table::with_columns), one cell for each.
    pub fn cells(&mut self, cells: &[String]) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows
            .push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Cuts the cells of one column in the middle, so that lines fit into so many columns of a
    /// terminal; the header stays.
    pub fn fit(&mut self, column: usize, columns: Option<usize>) {
        let Some(columns) = columns else { return };
        let widths = self.widths();
        let all: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let Some(too_many @ 1..) = all.checked_sub(columns) else {
            return;
        };
        let room = widths[column].saturating_sub(too_many).max(NARROWEST);
        for row in &mut self.rows {
            if width(&row[column]) > room {
                row[column] = cut(&row[column], room);
            }
        }
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize| self.rows.iter().map(|row| width(&row[column])).max();
        (0..self.columns.len())
            .map(|column| widest(column).unwrap_or(0))
            .collect()
    }

    /// The lines, each with its end.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, align), wide) in row.iter().zip(&self.columns).zip(&widths) {
                let padding = " ".repeat(wide - width(cell));
                match align {
                    Align::Left => line.extend([cell, &*padding]),
                    Align::Right => line.extend([&*padding, cell]),
                }
                line.push_str(&" ".repeat(GAP));
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

/// As much of the beginning and the end as there is room for.
fn cut(cell: &str, room: usize) -> String {
    let left = room - room / 2 - 1;
    let take = |characters: &mut dyn Iterator<Item = char>, room: usize| -> usize {
        let mut used = 0;
        let mut bytes = 0;
        for character in characters {
            used += UnicodeWidthChar::width(character).unwrap_or(0);
            if used > room {
                break;
            }
            bytes += character.len_utf8();
        }
        bytes
    };
    let head = take(&mut cell.chars(), left);
    let tail = take(&mut cell.chars().rev(), room / 2);
    format!("{}…{}", &cell[..head], &cell[cell.len() - tail..])
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
    fn long_cells_are_cut_in_the_middle_where_lines_are_too_long() {
        let make = || {
            let mut table = Table::headless([Align::Left, Align::Right]);
            table.row([
                "model.layers.17.self_attn.q_proj.weight".to_owned(),
                "1".to_owned(),
            ]);
            table.row(["\u{65e5}".repeat(30), "22".to_owned()]);
            table.row(["short".to_owned(), "333".to_owned()]);
            table
        };
        let rendered = |columns| {
            let mut table = make();
            table.fit(0, columns);
            table.render()
        };
        assert_eq!(rendered(None), make().render());
        assert_eq!(rendered(Some(200)), make().render());
        assert_eq!(
            rendered(Some(30)),
            format!(
                "model.layers…_proj.weight    1\n{0}…{0}   22\nshort                      333\n",
                "\u{65e5}".repeat(6)
            )
        );
        // However narrow it is, something is left.
        assert!(
            rendered(Some(3)).starts_with("model.l…j.weight    1\n"),
            "{}",
            rendered(Some(3))
        );
    }

    #[test]
    fn a_cell_cannot_leave_its_line() {
        let mut table = Table::headless([Align::Left, Align::Left]);
        table.row(["a\n\u{1b}[31m".to_owned(), "b".to_owned()]);
        assert_eq!(table.render(), "a\\n\\u{1b}[31m  b\n");
    }
}
