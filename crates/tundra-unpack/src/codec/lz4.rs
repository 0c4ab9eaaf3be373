//! LZ4, in frames.
//!
//! The decoder takes the end of its input for the end of the data wherever a block might begin, so the
//! blocks are walked here, and it sees one frame at a time.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

use super::{Member, cut_off, damaged, skippable};
use crate::packed::Packed;

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// The longest header: magic, two flags, the size of the content, a dictionary and a check sum.
const LONGEST_HEADER: usize = 19;

/// One frame, which may also be one to be passed over.
pub(super) struct Lz4 {
    decoder: FrameDecoder<OneFrame>,
}

impl Lz4 {
    pub(super) fn new(input: Packed) -> Self {
        let frame = OneFrame { input, part: Part::Magic, has_block_sums: false, has_sum: false };
        Self { decoder: FrameDecoder::new(frame) }
    }
}

impl Member for Lz4 {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let frame = self.decoder.get_mut();
        if matches!(frame.part, Part::Magic) && frame.pass_skippable()? {
            return Ok(0);
        }
        loop {
            let count = self.decoder.read(output)?;
            // A block may be empty, and is not the end then.
            if count > 0 || matches!(self.decoder.get_ref().part, Part::Ended) {
                return Ok(count);
            }
        }
    }

    fn into_input(self: Box<Self>) -> Packed {
        self.decoder.into_inner().input
    }
}

/// What stands where the reader is.
#[derive(Clone, Copy)]
enum Part {
    /// The beginning of the frame.
    Magic,
    /// So many bytes of a header, of a block or of a check sum that begins a block.
    Bytes(u64),
    /// The length of a block.
    Length,
    /// So many bytes of the check sum at the end.
    Sum(u64),
    /// Nothing of this frame.
    Ended,
}

/// The bytes of one frame, and none behind it. That they end too early is an error.
struct OneFrame {
    input: Packed,
    part: Part,
    has_block_sums: bool,
    has_sum: bool,
}

impl OneFrame {
    /// Passes over a frame that holds no data, if it is one.
    fn pass_skippable(&mut self) -> io::Result<bool> {
        let Some(behind) = skippable(self.input.peek(8)?) else { return Ok(false) };
        let mut left = behind;
        while left > 0 {
            let held = self.input.fill_buf()?.len();
            if held == 0 {
                return Err(cut_off());
            }
            self.input.consume(held.min(left));
            left -= held.min(left);
        }
        self.part = Part::Ended;
        Ok(true)
    }

    /// Looks at the header.
    fn begin(&mut self) -> io::Result<Part> {
        let header = self.input.peek(LONGEST_HEADER)?;
        if !header.starts_with(&MAGIC) {
            return Err(damaged("its header is none of LZ4"));
        }
        let Some(flags) = header.get(4) else { return Err(cut_off()) };
        self.has_block_sums = flags & 0x10 != 0;
        self.has_sum = flags & 0x04 != 0;
        let content = if flags & 0x08 != 0 { 8 } else { 0 };
        let dictionary = if flags & 0x01 != 0 { 4 } else { 0 };
        Ok(Part::Bytes(7 + content + dictionary))
    }

    /// Looks at the length of a block.
    fn block(&mut self) -> io::Result<Part> {
        let Some(length) = self.input.peek(4)?.first_chunk::<4>() else { return Err(cut_off()) };
        let length = u32::from_le_bytes(*length);
        if length == 0 {
            return Ok(Part::Sum(if self.has_sum { 8 } else { 4 }));
        }
        // The highest bit says that the block is not compressed.
        let length = u64::from(length & 0x7fff_ffff);
        Ok(Part::Bytes(4 + length + if self.has_block_sums { 4 } else { 0 }))
    }
}

impl Read for OneFrame {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = match self.part {
                Part::Ended => return Ok(0),
                Part::Magic => {
                    self.part = self.begin()?;
                    continue;
                }
                Part::Length => {
                    self.part = self.block()?;
                    continue;
                }
                Part::Bytes(0) => {
                    self.part = Part::Length;
                    continue;
                }
                Part::Bytes(left) | Part::Sum(left) => left,
            };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = self.input.read(&mut buffer[..most])?;
            if count == 0 && most > 0 {
                return Err(cut_off());
            }
            let left = left - count as u64;
            self.part = match self.part {
                Part::Sum(_) if left == 0 => Part::Ended,
                Part::Sum(_) => Part::Sum(left),
                _ => Part::Bytes(left),
            };
            return Ok(count);
        }
    }
}
