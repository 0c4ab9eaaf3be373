//! The place in a document, and the records that are gathered there.
//!
//! Start at [`Cursor`]. It knows values and blanks; which of the values are records is decided by
//! whoever moves it.

use crate::{
    DataCode, Error,
    read::{
        chunk::Chunk,
        json::{
            MAX_RECORD_BYTES,
            extent::{Extent, Reach},
            split::Window,
            token::{PADDING, string},
            unescape::unescape,
        },
    },
};

/// The place in a document, and the chunk that is gathered on the way.
#[derive(Debug)]
pub(super) struct Cursor {
    window: Window,
    /// The offset of the next byte in the window.
    at: usize,
    /// Records in the chunks that are complete.
    record: u64,
    open: Option<Open>,
    /// A chunk that is complete.
    ready: Option<Chunk>,
    in_record: bool,
    /// What of a value is kept that is passed over, and how many bytes of it at most.
    kept: Option<(Vec<u8>, usize)>,
    /// What is said of a record that is too long.
    too_long: String,
}

/// A chunk that is being gathered.
#[derive(Debug)]
struct Open {
    /// The offset of the first record in the window.
    start: usize,
    /// The offset behind the last one.
    end: usize,
    records: u64,
    /// What stands between two records that are not neighbours in one array.
    gaps: Vec<(usize, usize)>,
    /// The array of the last record has been left.
    left: bool,
}

impl Cursor {
    /// Begins at the first byte of the window.
    pub(super) fn new(window: Window, too_long: String) -> Self {
        Self {
            window,
            at: 0,
            record: 0,
            open: None,
            ready: None,
            in_record: false,
            kept: None,
            too_long,
        }
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    pub(super) fn window_mut(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Returns the chunk that is complete, if one is. It is to be taken before the next record is.
    pub(super) fn take_ready(&mut self) -> Option<Chunk> {
        self.ready.take()
    }

    /// Passes over the byte that [`Cursor::peek`] returned.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Says that the next record does not stand behind the last one in the same array.
    pub(super) fn leave_array(&mut self) {
        if let Some(open) = &mut self.open {
            open.left = true;
        }
    }

    /// Takes the record that begins here into the chunk. Returns `false` when the chunk had to be
    /// completed first: then nothing was taken.
    pub(super) fn record(&mut self, byte: u8) -> Result<bool, Error> {
        let start = self.at;
        if let Some(open) = &self.open {
            let full = open.end - open.start >= self.window.chunk_bytes;
            // A comma is put into the gap, and a newline must stay one.
            let gap = &self.window.bytes[open.end..start];
            if full || (open.left && gap.iter().all(|byte| *byte == b'\n')) {
                self.close();
                return Ok(false);
            }
        }
        let open = self.open.get_or_insert_with(|| Open {
            start,
            end: start,
            records: 0,
            gaps: Vec::new(),
            left: false,
        });
        if std::mem::take(&mut open.left) {
            open.gaps.push((open.end, start));
        }
        self.in_record = true;
        let passed = self.pass(byte);
        self.in_record = false;
        passed?;
        if let Some(open) = &mut self.open {
            open.end = self.at;
            open.records += 1;
        }
        Ok(true)
    }

    /// Passes over the value that begins here with `byte`, and returns at most its first `most` bytes.
    pub(super) fn pass_kept(&mut self, byte: u8, most: usize) -> Result<Vec<u8>, Error> {
        self.kept = Some((Vec::new(), most));
        let passed = self.pass(byte);
        let kept = self.kept.take().unwrap_or_default().0;
        passed.map(|()| kept)
    }

    /// Keeps the bytes from here to `end` as far as there is room for them.
    fn keep(&mut self, end: usize) {
        if let Some((kept, most)) = &mut self.kept {
            let passed = &self.window.bytes[self.at..end];
            kept.extend_from_slice(&passed[..passed.len().min(*most - kept.len())]);
        }
    }

    /// Passes over the value that begins here with `byte`.
    pub(super) fn pass(&mut self, byte: u8) -> Result<(), Error> {
        let Some(mut extent) = Extent::of(byte) else {
            return Err(self.fail(match byte {
                b',' => "expected a value in front of `,`",
                _ => "expected a value",
            }));
        };
        // Positions are relative to the value's first byte, because the window moves.
        let mut searched = 0;
        loop {
            let from = self.at + searched;
            match extent.search(&self.window.bytes, from, self.window.ended) {
                Reach::End(end) => {
                    self.keep(end);
                    self.at = end;
                    return Ok(());
                }
                Reach::More(next) if !self.window.ended => {
                    searched = next - self.at;
                    if self.in_record {
                        if searched >= MAX_RECORD_BYTES {
                            return Err(self.fail_as(DataCode::RecordTooLong, &self.too_long));
                        }
                    } else {
                        // Nothing of it is needed any more.
                        self.keep(next);
                        self.at = next;
                        searched = 0;
                    }
                    self.more()?;
                }
                Reach::More(_) => {
                    let end = self.window.bytes.len();
                    return Err(self.fail_at(
                        DataCode::BadDocument,
                        end,
                        "the text ends before the value does: a quote or a bracket is not closed",
                    ));
                }
                Reach::Mismatch(at) => {
                    return Err(self.fail_at(
                        DataCode::BadDocument,
                        at,
                        "a bracket closes that is not the one that is open",
                    ));
                }
                Reach::TooDeep(at) => {
                    return Err(self.fail_at(DataCode::TooDeep, at, "nested too deep"));
                }
            }
        }
    }

    /// Reads the name that begins here and passes over it.
    pub(super) fn name(&mut self) -> Result<String, Error> {
        // Names are short, so the window is simply enlarged until this one is in it.
        let mut extent = Extent::Text { opened: false };
        let mut searched = 0;
        let end = loop {
            match extent.search(&self.window.bytes, self.at + searched, self.window.ended) {
                Reach::End(end) => break end,
                Reach::More(next) if !self.window.ended && next - self.at < MAX_RECORD_BYTES => {
                    searched = next - self.at;
                    self.more()?;
                }
                _ => return Err(self.fail("the text ends inside a name")),
            }
        };
        let name = decoded(&self.window.bytes[self.at..end]);
        let Some(name) = name else { return Err(self.fail("a name is no JSON string")) };
        self.at = end;
        Ok(name)
    }

    /// Passes over what is blank and returns the next byte; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            let rest = &self.window.bytes[self.at..];
            if let Some(length) = rest.iter().position(|byte| !is_blank(*byte)) {
                self.at += length;
                return Ok(Some(rest[length]));
            }
            self.at = self.window.bytes.len();
            if self.window.ended {
                return Ok(None);
            }
            self.more()?;
        }
    }

