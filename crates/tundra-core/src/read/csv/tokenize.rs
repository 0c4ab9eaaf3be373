//! The fields of the records of a chunk.
//!
//! Start at [`Tokenizer`]. It finds the bytes that structure a text 64 at a time: each block
//! becomes a bit mask of delimiters, quotes and newlines, whose set bits are then walked (the idea
//! is that of Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).

use std::borrow::Cow;

use wide::u8x16;

use crate::{
    DataCode,
    read::csv::dialect::{Dialect, QuotedEnd},
};

/// Where a field stands in its chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    /// The length, and two flags in the upper bits.
    length: u32,
}

impl Span {
    const QUOTED: u32 = 1 << 31;
    const ESCAPED: u32 = 1 << 30;
    const LENGTH: u32 = Self::ESCAPED - 1;

    /// A field that is not there.
    pub(crate) const MISSING: Self = Self { start: 0, length: 0 };

    #[inline]
    pub(crate) fn plain(start: usize, end: usize) -> Self {
        // A chunk is shorter than 1 GiB, see `MAX_RECORD_BYTES`.
        Self { start: start as u32, length: (end - start) as u32 }
    }

    #[inline]
    pub(crate) fn quoted(start: usize, end: usize, escaped: bool) -> Self {
        let flags = if escaped { Self::QUOTED | Self::ESCAPED } else { Self::QUOTED };
        Self { start: start as u32, length: (end - start) as u32 | flags }
    }

    /// Returns the bytes, escapes and all, without the quotes.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + (self.length & Self::LENGTH) as usize]
    }

    /// Returns the field with everything up to `end` added to it, as it stands.
    ///
    /// Of a quoted field the opening quote becomes text again.
    pub(crate) fn extended_to(self, end: usize) -> Self {
        let start = self.start as usize - usize::from(self.is_quoted());
        Self::plain(start, end)
    }

    /// Returns the offset of the first byte.
    #[inline]
    pub(crate) fn start(self) -> u32 {
        self.start
    }

    /// Returns whether the field stood between quotes.
    #[inline]
    pub(crate) fn is_quoted(self) -> bool {
        self.length & Self::QUOTED != 0
    }

    /// Returns whether the field holds escapes that are to be taken away.
    #[inline]
    pub(crate) fn is_escaped(self) -> bool {
        self.length & Self::ESCAPED != 0
    }
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// The offset of its first byte in the chunk.
    pub(crate) start: usize,
    /// The offset behind its last byte, the newline not included.
    pub(crate) end: usize,
    /// What is wrong with its quotes.
    pub(crate) fault: Option<DataCode>,
}

/// Walks through the records of a chunk.
pub(crate) struct Tokenizer<'a> {
    bytes: &'a [u8],
    dialect: &'a Dialect,
    /// The offset of the block whose mask is held.
    base: usize,
    /// Bits of the block that were not walked yet.
    mask: u64,
    /// Where the next record begins.
    at: usize,
    comments: u64,
    comment_bytes: u64,
}

impl<'a> Tokenizer<'a> {
    /// Walks through `bytes`, which hold whole records.
    pub(crate) fn new(bytes: &'a [u8], dialect: &'a Dialect) -> Self {
        let mut tokenizer =
            Self { bytes, dialect, base: 0, mask: 0, at: 0, comments: 0, comment_bytes: 0 };
        tokenizer.mask = tokenizer.block_mask(0);
        tokenizer
    }

    /// Returns the offset at which the next record begins.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Returns how many comments were passed over.
    pub(crate) fn comments(&self) -> u64 {
        self.comments
    }

    /// Returns how many bytes they had, their newlines included.
    pub(crate) fn comment_bytes(&self) -> u64 {
        self.comment_bytes
    }

    /// Appends the fields of the next record to `spans` and returns where it stands; `None` at
    /// the end. Empty lines and comments are passed over.
    #[inline]
    pub(crate) fn next_record(&mut self, spans: &mut Vec<Span>) -> Option<Record> {
        loop {
            if self.at >= self.bytes.len() {
                return None;
            }
            if self.dialect.is_comment(self.bytes, self.at) {
                let start = self.at;
                self.skip_line();
                self.comments += 1;
                self.comment_bytes += (self.at - start) as u64;
                continue;
            }
            let count = spans.len();
            let start = self.at;
            let record = self.record(spans);
            let blank =
                record.end == start && spans.len() == count + 1 && !spans[count].is_quoted();
            if blank {
                spans.truncate(count);
                continue;
            }
            return Some(record);
        }
    }

