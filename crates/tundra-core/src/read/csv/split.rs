//! Where the records of a delimited text end: one pass over the bytes, in order.

use std::io::Read;

use crate::{
    DataCode, DataError, Error,
    read::{
        chunk::{Chunk, Split},
        csv::{
            dialect::{Dialect, QuotedEnd},
            marker::Marker,
        },
        source::read_error,
    },
};

/// Bytes that a chunk should have. Large enough that handing it over costs nothing, small enough
/// that a few of them and their batches stay below the memory that DuckDB's own reader takes.
pub(crate) const CHUNK_BYTES: usize = 2 << 20;

/// The longest record that is accepted: an unclosed quote would otherwise take in the rest of the
/// input. Cells of 50 MB are seen in practice; five of them fit.
pub(crate) const MAX_RECORD_BYTES: usize = 256 << 20;

/// Splits a delimited text into chunks of whole records.
pub(crate) struct CsvSplit {
    reader: Box<dyn Read + Send>,
    dialect: Dialect,
    name: String,
    chunk_bytes: usize,
    /// Bytes that were read but are in no chunk yet; they begin with a record's first.
    rest: Vec<u8>,
    /// The offset of `rest` in the input, its line and its record.
    byte: u64,
    line: u64,
    record: u64,
    read: u64,
    ended: bool,
}

/// A boundary behind some records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Boundary {
    /// Bytes before it.
    end: usize,
    /// Records before it.
    records: u64,
    /// Newlines before it, those between quotes included.
    lines: u64,
}

impl CsvSplit {
    /// Splits what `reader` yields. `name` is the input's, for errors; `byte` and `line` are where
    /// its first byte stands in the input.
    pub(crate) fn new(
        reader: Box<dyn Read + Send>,
        dialect: Dialect,
        name: String,
        byte: u64,
        line: u64,
    ) -> Self {
        Self {
            reader,
            dialect,
            name,
            chunk_bytes: CHUNK_BYTES,
            rest: Vec::new(),
            byte,
            line,
            record: 0,
            read: byte,
            ended: false,
        }
    }

    /// Makes chunks of about this size instead of [`CHUNK_BYTES`].
    #[cfg(test)]
    pub(crate) fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes.max(1);
        self
    }

    /// Reads until there are `wanted` bytes or the input ends.
    fn fill(&mut self, wanted: usize) -> Result<(), Error> {
        while self.rest.len() < wanted && !self.ended {
            let have = self.rest.len();
            self.rest.resize(wanted, 0);
            match self.reader.read(&mut self.rest[have..]) {
                Ok(count) => {
                    self.rest.truncate(have + count);
                    self.read += count as u64;
                    self.ended = count == 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    self.rest.truncate(have);
                }
                Err(error) => {
                    self.rest.truncate(have);
                    return Err(read_error(error, &self.name));
                }
            }
        }
        Ok(())
    }

    fn error(&self, code: DataCode, message: String) -> Error {
        Error::Data {
            input: self.name.clone(),
            source: Box::new(DataError {
                code,
                record: self.record + 1,
                line: self.line,
                byte: self.byte,
                column: None,
                text: DataError::shorten(&self.rest[..self.rest.len().min(200)]),
                message,
            }),
        }
    }
}

impl Split for CsvSplit {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        let mut wanted = self.chunk_bytes.max(self.rest.len());
        loop {
            self.fill(wanted)?;
            if self.rest.is_empty() {
                return Ok(None);
            }
            let boundary = last_boundary(&self.rest, &self.dialect, self.ended);
            if boundary.end > 0 {
                let mut bytes =
                    Vec::with_capacity(self.chunk_bytes.max(self.rest.len() - boundary.end));
                bytes.extend_from_slice(&self.rest[boundary.end..]);
                std::mem::swap(&mut bytes, &mut self.rest);
                bytes.truncate(boundary.end);
                let chunk = Chunk {
                    bytes,
                    byte: self.byte,
                    line: self.line,
                    record: self.record,
                    records: boundary.records,
                };
                self.byte += boundary.end as u64;
                self.line += boundary.lines;
                self.record += boundary.records;
                return Ok(Some(chunk));
            }
            if self.rest.len() >= MAX_RECORD_BYTES {
                return Err(self.error(
                    DataCode::RecordTooLong,
                    format!("a record is longer than {} MiB", MAX_RECORD_BYTES >> 20),
                ));
            }
            wanted = self.rest.len().saturating_mul(2).min(MAX_RECORD_BYTES);
        }
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }
}

