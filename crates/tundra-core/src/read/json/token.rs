//! The tokens of JSON, as RFC 8259 defines them, and nothing beyond: no comments, no `NaN`, no
//! single quotes, no trailing commas.
//!
//! Every function reads at an offset of a padded text (see [`PADDING`]) and returns the offset
//! behind what it read. None of them recurses. Strings are looked at 16 bytes at a time.

use wide::u8x16;

use crate::{
    DataCode, DataError,
    read::json::{
        brackets::{Bracket, Brackets, MAX_DEPTH},
        fault::{Fault, Parsed},
    },
};

/// Zero bytes behind a text that is read. A zero is no part of any token, so every loop ends
/// there, and 16 bytes can be loaded at every offset up to the end.
pub(super) const PADDING: usize = 64;

/// Which bytes are blank between tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    newline: u8,
}

impl Space {
    /// A newline is blank, as everywhere in JSON.
    pub(super) const ANY: Self = Self { newline: b'\n' };
    /// A newline is not blank, because it ends the record.
    pub(super) const LINE: Self = Self { newline: b' ' };

    /// Returns the offset of the next byte that is not blank.
    #[inline(always)]
    pub(super) fn skip(self, bytes: &[u8], mut at: usize) -> usize {
        while bytes[at] <= b' ' && self.is_blank(bytes[at]) {
            at += 1;
        }
        at
    }

    #[inline]
    fn is_blank(self, byte: u8) -> bool {
        byte == b' ' || byte == self.newline || byte == b'\r' || byte == b'\t'
    }
}

/// Returns the end of the text in front of its padding.
#[inline]
fn end_of(bytes: &[u8]) -> usize {
    bytes.len().saturating_sub(PADDING)
}

/// Where a string ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringEnd {
    /// The offset of the closing quote.
    pub(super) quote: usize,
    /// Whether there is an escape in it.
    pub(super) escaped: bool,
}

/// Reads a string whose first byte behind the quote is at `at`.
#[inline]
pub(super) fn string(bytes: &[u8], mut at: usize) -> Parsed<StringEnd> {
    let mut escaped = false;
    loop {
        let special = special_bytes(bytes, at);
        if special == 0 {
            at += 16;
            continue;
        }
        at += special.trailing_zeros() as usize;
        match bytes[at] {
            b'"' => return Ok(StringEnd { quote: at, escaped }),
            b'\\' => {
                at = escape(bytes, at)?;
                escaped = true;
            }
            byte => return Err(control_in_string(bytes, at, byte)),
        }
    }
}

/// Returns a bit for each of 16 bytes that is a quote, a backslash or a control character.
#[inline(always)]
fn special_bytes(bytes: &[u8], at: usize) -> u32 {
    let window: [u8; 16] = bytes[at..at + 16].try_into().unwrap_or([0; 16]);
    let window = u8x16::new(window);
    let last_control = u8x16::splat(0x1f);
    (window.simd_eq(u8x16::splat(b'"'))
        | window.simd_eq(u8x16::splat(b'\\'))
        | window.min(last_control).simd_eq(window))
    .to_bitmask()
}

/// Reads the escape at `at` and returns the offset behind it.
fn escape(bytes: &[u8], at: usize) -> Parsed<usize> {
    match bytes[at + 1] {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' if bytes[at + 2..at + 6].iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
        b'u' => Err(Fault::json(at, "`\\u` is not followed by four hexadecimal digits")),
        _ if at + 1 >= end_of(bytes) => Err(Fault::json(at, "the text ends inside a string")),
        _ => {
            let shown = DataError::shorten(character(bytes, at + 1));
            Err(Fault::json(at, format!("there is no escape `\\{shown}`")))
        }
    }
}

#[cold]
fn control_in_string(bytes: &[u8], at: usize, byte: u8) -> Box<Fault> {
    if at >= end_of(bytes) {
        return Fault::json(at, "the text ends inside a string");
    }
    match byte {
        b'\n' => Fault::json(at, "a line ends inside a string"),
        _ => Fault::json(
            at,
            format!("the control character U+{byte:04X} stands in a string without an escape"),
        ),
    }
}

/// Where a number ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberEnd {
    /// The offset behind it.
    pub(super) end: usize,
    /// Whether it has neither a point nor an exponent.
    pub(super) integer: bool,
}

