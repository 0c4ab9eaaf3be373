//! The rows of a sheet of xlsx as chunks.
//!
//! Start at [`SheetSplit`]. It finds where rows begin, reads their numbers and counts those that are
//! records: rows below the header in which a cell holds something. It reads no cell.

use memchr::memmem::{self, Finder};

use super::{
    fault::Fault,
    package::PartReader,
    pieces::Pieces,
    reference,
    xml::{Mark, Xml},
};
use crate::{
    Error,
    read::chunk::{Chunk, Split},
};

/// A walk through the rows of a sheet.
#[derive(Debug)]
pub(super) struct SheetSplit {
    pieces: Pieces,
    /// The input's name, for errors.
    input: String,
    tags: Tags,
    /// The first row of the body, and its last one.
    body: (u32, u32),
    /// The number of the last row.
    row: u32,
    records: u64,
    /// Bytes of the sheet that were read, and in all, and those of the object.
    read: u64,
    sizes: (u64, u64),
}

#[derive(Debug)]
struct Tags {
    row: Finder<'static>,
    close: Finder<'static>,
    value: Finder<'static>,
    text: Finder<'static>,
}

impl SheetSplit {
    /// Begins at the first row, and returns what stands before. `body` is the first and the last row
    /// that can be records.
    pub(super) fn open(
        reader: PartReader,
        input: &str,
        body: (u32, u32),
        sizes: (u64, u64),
    ) -> Result<(Self, Vec<u8>), Fault> {
        let (pieces, head) = Pieces::open(reader, "sheetData", "row", false)?;
        let tag = |before: &str, name: &str| {
            let tag = [before.as_bytes(), pieces.prefix(), name.as_bytes()].concat();
            Finder::new(&tag).into_owned()
        };
        let tags = Tags {
            row: tag("<", "row"),
            close: tag("</", "row"),
            value: tag("<", "v"),
            text: tag("<", "t"),
        };
        let input = input.to_owned();
        let split = Self { pieces, input, tags, body, row: 0, records: 0, read: 0, sizes };
        Ok((split, head))
    }

    /// Returns the next piece with its rows counted.
    pub(super) fn next_piece(&mut self) -> Result<Option<Chunk>, Fault> {
        let Some(bytes) = self.pieces.next()? else { return Ok(None) };
        let mut chunk = Chunk {
            byte: self.read,
            line: u64::from(self.row) + 1,
            record: self.records,
            records: 0,
            bytes,
        };
        self.read += chunk.bytes.len() as u64;
        let mut at = 0;
        while let Some((start, end)) = self.tags.next_row(&chunk.bytes, at) {
            let row = &chunk.bytes[start..end];
            // What is no number is told where cells are read.
            self.row = number(row)?.unwrap_or(self.row + 1);
            let is_within = (self.body.0..=self.body.1).contains(&self.row);
            chunk.records += u64::from(is_within && self.tags.is_record(row));
            at = end;
        }
        self.records += chunk.records;
        Ok(Some(chunk))
    }
}

impl Split for SheetSplit {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        self.next_piece().map_err(|fault| fault.of(&self.input))
    }

    fn bytes_read(&self) -> u64 {
        let (sheet, object) = self.sizes;
        let share =
            u128::from(self.read.min(sheet)) * u128::from(object) / u128::from(sheet.max(1));
        u64::try_from(share).unwrap_or(object)
    }
}

impl Tags {
    /// Returns where the next row begins and ends.
    fn next_row(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut at = from;
        loop {
            let start = at + self.row.find(&bytes[at..])?;
            let behind = start + self.row.needle().len();
            if !matches!(bytes.get(behind), Some(b'>' | b'/' | b' ' | b'\n' | b'\r' | b'\t')) {
                at = behind;
                continue;
            }
            let tag = behind + tag_end(&bytes[behind..])?;
            if bytes[..tag].ends_with(b"/>") {
                return Some((start, tag));
            }
            let close = tag + self.close.find(&bytes[tag..])? + self.close.needle().len();
            return Some((start, close));
        }
    }

    /// Returns whether a cell of the row holds something.
    fn is_record(&self, row: &[u8]) -> bool {
        let holds = |tag: &Finder<'_>| {
            tag.find_iter(row).any(|at| {
                let rest = &row[at + tag.needle().len()..];
                if !matches!(rest.first(), Some(b'>' | b' ' | b'\n' | b'\r' | b'\t')) {
                    return false;
                }
                let Some(end) = tag_end(rest) else { return false };
                !rest[..end].ends_with(b"/>") && rest.get(end).is_some_and(|byte| *byte != b'<')
            })
        };
        holds(&self.value) || (memmem::find(row, b"is>").is_some() && holds(&self.text))
    }
}

/// Returns the offset behind a tag: the first `>` that is in no value of an attribute.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

fn number(row: &[u8]) -> Result<Option<u32>, Fault> {
    let mut xml = Xml::new(row);
    let (_, Mark::Open(_)) = xml.next()? else { return Ok(None) };
    while let Some((name, value)) = xml.attribute()? {
        if name == b"r" {
            return Ok(reference::row(value));
        }
    }
    Ok(None)
}
