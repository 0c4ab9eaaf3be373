//! Where the records of a JSON text end: one pass over the bytes, in order.

use std::{fmt, io::Read};

use crate::{
    DataCode, DataError, Error, RecordsPath,
    read::{
        chunk::{Chunk, Split},
        json::{
            CHUNK_BYTES, JsonLayout, document::DocumentSplit, geojson::Members, lines::LineSplit,
            token::PADDING,
        },
        source::read_error,
    },
};

/// Splits a JSON text into chunks of whole records and counts them.
///
/// What is wrong inside of a record is left to the decoder. What is wrong between records (a
/// trailing comma, a bracket that does not match, an end in the middle) fails here, whatever
/// happens to bad records: where the next record begins is not known any more.
#[derive(Debug)]
pub(crate) struct JsonSplit {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Lines(LineSplit),
    Document(Box<DocumentSplit>),
}

impl JsonSplit {
    /// Splits what `reader` yields, which is UTF-8 without a byte-order mark. With a path, its
    /// records are those that the path leads to in every document of the text. `name` is the
    /// input's, for errors; `byte` is where the first byte of the text stands in it.
    pub(crate) fn new(
        reader: Box<dyn Read + Send>,
        layout: JsonLayout,
        records: Option<RecordsPath>,
        name: String,
        byte: u64,
    ) -> Self {
        let window = Window::new(reader, name, byte);
        let kind = match (layout, records) {
            (_, Some(path)) => Kind::Document(Box::new(DocumentSplit::at_path(window, path))),
            (JsonLayout::Array, None) => Kind::Document(Box::new(DocumentSplit::array(window))),
            (JsonLayout::Concatenated, None) => {
                Kind::Document(Box::new(DocumentSplit::documents(window)))
            }
            (JsonLayout::Ndjson, None) => Kind::Lines(LineSplit::new(window)),
        };
        Self { kind }
    }

    /// Makes chunks of about this size instead of [`CHUNK_BYTES`].
    pub(crate) fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        match &mut self.kind {
            Kind::Lines(split) => split.window_mut().chunk_bytes = bytes.max(1),
            Kind::Document(split) => split.window_mut().chunk_bytes = bytes.max(1),
        }
        self
    }
}

impl JsonSplit {
    /// Tells of the members that stand beside the first step of the path to the records, if there is one.
    pub(super) fn with_members(mut self, members: Members) -> Self {
        if let Kind::Document(split) = &mut self.kind {
            split.tell_members(members);
        }
        self
    }
}

impl Split for JsonSplit {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        match &mut self.kind {
            Kind::Lines(split) => split.next_chunk(),
            Kind::Document(split) => split.next_chunk(),
        }
    }

    fn bytes_read(&self) -> u64 {
        match &self.kind {
            Kind::Lines(split) => split.window().read,
            Kind::Document(split) => split.window().read,
        }
    }
}

/// The part of the input that is held.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    name: String,
    /// Bytes that a chunk should have.
    pub(super) chunk_bytes: usize,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// The offset of the first of them in the input.
    byte: u64,
    /// Its line, counted from 1.
    line: u64,
    read: u64,
    /// Nothing follows the bytes.
    pub(super) ended: bool,
}

impl Window {
    fn new(reader: Box<dyn Read + Send>, name: String, byte: u64) -> Self {
        Self {
            reader,
            name,
            chunk_bytes: CHUNK_BYTES,
            bytes: Vec::new(),
            byte,
            line: 1,
            read: byte,
            ended: false,
        }
    }

    /// Reads until there are `wanted` bytes or the input ends.
    pub(super) fn fill(&mut self, wanted: usize) -> Result<(), Error> {
        if !self.ended {
            // The decoder puts its padding behind the bytes, which must not move them.
            let room = wanted + PADDING;
            self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        while self.bytes.len() < wanted && !self.ended {
            let have = self.bytes.len();
            self.bytes.resize(wanted, 0);
            let result = self.reader.read(&mut self.bytes[have..]);
            self.bytes.truncate(have + *result.as_ref().unwrap_or(&0));
            match result {
                Ok(0) => self.ended = true,
                Ok(count) => self.read += count as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(read_error(error, &self.name)),
            }
        }
        Ok(())
    }

    /// Drops the first `count` bytes.
    pub(super) fn drop_front(&mut self, count: usize) {
        if count > 0 {
            self.advance(count);
            self.bytes.drain(..count);
        }
    }

    /// Takes the first `end` bytes away as a chunk. What follows them up to `next` belongs to
    /// no record and is dropped.
    pub(super) fn take(&mut self, end: usize, next: usize, record: u64, records: u64) -> Chunk {
        let (byte, line) = (self.byte, self.line);
        self.advance(next);
        let rest = &self.bytes[next..];
        let mut held = Vec::with_capacity(self.chunk_bytes.max(rest.len()) + PADDING);
        held.extend_from_slice(rest);
        let mut bytes = std::mem::replace(&mut self.bytes, held);
        bytes.truncate(end);
        Chunk { bytes, byte, line, record, records }
    }

    fn advance(&mut self, count: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.bytes[..count]).count() as u64;
        self.byte += count as u64;
    }

    /// Returns the name of the input.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns an error about the record number `record` (from 0) that begins at `start`; what is
    /// wrong stands at `at`.
    pub(super) fn error(
        &self,
        code: DataCode,
        record: u64,
        start: usize,
        at: usize,
        message: &str,
    ) -> Error {
        let line =
            |at: usize| self.line + memchr::memchr_iter(b'\n', &self.bytes[..at]).count() as u64;
        let at = at.min(self.bytes.len());
        let place = if at > start {
            format!(", at line {} (byte {})", line(at), self.byte + at as u64)
        } else {
            String::new()
        };
        let shown = &self.bytes[start..self.bytes.len().min(start + 200)];
        Error::Data {
            input: self.name.clone(),
            source: Box::new(DataError {
                code,
                record: record + 1,
                line: line(start),
                byte: self.byte + start as u64,
                column: None,
                text: DataError::shorten(shown),
                message: format!("{message}{place}"),
            }),
        }
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("name", &self.name)
            .field("byte", &self.byte)
            .field("held", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
