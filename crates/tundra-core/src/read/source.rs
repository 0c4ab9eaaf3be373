//! The bytes of an input, in order and as UTF-8.
//!
//! Start at [`TextSource`]: it can be opened as often as passes are needed, and every pass sees
//! the same version of the object. What is no text in its encoding is passed on in a form that no
//! text has ([`decoding`]); [`Explain`] says where it stands in the object itself, and what it is.

mod ahead;
mod decoding;
mod explain;
mod packed;
mod places;

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use tokio::runtime::Handle;
use tundra_unpack::Unpacked;

use self::{ahead::ReadAhead, decoding::Decoding, packed::Packed, places::Marks};
pub(crate) use self::{explain::Explain, packed::Stored};
use crate::{
    Error, ObjectReader, StorageError,
    read::encoding::{SWITCH_BYTES, find_switch},
};

/// Bytes of text that are decoded at a time.
const TEXT_BYTES: usize = 256 << 10;

/// A text input that can be read more than once.
#[derive(Debug, Clone)]
pub(crate) struct TextSource {
    object: Arc<dyn ObjectReader>,
    /// The input's name, for errors.
    name: String,
    runtime: Handle,
    encoding: &'static Encoding,
    /// Bytes of a byte-order mark at the beginning.
    mark: u64,
    /// Escape sequences that switch to Japanese characters are refused.
    refuses_switches: bool,
    /// The text has to be unpacked; what is called the object below is then what comes out.
    packed: Option<Packed>,
    passes: Arc<Passes>,
}

/// What passes leave behind for each other.
#[derive(Debug, Default)]
struct Passes {
    marks: Marks,
    /// Bytes of the object that the current pass has decoded.
    read: AtomicU64,
}

impl TextSource {
    /// Reads `object` in this encoding, passing over `mark` bytes at its beginning.
    pub(crate) fn new(
        object: Arc<dyn ObjectReader>,
        name: String,
        runtime: Handle,
        encoding: &'static Encoding,
        mark: u64,
    ) -> Self {
        let passes = Arc::default();
        Self {
            object,
            name,
            runtime,
            encoding,
            mark,
            refuses_switches: false,
            packed: None,
            passes,
        }
    }

    /// Reads what comes out of the object when it is unpacked.
    pub(crate) fn unpacking(self, stored: Stored, way: Arc<Unpacked>) -> Self {
        Self { packed: Some(Packed::new(stored, way)), ..self }
    }

    /// Lets passes fail at escape sequences that switch to Japanese characters: text whose beginning
    /// is ASCII is ISO-2022-JP then, and would be read as gibberish.
    pub(crate) fn refusing_switches(self) -> Self {
        Self { refuses_switches: true, ..self }
    }

    /// Returns the input's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the encoding.
    pub(crate) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Returns how many bytes of a byte-order mark are passed over.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    /// Returns whether the text has other bytes than the object.
    pub(crate) fn is_transcoded(&self) -> bool {
        self.encoding != UTF_8
    }

    /// Returns whether [`TextSource::bytes_read`] knows how far a pass has come in the object.
    pub(crate) fn counts_object_bytes(&self) -> bool {
        self.is_transcoded() || self.packed.is_some()
    }

    /// Returns how many bytes of the object, as it is stored, the current pass has come through, when the
    /// text has other bytes than the object.
    pub(crate) fn bytes_read(&self) -> u64 {
        match &self.packed {
            Some(packed) => packed.bytes_read(),
            None => self.passes.read.load(Ordering::Relaxed),
        }
    }

