//! Where the table stands in a text: what is before its header, the header, and what is behind it.
//!
//! Start at [`find`]. It looks at the records of a sample. Two things tell a heading from data: the
//! number of its cells, and that cells which are no values stand above columns of values. Nothing is
//! left out without a sign that speaks for itself, and everything that is left out is told.

use crate::{
    EventSample, LossEvent, TextHints,
    read::csv::{
        Dialect,
        names::column_names,
        shape::{Shape, looks_like_a_value},
        tokenize::{Span, Tokenizer, unescape},
    },
};

/// The code of the event that counts comments.
pub(crate) const COMMENTS: &str = "left_out_comments";

/// More lines than this before a table are no preamble.
const LONGEST_PREAMBLE: usize = 200;

/// A header has no more rows than this.
const MOST_HEADER_ROWS: usize = 5;

/// Records behind a table that can be a footer.
const LONGEST_FOOTER: usize = 10;

/// Where a table stands in a sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Structure {
    /// Lines before the header.
    pub(crate) preamble_lines: u64,
    /// The first of them, shortened.
    pub(crate) preamble_text: String,
    /// Rows of the header; 0 when there is none.
    pub(crate) header_rows: usize,
    /// How sure that is, from 0 to 1, and why.
    pub(crate) header_confidence: f64,
    pub(crate) header_reason: String,
    /// Cells of the header, or empty ones; as many as the table has columns.
    pub(crate) names: Vec<String>,
    /// Where the first record behind the header begins.
    pub(crate) body: usize,
    /// Lines before it.
    pub(crate) body_lines: u64,
    /// Lines before the first record behind the header that are comments.
    pub(crate) comments: u64,
    /// Where the table ends before the text does.
    pub(crate) end: Option<End>,
}

/// What stands behind a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// Where the first record behind the table begins.
    pub(crate) at: usize,
    /// Its line, counted from 1; 0 when only the end of the text was looked at.
    pub(crate) line: u64,
    /// What it is.
    pub(crate) what: Behind,
    /// Its text, shortened.
    pub(crate) text: String,
}

/// What can stand behind a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Another table.
    Table,
    /// Remarks, sums.
    Footer,
}

impl Structure {
    /// Returns what stands before and behind the table, for the receipt.
    pub(crate) fn left_out(&self) -> Vec<LossEvent> {
        let event = |code: &str, count: u64, line: u64, byte: usize, text: &str| LossEvent {
            code: code.to_owned(),
            count,
            samples: vec![EventSample {
                record: 0,
                line,
                byte: byte as u64,
                column: None,
                text: text.to_owned(),
            }],
        };
        let before = (self.preamble_lines > 0)
            .then(|| event("left_out_preamble", self.preamble_lines, 1, 0, &self.preamble_text));
        let behind = self.end.as_ref().map(|end| {
            let code = match end.what {
                Behind::Table => "left_out_table",
                Behind::Footer => "left_out_footer",
            };
            event(code, 1, end.line, end.at, &end.text)
        });
        let comments = (self.comments > 0).then(|| LossEvent {
            code: COMMENTS.to_owned(),
            count: self.comments,
            samples: Vec::new(),
        });
        before.into_iter().chain(comments).chain(behind).collect()
    }
}

fn comments(text: &[u8], dialect: &Dialect) -> u64 {
    let mut tokenizer = Tokenizer::new(text, dialect);
    let mut spans = Vec::new();
    while tokenizer.next_record(&mut spans).is_some() {}
    tokenizer.comments()
}

/// A record of the sample.
struct Row {
    start: usize,
    end: usize,
    line: u64,
    /// A blank line stands before it.
    is_apart: bool,
    cells: Vec<Vec<u8>>,
}

impl Row {
    fn end_of_table(&self, sample: &[u8], what: Behind) -> End {
        let text = crate::DataError::shorten(self.text(sample));
        End { at: self.start, line: self.line, what, text }
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.trim_ascii().is_empty()).count()
    }

    fn text<'a>(&self, sample: &'a [u8]) -> &'a [u8] {
        &sample[self.start..self.end]
    }
}

