//! Rows as a table that fits the terminal, and the columns of an input.
//!
//! Start at [`rows()`]. What has no room is cut and ends with `…`: a value that is shown without that mark is
//! shown whole. Columns that have no room at all are left out and named.

use tundra_core::{
    ColumnPlan,
    engine::{QueryOutput, RowColumn, Rows},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::{
    counted, grouped, one_line, size,
    table::{Head, INDENT, pairs, table},
};

/// Spaces between two columns.
const GAP: usize = 2;

/// What a column that has to give way keeps.
const LEAST: usize = 8;

/// Marks what is cut.
const CUT: char = '…';

/// A null. A text that reads the same is shown in quotes.
const NULL: &str = "NULL";

/// A table, and what there is besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The table.
    pub(crate) table: String,
    /// What it does not show.
    pub(crate) note: String,
}

/// Draws rows, as wide as the terminal at most; whole without one.
pub(crate) fn rows(rows: &Rows, width: Option<u16>) -> Shown {
    let (table, left_out) = drawn(rows.columns(), &rows.cells(), width);
    let mut note = match rows.total() {
        Some(total) if rows.more() => {
            format!("{} of {}", grouped(rows.shown()), counted(total, "row"))
        }
        _ if rows.more() => format!("the first {}", counted(rows.shown(), "row")),
        _ => counted(rows.shown(), "row"),
    };
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|name| one_line(name, Some(24))).collect();
        let columns = counted(left_out.len() as u64, "column");
        note.push_str(&format!("; no room for {columns}: {}", names.join(", ")));
    }
    note.push('\n');
    Shown { table, note }
}

/// Returns a line for each column.
pub(crate) fn schema(columns: &[ColumnPlan], width: Option<u16>) -> String {
    let heads = [Head::Number("#"), Head::Text("name"), Head::Text("type")];
    let rows = columns.iter().zip(1u64..).map(|(column, number)| {
        vec![number.to_string(), one_line(&column.name, None), one_line(&column.column_type, None)]
    });
    table(&heads, rows.collect(), width)
}

/// Returns a few lines on the answer of a query that was written to a file. Both names are as typed.
pub(crate) fn answered(input: &str, output: &str, answer: &QueryOutput) -> String {
    let columns = counted(answer.columns.len() as u64, "column");
    let lines = [
        ("rows", format!("{}, {columns}", grouped(answer.rows))),
        ("size", size(answer.size_bytes)),
    ];
    format!("asked {} -> {}\n{}", one_line(input, None), one_line(output, None), pairs(&lines))
}

/// A column that is to be drawn.
struct Column<'a> {
    name: &'a str,
    is_number: bool,
    lines: Vec<String>,
    width: usize,
}

/// Returns the table, and the names of the columns that have no room.
pub(super) fn drawn<'a>(
    columns: &'a [RowColumn],
    cells: &[Vec<Option<String>>],
    width: Option<u16>,
) -> (String, Vec<&'a str>) {
    // No more than this can be seen of a value, so that no more of it is measured.
    let limit = width.map(usize::from);
    let mut shown: Vec<Column<'a>> = columns
        .iter()
        .enumerate()
        .map(|(index, RowColumn { name, column_type })| {
            let heads = [name, column_type].map(|text| one_line(text, limit));
            let values =
                cells.iter().map(|row| cell(row.get(index).and_then(Option::as_deref), limit));
            let lines: Vec<String> = heads.into_iter().chain(values).collect();
            let width = lines.iter().map(|line| line.width()).max().unwrap_or(0);
            Column { name, is_number: is_number(column_type), lines, width }
        })
        .collect();
    let mut left_out = Vec::new();
    if let Some(limit) = limit {
        let room = limit.saturating_sub(INDENT.len());
        let count = fitting(&shown, room);
        left_out = shown[count..].iter().map(|column| column.name).collect();
        shown.truncate(count);
        // The mark of what is left out takes a column of its own.
        let mark = if left_out.is_empty() { 0 } else { GAP + 1 };
        squeeze(&mut shown, room.saturating_sub(mark));
    }
    let mut text = String::new();
    for line in 0..cells.len() + 2 {
        text.push_str(&line_of(&shown, line, !left_out.is_empty()));
        // Between the types and the rows.
        if line == 1 && limit.is_some() {
            let widths: usize = shown.iter().map(|column| column.width).sum();
            let mark = if left_out.is_empty() { 0 } else { GAP + 1 };
            let length = widths + GAP * shown.len().saturating_sub(1) + mark;
            text.push_str(&format!("{INDENT}{}\n", "─".repeat(length)));
        }
    }
    (text, left_out)
}

