//! The encoding of a text, found out from its beginning.
//!
//! Start at [`find_encoding`]. Names and decoding are those of the WHATWG Encoding Standard: what
//! calls itself ISO-8859-1 is windows-1252 there, Shift_JIS is Microsoft's, and GBK is decoded as
//! GB18030. Nothing here reads an object or changes a byte.

mod legacy;
mod letters;
mod pairs;
mod wide;

use encoding_rs::{Encoding, GB18030, GBK, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

pub(crate) use self::{
    legacy::guess,
    wide::{utf16, utf32},
};
use crate::{Decision, Error};

/// The byte-order mark of GB18030, which is not in the standard.
const GB18030_MARK: &[u8] = b"\x84\x31\x95\x33";

/// The byte-order marks of UTF-32, of which the first begins with one of UTF-16.
const UTF_32_MARKS: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];

/// The confidence in valid UTF-8 of which so little is more than ASCII that it could be text in an
/// East Asian encoding as well. Below that of which people are warned.
const HARDLY_UTF_8: f64 = 0.6;

/// How a text is encoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextEncoding {
    /// The encoding.
    pub(crate) encoding: &'static Encoding,
    /// Bytes of byte-order marks at the beginning.
    pub(crate) mark: u64,
    /// What was looked at is ASCII, and more follows, which may switch to other characters.
    pub(crate) may_switch: bool,
    /// The encoding for the receipt, with confidence and reason.
    pub(crate) decision: Decision,
}

impl TextEncoding {
    fn new(encoding: &'static Encoding, mark: usize, confidence: f64, reason: &str) -> Self {
        let decision = Decision {
            what: "encoding".to_owned(),
            value: encoding.name().to_owned(),
            confidence,
            reason: reason.to_owned(),
        };
        Self { encoding, mark: mark as u64, may_switch: false, decision }
    }
}

/// Finds out the encoding of the text that begins with `head`, and is `head` when `whole`.
/// `label` is what somebody says that it is; `input` is its name, for errors.
///
/// # Errors
/// Fails when there is no encoding of that label, when a byte-order mark contradicts it, and for
/// UTF-32, which is not read.
pub(crate) fn find_encoding(
    head: &[u8],
    whole: bool,
    label: Option<&str>,
    input: &str,
) -> Result<TextEncoding, Error> {
    let is_utf32_marked = UTF_32_MARKS.iter().any(|mark| head.starts_with(mark));
    if let Some(label) = label
        && !is_utf32_marked
    {
        return given(head, label);
    }
    if let Some((encoding, mark)) = mark(head).filter(|_| !is_utf32_marked) {
        return Ok(TextEncoding::new(encoding, mark, 1.0, "byte-order mark"));
    }
    if let Some(encoding) = utf32(head) {
        return Err(Error::UnsupportedEncoding { input: input.to_owned(), encoding });
    }
    // A zero behind the mark of UTF-16 is none of UTF-32 then.
    if let Some(label) = label {
        return given(head, label);
    }
    if let Some((encoding, mark)) = mark(head) {
        return Ok(TextEncoding::new(encoding, mark, 1.0, "byte-order mark"));
    }
    if let Some((encoding, confidence)) = utf16(head) {
        let reason = "its newlines and delimiters take two bytes, one of them zero";
        return Ok(TextEncoding::new(encoding, 0, confidence, reason));
    }
    if head.is_ascii() {
        return Ok(ascii(head, whole));
    }
    let Utf8 { characters, bad, is_cut } = Utf8::of(head, whole);
    if bad == 0 && !is_cut {
        if is_hardly_utf8(head) {
            let reason = "it is valid UTF-8, but its only other characters are unusual there";
            return Ok(TextEncoding::new(UTF_8, 0, HARDLY_UTF_8, reason));
        }
        let reason = if whole { "it is valid UTF-8" } else { "its beginning is valid UTF-8" };
        return Ok(TextEncoding::new(UTF_8, 0, 1.0, reason));
    }
    if bad == 0 && characters > 0 {
        let reason = "it is valid UTF-8, cut off within its last character";
        return Ok(TextEncoding::new(UTF_8, 0, 0.95, reason));
    }
    // In no other encoding do so many characters look like UTF-8 by accident.
    if characters >= 4 && characters >= 4 * bad {
        let share = characters as f64 / (characters + bad) as f64;
        let reason =
            format!("{characters} characters are UTF-8, and only {bad} byte sequences not");
        let confidence = (share * 100.0).floor() / 100.0;
        return Ok(TextEncoding::new(UTF_8, 0, confidence, &reason));
    }
    let guess = guess(head);
    Ok(TextEncoding::new(guess.encoding, 0, guess.confidence, &guess.reason))
}

