//! Where in a document its records are.
//!
//! Start at [`RecordsPath`]. It only reads and writes the path as text; following it is the
//! business of the JSON reader.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The way from a JSON document to its records: a subset of JSONPath, such as `data.items`,
/// `$.pages[0].rows`, `data["odd.key"].items` or `pages[*].rows`.
///
/// What it leads to is an array, whose elements are the records, or an object, which is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordsPath {
    segments: Vec<Segment>,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// The member of this name.
    Name(String),
    /// The element of this number, from 0.
    Index(u64),
    /// Every element.
    Every,
}

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no path to records: {reason}; write it like `data.items`, `pages[0].rows` or `data[\"odd.name\"]`"
)]
pub struct RecordsPathError {
    text: String,
    reason: &'static str,
}

#[cfg(feature = "read")]
impl RecordsPath {
    /// The document itself.
    pub(crate) const fn root() -> Self {
        Self { segments: Vec::new() }
    }

    /// Returns the steps, from the document inward.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the path to one of the members of what this path leads to.
    pub(crate) fn member(&self, name: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.push(Segment::Name(name.to_owned()));
        Self { segments }
    }

    /// Returns the first `count` steps of the path.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self { segments: self.segments[..count.min(self.segments.len())].to_vec() }
    }
}

impl FromStr for RecordsPath {
    type Err = RecordsPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| RecordsPathError { text: text.to_owned(), reason };
        let mut segments = Vec::new();
        let mut rest = text.trim();
        // `$` is the document, unless it is the beginning of a name.
        match rest.strip_prefix('$') {
            Some(behind) if behind.is_empty() || behind.starts_with(['.', '[']) => rest = behind,
            _ if rest.is_empty() => return Err(error("it is empty")),
            _ if rest.starts_with('[') => {}
            _ => rest = name(rest, &mut segments).ok_or_else(|| error("a name is empty"))?,
        }
        while !rest.is_empty() {
            rest = if let Some(behind) = rest.strip_prefix('.') {
                name(behind, &mut segments).ok_or_else(|| error("a name is empty"))?
            } else if let Some(behind) = rest.strip_prefix('[') {
                bracket(behind, &mut segments).ok_or_else(|| {
                    error("between `[` and `]` stands a number, `*`, or a name in quotes")
                })?
            } else {
                return Err(error("behind `]` stands `.` or `[`"));
            };
        }
        // The elements of what the path leads to are the records anyway.
        if segments.last() == Some(&Segment::Every) {
            segments.pop();
        }
        Ok(Self { segments })
    }
}

/// Takes a name off the beginning.
fn name<'a>(text: &'a str, segments: &mut Vec<Segment>) -> Option<&'a str> {
    let (name, rest) = text.split_at(text.find(['.', '[']).unwrap_or(text.len()));
    if name.is_empty() {
        return None;
    }
    segments.push(Segment::Name(name.to_owned()));
    Some(rest)
}

/// Takes what stands behind `[`, and the `]`, off the beginning.
fn bracket<'a>(text: &'a str, segments: &mut Vec<Segment>) -> Option<&'a str> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted_name(quoted, quote, segments)?.strip_prefix(']');
        }
    }
    let (index, rest) = text.split_once(']')?;
    segments.push(match index.trim() {
        "*" => Segment::Every,
        index => Segment::Index(index.parse().ok()?),
    });
    Some(rest)
}

/// Takes a name and its closing quote off the beginning. A backslash stands in front of a quote or
/// a backslash that belongs to the name.
fn quoted_name<'a>(text: &'a str, quote: char, segments: &mut Vec<Segment>) -> Option<&'a str> {
    let mut name = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '\\' => name.push(rest.next()?),
            character if character == quote => break,
            character => name.push(character),
        }
    }
    segments.push(Segment::Name(name));
    Some(rest.as_str())
}

impl TryFrom<String> for RecordsPath {
    type Error = RecordsPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RecordsPath> for String {
    fn from(path: RecordsPath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for RecordsPath {
    /// Writes the path as a person would: `data.items`, and `$` for the document itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return f.write_str("$");
        }
        for (index, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Name(name) if !is_plain(name) => {
                    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, "[\"{escaped}\"]")?;
                }
                Segment::Name(name) if index == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Returns whether a name can stand in a path without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "$" && name.trim() == name && !name.contains(['.', '[', '"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_subset() {
        for (text, shown) in [
            ("data.items", "data.items"),
            ("$.data.items", "data.items"),
            ("$", "$"),
            ("$[0]", "[0]"),
            ("[0].rows", "[0].rows"),
            ("data[0].rows", "data[0].rows"),
            ("pages[*].rows[*]", "pages[*].rows"),
            ("['odd.name']", "[\"odd.name\"]"),
            ("data[\"odd.key\"].items", "data[\"odd.key\"].items"),
            ("[\"it's\"].x", "[\"it's\"].x"),
            (r#"["a\"b\\c"]"#, r#"["a\"b\\c"]"#),
            ("['a\"b']", r#"["a\"b"]"#),
            ("$id", "$id"),
            ("[\"$\"].x", "[\"$\"].x"),
            ("['']", "[\"\"]"),
            ("a b.c", "a b.c"),
        ] {
            let path: RecordsPath = text.parse().unwrap();
            assert_eq!(path.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<RecordsPath>().unwrap(), path, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in [
            "",
            " ",
            ".",
            "a.",
            "a..b",
            "a[",
            "a[]",
            "a[x]",
            "a[-1]",
            "a[0]b",
            "['a",
            "$a.",
            r#"["a\"]"#,
            r#"["a"x]"#,
        ] {
            assert!(text.parse::<RecordsPath>().is_err(), "{text}");
        }
    }
}
