//! xz.

use std::io::{self, Read};

use lzma_rust2::XzReader;

use super::Member;
use crate::packed::Packed;

/// The first bytes of a stream.
pub(super) const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// Memory that a block may ask for, in KiB: `xz -9` needs 65 MiB.
const MEMORY_KIB: u32 = 192 << 10;

/// One stream.
pub(super) struct Xz(XzReader<Packed>);

impl Xz {
    pub(super) fn new(input: Packed) -> Self {
        Self(XzReader::new_mem_limit(input, false, MEMORY_KIB))
    }
}

impl Member for Xz {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.0.read(output)
    }

    fn into_input(self: Box<Self>) -> Packed {
        self.0.into_inner()
    }
}