/// Reads a number.
pub(super) fn number(bytes: &[u8], start: usize) -> Parsed<NumberEnd> {
    let mut at = start;
    if bytes[at] == b'-' {
        at += 1;
    }
    match bytes[at] {
        b'0' => {
            at += 1;
            if bytes[at].is_ascii_digit() {
                return Err(Fault::json(start, "a number begins with a needless zero"));
            }
        }
        b'1'..=b'9' => at = digits(bytes, at),
        _ if at > start => return Err(Fault::json(start, "a minus sign is followed by no digit")),
        _ => return Err(no_value(bytes, start)),
    }
    let whole = at;
    if bytes[at] == b'.' {
        at = digits(bytes, at + 1);
        if at == whole + 1 {
            return Err(Fault::json(start, "a decimal point is followed by no digit"));
        }
    }
    if matches!(bytes[at], b'e' | b'E') {
        at += 1;
        if matches!(bytes[at], b'+' | b'-') {
            at += 1;
        }
        let exponent = at;
        at = digits(bytes, at);
        if at == exponent {
            return Err(Fault::json(start, "an exponent has no digit"));
        }
    }
    Ok(NumberEnd { end: at, integer: at == whole })
}

#[inline]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes[at].is_ascii_digit() {
        at += 1;
    }
    at
}

/// Reads `true`, `false` or `null`.
#[inline]
pub(super) fn literal(bytes: &[u8], at: usize) -> Parsed<usize> {
    let rest = &bytes[at..];
    if rest.starts_with(b"true") || rest.starts_with(b"null") {
        Ok(at + 4)
    } else if rest.starts_with(b"false") {
        Ok(at + 5)
    } else {
        Err(no_value(bytes, at))
    }
}

/// Reads a key at `at` and the colon behind it, and returns where the key ends and where its value
/// begins.
#[inline]
pub(super) fn key(space: Space, bytes: &[u8], at: usize) -> Parsed<(StringEnd, usize)> {
    if bytes[at] != b'"' {
        return Err(no_key(bytes, at));
    }
    let end = string(bytes, at + 1)?;
    let colon = space.skip(bytes, end.quote + 1);
    if bytes[colon] != b':' {
        return Err(unexpected(bytes, colon, "`:` behind a name"));
    }
    Ok((end, space.skip(bytes, colon + 1)))
}

/// Reads a whole value and checks every byte of it. `depth` brackets are open around it.
pub(super) fn value(space: Space, bytes: &[u8], mut at: usize, depth: usize) -> Parsed<usize> {
    let mut open = Brackets::new();
    loop {
        match bytes[at] {
            byte @ (b'{' | b'[') => {
                let bracket = if byte == b'{' { Bracket::Object } else { Bracket::Array };
                if depth + open.depth() >= MAX_DEPTH || !open.open(bracket) {
                    return Err(too_deep(at));
                }
                at = space.skip(bytes, at + 1);
                match (bracket, bytes[at]) {
                    (Bracket::Object, b'}') | (Bracket::Array, b']') => {
                        at += 1;
                        open.close();
                    }
                    (Bracket::Object, _) => {
                        at = key(space, bytes, at)?.1;
                        continue;
                    }
                    (Bracket::Array, _) => continue,
                }
            }
            b'"' => at = string(bytes, at + 1)?.quote + 1,
            b't' | b'f' | b'n' => at = literal(bytes, at)?,
            _ => at = number(bytes, at)?.end,
        }
        loop {
            let Some(bracket) = open.innermost() else { return Ok(at) };
            at = space.skip(bytes, at);
            match (bracket, bytes[at]) {
                (Bracket::Object, b',') => {
                    at = space.skip(bytes, at + 1);
                    at = key(space, bytes, at)?.1;
                    break;
                }
                (Bracket::Array, b',') => {
                    at = next_element(space, bytes, at + 1)?;
                    break;
                }
                (Bracket::Object, b'}') | (Bracket::Array, b']') => {
                    at += 1;
                    open.close();
                }
                (Bracket::Object, _) => return Err(no_member_end(bytes, at)),
                (Bracket::Array, _) => return Err(no_element_end(bytes, at)),
            }
        }
    }
}

