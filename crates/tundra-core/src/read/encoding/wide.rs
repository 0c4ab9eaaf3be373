//! Text whose characters take two or four bytes, recognised without a byte-order mark.
//!
//! What tells it from everything else are its ASCII characters: a newline or a delimiter is the
//! byte and a zero, always on an even offset. Western text is full of them; in Chinese or Russian
//! there are only those between the cells, which is enough.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Bytes that are looked at. Enough for many lines, and read in microseconds.
const LOOKED_AT: usize = 64 << 10;

/// Returns the byte order of UTF-16, and how sure that is.
pub(crate) fn utf16(head: &[u8]) -> Option<(&'static Encoding, f64)> {
    let head = &head[..head.len().min(LOOKED_AT) & !1];
    if head.len() < 4 || memchr::memchr(0, head).is_none() || has_stray_zeros(head) {
        return None;
    }
    let little = Reading::of(head, u16::from_le_bytes);
    let big = Reading::of(head, u16::from_be_bytes);
    let sure = |reading: &Reading| if reading.structure >= 8 { 0.95 } else { 0.8 };
    match (little.goes_before(&big), big.goes_before(&little)) {
        (true, _) => Some((UTF_16LE, sure(&little))),
        (_, true) => Some((UTF_16BE, sure(&big))),
        _ => None,
    }
}

/// Returns the name of UTF-32 in its byte order, which is not read.
pub(crate) fn utf32(head: &[u8]) -> Option<&'static str> {
    let head = &head[..head.len().min(LOOKED_AT) & !3];
    if head.len() < 8 {
        return None;
    }
    let is_text = |read: fn([u8; 4]) -> u32| {
        head.as_chunks().0.iter().enumerate().all(|(index, quad)| {
            let value = read(*quad);
            let mark = index == 0 && value == 0xfeff;
            // Beyond these planes no characters are assigned, and nearly all pairs of UTF-16 that
            // are taken for one number come to lie there.
            let is_assigned = matches!(value >> 16, 0..=3 | 14);
            mark || is_assigned
                && char::from_u32(value).is_some_and(|c| !is_control(value) && c != '\u{fffe}')
        })
    };
    if is_text(u32::from_le_bytes) {
        return Some("UTF-32LE");
    }
    is_text(u32::from_be_bytes).then_some("UTF-32BE")
}

/// What the bytes are when they are taken for UTF-16 in one byte order.
struct Reading {
    units: usize,
    /// Units that are newlines, blanks, delimiters, quotes or brackets.
    structure: usize,
    /// Units that cannot stand in a text.
    strange: usize,
}

impl Reading {
    fn of(head: &[u8], read: fn([u8; 2]) -> u16) -> Self {
        let mut reading = Self { units: 0, structure: 0, strange: 0 };
        let mut high_before = false;
        for pair in head.as_chunks().0 {
            let unit = read(*pair);
            let low = matches!(unit, 0xdc00..=0xdfff);
            // Half of a surrogate pair is no text.
            let is_strange = low != high_before
                || is_control(unit.into())
                || matches!(unit, 0xfdd0..=0xfdef | 0xfffe | 0xffff);
            high_before = matches!(unit, 0xd800..=0xdbff);
            reading.strange += usize::from(is_strange);
            reading.units += 1;
            reading.structure += usize::from(
                u8::try_from(unit).is_ok_and(|byte| b"\t\n\r \",:;[]{|}".contains(&byte)),
            );
        }
        reading
    }

    /// Returns whether this byte order is right rather than the other. In the wrong one newlines
    /// and delimiters are characters of Glagolitic and Gurmukhi, and nothing else becomes one.
    fn goes_before(&self, other: &Self) -> bool {
        // A bad cell does not make a text another thing.
        self.strange * 100 <= self.units
            && self.structure * 100 >= self.units
            && self.structure > 4 * other.structure
    }
}

/// Returns whether no text has this control character.
fn is_control(value: u32) -> bool {
    match value {
        // Separators of other sorts, form feeds and escapes are seen in exports.
        0x09 | 0x0a | 0x0c | 0x0d | 0x1b..=0x1f => false,
        _ => value < 0x20 || (0x7f..0xa0).contains(&value),
    }
}

/// Returns whether this is text of one byte a character in which a few zeros have gone astray.
fn has_stray_zeros(head: &[u8]) -> bool {
    let text: Vec<u8> = head.iter().copied().filter(|&byte| byte != 0).collect();
    let zeros = head.len() - text.len();
    let is_utf8 = match std::str::from_utf8(&text) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    zeros * 5 < head.len() && is_utf8 && !text.iter().any(|&byte| is_control(byte.min(0x7e).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, big_endian: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        if big_endian {
            units.flat_map(u16::to_be_bytes).collect()
        } else {
            units.flat_map(u16::to_le_bytes).collect()
        }
    }

    fn found(bytes: &[u8]) -> Option<&'static str> {
        utf16(bytes).map(|(encoding, _)| encoding.name())
    }

    #[test]
    fn recognises_utf_16_of_any_script() {
        for text in [
            "a,b\n1,2\n",
            "id;город\n1;Санкт-Петербург\n2;Нижний Новгород\n",
            "番号,住所\n一,東京都千代田区丸の内\n二,大阪府大阪市北区\n",
            "编号,一一一一\n一,一二三　四五\n",
            "{\"ключ\":[\"значение\"]}",
            "α\nβ\n",
            "name\n𝄞𝄢\n",
        ] {
            assert_eq!(found(&utf16_bytes(text, false)), Some("UTF-16LE"), "{text:?}");
            assert_eq!(found(&utf16_bytes(text, true)), Some("UTF-16BE"), "{text:?}");
            assert_eq!(found(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn stray_zeros_and_binary_data_are_no_utf_16() {
        let text = "id,name\n1,\0\n2,Müller\0\n3,x\n".repeat(20);
        assert_eq!(found(text.as_bytes()), None);
        assert_eq!(found(b"\x00\x01\x02\x03\x04\x05\x00\x00"), None);
        let numbers: Vec<u8> = (0..2000u32).flat_map(|n| (n * 7919).to_le_bytes()).collect();
        assert_eq!(found(&numbers), None);
        assert_eq!(utf32(&numbers), None);
    }

    #[test]
    fn a_column_of_flags_in_utf_16_is_no_utf_32() {
        for text in ["Y\nN\nY\nN\nN\n", "1\n2\n1\n2\n", "a\tb\nc\td\n"] {
            for big_endian in [false, true] {
                let bytes = utf16_bytes(text, big_endian);
                assert_eq!(utf32(&bytes), None, "{text:?}");
                assert!(found(&bytes).is_some(), "{text:?}");
            }
        }
    }

    #[test]
    fn recognises_utf_32() {
        for text in ["a,b\n1,2\n", "город\n𝄞\n", "\u{feff}id\n"] {
            let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
            assert_eq!((utf32(&little), utf32(&big)), (Some("UTF-32LE"), Some("UTF-32BE")));
            assert_eq!(utf32(&utf16_bytes(text, false)), None);
            assert_eq!(utf32(text.as_bytes()), None);
        }
    }
}
