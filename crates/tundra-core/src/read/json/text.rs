//! A chunk as a text that can be parsed, and the records in it.
//!
//! Start at [`Text`]. It is valid UTF-8 and padded, whatever the chunk was.

use std::{borrow::Cow, cell::Cell};

use crate::{
    DataCode, DataError,
    read::{
        chunk::Chunk,
        json::{
            Framing,
            extent::Extent,
            fault::{Fault, FaultKind, Parsed},
            token::{PADDING, Space, unexpected},
        },
    },
};

/// What stands in the text for each byte that is not UTF-8: a control character, which no record
/// can hold, so the record cannot be read.
const REPLACEMENT: u8 = 0x1a;

/// The bytes of a chunk with the padding behind them.
#[derive(Debug)]
pub(super) struct Padded {
    bytes: Vec<u8>,
    byte: u64,
    line: u64,
    record: u64,
}

/// A chunk that can be parsed.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// The text, and behind it the padding.
    pub(super) padded: Cow<'a, str>,
    /// The bytes as they were, without the padding.
    raw: &'a [u8],
    chunk: &'a Padded,
    /// An offset and its line, from which the next one is counted: with many faults in a chunk,
    /// counting from its beginning each time would be slow.
    counted: Cell<(usize, u64)>,
}

impl Padded {
    /// Takes the bytes of a chunk.
    pub(super) fn new(chunk: Chunk) -> Self {
        let mut bytes = chunk.bytes;
        bytes.extend_from_slice(&[0; PADDING]);
        Self { bytes, byte: chunk.byte, line: chunk.line, record: chunk.record }
    }

    /// Returns the text.
    pub(super) fn text(&self) -> Text<'_> {
        let padded = match simdutf8::basic::from_utf8(&self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(without_invalid(&self.bytes)),
        };
        let raw = &self.bytes[..self.bytes.len() - PADDING];
        Text { padded, raw, chunk: self, counted: Cell::new((0, self.line)) }
    }
}

/// Replaces each byte that is not UTF-8 by one that no record can hold.
fn without_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::from(REPLACEMENT)));
    }
    text
}

impl Text<'_> {
    /// Returns the length without the padding.
    pub(super) fn len(&self) -> usize {
        self.raw.len()
    }

    /// Returns the bytes of a record as they were.
    pub(super) fn raw(&self, start: usize, end: usize) -> &[u8] {
        self.raw.get(start..end).unwrap_or_default()
    }

    /// Returns the offset in the input.
    pub(super) fn byte(&self, at: usize) -> u64 {
        self.chunk.byte + at as u64
    }

    /// Returns the number of the record that is number `index` of the chunk, from 0.
    pub(super) fn record(&self, index: u64) -> u64 {
        self.chunk.record + index
    }

    /// Describes what is wrong with the record number `index` of the chunk, which stands at
    /// `start..end`.
    pub(super) fn error(&self, fault: Fault, index: u64, start: usize, end: usize) -> DataError {
        let raw = self.raw(start, end);
        let line = self.line(start);
        let fault = self.undecodable(start, end).unwrap_or(fault);
        let place = match fault.kind {
            // The value is named; where it stands in the record is of no use to anybody.
            FaultKind::Contradiction | FaultKind::Data(DataCode::BadValue) => String::new(),
            _ => {
                let before = self.raw(start, fault.at.min(self.len()));
                // A chunk can begin in the middle of a line, so on the record's first line the
                // distance from the line's beginning is not known.
                match memchr::memrchr(b'\n', before) {
                    None => format!(" at character {} of the record", before.len() + 1),
                    Some(newline) => {
                        let (line, character) = (self.line(fault.at), before.len() - newline);
                        format!(" at line {line}, character {character}")
                    }
                }
            }
        };
        DataError {
            code: fault.code(),
            record: self.record(index) + 1,
            line,
            byte: self.byte(start),
            column: fault.field,
            text: fault.text.unwrap_or_else(|| DataError::shorten(&raw[..raw.len().min(500)])),
            message: format!("{}{place}", fault.message),
        }
    }

    /// Returns the fault of a record that holds bytes that are not UTF-8.
    fn undecodable(&self, start: usize, end: usize) -> Option<Fault> {
        let Cow::Owned(text) = &self.padded else { return None };
        let (raw, text) = (self.raw(start, end), text.as_bytes().get(start..end)?);
        let offset = raw.iter().zip(text).position(|(raw, text)| raw != text)?;
        Some(*Fault::data(
            DataCode::UndecodableBytes,
            start + offset,
            format!("the byte 0x{:02x} is not UTF-8", raw[offset]),
        ))
    }

    fn line(&self, at: usize) -> u64 {
        let at = at.min(self.len());
        let (from, line) = match self.counted.get() {
            counted if counted.0 <= at => counted,
            _ => (0, self.chunk.line),
        };
        let line = line + memchr::memchr_iter(b'\n', &self.raw[from..at]).count() as u64;
        self.counted.set((at, line));
        line
    }
}

/// Walks from record to record.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    length: usize,
    framing: Framing,
    at: usize,
}

