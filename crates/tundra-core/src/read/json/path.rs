//! Where in a document its records are.

use std::{fmt, str::FromStr};

/// The way from a document to its records: a subset of JSONPath, such as `data.items`,
/// `$.pages[0].rows`, `['odd name'].items` or `pages[*].rows`.
///
/// What it leads to is an array, whose elements are the records, or an object, which is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordsPath {
    segments: Vec<Segment>,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
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
    "`{text}` is no path to records: {reason}; write it like `data.items`, `pages[0].rows` or `['odd name']`"
)]
pub(crate) struct RecordsPathError {
    text: String,
    reason: &'static str,
}

impl RecordsPath {
    /// The document itself.
    pub(super) const fn root() -> Self {
        Self { segments: Vec::new() }
    }

    /// Returns the steps, from the document inward.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
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
            let (name, rest) = quoted.split_once(quote)?;
            segments.push(Segment::Name(name.to_owned()));
            return rest.strip_prefix(']');
        }
    }
    let (index, rest) = text.split_once(']')?;
    segments.push(match index.trim() {
        "*" => Segment::Every,
        index => Segment::Index(index.parse().ok()?),
    });
    Some(rest)
}

impl fmt::Display for RecordsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for segment in &self.segments {
            match segment {
                Segment::Name(name) if name.is_empty() || name.contains(['.', '[', '\'']) => {
                    write!(f, "[\"{name}\"]")?;
                }
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_subset() {
        for (text, shown) in [
            ("data.items", "$.data.items"),
            ("$.data.items", "$.data.items"),
            ("$", "$"),
            ("$[0]", "$[0]"),
            ("[0].rows", "$[0].rows"),
            ("data[0].rows", "$.data[0].rows"),
            ("pages[*].rows[*]", "$.pages[*].rows"),
            ("['odd.name']", "$[\"odd.name\"]"),
            ("[\"it's\"].x", "$[\"it's\"].x"),
            ("$id", "$.$id"),
            ("['']", "$[\"\"]"),
        ] {
            let path: RecordsPath = text.parse().unwrap();
            assert_eq!(path.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<RecordsPath>().unwrap(), path, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in
            ["", " ", ".", "a.", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[0]b", "['a", "$a."]
        {
            assert!(text.parse::<RecordsPath>().is_err(), "{text}");
        }
    }
}
