//! Records that are lines.
//!
//! A newline cannot stand inside of a JSON string, so every newline ends a record, a broken one
//! included, and nothing else needs to be looked at.

use crate::{
    DataCode, Error,
    read::{
        chunk::Chunk,
        json::{MAX_RECORD_BYTES, split::Window},
    },
};

/// Splits at newlines.
#[derive(Debug)]
pub(super) struct LineSplit {
    window: Window,
    record: u64,
}

impl LineSplit {
    /// Splits what the window shows.
    pub(super) fn new(window: Window) -> Self {
        Self { window, record: 0 }
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    pub(super) fn window_mut(&mut self) -> &mut Window {
        &mut self.window
    }

    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        let mut wanted = self.window.chunk_bytes.max(self.window.bytes.len());
        loop {
            self.window.fill(wanted)?;
            let bytes = &self.window.bytes;
            let end = if self.window.ended {
                bytes.len()
            } else {
                memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1)
            };
            let records = count(&bytes[..end]);
            if records > 0 {
                let chunk = self.window.take(end, end, self.record, records);
                self.record += records;
                return Ok(Some(chunk));
            }
            self.window.drop_front(end);
            if self.window.ended {
                return Ok(None);
            }
            let held = self.window.bytes.len();
            if held >= MAX_RECORD_BYTES {
                let message = format!("a line is longer than {} MiB", MAX_RECORD_BYTES >> 20);
                let code = DataCode::RecordTooLong;
                return Err(self.window.error(code, self.record, 0, 0, &message));
            }
            wanted = if end > 0 {
                self.window.chunk_bytes.max(held)
            } else {
                held.saturating_mul(2).clamp(self.window.chunk_bytes, MAX_RECORD_BYTES)
            };
        }
    }
}

/// Counts the lines that are not blank.
fn count(bytes: &[u8]) -> u64 {
    let mut records = 0;
    let mut start = 0;
    for newline in memchr::memchr_iter(b'\n', bytes) {
        records += u64::from(!is_blank(&bytes[start..newline]));
        start = newline + 1;
    }
    records + u64::from(!is_blank(&bytes[start..]))
}

#[inline]
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_that_are_not_blank() {
        for (text, expected) in [
            ("", 0),
            ("\n\n \t\r\n", 0),
            ("{}", 1),
            ("{}\n", 1),
            ("{}\r\n\r\n{}\n  ", 2),
            ("\n{\nx\n", 2),
        ] {
            assert_eq!(count(text.as_bytes()), expected, "{text:?}");
        }
    }
}
