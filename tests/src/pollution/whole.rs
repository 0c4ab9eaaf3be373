//! Damage to a file as a whole: its ends, its header, tables too many, and how it is written.

use std::sync::Arc;

use crate::pollution::{
    Cell, Expected, Polluted, Source,
    source::texts,
    write::{PLAIN, Style},
};

/// Returns the files; their weights are not set.
pub(super) fn files(source: &Source) -> Vec<Polluted> {
    let expected = source.expected();
    let mut files = vec![
        file("source", PLAIN.records(source).concat(), &expected),
        file("no_payload", String::new(), &Arc::new(Expected { header: vec![], rows: vec![] })),
    ];
    files.extend(ends(source, &expected));
    files.extend(headers(source, &expected));
    files.extend(tables(source, &expected));
    files.extend(sizes(source, &expected));
    files.extend(styles(source, &expected));
    files
}

/// Makes a file that is named by its kind.
pub(super) fn file(
    kind: &'static str,
    bytes: impl Into<Vec<u8>>,
    expected: &Arc<Expected>,
) -> Polluted {
    Polluted {
        kind,
        name: format!("file_{kind}.csv"),
        bytes: bytes.into(),
        expected: Arc::clone(expected),
        weight: 0.0,
    }
}

fn ends(source: &Source, expected: &Arc<Expected>) -> [Polluted; 2] {
    let text = PLAIN.records(source).concat();
    let without = text.strip_suffix(PLAIN.newline).unwrap_or(&text);
    [
        file("no_trailing_newline", without, expected),
        file("double_trailing_newline", format!("{text}{}", PLAIN.newline), expected),
    ]
}

fn headers(source: &Source, expected: &Arc<Expected>) -> [Polluted; 4] {
    let records = PLAIN.records(source);
    let names = texts(&source.header);
    let nameless = Expected { header: vec![], rows: expected.rows.clone() };
    // The names again, above themselves, in no quotes: each is then all of its parts.
    let stacked = |kind, copies: usize| {
        let copy = PLAIN.join(&names).repeat(copies);
        let header = names.iter().map(|name| vec![name.as_str(); copies + 1].join(" ")).collect();
        let expected = Expected { header, rows: expected.rows.clone() };
        file(kind, copy + &records.concat(), &Arc::new(expected))
    };
    let others = PLAIN.delimiter.repeat(names.len() - 1);
    let preamble = format!("PREAMBLE{others}{0}{others}{0}", PLAIN.newline);
    [
        file("no_header", records[1..].concat(), &Arc::new(nameless)),
        stacked("header_multirow_2", 1),
        stacked("header_multirow_3", 2),
        file("preamble", preamble + &records.concat(), expected),
    ]
}

/// Behind the table a second one: its copy without the last row, narrower, as wide, or wider.
fn tables(source: &Source, expected: &Arc<Expected>) -> [Polluted; 3] {
    let first = PLAIN.records(source).concat();
    let lines = source.lines();
    let copied = &lines[..lines.len() - 1];
    let second = |change: fn(&mut Vec<String>, bool)| -> String {
        let copy = |(index, line): (usize, &&[Cell])| {
            let mut cells = carelessly(line);
            change(&mut cells, index == 0);
            PLAIN.join(&cells)
        };
        copied.iter().enumerate().map(copy).collect()
    };
    let narrower = second(|cells, _| {
        cells.pop();
    });
    let wider = second(|cells, is_header| {
        cells.push(if is_header { "col1".to_owned() } else { String::new() });
    });
    [
        file("multitable_less", format!("{first}{narrower}"), expected),
        file("multitable_same", format!("{first}{}", second(|_, _| ())), expected),
        file("multitable_more", format!("{first}{wider}"), expected),
    ]
}

/// Writes a row as a program does that knows little of quotes: a cell with a quote in it becomes two,
/// the row is cut at its width, and only commas and line breaks bring quotes around a cell.
fn carelessly(line: &[Cell]) -> Vec<String> {
    let mut cells = Vec::new();
    for cell in line {
        let mut parts = cell.text.split('"');
        cells.extend(parts.next().map(str::to_owned));
        cells.extend(parts.map(|part| format!("\"\"{part}")));
    }
    cells.truncate(line.len());
    for cell in &mut cells {
        if cell.contains([',', '\n']) {
            *cell = format!("\"{cell}\"");
        }
    }
    cells
}

fn sizes(source: &Source, expected: &Arc<Expected>) -> [Polluted; 2] {
    let records = PLAIN.records(source);
    let first = |count: usize| {
        Arc::new(Expected {
            header: expected.header.clone(),
            rows: expected.rows[..count].to_vec(),
        })
    };
    [
        file("header_only", records[..1].concat(), &first(0)),
        file("one_data_row", records[..2].concat(), &first(1)),
    ]
}

