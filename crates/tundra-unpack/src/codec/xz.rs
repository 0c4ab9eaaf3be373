//! xz.

use std::io::{self, Read};

use lzma_rust2::XzReader;

use super::Member;
use crate::{Error, packed::Packed};

/// The first bytes of a stream.
pub(super) const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// Memory that a block may ask for, in MiB: `xz -9` needs 65.
const MEMORY_MIB: u32 = 192;

/// One stream.
pub(super) struct Xz(XzReader<Packed>);

impl Xz {
    pub(super) fn new(input: Packed) -> Self {
        Self(XzReader::new_mem_limit(input, false, MEMORY_MIB << 10))
    }
}

impl Member for Xz {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.0.read(output).map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => {
                Error::Memory { what: "xz", limit: u64::from(MEMORY_MIB) }.into()
            }
            _ => error,
        })
    }

    fn into_input(self: Box<Self>) -> Packed {
        self.0.into_inner()
    }
}
