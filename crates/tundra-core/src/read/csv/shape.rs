//! What the cells of a column look like.
//!
//! Shapes decide nothing about types. They tell a heading from data, and which of several ways to
//! mend a broken record puts every cell where it belongs.

use std::collections::BTreeSet;

use crate::read::csv::{
    Dialect,
    tokenize::{Glue, Span, Tokenizer},
};

/// Records from which shapes are learned.
const LEARNED_RECORDS: usize = 2000;

/// A column with more patterns than this holds free text.
const MOST_PATTERNS: usize = 12;

/// A longer pattern is free text.
const LONGEST_PATTERN: usize = 24;

/// What the cells of one column look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    cells: usize,
    empty: usize,
    /// Cells that look like a number, an amount, a date or a time.
    values: usize,
    /// The sorts of characters seen, as bits.
    sorts: u16,
    shortest: usize,
    longest: usize,
    /// The patterns seen; `None` when they are too many to mean anything.
    patterns: Option<BTreeSet<Vec<u8>>>,
}

/// The shapes of the columns of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shapes {
    /// One for each column.
    pub(crate) columns: Vec<Shape>,
}

impl Shapes {
    /// Learns from the records of `bytes` that have `width` fields and nothing wrong.
    pub(crate) fn learn(bytes: &[u8], dialect: &Dialect, width: usize) -> Self {
        let mut shapes = Self { columns: vec![Shape::new(); width] };
        let mut tokenizer = Tokenizer::new(bytes, dialect);
        let mut spans: Vec<Span> = Vec::new();
        for _ in 0..LEARNED_RECORDS {
            spans.clear();
            let Some(record) = tokenizer.next_record(&mut spans) else { break };
            let is_glued = |quote| Glue::find(&spans, bytes, quote).is_some();
            let is_sound = record.fault.is_none() && !dialect.quote.is_some_and(is_glued);
            if spans.len() == width && is_sound {
                for (shape, span) in shapes.columns.iter_mut().zip(&spans) {
                    shape.observe(span.of(bytes));
                }
            }
        }
        shapes
    }

    /// Returns whether cells can be those of a record: as many as there are columns, and where a column
    /// is of values there is a value or nothing, but not nothing everywhere.
    pub(crate) fn fit<'a>(&self, cells: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        if cells.len() != self.columns.len() {
            return false;
        }
        let (mut expected, mut found) = (0, 0);
        let valued = cells.zip(&self.columns).filter(|(_, column)| column.is_of_values());
        for (cell, _) in valued {
            expected += 1;
            if !cell.trim_ascii().is_empty() {
                if !looks_like_a_value(cell) {
                    return false;
                }
                found += 1;
            }
        }
        expected == 0 || found > 0
    }
}

impl Shape {
    /// Begins with no cell seen.
    pub(crate) fn new() -> Self {
        Self { shortest: usize::MAX, patterns: Some(BTreeSet::new()), ..Self::default() }
    }

    /// Takes a cell into account.
    pub(crate) fn observe(&mut self, cell: &[u8]) {
        self.cells += 1;
        if cell.is_empty() {
            self.empty += 1;
            return;
        }
        self.values += usize::from(looks_like_a_value(cell));
        self.sorts |= sorts(cell);
        self.shortest = self.shortest.min(cell.len());
        self.longest = self.longest.max(cell.len());
        if let Some(patterns) = &mut self.patterns {
            match pattern(cell, &mut [0; LONGEST_PATTERN]) {
                Some(pattern) if patterns.contains(pattern) => {}
                Some(pattern) => {
                    patterns.insert(pattern.to_vec());
                }
                None => self.patterns = None,
            }
        }
        if self.patterns.as_ref().is_some_and(|patterns| patterns.len() > MOST_PATTERNS) {
            self.patterns = None;
        }
    }

    /// Returns whether nearly all cells look like numbers, amounts, dates or times.
    pub(crate) fn is_of_values(&self) -> bool {
        let filled = self.cells - self.empty;
        filled > 0 && self.values * 10 >= filled * 8
    }

