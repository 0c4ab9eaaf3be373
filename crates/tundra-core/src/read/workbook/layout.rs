//! Where the table stands in a sheet: what is above its header, and the header.
//!
//! Start at [`find`]. It looks at the first records of a sheet. A header is the first row that is about
//! as full as the table and has text above columns of other values, or that has nothing but text.
//! What stands above it is left out and told. Where the first full row is like those below it, there is
//! no header.

use std::collections::HashMap;

use super::{
    cell::{Cell, Meaning, Sort},
    row::Row,
};

/// Records that are looked at.
pub(super) const LOOKED_AT: usize = 200;

/// A record of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SampleRow {
    /// Its number.
    pub(super) number: u32,
    /// The columns that hold something, what sort of value, and its text.
    cells: Vec<(u32, Sort, String)>,
}

impl SampleRow {
    /// Copies a row, as far as its columns are within these; `None` when nothing of it is.
    pub(super) fn of(row: &Row<'_>, meaning: Meaning<'_>, within: (u32, u32)) -> Option<Self> {
        let cells: Vec<_> = row
            .filled()
            .filter(|column| (within.0..=within.1).contains(column))
            .filter_map(|column| {
                let cell: Cell<'_> = row.cell(column);
                Some((column, meaning.of(cell)?.0, meaning.text(cell)))
            })
            .collect();
        (!cells.is_empty()).then_some(Self { number: row.number, cells })
    }

    fn sort(&self, column: u32) -> Option<Sort> {
        self.cells.iter().find(|(at, ..)| *at == column).map(|(_, sort, _)| *sort)
    }

    /// Returns the text of a cell.
    fn text(&self, column: u32) -> &str {
        self.cells.iter().find(|(at, ..)| *at == column).map_or("", |(.., text)| text.as_str())
    }

    /// Returns the text of all cells, for showing it.
    pub(super) fn shown(&self) -> String {
        let texts: Vec<&str> = self.cells.iter().map(|(.., text)| text.as_str()).collect();
        crate::DataError::shorten(texts.join(" | ").as_bytes())
    }

    /// Returns the first and the last column that hold something.
    pub(super) fn extent(&self) -> Option<(u32, u32)> {
        Some((self.cells.first()?.0, self.cells.last()?.0))
    }

    /// Returns the texts of its cells by their columns.
    pub(super) fn texts(&self) -> HashMap<u32, &str> {
        self.cells.iter().map(|(at, _, text)| (*at, text.as_str())).collect()
    }

    /// Returns whether it has text, and otherwise years that follow each other.
    fn names_years(&self) -> bool {
        let others = self.cells.iter().filter(|(_, sort, _)| *sort != Sort::Text);
        let years: Option<Vec<i64>> = others
            .map(|(_, sort, text)| text.parse().ok().filter(|_| *sort == Sort::Integer))
            .collect();
        let Some(years) = years.filter(|years| (2..self.cells.len()).contains(&years.len())) else {
            return false;
        };
        years.iter().all(|year| (1900..2100).contains(year))
            && years.windows(2).all(|pair| (pair[1] - pair[0]).abs() == 1)
    }

    fn is_text(&self) -> bool {
        self.cells.iter().all(|(_, sort, _)| *sort == Sort::Text)
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    /// How many rows the header has; 0 for none.
    pub(super) header_rows: Option<usize>,
    /// Rows of the sheet, or of the range, above the header.
    pub(super) preamble: Option<u64>,
}

/// Where a table stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Records above the header.
    pub(super) preamble: usize,
    /// Records of the header.
    pub(super) header: usize,
    /// How sure that is, and why.
    pub(super) confidence: f64,
    pub(super) reason: String,
}

