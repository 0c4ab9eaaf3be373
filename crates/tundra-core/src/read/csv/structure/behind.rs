//! What stands behind a table: remarks, sums, other tables.

use crate::{
    Error, TextHints,
    read::csv::{
        Dialect, repair,
        shape::Shapes,
        structure::{Behind, End, Row, header::is_word, read_rows},
        tokenize::{Span, Tokenizer},
    },
};

/// Records behind a table that can be a footer.
const LONGEST_FOOTER: usize = 10;

/// What programs write where a file ends, and some editors leave there.
const END_MARK: &[u8] = &[0x1A];

/// Words that remarks and sums begin with.
const REMARKS: [&str; 22] = [
    "total",
    "totals",
    "subtotal",
    "sum",
    "grand",
    "average",
    "mean",
    "count",
    "source",
    "sources",
    "note",
    "notes",
    "remark",
    "remarks",
    "footnote",
    "generated",
    "exported",
    "created",
    "printed",
    "copyright",
    "end",
    "rows",
];

/// The rows of a table, the header left out, and what is known of it.
pub(super) struct Body<'a> {
    pub(super) rows: &'a [Row<'a>],
    pub(super) columns: &'a Shapes,
    pub(super) names: &'a [String],
    pub(super) dialect: &'a Dialect,
    /// Whether the rows go on to the end of the text.
    pub(super) complete: bool,
    pub(super) hints: &'a TextHints,
    /// Whether damaged records are put right, so that they are none of the things that are left out.
    pub(super) mend: bool,
}

impl Body<'_> {
    /// Returns the first row behind the table, and what stands there.
    pub(super) fn end(&self) -> Result<Option<(usize, Behind)>, Error> {
        if self.hints.footer.is_none()
            && self.columns.columns.len() > 1
            && let Some(end) = self.other_table().or_else(|| self.apart())
        {
            return Ok(Some(end));
        }
        if self.complete { self.footer() } else { Ok(None) }
    }

    /// Returns whether the row can be a record of the table.
    fn fits(&self, row: &Row<'_>) -> bool {
        row.fits(self.columns) && !row.is(self.names)
    }

    /// Finds the header once more, with a column more or less or above a copy of the table.
    fn other_table(&self) -> Option<(usize, Behind)> {
        let width = self.columns.columns.len();
        self.rows.iter().enumerate().skip(1).find_map(|(index, row)| {
            let is_near = row.cells.len().abs_diff(width) == 1
                && row.cells.len().min(self.names.len()) >= 2
                && row
                    .cells
                    .iter()
                    .zip(self.names)
                    .all(|(cell, name)| cell.as_ref() == name.as_bytes());
            let is_end = is_near && self.has_left(index)
                || row.is(self.names) && self.complete && self.is_copied(index);
            is_end.then_some((index, Behind::TableAgain))
        })
    }

    /// Returns whether nearly no row from `index` on is one of this table.
    fn has_left(&self, index: usize) -> bool {
        let behind = &self.rows[index..];
        End::is_behind(behind.iter().filter(|row| self.fits(row)).count(), behind.len(), true)
    }

    /// Returns whether the rows behind `index` are those of the table once more, from its first on.
    /// A few may be damaged, but must still be recognised.
    fn is_copied(&self, index: usize) -> bool {
        let copies = &self.rows[index + 1..];
        let headers = self.rows.iter().filter(|row| row.is(self.names)).count();
        // Files of the same form that were put together have a header each.
        if copies.len() < 2 || copies.len() > index || headers > 1 {
            return false;
        }
        let same = |copy: &Row<'_>, row: &Row<'_>| copy.cells == row.cells;
        let is_near = |copy: &Row<'_>, row: &Row<'_>| {
            let shared = copy.cells.iter().zip(&row.cells).filter(|(one, other)| one == other);
            shared.count() * 2 >= row.cells.len()
        };
        let pairs = || copies.iter().zip(self.rows);
        let equal = pairs().filter(|(copy, row)| same(copy, row)).count();
        equal * 10 >= copies.len() * 8 && pairs().all(|(copy, row)| is_near(copy, row))
    }

    /// Finds what a blank line sets apart behind the last record that can be one of the table.
    fn apart(&self) -> Option<(usize, Behind)> {
        let width = self.columns.columns.len();
        let table = self.rows.iter().rposition(|row| self.fits(row))? + 1;
        let named = self.names.iter().filter(|name| !name.trim().is_empty()).count();
        (table..self.rows.len()).filter(|&index| self.rows[index].is_apart).find_map(|index| {
            let next = &self.rows[index..];
            let block =
                next.iter().skip(1).position(|row| row.is_apart).map_or(next.len(), |at| at + 1);
            let others = next[..block].iter().filter(|row| row.cells.len() != width).count();
            let is_last = self.complete && index + block == self.rows.len();
            if others == block && (block >= 2 || is_last) {
                let is_remark = block == 1 || next[..block].iter().all(|row| row.cells.len() == 1);
                return Some((index, if is_remark { Behind::Footer } else { Behind::Table }));
            }
            let row = &next[0];
            let is_heading = row.cells.len() == width
                && row.words_above_values(&self.columns.columns) >= 2
                && row.filled() >= named
                && next.len() > 1;
            is_heading.then_some((index, Behind::Table))
        })
    }

    /// Finds the remarks behind the last row: few cells, of which the first is not what its column
    /// holds, and a sign that they are no damaged record.
    fn footer(&self) -> Result<Option<(usize, Behind)>, Error> {
        let Some(last) = self.rows.last() else { return self.no_footer(0) };
        if let Some(lines) = self.hints.footer {
            let end = last.line + 1;
            let first = self.rows.first().map_or(end, |row| row.line);
            if lines > end - first {
                return self.no_footer(end - first);
            }
            let index = self.rows.iter().position(|row| row.line + lines >= end);
            return Ok(index.filter(|_| lines > 0).map(|index| (index, Behind::Footer)));
        }
        let is_end_mark = last.cells == [END_MARK];
        let rows = &self.rows[..self.rows.len() - usize::from(is_end_mark)];
        let suffix = |says: &dyn Fn(&Row<'_>) -> bool| {
            let table = rows.iter().rposition(|row| !says(row)).map_or(0, |last| last + 1);
            let is_footer = table > 0 && rows.len() - table <= LONGEST_FOOTER;
            Some(table).filter(|table| is_footer && *table < rows.len())
        };
        let apart = suffix(&|row| self.is_remark(row)).filter(|&table| rows[table].is_apart);
        let found = apart.or_else(|| suffix(&|row| self.is_remark(row) && speaks_for_itself(row)));
        Ok(match found {
            Some(table) => Some((table, Behind::Footer)),
            None => is_end_mark.then_some((rows.len(), Behind::EndMark)),
        })
    }

    /// Fails when a footer is asked for that is longer than the table.
    fn no_footer(&self, lines: u64) -> Result<Option<(usize, Behind)>, Error> {
        match self.hints.footer {
            Some(asked) if asked > lines => Err(Error::Request {
                message: format!(
                    "`--footer {asked}` is more than the {lines} lines that were looked at"
                ),
                hint: Some("`tundra inspect` shows where the table ends".to_owned()),
            }),
            _ => Ok(None),
        }
    }

    /// Returns whether a row may be a remark: narrower than the table, and its first cell is no value
    /// below a column of values and not the remains of one.
    fn is_remark(&self, row: &Row<'_>) -> bool {
        let (Some(column), Some(cell)) = (self.columns.columns.first(), row.cells.first()) else {
            return false;
        };
        self.columns.columns.len() > 1
            && row.cells.len() < self.columns.columns.len()
            && row.filled() <= 2
            && column.is_of_values()
            && is_word(cell)
            && !begins_with_a_value(cell, |value| column.fit(value) >= 0.6)
            && !(self.mend && self.is_mendable(row))
    }

    fn is_mendable(&self, row: &Row<'_>) -> bool {
        let mut spans: Vec<Span> = Vec::new();
        let record = Tokenizer::new(row.text, self.dialect).next_record(&mut spans);
        record.is_some_and(|record| {
            repair::mended(&spans, &record, self.columns, row.text, self.dialect).is_some()
        })
    }
}

