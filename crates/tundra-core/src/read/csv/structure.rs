//! Where the table stands in a text: what is before its header, the header, and what is behind it.
//!
//! Start at [`find`]. It looks at the records of a sample. Two things tell a heading from data: the
//! number of its cells, and that cells which are no values stand above columns of values. Nothing is
//! left out without a sign that speaks for itself, and everything that is left out is told. What is
//! in doubt stays in the table, where a record that does not fit is a bad one.

mod behind;
mod header;

use std::borrow::Cow;

use crate::{
    Error, EventSample, LossEvent, TextHints,
    read::{
        csv::{
            Dialect,
            shape::{Shape, Shapes, looks_like_a_value},
            tokenize::{Span, Tokenizer, cell_text},
        },
        table::LeftOut,
    },
};

pub(crate) use self::{behind::find_footer, header::of_another_sort};

/// The code of the event that counts comments.
pub(crate) const COMMENTS: &str = "left_out_comments";

/// More lines than this before a table are no preamble.
const LONGEST_PREAMBLE: usize = 200;

/// Where a table stands in a sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Structure {
    /// Lines before the header, and their bytes.
    pub(crate) preamble_lines: u64,
    preamble_bytes: u64,
    /// The first of them, shortened.
    preamble_text: String,
    /// Rows of the header; 0 when there is none.
    pub(crate) header_rows: usize,
    /// How sure that is, from 0 to 1, and why.
    pub(crate) header_confidence: f64,
    pub(crate) header_reason: String,
    /// Cells of the header, or empty ones; as many as the table has columns.
    pub(crate) names: Vec<String>,
    /// The header as it stands, if it was mended.
    mended: Option<EventSample>,
    /// Where the first record behind the header begins.
    pub(crate) body: usize,
    /// Lines before it.
    pub(crate) body_lines: u64,
    /// Comments before the first record behind the header, and their bytes.
    comments: (u64, u64),
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
    /// Lines and bytes from there to the end of the text that was looked at.
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    /// What it is.
    pub(crate) what: Behind,
    /// Its text, shortened.
    pub(crate) text: String,
}

impl End {
    /// Returns whether what follows is behind the table, when so many of the records there could be
    /// records of it. Below the header with a column more or less a few may look like that.
    pub(crate) fn is_behind(fitting: usize, records: usize, is_again: bool) -> bool {
        fitting * 10 <= records && (is_again || fitting == 0)
    }
}

/// What can stand behind a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Another table.
    Table,
    /// The same table once more, with a column more or less or just as it was.
    TableAgain,
    /// Remarks, sums.
    Footer,
    /// A character that marks the end of a file.
    EndMark,
}

impl Structure {
    /// Returns what stands before and behind the table, for the receipt.
    pub(crate) fn left_out(&self) -> LeftOut {
        let mut left_out = LeftOut::default();
        let mut event = |code: &str, (count, bytes): (u64, u64), sample: Option<EventSample>| {
            left_out.lines += count;
            left_out.bytes += bytes;
            let samples = sample.into_iter().collect();
            left_out.events.push(LossEvent { code: code.to_owned(), count, samples });
        };
        let place = |line: u64, byte: usize, text: &str| {
            let (byte, text) = (byte as u64, text.to_owned());
            Some(EventSample { record: 0, line, byte, column: None, text })
        };
        if self.preamble_lines > 0 {
            let size = (self.preamble_lines, self.preamble_bytes);
            event("left_out_preamble", size, place(1, 0, &self.preamble_text));
        }
        if self.comments.0 > 0 {
            event(COMMENTS, self.comments, None);
        }
        if let Some(end) = &self.end {
            let code = match end.what {
                Behind::Table | Behind::TableAgain => "left_out_table",
                Behind::Footer => "left_out_footer",
                Behind::EndMark => "left_out_end_mark",
            };
            event(code, (end.lines, end.bytes), place(end.line, end.at, &end.text));
        }
        if let Some(sample) = &self.mended {
            let (code, samples) = ("repaired_header".to_owned(), vec![sample.clone()]);
            left_out.events.push(LossEvent { code, count: 1, samples });
        }
        left_out
    }
}

fn comments(text: &[u8], dialect: &Dialect) -> (u64, u64) {
    let mut tokenizer = Tokenizer::new(text, dialect);
    let mut spans = Vec::new();
    while tokenizer.next_record(&mut spans).is_some() {}
    (tokenizer.comments(), tokenizer.comment_bytes())
}