    /// Reads more, and drops what is not needed.
    fn more(&mut self) -> Result<(), Error> {
        if !self.in_record {
            self.close();
        }
        let kept = self.open.as_ref().map_or(self.at, |open| open.start);
        if kept > 0 {
            self.window.drop_front(kept);
            self.at -= kept;
            if let Some(open) = &mut self.open {
                open.start -= kept;
                open.end -= kept;
                for gap in &mut open.gaps {
                    *gap = (gap.0 - kept, gap.1 - kept);
                }
            }
        }
        // A chunk is filled up; a record that reaches beyond it is taken in steps that grow with
        // it, so that little is carried over into the next chunk.
        const STEP: usize = 64 << 10;
        let (held, chunk) = (self.window.bytes.len(), self.window.chunk_bytes);
        let step = STEP.min(chunk).max(held - self.at);
        self.window.fill(if held < chunk { chunk } else { held + step })
    }

    /// Completes the chunk that is being gathered.
    pub(super) fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.window.drop_front(open.start);
        let (end, next) = (open.end - open.start, self.at - open.start);
        let mut chunk = self.window.take(end, next, self.record, open.records);
        for (from, to) in open.gaps {
            blank(&mut chunk.bytes[from - open.start..to - open.start]);
        }
        self.at = 0;
        self.record += open.records;
        debug_assert!(self.ready.is_none(), "a chunk is handed over before another is completed");
        self.ready = Some(chunk);
    }

    pub(super) fn fail(&self, message: &str) -> Error {
        self.fail_as(DataCode::BadDocument, message)
    }

    fn fail_as(&self, code: DataCode, message: &str) -> Error {
        self.fail_at(code, self.at, message)
    }

    /// Returns an error about what begins here; what is wrong stands at `at`.
    fn fail_at(&self, code: DataCode, at: usize, message: &str) -> Error {
        let record = self.record + self.open.as_ref().map_or(0, |open| open.records);
        self.window.error(code, record, self.at, at, message)
    }
}

/// Returns what a string in quotes stands for.
fn decoded(quoted: &[u8]) -> Option<String> {
    let padded = [quoted, &[0; PADDING]].concat();
    let end = string(&padded, 1).ok()?.quote;
    let mut name = String::new();
    unescape(std::str::from_utf8(&padded[1..end]).ok()?, &mut name).ok()?;
    Some(name)
}

/// Turns what stands between two records into a comma and blanks, keeping newlines, so that the
/// decoder need not know of it and offsets and lines stay what they are.
fn blank(gap: &mut [u8]) {
    for byte in &mut *gap {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
    if let Some(byte) = gap.iter_mut().find(|byte| **byte == b' ') {
        *byte = b',';
    }
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
