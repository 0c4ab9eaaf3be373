//! Where packed bytes come from.

use std::{fmt::Debug, io};

/// Bytes of a known number that can be read from any place on, by several readers at once.
pub trait Source: Debug + Send + Sync {
    /// Returns how many bytes there are.
    fn size(&self) -> u64;

    /// Begins to read at a byte, up to the end.
    ///
    /// # Errors
    /// Fails when the bytes cannot be read. What a reader fails with is passed on as it is.
    fn open(&self, at: u64) -> io::Result<Box<dyn io::Read + Send>>;

    /// Begins to read at a byte, of which few will be read.
    ///
    /// # Errors
    /// As [`Source::open`].
    fn open_few(&self, at: u64) -> io::Result<Box<dyn io::Read + Send>>;
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self, at: u64) -> io::Result<Box<dyn io::Read + Send>> {
        let at = usize::try_from(at).map_or(self.len(), |at| at.min(self.len()));
        Ok(Box::new(io::Cursor::new(self[at..].to_vec())))
    }

    fn open_few(&self, at: u64) -> io::Result<Box<dyn io::Read + Send>> {
        self.open(at)
    }
}