/// A record of the sample.
#[derive(Debug)]
struct Row<'a> {
    start: usize,
    line: u64,
    /// A blank line stands before it.
    is_apart: bool,
    cells: Vec<Cow<'a, [u8]>>,
    /// The record as it stands.
    text: &'a [u8],
}

impl Row<'_> {
    fn end_of_table(&self, sample: &[u8], dialect: &Dialect, what: Behind) -> End {
        let behind = &sample[self.start..];
        End {
            at: self.start,
            line: self.line,
            lines: dialect.count_all_lines(behind),
            bytes: behind.len() as u64,
            what,
            text: crate::DataError::shorten(self.text),
        }
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.trim_ascii().is_empty()).count()
    }

    fn words_above_values(&self, columns: &[Shape]) -> usize {
        let words = self.cells.iter().zip(columns);
        words.filter(|(cell, column)| column.is_of_values() && header::is_word(cell)).count()
    }

    fn is(&self, names: &[String]) -> bool {
        self.cells.iter().map(Cow::as_ref).eq(names.iter().map(String::as_bytes))
    }

    /// Returns whether the row can be a record of a table with these columns.
    fn fits(&self, columns: &Shapes) -> bool {
        columns.fit(self.cells.iter().map(Cow::as_ref))
    }
}

/// Finds the table in `sample`, which is the whole text if `complete`. With `mend` a header that a
/// slip of the pen has made too wide or too narrow is mended. The first `told` lines say how the text
/// is written, and are none of the table.
///
/// # Errors
/// Fails when the hints ask for more than there is.
pub(crate) fn find(
    sample: &[u8],
    complete: bool,
    dialect: &Dialect,
    hints: &TextHints,
    mend: bool,
    told: u64,
) -> Result<Structure, Error> {
    let all = read_rows(sample, dialect);
    let skipped = all.iter().take_while(|row| row.line <= told).count();
    let width = common_width(&all[skipped..]);
    let preamble = match hints.preamble {
        Some(lines) => all.iter().take_while(|row| row.line <= lines).count(),
        None => skipped + preamble(&all[skipped..], width, dialect, hints, mend),
    };
    let rows = &all[preamble..];
    let preamble_lines = hints.preamble.unwrap_or_else(|| match rows.first() {
        Some(first) if preamble > 0 => first.line - 1,
        _ if preamble > 0 => dialect.count_all_lines(sample),
        _ => 0,
    });
    let columns = columns_of(rows, width);
    let found = header::find(rows, &columns.columns, dialect, hints, mend);
    check_hints(hints, all.len(), rows.len(), &found)?;
    let header_rows = found.rows.min(rows.len());
    let body_row = rows.get(header_rows);
    let body = body_row.map_or(sample.len(), |row| row.start);
    let body_lines = match body_row {
        Some(row) => row.line - 1,
        None => dialect.count_lines(sample),
    };
    let mut names = header::join_names(&rows[..header_rows], width);
    let mut mended = None;
    if header_rows == 0 {
        names = vec![String::new(); width.max(rows.first().map_or(0, |row| row.cells.len()))];
    } else if mend
        && names.len() != width
        && rows.len() > header_rows + 1
        && body_row.is_some_and(|row| row.cells.len() == width)
    {
        let row = &rows[header_rows - 1];
        header::mend_names(&mut names, width, row, dialect);
        mended = Some(EventSample {
            record: 0,
            line: row.line,
            byte: row.start as u64,
            column: None,
            text: crate::DataError::shorten(row.text),
        });
    }
    let end = match hints.one_table {
        true => None,
        false => {
            let rows = &rows[header_rows..];
            let (columns, names) = (&columns, &names[..]);
            behind::Body { rows, columns, names, dialect, complete, hints, mend }.end()?
        }
    };
    let end =
        end.map(|(index, what)| rows[header_rows + index].end_of_table(sample, dialect, what));
    // Comments among the lines before the header were counted with them.
    let table = rows.first().filter(|_| preamble_lines > 0).map_or(0, |row| row.start);
    let first_line = sample.split(|&byte| byte == b'\n').next().unwrap_or(b"");
    Ok(Structure {
        preamble_lines,
        preamble_bytes: rows.first().map_or(sample.len(), |row| row.start) as u64,
        preamble_text: crate::DataError::shorten(first_line.trim_ascii_end()),
        header_rows,
        header_confidence: found.confidence,
        header_reason: found.reason,
        names,
        mended,
        body,
        body_lines,
        comments: comments(&sample[table.min(body)..body], dialect),
        end,
    })
}