/// Finds the table in `sample`, which is the whole text if `complete`. With `mend` a header that a
/// slip of the pen has made too wide or too narrow is mended.
pub(crate) fn find(
    sample: &[u8],
    complete: bool,
    dialect: &Dialect,
    hints: &TextHints,
    mend: bool,
) -> Structure {
    let rows = read_rows(sample, dialect);
    let width = common_width(&rows);
    let preamble = match hints.preamble {
        Some(lines) => rows.iter().position(|row| row.line > lines).unwrap_or(rows.len()),
        None => preamble(&rows, width, hints),
    };
    let rows = &rows[preamble..];
    let preamble_lines = hints.preamble.unwrap_or_else(|| match rows.first() {
        Some(first) if preamble > 0 => first.line - 1,
        _ => 0,
    });
    let preamble_text = match preamble_lines {
        0 => String::new(),
        _ => crate::DataError::shorten(sample.split(|&byte| byte == b'\n').next().unwrap_or(b"")),
    };
    let columns = columns_of(rows, width);
    let (header_rows, header_confidence, header_reason) = header(rows, &columns, width, hints);
    let body_row = rows.get(header_rows);
    let body = body_row.map_or(sample.len(), |row| row.start);
    let body_lines = match body_row {
        Some(row) => row.line - 1,
        None => dialect.count_lines(sample),
    };
    let mut names = join_names(&rows[..header_rows], width);
    if header_rows == 0 {
        names = vec![String::new(); width.max(rows.first().map_or(0, |row| row.cells.len()))];
    } else if mend && rows.len() > header_rows + 1 {
        mend_names(&mut names, width, &rows[header_rows - 1], sample, dialect);
    }
    let end = match hints.one_table {
        true => None,
        false => end(&rows[header_rows..], &columns, &names, complete, hints),
    };
    let end = end.map(|(index, what)| rows[header_rows + index].end_of_table(sample, what));
    Structure {
        preamble_lines,
        preamble_text,
        header_rows,
        header_confidence,
        header_reason,
        names,
        body,
        body_lines,
        comments: comments(&sample[..body], dialect),
        end,
    }
}

fn read_rows(sample: &[u8], dialect: &Dialect) -> Vec<Row> {
    let mut tokenizer = Tokenizer::new(sample, dialect);
    let mut spans: Vec<Span> = Vec::new();
    let mut rows = Vec::new();
    let (mut behind, mut line) = (0, 1);
    loop {
        spans.clear();
        let Some(record) = tokenizer.next_record(&mut spans) else { return rows };
        line += dialect.count_lines(&sample[behind..record.start]);
        let between = &sample[behind..record.start];
        let is_apart = behind > 0 && !between.is_empty() && !dialect.is_comment(between, 0);
        let cells = spans
            .iter()
            .map(|span| {
                let mut cell = Vec::new();
                if span.is_escaped() {
                    unescape(span.of(sample), dialect, &mut cell);
                } else {
                    cell.extend_from_slice(span.of(sample));
                }
                cell
            })
            .collect();
        rows.push(Row { start: record.start, end: record.end, line, is_apart, cells });
        line += dialect.count_lines(&sample[record.start..tokenizer.position()]);
        behind = tokenizer.position();
    }
}

/// Returns the number of cells that most rows have; of several the largest.
fn common_width(rows: &[Row]) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for row in rows {
        *counts.entry(row.cells.len()).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|&(width, count)| (count, width)).map_or(1, |(width, _)| width)
}

/// Learns what the cells of each column look like, from the rows of the right width. The first few
/// may be a header.
fn columns_of(rows: &[Row], width: usize) -> Vec<Shape> {
    let mut columns = vec![Shape::new(); width];
    let body = rows.iter().filter(|row| row.cells.len() == width);
    let skipped = usize::from(body.clone().nth(1).is_some());
    for row in body.skip(skipped) {
        for (shape, cell) in columns.iter_mut().zip(&row.cells) {
            shape.observe(cell);
        }
    }
    columns
}

/// Returns how many rows stand before the header.
fn preamble(rows: &[Row], width: usize, hints: &TextHints) -> usize {
    if width < 2 || rows.len() < 3 {
        return 0;
    }
    let mut filled: Vec<usize> =
        rows.iter().filter(|row| row.cells.len() == width).map(Row::filled).collect();
    filled.sort_unstable();
    let usual = filled[filled.len() / 2];
    let is_full = |row: &Row| row.filled() * 10 >= usual * 6 && row.filled() >= 2.min(usual);
    let Some(first) = rows.iter().take(LONGEST_PREAMBLE).position(is_full) else { return 0 };
    if first == 0 {
        return 0;
    }
    let columns = columns_of(&rows[first..], width);
    // What stands there must be no row of the table: its cells are not what the columns hold.
    let is_none_of_the_table = |row: &Row| {
        row.cells.len() != width
            || row.filled() == 0
            || row.cells.iter().zip(&columns).any(|(cell, column)| {
                !cell.is_empty() && column.is_of_values() && !looks_like_a_value(cell)
            })
    };
    let (header_rows, ..) = header(&rows[first..], &columns, width, hints);
    let is_apart = rows[first].is_apart || rows[..first].iter().all(|row| row.cells.len() == 1);
    let is_preamble =
        (header_rows > 0 || is_apart) && rows[..first].iter().all(is_none_of_the_table);
    if is_preamble { first } else { 0 }
}

