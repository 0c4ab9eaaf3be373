//! Compressed streams, of as many members as stand one behind the other.
//!
//! Start at [`Decompressor`]. A codec's module reads one member, which is what its programs call a member,
//! a stream or a frame; what may stand between two and behind the last is decided here.

mod bzip2;
mod deflate;
mod lz4;
mod xz;
mod zstd;

use std::{
    fmt,
    io::{self, Read},
};

pub(crate) use self::deflate::{Crc, is_zlib};
use crate::{Error, Limits, Meter, packed::Packed};

/// A way to compress a stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// gzip: deflate with a check sum.
    Gzip,
    /// zlib: deflate with another one.
    Zlib,
    /// Deflate with nothing around it, as members of zip archives have it.
    Deflate,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// LZ4, in frames.
    Lz4,
}

impl Codec {
    /// Returns its name as programs and receipts have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// Returns whether a file name's extension stands for it.
    pub fn has_extension(self, extension: &str) -> bool {
        let known: &[&str] = match self {
            Self::Gzip => &["gz", "gzip"],
            Self::Zlib => &["zlib", "zz", "z"],
            Self::Deflate => &[],
            Self::Bzip2 => &["bz2", "bz", "bzip2"],
            Self::Xz => &["xz"],
            Self::Zstd => &["zst", "zstd"],
            Self::Lz4 => &["lz4"],
        };
        known.iter().any(|known| extension.eq_ignore_ascii_case(known))
    }

    /// Returns the codec whose members begin like this; zlib's have nothing that only they have.
    pub(crate) fn by_magic(head: &[u8]) -> Option<Self> {
        if deflate::is_gzip(head) {
            return Some(Self::Gzip);
        }
        if bzip2::is_bzip2(head) {
            return Some(Self::Bzip2);
        }
        if head.starts_with(&xz::MAGIC) {
            return Some(Self::Xz);
        }
        if head.starts_with(&zstd::MAGIC) {
            return Some(Self::Zstd);
        }
        if head.starts_with(&lz4::MAGIC) {
            return Some(Self::Lz4);
        }
        // A frame that is to be passed over says nothing of the codec: the next one does.
        let behind = skippable(head)?;
        Some(match head.get(behind..behind + 4) {
            Some(next) if next == lz4::MAGIC => Self::Lz4,
            _ => Self::Zstd,
        })
    }

    /// Returns whether a member that begins like this can follow another one.
    fn follows(self, head: &[u8]) -> bool {
        match self {
            Self::Gzip => deflate::is_gzip(head),
            Self::Zlib | Self::Deflate => false,
            Self::Bzip2 => bzip2::is_bzip2(head),
            Self::Xz => head.starts_with(&xz::MAGIC),
            Self::Zstd => head.starts_with(&zstd::MAGIC) || skippable(head).is_some(),
            Self::Lz4 => head.starts_with(&lz4::MAGIC) || skippable(head).is_some(),
        }
    }

    /// Returns whether zeros may stand behind the last member: tapes are written in blocks.
    const fn may_be_padded(self) -> bool {
        matches!(self, Self::Gzip | Self::Xz)
    }

