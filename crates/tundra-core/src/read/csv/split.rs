//! Where the records of a delimited text end: one pass over the bytes, in order.

use std::io::Read;

use crate::{
    DataCode, DataError, Error,
    read::{
        chunk::{Chunk, Split},
        csv::dialect::{Dialect, QuotedEnd},
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

    fn error(&self, before: Boundary, code: DataCode, message: String) -> Error {
        let text = &self.rest[before.end..];
        Error::Data {
            input: self.name.clone(),
            source: Box::new(DataError {
                code,
                record: self.record + before.records + 1,
                line: self.line + before.lines,
                byte: self.byte + before.end as u64,
                column: None,
                text: DataError::shorten(&text[..text.len().min(200)]),
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
            let boundary = match last_boundary(&self.rest, &self.dialect, self.ended) {
                Ok(boundary) => boundary,
                Err(Unclosed(before)) => {
                    return Err(self.error(
                        before,
                        DataCode::UnclosedQuote,
                        "a quote opens in this record and never closes".to_owned(),
                    ));
                }
            };
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
                    Boundary::default(),
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

/// A quote opens and the input ends before it closes: where its record begins.
struct Unclosed(Boundary);

/// Finds the last boundary between two records. With `complete` the end of the bytes is the end of
/// the input and a boundary too.
fn last_boundary(bytes: &[u8], dialect: &Dialect, complete: bool) -> Result<Boundary, Unclosed> {
    let mut found = Boundary::default();
    // The line that is being looked at: where it begins, and newlines between its quotes.
    let mut start = 0;
    let mut lines_inside = 0;
    let mut at = 0;
    let quote = dialect.quote.filter(|&quote| memchr::memchr(quote, bytes).is_some());
    let mut comment = is_comment(bytes, 0, dialect);
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
            let opens = at == start || bytes[at - 1] == dialect.delimiter;
            if comment || !opens {
                at += 1;
                continue;
            }
            match dialect.quoted_end(bytes, at + 1, bytes[at], complete) {
                QuotedEnd::Closed { at: end, .. } => {
                    lines_inside += dialect.count_lines(&bytes[at..end]);
                    at = end + 1;
                }
                QuotedEnd::Open if complete => {
                    return Err(Unclosed(Boundary { end: start, ..found }));
                }
                QuotedEnd::Open => return Ok(found),
            }
            continue;
        }
        if bytes[at] == b'\r' && at + 1 == bytes.len() && !complete {
            // Whether a `\n` follows is not known yet.
            return Ok(found);
        }
        let blank = at == start || (at == start + 1 && bytes[start] == b'\r');
        at = if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 };
        found = Boundary {
            end: at,
            records: found.records + u64::from(!blank && !comment),
            lines: found.lines + lines_inside + 1,
        };
        start = at;
        lines_inside = 0;
        comment = is_comment(bytes, start, dialect);
    }
    if complete && start < bytes.len() {
        let blank = &bytes[start..] == b"\r";
        found = Boundary {
            end: bytes.len(),
            records: found.records + u64::from(!blank && !comment),
            lines: found.lines + lines_inside,
        };
    }
    Ok(found)
}

/// Returns whether the line at `start` is a comment.
fn is_comment(bytes: &[u8], start: usize, dialect: &Dialect) -> bool {
    dialect.comment.is_some() && bytes.get(start).copied() == dialect.comment
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
        let comments = Dialect { comment: Some(b'#'), ..Dialect::default() };
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
    fn a_quote_that_never_closes_is_located() {
        let reader = Box::new(std::io::Cursor::new(b"a\nb\n\"c\nd\n".to_vec()));
        let mut split =
            CsvSplit::new(reader, Dialect::default(), "test".to_owned(), 0, 1).with_chunk_bytes(2);
        let error = loop {
            match split.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the quote was not missed"),
                Err(error) => break error,
            }
        };
        let Error::Data { source, .. } = error else { panic!("{error:?}") };
        assert_eq!((source.code, source.record, source.line), (DataCode::UnclosedQuote, 3, 3));
    }
}
