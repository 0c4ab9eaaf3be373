//! The bytes of an input, in order and as UTF-8.
//!
//! Start at [`TextSource`]: it can be opened as often as passes are needed, and every pass sees
//! the same version of the object.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use tokio::runtime::Handle;

use crate::{DataCode, DataError, Error, ObjectReader, StorageError};

/// Bytes that one read from a store asks for.
const RANGE_BYTES: u64 = 8 << 20;

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
        Self { object, name, runtime, encoding, mark }
    }

    /// Returns how many bytes of a byte-order mark are passed over.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    /// Begins a pass at the first byte behind a byte-order mark.
    ///
    /// # Errors
    /// Fails when the file cannot be opened again.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let raw = self.open_raw()?;
        if self.encoding == UTF_8 {
            return Ok(raw);
        }
        // Whoever reads a few bytes at a time leaves a decoder no room for a character.
        Ok(Box::new(BufReader::with_capacity(
            TEXT_BYTES,
            Transcoder {
                raw,
                decoder: self.encoding.new_decoder_without_bom_handling(),
                input: Vec::new(),
                consumed: 0,
                ended: false,
                offset: self.mark,
                encoding: self.encoding,
            },
        )))
    }

    /// Returns the last lines of the text and where they begin in it; `None` when that cannot be told
    /// without decoding the whole text.
    ///
    /// # Errors
    /// Fails when the object cannot be read.
    pub(crate) fn tail(&self) -> Result<Option<(usize, Vec<u8>)>, Error> {
        const TAIL_BYTES: u64 = 64 << 10;
        if self.encoding != UTF_8 {
            return Ok(None);
        }
        let size = self.object.info().size;
        let range = size.saturating_sub(TAIL_BYTES).max(self.mark)..size;
        let start = range.start;
        let tail = self
            .runtime
            .block_on(self.object.read(range))
            .map_err(|source| Error::Storage { role: "could not read the input", source })?;
        // The first line is probably cut.
        let Some(newline) = memchr::memchr(b'\n', &tail) else { return Ok(None) };
        let offset = usize::try_from(start - self.mark).unwrap_or(usize::MAX) + newline + 1;
        Ok(Some((offset, tail[newline + 1..].to_vec())))
    }

    /// Begins a pass over the bytes as they are stored.
    fn open_raw(&self) -> Result<Box<dyn Read + Send>, Error> {
        if let Some(file) = self.object.as_file() {
            let file = file.try_clone().map_err(|error| read_error(error, &self.name))?;
            return Ok(Box::new(FileBytes { file, at: self.mark }));
        }
        Ok(Box::new(ObjectBytes {
            object: Arc::clone(&self.object),
            runtime: self.runtime.clone(),
            at: self.mark,
            held: Bytes::new(),
        }))
    }
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

/// An object of a store, read range by range.
struct ObjectBytes {
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
    at: u64,
    held: Bytes,
}

impl Read for ObjectBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            let size = self.object.info().size;
            if self.at >= size {
                return Ok(0);
            }
            let range = self.at..size.min(self.at + RANGE_BYTES);
            self.at = range.end;
            self.held = self.runtime.block_on(self.object.read(range)).map_err(io::Error::other)?;
        }
        let count = buffer.len().min(self.held.len());
        buffer[..count].copy_from_slice(&self.held.split_to(count));
        Ok(count)
    }
}

/// Turns text in another encoding into UTF-8; never replaces what it cannot read. It must be read
/// with room for at least one character.
struct Transcoder {
    raw: Box<dyn Read + Send>,
    decoder: Decoder,
    input: Vec<u8>,
    consumed: usize,
    ended: bool,
    /// The offset of `input[consumed]` in the object.
    offset: u64,
    encoding: &'static Encoding,
}

/// The bytes at an offset are no text in the encoding of the input.
#[derive(Debug, thiserror::Error)]
#[error("the bytes at offset {offset} are not {encoding}")]
pub(crate) struct Undecodable {
    /// Where.
    pub(crate) offset: u64,
    /// In which encoding.
    pub(crate) encoding: &'static str,
}

impl Read for Transcoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const INPUT_BYTES: usize = 256 << 10;
        loop {
            if self.consumed == self.input.len() && !self.ended {
                self.input.resize(INPUT_BYTES, 0);
                let count = self.raw.read(&mut self.input)?;
                self.input.truncate(count);
                self.consumed = 0;
                self.ended = count == 0;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.input[self.consumed..],
                buffer,
                self.ended,
            );
            self.consumed += read;
            self.offset += read as u64;
            if let DecoderResult::Malformed(length, behind) = result {
                let back = u64::from(length) + u64::from(behind);
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    Undecodable {
                        offset: self.offset.saturating_sub(back),
                        encoding: self.encoding.name(),
                    },
                ));
            }
            if written > 0 || self.ended {
                return Ok(written);
            }
        }
    }
}

/// Returns the error of a failed read of the input of this name.
pub(crate) fn read_error(error: io::Error, name: &str) -> Error {
    const ROLE: &str = "could not read the input";
    // What a store said travels inside the error of the reader.
    let other = match error.downcast::<StorageError>() {
        Ok(source) => return Error::Storage { role: ROLE, source },
        Err(other) => other,
    };
    let other = match other.downcast::<Undecodable>() {
        Ok(undecodable) => {
            return Error::Data {
                input: name.to_owned(),
                source: Box::new(DataError {
                    code: DataCode::UndecodableBytes,
                    record: 0,
                    line: 0,
                    byte: undecodable.offset,
                    column: None,
                    text: String::new(),
                    message: undecodable.to_string(),
                }),
            };
        }
        Err(other) => other,
    };
    let location = name.to_owned();
    let source = StorageError::Other { operation: "read", location, source: Box::new(other) };
    Error::Storage { role: ROLE, source }
}
