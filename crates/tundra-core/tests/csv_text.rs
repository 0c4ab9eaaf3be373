//! How delimited text can be written: quotes, newlines, delimiters, encodings.

use std::fmt::Write as _;

use tundra_core::{ConvertOptions, Receipt, TextHints};

use crate::support::{convert, converted, delimited_by};

fn decision<'a>(receipt: &'a Receipt, what: &str) -> &'a str {
    let decision = receipt.plan.decisions.iter().find(|decision| decision.what == what);
    &decision.unwrap_or_else(|| panic!("nothing was decided about {what}")).value
}

#[tokio::test(flavor = "multi_thread")]
async fn delimiters_newlines_and_quotes_between_quotes_are_text() {
    let text =
        "id,note\n1,\"a, b\"\n2,\"two\nlines\r\nor three\"\n3,\"said \"\"so\"\"\"\n4,plain\n";

    let done = converted("a.csv", text).await;

    assert_eq!(
        done.table.column("note"),
        [Some("a, b"), Some("two\nlines\r\nor three"), Some("said \"so\""), Some("plain")]
    );
    assert_eq!(done.table.column("id"), [Some("1"), Some("2"), Some("3"), Some("4")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_newlines_are_text_wherever_a_chunk_ends() {
    const ROWS: usize = 80_000;
    let mut text = "id,note\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},\"row {n},\nsecond \"\"line\"\"\n{}\"", "1,2\n".repeat(n % 17))
            .unwrap();
    }
    assert!(text.len() > 4 << 20, "there must be several chunks");

    let done = converted("a.csv", text).await;

    let notes = done.table.column("note");
    assert_eq!(notes.len(), ROWS);
    for (n, note) in notes.iter().enumerate() {
        let expected = format!("row {n},\nsecond \"line\"\n{}", "1,2\n".repeat(n % 17));
        assert_eq!(*note, Some(expected.as_str()), "record {}", n + 1);
    }
    assert_eq!(done.table.type_of("id"), "BIGINT");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delimiter_is_the_one_that_was_named() {
    let text = "a|b,c\n1|2,3\n4|5,6\n";

    let bars = convert("a.csv", text, &delimited_by("|")).await.unwrap();
    let commas = convert("a.csv", text, &delimited_by(",")).await.unwrap();

    assert_eq!(bars.table.names, ["a", "b,c"]);
    assert_eq!(bars.table.row(0), [Some("1"), Some("2.3")]);
    assert_eq!(decision(&bars.receipt, "delimiter"), "|");
    assert_eq!(commas.table.names, ["a|b", "c"]);
    assert_eq!(commas.table.row(0), [Some("1|2"), Some("3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delimiter_is_found() {
    for (text, delimiter) in [
        ("id;x\n1;2,5\n2;3,5\n", ";"),
        ("id\tx\n1\t2,5\n2\t3,5\n", "\\t"),
        ("id|x\n1|2,5\n2|3,5\n", "|"),
    ] {
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.names, ["id", "x"], "{text:?}");
        assert_eq!(done.table.row(1), [Some("2"), Some("3.5")], "{text:?}");
        assert_eq!(decision(&done.receipt, "delimiter"), delimiter);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_separate_the_fields_of_a_tsv() {
    let done = converted("a.tsv", "id\tnote\n1\ta, b; c\n2\t\n").await;

    assert_eq!(done.table.row(0), [Some("1"), Some("a, b; c")]);
    assert_eq!(done.table.row(1), [Some("2"), None]);
    assert_eq!(done.receipt.plan.source.format, "tsv");
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_16_is_read_by_its_byte_order_mark() {
    let text = "\u{feff}id,city\n1,München\n2,東京 𝄞\n";
    for big_endian in [false, true] {
        let bytes: Vec<u8> = text
            .encode_utf16()
            .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect();

        let done = converted("a.csv", bytes).await;

        assert_eq!(done.table.names, ["id", "city"]);
        assert_eq!(done.table.column("city"), [Some("München"), Some("東京 𝄞")]);
        assert_eq!(done.table.type_of("id"), "BIGINT");
        let name = if big_endian { "UTF-16BE" } else { "UTF-16LE" };
        assert_eq!(decision(&done.receipt, "encoding"), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_utf_8_is_not_part_of_the_first_name() {
    let done = converted("a.csv", "\u{feff}id,city\n1,München\n").await;

    assert_eq!(done.table.names, ["id", "city"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("München")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_1252_is_recognised() {
    let text = b"id,city\n1,M\xfcnchen\n2,K\xf6ln am Rhein\n3,Stra\xdfe in D\xfcsseldorf\n";

    let done = converted("a.csv", &text[..]).await;

    assert_eq!(
        done.table.column("city"),
        [Some("München"), Some("Köln am Rhein"), Some("Straße in Düsseldorf")]
    );
    assert_eq!(decision(&done.receipt, "encoding"), "windows-1252");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encoding_is_the_one_that_was_named() {
    let hints = TextHints { encoding: Some("koi8-r".to_owned()), ..TextHints::default() };
    let options = ConvertOptions { text: hints, ..ConvertOptions::default() };

    let done =
        convert("a.csv", &b"id,city\n1,\xed\xcf\xd3\xcb\xd7\xc1\n"[..], &options).await.unwrap();

    assert_eq!(done.table.column("city"), [Some("Москва")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn carriage_returns_before_newlines_are_no_text() {
    let done = converted("a.csv", "id,name\r\n1,a\r\n2,b\r\n\r\n").await;

    assert_eq!(done.table.names, ["id", "name"]);
    assert_eq!(done.table.column("name"), [Some("a"), Some("b")]);
    assert_eq!(done.table.type_of("id"), "BIGINT");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_record_needs_no_newline() {
    for text in ["id,name\n1,a\n2,b", "id,name\r\n1,a\r\n2,b", "id,name\n1,a\n2,\"b\""] {
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.column("name"), [Some("a"), Some("b")], "{text:?}");
        assert_eq!(done.receipt.counts.records, 2, "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_a_text_without_header_are_numbered() {
    let done = converted("a.csv", "1,a\n2,b\n").await;

    assert_eq!(done.table.names, ["column1", "column2"]);
    assert_eq!(done.table.column("column1"), [Some("1"), Some("2")]);
    assert_eq!(decision(&done.receipt, "header"), "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_differ_in_case_only_are_made_different() {
    let done = converted("a.csv", "id,ID,x\n1,2,3\n").await;

    assert_eq!(done.table.names, ["id", "ID_1", "x"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("2"), Some("3")]);
}

#[tokio::test]
async fn a_zero_byte_in_a_name_becomes_its_symbol() {
    let rows = "1,2.5\n".repeat(50);
    let done = converted("a.csv", format!("i\0d,\0\n{rows}")).await;

    assert_eq!(done.table.names, ["i␀d", "␀"]);
    assert_eq!(done.receipt.plan.columns[0].source_name, "i␀d");
}