/// Finds where the table stands. `rows` are the first records of the range whose first row is
/// `first_row`.
pub(super) fn find(rows: &[SampleRow], first_row: u32, asked: Asked) -> Layout {
    let above = |upto: u64| rows.iter().take_while(|row| u64::from(row.number) < upto).count();
    let given = asked.preamble.map(|lines| above(u64::from(first_row).saturating_add(lines)));
    let start = given.unwrap_or(0);
    let rest = &rows[start.min(rows.len())..];
    if let Some(count) = asked.header_rows.filter(|count| given.is_some() || *count == 0) {
        let header = count.min(rest.len());
        return Layout { preamble: start, header, confidence: 1.0, reason: "given".to_owned() };
    }
    // What is said to be above the header is all that is.
    let full = if given.is_some() { 0 } else { first_of_table(rest) };
    let header = headings(&rest[full..]);
    if let Some(count) = asked.header_rows {
        // Where fewer rows would be found, groups stand above them.
        let last = full + header.rows.max(1).min(count);
        let from = last.saturating_sub(count);
        let preamble = start + from.min(rest.len());
        let header = count.min(rows.len() - preamble);
        return Layout { preamble, header, confidence: 1.0, reason: "given".to_owned() };
    }
    // Without a header nothing says that narrower rows above do not belong to the table.
    let preamble = if header.rows == 0 { start } else { start + full };
    Layout {
        preamble,
        header: header.rows,
        confidence: header.confidence,
        reason: header.reason.to_owned(),
    }
}

/// More records than this above a header are none.
const MOST_ABOVE: usize = 50;

/// Returns the first row that may be the header: of the rows of text above the first one with values the
/// fullest, or, where there is none, the first one that is about as full as the table.
fn first_of_table(rows: &[SampleRow]) -> usize {
    let width = usual_width(rows);
    let is_full = |row: &SampleRow| row.cells.len() * 2 > width;
    let values = rows.iter().position(|row| is_full(row) && !row.is_text());
    let first = match values {
        Some(values) => {
            let above = rows[..values].iter().enumerate().rev();
            match above.max_by_key(|(_, row)| row.cells.len()) {
                Some((fullest, row)) if is_full(row) => fullest,
                _ => values,
            }
        }
        None => rows.iter().position(is_full).unwrap_or(0),
    };
    if first > MOST_ABOVE { 0 } else { first }
}

/// Returns how many cells of a record are filled in most of the table.
fn usual_width(rows: &[SampleRow]) -> usize {
    let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    // Some records have gaps: that of the upper quarter.
    widths.get(widths.len() * 3 / 4).copied().unwrap_or(0)
}

struct Headings {
    /// Rows of the header, groups not counted.
    rows: usize,
    confidence: f64,
    reason: &'static str,
}

/// Returns whether the first of these rows is a header, and how many that follow it are.
fn headings(rows: &[SampleRow]) -> Headings {
    let Some((first, below)) = rows.split_first() else {
        return Headings { rows: 0, confidence: 1.0, reason: "there are no rows" };
    };
    if below.is_empty() {
        return match first.is_text() {
            true => Headings { rows: 1, confidence: 0.8, reason: "the only row is text" },
            false => Headings { rows: 0, confidence: 0.8, reason: "the only row has values" },
        };
    }
    let (above, like) = compare(first, below);
    if above > 0 && above >= like {
        let more = below.iter().enumerate().take_while(|(at, row)| {
            let below = &below[at + 1..];
            row.is_text() && !below.is_empty() && compare(row, below).0 > 1
        });
        let rows = 1 + more.count();
        return Headings { rows, confidence: 0.95, reason: "text above columns of other values" };
    }
    if first.names_years() {
        return Headings { rows: 1, confidence: 0.8, reason: "text and years one after the other" };
    }
    if like > 0 || !first.is_text() {
        return Headings {
            rows: 0,
            confidence: 0.8,
            reason: "the first row is like those below it",
        };
    }
    let names: std::collections::HashSet<&str> =
        first.cells.iter().map(|(.., text)| text.as_str()).collect();
    let repeats = below
        .iter()
        .any(|row| first.cells.iter().any(|(column, _, text)| row.text(*column) == text.as_str()));
    if names.len() < first.cells.len() || repeats {
        return Headings {
            rows: 0,
            confidence: 0.6,
            reason: "the first row is text like those below it, and a value of it comes again",
        };
    }
    Headings {
        rows: 1,
        confidence: 0.75,
        reason: "the first row is text, and so are those below it",
    }
}