    fn member(self, input: Packed) -> io::Result<Box<dyn Member>> {
        Ok(match self {
            Self::Gzip => Box::new(deflate::Deflated::gzip(input)),
            Self::Zlib => Box::new(deflate::Deflated::zlib(input)),
            Self::Deflate => Box::new(deflate::Deflated::raw(input)),
            Self::Bzip2 => Box::new(bzip2::Bzip2::new(input)),
            Self::Xz => Box::new(xz::Xz::new(input)),
            Self::Zstd => Box::new(zstd::Zstd::new(input)?),
            Self::Lz4 => Box::new(lz4::Lz4::new(input)),
        })
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the offset behind a frame of Zstandard or LZ4 that is to be passed over.
fn skippable(head: &[u8]) -> Option<usize> {
    let (magic, rest) = head.split_first_chunk::<4>()?;
    let is_magic = (0x184d_2a50..=0x184d_2a5f).contains(&u32::from_le_bytes(*magic));
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    is_magic.then(|| usize::try_from(length).unwrap_or(usize::MAX).saturating_add(8))
}

/// One member of a compressed stream.
trait Member: Send {
    /// Reads what comes out; 0 at the end of the member, whose check sums were right.
    ///
    /// What the member itself is at fault for is an error of any kind; [`Decompressor`] words it.
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize>;

    /// Returns what is behind the member.
    fn into_input(self: Box<Self>) -> Packed;
}

/// What comes out of a compressed stream.
pub(crate) struct Decompressor {
    codec: Codec,
    state: State,
    meter: Meter,
    limits: Limits,
    /// Bytes that have come out.
    unpacked: u64,
    /// How it failed, for whoever reads on.
    failed: Option<Error>,
}

enum State {
    Between(Packed),
    Within(Box<dyn Member>),
    Ended,
}

impl Decompressor {
    /// Decompresses what `raw` yields.
    pub(crate) fn new(codec: Codec, raw: Box<dyn Read + Send>, limits: Limits) -> Self {
        let input = Packed::new(raw);
        let meter = input.meter().clone();
        Self { codec, state: State::Between(input), meter, limits, unpacked: 0, failed: None }
    }

    /// Goes on to the next member, if there is one.
    fn next_member(&mut self, mut input: Packed) -> io::Result<State> {
        const LOOKED_AT: usize = 16;
        let (what, codec) = (self.codec.name(), self.codec);
        let is_first = self.meter.consumed() == 0;
        let mut head = input.peek(LOOKED_AT)?;
        if is_first {
            // It was looked at already, or an archive says what it is.
            return Ok(State::Within(codec.member(input)?));
        }
        if head.first() == Some(&0) && codec.may_be_padded() {
            let byte = self.meter.consumed();
            skip_zeros(&mut input)?;
            head = input.peek(LOOKED_AT)?;
            let is_next = codec == Codec::Xz && codec.follows(head);
            if !head.is_empty() && !is_next {
                return Err(Error::Trailing { what, byte }.into());
            }
        }
        if head.is_empty() {
            return Ok(State::Ended);
        }
        if !codec.follows(head) {
            return Err(Error::Trailing { what, byte: self.meter.consumed() }.into());
        }
        Ok(State::Within(codec.member(input)?))
    }

    fn step(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(input) => self.state = self.next_member(input)?,
                State::Within(mut member) => {
                    let count = member.read(output)?;
                    if count > 0 {
                        self.state = State::Within(member);
                        return Ok(count);
                    }
                    self.state = State::Between(member.into_input());
                }
            }
        }
    }

    /// Returns what a failure means: of the reader below, or of what is packed.
    fn failure(&mut self, error: io::Error) -> io::Error {
        if self.meter.failed() {
            return error;
        }
        let what = self.codec.name();
        // A decoder that ran out of bytes has taken all of them, unless it only looked.
        let ran_out = error.get_ref().is_some_and(|inner| inner.is::<CutOff>())
            || self.meter.ended() && self.meter.consumed() >= self.meter.read();
        let failed = match error.downcast::<Error>() {
            Ok(failed) => failed,
            Err(_) if ran_out => Error::Truncated { what, byte: self.meter.read() },
            Err(other) => {
                Error::Corrupt { what, byte: self.meter.consumed(), reason: other.to_string() }
            }
        };
        self.failed = Some(failed.clone());
        failed.into()
    }
}

impl Read for Decompressor {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        if output.is_empty() {
            return Ok(0);
        }
        let count = match self.step(output) {
            Ok(count) => count,
            Err(error) => return Err(self.failure(error)),
        };
        self.unpacked = self.unpacked.saturating_add(count as u64);
        if let Err(error) = self.limits.check(&self.meter, self.unpacked) {
            self.failed = Some(error.clone());
            return Err(error.into());
        }
        Ok(count)
    }
}

fn skip_zeros(input: &mut Packed) -> io::Result<()> {
    use std::io::BufRead;
    loop {
        let held = input.fill_buf()?;
        if held.is_empty() {
            return Ok(());
        }
        let zeros = held.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == held.len();
        input.consume(zeros);
        if !all {
            return Ok(());
        }
    }
}

/// Returns the error of a member that is damaged.
fn damaged(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A member whose bytes are not all there.
#[derive(Debug, thiserror::Error)]
#[error("it is cut off")]
struct CutOff;

/// Returns the error of a member whose bytes are not all there. Not the one of the standard library, which
/// decoders take for the end where something new might begin.
fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, CutOff)
}
