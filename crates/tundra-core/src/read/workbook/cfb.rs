//! The streams of an old Office document, which is a file system in a file.
//!
//! Start at [`Streams`]. It finds a stream and reads it, so that what is in it can be judged before
//! somebody else takes it apart. Chains of sectors that do not end are cut where the file must end.

use std::io::{Read, Seek, SeekFrom};

use super::{bytes::Source, container::CFB, fault::Fault};

/// Sectors from this number on are none.
const NO_SECTOR: u32 = 0xffff_fffa;

/// Streams that are shorter than this stand in small sectors.
const SMALL: u64 = 4096;

/// Bytes of a small sector.
const SMALL_SECTOR: u64 = 64;

/// A document whose directory was read.
#[derive(Debug)]
pub(super) struct Streams {
    source: Source,
    /// The exponent of the size of a sector.
    shift: u32,
    fat: Vec<u32>,
    small_fat_start: u32,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    is_root: bool,
    start: u32,
    size: u64,
}

impl Streams {
    /// Reads the directory.
    pub(super) fn open(source: &Source) -> Result<Self, Fault> {
        let mut header = [0; 512];
        let mut cursor = source.cursor();
        cursor.read_exact(&mut header)?;
        let shift = u32::from(u16_at(&header, 30));
        if !header.starts_with(CFB) || !matches!(shift, 9 | 12) {
            return Err(Fault::damaged("it is no document of Office"));
        }
        let mut streams = Self {
            source: source.clone(),
            shift,
            fat: Vec::new(),
            small_fat_start: u32_at(&header, 60),
            entries: Vec::new(),
        };
        let mut tables: Vec<u32> = (0..109).map(|at| u32_at(&header, 76 + 4 * at)).collect();
        let mut next = u32_at(&header, 68);
        for _ in 0..streams.sectors() {
            if next >= NO_SECTOR {
                break;
            }
            let sector = streams.sector(next)?;
            let mut more: Vec<u32> = words(&sector).collect();
            next = more.pop().unwrap_or(NO_SECTOR);
            tables.extend(more);
        }
        for table in tables.into_iter().filter(|table| *table < NO_SECTOR) {
            if streams.fat.len() as u64 > streams.sectors() + 1024 {
                return Err(Fault::damaged("its table of sectors is longer than it is"));
            }
            let sector = streams.sector(table)?;
            streams.fat.extend(words(&sector));
        }
        let directory = streams.chain(u32_at(&header, 48), u64::MAX)?;
        streams.entries = directory.chunks_exact(128).filter_map(|it| entry(it, shift)).collect();
        Ok(streams)
    }

    /// Returns the number of a stream.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Reads a stream.
    pub(super) fn read(&self, number: usize) -> Result<Vec<u8>, Fault> {
        let missing = || Fault::damaged("a stream of it is missing");
        let entry = self.entries.get(number).ok_or_else(missing)?;
        if entry.size >= SMALL {
            return self.chain(entry.start, entry.size);
        }
        let root = self.entries.iter().find(|entry| entry.is_root).ok_or_else(missing)?;
        let small = self.chain(root.start, root.size)?;
        let table = self.chain(self.small_fat_start, u64::MAX)?;
        let table: Vec<u32> = words(&table).collect();
        let mut bytes = Vec::new();
        let mut next = entry.start;
        for _ in 0..=table.len() {
            if next >= NO_SECTOR || bytes.len() as u64 >= entry.size {
                break;
            }
            let from = (u64::from(next) * SMALL_SECTOR) as usize;
            let sector = small.get(from..from + SMALL_SECTOR as usize);
            bytes.extend_from_slice(sector.ok_or_else(missing)?);
            next = table.get(next as usize).copied().unwrap_or(NO_SECTOR);
        }
        bytes.truncate(entry.size as usize);
        Ok(bytes)
    }

    fn sectors(&self) -> u64 {
        self.source.size() >> self.shift
    }

    fn sector(&self, number: u32) -> Result<Vec<u8>, Fault> {
        let size = 1_u64 << self.shift;
        let mut cursor = self.source.cursor();
        cursor.seek(SeekFrom::Start((u64::from(number) + 1) * size))?;
        let mut sector = Vec::new();
        cursor.take(size).read_to_end(&mut sector)?;
        if sector.is_empty() {
            return Err(Fault::damaged("a sector of it is cut off"));
        }
        Ok(sector)
    }

    fn chain(&self, start: u32, size: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let mut next = start;
        let mut cursor = self.source.cursor();
        let sector = 1_u64 << self.shift;
        for _ in 0..=self.sectors() {
            if next >= NO_SECTOR || bytes.len() as u64 >= size {
                break;
            }
            cursor.seek(SeekFrom::Start((u64::from(next) + 1) * sector))?;
            let count = cursor.by_ref().take(sector).read_to_end(&mut bytes)?;
            if count == 0 {
                return Err(Fault::damaged("a sector of it is cut off"));
            }
            next = self.fat.get(next as usize).copied().unwrap_or(NO_SECTOR);
        }
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

fn entry(bytes: &[u8], shift: u32) -> Option<Entry> {
    let kind = bytes[66];
    if !matches!(kind, 2 | 5) {
        return None;
    }
    let length = usize::from(u16_at(bytes, 64)).min(64).saturating_sub(2);
    let name: Vec<u16> = bytes[..length].chunks_exact(2).map(|it| u16_at(it, 0)).collect();
    let low = u64::from(u32_at(bytes, 120));
    // Small documents have nothing, or anything, in the upper half.
    let size = if shift == 9 { low } else { low | u64::from(u32_at(bytes, 124)) << 32 };
    let name = String::from_utf16_lossy(&name);
    Some(Entry { name, is_root: kind == 5, start: u32_at(bytes, 116), size })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(|it| u32_at(it, 0))
}