fn line_of(columns: &[Column<'_>], line: usize, marked: bool) -> String {
    let mut text = INDENT.to_owned();
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            text.push_str(&" ".repeat(GAP));
        }
        let value = cut(&column.lines[line], column.width);
        let blanks = " ".repeat(column.width.saturating_sub(value.width()));
        if column.is_number {
            text.push_str(&blanks);
            text.push_str(&value);
        } else {
            text.push_str(&value);
            text.push_str(&blanks);
        }
    }
    if marked {
        text.push_str(&" ".repeat(GAP));
        text.push(CUT);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Returns how many of the first columns have room, at least one, when each gives way as far as it can.
fn fitting(columns: &[Column<'_>], room: usize) -> usize {
    let least = |column: &Column<'_>| column.width.min(LEAST);
    let all: usize =
        columns.iter().map(least).sum::<usize>() + GAP * columns.len().saturating_sub(1);
    if all <= room {
        return columns.len();
    }
    // The mark of what is left out.
    let mut taken = 1;
    let fit = columns.iter().take_while(|column| {
        taken += least(column) + GAP;
        taken <= room
    });
    fit.count().max(1).min(columns.len())
}

/// Takes width from the widest columns until all have room.
fn squeeze(columns: &mut [Column<'_>], room: usize) {
    let room = room.saturating_sub(GAP * columns.len().saturating_sub(1));
    let needs =
        |level: usize| -> usize { columns.iter().map(|column| column.width.min(level)).sum() };
    let widest = columns.iter().map(|column| column.width).max().unwrap_or(0);
    if needs(widest) <= room {
        return;
    }
    let (mut level, mut beyond) = (1, widest);
    while level + 1 < beyond {
        let middle = level.midpoint(beyond);
        if needs(middle) <= room { level = middle } else { beyond = middle }
    }
    let mut spare = room.saturating_sub(needs(level));
    for column in columns.iter_mut().filter(|column| column.width > level) {
        // What does not divide evenly goes to the first.
        column.width = level + usize::from(spare > 0);
        spare = spare.saturating_sub(1);
    }
}

fn cell(value: Option<&str>, limit: Option<usize>) -> String {
    match value {
        None => NULL.to_owned(),
        Some(NULL) => format!("'{NULL}'"),
        Some(value) => one_line(value, limit),
    }
}

/// Returns the text, cut to so many columns of the terminal.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    // The mark takes one.
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        cut.push(character);
    }
    cut.push(CUT);
    cut
}

fn is_number(column_type: &str) -> bool {
    let name = column_type.split('(').next().unwrap_or_default();
    !column_type.ends_with(']')
        && (name.ends_with("INT")
            || matches!(name, "INTEGER" | "UINTEGER" | "DECIMAL" | "DOUBLE" | "FLOAT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &[(&str, &str)]) -> Vec<RowColumn> {
        let column = |(name, kind): &(&str, &str)| RowColumn {
            name: (*name).to_owned(),
            column_type: (*kind).to_owned(),
        };
        columns.iter().map(column).collect()
    }

    fn cells(rows: &[&[Option<&str>]]) -> Vec<Vec<Option<String>>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect()
    }

    #[test]
    fn without_a_terminal_everything_is_whole() {
        let columns = columns(&[("id", "BIGINT"), ("größe", "VARCHAR"), ("at", "DATE")]);
        let cells = cells(&[
            &[Some("1"), Some("a\nb"), None],
            &[Some("1000"), Some("NULL"), Some("2024-01-01")],
        ]);
        let (text, left_out) = drawn(&columns, &cells, None);
        assert_eq!(
            text,
            "      id  größe    at\n  BIGINT  VARCHAR  DATE\n       1  a\\nb     NULL\n    \
             1000  'NULL'   2024-01-01\n"
        );
        assert!(left_out.is_empty());
    }

    #[test]
    fn on_a_terminal_what_is_cut_is_marked() {
        let columns = columns(&[("id", "INTEGER"), ("text", "VARCHAR")]);
        let long = "x".repeat(200);
        let cells = cells(&[&[Some("1"), Some(&long)], &[Some("2"), Some("short")]]);
        let (text, left_out) = drawn(&columns, &cells, Some(30));
        assert!(text.lines().all(|line| line.width() <= 30), "{text}");
        assert!(text.contains("xxx…\n") && text.contains("short\n"), "{text}");
        assert!(text.lines().nth(2).is_some_and(|line| line.contains("──")), "{text}");
        assert!(left_out.is_empty());
    }

    #[test]
    fn columns_without_room_are_left_out_and_named() {
        let names: Vec<String> = (0..50).map(|number| format!("column_{number:02}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "VARCHAR")).collect();
        let row: Vec<Option<&str>> = vec![Some("日本語日本語"); 50];
        for width in [1, 10, 20, 40, 80, 200] {
            let columns = columns(&many);
            let (text, left_out) = drawn(&columns, &cells(&[&row]), Some(width));
            assert!(!left_out.is_empty());
            let shown = 50 - left_out.len();
            assert!(shown >= 1);
            assert_eq!(left_out[0], names[shown]);
            if width >= 20 {
                let widest = text.lines().map(UnicodeWidthStr::width).max();
                assert!(widest <= Some(width.into()), "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn the_schema_is_a_line_for_each_column() {
        let column = |name: &str, kind: &str| ColumnPlan {
            name: name.to_owned(),
            source_name: name.to_owned(),
            column_type: kind.to_owned(),
            format: None,
            reason: String::new(),
        };
        let columns = [column("id", "BIGINT"), column("na\tme", "VARCHAR")];
        assert_eq!(
            schema(&columns, None),
            "  #  name    type\n  1  id      BIGINT\n  2  na\\tme  VARCHAR\n"
        );
    }
}