/// Returns how many rows the header has, how sure that is, and why.
fn header(
    rows: &[Row],
    columns: &[Shape],
    width: usize,
    hints: &TextHints,
) -> (usize, f64, String) {
    let forced = hints.header_rows.or(hints.header.filter(|header| !header).map(|_| 0));
    if let Some(header_rows) = forced {
        return (
            usize::try_from(header_rows).unwrap_or(0).min(rows.len()),
            1.0,
            "given".to_owned(),
        );
    }
    let (found, confidence, reason) = first_is_header(rows, columns);
    if hints.header == Some(true) {
        return (
            more_header_rows(rows, columns, width).max(1).min(rows.len()),
            1.0,
            "given".to_owned(),
        );
    }
    if !found {
        return (0, confidence, reason);
    }
    (more_header_rows(rows, columns, width), confidence, reason)
}

fn first_is_header(rows: &[Row], columns: &[Shape]) -> (bool, f64, String) {
    let Some(first) = rows.first() else { return (false, 1.0, "there are no records".to_owned()) };
    let named = first.filled();
    if named == 0 {
        return (false, 1.0, "the first record is empty".to_owned());
    }
    let years = ascending_years(&first.cells);
    let value = first.cells.iter().find(|cell| looks_like_a_value(cell));
    if let Some(value) = value.filter(|_| !years) {
        let shown = crate::DataError::shorten(value);
        return (false, 0.9, format!("`{shown}` in the first record is a value, not a name"));
    }
    if rows.len() == 1 {
        return (true, 0.8, "there is one record, and it holds no values but names".to_owned());
    }
    let typed = columns.iter().filter(|column| column.is_of_values()).count();
    if typed > 0 && !(years && typed == first.cells.len()) {
        let columns = if typed == 1 { "a column that is" } else { "columns that are" };
        return (true, 1.0, format!("the first record is text above {columns} not"));
    }
    let names: Vec<String> =
        first.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    if column_names(&names) == names {
        let reason = "every field of the first record is text that differs".to_owned();
        return (true, 0.6, reason);
    }
    (false, 0.6, "the first record has empty or repeated fields, like the others".to_owned())
}

