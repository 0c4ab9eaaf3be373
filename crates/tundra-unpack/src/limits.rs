//! How much may come out of how little.

use crate::{Error, Meter};

/// Bounds for input that was made to fill a disk or to take for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many times as long as what is packed the bytes that come out may be.
    pub ratio: u64,
    /// Bytes that may come out whatever the ratio is: a short text that repeats itself is no attack.
    pub free_bytes: u64,
    /// Bytes that may come out at all.
    pub bytes: u64,
    /// Members that an archive may have.
    pub members: usize,
    /// Containers that may stand around the data: a compression and an archive count one each.
    pub layers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Deflate reaches 1,032 with nothing but zeros. Tables stay below 200.
            ratio: 1000,
            free_bytes: 64 << 20,
            bytes: 1 << 40,
            members: 10_000,
            // A compressed file in a compressed tar has three.
            layers: 3,
        }
    }
}

impl Limits {
    /// Checks what came out of what was packed so far.
    ///
    /// # Errors
    /// Fails beyond a limit.
    pub(crate) fn check(&self, meter: &Meter, unpacked: u64) -> Result<(), Error> {
        if unpacked > self.bytes {
            return Err(Error::TooLarge { limit: self.bytes });
        }
        if unpacked > self.free_bytes && unpacked / self.ratio > meter.consumed() {
            return Err(Error::Ratio { packed: meter.consumed(), ratio: self.ratio });
        }
        Ok(())
    }
}