/// Finds the last boundary between two records. With `complete` the end of the bytes is the end of
/// the input and a boundary too.
fn last_boundary(bytes: &[u8], dialect: &Dialect, complete: bool) -> Boundary {
    let mut found = Boundary::default();
    // The line that is being looked at: where it begins, and newlines between its quotes.
    let mut start = 0;
    let mut lines_inside = 0;
    // Where the first field begins that has no quoted one before it in the line.
    let mut field = 0;
    let mut at = 0;
    let quote = dialect.quote.filter(|&quote| memchr::memchr(quote, bytes).is_some());
    let mut comment = dialect.is_comment(bytes, 0);
    loop {
        let next = match (quote, dialect.cr_ends_record) {
            (Some(quote), true) => memchr::memchr3(quote, b'\n', b'\r', &bytes[at..]),
            (Some(quote), false) => memchr::memchr2(quote, b'\n', &bytes[at..]),
            (None, true) => memchr::memchr2(b'\n', b'\r', &bytes[at..]),
            (None, false) => memchr::memchr(b'\n', &bytes[at..]),
        };
        let Some(offset) = next else { break };
        at += offset;
        if Some(bytes[at]) == quote {
            if comment || !begins_field(bytes, field, at, &dialect.delimiter) {
                at += 1;
                continue;
            }
            match dialect.quoted_end(bytes, at + 1, bytes[at], complete) {
                QuotedEnd::Closed { at: end, .. } => {
                    lines_inside += dialect.count_lines(&bytes[at..end]);
                    at = end + 1;
                    field = at + dialect.delimiter.len();
                }
                QuotedEnd::Literal => at += 1,
                // Where the input ends the quote was text.
                QuotedEnd::Open if complete => at += 1,
                QuotedEnd::Open => return found,
            }
            continue;
        }
        if bytes[at] == b'\r' && at + 1 == bytes.len() && !complete {
            // Whether a `\n` follows is not known yet.
            return found;
        }
        let blank = dialect.is_blank(&bytes[start..at]);
        at = if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 };
        found = Boundary {
            end: at,
            records: found.records + u64::from(!blank && !comment),
            lines: found.lines + lines_inside + 1,
        };
        start = at;
        field = at;
        lines_inside = 0;
        comment = dialect.is_comment(bytes, start);
    }
    if complete && start < bytes.len() {
        let blank = dialect.is_blank(&bytes[start..]);
        found = Boundary {
            end: bytes.len(),
            records: found.records + u64::from(!blank && !comment),
            lines: found.lines + lines_inside,
        };
    }
    found
}

