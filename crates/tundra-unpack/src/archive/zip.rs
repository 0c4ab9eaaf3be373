//! zip.
//!
//! The directory is read with the `zip` crate. The bytes of a member are read here, so that they need
//! nothing of it but a place and a length.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{Entry, Kind, Packing, choose};
use crate::{Codec, Error, Limits, Meter, Source};

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// What an archive is found to be.
pub(crate) enum Found {
    /// The one that has the member that is meant.
    Member(Entry),
    /// It is a document or a workbook, which is a zip archive on the outside only.
    Office,
}

/// Returns whether an archive that begins like this is the outside of a document or of a workbook, as far as
/// the name of its first member tells.
pub(crate) fn begins_as_office(head: &[u8]) -> bool {
    const NAME: usize = 30;
    let name = head.get(NAME..).unwrap_or_default();
    [&b"[Content_Types].xml"[..], b"mimetype", b"_rels/", b"docProps/", b"xl/"]
        .iter()
        .any(|known| name.starts_with(known))
}

/// Finds the member that is meant, and where it is.
pub(crate) fn find(
    source: &dyn Source,
    member: Option<&str>,
    limits: &Limits,
) -> io::Result<Found> {
    let meter = Meter::default();
    let Some((mut archive, entries)) = open(source, &meter, limits)? else {
        return Ok(Found::Office);
    };
    let chosen = choose(entries, member)?;
    Ok(Found::Member(placed(&mut archive, chosen, &meter)?))
}

/// Lists the members that are wanted; nothing of a document or a workbook.
pub(crate) fn list(
    source: &dyn Source,
    limits: &Limits,
    wanted: &dyn Fn(&Entry) -> bool,
) -> io::Result<Option<Vec<Entry>>> {
    let meter = Meter::default();
    let Some((mut archive, entries)) = open(source, &meter, limits)? else { return Ok(None) };
    let wanted = entries.into_iter().filter(|entry| wanted(entry));
    let placed = wanted.map(|entry| match entry.kind {
        Kind::File => placed(&mut archive, entry, &meter),
        _ => Ok(entry),
    });
    placed.collect::<io::Result<Vec<_>>>().map(Some)
}

/// An archive that is open, and its members.
type Listed<'a> = (ZipArchive<Seekable<'a>>, Vec<Entry>);

/// Reads the directory; nothing of a document or a workbook.
fn open<'a>(
    source: &'a dyn Source,
    meter: &Meter,
    limits: &Limits,
) -> io::Result<Option<Listed<'a>>> {
    let count = count(source)?;
    if count > limits.members as u64 {
        return Err(Error::TooManyMembers { limit: limits.members }.into());
    }
    let seekable = Seekable::new(source, meter.clone());
    let archive = ZipArchive::new(seekable).map_err(|error| failure(error, meter))?;
    if archive.len() > limits.members {
        return Err(Error::TooManyMembers { limit: limits.members }.into());
    }
    // One of two members of a name would be gone without a word.
    if archive.len() as u64 != count || archive.has_duplicate_names() {
        return Err(bad("members have the same name, or their number is another one"));
    }
    let is_there = |name: &str| archive.index_for_name(name).is_some();
    let is_open_document = is_there("mimetype") && is_there("META-INF/manifest.xml");
    // Some programs write the names of parts in other letters.
    let is_types = |name: &str| name.eq_ignore_ascii_case("[Content_Types].xml");
    let has_types = archive.file_names().filter_map(Result::ok).any(|name| is_types(&name));
    if has_types || is_open_document {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        entries.push(entry(&archive, index).map_err(|error| failure(error, meter))?);
    }
    Ok(Some((archive, entries)))
}

/// Finds where the bytes of a member begin, which stands in front of them and is read for those only that
/// are meant.
fn placed(
    archive: &mut ZipArchive<Seekable<'_>>,
    entry: Entry,
    meter: &Meter,
) -> io::Result<Entry> {
    let index = archive.index_for_name_raw(&entry.name);
    let file = archive.by_index_raw(index.ok_or_else(|| bad("a member is not in it"))?);
    let start = file.map_err(|error| failure(error, meter))?.data_start();
    Ok(Entry { start: start.ok_or_else(|| bad("a member is nowhere"))?, ..entry })
}