    /// Begins a pass at the first byte behind a byte-order mark.
    ///
    /// # Errors
    /// Fails when the file cannot be opened again.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let failed = |error| read_error(error, &self.name);
        let raw = self.open_raw(self.mark).map_err(failed)?;
        if self.refuses_switches {
            return Ok(Box::new(NoSwitches { raw, at: self.mark, tail: Vec::new() }));
        }
        if !self.is_transcoded() {
            return Ok(raw);
        }
        Ok(Box::new(Transcoder {
            decoding: Decoding::new(raw, self.encoding, self.mark, TEXT_BYTES),
            passes: Arc::clone(&self.passes),
            text: 0,
            output: vec![0; TEXT_BYTES],
            held: 0..0,
        }))
    }

    /// Begins to decode at an offset of the object at which a line begins.
    fn decoding(&self, at: u64, block: usize) -> io::Result<Decoding> {
        let raw = self.open_blocks(at, block)?;
        Ok(Decoding::new(raw, self.encoding, at, block))
    }

    fn marks(&self) -> &Marks {
        &self.passes.marks
    }

    /// Returns the last lines of the text and where they begin in it; `None` when that cannot be told
    /// without decoding the whole text. What is packed is unpacked for it only where it `must` be told.
    ///
    /// # Errors
    /// Fails when the object cannot be read.
    pub(crate) fn tail(&self, must: bool) -> Result<Option<(usize, Vec<u8>)>, Error> {
        const TAIL_BYTES: u64 = 64 << 10;
        if self.encoding != UTF_8 || self.packed.is_some() && !must {
            return Ok(None);
        }
        let (start, tail) = match &self.packed {
            Some(packed) => {
                let tail = packed.tail(TAIL_BYTES, self.mark);
                tail.map_err(|error| read_error(error, &self.name))?
            }
            None => {
                let size = self.object.info().size;
                let range = size.saturating_sub(TAIL_BYTES).max(self.mark)..size;
                let start = range.start;
                let tail = self.runtime.block_on(self.object.read(range)).map_err(|source| {
                    Error::Storage { role: "could not read the input", source }
                })?;
                (start, tail)
            }
        };
        // The first line is probably cut.
        let Some(newline) = memchr::memchr(b'\n', &tail) else { return Ok(None) };
        let offset = usize::try_from(start - self.mark).unwrap_or(usize::MAX) + newline + 1;
        Ok(Some((offset, tail[newline + 1..].to_vec())))
    }

    /// Begins to read the bytes as they are stored, up to the end.
    fn open_raw(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        match &self.packed {
            Some(packed) => packed.open(at),
            None => open_ahead(&self.object, &self.runtime, at),
        }
    }

    /// Begins to read the bytes as they are stored, so many with one request to a store.
    fn open_blocks(&self, at: u64, block: usize) -> io::Result<Box<dyn Read + Send>> {
        match &self.packed {
            Some(packed) => packed.open_again(at),
            None => open_blocks(&self.object, &self.runtime, at, block),
        }
    }
}

/// Begins to read an object up to its end.
fn open_ahead(
    object: &Arc<dyn ObjectReader>,
    runtime: &Handle,
    at: u64,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match open_file(object, at)? {
        Some(file) => file,
        None => Box::new(ReadAhead::new(Arc::clone(object), runtime.clone(), at)),
    })
}

/// Begins to read an object, so many bytes with one request to a store.
fn open_blocks(
    object: &Arc<dyn ObjectReader>,
    runtime: &Handle,
    at: u64,
    block: usize,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match open_file(object, at)? {
        Some(file) => file,
        None => Box::new(Blocks {
            object: Arc::clone(object),
            runtime: runtime.clone(),
            at,
            block: block as u64,
            held: Bytes::new(),
        }),
    })
}

/// Begins to read the file, if the object is one.
fn open_file(object: &Arc<dyn ObjectReader>, at: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
    let Some(file) = object.as_file() else { return Ok(None) };
    Ok(Some(Box::new(FileBytes { file: file.try_clone()?, at })))
}

/// Begins to read an object of a store in order, from an offset to its end.
pub(crate) fn ahead_of(
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
    at: u64,
) -> impl Read + Send + 'static {
    ReadAhead::new(object, runtime, at)
}

/// A local file, read without moving its cursor, which all passes share.
struct FileBytes {
    file: File,
    at: u64,
}

