//! Tables that fit the terminal, and plain ones for everything else.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};

/// What stands on the left of every line, as under every heading.
pub(super) const INDENT: &str = "  ";

/// A line under the header, and nothing else: lines between cells are noise.
const ON_TERMINAL: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// Spaces between two columns.
const GAP: u16 = 2;

/// A cell that should stay on one line gets this many characters even if others have to give way.
/// It holds the types but for nested ones, and numbers up to the thousands of millions.
const WHOLE: u16 = 16;

/// A column's heading and how its cells stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    /// Text, on the left, broken over several lines where there is no room.
    Text(&'static str),
    /// A word, on the left, on one line.
    Word(&'static str),
    /// A number, on the right, on one line.
    Number(&'static str),
}

/// Returns the lines of a table. It is as wide as the terminal at most; without a terminal it is as
/// wide as its cells, and nothing but spaces stands between them.
pub(super) fn table(heads: &[Head], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.set_header(heads.iter().map(|head| match head {
        Head::Text(text) | Head::Word(text) | Head::Number(text) => *text,
    }));
    table.add_rows(rows);
    match width {
        Some(width) => {
            table.load_style(ON_TERMINAL);
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width.saturating_sub(INDENT.len() as u16));
        }
        None => {
            table.load_style(TableStyle::new());
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    let widths = table.column_max_content_widths();
    let last = heads.len().saturating_sub(1);
    for ((column, head), width) in table.column_iter_mut().zip(heads).zip(widths) {
        let gap = if column.index == last { 0 } else { GAP };
        column.set_padding((0, gap));
        if let Head::Number(_) = head {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if !matches!(head, Head::Text(_)) {
            let least = Width::Fixed(width.min(WHOLE) + gap);
            column.set_constraint(ColumnConstraint::LowerBoundary(least));
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(INDENT);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns lines of a name and what belongs to it, aligned.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(name, value)| format!("{INDENT}{name:<width$}  {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["id".to_owned(), "1,000".to_owned(), "every value is an integer".to_owned()],
            vec!["größe".to_owned(), "7".to_owned(), "text".to_owned()],
        ]
    }

    const HEADS: [Head; 3] = [Head::Text("name"), Head::Number("distinct"), Head::Text("why")];

    #[test]
    fn plain_tables_are_aligned_by_spaces() {
        insta::assert_snapshot!(table(&HEADS, rows(), None), @"
          name   distinct  why
          id        1,000  every value is an integer
          größe         7  text
        ");
    }

    #[test]
    fn tables_fit_the_terminal() {
        let text = table(&HEADS, rows(), Some(32));
        assert!(text.lines().all(|line| line.chars().count() <= 32), "{text}");
        assert!(text.contains('─'), "{text}");
    }
}