/// Fails when more is asked for than was found.
fn check_hints(
    hints: &TextHints,
    all: usize,
    behind_preamble: usize,
    found: &header::Header,
) -> Result<(), Error> {
    let refuse = |message: String| {
        let hint = Some("`tundra inspect` shows where the table stands".to_owned());
        Err(Error::Request { message, hint })
    };
    if let Some(lines) =
        hints.preamble.filter(|&lines| lines > 0 && behind_preamble == 0 && all > 0)
    {
        return refuse(format!("no record follows the lines of `--preamble {lines}`"));
    }
    if found.rows > behind_preamble && hints.header_rows.is_some() {
        let asked = found.rows;
        return refuse(format!(
            "`--header-rows {asked}` is more than the {behind_preamble} records that there are"
        ));
    }
    Ok(())
}

fn read_rows<'a>(sample: &'a [u8], dialect: &Dialect) -> Vec<Row<'a>> {
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
        let cells = spans.iter().map(|span| cell_text(*span, sample, dialect)).collect();
        let text = &sample[record.start..record.end];
        rows.push(Row { start: record.start, line, is_apart, cells, text });
        line += dialect.count_lines(&sample[record.start..tokenizer.position()]);
        behind = tokenizer.position();
    }
}

/// Returns the number of cells that most rows have; of several the largest.
fn common_width(rows: &[Row<'_>]) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for row in rows {
        *counts.entry(row.cells.len()).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|&(width, count)| (count, width)).map_or(1, |(width, _)| width)
}

/// Learns what the cells of each column look like, from the rows of the right width. The first few
/// may be a header.
fn columns_of(rows: &[Row<'_>], width: usize) -> Shapes {
    let mut columns = vec![Shape::new(); width];
    let body = rows.iter().filter(|row| row.cells.len() == width);
    let skipped = usize::from(body.clone().nth(1).is_some());
    for row in body.skip(skipped) {
        for (shape, cell) in columns.iter_mut().zip(&row.cells) {
            shape.observe(cell);
        }
    }
    Shapes { columns }
}

/// Returns how many rows stand before the header.
fn preamble(
    rows: &[Row<'_>],
    width: usize,
    dialect: &Dialect,
    hints: &TextHints,
    mend: bool,
) -> usize {
    if width < 2 || rows.len() < 3 {
        return 0;
    }
    let mut filled: Vec<usize> =
        rows.iter().filter(|row| row.cells.len() == width).map(Row::filled).collect();
    filled.sort_unstable();
    let usual = filled[filled.len() / 2];
    let is_full = |row: &Row<'_>| row.filled() * 10 >= usual * 6 && row.filled() >= 2.min(usual);
    let Some(first) = rows.iter().take(LONGEST_PREAMBLE).position(is_full) else { return 0 };
    let is_header = first == 1
        && !rows[first].is_apart
        && header::is_of_another_sort(&rows[0], &rows[first], dialect, width, mend);
    if first == 0 || is_header {
        return 0;
    }
    let columns = columns_of(&rows[first..], width);
    let found = header::find(&rows[first..], &columns.columns, dialect, hints, mend);
    // What stands there must be no row of the table: its cells are not what the columns hold.
    let is_none_of_the_table = |row: &Row<'_>| {
        row.cells.len() != width
            || row.filled() == 0
            || row.cells.iter().zip(&columns.columns).any(|(cell, column)| {
                !cell.is_empty() && column.is_of_values() && !looks_like_a_value(cell)
            })
    };
    // A spreadsheet fills its titles up with delimiters: a cell alone above a row of none, or nearly
    // alone above names that are names for sure.
    let is_title = |index: usize| {
        let row = &rows[index];
        let is_above_nothing = rows[index + 1..first].iter().any(|row| row.filled() == 0);
        row.filled() <= 1 && is_above_nothing
            || row.filled() * 3 <= width && found.rows > 0 && found.confidence > 0.9
    };
    let is_apart = rows[first].is_apart || rows[..first].iter().all(|row| row.cells.len() == 1);
    let is_preamble = (found.rows > 0 || is_apart)
        && (0..first).all(|index| is_none_of_the_table(&rows[index]) || is_title(index));
    if is_preamble { first } else { 0 }
}
