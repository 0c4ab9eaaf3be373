//! How much the beginning of a text looks like a table in one dialect.
//!
//! Start at [`Look::at`]. The score is that of van den Burg, Nazábal and Sutton ("Wrangling messy CSV
//! files by detecting row and type patterns", 2019): rows should have the same number of cells, and
//! cells should look like values. What they leave open is added: a first record that is split unlike
//! the others speaks against a delimiter, because it is mostly the header.

use std::collections::{BTreeMap, BTreeSet};

use crate::read::{
    csv::{
        Dialect,
        marker::Marker,
        shape,
        tokenize::{Span, Tokenizer},
    },
    lattice::Evidence,
};

/// Records that are scored: enough to see a pattern, few enough to try every dialect.
const SCORED_RECORDS: usize = 500;

/// Lines before a header of which it is asked whether they introduce a table.
const LONGEST_INTRODUCTION: usize = 50;

/// Fewer records than this are damaged rather than two tables.
const FEWEST_OF_TWO_TABLES: usize = 10;

/// What one dialect makes of the beginning of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// How much it looks like a table; only scores of one text can be compared.
    pub(super) score: f64,
    /// The number of fields that most records have.
    pub(super) width: usize,
    /// The number of fields of the first record.
    pub(super) first: usize,
    /// Records that were looked at.
    pub(super) records: usize,
    /// Those of them that have `width` fields.
    alike: usize,
    /// Whether a field beside others stands between quotes.
    has_quoted: bool,
    /// Whether lines of another width at the beginning lead up to a table: a blank line or a heading
    /// of the right width follows.
    pub(super) is_introduced: bool,
}

impl Look {
    /// Looks at the first records of `sample`.
    pub(super) fn at(sample: &[u8], dialect: &Dialect) -> Self {
        let mut counted = Counted::default();
        let mut tokenizer = Tokenizer::new(sample, dialect);
        let mut spans: Vec<Span> = Vec::new();
        let mut behind = 0;
        while counted.records < SCORED_RECORDS {
            spans.clear();
            let Some(record) = tokenizer.next_record(&mut spans) else { break };
            if counted.beginning.len() < LONGEST_INTRODUCTION {
                let between = &sample[behind..record.start];
                counted.beginning.push(Beginning {
                    cells: spans.iter().map(|span| span.of(sample)).collect(),
                    is_apart: behind > 0 && !between.is_empty() && !dialect.is_comment(between, 0),
                    is_heading: is_heading(&spans, sample),
                    has_value: spans.iter().any(|span| shape::looks_like_a_value(span.of(sample))),
                });
            }
            counted.take(&spans, record.fault.is_some(), sample, dialect);
            behind = tokenizer.position();
        }
        counted.look(dialect)
    }

    /// Returns whether the delimiter splits every record into as many fields.
    pub(super) fn is_even(&self) -> bool {
        self.width > 1 && self.first == self.width && self.alike == self.records
    }

    /// Returns whether the text is rather one column whose values hold the delimiter: the header is
    /// not split, or by a mark of prose not as the others are, and nothing else speaks for a table.
    pub(super) fn is_one_column(&self, delimiter: Marker) -> bool {
        /// Decimal commas, names, places and dates have one or two marks each. A text in which
        /// every value holds three by chance is rarer than a header that was damaged.
        const WIDEST: usize = 3;
        if self.width < 2 || self.records < 2 || self.is_introduced || self.has_quoted {
            return false;
        }
        let is_prose = is_of_prose(delimiter);
        if self.first > usize::from(is_prose) + 1 || self.first == self.width {
            return false;
        }
        let is_ragged = self.alike * 10 < self.records * 6;
        is_prose || is_ragged || self.alike + 1 == self.records && self.width <= WIDEST
    }
}

/// Returns whether words, times and addresses hold the delimiter, so that it splits text that no
/// table is made of.
pub(super) fn is_of_prose(delimiter: Marker) -> bool {
    matches!(delimiter.as_bytes(), b" " | b":")
}

/// Returns how likely a delimiter is before the text is looked at, beside that of the common ones.
fn prior(delimiter: Marker) -> f64 {
    match delimiter.as_bytes() {
        // What prose, times and addresses hold must explain a text twice as well.
        b" " | b":" => 0.5,
        // Rare, but nothing else holds them either: only near ties are decided.
        b"^" | b"~" => 0.8,
        _ => 1.0,
    }
}

/// One of the first records.
#[derive(Debug)]
struct Beginning<'a> {
    cells: Vec<&'a [u8]>,
    /// A blank line stands before it.
    is_apart: bool,
    is_heading: bool,
    has_value: bool,
}

