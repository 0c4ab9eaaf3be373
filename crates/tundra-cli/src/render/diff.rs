//! How two inputs differ, as text.
//!
//! Start at [`diff()`]. On a terminal values are cut where they have no room, and what two long values have in
//! common at their beginning gives way first; into a pipe everything is written whole.

use tundra_core::engine::{
    ColumnChange, Diff, KeyedRows, RowColumn, RowsDiff, ShownRows, WholeRows,
};

use crate::render::{
    counted, grouped, one_line,
    rows::{Shown, drawn},
    table::{Head, INDENT, table},
};

/// Characters of a value that are shown in front of where it differs.
const CONTEXT: usize = 8;

/// Values up to this length are shown from their beginning in any case.
const SHORT: usize = 40;

/// Returns how two inputs differ, and what there is to say besides.
pub(crate) fn diff(diff: &Diff, width: Option<u16>) -> Shown {
    let mut drawing = Drawing { text: String::new(), width };
    drawing.sides(diff);
    drawing.columns(&diff.columns);
    let mut note = String::new();
    match &diff.rows {
        RowsDiff::Keyed(rows) => drawing.keyed(rows),
        RowsDiff::Whole(rows) => {
            drawing.whole(rows, diff);
            if let Some(key) = &rows.possible_key {
                let key = one_line(key, None);
                note = format!(
                    "every row has a `{key}` of its own: `--key '{key}'` tells what changed in them\n"
                );
            }
        }
        _ => drawing.line("no column is in both, so that no rows are compared"),
    }
    if diff.is_same() {
        drawing.line("nothing differs");
    }
    Shown { table: drawing.text, note }
}

struct Drawing {
    text: String,
    width: Option<u16>,
}

impl Drawing {
    fn line(&mut self, line: &str) {
        self.text.push_str(&format!("\n{INDENT}{line}\n"));
    }

    fn sides(&mut self, diff: &Diff) {
        let row = |mark: &str, side: &tundra_core::engine::DiffSide| {
            vec![
                mark.to_owned(),
                one_line(&side.location, None),
                grouped(side.rows),
                grouped(side.columns.len() as u64),
            ]
        };
        let heads =
            [Head::Word(""), Head::Text("input"), Head::Number("rows"), Head::Number("columns")];
        let rows = vec![row("-", &diff.a), row("+", &diff.b)];
        self.text.push_str(&table(&heads, rows, self.width));
    }

    fn columns(&mut self, changes: &[ColumnChange]) {
        if changes.is_empty() {
            return;
        }
        let absent = || "-".to_owned();
        let rows = changes.iter().map(|change| {
            let (from, to, compared_as) = match change {
                ColumnChange::Removed { column_type, .. } => {
                    (one_line(column_type, None), absent(), String::new())
                }
                ColumnChange::Added { column_type, .. } => {
                    (absent(), one_line(column_type, None), String::new())
                }
                ColumnChange::Retyped { from, to, compared_as, .. } => {
                    (one_line(from, None), one_line(to, None), one_line(compared_as, None))
                }
                ColumnChange::Moved { from, to, .. } => {
                    (format!("column {from}"), format!("column {to}"), String::new())
                }
                // What a later version adds has its name and its column.
                _ => (String::new(), String::new(), String::new()),
            };
            vec![change.name().to_owned(), one_line(change.column(), None), from, to, compared_as]
        });
        let is_retyped = |change: &ColumnChange| matches!(change, ColumnChange::Retyped { .. });
        let mut heads = vec![
            Head::Word("change"),
            Head::Text("column"),
            Head::Text("before"),
            Head::Text("now"),
        ];
        if changes.iter().any(is_retyped) {
            heads.push(Head::Text("compared as"));
        }
        let rows = rows.map(|row| row.into_iter().take(heads.len()).collect()).collect();
        self.text.push('\n');
        self.text.push_str(&table(&heads, rows, self.width));
    }

    fn keyed(&mut self, rows: &KeyedRows) {
        let key: Vec<String> =
            rows.key.iter().map(|column| format!("`{}`", one_line(&column.name, None))).collect();
        self.line(&format!(
            "rows by {}: {} the same, {} changed, {} removed, {} added",
            key.join(", "),
            grouped(rows.same),
            grouped(rows.changed),
            grouped(rows.removed),
            grouped(rows.added),
        ));
        if rows.changed > 0 {
            let changed = rows.changed_values.iter();
            let changed =
                changed.map(|(column, rows)| vec![one_line(column, None), grouped(*rows)]);
            let heads = [Head::Text("column"), Head::Number("changed in rows")];
            self.text.push('\n');
            self.text.push_str(&table(&heads, changed.collect(), self.width));
        }
        if !rows.changes.is_empty() {
            self.heading("changed", rows.changes.len(), rows.changed);
            self.changes(rows);
        }
        self.rows("removed", &rows.removed_rows, rows.removed);
        self.rows("added", &rows.added_rows, rows.added);
    }

