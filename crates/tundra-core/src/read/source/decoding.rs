//! Text in any encoding as UTF-8, in which bytes that are no text stay recognisable.
//!
//! Start at [`Decoding`]. Nothing is ever replaced: each byte that is no text becomes a sequence of
//! three bytes that is no UTF-8 and holds it (see [`escape`]). Splitters find records around it, for
//! it holds no ASCII; decoders find that it is no UTF-8 and treat the record as the policy says.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_16BE, UTF_16LE};

/// Bytes of an escape.
const ESCAPE_BYTES: usize = 3;

/// Room for the escapes of one sequence of bytes that are no text, which has at most four.
const ESCAPES_ROOM: usize = 4 * ESCAPE_BYTES;

/// Consumed bytes that are kept: a sequence that turns out to be no text may have begun so far back.
const KEPT: usize = 8;

/// Bytes of room without which nothing is decoded.
pub(super) const LEAST_ROOM: usize = 2 * ESCAPES_ROOM;

/// Returns what stands in the text for a byte that is none: U+DC00 and the byte, in the form of
/// UTF-8. Half of a surrogate pair is a character in no encoding, so nothing that is text can look
/// like this, and UTF-8 excludes it. PEP 383 calls the same idea `surrogateescape`.
pub(super) fn escape(byte: u8) -> [u8; ESCAPE_BYTES] {
    [0xed, 0xb0 | byte >> 6, 0x80 | byte & 0x3f]
}

/// Returns the byte for which the escape at the beginning of `text` stands.
pub(super) fn unescape(text: &[u8]) -> Option<u8> {
    match text {
        [0xed, high @ 0xb0..=0xb3, low @ 0x80..=0xbf, ..] => Some((high & 3) << 6 | low & 0x3f),
        _ => None,
    }
}

/// Decodes what a reader yields.
pub(super) struct Decoding {
    raw: Box<dyn Read + Send>,
    decoder: Decoder,
    encoding: &'static Encoding,
    /// Bytes that are read at a time.
    block: usize,
    /// Bytes that were read, the last few consumed ones before them.
    input: Vec<u8>,
    consumed: usize,
    /// The end of the last line of `input`, where the decoder is in no state; 0 when none ends.
    cut: usize,
    /// The offset of `input[consumed]` in the object.
    source: u64,
    /// Consumed bytes that are still to be decoded, behind bytes that are no text.
    behind: u64,
    raw_ended: bool,
    ended: bool,
}

impl Decoding {
    /// Decodes what `raw` yields, which begins at the offset `source` of its object, `block` bytes
    /// at a time.
    pub(super) fn new(
        raw: Box<dyn Read + Send>,
        encoding: &'static Encoding,
        source: u64,
        block: usize,
    ) -> Self {
        Self {
            raw,
            decoder: encoding.new_decoder_without_bom_handling(),
            encoding,
            block,
            input: Vec::new(),
            consumed: 0,
            cut: 0,
            source,
            behind: 0,
            raw_ended: false,
            ended: false,
        }
    }

    /// Returns whether everything is decoded.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Returns the offset in the object behind everything that was decoded.
    pub(super) fn source(&self) -> u64 {
        self.source - self.behind
    }