/// Returns whether the fields are names, each another one: no values, and nothing in them that splits
/// fields elsewhere.
fn is_heading(fields: &[Span], sample: &[u8]) -> bool {
    let mut seen = BTreeSet::new();
    fields.len() > 1
        && fields.iter().all(|span| {
            let text = span.of(sample).trim_ascii();
            let is_whole = span.is_quoted()
                || !text.iter().any(|byte| matches!(byte, b',' | b';' | b'\t' | b'|'));
            !text.is_empty() && is_whole && !shape::looks_like_a_value(text) && seen.insert(text)
        })
}

#[derive(Debug, Default)]
struct Counted<'a> {
    records: usize,
    widths: BTreeMap<usize, usize>,
    beginning: Vec<Beginning<'a>>,
    cells: usize,
    /// Cells that look like something that people put into cells.
    known: usize,
    /// Records with stray quotes.
    faults: usize,
    /// Fields that somebody has put between quotes and that are taken for text.
    misread: usize,
    /// Whether a field between two of the others is filled.
    between: bool,
    has_quoted: bool,
}

impl Counted<'_> {
    fn take(&mut self, spans: &[Span], is_faulty: bool, sample: &[u8], dialect: &Dialect) {
        self.records += 1;
        *self.widths.entry(spans.len()).or_default() += 1;
        self.between |= spans.iter().skip(1).step_by(2).any(|span| !span.of(sample).is_empty());
        let mut is_faulty = is_faulty;
        for (index, span) in spans.iter().enumerate() {
            let text = span.of(sample);
            self.cells += 1;
            if span.is_quoted() {
                self.known += 1;
                self.has_quoted |= spans.len() > 1;
                // Without an escape a doubled quote is one too many, and one behind a line break
                // opens a field of its own.
                is_faulty |= dialect.escape.is_none()
                    && dialect.quote.is_some_and(|quote| {
                        has_pair(text, quote, quote) || has_pair(text, b'\n', quote)
                    });
                continue;
            }
            let is_apart = text.len() > 1 && matches!(text, [b'\'', .., b'\'']);
            let is_torn = is_torn(spans, index, sample);
            self.known += usize::from(looks_like_a_value(text) && !is_apart && !is_torn);
            let is_double = text.first() == Some(&b'"');
            self.misread +=
                usize::from(is_double && (is_torn || text.len() > 1 && text.ends_with(b"\"")));
        }
        self.faults += usize::from(is_faulty);
    }

    fn look(self, dialect: &Dialect) -> Look {
        let width = self
            .widths
            .iter()
            .max_by_key(|&(&width, &count)| (count, width))
            .map_or(1, |(&w, _)| w);
        let first = self.beginning.first().map_or(1, |first| first.cells.len());
        let look = Look {
            score: 0.0,
            width,
            first,
            records: self.records,
            alike: self.widths.get(&width).copied().unwrap_or(0),
            has_quoted: self.has_quoted,
            is_introduced: self.is_introduced(width, dialect.delimiter),
        };
        // The only common delimiters of two characters are a common one twice.
        let is_half = !self.between
            && matches!(dialect.delimiter.as_bytes(), b"|" | b":" | b"\t")
            && self.widths.keys().all(|width| width % 2 == 1)
            && self.widths.keys().any(|width| *width > 1);
        if self.records == 0 || self.misread * 10 > self.records || is_half {
            return Look { width: 1, ..look };
        }
        // A delimiter too many or too few in the header is damage; it stands there nevertheless.
        let is_near = first > 1 && first.abs_diff(width) == 1 && !is_of_prose(dialect.delimiter);
        let is_like = first == width || is_near || look.is_introduced || self.records == 1;
        #[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
        let score = {
            let types = (self.known as f64 / self.cells as f64).max(1e-10);
            let clean = 1.0 - self.faults as f64 / self.records as f64;
            let beginning = if is_like { 1.0 } else { 0.5 };
            self.pattern(width) * types * clean.max(1e-3) * beginning
        };
        Look { score: score * prior(dialect.delimiter), ..look }
    }

    /// Returns how even the records are, times their number.
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
    fn pattern(&self, width: usize) -> f64 {
        let records = self.records as f64;
        // One record that was damaged must not weigh as much as all others.
        let weigh = |width: usize, count: usize| {
            count as f64 / records * count as f64 * (width as f64 - 1.0).max(1e-3) / width as f64
        };
        let count = |width: usize| self.widths.get(&width).copied().unwrap_or(0);
        // Two tables of which one has a column more make up a text: they are one pattern.
        let twin = [width - 1, width + 1].into_iter().max_by_key(|&width| count(width));
        if let Some(twin) = twin.filter(|&twin| twin > 1)
            && width > 1
            && self.records >= FEWEST_OF_TWO_TABLES
            && (count(width) + count(twin)) * 10 >= self.records * 9
        {
            return weigh(width, count(width) + count(twin));
        }
        self.widths.iter().map(|(&width, &count)| weigh(width, count)).sum()
    }

    fn is_introduced(&self, width: usize, delimiter: Marker) -> bool {
        let Some(at) = self.beginning.iter().position(|record| record.cells.len() == width) else {
            return false;
        };
        let record = &self.beginning[at];
        // What stands below names is something else, and below words that only look like names
        // because prose was taken apart there are no values.
        let is_heading = record.is_heading
            && self.beginning.get(at + 1).is_some_and(|next| {
                (next.has_value || !is_of_prose(delimiter))
                    && !next.cells.iter().zip(&record.cells).any(|(below, name)| below == name)
            });
        at > 0 && (is_heading || self.beginning[1..=at].iter().any(|record| record.is_apart))
    }
}

