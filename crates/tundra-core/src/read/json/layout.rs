//! How the records of a JSON text are laid out.

use crate::{
    RecordsPath,
    read::json::extent::{Extent, Reach},
};

/// How the records of a JSON text are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLayout {
    /// Each line is a record.
    Ndjson,
    /// The text is one array, and its elements are the records.
    Array,
    /// The text is one document or several that follow each other, and each is a record.
    Concatenated,
}

impl JsonLayout {
    /// Returns a name that is shown to users.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "one record a line",
            Self::Array => "an array of records",
            Self::Concatenated => "one document or several",
        }
    }
}

/// What stands between the records of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A newline.
    Lines,
    /// A comma.
    Commas,
    /// Nothing, or what is blank.
    Values,
}

impl Framing {
    /// Returns what stands between the records that [`super::JsonSplit`] finds.
    pub(crate) fn of(layout: JsonLayout, records: Option<&RecordsPath>) -> Self {
        match (layout, records) {
            (_, Some(_)) | (JsonLayout::Array, None) => Self::Commas,
            (JsonLayout::Ndjson, None) => Self::Lines,
            (JsonLayout::Concatenated, None) => Self::Values,
        }
    }
}

/// Finds the layout from the first bytes of a text; `None` when they are not those of JSON.
///
/// Only texts that begin with an object or an array are recognised: a text of bare numbers or
/// strings is more likely something else, and JSON only when somebody says so.
pub(crate) fn detect(prefix: &[u8]) -> Option<JsonLayout> {
    let start = prefix.iter().position(|byte| !is_blank(*byte))?;
    let first = prefix[start];
    let second = prefix[start + 1..].iter().copied().find(|byte| !is_blank(*byte));
    let plausible = match (first, second) {
        (b'{', Some(second)) => matches!(second, b'"' | b'}'),
        (b'[', Some(second)) => {
            matches!(second, b'{' | b'[' | b']' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
        }
        (b'{' | b'[', None) => true,
        _ => false,
    };
    if !plausible {
        return None;
    }
    let document = if first == b'[' { JsonLayout::Array } else { JsonLayout::Concatenated };
    let Some(newline) = memchr::memchr(b'\n', &prefix[start..]) else {
        // One line so far. If a value ends in it and another follows, they are concatenated.
        return Some(match value_end(&prefix[start..]) {
            Some(end) if prefix[start + end..].iter().all(|byte| is_blank(*byte)) => {
                if first == b'[' { JsonLayout::Array } else { JsonLayout::Ndjson }
            }
            Some(_) => JsonLayout::Concatenated,
            None => document,
        });
    };
    let (line, rest) = prefix[start..].split_at(newline);
    match value_end(line) {
        Some(end) if line[end..].iter().all(|byte| is_blank(*byte)) => {
            let last = rest.iter().all(|byte| is_blank(*byte));
            Some(if last { document_or_line(first) } else { JsonLayout::Ndjson })
        }
        Some(end) if begins_document(&line[end..]) => Some(JsonLayout::Concatenated),
        // The first line may be a broken record among good ones, or the beginning of a document.
        _ if mostly_whole_lines(rest) => Some(JsonLayout::Ndjson),
        Some(_) => Some(JsonLayout::Concatenated),
        None => Some(document),
    }
}

fn document_or_line(first: u8) -> JsonLayout {
    if first == b'[' { JsonLayout::Array } else { JsonLayout::Ndjson }
}

/// Returns where the value at the beginning ends, if it does.
pub(super) fn value_end(bytes: &[u8]) -> Option<usize> {
    match Extent::of(*bytes.first()?)?.search(bytes, 0, true) {
        Reach::End(end) => Some(end),
        Reach::More(_) | Reach::Mismatch(_) | Reach::TooDeep(_) => None,
    }
}

/// Returns whether another document may follow on the line of the first one.
fn begins_document(behind: &[u8]) -> bool {
    let next = behind.iter().find(|byte| !is_blank(**byte));
    matches!(next, Some(b'{' | b'['))
}

/// Returns whether most lines behind the first are objects of their own, not indented and without
/// a comma behind them.
fn mostly_whole_lines(rest: &[u8]) -> bool {
    /// More lines make nothing clearer.
    const LINES: usize = 100;
    let is_whole = |line: &[u8]| line[0] == b'{' && value_end(line) == Some(line.len());
    let (mut whole, mut lines) = (0, 0);
    let end = memchr::memrchr(b'\n', rest).map_or(0, |newline| newline + 1);
    for line in rest[..end].split(|byte| *byte == b'\n').take(LINES) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        lines += 1;
        whole += usize::from(is_whole(line));
    }
    // Behind the last newline an object may be cut off, which says nothing.
    let last = rest[end..].trim_ascii_end();
    if !last.is_empty() && (last[0] != b'{' || is_whole(last)) {
        lines += 1;
        whole += usize::from(is_whole(last));
    }
    whole * 2 > lines
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_layout() {
        use JsonLayout::{Array, Concatenated, Ndjson};
        for (text, expected) in [
            ("{\"a\":1}\n{\"a\":2}\n", Some(Ndjson)),
            ("{\"a\":1}\r\n{\"a\":2}", Some(Ndjson)),
            ("\n\n{\"a\":1}\n\n{\"a\":2}", Some(Ndjson)),
            ("{\"a\":1}", Some(Ndjson)),
            ("{\"a\":1}\n", Some(Ndjson)),
            ("{\"a\":1}\n{\"a\":2,\"b", Some(Ndjson)),
            ("{\"a\":1}{\"a\":2}", Some(Concatenated)),
            ("{\"a\":1} {\"a\":2}\n{\"a\":3}", Some(Concatenated)),
            ("{\n  \"a\": 1\n}\n", Some(Concatenated)),
            ("{\n  \"a\": {\"x\":1},\n  \"b\": {\"x\":2}\n}\n{\n}", Some(Concatenated)),
            ("{\n{\"a\":1},\n", None),
            (
                "{\"type\":\"x\",\"features\":[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]}",
                Some(Concatenated),
            ),
            ("{\"a\":1,\"b\":[1,2", Some(Concatenated)),
            ("{", Some(Concatenated)),
            ("{}", Some(Ndjson)),
            ("[", Some(Array)),
            ("[]", Some(Array)),
            ("[{\"a\":1},{\"a\":2}]", Some(Array)),
            ("[{\"a\":1},\n{\"a\":2}]\n", Some(Array)),
            ("[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]", Some(Array)),
            ("  [\n  {\n \"a\": 1", Some(Array)),
            ("[1,2]\n[3,4]\n", Some(Ndjson)),
            ("[1,2][3,4]", Some(Concatenated)),
            ("[1,2]\n\n", Some(Array)),
            // A broken first line among good ones.
            ("{\"a\":1,\"b\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n", Some(Ndjson)),
            ("{\"a\":[1}\n{\"a\":2}\n{\"a\":3}\n", Some(Ndjson)),
            ("{\"a\":1}}\n{\"a\":2}\n{\"a\":3}\n", Some(Ndjson)),
            ("{\"a\":1}}\n{\"a\":2}", Some(Ndjson)),
            ("{\"a\":1},\n{\"a\":2}\n{\"a\":3}\n{\"a\":4,\"b", Some(Ndjson)),
            ("{\"a\":1} // note\r\n{\"a\":2}\r\n{\"a\":3}\r\n", Some(Ndjson)),
            // Text behind the first document is no reason to read the others line by line.
            ("{\"a\":1} {\"a\":2}\n{\"a\":3}\n{\"a\":4}\n", Some(Concatenated)),
            ("{\"a\":1}}\n{\n\"a\":2\n}\n", Some(Concatenated)),
            // An array without its brackets.
            ("{\"a\":1},\n{\"a\":2},\n{\"a\":3},\n", Some(Concatenated)),
            ("{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n", Some(Concatenated)),
            ("{\"l\":[\n{\"a\":1}\n]}", Some(Concatenated)),
            ("", None),
            ("  \n", None),
            ("a,b\n1,2\n", None),
            ("1\n2\n", None),
            ("\"a\"\n\"b\"\n", None),
            ("[id],[name]\n1,2\n", None),
            ("{id}\n", None),
            ("<html>", None),
        ] {
            assert_eq!(detect(text.as_bytes()), expected, "{text}");
        }
    }
}