impl Read for FileBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// An object of a store, read block by block by whoever needs a few bytes somewhere in it.
struct Blocks {
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
    at: u64,
    /// Bytes of a block.
    block: u64,
    held: Bytes,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            let size = self.object.info().size;
            if self.at >= size {
                return Ok(0);
            }
            let range = self.at..size.min(self.at + self.block);
            self.at = range.end;
            self.held = self.runtime.block_on(self.object.read(range)).map_err(io::Error::other)?;
        }
        let count = buffer.len().min(self.held.len());
        buffer[..count].copy_from_slice(&self.held.split_to(count));
        Ok(count)
    }
}

/// A pass over text in another encoding than UTF-8.
struct Transcoder {
    decoding: Decoding,
    passes: Arc<Passes>,
    /// Bytes of text that were decoded.
    text: u64,
    output: Vec<u8>,
    /// The part of the output that nobody has read yet.
    held: std::ops::Range<usize>,
}

impl Read for Transcoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.held.is_empty() && !self.decoding.ended() {
            let step = self.decoding.step(&mut self.output, usize::MAX)?;
            self.held = 0..step.written;
            self.text += step.written as u64;
            let source = self.decoding.source();
            self.passes.read.store(source, Ordering::Relaxed);
            if step.at_line {
                self.passes.marks.add(self.text, source);
            }
        }
        let count = buffer.len().min(self.held.len());
        let start = self.held.start;
        buffer[..count].copy_from_slice(&self.output[start..start + count]);
        self.held.start += count;
        Ok(count)
    }
}

/// A pass over text that is ASCII as far as it is known, up to what switches to other characters.
struct NoSwitches {
    raw: Box<dyn Read + Send>,
    /// The offset of the next byte.
    at: u64,
    /// The last bytes, in which a sequence may have begun.
    tail: Vec<u8>,
}

impl Read for NoSwitches {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(buffer)?;
        let bytes = &buffer[..count];
        let before = self.tail.len();
        // Across the border first.
        self.tail.extend_from_slice(&bytes[..count.min(SWITCH_BYTES - 1)]);
        let across = find_switch(&self.tail).map(|at| self.at - before as u64 + at as u64);
        let found = across.or_else(|| find_switch(bytes).map(|at| self.at + at as u64));
        if let Some(byte) = found {
            return Err(io::Error::other(Switch { byte }));
        }
        self.at += count as u64;
        let kept = if count < SWITCH_BYTES { self.tail.as_slice() } else { bytes };
        self.tail = kept[kept.len().saturating_sub(SWITCH_BYTES - 1)..].to_vec();
        Ok(count)
    }
}

/// An escape sequence that switches to Japanese characters.
#[derive(Debug, thiserror::Error)]
#[error("the bytes at byte {byte} switch to Japanese characters")]
struct Switch {
    byte: u64,
}

/// Returns the error of a failed read of the input of this name.
pub(crate) fn read_error(error: io::Error, name: &str) -> Error {
    const ROLE: &str = "could not read the input";
    // What a store said travels inside the error of the reader.
    let other = match error.downcast::<StorageError>() {
        Ok(source) => return Error::Storage { role: ROLE, source },
        Err(other) => other,
    };
    let other = match packed::unpack_error(other, name) {
        Ok(error) => return error,
        Err(other) => other,
    };
    let other = match other.downcast::<Switch>() {
        Ok(Switch { byte }) => {
            return Error::Request {
                message: format!(
                    "`{name}` is ASCII at its beginning, and switches to Japanese characters at \
                     byte {byte}, as ISO-2022-JP does"
                ),
                hint: Some(
                    "give `--encoding iso-2022-jp`, or `--encoding utf-8` to keep the escape \
                     sequences as they are"
                        .to_owned(),
                ),
            };
        }
        Err(other) => other,
    };
    let location = name.to_owned();
    let source = StorageError::Other { operation: "read", location, source: Box::new(other) };
    Error::Storage { role: ROLE, source }
}
