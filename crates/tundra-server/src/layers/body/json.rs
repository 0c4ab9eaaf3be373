//! JSON that means one thing only: [`read`].
//!
//! The bytes are walked once before anything is made of them: what has a key twice, or is nested more
//! deeply than anything needs, is refused as a whole, since two readers of it might see two requests.
//! What does not fit is told by its path and never by its value.

use std::{borrow::Cow, collections::HashSet, fmt};

use axum::http::StatusCode;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use crate::Failure;

/// How much of a name of the caller's is repeated.
const LONGEST_NAME: usize = 100;

/// Reads a value.
///
/// # Errors
/// 400, as the module says.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], depth: usize) -> Result<T, Failure> {
    // What editors put before a text; RFC 8259 lets a reader pass over it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(no_json("the body is empty, and must be JSON"));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let place = error.valid_up_to();
        return Err(no_json(format!("the body is not text in UTF-8 from its byte {place} on")));
    }
    check(bytes, depth).map_err(|error| no_json(format!("the body cannot be read: {error}")))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // The path of the whole is written as a dot.
        let subject = match path.as_str() {
            "." => "the body".to_owned(),
            _ => format!("`{}`", shortened(&path)),
        };
        Failure::invalid(format!("{subject} {}", without_values(error.inner())))
    })
}

fn no_json(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "invalid_json", detail)
}

/// Walks all of it. What serde_json says of wrong syntax names a place, and no values.
fn check(bytes: &[u8], depth: usize) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Walk { most: depth, left: depth }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Walks a value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Walk {
    /// How many levels there may be, and how many of them there may be from here on.
    most: usize,
    left: usize,
}

impl Walk {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(E::custom(format!("it is nested more than {} levels deep", self.most)));
        };
        Ok(Self { left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while values.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut keys = HashSet::new();
        while let Some(key) = values.next_key_seed(Key)? {
            values.next_value_seed(inside)?;
            if let Some(key) = keys.replace(key) {
                let key = shortened(&key).into_owned();
                return Err(A::Error::custom(format!("the key `{key}` is there twice")));
            }
        }
        Ok(())
    }
}

/// Reads a key, without a copy where it stands in the text as it is.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Says what is wrong, as a phrase behind what it is about, without the value that serde repeats.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("lacks the field {field}");
    }
    // It writes `invalid type: string "hunter2", expected u16`, and the same with `invalid value` and
    // `unknown variant`. What is expected stands last, and is ours.
    if let Some((found, expected)) = text.rsplit_once(", expected ") {
        let expected = expectation(expected);
        if let Some(found) = found.strip_prefix("invalid type: ") {
            return format!("must be {expected}, and is {}", kind(found));
        }
        if found.starts_with("invalid value: ") || found.starts_with("unknown variant ") {
            return format!("must be {expected}");
        }
    }
    format!("is not as it must be: {text}")
}

/// Says in words what serde expects.
fn expectation(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" => "an object",
        "a sequence" => "an array",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// Returns what a value is, of which serde writes the kind and then the value itself.
fn kind(found: &str) -> &'static str {
    match found.split([' ', '`', '"']).next() {
        Some("null") => "null",
        Some("boolean") => "a boolean",
        Some("integer" | "floating") => "a number",
        Some("string" | "character") => "a string",
        Some("map") => "an object",
        Some("sequence") => "an array",
        _ => "something else",
    }
}

fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn refusal(bytes: &[u8]) -> Failure {
        read::<Value>(bytes, 4).unwrap_err()
    }

    #[test]
    fn a_key_that_is_there_twice_is_named() {
        for (text, key) in [
            (r#"{"a": 1, "b": 2, "a": 1}"#, "a"),
            (r#"{"x": [{"y": {}, "y": null}]}"#, "y"),
            (r#"{"é": 1, "\u00e9": 2}"#, "é"),
            (r#"{"": 1, "": 2}"#, ""),
        ] {
            let failure = refusal(text.as_bytes());
            assert_eq!((failure.status, failure.code.as_str()), (400, "invalid_json"));
            assert!(
                failure.detail.contains(&format!("`{key}` is there twice")),
                "{}",
                failure.detail
            );
        }
        let same = r#"[{"a": {"a": 1}}, {"a": 1}, {"A": 1, "a": 2}]"#;
        assert!(read::<Value>(same.as_bytes(), 4).is_ok());
        let long = "k".repeat(5000);
        let failure = refusal(format!(r#"{{"{long}": 1, "{long}": 2}}"#).as_bytes());
        assert!(failure.detail.len() < 300, "{}", failure.detail.len());
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        let nested =
            |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            assert!(read::<Value>(nested(open, close, 4).as_bytes(), 4).is_ok());
            for depth in [5, 127, 128, 100_000] {
                let failure = refusal(nested(open, close, depth).as_bytes());
                assert!(failure.detail.contains("more than 4 levels"), "{}", failure.detail);
            }
            let failure = refusal(open.repeat(100_000).as_bytes());
            assert!(failure.detail.contains("more than 4 levels"), "{}", failure.detail);
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for (text, what) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"{\"a\": 1} x", "trailing"),
            (b"{} {}", "trailing"),
            (b"{\"a\": \xff}", "byte 6"),
            (b"\xff\xfe{\0}\0", "byte 0"),
            (b"{\"a\": NaN}", "line 1 column"),
            (b"{'a': 1}", "line 1 column"),
            (b"{\"a\": 1,}", "line 1 column"),
            (b"\n{\"a\"", "line 2"),
            (b"\"\\ud800\"", "line 1"),
            (b"1e999", "line 1"),
        ] {
            let failure = refusal(text);
            assert_eq!((failure.status, failure.code.as_str()), (400, "invalid_json"));
            assert!(failure.detail.contains(what), "{}", failure.detail);
        }
        assert!(read::<Value>(b"\xef\xbb\xbf{}", 4).is_ok());
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "what is read is not looked at")]
    struct Sample {
        port: Option<u16>,
        format: Option<Format>,
        nested: Option<Box<Self>>,
        list: Option<Vec<bool>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Format {
        Csv,
        Json,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "what is read is not looked at")]
    struct Strict {
        credentials: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "what is read is not looked at")]
    struct Inner {
        host: String,
    }

    #[test]
    fn a_field_that_does_not_fit_is_told_by_its_path() {
        let told = |text: &str| read::<Sample>(text.as_bytes(), 9).unwrap_err().detail;
        for (text, expected) in [
            (
                r#"{"nested": {"port": "5432"}}"#,
                "`nested.port` must be a whole number from 0 to 65535, and is a string",
            ),
            (r#"{"port": 70000}"#, "`port` must be a whole number from 0 to 65535"),
            (r#"{"list": [true, 1]}"#, "`list[1]` must be a boolean, and is a number"),
            (r#"{"list": {}}"#, "`list` must be an array, and is an object"),
            (r#"{"nested": true}"#, "`nested` must be an object, and is a boolean"),
            (r#"{"format": "hunter2"}"#, "`format` must be `csv` or `json`"),
            ("5", "the body must be an object, and is a number"),
            ("null", "the body must be an object, and is null"),
        ] {
            assert_eq!(told(text), expected);
        }
        let missing = |text: &str| read::<Strict>(text.as_bytes(), 9).unwrap_err();
        assert_eq!(missing("{}").detail, "the body lacks the field `credentials`");
        let missing = missing(r#"{"credentials": {}}"#);
        assert_eq!((missing.status, missing.code.as_str()), (400, "invalid_request"));
        assert_eq!(missing.detail, "`credentials` lacks the field `host`");
    }

    proptest! {
        #[test]
        fn a_value_is_never_repeated(secret in "[a-z ,\"`]{0,9}hush[a-z ,\"`]{0,9}") {
            let value = Value::from(secret);
            for field in ["port", "format", "nested", "list"] {
                let text = format!(r#"{{"{field}": {value}}}"#);
                let failure = read::<Sample>(text.as_bytes(), 9).unwrap_err();
                prop_assert!(!failure.detail.contains("hush"), "{}", failure.detail);
            }
        }

        #[test]
        fn what_is_taken_reads_as_it_would_without_the_walk(text in "[\\[\\]{}:,\"a1 \\\\u0-]{0,40}") {
            if let Ok(value) = read::<Value>(text.as_bytes(), 9) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