/// Returns whether the cells that look like values are years that follow each other, as in the
/// headings of statistics.
fn ascending_years(cells: &[Vec<u8>]) -> bool {
    let years: Vec<u32> = cells
        .iter()
        .filter(|cell| looks_like_a_value(cell))
        .map(|cell| {
            let year = std::str::from_utf8(cell).ok().and_then(|text| text.parse().ok());
            year.filter(|year| (1500..=2200).contains(year)).unwrap_or(0)
        })
        .collect();
    years.len() >= 2 && !years.contains(&0) && years.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Returns how many rows the header has when the first row is one of it. A further row repeats the
/// one before, or has words above at least two columns of values and none there that is a value.
fn more_header_rows(rows: &[Row], columns: &[Shape], width: usize) -> usize {
    let mut count = 1;
    while count < rows.len().min(MOST_HEADER_ROWS) {
        let (above, row) = (&rows[count - 1], &rows[count]);
        let repeats = row.cells == above.cells && row.filled() > 1;
        let words = row
            .cells
            .iter()
            .zip(columns)
            .filter(|(cell, column)| column.is_of_values() && is_word(cell))
            .count();
        let values = row.cells.iter().filter(|cell| looks_like_a_value(cell)).count();
        if !(repeats || words >= 2 && values == 0 && row.cells.len() == width) {
            break;
        }
        count += 1;
    }
    // A table needs a row, or the rows were no header.
    if count == rows.len() && count > 1 && rows[1].cells != rows[0].cells { 1 } else { count }
}

/// Returns whether a cell says something that is no value and no word for a null.
fn is_word(cell: &[u8]) -> bool {
    const NULLS: [&[u8]; 8] = [b"null", b"na", b"n/a", b"none", b"nan", b"\\n", b"-", b"?"];
    let cell = cell.trim_ascii();
    cell.len() > 1
        && !looks_like_a_value(cell)
        && !NULLS.iter().any(|null| cell.eq_ignore_ascii_case(null))
}

/// Joins the rows of a header, column by column, with blanks.
fn join_names(rows: &[Row], width: usize) -> Vec<String> {
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

/// Mends a header with a delimiter too many, too few, or of another sort.
fn mend_names(names: &mut Vec<String>, width: usize, row: &Row, sample: &[u8], dialect: &Dialect) {
    while names.len() > width {
        let Some(empty) = names.iter().position(|name| name.trim().is_empty()) else { return };
        names.remove(empty);
    }
    if names.len() + 1 == width {
        let glued: Vec<(usize, usize)> = names
            .iter()
            .enumerate()
            .flat_map(|(index, name)| seams(name).into_iter().map(move |at| (index, at)))
            .collect();
        if let [(index, at)] = glued[..] {
            let right = names[index].split_off(at);
            let unquoted = |name: &str| match dialect.quote {
                Some(quote) => name.trim_matches(char::from(quote)).to_owned(),
                None => name.to_owned(),
            };
            names[index] = unquoted(&names[index]);
            names.insert(index + 1, unquoted(&right));
        }
        return;
    }
    if names.len() * 2 <= width {
        let text = String::from_utf8_lossy(row.text(sample)).into_owned();
        for other in [';', '\t', '|', ',', ':', ' '] {
            let cells: Vec<&str> = text.split(other).collect();
            if cells.len() == width {
                let quote = dialect.quote.map_or('"', char::from);
                *names = cells.iter().map(|cell| cell.trim_matches(quote).to_owned()).collect();
                return;
            }
        }
    }
}

/// Returns where two names may have been glued together: at a quote, or where a small letter is
/// followed by a capital one.
fn seams(name: &str) -> Vec<usize> {
    let bytes = name.as_bytes();
    let quote = (1..bytes.len().saturating_sub(1)).find(|&at| bytes[at] == b'"');
    if let Some(at) = quote {
        return vec![at];
    }
    (1..bytes.len())
        .filter(|&at| bytes[at - 1].is_ascii_lowercase() && bytes[at].is_ascii_uppercase())
        .collect()
}

/// Finds what stands behind the table whose rows are given, the header left out.
fn end(
    rows: &[Row],
    columns: &[Shape],
    names: &[String],
    complete: bool,
    hints: &TextHints,
) -> Option<(usize, Behind)> {
    let width = columns.len();
    if width < 2 {
        return if complete { footer(rows, columns, hints) } else { None };
    }
    let repeats = |row: &Row| {
        let shared = row.cells.len().min(names.len());
        let is_near = row.cells.len().abs_diff(width) == 1;
        is_near
            && shared >= 2
            && row.cells.iter().zip(names).all(|(cell, name)| cell.as_slice() == name.as_bytes())
    };
    let words_above_values = |row: &Row| {
        let words = row.cells.iter().zip(columns);
        words.filter(|(cell, column)| column.is_of_values() && is_word(cell)).count()
    };
    for (index, row) in rows.iter().enumerate().skip(1) {
        if repeats(row) {
            return Some((index, Behind::Table));
        }
        if !row.is_apart {
            continue;
        }
        // Behind a blank line: rows of another width, or a heading of its own.
        let next = &rows[index..];
        let block =
            next.iter().skip(1).position(|row| row.is_apart).map_or(next.len(), |at| at + 1);
        let others = next[..block].iter().filter(|row| row.cells.len() != width).count();
        if others == block && block >= 2 {
            let is_remark = next[..block].iter().all(|row| row.cells.len() == 1);
            let what = if is_remark { Behind::Footer } else { Behind::Table };
            return Some((index, what));
        }
        if row.cells.len() == width && words_above_values(row) >= 2 {
            return Some((index, Behind::Table));
        }
        let is_last = complete && index + block == rows.len();
        if others == block && is_last && hints.footer.is_none() {
            return Some((index, Behind::Footer));
        }
    }
    if complete { footer(rows, columns, hints) } else { None }
}

/// Finds the footer in the last lines of a text, of which the sample was only the beginning.
pub(crate) fn find_footer(
    tail: &[u8],
    dialect: &Dialect,
    columns: &[Shape],
    hints: &TextHints,
) -> Option<End> {
    let rows = read_rows(tail, dialect);
    let (index, what) = footer(&rows, columns, hints)?;
    Some(End { line: 0, ..rows[index].end_of_table(tail, what) })
}

/// Finds the remarks behind the last row: few cells, of which the first is not what its column
/// holds.
fn footer(rows: &[Row], columns: &[Shape], hints: &TextHints) -> Option<(usize, Behind)> {
    if let Some(lines) = hints.footer {
        let end = rows.last()?.line + 1;
        let first = rows.iter().position(|row| row.line + lines >= end)?;
        return (lines > 0).then_some((first, Behind::Footer));
    }
    if columns.len() < 2 {
        return None;
    }
    let is_remark = |row: &Row| {
        row.cells.len() < columns.len()
            && row.filled() <= 2
            && columns
                .first()
                .zip(row.cells.first())
                .is_some_and(|(column, cell)| column.is_of_values() && is_word(cell))
    };
    let table = rows.iter().rposition(|row| !is_remark(row)).map_or(0, |last| last + 1);
    let is_footer = table > 0 && table < rows.len() && rows.len() - table <= LONGEST_FOOTER;
    is_footer.then_some((table, Behind::Footer))
}