    #[inline]
    fn record(&mut self, spans: &mut Vec<Span>) -> Record {
        let start = self.at;
        let delimiter = self.dialect.delimiter;
        let mut field = start;
        let mut fault = None;
        loop {
            let Some(at) = self.next_structural() else {
                let end = self.bytes.len();
                spans.push(Span::plain(field, end));
                self.at = end;
                return Record { start, end, fault };
            };
            let byte = self.bytes[at];
            if byte == delimiter.first() {
                if delimiter.continues(self.bytes, at) {
                    spans.push(Span::plain(field, at));
                    field = at + delimiter.len();
                    if delimiter.len() > 1 {
                        self.skip_to(field);
                    }
                }
            } else if byte == b'\n' || byte == b'\r' {
                let Some(next) = self.dialect.newline_end(self.bytes, at) else { continue };
                spans.push(Span::plain(field, at));
                self.at = next;
                if next > at + 1 {
                    self.skip_to(next);
                }
                return Record { start, end: at, fault };
            } else if at == field && Some(byte) == self.dialect.quote {
                // A quote that opens.
                match self.dialect.quoted_end(self.bytes, at + 1, byte, true) {
                    QuotedEnd::Closed { at: close, escaped, stray } => {
                        spans.push(Span::quoted(at + 1, close, escaped));
                        if stray {
                            fault = Some(DataCode::StrayQuote);
                        }
                        self.skip_to(close + 1);
                        let Some(&behind) = self.bytes.get(close + 1) else {
                            self.at = close + 1;
                            return Record { start, end: close + 1, fault };
                        };
                        if behind == delimiter.first() {
                            field = close + 1 + delimiter.len();
                            self.skip_to(field);
                            continue;
                        }
                        // Only a newline is left for what may stand behind a closing quote.
                        let next =
                            self.dialect.newline_end(self.bytes, close + 1).unwrap_or(close + 2);
                        self.skip_to(next);
                        self.at = next;
                        return Record { start, end: close + 1, fault };
                    }
                    QuotedEnd::Literal => fault = Some(DataCode::StrayQuote),
                    QuotedEnd::Open => fault = Some(DataCode::UnclosedQuote),
                }
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        let found = if self.dialect.cr_ends_record {
            memchr::memchr2(b'\n', b'\r', rest)
        } else {
            memchr::memchr(b'\n', rest)
        };
        let next = found.map_or(self.bytes.len(), |offset| {
            let at = self.at + offset;
            self.dialect.newline_end(self.bytes, at).unwrap_or(at + 1)
        });
        self.skip_to(next);
        self.at = next;
    }

    /// Returns the offset of the next byte that structures the text.
    #[inline]
    fn next_structural(&mut self) -> Option<usize> {
        while self.mask == 0 {
            self.base += 64;
            if self.base >= self.bytes.len() {
                self.base = self.bytes.len();
                return None;
            }
            self.mask = self.block_mask(self.base);
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    /// Passes over everything before `at`.
    #[inline]
    fn skip_to(&mut self, at: usize) {
        let block = at & !63;
        if block != self.base {
            self.base = block;
            self.mask = if block < self.bytes.len() { self.block_mask(block) } else { 0 };
        }
        self.mask &= u64::MAX.checked_shl((at - block) as u32).unwrap_or(0);
    }

    /// Returns a bit for each byte of the block at `base` that structures the text.
    #[inline]
    fn block_mask(&self, base: usize) -> u64 {
        let block: [u8; 64] = match self.bytes.get(base..base + 64) {
            Some(block) => block.try_into().unwrap_or([0; 64]),
            None => {
                // 0 structures nothing, so the padding is invisible.
                let mut padded = [0; 64];
                let rest = &self.bytes[base.min(self.bytes.len())..];
                padded[..rest.len()].copy_from_slice(rest);
                padded
            }
        };
        let delimiter = u8x16::splat(self.dialect.delimiter.first());
        // Without a quote the delimiter is looked for twice, which finds nothing new.
        let quote = u8x16::splat(self.dialect.quote.unwrap_or(self.dialect.delimiter.first()));
        let (lf, cr) = (u8x16::splat(b'\n'), u8x16::splat(b'\r'));
        let mut mask = 0;
        for (index, lane) in block.chunks_exact(16).enumerate() {
            let lane = u8x16::new(lane.try_into().unwrap_or([0; 16]));
            let found =
                lane.simd_eq(delimiter) | lane.simd_eq(quote) | lane.simd_eq(lf) | lane.simd_eq(cr);
            mask |= u64::from(found.to_bitmask()) << (16 * index);
        }
        mask
    }
}

/// Where a quoted text may be glued to the field before it, as in `Sofa"Soft, grey"`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glue {
    /// The field that holds the opening quote.
    pub(crate) first: usize,
    /// The offset of that quote.
    pub(crate) opening: usize,
    /// The field that ends with the closing quote.
    pub(crate) last: usize,
}

impl Glue {
    /// Finds the place in a record, if there may be one.
    #[inline]
    pub(crate) fn find(fields: &[Span], bytes: &[u8], quote: u8) -> Option<Self> {
        let plain = |field: &Span| (!field.is_quoted()).then(|| field.of(bytes));
        let closes = |field: &Span| plain(field).is_some_and(|text| text.last() == Some(&quote));
        let last = fields.iter().rposition(closes)?;
        fields[..last].iter().enumerate().find_map(|(first, field)| {
            let at = memchr::memchr(quote, plain(field)?)?;
            let opening = field.start() as usize + at;
            (at > 0).then_some(Self { first, opening, last })
        })
    }
}

/// Appends the text of an escaped field without its escapes.
pub(crate) fn unescape(text: &[u8], dialect: &Dialect, into: &mut Vec<u8>) {
    let Some(escape) = dialect.escape else { return into.extend_from_slice(text) };
    let mut rest = text;
    while let Some(at) = memchr::memchr(escape, rest) {
        into.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(&next) if next == escape || Some(next) == dialect.quote => {
                into.push(next);
                rest = &rest[at + 2..];
            }
            // Before anything else an escape is text.
            _ => {
                into.push(escape);
                rest = &rest[at + 1..];
            }
        }
    }
    into.extend_from_slice(rest);
}

/// Returns the text of a field without its escapes.
pub(crate) fn cell_text<'a>(span: Span, bytes: &'a [u8], dialect: &Dialect) -> Cow<'a, [u8]> {
    if !span.is_escaped() {
        return Cow::Borrowed(span.of(bytes));
    }
    let mut text = Vec::new();
    unescape(span.of(bytes), dialect, &mut text);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::csv::marker::Marker;