fn entry(archive: &ZipArchive<Seekable<'_>>, index: usize) -> Result<Entry, ZipError> {
    let file = archive.by_index_data(index)?;
    let method = file.compression();
    let codec = match method {
        CompressionMethod::STORE => Ok(None),
        CompressionMethod::DEFLATE => Ok(Some(Codec::Deflate)),
        CompressionMethod::BZIP2 => Ok(Some(Codec::Bzip2)),
        CompressionMethod::ZSTD | CompressionMethod::ZSTD_DEPRECATED => Ok(Some(Codec::Zstd)),
        CompressionMethod::XZ => Ok(Some(Codec::Xz)),
        other => Err(format!("compressed by the method {other}")),
    };
    let kind = match &codec {
        _ if file.is_dir() => Kind::NoData("a directory"),
        _ if file.is_symlink() => Kind::NoData("a symbolic link"),
        _ if file.unix_mode().is_some_and(is_special) => Kind::NoData("a device or a pipe"),
        _ if file.encrypted() => Kind::Unsupported("encrypted".to_owned()),
        Err(what) => Kind::Unsupported(what.clone()),
        Ok(_) => Kind::File,
    };
    let packing =
        Packing::Zip { codec: codec.unwrap_or_default(), size: file.size(), crc: file.crc32() };
    let (name, packed) = (file.name_raw().to_vec(), file.compressed_size());
    Ok(Entry { name, kind, start: 0, packed, packing })
}

/// Returns whether the mode of a file says that it is none: neither a file nor left open.
fn is_special(mode: u32) -> bool {
    !matches!(mode & 0o170_000, 0 | 0o100_000)
}

/// Returns how many members the end of the archive speaks of. The directory is read by how many there are
/// said to be, so that is looked at before.
fn count(source: &dyn Source) -> io::Result<u64> {
    const END: u64 = 22;
    const LONGEST_COMMENT: u64 = 0xffff;
    const LOCATOR: usize = 20;
    let size = source.size();
    let start = size.saturating_sub(END + LONGEST_COMMENT + LOCATOR as u64);
    let mut tail = Vec::new();
    source.open_few(start)?.take(size - start).read_to_end(&mut tail)?;
    let found = tail.windows(END as usize).rposition(|end| end.starts_with(b"PK\x05\x06"));
    let Some(at) = found else {
        return Err(bad("its end is missing; it is probably cut off"));
    };
    let count = u16::from_le_bytes([tail[at + 10], tail[at + 11]]);
    let locator = at.checked_sub(LOCATOR).and_then(|before| tail.get(before..at));
    let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) else {
        return Ok(count.into());
    };
    let offset = le_u64(&locator[8..]).filter(|offset| *offset < size);
    let offset = offset.ok_or_else(|| bad("its end points nowhere"))?;
    let mut end = Vec::new();
    source.open_few(offset)?.take(56).read_to_end(&mut end)?;
    match end.get(32..).and_then(le_u64) {
        Some(count) if end.starts_with(b"PK\x06\x06") => Ok(count),
        _ => Err(bad("its end points nowhere")),
    }
}

fn le_u64(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

fn bad(reason: &str) -> io::Error {
    Error::Directory { reason: reason.to_owned() }.into()
}

/// Returns what a failure means: of the source, or of the archive.
fn failure(error: ZipError, meter: &Meter) -> io::Error {
    match error {
        ZipError::Io(error) if meter.failed() => error,
        other => bad(&other.to_string()),
    }
}

/// A source with a cursor.
struct Seekable<'a> {
    source: &'a dyn Source,
    meter: Meter,
    /// Where the next byte is.
    at: u64,
    /// A reader that stands behind what is held.
    reader: Option<io::BufReader<Box<dyn Read + Send>>>,
}

impl<'a> Seekable<'a> {
    fn new(source: &'a dyn Source, meter: Meter) -> Self {
        Self { source, meter, at: 0, reader: None }
    }
}

impl Read for Seekable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.source.size() {
            return Ok(0);
        }
        let mut read = || {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => {
                    let raw = self.source.open_few(self.at)?;
                    none.insert(io::BufReader::with_capacity(BUFFER_BYTES, raw))
                }
            };
            reader.read(buffer)
        };
        let count = read().inspect_err(|_| self.meter.fail())?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Seekable<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // What is held may reach so far.
        let ahead = at.checked_sub(self.at).and_then(|ahead| usize::try_from(ahead).ok());
        match (&mut self.reader, ahead) {
            (Some(reader), Some(ahead)) if ahead <= reader.buffer().len() => reader.consume(ahead),
            _ => self.reader = None,
        }
        self.at = at;
        Ok(at)
    }
}
