//! What is wrong with bytes that are no text, and where records stand in the object.
//!
//! Start at [`Explain`]. Readers see the text as UTF-8 and speak of it; here that becomes what a
//! person finds in the file.

use std::{fmt::Write as _, io};

use encoding_rs::{Encoding, UTF_8};

use super::{
    TextSource,
    decoding::{LEAST_ROOM, unescape},
    places::Places,
    read_error,
};
use crate::{
    DataCode, DataError, Error,
    read::{
        chunk::Reject,
        encoding::{find_encoding, guess},
    },
};

/// Bytes that are decoded at a time in search of those that are no text: most are found at once.
const BLOCK: usize = 16 << 10;

/// Bytes of the object, from the bad record on, by which its encoding is guessed.
const GUESSED_BY: u64 = 64 << 10;

/// Bytes of text that are shown before and behind those that are none.
const SHOWN: usize = 60;

/// Says of errors and rejects what they are in the object.
pub(crate) struct Explain {
    places: Places,
}

/// Bytes that are no text.
struct Bad {
    /// Their offset in the object.
    byte: u64,
    /// The bytes.
    bytes: Vec<u8>,
    /// Newlines between the beginning of the record and them.
    lines: u64,
    /// The text around them.
    shown: String,
}

impl Explain {
    /// Explains what readers of this source say.
    pub(crate) fn new(source: TextSource) -> Self {
        Self { places: Places::new(source) }
    }

    /// Explains why reading failed.
    pub(crate) fn error(&mut self, error: Error) -> Error {
        let Error::Data { input, mut source } = error else { return error };
        match self.failure(&mut source) {
            Ok(()) => Error::Data { input, source },
            Err(error) => self.read_error(error),
        }
    }

    /// Explains why a record made the run fail.
    pub(crate) fn failure(&mut self, error: &mut DataError) -> io::Result<()> {
        self.place(&mut error.byte)?;
        if error.code != DataCode::UndecodableBytes {
            return Ok(());
        }
        let start = error.byte;
        let Some(bad) = self.first_bad(start)? else { return Ok(()) };
        let guessed_by = self.places.read(start, start + GUESSED_BY)?;
        error.message = self.message(&bad, error.line);
        error.message.push_str(&likelier(&guessed_by, &bad.bytes, self.encoding()));
        error.text = bad.shown;
        Ok(())
    }

    /// Makes an offset in the text one in the object.
    ///
    /// # Errors
    /// Fails when the object cannot be read again, as the other functions do.
    pub(crate) fn place(&mut self, byte: &mut u64) -> io::Result<()> {
        *byte = self.places.find(*byte)?;
        Ok(())
    }

    /// Shows the bytes of the object in a text that is shown, instead of what stands for them in the
    /// text that readers see.
    pub(crate) fn shown(&self, text: &mut String) {
        if self.is_transcoded() {
            show_bytes(text);
        }
    }

    /// Explains why a record was set aside. The record of bytes that are no text becomes the bytes
    /// of the object.
    pub(crate) fn reject(&mut self, reject: &mut Reject) -> io::Result<()> {
        let text_byte = reject.error.byte;
        reject.error.byte = self.places.find(text_byte)?;
        let undecodable = reject.error.code == DataCode::UndecodableBytes;
        if undecodable && let Some(mut bad) = first_bad_of(&reject.raw, self.is_transcoded()) {
            bad.byte = self.places.find(text_byte + bad.byte)?;
            reject.error.message = self.message(&bad, reject.error.line);
            reject.error.text = bad.shown;
        }
        reject.end_byte = self.places.find(reject.end_byte)?;
        if undecodable && self.is_transcoded() {
            reject.raw = self.places.read(reject.error.byte, reject.end_byte)?;
        }
        Ok(())
    }

    /// Returns the error of an object that could not be read again.
    pub(crate) fn read_error(&self, error: io::Error) -> Error {
        read_error(error, self.places.source().name())
    }

    fn encoding(&self) -> &'static Encoding {
        self.places.source().encoding()
    }

    fn is_transcoded(&self) -> bool {
        self.places.source().is_transcoded()
    }

    fn message(&self, bad: &Bad, record_line: u64) -> String {
        let mut message = if bad.bytes.len() == 1 { "the byte" } else { "the bytes" }.to_owned();
        for byte in &bad.bytes {
            let _ = write!(message, " 0x{byte:02x}");
        }
        let _ = write!(message, " at byte {}", bad.byte);
        if bad.lines > 0 {
            let _ = write!(message, " on line {}", record_line + bad.lines);
        }
        let is = if bad.bytes.len() == 1 { "is" } else { "are" };
        let _ = write!(message, " {is} not {}", self.encoding().name());
        message
    }

    /// Finds the first bytes that are no text behind the beginning of a record in the object.
    fn first_bad(&self, start: u64) -> io::Result<Option<Bad>> {
        let mut decoding = self.places.source().decoding(start, BLOCK)?;
        let mut output = vec![0; BLOCK];
        let mut text = Vec::new();
        let mut lines = 0;
        while !decoding.ended() {
            let step = decoding.step(&mut output, usize::MAX)?;
            let before = text.len();
            text.extend_from_slice(&output[..step.written]);
            if let Err(error) = std::str::from_utf8(&text[before..]) {
                let at = before + error.valid_up_to();
                let bytes = escaped(&text[at..]);
                let byte = decoding.source() - bytes.len() as u64;
                lines += memchr::memchr_iter(b'\n', &text[before..at]).count() as u64;
                // What stands behind them, as far as it is shown.
                let enough = text.len() + SHOWN;
                while text.len() < enough && !decoding.ended() {
                    let step = decoding.step(&mut output[..LEAST_ROOM], usize::MAX)?;
                    text.extend_from_slice(&output[..step.written]);
                }
                return Ok(Some(Bad { byte, bytes, lines, shown: shown(&text, at, true) }));
            }
            lines += memchr::memchr_iter(b'\n', &text[before..]).count() as u64;
            text.drain(..text.len().saturating_sub(4 * SHOWN));
        }
        Ok(None)
    }
}

