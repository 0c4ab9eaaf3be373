//! The data within all containers, as one stream.

use std::{
    fmt,
    io::{self, Read},
};

use crate::{Error, Limits, Meter, codec::Crc};

/// What comes out of all containers. It ends where the data ends, and fails where it is not whole.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    meter: Meter,
    limits: Limits,
    unpacked: u64,
}

impl Stream {
    /// Reads what comes out of `reader`, which takes from what `meter` counts.
    pub(crate) fn new(reader: Box<dyn Read + Send>, meter: Meter, limits: Limits) -> Self {
        Self { reader, meter, limits, unpacked: 0 }
    }

    /// Returns what counts the bytes of the source that were read.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.unpacked = self.unpacked.saturating_add(count as u64);
        self.limits.check(&self.meter, self.unpacked)?;
        Ok(count)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("unpacked", &self.unpacked).finish_non_exhaustive()
    }
}

/// A source that is counted while it is read.
pub(crate) struct Counted {
    pub(crate) raw: Box<dyn Read + Send>,
    pub(crate) meter: Meter,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(buffer)?;
        self.meter.consume(count);
        Ok(count)
    }
}

/// Just so many bytes: that there are fewer is an error.
pub(crate) struct Exactly {
    pub(crate) raw: Box<dyn Read + Send>,
    pub(crate) left: u64,
    /// Where they end in what is read.
    pub(crate) end: u64,
    /// What they are part of.
    pub(crate) what: &'static str,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.raw.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(Error::Truncated { what: self.what, byte: self.end - self.left }.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Bytes whose number and check sum are known.
pub(crate) struct Checked {
    pub(crate) raw: Box<dyn Read + Send>,
    pub(crate) crc: Crc,
    pub(crate) expected_crc: u32,
    pub(crate) left: u64,
    /// Where what they come out of ends.
    pub(crate) end: u64,
}

impl Checked {
    fn damaged(&self, reason: &str) -> io::Error {
        Error::Corrupt { what: "zip", byte: self.end, reason: reason.to_owned() }.into()
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.raw.read(buffer)?;
        self.crc.add(&buffer[..count]);
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| self.damaged("the member is longer than the archive says"))?;
        if count == 0 && self.left > 0 {
            return Err(self.damaged("the member is shorter than the archive says"));
        }
        if count == 0 && self.crc.value() != self.expected_crc {
            return Err(self.damaged("the check sum of the member is another one"));
        }
        Ok(count)
    }
}

/// Passes over bytes.
pub(crate) fn skip(reader: &mut dyn Read, count: u64) -> io::Result<u64> {
    let mut limited = reader.take(count);
    let mut buffer = vec![0; 128 << 10];
    let mut skipped = 0;
    loop {
        match limited.read(&mut buffer) {
            Ok(0) => return Ok(skipped),
            Ok(count) => skipped += count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