impl<'a> Records<'a> {
    /// Begins at the first record.
    pub(super) fn new(text: &'a Text<'_>, framing: Framing) -> Self {
        Self { bytes: text.padded.as_bytes(), length: text.len(), framing, at: 0 }
    }

    /// Returns which bytes are blank inside a record.
    pub(super) fn space(&self) -> Space {
        match self.framing {
            Framing::Lines => Space::LINE,
            Framing::Commas | Framing::Values => Space::ANY,
        }
    }

    /// Returns the offset of the next record's first byte; `None` behind the last one.
    #[inline]
    pub(super) fn next_start(&mut self) -> Option<usize> {
        self.at = Space::ANY.skip(self.bytes, self.at);
        (self.at < self.length).then_some(self.at)
    }

    /// Checks that the record ends at `end`, where its value was read to, and passes over it.
    #[inline]
    pub(super) fn finish(&mut self, end: usize) -> Parsed<()> {
        match self.framing {
            Framing::Lines => {
                let at = Space::LINE.skip(self.bytes, end);
                if self.bytes[at] != b'\n' && at < self.length {
                    return Err(unexpected(self.bytes, at, "the end of the line"));
                }
                self.at = at;
            }
            Framing::Commas => {
                let at = Space::ANY.skip(self.bytes, end);
                if at >= self.length {
                    self.at = self.length;
                } else if self.bytes[at] == b',' {
                    self.at = at + 1;
                } else {
                    return Err(unexpected(self.bytes, at, "`,` behind a record"));
                }
            }
            Framing::Values => {
                // A bracket or a quote ends a value; a number or a word goes on.
                let closed = matches!(self.bytes[end - 1], b'}' | b']' | b'"');
                if !closed && end < self.length && Extent::end(self.bytes, end - 1) != end {
                    return Err(unexpected(self.bytes, end, "the end of the value"));
                }
                self.at = end;
            }
        }
        Ok(())
    }

    /// Passes over the record at `start`, whatever it holds, and returns where it ends.
    pub(super) fn pass(&mut self, start: usize) -> usize {
        let bytes = &self.bytes[..self.length];
        if self.framing == Framing::Lines {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            self.at = end;
            let blank = bytes[start..end].iter().rev();
            return end - blank.take_while(|byte| byte.is_ascii_whitespace()).count();
        }
        let end = Extent::end(bytes, start);
        self.at = end;
        if self.framing == Framing::Commas {
            let comma = Space::ANY.skip(self.bytes, end);
            self.at = if self.bytes[comma] == b',' { comma + 1 } else { comma };
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(bytes: &[u8]) -> Padded {
        Padded::new(Chunk { bytes: bytes.to_vec(), byte: 100, line: 7, record: 3, records: 0 })
    }

    /// Passes over every record and returns the texts.
    fn passed(bytes: &[u8], framing: Framing) -> Vec<String> {
        let padded = padded(bytes);
        let text = padded.text();
        let mut records = Records::new(&text, framing);
        let mut found = Vec::new();
        while let Some(start) = records.next_start() {
            let end = records.pass(start);
            found.push(String::from_utf8_lossy(text.raw(start, end)).into_owned());
        }
        found
    }

    #[test]
    fn passes_over_records_of_each_framing() {
        assert_eq!(passed(b"{} \r\n\n {\"a\n1\t\n2", Framing::Lines), ["{}", "{\"a", "1", "2"]);
        assert_eq!(
            passed(b"{\"a\":[1,2]} ,\n3 , \"x,y\",nul", Framing::Commas),
            ["{\"a\":[1,2]}", "3", "\"x,y\"", "nul"]
        );
        assert_eq!(
            passed(b"{}{\"a\":1}\n[1] 2 3\"x\"nul", Framing::Values),
            ["{}", "{\"a\":1}", "[1]", "2", "3", "\"x\"", "nul"]
        );
    }

    #[test]
    fn a_byte_that_is_no_utf8_is_located() {
        let padded = padded(b"{\"a\":1}\n{\"b\":\"\xff\"}\n");
        let text = padded.text();
        let fault = *Fault::json(14, "the control character");
        let error = text.error(fault, 1, 8, 17);
        assert_eq!(error.code, DataCode::UndecodableBytes);
        assert_eq!((error.record, error.line, error.byte), (5, 8, 108));
        assert_eq!(error.message, "the byte 0xff is not UTF-8 at character 7 of the record");
        assert_eq!(error.text, "{\"b\":\"\\xff\"}");
        let other = text.error(*Fault::json(3, "x"), 0, 0, 7);
        assert_eq!(other.code, DataCode::BadJson, "the other record is not to blame");
    }

    #[test]
    fn a_fault_on_a_later_line_is_located_there() {
        let padded = padded(b"{\"a\":1,\n  \"b\":x}");
        let text = padded.text();
        let error = text.error(*Fault::json(14, "`x` is no value"), 0, 0, 16);
        assert_eq!(error.message, "`x` is no value at line 8, character 7");
    }
}