/// Returns the offset of the element behind a comma.
#[inline]
pub(super) fn next_element(space: Space, bytes: &[u8], at: usize) -> Parsed<usize> {
    let at = space.skip(bytes, at);
    if bytes[at] == b']' {
        return Err(Fault::json(at, "a comma stands in front of the closing `]`"));
    }
    Ok(at)
}

/// The fault of a value that is nested too deep.
#[cold]
pub(super) fn too_deep(at: usize) -> Box<Fault> {
    Fault::data(DataCode::TooDeep, at, format!("nested deeper than {MAX_DEPTH} levels"))
}

/// The fault of something behind a member of an object that neither ends nor goes on with it.
#[cold]
pub(super) fn no_member_end(bytes: &[u8], at: usize) -> Box<Fault> {
    unexpected(bytes, at, "`,` or `}` behind a value")
}

/// The fault of something behind an element of an array that neither ends nor goes on with it.
#[cold]
pub(super) fn no_element_end(bytes: &[u8], at: usize) -> Box<Fault> {
    unexpected(bytes, at, "`,` or `]` behind a value")
}

/// The fault of something that is no name where one must stand.
#[cold]
pub(super) fn no_key(bytes: &[u8], at: usize) -> Box<Fault> {
    if bytes[at] == b'}' {
        return Fault::json(at, "a comma stands in front of the closing `}`");
    }
    unexpected(bytes, at, "a name in quotes")
}

/// The fault of something that is no value where one must stand.
#[cold]
pub(super) fn no_value(bytes: &[u8], at: usize) -> Box<Fault> {
    match bytes[at] {
        byte if byte.is_ascii_alphabetic() => {
            let word = bytes[at..].iter().take(40).take_while(|byte| byte.is_ascii_alphanumeric());
            let end = at + word.count();
            Fault::json(at, format!("`{}` is no value", DataError::shorten(&bytes[at..end])))
        }
        _ => unexpected(bytes, at, "a value"),
    }
}

#[cold]
pub(super) fn unexpected(bytes: &[u8], at: usize, expected: &str) -> Box<Fault> {
    if at >= end_of(bytes) {
        return Fault::json(at, format!("expected {expected}, but the record ends"));
    }
    if bytes[at] == b'\n' {
        return Fault::json(at, format!("expected {expected}, but the line ends"));
    }
    let found = DataError::shorten(character(bytes, at));
    Fault::json(at, format!("expected {expected}, found `{found}`"))
}

