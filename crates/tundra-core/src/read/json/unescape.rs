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

/// Returns where in a text of JSON the first escape stands that is half of a surrogate pair.
pub(super) fn first_half(json: &str) -> Option<usize> {
    halves(json).next()
}

/// Returns a text of JSON with `\ufffd` for each half of a surrogate pair; `None` when one stands
/// in a name, which must not become another's.
pub(super) fn without_halves(json: &str) -> Option<String> {
    let mut text = String::with_capacity(json.len());
    // Of a string with many of them only the first is looked behind.
    let (mut at, mut string_end) = (0, 0);
    for half in halves(json) {
        if half >= string_end {
            string_end = end_of_string(json.as_bytes(), half);
            let behind = json.as_bytes().iter().skip(string_end + 1);
            if behind.copied().find(|byte| !byte.is_ascii_whitespace()) == Some(b':') {
                return None;
            }
        }
        text.push_str(&json[at..half]);
        text.push_str("\\ufffd");
        at = half + 6;
    }
    text.push_str(&json[at..]);
    Some(text)
}

/// Checks that no escape in the content of a string is half of a surrogate pair. `start` is the
/// offset of its first byte.
pub(super) fn check_halves(content: &str, start: usize) -> Parsed<()> {
    match first_half(content) {
        None => Ok(()),
        Some(at) => Err(lone_surrogate(content, start, at)),
    }
}

/// Returns where in a well-formed text of JSON halves of surrogate pairs stand. Outside of strings it
/// has no backslash.
fn halves(json: &str) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let escape = at + memchr::memchr(b'\\', json.as_bytes().get(at..)?)?;
            let (character, next) = escaped(json.as_bytes(), escape)?;
            at = next;
            if character.is_none() {
                return Some(escape);
            }
        }
    })
}

/// Returns the offset of the quote that ends the string which goes on at `at`.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    loop {
        match json.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') | None => return at,
            Some(_) => at += 1,
        }
    }
}

/// Returns what the escape at `at` stands for, nothing where that is half of a surrogate pair, and the
/// offset behind it.
fn escaped(bytes: &[u8], at: usize) -> Option<(Option<char>, usize)> {
    let character = match bytes.get(at + 1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let next = at + 6;
            let first = hexadecimal(bytes, at + 2);
            let second = (bytes.get(next..next + 2) == Some(b"\\u"))
                .then(|| hexadecimal(bytes, next + 2))
                .filter(|second| (0xdc00..0xe000).contains(second));
            return Some(match (first, second) {
                (0xd800..0xdc00, Some(second)) => {
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    (char::from_u32(code), next + 6)
                }
                _ => (char::from_u32(first), next),
            });
        }
        byte => char::from(*byte),
    };
    Some((Some(character), at + 2))
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
        let Some((character, next)) = escaped(content.as_bytes(), escape) else { return Ok(()) };
        at = next;
        match character {
            Some(character) => into.push(character),
            None => lone(into, escape)?,
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

    #[test]
    fn halves_in_a_text_of_json_are_replaced_but_in_names() {
        for (json, replaced) in [
            ("[1]", Some("[1]")),
            ("\"\\uD834\\uDd1e\"", Some("\"\\uD834\\uDd1e\"")),
            ("\"\\\\ud800\"", Some("\"\\\\ud800\"")),
            ("[\"\\ud800\\\"\", \"\\uDC00:\"]", Some("[\"\\ufffd\\\"\", \"\\ufffd:\"]")),
            ("{\"a\": \"x\\udfff\"}", Some("{\"a\": \"x\\ufffd\"}")),
            ("{\"\\ud800\" : 1}", None),
            ("{\"\\ud800\\\"\":1}", None),
        ] {
            assert_eq!(without_halves(json).as_deref(), replaced, "{json}");
            assert_eq!(first_half(json).is_some(), replaced != Some(json), "{json}");
        }
    }
}