    /// Decodes into `output` and returns how many bytes of it were written, which can be none
    /// before the end too. Takes at most `most` bytes of input.
    ///
    /// `output` has at least [`LEAST_ROOM`].
    pub(super) fn step(&mut self, output: &mut [u8], most: usize) -> io::Result<Step> {
        if self.ended {
            return Ok(Step { written: 0, at_line: false });
        }
        if self.consumed == self.input.len() && !self.raw_ended {
            self.refill()?;
        }
        let stop = if self.consumed < self.cut { self.cut } else { self.input.len() };
        let stop = stop.min(self.consumed.saturating_add(most));
        let last = self.raw_ended && stop == self.input.len();
        let room = output.len() - ESCAPES_ROOM;
        let (result, read, mut written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.consumed..stop],
            &mut output[..room],
            last,
        );
        self.consumed += read;
        self.source += read as u64;
        self.behind = 0;
        match result {
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, behind) => {
                self.behind = behind.into();
                let end = self.consumed - usize::from(behind);
                for &byte in &self.input[end - usize::from(length)..end] {
                    output[written..written + ESCAPE_BYTES].copy_from_slice(&escape(byte));
                    written += ESCAPE_BYTES;
                }
            }
        }
        let at_line =
            result == DecoderResult::InputEmpty && self.cut > 0 && self.consumed == self.cut;
        Ok(Step { written, at_line })
    }

    fn refill(&mut self) -> io::Result<()> {
        self.input.drain(..self.consumed.saturating_sub(KEPT));
        self.consumed = self.input.len();
        self.input.resize(self.consumed + self.block, 0);
        let count = loop {
            match self.raw.read(&mut self.input[self.consumed..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.input.truncate(self.consumed + *count.as_ref().unwrap_or(&0));
        self.raw_ended = count? == 0;
        self.cut =
            self.last_line(&self.input[self.consumed..]).map_or(0, |length| self.consumed + length);
        Ok(())
    }

    /// Returns the length up to and with the last newline. In every encoding but ISO-2022-JP, which
    /// switches between character sets, nothing before a newline changes what is behind it.
    fn last_line(&self, bytes: &[u8]) -> Option<usize> {
        if self.encoding == encoding_rs::ISO_2022_JP {
            return None;
        }
        let is_little = self.encoding == UTF_16LE;
        if !is_little && self.encoding != UTF_16BE {
            return memchr::memrchr2(b'\n', b'\r', bytes).map(|at| at + 1);
        }
        // A character begins where an even number of bytes is before it, those of the mark too.
        let odd = usize::from(self.source % 2 == 1);
        let units = bytes.get(odd..)?.as_chunks().0;
        let is_newline = |unit: &[u8; 2]| {
            let unit =
                if is_little { u16::from_le_bytes(*unit) } else { u16::from_be_bytes(*unit) };
            matches!(unit, 0x0a | 0x0d)
        };
        units.iter().rposition(is_newline).map(|at| odd + 2 * (at + 1))
    }
}

/// What one step has done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Bytes of text.
    pub(super) written: usize,
    /// A line ends here, and a new decoder could go on.
    pub(super) at_line: bool,
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Decodes everything, so many bytes at a time.
    fn decoded(encoding: &'static Encoding, bytes: &[u8], block: usize, room: usize) -> Vec<u8> {
        let raw = Box::new(Cursor::new(bytes.to_vec()));
        let mut decoding = Decoding::new(raw, encoding, 0, block);
        let mut text = Vec::new();
        let mut output = vec![0; room];
        while !decoding.ended() {
            let step = decoding.step(&mut output, usize::MAX).unwrap();
            text.extend_from_slice(&output[..step.written]);
        }
        assert_eq!(decoding.source(), bytes.len() as u64);
        text
    }

    /// Returns the text with its escapes shown as `\xNN`.
    fn shown(text: &[u8]) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let valid = match std::str::from_utf8(rest) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap(),
            };
            shown.push_str(valid);
            rest = &rest[valid.len()..];
            if let Some(byte) = unescape(rest) {
                shown.push_str(&format!("\\x{byte:02x}"));
                rest = &rest[ESCAPE_BYTES..];
            } else {
                assert!(rest.is_empty(), "{rest:x?}");
            }
        }
        shown
    }

    #[test]
    fn every_byte_has_an_escape_that_is_no_utf_8() {
        for byte in 0..=u8::MAX {
            let escaped = escape(byte);
            assert_eq!(unescape(&escaped), Some(byte));
            assert!(std::str::from_utf8(&escaped).is_err());
            assert!(escaped.iter().all(|byte| !byte.is_ascii()));
            // Not even in pairs, as UTF-16 would have it.
            assert!(std::str::from_utf8(&[escape(0xd8), escaped].concat()).is_err());
        }
        assert_eq!(unescape("\u{d7ff}".as_bytes()), None);
        assert_eq!(unescape(&[0xed, 0xa0, 0x80]), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_wherever_a_block_ends() {
        for (label, bytes, expected) in [
            ("windows-1253", &b"a\xd2b\xffc\xe1\n"[..], "a\\xd2b\\xffcα\n"),
            ("shift_jis", b"\x93\xfa\x85\x93\xfa\xfd,\x81", "日\\x85\\x93\\xfa\\xfd,\\x81"),
            ("euc-jp", b"\x8f\xa2\xa1\n\xc6,\xc6\xfc", "\\x8f\\xa2\\xa1\n\\xc6,日"),
            (
                "gb18030",
                b"\x81\x30\x81\n\xfe\x39\xfe\x39,\xc4\xe3",
                "\\x810\\x81\n\\xfe\\x39\\xfe\\x39,你",
            ),
            ("big5", b"\x88\x62,\x88\n\xff", "Ê\u{304},\\x88\n\\xff"),
            ("euc-kr", b"\xb1\xe8\xb1\n\xc9\xa1", "김\\xb1\n\\xc9\\xa1"),
            (
                "utf-16le",
                b"a\0\x3d\xd8\n\0\x3d\xd8\x34\xd8\x1e\xdd\x1e\xddz",
                "a\\x3d\\xd8\n\\x3d\\xd8𝄞\\x1e\\xdd\\x7a",
            ),
            ("utf-16be", b"\0a\xd8\x34\0\n\xd8\x34\xdd\x1e\xdd", "a\\xd8\\x34\n𝄞\\xdd"),
            ("utf-8", b"a\xe9b\xf0\x9f\n\xed\xb0\x80", "a\\xe9b\\xf0\\x9f\n\\xed\\xb0\\x80"),
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            for block in 1..=bytes.len() + 1 {
                for room in [LEAST_ROOM, LEAST_ROOM + 1, 100] {
                    let text = decoded(encoding, bytes, block, room);
                    assert_eq!(shown(&text), expected, "{label} in blocks of {block}");
                }
            }
        }
    }

    #[test]
    fn lines_end_where_a_new_decoder_could_go_on() {
        for (label, text) in [
            ("shift_jis", "東京,大阪\r\n\"ソ\n表\",ー\n"),
            ("utf-16be", "東,\u{0a0a}\n\u{0d0a}a\r\n𝄞\nx"),
            ("utf-16le", "東,\u{0a0a}\n\u{0d0a}a\r\n𝄞\nx"),
            ("gb18030", "你,€\n㐀𠀀\n"),
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            let bytes: Vec<u8> = match label {
                "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => encoding.encode(text).0.into_owned(),
            };
            let mut lines = 0;
            for block in 1..=bytes.len() {
                let raw = Box::new(Cursor::new(bytes.clone()));
                let mut decoding = Decoding::new(raw, encoding, 0, block);
                let mut output = [0; 64];
                let mut before = Vec::new();
                while !decoding.ended() {
                    let step = decoding.step(&mut output, usize::MAX).unwrap();
                    before.extend_from_slice(&output[..step.written]);
                    if step.at_line {
                        lines += 1;
                        let rest = &bytes[usize::try_from(decoding.source()).unwrap()..];
                        let rest = decoded(encoding, rest, 7, 64);
                        assert_eq!([&before[..], &rest].concat(), text.as_bytes(), "{label}");
                    }
                }
            }
            assert!(lines > 0, "{label}");
        }
    }
}