/// Returns whether a cell begins with what fits its column, as one does in which a delimiter is
/// missing or another one.
fn begins_with_a_value(cell: &[u8], fits: impl Fn(&[u8]) -> bool) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.,:/$%".contains(byte);
    let length = cell.iter().take_while(|byte| is_part(byte)).count();
    let value = cell[..length].trim_ascii_end();
    let rest = String::from_utf8_lossy(&cell[length..]).trim_start().to_lowercase();
    let counts_rows = ["row", "record", "line"].iter().any(|word| rest.starts_with(word));
    value.iter().any(u8::is_ascii_digit) && fits(value) && !counts_rows
}

/// Returns whether a row says by itself that it is a remark: a phrase alone, or a word that remarks
/// begin with.
fn speaks_for_itself(row: &Row<'_>) -> bool {
    let text = row.cells.first().map(|cell| String::from_utf8_lossy(cell)).unwrap_or_default();
    let text = text.trim_start_matches(|char: char| !char.is_alphanumeric());
    let word = text.split(|char: char| !char.is_alphanumeric()).next().unwrap_or("").to_lowercase();
    let is_phrase = row.filled() == 1 && text.trim().contains([' ', ':']);
    is_phrase || REMARKS.contains(&word.as_str())
}

/// Finds the footer in the last lines of a text, of which the sample was only the beginning.
pub(crate) fn find_footer(
    tail: &[u8],
    dialect: &Dialect,
    columns: &Shapes,
    hints: &TextHints,
    mend: bool,
) -> Result<Option<End>, Error> {
    let rows = read_rows(tail, dialect);
    let body = Body { rows: &rows, columns, names: &[], dialect, complete: true, hints, mend };
    let Some((index, what)) = body.footer()? else { return Ok(None) };
    let end = End { line: 0, ..rows[index].end_of_table(tail, dialect, what) };
    // Nobody knows whether the tail begins between quotes. But what stands between quotes ends with
    // one, so where no quote follows, no record is cut in two.
    let is_certain = dialect.quote.is_none_or(|quote| !tail[end.at..].contains(&quote));
    Ok(Some(end).filter(|_| is_certain || hints.footer.is_some()))
}
