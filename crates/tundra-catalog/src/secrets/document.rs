//! The JSON document that holds secrets by name: `{"name": {…}, "other": "text"}`.
//!
//! A fault is told by its place and never by the text there, which may be part of a secret. For
//! that reason no error of the JSON reader leaves this module.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use tundra_core::Secret;

/// What stands at a name.
pub(super) enum Entry {
    /// A secret: the text, or the JSON object as it stands there.
    Secret(Secret),
    /// Something that is neither, which this names.
    Other(&'static str),
}

/// Why a document cannot be read, as the end of a sentence about it.
pub(super) type Fault = String;

/// Returns what the document holds.
pub(super) fn parse(bytes: &[u8]) -> Result<HashMap<String, Entry>, Fault> {
    // Some editors begin a file with this mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("is no text in UTF-8, from byte {} on", error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    let Pairs(pairs) = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Data => "holds no JSON object at its top".to_owned(),
            Category::Eof => format!("ends within its JSON, at line {line}, column {column}"),
            Category::Io | Category::Syntax => {
                format!("has broken JSON at line {line}, column {column}")
            }
        }
    })?;
    let mut entries = HashMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        // Whichever were taken, somebody would expect the other.
        if entries.contains_key(&name) {
            return Err(format!("has the name {name:?} twice"));
        }
        entries.insert(name, entry(value.get()));
    }
    Ok(entries)
}

fn entry(json: &str) -> Entry {
    match json.as_bytes().first() {
        Some(b'{') => Entry::Secret(Secret::new(json)),
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) => Entry::Secret(Secret::new(text)),
            Err(_) => Entry::Other("text with half of a surrogate pair"),
        },
        Some(b'[') => Entry::Other("an array"),
        Some(b'n') => Entry::Other("null"),
        Some(b't' | b'f') => Entry::Other("true or false"),
        _ => Entry::Other("a number"),
    }
}

/// The members of an object in their order, those with the same name included.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(document: &str, name: &str) -> String {
        match &parse(document.as_bytes()).unwrap()[name] {
            Entry::Secret(secret) => secret.expose().to_owned(),
            Entry::Other(what) => format!("({what})"),
        }
    }

    #[track_caller]
    fn fault(document: impl AsRef<[u8]>, expected: &str) {
        assert_eq!(parse(document.as_ref()).err().unwrap(), expected);
    }

    #[test]
    fn takes_objects_as_they_stand_and_texts_for_what_they_mean() {
        let document = "\u{feff}{\n \"a\": { \"n\": 1e400, \"é\": \"\\u00e9\" },\n \
                        \"b\": \"x\\n\\\"\\u00e9\",\"c\":\"\"}\n";
        assert_eq!(get(document, "a"), "{ \"n\": 1e400, \"é\": \"\\u00e9\" }");
        assert_eq!(get(document, "b"), "x\n\"é");
        assert_eq!(get(document, "c"), "");
    }

    #[test]
    fn names_what_can_be_no_secret() {
        let document = r#"{"a": [1], "b": null, "c": true, "d": -1, "e": "\ud800"}"#;
        assert_eq!(get(document, "a"), "(an array)");
        assert_eq!(get(document, "b"), "(null)");
        assert_eq!(get(document, "c"), "(true or false)");
        assert_eq!(get(document, "d"), "(a number)");
        assert_eq!(get(document, "e"), "(text with half of a surrogate pair)");
    }

    #[test]
    fn tells_faults_by_their_place() {
        fault("", "is empty");
        fault(" \n", "is empty");
        fault("hunter2", "has broken JSON at line 1, column 1");
        fault("{\n\"a\": \"hunter2\"\n\"b\": 1}", "has broken JSON at line 3, column 1");
        fault("{\"a\": \"hunter2", "ends within its JSON, at line 1, column 14");
        fault("\"hunter2\"", "holds no JSON object at its top");
        fault("[\"hunter2\"]", "holds no JSON object at its top");
        fault("{\"a\": \"hunter2\"} x", "has broken JSON at line 1, column 18");
        fault(r#"{"a": "hunter2", "\u0061": "hunter3"}"#, "has the name \"a\" twice");
        fault(b"{\"a\": \"\xff\"}", "is no text in UTF-8, from byte 7 on");
        fault("[".repeat(100_000), "holds no JSON object at its top");
        fault(
            format!("{{\"a\":{}", "[".repeat(100_000)),
            "ends within its JSON, at line 1, column 100005",
        );
    }
}