/// Follows what somebody says, unless the text itself says otherwise.
fn given(head: &[u8], label: &str) -> Result<TextEncoding, Error> {
    let mut encoding = by_label(label)?;
    let says_byte_order = label.trim_ascii_end().to_ascii_lowercase().ends_with("le");
    let found = mark(head);
    if [UTF_16LE, UTF_16BE].contains(&encoding)
        && (encoding == UTF_16BE || says_byte_order)
        && found.is_none()
        && let Some((other, _)) = utf16(head)
        && other != encoding
    {
        return Err(Error::Request {
            message: format!(
                "the encoding {label} contradicts the input, whose newlines and delimiters are \
                 those of {}",
                other.name()
            ),
            hint: Some(format!(
                "give `--encoding {}`, or leave `--encoding` and the key `encoding` of a schema file \
                 away",
                other.name().to_ascii_lowercase()
            )),
        });
    }
    if encoding == UTF_16LE && !says_byte_order {
        // `utf-16` alone leaves the byte order to the mark, or to the text.
        encoding = match found {
            Some((found, _)) if found == UTF_16BE => UTF_16BE,
            Some(_) => UTF_16LE,
            None => utf16(head).map_or(UTF_16LE, |(found, _)| found),
        };
    }
    match found {
        Some((found, length)) if found == encoding || (found, encoding) == (GB18030, GBK) => {
            Ok(TextEncoding::new(encoding, length, 1.0, "given"))
        }
        // The mark of GB18030 is text in several other encodings.
        Some((found, _)) if found != GB18030 => Err(Error::Request {
            message: format!(
                "the encoding {label} contradicts the byte-order mark of {} with which the input \
                 begins",
                found.name()
            ),
            hint: Some(
                "leave `--encoding`, or the key `encoding` of the schema file, away: a mark at the \
                 beginning is obeyed"
                    .to_owned(),
            ),
        }),
        _ => Ok(TextEncoding::new(encoding, 0, 1.0, "given")),
    }
}

fn by_label(label: &str) -> Result<&'static Encoding, Error> {
    let squeezed: String =
        label.chars().filter(|character| !matches!(character, '-' | '_' | ' ')).collect();
    // People also write `latin-1` and `iso_8859_2`.
    [label, &squeezed]
        .into_iter()
        .find_map(|label| Encoding::for_label_no_replacement(label.as_bytes()))
        .ok_or_else(|| Error::Request {
            message: format!("there is no encoding `{label}`, or it is not read"),
            hint: Some(
                "use a WHATWG label such as utf-8, utf-16le, windows-1252, iso-8859-2, shift_jis, \
                 gb18030, big5, euc-kr or koi8-r; make text in another encoding UTF-8 with `iconv`"
                    .to_owned(),
            ),
        })
}

/// Returns what the byte-order mark says, and the length of all marks: joined files can begin with
/// several.
fn mark(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    let (encoding, length) = match Encoding::for_bom(head) {
        Some(found) => found,
        None if head.starts_with(GB18030_MARK) => (GB18030, GB18030_MARK.len()),
        None => return None,
    };
    let marks = head.chunks_exact(length).take_while(|&bytes| bytes == &head[..length]).count();
    Some((encoding, marks * length))
}

fn ascii(head: &[u8], whole: bool) -> TextEncoding {
    if find_switch(head).is_some() {
        let end = memchr::memrchr(b'\n', head).map_or(head.len(), |newline| newline + 1);
        let lines = if whole { head } else { &head[..end] };
        if ISO_2022_JP.decode_without_bom_handling_and_without_replacement(lines).is_some() {
            return TextEncoding::new(ISO_2022_JP, 0, 0.95, "its escape sequences");
        }
    }
    if whole {
        return TextEncoding::new(UTF_8, 0, 1.0, "it is ASCII");
    }
    let reason = "its beginning is ASCII, and what follows is checked";
    TextEncoding { may_switch: true, ..TextEncoding::new(UTF_8, 0, 0.9, reason) }
}

/// Bytes of an escape sequence that switches to Japanese characters.
pub(crate) const SWITCH_BYTES: usize = 3;

/// Finds the first escape sequence of ISO-2022-JP that switches to Japanese characters.
pub(crate) fn find_switch(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\x1b', bytes)
        .find(|&at| matches!(bytes[at + 1..], [b'$', b'B' | b'@', ..]))
}

