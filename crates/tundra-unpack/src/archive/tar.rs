//! tar.
//!
//! Headers are read with the `tar` crate and walked here: its own walk holds names of any length, and
//! passes over damaged ends.

use std::io::{self, Read};

use tar::{EntryType, Header, PaxExtensions};

use super::{Entry, Kind, Packing};
use crate::{Error, Limits, Source, stream::skip};

/// Bytes of a block.
const BLOCK: u64 = 512;

/// Where the header of a sparse file says that its pieces go on in the next block, and where that does.
const IS_EXTENDED: usize = 482;
const IS_EXTENDED_FURTHER: usize = 504;

/// The longest header of names and attributes.
const LONGEST_EXTENSION: u64 = 1 << 20;

/// How long the names of all members may be together.
const MOST_NAMES: usize = 16 << 20;

/// What is skipped by reading on rather than by opening anew.
const READ_ON: u64 = 256 << 10;

/// Returns whether data begins with the header of a member: its check sum says so, whatever the variant.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    head.get(..BLOCK as usize).is_some_and(sum_is_right)
}

fn sum_is_right(block: &[u8]) -> bool {
    let Ok(expected) = Header::from_byte_slice(block).cksum() else { return false };
    let is_sum = |at: usize| (148..156).contains(&at);
    let byte = |(at, byte): (usize, &u8)| if is_sum(at) { b' ' } else { *byte };
    let unsigned: u32 = block.iter().enumerate().map(|it| u32::from(byte(it))).sum();
    // Some old programs took bytes for signed.
    let signed: i32 = block.iter().enumerate().map(|it| i32::from(byte(it).cast_signed())).sum();
    expected == unsigned || u32::try_from(signed).is_ok_and(|signed| signed == expected)
}

