//! The archive that a workbook is, and its parts.
//!
//! Start at [`Package`]. An archive says of each part how large it is, packed and unpacked, and what its
//! checksum is. A part is never more than that, and less of it or another checksum is a fault at its
//! end. No name is used as a path.

use std::{
    collections::HashMap,
    fmt,
    io::{self, BufReader, Read},
};

use flate2::{Crc, bufread::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::{
    bytes::Source,
    fault::{Fault, is_of_store},
};

/// Parts that are read as a whole and are small in every real workbook: at most this.
const SMALL_PART: u64 = 256 << 20;

/// Above this a part must not be packed more tightly than [`MOST_RATIO`].
const UNSUSPECTED: u64 = 256 << 20;

/// How many times smaller than itself a large part may be. A column of one value comes to 150 or so; a
/// bomb to 1,000.
const MOST_RATIO: u64 = 500;

/// What parts in UTF-16 begin with. Hardly any program writes them so.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// More parts than this has no workbook.
const MOST_PARTS: usize = 100_000;

/// What is said where one of two parts would be gone without a word.
const ONE_NAME: &str = "two of its parts have one name";

/// An archive whose directory was read.
pub(super) struct Package {
    source: Source,
    /// By their names in lower case: the letters of names are not told apart.
    parts: HashMap<String, Part>,
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("parts", &self.parts.len()).finish_non_exhaustive()
    }
}

/// A part of an archive.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    start: u64,
    packed: u64,
    /// Its bytes, unpacked.
    pub(super) size: u64,
    crc: u32,
    method: CompressionMethod,
}

impl Package {
    /// Reads the directory.
    pub(super) fn open(source: Source) -> Result<Self, Fault> {
        let mut archive = ZipArchive::new(source.cursor()).map_err(of_archive)?;
        if archive.len() > MOST_PARTS {
            return Err(Fault::TooLarge(format!("its archive has {} parts", archive.len())));
        }
        if archive.has_duplicate_names() {
            return Err(Fault::damaged(ONE_NAME));
        }
        let mut parts = HashMap::with_capacity(archive.len());
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(of_archive)?;
            if file.encrypted() {
                return Err(Fault::damaged("its parts are encrypted"));
            }
            let name = String::from_utf8_lossy(file.name_raw()).into_owned();
            let part = Part {
                start: file.data_start().unwrap_or(u64::MAX),
                packed: file.compressed_size(),
                size: file.size(),
                crc: file.crc32(),
                method: file.compression(),
                name,
            };
            if part.start.checked_add(part.packed).is_none_or(|end| end > source.size()) {
                return Err(Fault::damaged(format!("its part `{}` is cut off", part.name)));
            }
            if parts.insert(key(&part.name), part).is_some() {
                return Err(Fault::damaged(ONE_NAME));
            }
        }
        Ok(Self { source, parts })
    }

    /// Returns the part of this name.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.get(&key(name))
    }

    /// Returns the part of this name, which must be there.
    pub(super) fn needed(&self, name: &str) -> Result<&Part, Fault> {
        self.part(name).ok_or_else(|| Fault::damaged(format!("its part `{name}` is missing")))
    }

    /// Begins to read a part.
    pub(super) fn read(&self, part: &Part) -> Result<PartReader, Fault> {
        open_part(&self.source, part)
    }

    /// Reads a part that is small in every real workbook, as a whole.
    pub(super) fn read_whole(&self, part: &Part) -> Result<Vec<u8>, Fault> {
        self.read_within(part, SMALL_PART)
    }

    /// Reads a part as a whole that has no more bytes than these.
    pub(super) fn read_within(&self, part: &Part, limit: u64) -> Result<Vec<u8>, Fault> {
        if part.size > limit {
            return Err(Fault::TooLarge(format!(
                "its part `{}` has {} bytes, more than {limit}",
                part.name, part.size
            )));
        }
        let mut bytes = Vec::new();
        self.read(part)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns where the bytes are.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Returns how many bytes all parts have, unpacked.
    pub(super) fn unpacked(&self) -> u64 {
        self.parts.values().fold(0, |sum: u64, part| sum.saturating_add(part.size))
    }
}

/// Begins to read a part of the archive at `source`.
pub(super) fn open_part(source: &Source, part: &Part) -> Result<PartReader, Fault> {
    if part.size > UNSUSPECTED && part.size / MOST_RATIO > part.packed {
        return Err(Fault::TooLarge(format!(
            "its part `{}` has {} bytes in {}, as only a bomb would",
            part.name, part.size, part.packed
        )));
    }
    let packed = source.stream(part.start, part.packed)?;
    let bytes: Box<dyn Read + Send> = match part.method {
        CompressionMethod::Stored => packed,
        CompressionMethod::Deflated => {
            Box::new(DeflateDecoder::new(BufReader::with_capacity(256 << 10, packed)))
        }
        method => {
            return Err(Fault::damaged(format!(
                "its part `{}` is packed by {method}, which workbooks are not",
                part.name
            )));
        }
    };
    Ok(PartReader { bytes, part: part.clone(), left: part.size, sum: Crc::new(), ended: false })
}

/// Returns a name as it is compared: some programs write other slashes and other letters.
pub(super) fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_lowercase()
}

fn of_archive(error: zip::result::ZipError) -> Fault {
    match error {
        zip::result::ZipError::Io(error) => error.into(),
        error => Fault::damaged(format!("its archive cannot be read: {error}")),
    }
}

/// A part as it is unpacked.
pub(super) struct PartReader {
    bytes: Box<dyn Read + Send>,
    part: Part,
    /// Bytes that are still to come.
    left: u64,
    sum: Crc,
    ended: bool,
}

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartReader").field("part", &self.part).finish_non_exhaustive()
    }
}

impl PartReader {
    fn fault(&self, what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("its part `{}` {what}", self.part.name))
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = match self.bytes.read(buffer) {
            Ok(count) => count,
            // What inflating says of bytes has no message that says more.
            Err(error) if is_of_store(&error) => return Err(error),
            Err(_) => return Err(self.fault("is damaged")),
        };
        let is_first = self.left == self.part.size;
        if is_first && UTF_16.iter().any(|mark| buffer[..count].starts_with(mark)) {
            return Err(self.fault("is text in UTF-16, which is not read"));
        }
        self.sum.update(&buffer[..count]);
        match self.left.checked_sub(count as u64) {
            None => return Err(self.fault("is longer than its archive says")),
            Some(_) if count == 0 && self.left > 0 => return Err(self.fault("is cut off")),
            Some(left) => self.left = left,
        }
        if count == 0 {
            self.ended = true;
            if self.sum.sum() != self.part.crc {
                return Err(self.fault("is damaged: its checksum is another one"));
            }
        }
        Ok(count)
    }
}
