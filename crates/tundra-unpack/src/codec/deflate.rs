//! gzip, zlib, and deflate with nothing around it.

use std::io::{self, BufRead};

use zlib_rs::{Inflate, InflateError, InflateFlush, Status, crc32::crc32};

use super::{Member, cut_off, damaged};
use crate::packed::Packed;

/// The longest window that deflate has, as a power of two.
const WINDOW_BITS: u8 = 15;

/// What a name or a comment in a header may have: nobody needs them, and they end at a zero only.
const LONGEST_TEXT: usize = 64 << 10;

/// The check sum of gzip and zip.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0 = crc32(self.0, bytes);
    }

    pub(crate) fn value(self) -> u32 {
        self.0
    }
}

/// Returns whether these are the first bytes of a member of gzip.
pub(super) fn is_gzip(head: &[u8]) -> bool {
    // Deflate is the only method that there is, and the upper flags are never set.
    head.starts_with(b"\x1f\x8b\x08") && head.get(3).is_none_or(|flags| flags & 0xe0 == 0)
}

/// Returns whether data that begins with `head` is zlib. Two bytes say so, which text may begin with as
/// well, so the rest must be deflate.
pub(crate) fn is_zlib(head: &[u8]) -> bool {
    let Some([method, flags]) = head.first_chunk::<2>() else { return false };
    let is_header = method & 0x0f == 8
        && method >> 4 <= 7
        && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        && flags & 0x20 == 0;
    if !is_header {
        return false;
    }
    let mut inflate = Inflate::new(true, WINDOW_BITS);
    let mut output = vec![0; 64 << 10];
    let mut input = head;
    loop {
        let (taken, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, &mut output, InflateFlush::NoFlush);
        let taken = inflate.total_in() - taken;
        input = &input[usize::try_from(taken).unwrap_or(usize::MAX).min(input.len())..];
        match status {
            Ok(Status::StreamEnd) => return true,
            Err(_) => return false,
            Ok(_) if taken == 0 && inflate.total_out() == written => break,
            Ok(_) => {}
        }
    }
    // Cut off, as far as is seen. Text may well be deflate by chance, at great length even, but compressed
    // data is no UTF-8.
    std::str::from_utf8(head).is_err_and(|error| error.error_len().is_some())
}

/// What stands around the deflated data.
enum Frame {
    Gzip { crc: Crc, length: u32 },
    Zlib,
    Raw,
}

/// One member.
pub(super) struct Deflated {
    input: Packed,
    inflate: Inflate,
    frame: Frame,
    begun: bool,
    ended: bool,
}

impl Deflated {
    pub(super) fn gzip(input: Packed) -> Self {
        Self::new(input, Frame::Gzip { crc: Crc::default(), length: 0 })
    }

    pub(super) fn zlib(input: Packed) -> Self {
        Self::new(input, Frame::Zlib)
    }

    pub(super) fn raw(input: Packed) -> Self {
        Self::new(input, Frame::Raw)
    }

    fn new(input: Packed, frame: Frame) -> Self {
        let inflate = Inflate::new(matches!(frame, Frame::Zlib), WINDOW_BITS);
        Self { input, inflate, frame, begun: false, ended: false }
    }

    /// Checks what stands behind the deflated data.
    fn finish(&mut self) -> io::Result<()> {
        self.ended = true;
        let Frame::Gzip { crc, length } = &self.frame else { return Ok(()) };
        let (crc, length) = (crc.value(), *length);
        let trailer: [u8; 8] = take(&mut self.input)?;
        let [a, b, c, d, e, f, g, h] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != crc {
            return Err(damaged("its check sum is another one"));
        }
        if u32::from_le_bytes([e, f, g, h]) != length {
            return Err(damaged("its length is another one"));
        }
        Ok(())
    }
}

impl Member for Deflated {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begun = true;
            if matches!(self.frame, Frame::Gzip { .. }) {
                pass_header(&mut self.input)?;
            }
        }
        while !self.ended {
            let input = self.input.fill_buf()?;
            let is_end = input.is_empty();
            let (taken, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, output, InflateFlush::NoFlush);
            let taken = usize::try_from(self.inflate.total_in() - taken).unwrap_or(usize::MAX);
            let written =
                usize::try_from(self.inflate.total_out() - written).unwrap_or(0).min(output.len());
            self.input.consume(taken);
            let status = match status {
                Ok(status) => status,
                Err(InflateError::NeedDict { .. }) => {
                    return Err(damaged("it needs a dictionary, which is not in it"));
                }
                Err(InflateError::MemError) => return Err(io::ErrorKind::OutOfMemory.into()),
                Err(_) => return Err(damaged("it is no deflate")),
            };
            if let Frame::Gzip { crc, length } = &mut self.frame {
                crc.add(&output[..written]);
                *length = length.wrapping_add(u32::try_from(written).unwrap_or(u32::MAX));
            }
            if status == Status::StreamEnd {
                self.finish()?;
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

/// Takes so many bytes.
pub(super) fn take<const N: usize>(input: &mut Packed) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    io::Read::read_exact(input, &mut bytes)?;
    Ok(bytes)
}

/// Passes over the header of a gzip member.
fn pass_header(input: &mut Packed) -> io::Result<()> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_CRC: u8 = 2;
    let header: [u8; 10] = take(input)?;
    if !is_gzip(&header) {
        return Err(damaged("its header is none of gzip"));
    }
    let flags = header[3];
    let mut crc = Crc::default();
    crc.add(&header);
    if flags & EXTRA != 0 {
        let length: [u8; 2] = take(input)?;
        crc.add(&length);
        let mut extra = vec![0; usize::from(u16::from_le_bytes(length))];
        io::Read::read_exact(input, &mut extra)?;
        crc.add(&extra);
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            pass_text(input, &mut crc)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        let expected: [u8; 2] = take(input)?;
        if crc.value().to_le_bytes()[..2] != expected {
            return Err(damaged("the check sum of its header is another one"));
        }
    }
    Ok(())
}

fn pass_text(input: &mut Packed, crc: &mut Crc) -> io::Result<()> {
    for _ in 0..LONGEST_TEXT {
        let byte: [u8; 1] = take(input)?;
        crc.add(&byte);
        if byte == [0] {
            return Ok(());
        }
    }
    Err(damaged("a text in its header does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_as_zlib_does_is_text() {
        for text in ["x^2,y\n1,2\n", "x^", "x^2 is a square, and this goes on for a while\n"] {
            assert!(!is_zlib(text.as_bytes()), "{text}");
        }
        let long = "x^2,value\n".to_owned() + &"12,34\n".repeat(20_000);
        assert!(!is_zlib(&long.as_bytes()[..64 << 10]));
        assert!(!is_zlib(b"x\x9cuvre,1\n2,3\n"));
    }
}
