//! The records of an output, counted once more by its bytes.
//!
//! [`Recount`] knows nothing of the writer: it finds records by the rules of the format, so that a row
//! that was lost or torn on its way shows. Arrow IPC is read back by arrow's own reader of streams.

use arrow::{buffer::Buffer, ipc::reader::StreamDecoder};

use crate::OutputFormat;

/// Counts records while the bytes go by.
#[derive(Debug)]
pub(crate) struct Recount {
    format: OutputFormat,
    lines: u64,
    quoted: bool,
    /// Reads Arrow, until it ends or is none.
    decoder: Option<StreamDecoder>,
    begun: bool,
    rows: u64,
}

impl Recount {
    pub(crate) fn new(format: OutputFormat) -> Self {
        let decoder = (format == OutputFormat::Arrow).then(StreamDecoder::new);
        Self { format, lines: 0, quoted: false, decoder, begun: false, rows: 0 }
    }

    /// Takes the next bytes into account.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        if self.format == OutputFormat::Arrow {
            return self.take_arrow(bytes);
        }
        let has_quotes = self.format == OutputFormat::Csv;
        for &byte in bytes {
            match byte {
                b'"' if has_quotes => self.quoted = !self.quoted,
                b'\n' if !self.quoted => self.lines += 1,
                _ => {}
            }
        }
    }

    fn take_arrow(&mut self, mut bytes: &[u8]) {
        if !self.begun {
            // A file is a stream behind its name and zeros, and every message of it begins with this.
            let Some(start) = bytes.iter().position(|&byte| byte == 0xff) else { return };
            bytes = &bytes[start..];
            self.begun = true;
        }
        let Some(decoder) = &mut self.decoder else { return };
        let mut buffer = Buffer::from(bytes);
        while !buffer.is_empty() {
            match decoder.decode(&mut buffer) {
                Ok(Some(batch)) => self.rows += batch.num_rows() as u64,
                Ok(None) => {}
                // The end of the stream, behind which the footer stands, or damage, behind which
                // nothing counts.
                Err(_) => {
                    self.decoder = None;
                    return;
                }
            }
        }
    }

    /// Returns the records, `None` where the format has none to be counted like this. What does not end
    /// is none.
    pub(crate) fn records(&self) -> Option<u64> {
        match self.format {
            // The header is none.
            OutputFormat::Csv => Some(self.lines.saturating_sub(1)),
            OutputFormat::Ndjson => Some(self.lines),
            // The brackets stand on lines of their own, `[]` on one.
            OutputFormat::Json => Some(self.lines.saturating_sub(2)),
            OutputFormat::Arrow => Some(self.rows),
            OutputFormat::Parquet => None,
        }
    }
}
