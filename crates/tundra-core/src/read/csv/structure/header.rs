//! The header: which records name the columns, and what the names are.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    TextHints,
    read::csv::{
        Dialect,
        marker::Marker,
        names::column_names,
        shape::{Shape, looks_like_a_value},
        structure::Row,
        tokenize::{Tokenizer, cell_text},
    },
};

/// A header has no more rows than this.
const MOST_HEADER_ROWS: usize = 5;

/// Delimiters that a header may have instead of the records', the ones that names hold last.
const OTHERS: [&str; 6] = [";", "\t", "|", ",", ":", " "];

/// Which rows are the header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// How many rows it has; 0 when there is none.
    pub(super) rows: usize,
    /// How sure that is, from 0 to 1.
    pub(super) confidence: f64,
    /// Why.
    pub(super) reason: String,
}

impl Header {
    fn new(rows: usize, confidence: f64, reason: impl Into<String>) -> Self {
        Self { rows, confidence, reason: reason.into() }
    }
}

/// Finds the header in the rows of a table, of which `columns` says what most of them look like.
/// `mend` says that damage in it is passed over.
pub(super) fn find(
    rows: &[Row<'_>],
    columns: &[Shape],
    dialect: &Dialect,
    hints: &TextHints,
    mend: bool,
) -> Header {
    let forced = hints.header_rows.or(hints.header.filter(|header| !header).map(|_| 0));
    if let Some(header_rows) = forced {
        return Header::new(usize::try_from(header_rows).unwrap_or(0), 1.0, "given");
    }
    let more = || more_rows(rows, columns).min(rows.len());
    if hints.header == Some(true) {
        return Header::new(more().max(1).min(rows.len()), 1.0, "given");
    }
    if let [first, next, ..] = rows
        && is_of_another_sort(first, next, dialect, columns.len(), mend)
    {
        return Header::new(1, 0.8, "the first line has as many names, with another delimiter");
    }
    let found = first_is_header(rows, columns, mend);
    if found.rows == 0 { found } else { Header { rows: more(), ..found } }
}

fn first_is_header(rows: &[Row<'_>], columns: &[Shape], mend: bool) -> Header {
    let Some(first) = rows.first() else { return Header::new(0, 1.0, "there are no records") };
    if first.filled() == 0 {
        return Header::new(0, 1.0, "the first record is empty");
    }
    if let Some(value) = first.cells.iter().find(|cell| looks_like_a_value(cell)) {
        let is_series = is_series(&first.cells, &rows[1..], columns);
        if is_series {
            let reason = "the first record is a word and numbers that follow each other";
            return Header::new(1, 0.8, reason);
        }
        // Words above numbers beside one number: a column may well be called so.
        let is_mixed = first.filled() == first.cells.len()
            && first.cells.iter().zip(columns).any(|(cell, column)| {
                column.is_of_values() && is_word(cell) && !looks_like_a_value(cell)
            });
        let shown = crate::DataError::shorten(value);
        let reason = format!("`{shown}` in the first record is a value, not a name");
        return Header::new(0, if is_mixed { 0.6 } else { 0.9 }, reason);
    }
    if rows.len() == 1 {
        return Header::new(1, 0.8, "there is one record, and it holds no values but names");
    }
    let above = |says: fn(&[u8]) -> bool| {
        let cells = first.cells.iter().zip(columns);
        cells.filter(|(cell, column)| column.is_of_values() && says(cell)).count()
    };
    let named = above(|cell| !cell.trim_ascii().is_empty() && !is_null_word(cell));
    if named > 0 {
        let columns = if named == 1 { "a column that is" } else { "columns that are" };
        return Header::new(1, 1.0, format!("the first record is text above {columns} not"));
    }
    if recurs(first, &rows[1..]) {
        let reason = "fields of the first record come again below it, so it is one of the records";
        return Header::new(0, 0.6, reason);
    }
    if above(|cell| cell.trim_ascii().is_empty()) > 0 {
        let reason = "the first record is text or nothing above a column that is not";
        return Header::new(1, 0.8, reason);
    }
    let mut names: Vec<String> =
        first.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    if mend && names.len() == columns.len() + 1 {
        // A delimiter too many is taken out of a header below.
        if let Some(empty) = names.iter().position(|name| name.trim().is_empty()) {
            names.remove(empty);
        }
    }
    // What spreadsheets add at the end of every line is no name that is missing.
    while names.len() > 2 && names.last().is_some_and(|name| name.trim().is_empty()) {
        names.pop();
    }
    if column_names(&names) == names {
        return Header::new(1, 0.6, "every field of the first record is text that differs");
    }
    Header::new(0, 0.6, "the first record has empty or repeated fields, like the others")
}

/// Returns whether the cells of a row come again below, each in its own column, as those of records do
/// and names do not: two of them, or one that is frequent. The whole row once more is no sign unless
/// it follows at once, because files that were put together have their headers inside.
fn recurs(first: &Row<'_>, below: &[Row<'_>]) -> bool {
    /// A word in every fifth record is one of a few that a column holds.
    const FREQUENT: usize = 5;
    if below.first().is_some_and(|next| next.cells == first.cells) {
        return true;
    }
    let below: Vec<&Row<'_>> = below.iter().filter(|row| row.cells != first.cells).collect();
    let counts: Vec<usize> = first
        .cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| !cell.trim_ascii().is_empty())
        .map(|(column, cell)| {
            below.iter().filter(|row| row.cells.get(column) == Some(cell)).count()
        })
        .collect();
    counts.iter().filter(|&&count| count > 0).count() >= 2
        || counts.iter().any(|&count| count >= 2 && count * FREQUENT >= below.len())
}