    fn whole(&mut self, rows: &WholeRows, diff: &Diff) {
        let columns = counted(diff.compared.len() as u64, "column");
        self.line(&format!(
            "rows by all of {columns}: {} the same, {} removed, {} added",
            grouped(rows.same),
            grouped(rows.removed),
            grouped(rows.added),
        ));
        let more = |rows: &ShownRows| rows.times.iter().sum::<u64>();
        self.rows_of("removed", &rows.removed_rows, more(&rows.removed_rows), rows.removed);
        self.rows_of("added", &rows.added_rows, more(&rows.added_rows), rows.added);
    }

    fn changes(&mut self, rows: &KeyedRows) {
        let mut columns = rows.key.clone();
        columns.extend(
            ["column", "before", "now"]
                .map(|name| RowColumn { name: name.to_owned(), column_type: String::new() }),
        );
        let mut lines = Vec::new();
        for change in &rows.changes {
            for value in &change.values {
                let mut line = change.key.clone();
                let (from, to) = (told(value.from.as_deref()), told(value.to.as_deref()));
                let (from, to) = match (self.width, from, to) {
                    (Some(_), Some(from), Some(to)) => {
                        let (from, to) = from_difference(&from, &to);
                        (Some(from), Some(to))
                    }
                    (_, from, to) => (from, to),
                };
                line.extend([Some(value.column.clone()), from, to]);
                lines.push(line);
            }
        }
        self.drawn(&columns, &lines);
    }

    fn rows(&mut self, what: &str, rows: &ShownRows, all: u64) {
        self.rows_of(what, rows, rows.cells.len() as u64, all);
    }

    fn rows_of(&mut self, what: &str, rows: &ShownRows, shown: u64, all: u64) {
        if rows.cells.is_empty() {
            return;
        }
        self.heading(what, usize::try_from(shown).unwrap_or(usize::MAX), all);
        if rows.times.iter().all(|times| *times == 1) {
            self.drawn(&rows.columns, &rows.cells);
            return;
        }
        let times = RowColumn { name: "times".to_owned(), column_type: "BIGINT".to_owned() };
        let columns: Vec<RowColumn> =
            std::iter::once(times).chain(rows.columns.iter().cloned()).collect();
        let lines: Vec<Vec<Option<String>>> = rows
            .cells
            .iter()
            .zip(&rows.times)
            .map(|(cells, times)| {
                std::iter::once(Some(times.to_string())).chain(cells.iter().cloned()).collect()
            })
            .collect();
        self.drawn(&columns, &lines);
    }

    fn heading(&mut self, what: &str, shown: usize, all: u64) {
        let shown = shown as u64;
        let which = match shown < all {
            true => format!("{what}, the first {} of {}:", grouped(shown), counted(all, "row")),
            false => format!("{what}:"),
        };
        self.line(&which);
    }

    fn drawn(&mut self, columns: &[RowColumn], cells: &[Vec<Option<String>>]) {
        let (text, left_out) = drawn(columns, cells, self.width);
        self.text.push_str(&text);
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().map(|name| one_line(name, Some(24))).collect();
            let columns = counted(left_out.len() as u64, "column");
            self.text.push_str(&format!("{INDENT}no room for {columns}: {}\n", names.join(", ")));
        }
    }
}

/// Returns a value with quotes around it where blanks, or nothing at all, could not be seen.
fn told(value: Option<&str>) -> Option<String> {
    value.map(|value| {
        let is_seen = !value.is_empty() && value.trim() == value;
        if is_seen { value.to_owned() } else { format!("'{value}'") }
    })
}

/// Returns two values from a little before the place where they differ, where that is far behind.
fn from_difference(a: &str, b: &str) -> (String, String) {
    let common = a.chars().zip(b.chars()).take_while(|(one, other)| one == other).count();
    let is_short = a.chars().count().max(b.chars().count()) <= SHORT;
    if is_short || common <= 2 * CONTEXT {
        return (a.to_owned(), b.to_owned());
    }
    let from = |text: &str| {
        let rest: String = text.chars().skip(common - CONTEXT).collect();
        format!("…{rest}")
    };
    (from(a), from(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shown_from_where_they_differ() {
        let long = "the beginning of a long text of many words that ";
        let (a, b) = from_difference(&format!("{long}ends"), &format!("{long}goes on"));
        assert_eq!((a.as_str(), b.as_str()), ("…ds that ends", "…ds that goes on"));
        assert_eq!(from_difference("ab", "ac"), ("ab".to_owned(), "ac".to_owned()));
    }

    #[test]
    fn blanks_can_be_seen() {
        assert_eq!(told(Some("a ")).as_deref(), Some("'a '"));
        assert_eq!(told(Some("")).as_deref(), Some("''"));
        assert_eq!(told(Some("a b")).as_deref(), Some("a b"));
        assert_eq!(told(None), None);
    }
}