/// Returns whether the field at `index` is the first or last part of one that stands between quotes:
/// it opens with a quote that a later field closes, or the other way round.
fn is_torn(spans: &[Span], index: usize, sample: &[u8]) -> bool {
    let text = spans[index].of(sample);
    let is_quote = |byte: &&u8| matches!(byte, b'"' | b'\'');
    let opens = |text: &[u8], quote: u8| text.first() == Some(&quote);
    let closes = |text: &[u8], quote: u8| text.last() == Some(&quote);
    let is_whole =
        |text: &[u8], quote: u8| text.len() > 1 && opens(text, quote) && closes(text, quote);
    let any = |spans: &[Span], says: &dyn Fn(&[u8]) -> bool| {
        spans.iter().any(|span| !span.is_quoted() && says(span.of(sample)))
    };
    if let Some(&quote) = text.first().filter(is_quote)
        && !is_whole(text, quote)
        && any(&spans[index + 1..], &|later| closes(later, quote) && !is_whole(later, quote))
    {
        return true;
    }
    text.last().filter(is_quote).is_some_and(|&quote| {
        !is_whole(text, quote)
            && any(&spans[..index], &|former| opens(former, quote) && !is_whole(former, quote))
    })
}

/// Returns whether `first` stands right before `second` somewhere.
pub(super) fn has_pair(sample: &[u8], first: u8, second: u8) -> bool {
    memchr::memchr_iter(first, sample).any(|at| sample.get(at + 1) == Some(&second))
}

/// Returns whether a cell looks like something that people put into cells.
fn looks_like_a_value(cell: &[u8]) -> bool {
    let trimmed = cell.trim_ascii();
    // Words, codes, names, addresses: what holds another delimiter or a quote is a sign that the
    // text was cut in the wrong places, unless it is a value of some type.
    trimmed.iter().all(|byte| is_plain(*byte)) || may_be_typed(trimmed) && is_typed(trimmed)
}

/// Returns whether words, codes, names and addresses hold the byte.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(
            byte,
            b' ' | b'_'
                | b'-'
                | b'.'
                | b'/'
                | b'@'
                | b':'
                | b'%'
                | b'+'
                | b'#'
                | b'&'
                | b'('
                | b')'
                | b'!'
                | b'?'
                | b'='
                | b'$'
                | b'*'
                | b'\''
        )
}

/// Returns whether a text that is not plain may be a value of some type: only commas are in some, those of
/// dates with a blank behind them, and those of numbers with no more than a group of digits between them.
/// Nearly all that wrong delimiters make is told by that.
fn may_be_typed(text: &[u8]) -> bool {
    /// 39 digits with separators of up to three bytes, a sign and a symbol are shorter.
    const LONGEST: usize = 100;
    /// Digits of a group.
    const GROUP: usize = 3;
    if text.len() > LONGEST || !text.iter().all(|byte| *byte == b',' || is_plain(*byte)) {
        return false;
    }
    let mut pieces = text.split(|byte| *byte == b',').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        let is_group = piece.len() <= GROUP && piece.iter().all(u8::is_ascii_digit);
        let begins = piece.first().is_some_and(|byte| *byte == b' ' || byte.is_ascii_digit());
        if !begins || !(is_group || piece[0] == b' ' || pieces.peek().is_none()) {
            return false;
        }
    }
    true
}

fn is_typed(text: &[u8]) -> bool {
    let mut evidence = Evidence::default();
    evidence.observe(text, 1);
    evidence.is_typed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_with_commas_are_values() {
        for text in
            ["1,234,567.25", "(1,234.50)", "1.234,50 €", "Jan 28, 2020", "28/01/2020, 10:15"]
        {
            assert!(looks_like_a_value(text.as_bytes()), "{text}");
        }
        for text in ["1,2020-01-01", "a,b", "1,155190,7706", "x;y", "\"x\"", "[1]", "1,"] {
            assert!(!looks_like_a_value(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_may_not_be_typed_is_not(
            text in "([0-9]{1,4}|,|, |\\.|-|/|:| |Jan|28|2020|10:15|AM|€|\\$|kr|\\(|\\)|'|;|\"|T|Z|%|e|\u{a0}){1,12}",
        ) {
            let text = text.trim_ascii();
            prop_assert!(may_be_typed(text.as_bytes()) || !is_typed(text.as_bytes()), "{text}");
        }
    }
}
