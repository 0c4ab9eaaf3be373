//! A large part of a workbook in pieces of whole elements: rows of a sheet, strings of the table of
//! strings.
//!
//! Start at [`Pieces`]. A piece has no comments and no CDATA: those are taken out or written as text
//! would be, so that an end tag within a piece is one. It does not look into the elements.

use std::{fmt, io::Read};

use memchr::memmem;

use super::{
    fault::Fault,
    package::PartReader,
    xml::{Mark, Xml},
};

/// Bytes of a piece: large enough that a thread has something to do, small enough that a few of them
/// for each thread are nothing.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes that are read at once.
const READ_BYTES: u64 = 256 << 10;

/// An element of more bytes than this is none of a workbook.
const MAX_ELEMENT_BYTES: usize = 64 << 20;

/// Bytes before the first element, or behind the last one, that are kept: column widths, merged cells.
const MAX_AROUND_BYTES: usize = 64 << 20;

/// A walk through a part.
pub(super) struct Pieces {
    reader: PartReader,
    buffer: Vec<u8>,
    /// How much of the buffer has no comment and no CDATA.
    clean: usize,
    /// Where the last whole element in it ends.
    closed: usize,
    /// How much of it was looked through for the ends of elements.
    searched: usize,
    /// What ends an element, and what ends the last one.
    close: Vec<u8>,
    end: Vec<u8>,
    /// The part's prefix of names, with its colon.
    prefix: Vec<u8>,
    ended: bool,
    /// What stands behind the last element, if it is wanted.
    tail: Option<Vec<u8>>,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl Pieces {
    /// Reads up to the first `element` within `container`, and returns what stands before.
    pub(super) fn open(
        reader: PartReader,
        container: &str,
        element: &str,
        wants_tail: bool,
    ) -> Result<(Self, Vec<u8>), Fault> {
        let mut pieces = Self {
            reader,
            buffer: Vec::new(),
            clean: 0,
            closed: 0,
            searched: 0,
            close: Vec::new(),
            end: Vec::new(),
            prefix: Vec::new(),
            ended: false,
            tail: wants_tail.then(Vec::new),
        };
        let mut wanted = READ_BYTES;
        loop {
            let more = pieces.fill(wanted)?;
            wanted *= 2;
            match find_container(&pieces.buffer[..pieces.clean], container.as_bytes()) {
                Ok(Some((at, prefix, is_empty))) => {
                    let rest = pieces.buffer.split_off(at);
                    let head = std::mem::replace(&mut pieces.buffer, rest);
                    pieces.clean -= at;
                    let tag = |name: &str| [b"</", prefix.as_slice(), name.as_bytes()].concat();
                    (pieces.close, pieces.end) = (tag(element), tag(container));
                    pieces.prefix = prefix;
                    if is_empty {
                        pieces.finish()?;
                    }
                    return Ok((pieces, head));
                }
                // What is missing may come.
                Ok(None) | Err(_) if more && pieces.buffer.len() < MAX_AROUND_BYTES => {}
                Err(fault) => return Err(fault),
                Ok(None) => {
                    return Err(Fault::damaged(format!("there is no `{container}` in it")));
                }
            }
        }
    }

    /// Returns the prefix of the names of elements, with its colon.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the next elements; `None` behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let from = self.searched.saturating_sub(self.end.len().max(self.close.len()));
            let found = memmem::find(&self.buffer[from..self.clean], &self.end);
            let end = found.map(|at| from + at);
            let upto = end.unwrap_or(self.clean);
            if let Some(at) = rfind_tag(&self.buffer[from.min(upto)..upto], &self.close) {
                self.closed = from + at;
            }
            self.searched = self.clean;
            if let Some(end) = end {
                let rest = self.buffer.split_off(end);
                let piece = std::mem::replace(&mut self.buffer, rest);
                self.finish()?;
                if piece.trim_ascii().is_empty() {
                    return Ok(None);
                }
                return Ok(Some(piece));
            }
            if self.closed >= PIECE_BYTES {
                let rest = self.buffer.split_off(self.closed);
                let piece = std::mem::replace(&mut self.buffer, rest);
                self.clean -= self.closed;
                self.closed = 0;
                self.searched = 0;
                return Ok(Some(piece));
            }
            if self.buffer.len() - self.closed > MAX_ELEMENT_BYTES {
                return Err(Fault::TooLarge(format!(
                    "an element of it has more than {MAX_ELEMENT_BYTES} bytes"
                )));
            }
            if !self.fill(READ_BYTES)? {
                return Err(Fault::damaged("its XML is cut off"));
            }
        }
    }

    /// Returns what stands behind the last element, if it was wanted.
    pub(super) fn tail(self) -> Vec<u8> {
        self.tail.unwrap_or_default()
    }

    /// Reads the rest, which makes sure of the part's checksum.
    fn finish(&mut self) -> Result<(), Fault> {
        self.ended = true;
        let rest = std::mem::take(&mut self.buffer);
        let Some(tail) = &mut self.tail else {
            std::io::copy(&mut self.reader, &mut std::io::sink())?;
            return Ok(());
        };
        *tail = rest;
        self.reader.by_ref().take(MAX_AROUND_BYTES as u64).read_to_end(tail)?;
        if tail.len() >= MAX_AROUND_BYTES {
            return Err(Fault::TooLarge("what stands behind its rows is too long".to_owned()));
        }
        Ok(())
    }

    /// Reads more; returns whether there was any.
    fn fill(&mut self, bytes: u64) -> Result<bool, Fault> {
        let count = self.reader.by_ref().take(bytes).read_to_end(&mut self.buffer)?;
        self.clean_up()?;
        Ok(count > 0)
    }

    /// Takes comments out and writes CDATA as text.
    fn clean_up(&mut self) -> Result<(), Fault> {
        let new = &self.buffer[self.clean..];
        // A mark may be cut at the end.
        let Some(at) = memmem::find(new, b"<!") else {
            self.clean = self.buffer.len() - usize::from(new.last() == Some(&b'<'));
            return Ok(());
        };
        let raw = self.buffer.split_off(self.clean + at);
        let mut rest = raw.as_slice();
        loop {
            let Some(at) = memmem::find(rest, b"<!") else {
                self.buffer.extend_from_slice(rest);
                self.clean = self.buffer.len() - usize::from(rest.last() == Some(&b'<'));
                return Ok(());
            };
            self.buffer.extend_from_slice(&rest[..at]);
            self.clean = self.buffer.len();
            rest = &rest[at..];
            let (skipped, end): (usize, &[u8]) = match rest {
                [b'<', b'!', b'[', ..] => (9, b"]]>"),
                [b'<', b'!', b'-', ..] => (4, b"-->"),
                [b'<', b'!'] => (2, b"-->"),
                _ => return Err(Fault::damaged("it has a document type, which no workbook has")),
            };
            let body = rest.get(skipped..);
            let Some((body, found)) = body.and_then(|body| Some((body, memmem::find(body, end)?)))
            else {
                if rest.len() > MAX_ELEMENT_BYTES {
                    return Err(Fault::damaged("a comment in it does not end"));
                }
                self.buffer.extend_from_slice(rest);
                return Ok(());
            };
            if skipped == 9 {
                for byte in &body[..found] {
                    match byte {
                        b'&' => self.buffer.extend_from_slice(b"&amp;"),
                        b'<' => self.buffer.extend_from_slice(b"&lt;"),
                        b'>' => self.buffer.extend_from_slice(b"&gt;"),
                        byte => self.buffer.push(*byte),
                    }
                }
            }
            rest = &body[found + end.len()..];
        }
    }
}

