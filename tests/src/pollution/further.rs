//! Damage that the benchmark does not have and real files do: encodings, other delimiters, lines
//! above and below the table, and rows in a style of their own.

use std::sync::Arc;

use crate::pollution::{
    Expected, Polluted, Source,
    row::with_record,
    whole::file,
    write::{PLAIN, Style},
};

/// The rows in which other styles are tried: the header, the first two, one in the middle, the last.
fn places(rows: usize) -> [usize; 5] {
    [0, 1, 2, rows / 2, rows]
}

/// Returns the files. Their weights are 0.
pub(super) fn files(source: &Source) -> Vec<Polluted> {
    let expected = source.expected();
    let mut files = encodings(source, &expected);
    files.extend(styles(source, &expected));
    files.extend(surroundings(source, &expected));
    files.extend(rows(source, &expected));
    files
}

fn encodings(source: &Source, expected: &Arc<Expected>) -> Vec<Polluted> {
    let text = PLAIN.records(source).concat();
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(to_bytes).collect()
    };
    let mut files = vec![
        file("encoding_utf_8_mark", format!("\u{feff}{text}"), expected),
        file("encoding_utf_16_le", utf_16(u16::to_le_bytes), expected),
        file("encoding_utf_16_be", utf_16(u16::to_be_bytes), expected),
    ];
    // The first 256 characters of Unicode are Latin-1; in ASCII there would be nothing to find.
    let latin_1: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
    if let Some(bytes) = latin_1
        && !text.is_ascii()
    {
        files.push(file("encoding_latin_1", bytes, expected));
    }
    files
}

fn styles(source: &Source, expected: &Arc<Expected>) -> [Polluted; 2] {
    [
        ("field_delimiter_bar", Style { delimiter: "|", ..PLAIN }),
        ("field_delimiter_two_tabs", Style { delimiter: "\t\t", ..PLAIN }),
    ]
    .map(|(kind, style)| file(kind, style.records(source).concat(), expected))
}

/// Lines above and below the table that are not of it.
fn surroundings(source: &Source, expected: &Arc<Expected>) -> Vec<Polluted> {
    let table = PLAIN.records(source).concat();
    let newline = PLAIN.newline;
    let others = PLAIN.delimiter.repeat(source.header.len() - 1);
    let bare = format!("Exported by the warehouse{newline}").repeat(3);
    let delimited = format!("Exported by the warehouse{others}{newline}").repeat(3);
    let comments = format!("# exported by the warehouse{newline}# do not edit{newline}");
    [
        ("preamble_bare", format!("{bare}{table}")),
        ("preamble_bare_blank_line", format!("{bare}{newline}{table}")),
        ("preamble_delimited", format!("{delimited}{table}")),
        ("preamble_comments", format!("{comments}{table}")),
        ("footnote_bare", format!("{table}{bare}")),
        ("footnote_bare_blank_line", format!("{table}{newline}{bare}")),
        ("footnote_delimited", format!("{table}{delimited}")),
        ("footnote_delimited_blank_row", format!("{table}{others}{newline}{delimited}")),
        ("multitable_blank_line", format!("{table}{newline}{table}")),
    ]
    .into_iter()
    .map(|(kind, text)| file(kind, text, expected))
    .collect()
}

/// One row in another style.
fn rows(source: &Source, expected: &Arc<Expected>) -> Vec<Polluted> {
    let records = PLAIN.records(source);
    let styles = [
        ("row_field_delimiter_semicolon", Style { delimiter: ";", ..PLAIN }),
        ("row_quotation_char_apostrophe", Style { quote: "'", ..PLAIN }),
        ("row_escape_char_backslash", Style { escape: "\\", ..PLAIN }),
        ("row_record_delimiter_lf", Style { newline: "\n", ..PLAIN }),
        ("row_record_delimiter_cr", Style { newline: "\r", ..PLAIN }),
    ];
    let mut files = Vec::new();
    for (row, cells) in source.lines().into_iter().enumerate() {
        for (kind, style) in styles {
            let record = style.record(cells);
            let has_quote = cells.iter().any(|cell| cell.text.contains('"'));
            let is_wanted = match kind {
                "row_escape_char_backslash" => has_quote,
                _ => places(source.rows.len()).contains(&row),
            };
            if is_wanted && record != records[row] {
                files.push(Polluted {
                    kind,
                    name: format!("{kind}_row{row}.csv"),
                    bytes: with_record(&records, row, &record),
                    expected: Arc::clone(expected),
                    weight: 0.0,
                });
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pollution::shipments;

    #[test]
    fn encodings_hold_the_same_text() {
        let files = files(&shipments());
        let bytes = |kind: &str| &files.iter().find(|file| file.kind == kind).unwrap().bytes;

        let text = String::from_utf8(bytes("encoding_utf_8_mark").clone()).unwrap();
        let big: Vec<u16> = bytes("encoding_utf_16_be")
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(String::from_utf16(&big).unwrap(), text);
        assert_eq!(bytes("encoding_utf_16_le").len(), bytes("encoding_utf_16_be").len());
        let latin: String = bytes("encoding_latin_1").iter().copied().map(char::from).collect();
        assert_eq!(text.strip_prefix('\u{feff}'), Some(latin.as_str()));
    }
}
