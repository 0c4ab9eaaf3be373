//! Packed bytes on their way into a decoder.

use std::io::{self, BufRead, Read};

use crate::Meter;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// Packed bytes, read in blocks, with a count of those that a decoder took.
pub(crate) struct Packed {
    raw: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// The bytes of the buffer that nobody has taken yet.
    start: usize,
    end: usize,
    meter: Meter,
}

impl Packed {
    pub(crate) fn new(raw: Box<dyn Read + Send>) -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        Self { raw, buffer, start: 0, end: 0, meter: Meter::default() }
    }

    /// Returns what counts the bytes that were taken.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns so many of the next bytes without taking them, or all of them where fewer are left.
    /// `count` is small.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.read_more()? == 0 {
                break;
            }
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + count)])
    }

    fn read_more(&mut self) -> io::Result<usize> {
        loop {
            match self.raw.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    if count == 0 {
                        self.meter.end();
                    }
                    self.end += count;
                    self.meter.add_read(count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.meter.fail();
                    return Err(error);
                }
            }
        }
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.read_more()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.end - self.start);
        self.start += amount;
        self.meter.consume(amount);
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let held = self.fill_buf()?;
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        self.consume(count);
        Ok(count)
    }
}