fn styles(source: &Source, expected: &Arc<Expected>) -> [Polluted; 9] {
    [
        ("record_delimiter_lf", Style { newline: "\n", ..PLAIN }),
        ("record_delimiter_cr", Style { newline: "\r", ..PLAIN }),
        ("field_delimiter_semicolon", Style { delimiter: ";", ..PLAIN }),
        ("field_delimiter_tab", Style { delimiter: "\t", ..PLAIN }),
        ("field_delimiter_comma_blank", Style { delimiter: ", ", ..PLAIN }),
        // What was in no quotes still is, blanks and all.
        ("field_delimiter_blank", Style { delimiter: " ", ..PLAIN }),
        // Quotes within cells are still doubled, and apostrophes are not.
        ("quotation_char_apostrophe", Style { quote: "'", ..PLAIN }),
        ("escape_char_backslash", Style { escape: "\\", ..PLAIN }),
        ("escape_char_none", Style { escape: "", ..PLAIN }),
    ]
    .map(|(kind, style)| file(kind, style.records(source).concat(), expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pollution::prices;

    fn text(kind: &str) -> String {
        let files = files(&prices());
        let file = files.iter().find(|file| file.kind == kind).unwrap();
        String::from_utf8(file.bytes.clone()).unwrap()
    }

    #[track_caller]
    fn check(kind: &str, line: usize, expected: &str) {
        assert_eq!(text(kind).split("\r\n").nth(line).unwrap(), expected, "line {line} of {kind}");
    }

    #[test]
    fn lines_are_as_the_benchmark_writes_them() {
        let names = "Day,Hour,UNITS,ItemCode,Cost,ItemKind";
        check("source", 0, &format!("{names},\"ItemText\",\"Link\",Remarks"));
        check("header_multirow_2", 0, &format!("{names},ItemText,Link,Remarks"));
        check("header_multirow_2", 1, &format!("{names},\"ItemText\",\"Link\",Remarks"));
        check("preamble", 0, "PREAMBLE,,,,,,,,");
        check("preamble", 1, ",,,,,,,,");
        check("no_header", 0, &text("source").lines().nth(1).unwrap().replace("\r", ""));
        check("multitable_same", 84, &format!("{names},ItemText,Link,Remarks"));
        check("multitable_less", 84, &format!("{names},ItemText,Link"));
        check("multitable_more", 84, &format!("{names},ItemText,Link,Remarks,col1"));
        assert_eq!(text("multitable_same").split("\r\n").count(), 84 + 83 + 1);
        assert_eq!(text("record_delimiter_lf").matches('\n').count(), 84);
        assert_eq!(text("record_delimiter_cr").matches('\r').count(), 84);
        assert!(!text("record_delimiter_cr").contains('\n'));
        assert!(text("double_trailing_newline").ends_with(",\r\n\r\n"));
        assert!(text("no_trailing_newline").ends_with(".html\","));
        assert_eq!(text("no_payload"), "");
    }

    #[test]
    fn quotes_within_cells_are_written_by_the_style() {
        let row = |kind: &str| -> String {
            text(kind).split("\r\n").nth(13).unwrap().split("ole of ").nth(1).unwrap()[..12]
                .to_owned()
        };
        assert_eq!(row("source"), "7\\'2\"\" for t");
        assert_eq!(row("escape_char_backslash"), "7\\'2\\\" for t");
        assert_eq!(row("escape_char_none"), "7\\'2\" for th");
        assert_eq!(row("quotation_char_apostrophe"), "7\\'2\"\" for t");
        assert!(text("quotation_char_apostrophe").contains(",'You'll wonder how you did"));
        assert!(text("field_delimiter_comma_blank").contains(", Carpenter's Hammer, \"Made"));
        assert!(text("field_delimiter_blank").contains(" Carpenter's Hammer \"Made"));
    }

    #[test]
    fn the_header_is_expected_as_the_benchmark_expects_it() {
        let files = files(&prices());
        let header = |kind: &str| -> Vec<String> {
            files.iter().find(|file| file.kind == kind).unwrap().expected.header[..2].to_vec()
        };
        assert_eq!(header("header_multirow_3"), ["Day Day Day", "Hour Hour Hour"]);
        assert_eq!(header("multitable_more"), ["Day", "Hour"]);
        let nameless = files.iter().find(|file| file.kind == "no_header").unwrap();
        assert!(nameless.expected.header.is_empty());
        assert_eq!(nameless.expected.rows.len(), 83);
    }
}