/// Returns above how many columns of other values there is text, and how many values are above values
/// of their own sort.
fn compare(first: &SampleRow, below: &[SampleRow]) -> (usize, usize) {
    let (mut above, mut like) = (0, 0);
    for (column, sort, _) in &first.cells {
        let mut sorts = below.iter().filter_map(|row| row.sort(*column)).peekable();
        if sorts.peek().is_none() {
            continue;
        }
        let (texts, others): (Vec<Sort>, Vec<Sort>) =
            sorts.partition(|sort| matches!(sort, Sort::Text | Sort::Error));
        match sort {
            Sort::Text if others.len() > texts.len() => above += 1,
            Sort::Text => {}
            sort if others.contains(sort) => like += 1,
            _ => {}
        }
    }
    (above, like)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads rows: cells set apart by `|`, digits for integers, `1.5` for numbers.
    fn rows(text: &str) -> Vec<SampleRow> {
        let row = |(number, line): (u32, &str)| {
            let cells: Vec<_> = (0..)
                .zip(line.split('|'))
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| {
                    let sort = if cell.parse::<i64>().is_ok() {
                        Sort::Integer
                    } else if cell.parse::<f64>().is_ok() {
                        Sort::Number
                    } else {
                        Sort::Text
                    };
                    (column, sort, cell.to_owned())
                })
                .collect();
            (!cells.is_empty()).then_some(SampleRow { number, cells })
        };
        (1..).zip(text.split('\n')).filter_map(row).collect()
    }

    #[track_caller]
    fn check(text: &str, asked: Asked, preamble: usize, header: usize) {
        let found = find(&rows(text), 1, asked);
        assert_eq!((found.preamble, found.header), (preamble, header), "{}", found.reason);
    }

    #[test]
    fn the_header_is_found_below_titles() {
        let found = Asked::default();
        check("id|name|sum\n1|a|2\n2|b|3", found, 0, 1);
        check("Report\n\nid|name|sum\n1|a|2\n2|b|3", found, 1, 1);
        check("Report|2024\nAll of it\nid|name|sum|x\n1|a|2|\n2|b|3|y", found, 2, 1);
        check("country|2019|2020\nA|1.5|2.5\nB|3.5|4.5", found, 0, 1);
        check("Report\nby|somebody\nid|name|sum\n1|a|2\n2|b|3", found, 2, 1);
        check("name|sum\na|\nb|5\nc|6", found, 0, 1);
        check("country|2020|2021\nA|15|25\nB|35|45", found, 0, 1);
        check("id|name|sum\nno|kg|EUR\n1|2|3\n4|5|6", found, 0, 2);
        check("a|b\nx|y\nz|w", found, 0, 1);
        check("name\nx\ny", found, 0, 1);
        check("id\n1\n2", found, 0, 1);
    }

    #[test]
    fn without_a_sign_of_a_header_nothing_is_left_out() {
        let found = Asked::default();
        check("1|2|3\n4|5|6", found, 0, 0);
        check("x|1|2\ny|3|4", found, 0, 0);
        check("x|y\nx|z\nw|y", found, 0, 0);
        check("1\n2|3|4\n5|6|7", found, 0, 0);
        check("", found, 0, 0);
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let none = Asked { header_rows: Some(0), preamble: None };
        check("id|name\n1|a", none, 0, 0);
        let two = Asked { header_rows: Some(2), preamble: None };
        check("Title\nLeft||Right|\na|b|c|d\n1|2|3|4\n5|6|7|8", two, 1, 2);
        check("x|y|z\na|b|c\n1|2|3\n5|6|7", two, 0, 2);
        let below = Asked { header_rows: Some(1), preamble: Some(2) };
        check("Title\n\na|b\n1|2", below, 1, 1);
        let only = Asked { header_rows: None, preamble: Some(1) };
        check("a|b|c\nd|e|f\n1|2|3", only, 1, 1);
        let nothing = Asked { header_rows: None, preamble: Some(0) };
        check("Report\nby|somebody\nid|name|sum\n1|a|2\n2|b|3", nothing, 0, 1);
        check("Report\n7|8|9\nid|name|sum\n1|a|2\n2|b|3", nothing, 0, 1);
    }
}