/// Returns whether the first row is a heading of statistics: its values are whole numbers in equal
/// steps, such as years, beside a word above a column of text. Two numbers must be years.
fn is_series(cells: &[Cow<'_, [u8]>], below: &[Row<'_>], columns: &[Shape]) -> bool {
    let numbers = |cells: &[Cow<'_, [u8]>]| -> Option<Vec<i64>> {
        let values = cells.iter().filter(|cell| looks_like_a_value(cell));
        values.map(|cell| std::str::from_utf8(cell).ok()?.parse().ok()).collect()
    };
    let is_even = |numbers: &[i64]| {
        let step = |pair: &[i64]| i128::from(pair[1]) - i128::from(pair[0]);
        let steps: BTreeSet<i128> = numbers.windows(2).map(step).collect();
        steps.len() == 1 && !steps.contains(&0)
    };
    let Some(numbers_of_first) = numbers(cells) else { return false };
    let is_year = |number: &i64| (1500..=2200).contains(number);
    let by_one = |numbers: &[i64]| {
        is_even(numbers) && numbers.windows(2).all(|pair| pair[0].abs_diff(pair[1]) == 1)
    };
    if numbers_of_first.len() >= 2
        && numbers_of_first.iter().all(is_year)
        && by_one(&numbers_of_first)
    {
        return true;
    }
    let is_apart = cells.first().zip(columns.first()).is_some_and(|(cell, column)| {
        is_word(cell) && !column.is_of_values() && !below.iter().any(|row| row.cells[0] == *cell)
    });
    numbers_of_first.len() >= 3
        && is_apart
        && by_one(&numbers_of_first)
        && !below.iter().any(|row| numbers(&row.cells).is_some_and(|numbers| by_one(&numbers)))
}