    fn records(text: &str, dialect: &Dialect) -> Vec<Vec<String>> {
        let mut tokenizer = Tokenizer::new(text.as_bytes(), dialect);
        let mut spans = Vec::new();
        let mut records = Vec::new();
        while tokenizer.next_record(&mut spans).is_some() {
            let fields = spans
                .drain(..)
                .map(|span| {
                    let mut value = Vec::new();
                    if span.is_escaped() {
                        unescape(span.of(text.as_bytes()), dialect, &mut value);
                    } else {
                        value.extend_from_slice(span.of(text.as_bytes()));
                    }
                    String::from_utf8(value).unwrap()
                })
                .collect();
            records.push(fields);
        }
        records
    }

    #[track_caller]
    fn check(text: &str, expected: &[&[&str]]) {
        // The same bytes must give the same records wherever they stand in a block.
        for shift in [0, 1, 15, 16, 17, 61, 62, 63, 64, 65, 127] {
            let padding = "x".repeat(shift);
            let text = format!("{padding},1\n{text}");
            let mut expected: Vec<Vec<String>> = expected
                .iter()
                .map(|record| record.iter().map(|&field| field.to_owned()).collect())
                .collect();
            expected.insert(0, vec![padding, "1".to_owned()]);
            assert_eq!(records(&text, &Dialect::default()), expected, "shift {shift}");
        }
    }

    #[test]
    fn reads_plain_records() {
        check("a,b\nc,d\n", &[&["a", "b"], &["c", "d"]]);
        check("a,b\r\nc,d", &[&["a", "b"], &["c", "d"]]);
        check(",\n,,", &[&["", ""], &["", "", ""]]);
        check("a\n\n\r\nb\n\n", &[&["a"], &["b"]]);
    }

    #[test]
    fn reads_quoted_fields() {
        check("\"a,b\",c\n", &[&["a,b", "c"]]);
        check("\"a\nb\",\"c\r\nd\"\n", &[&["a\nb", "c\r\nd"]]);
        check("\"a\"\"b\",\"\"\n", &[&["a\"b", ""]]);
        check("\"\"\"\",x\n\"\"", &[&["\"", "x"], &[""]]);
        check("\"a\"", &[&["a"]]);
        check("1,\"a\"\n2,\"b\"\n", &[&["1", "a"], &["2", "b"]]);
    }

    #[test]
    fn a_quote_inside_an_unquoted_field_is_text() {
        check("5\" pipe,a\"b\"\nx,y\n", &[&["5\" pipe", "a\"b\""], &["x", "y"]]);
    }

    #[test]
    fn a_stray_quote_inside_quotes_is_text_and_marked() {
        let text = b"\"a\"b\",c\n";
        let dialect = Dialect::default();
        let mut spans = Vec::new();
        let record = Tokenizer::new(text, &dialect).next_record(&mut spans).unwrap();
        assert_eq!(record.fault, Some(DataCode::StrayQuote));
        assert_eq!(spans[0].of(text), b"a\"b");
    }

    #[test]
    fn obeys_other_dialects() {
        let dialect = Dialect {
            delimiter: Marker::byte(b';'),
            quote: Some(b'\''),
            escape: Some(b'\\'),
            cr_ends_record: true,
            cr_repeats: false,
            comment: Marker::new("#"),
        };
        assert_eq!(
            records("# note; 'x\ra;'b\\';c'\r#\r'\\\\';\"d\"\r\ne;f", &dialect),
            [["a", "b';c"], ["\\", "\"d\""], ["e", "f"]]
        );
    }

    #[test]
    fn a_lone_carriage_return_is_text_unless_told_otherwise() {
        assert_eq!(records("a\rb,c\nd,e\r", &Dialect::default()), [["a\rb", "c"], ["d", "e"]]);
    }
}