/// Finds where the content of an element begins, its prefix, and whether it has none.
fn find_container(bytes: &[u8], name: &[u8]) -> Result<Option<(usize, Vec<u8>, bool)>, Fault> {
    let mut xml = Xml::new(bytes);
    loop {
        match xml.next()? {
            (_, Mark::Open(found)) if found == name => {
                let is_empty = xml.is_empty()?;
                let at = xml.position();
                let tag = memchr::memrchr(b'<', &bytes[..at]).unwrap_or(0) + 1;
                let prefix = match memmem::find(&bytes[tag..at], name) {
                    Some(length) => bytes[tag..tag + length].to_vec(),
                    None => Vec::new(),
                };
                return Ok(Some((at, prefix, is_empty)));
            }
            (_, Mark::End) => return Ok(None),
            _ => {}
        }
    }
}

/// Returns the offset behind the last end tag of this name.
fn rfind_tag(bytes: &[u8], close: &[u8]) -> Option<usize> {
    let mut upto = bytes.len();
    loop {
        let at = memmem::rfind(&bytes[..upto], close)?;
        let behind = &bytes[at + close.len()..];
        let blanks = behind.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if behind.get(blanks) == Some(&b'>') {
            return Some(at + close.len() + blanks + 1);
        }
        upto = at;
    }
}
