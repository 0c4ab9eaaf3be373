//! bzip2.

use std::io::{self, BufRead};

use bzip2::{Decompress, Status};

use super::{Member, cut_off, damaged};
use crate::packed::Packed;

/// Returns whether these are the first bytes of a stream of bzip2: its name, the size of its blocks, and
/// the beginning of a block or of the end.
pub(super) fn is_bzip2(head: &[u8]) -> bool {
    const BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const END: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    head.strip_prefix(b"BZh").and_then(<[u8]>::split_first).is_some_and(|(size, rest)| {
        let begins = |magic: &[u8]| rest.starts_with(magic) || magic.starts_with(rest);
        (b'1'..=b'9').contains(size) && (begins(BLOCK) || begins(END))
    })
}

/// One stream.
pub(super) struct Bzip2 {
    input: Packed,
    decoder: Decompress,
    ended: bool,
}

impl Bzip2 {
    pub(super) fn new(input: Packed) -> Self {
        Self { input, decoder: Decompress::new(false), ended: false }
    }
}

impl Member for Bzip2 {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.input.fill_buf()?;
            let is_end = input.is_empty();
            let (taken, written) = (self.decoder.total_in(), self.decoder.total_out());
            let status = self.decoder.decompress(input, output);
            let taken = usize::try_from(self.decoder.total_in() - taken).unwrap_or(usize::MAX);
            let written =
                usize::try_from(self.decoder.total_out() - written).unwrap_or(0).min(output.len());
            self.input.consume(taken);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) => {}
                Err(_) => return Err(damaged("its blocks or their check sums are wrong")),
            }
            if written > 0 {
                return Ok(written);
            }
            if is_end && !self.ended {
                return Err(cut_off());
            }
            if taken == 0 && !self.ended {
                return Err(damaged("it does not go on"));
            }
        }
        Ok(0)
    }

    fn into_input(self: Box<Self>) -> Packed {
        self.input
    }
}