/// How far a text is UTF-8.
struct Utf8 {
    /// Characters of several bytes.
    characters: usize,
    /// Byte sequences that are none.
    bad: usize,
    /// The whole text ends within a character.
    is_cut: bool,
}

impl Utf8 {
    fn of(head: &[u8], whole: bool) -> Self {
        let mut found = Self { characters: 0, bad: 0, is_cut: false };
        let mut chunks = head.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            found.characters +=
                chunk.valid().chars().filter(|character| !character.is_ascii()).count();
            if chunk.invalid().is_empty() {
                continue;
            }
            let ends_within = chunks.peek().is_none()
                && std::str::from_utf8(chunk.invalid())
                    .is_err_and(|error| error.error_len().is_none());
            // A sample may end anywhere.
            found.is_cut |= ends_within && whole;
            found.bad += usize::from(!ends_within);
        }
        found
    }
}

/// Returns whether a text that is valid UTF-8 has so little besides ASCII, and that so unusual, that
/// it is perhaps none: one or two characters of two bytes, as pairs of bytes in East Asian encodings
/// can be as well, which are letters of no language or stand alone.
fn is_hardly_utf8(head: &[u8]) -> bool {
    let Some(text) = head.utf8_chunks().next().map(|chunk| chunk.valid()) else { return false };
    let mut known: Vec<char> = Vec::new();
    let mut is_usual = true;
    let mut before = '\n';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_ascii() {
            if character.len_utf8() > 2 {
                return false;
            }
            if !known.contains(&character) {
                known.push(character);
            }
            let behind = characters.peek().copied().unwrap_or('\n');
            let is_in_a_word = before.is_alphabetic() || behind.is_alphabetic();
            is_usual &=
                letters::is_usual(character) && (is_in_a_word || !character.is_alphabetic());
            if known.len() > 2 {
                return false;
            }
        }
        before = character;
    }
    !known.is_empty() && !is_usual
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classify, ErrorKind};

    fn found(head: &[u8]) -> (&'static str, u64) {
        let found = find_encoding(head, true, None, "x").unwrap();
        assert_eq!(found.decision.value, found.encoding.name());
        (found.encoding.name(), found.mark)
    }

    fn forced(head: &[u8], label: &str) -> Result<(&'static str, u64), Error> {
        find_encoding(head, true, Some(label), "x").map(|found| {
            assert_eq!(found.decision.confidence, 1.0);
            (found.encoding.name(), found.mark)
        })
    }

    #[test]
    fn finds_encodings() {
        for (head, expected) in [
            (&b"abc"[..], ("UTF-8", 0)),
            (b"", ("UTF-8", 0)),
            (b"\xEF\xBB\xBFabc", ("UTF-8", 3)),
            (b"\xEF\xBB\xBF\xEF\xBB\xBFabc", ("UTF-8", 6)),
            (b"\xFF\xFEa\0b\0", ("UTF-16LE", 2)),
            (b"\xFE\xFF\0a\0b", ("UTF-16BE", 2)),
            (b"a\0,\0b\0\n\0", ("UTF-16LE", 0)),
            (b"\0a\0,\0b\0\n", ("UTF-16BE", 0)),
            ("Grüße, Straße, möglich".as_bytes(), ("UTF-8", 0)),
            (b"Gr\xfc\xdfe aus M\xfcnchen, sch\xf6n", ("windows-1252", 0)),
            (b"\x84\x31\x95\x33\xc4\xe3\xba\xc3", ("gb18030", 4)),
            (b"1,\x1b$B;3ED\x1b(B\n", ("ISO-2022-JP", 0)),
            (b"1,\x1b[0mred\n", ("UTF-8", 0)),
        ] {
            assert_eq!(found(head), expected, "{head:x?}");
        }
    }

    #[test]
    fn a_sample_may_end_within_a_character() {
        let text = "Grüße aus Köln".as_bytes();
        for end in 3..text.len() {
            let found = find_encoding(&text[..end], false, None, "x").unwrap();
            assert_eq!(found.encoding, UTF_8, "{end}");
        }
    }

    #[test]
    fn a_bad_byte_among_utf_8_does_not_make_it_another_encoding() {
        let mut text = "Grüße aus Köln, Düsseldorf und München".as_bytes().to_vec();
        text.extend_from_slice(b", Caf\xe9\n");
        let found = find_encoding(&text, true, None, "x").unwrap();
        assert_eq!((found.encoding, found.decision.confidence), (UTF_8, 0.83));
    }

    #[test]
    fn text_that_is_cut_off_within_a_character_is_still_utf_8() {
        for text in [&b"id,n\n1,x\n2,M\xc3\xbcller\n3,K\xc3"[..], "東京,1\n3,東".as_bytes()] {
            let found = find_encoding(&text[..text.len() - 1], true, None, "x").unwrap();
            assert_eq!(found.encoding, UTF_8, "{text:x?}");
            let found = find_encoding(text, true, None, "x").unwrap();
            assert_eq!(found.encoding, UTF_8, "{text:x?}");
        }
        // Without any other character it could as well be one of one byte.
        assert_eq!(found(b"id,n\n1,x\n2,Caf\xe9").0, "windows-1252");
    }

    #[test]
    fn utf_8_is_certain_unless_it_could_be_a_word_of_two_bytes() {
        for (text, is_sure) in [
            ("1,Zürich\n".repeat(30).as_str(), true),
            ("1,5 €\n", true),
            ("1,20 °C\n", true),
            ("1,Москва\n", true),
            ("1,東\n", true),
            ("1,à la carte\n2,é\n3,Köln\n", true),
            // What the Chinese words for woman and yuan are in GBK.
            ("1,Ů\n2,Ů\n", false),
            ("1,5Ԫ\n2,7Ԫ\n", false),
        ] {
            let found = find_encoding(text.as_bytes(), true, None, "x").unwrap();
            assert_eq!(found.encoding, UTF_8, "{text}");
            assert_eq!(found.decision.confidence >= 0.7, is_sure, "{text}");
        }
    }

    #[test]
    fn a_label_goes_before_what_the_bytes_look_like() {
        let utf32: Vec<u8> = "id,name\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(forced(&utf32, "utf-16le").unwrap(), ("UTF-16LE", 0));
        let marked = [b"\xff\xfe\0\0", &utf32[..]].concat();
        assert!(forced(&marked, "utf-16le").is_err());
        // A zero behind the mark of UTF-16.
        assert_eq!(found(b"\xff\xfe\0\0a\0,\0b\0\n\0").0, "UTF-16LE");
    }

    #[test]
    fn a_beginning_in_ascii_is_not_the_whole_text() {
        let found = find_encoding(b"a,b\n", false, None, "x").unwrap();
        assert_eq!((found.encoding, found.decision.confidence), (UTF_8, 0.9));
    }

    #[test]
    fn obeys_a_label() {
        for (head, label, expected) in [
            (&b"a"[..], "latin1", ("windows-1252", 0)),
            (b"a", "Latin-1", ("windows-1252", 0)),
            (b"a", "ISO_8859_2", ("ISO-8859-2", 0)),
            (b"a", "sjis", ("Shift_JIS", 0)),
            (b"\xEF\xBB\xBFabc", "utf8", ("UTF-8", 3)),
            (b"\xFE\xFF\0a", "utf-16", ("UTF-16BE", 2)),
            (b"\xFF\xFEa\0", "utf-16", ("UTF-16LE", 2)),
            (b"\0a\0,\0b\0\n", "utf-16", ("UTF-16BE", 0)),
            (b"\x4f\x60\x59\x7d", "utf-16be", ("UTF-16BE", 0)),
            (b"\x84\x31\x95\x33a", "gbk", ("GBK", 4)),
            (b"\x84\x31\x95\x33a", "windows-1251", ("windows-1251", 0)),
        ] {
            assert_eq!(forced(head, label).unwrap(), expected, "{label}");
        }
    }

    #[test]
    fn refuses_labels_that_cannot_be_followed() {
        for (head, label) in [
            (&b"a"[..], "latin-9000"),
            (b"a", "utf-32"),
            (b"a", "iso-2022-kr"),
            (b"\xEF\xBB\xBFabc", "windows-1252"),
            (b"\xFF\xFEa\0", "utf-8"),
            (b"\xFE\xFF\0a", "utf-16le"),
            // The other byte order, which would be one record of odd characters.
            (b"i\0d\0,\0n\0\n\x001\0,\x002\0\n\0", "utf-16be"),
            (b"\0i\0d\0,\0n\0\n\x001\0,\x002\0\n", "utf-16le"),
        ] {
            let error = forced(head, label).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{label}: {error}");
            assert!(!error.hints().is_empty());
        }
    }

    #[test]
    fn utf_32_is_refused_by_name() {
        let bytes: Vec<u8> = "id,name\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let marked = [b"\xff\xfe\0\0", &bytes[..]].concat();
        for bytes in [bytes, marked] {
            let error = find_encoding(&bytes, true, None, "x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("UTF-32LE"), "{error}");
        }
    }
}