/// Finds the first bytes that are no text in the record `raw`, whose bytes are those of the object
/// or, when it was transcoded, text with escapes. Their place is that in `raw`.
fn first_bad_of(raw: &[u8], transcoded: bool) -> Option<Bad> {
    let error = std::str::from_utf8(raw).err()?;
    let at = error.valid_up_to();
    let bytes = if transcoded {
        escaped(&raw[at..])
    } else {
        let end = error.error_len().map_or(raw.len(), |length| at + length);
        raw[at..end].to_vec()
    };
    let lines = memchr::memchr_iter(b'\n', &raw[..at]).count() as u64;
    Some(Bad { byte: at as u64, bytes, lines, shown: shown(raw, at, transcoded) })
}

/// Replaces what is shown of the escapes in a text by what is shown of the bytes for which they stand.
fn show_bytes(text: &mut String) {
    // An escape has three bytes, each of which is shown as `\xNN`.
    const SHOWN_ESCAPE: usize = 12;
    let mut at = 0;
    while let Some(found) = text[at..].find("\\xed\\xb") {
        at += found;
        let Some(escape) = text.get(at..at + SHOWN_ESCAPE) else { return };
        let digits = escape.split("\\x");
        let bytes: Vec<u8> = digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        let Some(byte) = unescape(&bytes) else { return };
        let shown = format!("\\x{byte:02x}");
        text.replace_range(at..at + SHOWN_ESCAPE, &shown);
        at += shown.len();
    }
}

/// Returns the bytes for which the escapes at the beginning of a text stand.
fn escaped(text: &[u8]) -> Vec<u8> {
    text.chunks(3).map_while(unescape).collect()
}

/// Shows the line of a text around an offset; what is no text as `\xNN`.
fn shown(text: &[u8], at: usize, transcoded: bool) -> String {
    let newline = memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
    let mut start = newline.max(at.saturating_sub(SHOWN));
    while start < at && text[start] & 0xc0 == 0x80 {
        start += 1;
    }
    let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline);
    let mut shown = if start > newline { "…" } else { "" }.to_owned();
    let mut rest = text[start..end].trim_ascii_end();
    let mut behind = 0;
    while !rest.is_empty() {
        if behind > SHOWN {
            shown.push('…');
            break;
        }
        let before = rest.len();
        if transcoded && let Some(byte) = unescape(rest) {
            let _ = write!(shown, "\\x{byte:02x}");
            rest = &rest[3..];
        } else {
            let chunk = rest.utf8_chunks().next();
            match chunk.and_then(|chunk| chunk.valid().chars().next()) {
                Some(character) if character.is_control() => {
                    shown.extend(character.escape_default());
                    rest = &rest[character.len_utf8()..];
                }
                Some(character) => {
                    shown.push(character);
                    rest = &rest[character.len_utf8()..];
                }
                None => {
                    let _ = write!(shown, "\\x{:02x}", rest[0]);
                    rest = &rest[1..];
                }
            }
        }
        let passed = text[start..end].trim_ascii_end().len() - rest.len();
        behind += if start + passed > at { before - rest.len() } else { 0 };
    }
    shown
}

/// Says which encoding the bytes are likelier in, beginning with those of a record that is not
/// text in this one; nothing when there is none.
fn likelier(record: &[u8], bad: &[u8], encoding: &'static Encoding) -> String {
    let other = if encoding == UTF_8 {
        // Other lines may well be UTF-8, and say nothing.
        let lines: Vec<&[u8]> = record
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| std::str::from_utf8(line).is_err())
            .collect();
        guess(&lines.concat()).encoding
    } else {
        match find_encoding(record, false, None, "") {
            Ok(found) => found.encoding,
            Err(_) => return String::new(),
        }
    };
    if other == encoding {
        return String::new();
    }
    match other.decode_without_bom_handling_and_without_replacement(bad) {
        Some(text) if text.chars().all(|character| !character.is_control()) => {
            format!(", but would be `{text}` in {}", other.name())
        }
        _ => format!(", and it looks like {}", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::source::decoding::escape;

    #[test]
    fn what_is_left_out_is_shown_with_the_bytes_of_the_object() {
        let text = [b"sum ".as_slice(), &escape(0x82), &escape(0xfd), b" \xe6\x9d\xb1"].concat();
        let mut shown = DataError::shorten(&text);
        show_bytes(&mut shown);
        assert_eq!(shown, "sum \\x82\\xfd 東");
    }
}