/// Returns how many rows the header has when the first row is one of it. A further row repeats the
/// one before above columns of values, or has words above at least two such columns and none there
/// that is a value.
fn more_rows(rows: &[Row<'_>], columns: &[Shape]) -> usize {
    let has_values = columns.iter().any(Shape::is_of_values);
    let mut count = 1;
    while count < rows.len().min(MOST_HEADER_ROWS) {
        let (above, row) = (&rows[count - 1], &rows[count]);
        let repeats = row.cells == above.cells && row.filled() > 1 && has_values;
        let words = row.words_above_values(columns);
        let values = row.cells.iter().filter(|cell| looks_like_a_value(cell)).count();
        if !(repeats || words >= 2 && values == 0 && row.cells.len() == columns.len()) {
            break;
        }
        count += 1;
    }
    // A table needs a row, or the rows were no header.
    if count == rows.len() && count > 1 && rows[1].cells != rows[0].cells { 1 } else { count }
}

/// Returns whether a cell says something that is no value and no word for a null.
pub(super) fn is_word(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    cell.len() > 1 && !looks_like_a_value(cell) && !is_null_word(cell)
}

/// Returns whether people write the cell where a value is missing.
fn is_null_word(cell: &[u8]) -> bool {
    const NULLS: [&[u8]; 8] = [b"null", b"na", b"n/a", b"none", b"nan", b"\\n", b"-", b"?"];
    NULLS.iter().any(|null| cell.trim_ascii().eq_ignore_ascii_case(null))
}

/// Returns whether a row is the header, written with another delimiter than the records. A title of as
/// many words as there are columns is none, if a header follows; few words are one only where damage
/// is mended.
pub(super) fn is_of_another_sort(
    row: &Row<'_>,
    next: &Row<'_>,
    dialect: &Dialect,
    width: usize,
    mend: bool,
) -> bool {
    let has_value = next.cells.iter().any(|cell| looks_like_a_value(cell));
    let is_sure = !row.text.contains(&b' ') || has_value && (mend || width > 3);
    row.cells.len() * 2 <= width
        && next.cells.len() == width
        && is_sure
        && of_another_sort(row.text, dialect, width).is_some()
}

/// Returns the names in a line that another delimiter than the records' splits into as many different
/// words as there are columns.
pub(crate) fn of_another_sort(line: &[u8], dialect: &Dialect, width: usize) -> Option<Vec<String>> {
    if width < 2 {
        return None;
    }
    let others = OTHERS.into_iter().filter_map(Marker::new);
    others.filter(|other| *other != dialect.delimiter).find_map(|delimiter| {
        let dialect = Dialect { delimiter, ..dialect.clone() };
        let mut spans = Vec::new();
        Tokenizer::new(line, &dialect).next_record(&mut spans)?;
        let cells: Vec<Cow<'_, [u8]>> =
            spans.iter().map(|span| cell_text(*span, line, &dialect)).collect();
        let mut seen = BTreeSet::new();
        let are_names = cells.len() == width
            && cells.iter().all(|cell| {
                !cell.trim_ascii().is_empty() && !looks_like_a_value(cell) && seen.insert(cell)
            });
        let text = |cell: &Cow<'_, [u8]>| String::from_utf8_lossy(cell).into_owned();
        are_names.then(|| cells.iter().map(text).collect())
    })
}

/// Joins the rows of a header, column by column, with blanks.
pub(super) fn join_names(rows: &[Row<'_>], width: usize) -> Vec<String> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(width);
    (0..width)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.cells.get(column));
            let words: Vec<String> = cells
                .filter(|cell| rows.len() == 1 || !cell.trim_ascii().is_empty())
                .map(|cell| {
                    let text = String::from_utf8_lossy(cell);
                    // A byte-order mark inside the quotes of the first name.
                    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
                })
                .collect();
            words.join(" ")
        })
        .collect()
}

/// Mends a header with a delimiter too many, too few, or of another sort. There is a name for every
/// column then; one that cannot be found out is empty.
pub(super) fn mend_names(names: &mut Vec<String>, width: usize, row: &Row<'_>, dialect: &Dialect) {
    while names.len() > width {
        let Some(empty) = names.iter().position(|name| name.trim().is_empty()) else { return };
        names.remove(empty);
    }
    if names.len() * 2 <= width
        && let Some(found) = of_another_sort(row.text, dialect, width)
    {
        *names = found;
        return;
    }
    if names.len() + 1 == width
        && let Some((index, at)) = seam(names)
    {
        let right = names[index].split_off(at);
        let unquoted = |name: &str| match dialect.quote {
            Some(quote) => name.trim_matches(char::from(quote)).to_owned(),
            None => name.to_owned(),
        };
        names[index] = unquoted(&names[index]);
        names.insert(index + 1, unquoted(&right));
    }
    if names.len() < width {
        names.resize(width, String::new());
    }
}

/// Returns where two names were most likely glued together: at a quote, or where a small letter is
/// followed by a capital one.
fn seam(names: &[String]) -> Option<(usize, usize)> {
    let quotes: Vec<(usize, usize)> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let bytes = name.as_bytes();
            let inside = 1..bytes.len().saturating_sub(1);
            inside.into_iter().find(|&at| bytes[at] == b'"').map(|at| (index, at))
        })
        .collect();
    if let [seam] = quotes[..] {
        return Some(seam);
    }
    let cases: Vec<(usize, usize)> = names
        .iter()
        .enumerate()
        .flat_map(|(index, name)| {
            let bytes = name.as_bytes();
            let is_seam =
                |at: &usize| bytes[at - 1].is_ascii_lowercase() && bytes[*at].is_ascii_uppercase();
            (1..bytes.len()).filter(is_seam).map(move |at| (index, at)).collect::<Vec<_>>()
        })
        .collect();
    match cases[..] {
        [seam] => Some(seam),
        _ => {
            // Where names are written like that anyway, two of them are longer than any other.
            let longest = (0..names.len()).max_by_key(|&index| names[index].len())?;
            let others = (0..names.len()).filter(|&index| index != longest);
            let next = others.map(|index| names[index].len()).max()?;
            let mut within = cases.iter().filter(|(index, _)| *index == longest);
            let seam = within.next().copied().filter(|_| within.next().is_none())?;
            (names[longest].len() * 2 >= next * 3).then_some(seam)
        }
    }
}