/// Returns whether a field begins at `at`, in a line that is looked at from `field`, where one does.
#[inline]
fn begins_field(bytes: &[u8], field: usize, at: usize, delimiter: &Marker) -> bool {
    if delimiter.len() == 1 {
        return at == field || bytes[at - 1] == delimiter.first();
    }
    // Delimiters of several bytes may seem to overlap; they are found from the left.
    let between = &bytes[field.min(at)..at];
    let last = memchr::memmem::find_iter(between, delimiter.as_bytes()).last();
    last.map_or(at == field, |last| field + last + delimiter.len() == at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::csv::tokenize::Tokenizer;

    /// Returns the chunks, after checking that they follow each other without a gap.
    fn chunks(text: &str, dialect: &Dialect, chunk_bytes: usize) -> Vec<Chunk> {
        let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut split = CsvSplit::new(reader, dialect.clone(), "test".to_owned(), 0, 1)
            .with_chunk_bytes(chunk_bytes);
        let mut chunks = Vec::new();
        let (mut byte, mut record) = (0, 0);
        while let Some(chunk) = split.next_chunk().unwrap() {
            assert_eq!((chunk.byte, chunk.record), (byte, record));
            let newline = if dialect.cr_ends_record { '\r' } else { '\n' };
            let before = &text[..usize::try_from(byte).unwrap()];
            assert_eq!(chunk.line, before.matches(newline).count() as u64 + 1);
            byte += chunk.bytes.len() as u64;
            record += chunk.records;
            chunks.push(chunk);
        }
        assert_eq!(byte, text.len() as u64);
        chunks
    }

    fn records(bytes: &[u8], dialect: &Dialect) -> u64 {
        let mut tokenizer = Tokenizer::new(bytes, dialect);
        let mut spans = Vec::new();
        std::iter::from_fn(|| tokenizer.next_record(&mut spans)).count() as u64
    }

    #[test]
    fn records_are_whole_and_counted_whatever_the_size_of_a_chunk() {
        let backslash = Dialect { escape: Some(b'\\'), ..Dialect::default() };
        let comments = Dialect { comment: Marker::new("#"), ..Dialect::default() };
        let old_mac = Dialect { cr_ends_record: true, ..Dialect::default() };
        for (text, dialect, expected) in [
            ("a,b\nc,d\n", Dialect::default(), 2),
            ("a,b\r\n\r\nc,d", Dialect::default(), 2),
            ("\n\na\n\n", Dialect::default(), 1),
            ("\"x\ny\",1\n\"\"\"\n\"\"\",2\n3,\"\"\n", Dialect::default(), 3),
            ("5\" pipe,1\na \"b\" c,2\n", Dialect::default(), 2),
            ("\"a\"b\",1\n2,3\n", Dialect::default(), 2),
            ("\"a\\\"\nb\",1\n2,3\n", backslash, 2),
            ("# \"one\n1\n#\n2\n# \"", comments, 2),
            ("a,b\rc,\"d\re\"\r\rf,g", old_mac, 3),
        ] {
            for chunk_bytes in 1..=text.len() + 1 {
                let chunks = chunks(text, &dialect, chunk_bytes);
                let counted: u64 = chunks.iter().map(|chunk| chunk.records).sum();
                assert_eq!(counted, expected, "{text:?} in chunks of {chunk_bytes}");
                for chunk in &chunks {
                    let decoded = records(&chunk.bytes, &dialect);
                    assert_eq!(chunk.records, decoded, "{text:?} in chunks of {chunk_bytes}");
                }
            }
        }
    }

    #[test]
    fn a_quote_that_closes_nothing_is_text_wherever_a_chunk_ends() {
        for (text, expected) in [
            // The quote of the first line belongs to no field.
            ("a,\"b,c\n1,\"two, three\",4\n5,6,7\n", 3),
            ("a,\"b,\"c, d\"\ne,f,g\n", 2),
            ("a,\"\nb,\"x\"\nc,d\n", 3),
            ("a,b\nc,\"d\ne,f\n", 3),
            ("a,\"\"b, c\"\nd,e\n", 2),
        ] {
            for chunk_bytes in 1..=text.len() + 1 {
                let dialect = Dialect::default();
                let chunks = chunks(text, &dialect, chunk_bytes);
                let counted: u64 = chunks.iter().map(|chunk| chunk.records).sum();
                assert_eq!(counted, expected, "{text:?} in chunks of {chunk_bytes}");
                for chunk in &chunks {
                    assert_eq!(chunk.records, records(&chunk.bytes, &dialect), "{text:?}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn the_splitter_and_the_tokenizer_count_the_same(
            text in "[a,\"\\\\\n\r| ']{0,60}",
            chunk_bytes in 1usize..70,
            delimiter in proptest::sample::select(vec![",", ", ", "||", " | ", "|"]),
            quote in proptest::sample::select(vec![None, Some(b'"'), Some(b'\'')]),
            escape in proptest::sample::select(vec![None, Some(b'"'), Some(b'\\')]),
            cr_ends_record: bool,
            cr_repeats: bool,
        ) {
            let delimiter = Marker::new(delimiter).unwrap();
            let escape = escape.filter(|_| quote.is_some());
            let dialect =
                Dialect { delimiter, quote, escape, cr_ends_record, ..Dialect::default() };
            let dialect = Dialect { cr_repeats: cr_repeats && !cr_ends_record, ..dialect };
            let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
            let mut split = CsvSplit::new(reader, dialect.clone(), "test".to_owned(), 0, 1)
                .with_chunk_bytes(chunk_bytes);
            let mut counted = 0;
            while let Some(chunk) = split.next_chunk().unwrap() {
                proptest::prop_assert_eq!(chunk.records, records(&chunk.bytes, &dialect));
                counted += chunk.records;
            }
            proptest::prop_assert_eq!(counted, records(text.as_bytes(), &dialect));
        }
    }
}
