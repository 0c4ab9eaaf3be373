//! Zstandard.

use std::io::{self, BufRead};

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{Member, cut_off};
use crate::{Error, packed::Packed};

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The longest window, as a power of two: 128 MiB, which is what decoders have to take. A frame that was
/// made with `--long=28` or more is refused.
const WINDOW_LOG: u32 = 27;

/// What the library says of a longer one.
const WINDOW_TOO_LARGE: &str = "requires too much memory";

/// One frame.
pub(super) struct Zstd {
    input: Packed,
    decoder: Decoder<'static>,
    ended: bool,
}

impl Zstd {
    pub(super) fn new(input: Packed) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self { input, decoder, ended: false })
    }
}

/// Returns what an error of the library means: it has a text only.
fn meant(error: io::Error) -> io::Error {
    match error.to_string().contains(WINDOW_TOO_LARGE) {
        true => Error::Memory { what: "zstd", limit: 1 << (WINDOW_LOG - 20) }.into(),
        false => error,
    }
}

impl Member for Zstd {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.input.fill_buf()?;
            let is_end = input.is_empty();
            let status = self.decoder.run_on_buffers(input, output).map_err(meant)?;
            self.input.consume(status.bytes_read);
            if status.remaining == 0 {
                self.ended = true;
            }
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if is_end && !self.ended {
                return Err(cut_off());
            }
        }
        Ok(0)
    }

    fn into_input(self: Box<Self>) -> Packed {
        self.input
    }
}