/// Lists the members of an archive.
///
/// With `source`, which is the archive itself, the bytes of members are not read.
pub(crate) fn list(
    reader: Box<dyn Read + Send>,
    source: Option<&dyn Source>,
    limits: &Limits,
) -> io::Result<Vec<Entry>> {
    let mut walk = Walk { reader, source, at: 0 };
    let mut entries = Vec::new();
    let mut names = 0_usize;
    let mut next = Extensions::default();
    let mut zeros = 0;
    while zeros < 2 {
        let Some(block) = walk.block()? else {
            // One block of zeros is too few, but nothing is missing.
            if zeros == 0 {
                return Err(walk.cut_off());
            }
            break;
        };
        if block.iter().all(|byte| *byte == 0) {
            zeros += 1;
            continue;
        }
        if zeros > 0 || !sum_is_right(&block) {
            return Err(walk.damaged("a header's check sum is another one"));
        }
        let header = Header::from_byte_slice(&block);
        let size = header.entry_size().map_err(|_| walk.damaged("a header has no size"))?;
        match header.entry_type() {
            EntryType::GNULongName => {
                let mut name = walk.extension(size)?;
                name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
                next.name = Some(name);
            }
            EntryType::XHeader => {
                let bytes = walk.extension(size)?;
                next.add(&bytes).map_err(|()| walk.damaged("an extended header is none"))?;
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => {
                walk.extension(size)?;
            }
            kind => {
                let Extensions { name, size: other, is_sparse } = std::mem::take(&mut next);
                let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                let packed = other.unwrap_or(size);
                names = names.saturating_add(name.len());
                if entries.len() >= limits.members || names > MOST_NAMES {
                    return Err(Error::TooManyMembers { limit: limits.members }.into());
                }
                // What does not fit into the header of a sparse file stands between it and the bytes.
                if kind == EntryType::GNUSparse && block[IS_EXTENDED] != 0 {
                    walk.skip_sparse()?;
                }
                let kind = kind_of(kind, is_sparse, &name);
                // Links have a size, and nothing behind them unless it is given once more.
                let has_bytes = match header.entry_type() {
                    EntryType::Symlink
                    | EntryType::Char
                    | EntryType::Block
                    | EntryType::Fifo
                    | EntryType::Directory => false,
                    EntryType::Link => other.is_some(),
                    _ => true,
                };
                let (start, packed) = (walk.at, if has_bytes { packed } else { 0 });
                entries.push(Entry { name, kind, start, packed, packing: Packing::Tar });
                walk.skip_padded(packed)?;
            }
        }
    }
    // What stands behind it is padding, but the check sum of a compression is behind that.
    if source.is_none() {
        skip(&mut *walk.reader, u64::MAX)?;
    }
    Ok(entries)
}

fn kind_of(kind: EntryType, is_sparse: bool, name: &[u8]) -> Kind {
    match kind {
        // Old programs mark directories by the name alone.
        EntryType::Regular if name.ends_with(b"/") => Kind::NoData("a directory"),
        _ if is_sparse => Kind::Unsupported("a sparse file".to_owned()),
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Directory => Kind::NoData("a directory"),
        EntryType::Symlink => Kind::NoData("a symbolic link"),
        EntryType::Link => Kind::NoData("a link to another member"),
        EntryType::Char | EntryType::Block => Kind::NoData("a device"),
        EntryType::Fifo => Kind::NoData("a pipe"),
        EntryType::GNUSparse => Kind::Unsupported("a sparse file".to_owned()),
        _ => Kind::NoData("neither a file nor a directory"),
    }
}

/// What headers before one say of it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Extensions {
    fn add(&mut self, bytes: &[u8]) -> Result<(), ()> {
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(|_| ())?;
            match extension.key_bytes() {
                b"path" => self.name = Some(extension.value_bytes().to_vec()),
                b"size" => {
                    let text = extension.value().map_err(|_| ())?;
                    self.size = Some(text.parse().map_err(|_| ())?);
                }
                key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

struct Walk<'a> {
    reader: Box<dyn Read + Send>,
    source: Option<&'a dyn Source>,
    at: u64,
}

impl Walk<'_> {
    fn cut_off(&self) -> io::Error {
        Error::Truncated { what: "tar", byte: self.at }.into()
    }

    fn damaged(&self, reason: &str) -> io::Error {
        Error::Corrupt { what: "tar", byte: self.at, reason: reason.to_owned() }.into()
    }

    /// Reads a block; `None` at the end.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK as usize]>> {
        let mut block = [0; BLOCK as usize];
        let mut filled = 0;
        while filled < block.len() {
            match self.reader.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at += filled as u64;
        match filled {
            0 => Ok(None),
            _ if filled == block.len() => Ok(Some(block)),
            _ => Err(self.cut_off()),
        }
    }

    /// Reads a header that says something of the next one.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST_EXTENSION {
            return Err(self.damaged("a header of names is too long"));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(size).read_to_end(&mut bytes)?;
        self.at += read as u64;
        if (read as u64) < size {
            return Err(self.cut_off());
        }
        self.skip(padding(size))?;
        Ok(bytes)
    }

    /// Passes over the blocks that say where the pieces of a sparse file belong.
    fn skip_sparse(&mut self) -> io::Result<()> {
        loop {
            let block = self.block()?.ok_or_else(|| self.cut_off())?;
            if block[IS_EXTENDED_FURTHER] == 0 {
                return Ok(());
            }
        }
    }

    /// Passes over the bytes of a member and what fills up its last block.
    fn skip_padded(&mut self, size: u64) -> io::Result<()> {
        let padded = size.checked_add(padding(size));
        self.skip(padded.ok_or_else(|| self.damaged("a size is no size"))?)
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let end = self.at.checked_add(count).ok_or_else(|| self.damaged("a size is no size"))?;
        if let Some(source) = self.source
            && count > READ_ON
        {
            if end > source.size() {
                self.at = source.size();
                return Err(self.cut_off());
            }
            self.reader = source.open_few(end)?;
            self.at = end;
            return Ok(());
        }
        let skipped = skip(&mut *self.reader, count)?;
        self.at += skipped;
        if skipped < count { Err(self.cut_off()) } else { Ok(()) }
    }
}

fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}