/// Returns the bytes of the character at `at`.
fn character(bytes: &[u8], at: usize) -> &[u8] {
    let length = bytes[at..].iter().skip(1).take(3).take_while(|byte| **byte & 0xc0 == 0x80);
    &bytes[at..at + 1 + length.count()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn padded(text: &[u8]) -> Vec<u8> {
        [text, &[0; PADDING]].concat()
    }

    /// Reads the whole text as one value.
    fn whole(text: &[u8]) -> Result<(), String> {
        let bytes = padded(text);
        let at = Space::ANY.skip(&bytes, 0);
        let end = value(Space::ANY, &bytes, at, 0).map_err(|fault| fault.message)?;
        let end = Space::ANY.skip(&bytes, end);
        if end == text.len() { Ok(()) } else { Err(format!("stopped at {end}")) }
    }

    #[test]
    fn accepts_what_the_grammar_allows() {
        for text in [
            "[[]   ]",
            "[\"\"]",
            "[]",
            "[\"a\"]",
            "[false]",
            "[null, 1, \"1\", {}]",
            "[null]",
            "[1\n]",
            " [1]",
            "[1,null,null,null,2]",
            "[2] ",
            "[123e65]",
            "[0e+1]",
            "[0e1]",
            "[ 4]",
            "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
            "[20e1]",
            "[-0]",
            "[-123]",
            "[-1]",
            "[1E22]",
            "[1E-2]",
            "[1E+2]",
            "[123e45]",
            "[123.456e78]",
            "[1e-2]",
            "[1e+2]",
            "[123]",
            "[123.456789]",
            "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}",
            "{\"asd\":\"sdf\"}",
            "{\"a\":\"b\",\"a\":\"c\"}",
            "{\"a\":\"b\",\"a\":\"b\"}",
            "{}",
            "{\"\":0}",
            "{\"foo\\u0000bar\": 42}",
            "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }",
            "{\"a\":[]}",
            "{\n\"a\": \"b\"\n}",
            "[\"\\u0060\\u012a\\u12AB\"]",
            "[\"\\uD801\\udc37\"]",
            "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
            "[\"\\\\u0000\"]",
            "[\"\\\"\"]",
            "[\"a/*b*/c/*d//e\"]",
            "[\"\\\\a\"]",
            "[\"\\\\n\"]",
            "[\"\\u0012\"]",
            "[ \"asd\"]",
            "[\"\u{7f}\"]",
            "[\"new\\u00A0line\"]",
            "[\"\u{10ffff}\"]",
            "[\"\u{2028}\"]",
            "\" \"",
            "[\"π\"]",
            "[\"\\uD834\\uDd1e\"]",
            "[\"\\uFFFF\"]",
            "false",
            "42",
            "-0.1",
            "null",
            "\"asd\"",
            "true",
            "\"\"",
            "[\"a\"]\n",
            "[true]",
            " [] ",
            "\r\n\t[]",
        ] {
            assert_eq!(whole(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not() {
        let texts: &[&[u8]] = &[
            b"[1 true]",
            b"[\"\": 1]",
            b"[\"\"],",
            b"[,1]",
            b"[1,,2]",
            b"[\"x\",,]",
            b"[\"x\"]]",
            b"[\"\",]",
            b"[\"x\"",
            b"[x",
            b"[3[4]]",
            b"[1:2]",
            b"[,]",
            b"[-]",
            b"[   , \"\"]",
            b"[\"a\",\n4\n,1,",
            b"[1,]",
            b"[1,,]",
            b"[\"\x0ba\"\\f]",
            b"[*]",
            b"[1,\n1\n,1",
            b"[{}",
            b"[fals]",
            b"[nul]",
            b"[tru]",
            b"[++1234]",
            b"[+1]",
            b"[+Inf]",
            b"[-01]",
            b"[-1.0.]",
            b"[-2.]",
            b"[-NaN]",
            b"[.-1]",
            b"[.2e-3]",
            b"[0.1.2]",
            b"[0.3e+]",
            b"[0.3e]",
            b"[0.e1]",
            b"[0e+]",
            b"[0e]",
            b"[0E+]",
            b"[0E]",
            b"[1 000.0]",
            b"[1.0e+]",
            b"[1.0e-]",
            b"[1.0e]",
            b"[1eE2]",
            b"[2.e+3]",
            b"[2.e-3]",
            b"[2.e3]",
            b"[9.e+]",
            b"[Inf]",
            b"[NaN]",
            b"[1+2]",
            b"[0x1]",
            b"[0x42]",
            b"[Infinity]",
            b"[-Infinity]",
            b"[-012]",
            b"[-.123]",
            b"[- 1]",
            b"[012]",
            b"[1ea]",
            b"[1.]",
            b"[.123]",
            b"[1.2a-3]",
            b"[1.8011670033376514H-308]",
            b"[\"x\", truth]",
            b"{[: \"x\"}\n",
            b"{\"x\", null}",
            b"{\"x\"::\"b\"}",
            b"{key: 'value'}",
            b"{\"a\":\"a\" 123}",
            b"{\"a\" b}",
            b"{:\"b\"}",
            b"{\"a\" \"b\"}",
            b"{\"a\":",
            b"{\"a\"",
            b"{1:1}",
            b"{9999E9999:1}",
            b"{null:null,null:null}",
            b"{\"id\":0,,,,,}",
            b"{'a':0}",
            b"{\"id\":0,}",
            b"{\"a\":\"b\"}/**/",
            b"{\"a\":\"b\"}/**//",
            b"{\"a\":\"b\"}//",
            b"{\"a\":\"b\"}/",
            b"{\"a\":\"b\",,\"c\":\"d\"}",
            b"{a: \"b\"}",
            b"{\"a\":\"a",
            b"{ \"foo\" : \"bar\", \"a\" }",
            b"{\"a\":\"b\"}#",
            b" ",
            b"[\"\\uD800\\",
            b"[\"\\uD800\\u\"]",
            b"[\"\\uD800\\u1\"]",
            b"[\"\\uD800\\u1x\"]",
            b"[\"\\x00\"]",
            b"[\"\\\\\\\"]",
            b"[\"\\\t\"]",
            b"[\"\\\xf0\x9f\x8c\x80\"]",
            b"[\"\\\"]",
            b"[\"\\u00A\"]",
            b"[\"\\uD834\\uDd\"]",
            b"[\"\\uD800\\uD800\\x\"]",
            b"[\"\\a\"]",
            b"[\"\\uqqqq\"]",
            b"[\\u0020\"asd\"]",
            b"[\\n]",
            b"\"",
            b"['single quote']",
            b"abc",
            b"[\"\\",
            b"[\"a\x00a\"]",
            b"[\"new\nline\"]",
            b"[\"\t\"]",
            b"\"\\UA66D\"",
            b"\"\"x",
            b"<.>",
            b"[<null>]",
            b"[1]x",
            b"[1]]",
            b"[True]",
            b"1]",
            b"{\"x\": true,",
            b"[][]",
            b"]",
            b"[",
            b"",
            b"{}}",
            b"{\"\":",
            b"{\"a\":/*comment*/\"b\"}",
            b"{\"a\": true} \"x\"",
            b"['",
            b"[,",
            b"[{",
            b"[\"a",
            b"[\"a\"",
            b"{",
            b"{]",
            b"{,",
            b"{[",
            b"{\"a",
            b"{'a'",
            b"[\"\\{[\"\\{",
            b"*",
            b"{\"a\":\"b\"}#{}",
            b"[\\u000A\"\"]",
            b"[1",
            b"[ false, nul",
            b"[ true, fals",
            b"[ false, tru",
            b"{\"asd\":\"asd\"",
            b"\xc2\xa0[]",
            b"[\x0c]",
            b"\xe2\x81\xa0[]",
            b"[\"\x1f\"]",
        ];
        for text in texts {
            assert!(whole(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn nesting_is_limited_and_needs_no_stack() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert_eq!(whole(nested(MAX_DEPTH).as_bytes()), Ok(()));
        assert!(whole(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(whole("[".repeat(100_000).as_bytes()).is_err());
        assert!(whole("[{\"\":".repeat(100_000).as_bytes()).is_err());
        let bytes = padded(b"[]");
        assert!(value(Space::ANY, &bytes, 0, MAX_DEPTH - 1).is_ok());
        assert!(value(Space::ANY, &bytes, 0, MAX_DEPTH).is_err(), "what is around it counts");
    }

    #[test]
    fn a_newline_ends_a_record_that_is_a_line() {
        let bytes = padded(b"[1,\n2]");
        assert!(value(Space::LINE, &bytes, 0, 0).is_err());
        assert_eq!(value(Space::ANY, &bytes, 0, 0).ok(), Some(6));
    }

    #[test]
    fn strings_end_where_they_should_at_every_offset() {
        for length in 0..70 {
            let content = "x".repeat(length);
            for (tail, escaped) in [("", false), ("\\\"", true), ("\\u00e9é", true), ("é", false)]
            {
                let text = format!("{content}{tail}\" \"rest\\");
                let bytes = padded(text.as_bytes());
                let expected = StringEnd { quote: length + tail.len(), escaped };
                assert_eq!(string(&bytes, 0).ok(), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn messages_say_what_was_found() {
        for (text, message) in [
            ("[1,]", "a comma stands in front of the closing `]`"),
            ("{\"a\":1,}", "a comma stands in front of the closing `}`"),
            ("[1 2]", "expected `,` or `]` behind a value, found `2`"),
            ("{\"a\":1 \"b\":2}", "expected `,` or `}` behind a value, found `\"`"),
            ("{\"a\" 1}", "expected `:` behind a name, found `1`"),
            ("{a:1}", "expected a name in quotes, found `a`"),
            ("[NaN]", "`NaN` is no value"),
            ("[é]", "expected a value, found `é`"),
            ("{\"a\":", "expected a value, but the record ends"),
            ("[\"a", "the text ends inside a string"),
            ("[01]", "a number begins with a needless zero"),
            ("[\"\\x\"]", "there is no escape `\\x`"),
        ] {
            assert_eq!(whole(text.as_bytes()), Err(message.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_another_parser(
            text in prop_oneof![
                "[\\[\\]{}\",:\\\\ \n0-2eE.+a-fu-]{0,24}",
                "[\\[{](\"a\":|1|true|null|,| |\\[|\\]|\\{|\\}|-0|\"\\\\n\"){0,9}[\\]}]",
            ],
        ) {
            let other = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(whole(text.as_bytes()).is_ok(), other, "{}", text);
        }
    }
}
