//! What the escapes of a JSON string stand for.

use crate::read::json::{
    fault::{Fault, Parsed},
    token::StringEnd,
};

/// An escape that stands for half of a surrogate pair, which is no character and cannot be kept
/// in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoneSurrogate {
    /// The offset of the escape.
    pub(super) at: usize,
}

/// Appends what `content` stands for. Its escapes must be well formed, as [`super::token::string`]
/// checks.
///
/// # Errors
/// Says where half of a surrogate pair stands; what is in front of it has been appended.
pub(super) fn unescape(content: &str, into: &mut String) -> Result<(), LoneSurrogate> {
    convert(content, into, |_, at| Err(LoneSurrogate { at }))
}

/// Appends what `content` stands for, with U+FFFD for each half of a surrogate pair, and returns
/// how many there were.
pub(super) fn unescape_replacing(content: &str, into: &mut String) -> u64 {
    let mut replaced = 0;
    // The closure never fails.
    let _: Result<(), LoneSurrogate> = convert(content, into, |into, _| {
        into.push(char::REPLACEMENT_CHARACTER);
        replaced += 1;
        Ok(())
    });
    replaced
}

fn convert(
    content: &str,
    into: &mut String,
    mut lone: impl FnMut(&mut String, usize) -> Result<(), LoneSurrogate>,
) -> Result<(), LoneSurrogate> {
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &content.as_bytes()[at..]) {
        let escape = at + offset;
        into.push_str(&content[at..escape]);
        let bytes = content.as_bytes();
        at = escape + 2;
        match bytes.get(escape + 1) {
            Some(b'b') => into.push('\u{8}'),
            Some(b'f') => into.push('\u{c}'),
            Some(b'n') => into.push('\n'),
            Some(b'r') => into.push('\r'),
            Some(b't') => into.push('\t'),
            Some(b'u') => {
                at = escape + 6;
                let first = hexadecimal(bytes, escape + 2);
                let second = (bytes.get(at..at + 2) == Some(b"\\u"))
                    .then(|| hexadecimal(bytes, at + 2))
                    .filter(|second| (0xdc00..0xe000).contains(second));
                match (first, second) {
                    (0xd800..0xdc00, Some(second)) => {
                        at += 6;
                        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        into.extend(char::from_u32(code));
                    }
                    _ => match char::from_u32(first) {
                        Some(character) => into.push(character),
                        None => lone(into, escape)?,
                    },
                }
            }
            Some(byte) => into.push(char::from(*byte)),
            None => break,
        }
    }
    into.push_str(content.get(at..).unwrap_or_default());
    Ok(())
}

/// Reads the four digits at `at`.
fn hexadecimal(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    digits
        .iter()
        .fold(0, |code, byte| code * 16 + char::from(*byte).to_digit(16).unwrap_or_default())
}

/// Returns the name that a key stands for. `at` is the offset of its opening quote.
pub(super) fn key_name<'a>(
    written: &'a str,
    end: StringEnd,
    at: usize,
    scratch: &'a mut String,
) -> Parsed<&'a str> {
    if !end.escaped {
        return Ok(written);
    }
    scratch.clear();
    match unescape(written, scratch) {
        Ok(()) => Ok(scratch),
        Err(lone) => Err(lone_surrogate(written, at + 1, lone.at)),
    }
}

/// The fault of an escape that is half of a surrogate pair. `start` is the offset of the string's
/// first byte.
pub(super) fn lone_surrogate(written: &str, start: usize, at: usize) -> Box<Fault> {
    let escape = written.get(at..at + 6).unwrap_or_default();
    Fault::json(
        start + at,
        format!("`{escape}` is half of a surrogate pair, which is no character"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_their_characters() {
        for (content, expected) in [
            ("", ""),
            ("plain é", "plain é"),
            ("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\u{8}\u{c}\n\r\t"),
            ("a\\u00e9b", "aéb"),
            ("\\uD834\\uDd1e!", "\u{1d11e}!"),
            ("\\u0000", "\0"),
            ("\\uFFFF", "\u{ffff}"),
            ("x\\\\u0041", "x\\u0041"),
        ] {
            let mut text = String::new();
            assert_eq!(unescape(content, &mut text), Ok(()), "{content}");
            assert_eq!(text, expected, "{content}");
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_is_located_or_replaced() {
        for (content, at, replaced) in [
            ("ab\\ud800", 2, "ab\u{fffd}"),
            ("\\udc00x", 0, "\u{fffd}x"),
            ("\\ud800\\ud800", 0, "\u{fffd}\u{fffd}"),
            ("\\ud800\\n", 0, "\u{fffd}\n"),
            ("\\ud800\\u0041", 0, "\u{fffd}A"),
            ("\\uD834\\uDd1e\\uDd1e", 12, "\u{1d11e}\u{fffd}"),
        ] {
            assert_eq!(
                unescape(content, &mut String::new()),
                Err(LoneSurrogate { at }),
                "{content}"
            );
            let mut text = String::new();
            assert!(unescape_replacing(content, &mut text) > 0);
            assert_eq!(text, replaced, "{content}");
        }
    }
}