    /// Returns how well a cell fits, from 0 to 1.
    pub(crate) fn fit(&self, cell: &[u8]) -> f32 {
        if cell.is_empty() {
            // Where nothing is ever empty, an empty cell is a sign of a wrong cut.
            return if self.empty > 0 { 0.9 } else { 0.1 };
        }
        if self.cells == self.empty {
            return 0.3;
        }
        if let Some(patterns) = &self.patterns {
            let is_known = pattern(cell, &mut [0; LONGEST_PATTERN])
                .is_some_and(|pattern| patterns.contains(pattern));
            let is_as_long = (self.shortest..=self.longest).contains(&cell.len());
            return match (is_known, is_as_long) {
                (true, true) => 1.0,
                (true, false) => 0.6,
                (false, _) => 0.0,
            };
        }
        let is_known = sorts(cell) & !self.sorts == 0;
        let is_as_long = cell.len() * 2 >= self.shortest && cell.len() <= self.longest * 2;
        match (is_known, is_as_long) {
            (true, true) => 0.8,
            (true, false) | (false, true) => 0.3,
            (false, false) => 0.0,
        }
    }
}

/// Returns the sorts of characters in a cell.
fn sorts(cell: &[u8]) -> u16 {
    cell.iter().fold(0, |sorts, byte| sorts | SORTS[usize::from(*byte)])
}

/// The sort of each byte.
static SORTS: [u16; 256] = {
    let mut sorts = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "there are 256 bytes")]
        let sort = sort(byte as u8);
        sorts[byte] = sort;
        byte += 1;
    }
    sorts
};

const fn sort(byte: u8) -> u16 {
    match byte {
        b'0'..=b'9' => 1,
        b'a'..=b'z' => 1 << 1,
        b'A'..=b'Z' => 1 << 2,
        b' ' => 1 << 3,
        b'.' | b',' => 1 << 4,
        b':' => 1 << 5,
        b'/' => 1 << 6,
        b'-' | b'_' => 1 << 7,
        b'"' | b'\'' => 1 << 8,
        b'@' => 1 << 9,
        b'$' | b'%' => 1 << 10,
        0x80.. => 1 << 11,
        b'\n' | b'\r' => 1 << 12,
        _ => 1 << 13,
    }
}

/// Returns the cell with every run of digits as `9` and every run of letters as `a`; `None` when that
/// is too long to be one of a few.
fn pattern<'a>(cell: &[u8], pattern: &'a mut [u8; LONGEST_PATTERN]) -> Option<&'a [u8]> {
    let mut length = 0;
    let mut last = 0;
    for &byte in cell {
        let sign = match byte {
            b'0'..=b'9' => b'9',
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'a',
            other => other,
        };
        if length == 0 || last != sign || !matches!(sign, b'9' | b'a') {
            *pattern.get_mut(length)? = sign;
            length += 1;
            last = sign;
        }
    }
    Some(&pattern[..length])
}

/// Returns whether a cell looks like a number, an amount, a date or a time: it has a digit, and
/// nothing but digits and what stands between them, a currency, `T`, `Z` or an exponent.
pub(crate) fn looks_like_a_value(cell: &[u8]) -> bool {
    /// Text in other scripts is no value because of a digit in it.
    const MOST_BEYOND_ASCII: usize = 6;
    let cell = cell.trim_ascii();
    let (mut has_digit, mut letters, mut beyond) = (false, 0, 0);
    let is_plain = cell.iter().all(|byte| {
        match byte {
            b'0'..=b'9' => has_digit = true,
            b'T' | b'Z' | b'e' | b'E' => letters += 1,
            0x80.. => beyond += 1,
            b'+' | b'-' | b'.' | b',' | b':' | b'/' | b' ' | b'%' | b'$' | b'\'' | b'(' | b')' => {}
            _ => return false,
        }
        letters <= 2 && beyond <= MOST_BEYOND_ASCII
    });
    is_plain && has_digit
        || [&b"true"[..], b"false"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_names() {
        for value in [
            "1",
            "-2.5",
            "$1,234.50",
            "2024-01-31",
            "28/01/2018",
            "00:15",
            "1e5",
            "50 %",
            "2024-01-31T10:00:00Z",
            "1.234,50 €",
            "true",
        ] {
            assert!(looks_like_a_value(value.as_bytes()), "{value}");
        }
        for name in ["id", "MG-8769", "Q1 2019 total", "", "-", "N/A", "größe", "5 apples"] {
            assert!(!looks_like_a_value(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_cell_fits_where_its_like_stand() {
        let text = b"28/01/2018,00:15,MG-8769,some words\n01/02/2019,10:30,AB-12,other, words\n\
            13/07/2018,23:59,XY-9,more of them\n";
        let shapes = Shapes::learn(text, &Dialect::default(), 4);
        let fits = |column: usize, cell: &str| shapes.columns[column].fit(cell.as_bytes());
        assert!(fits(0, "05/05/2020") > 0.9);
        assert!(fits(0, "00:15") < 0.1);
        assert!(fits(1, "28/01/201800:15") < 0.1);
        assert!(fits(2, "QQ-1234") > 0.9);
    }
}
