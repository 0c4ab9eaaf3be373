//! Where the table stands in a delimited text, and damaged records that are put right.

use std::fmt::Write as _;

use tundra_core::{BadRowPolicy, ConvertOptions, Receipt, TextHints, TypePolicy};

use crate::support::{convert, converted};

/// Twenty records of an id, a day and a word.
fn rows() -> String {
    let mut text = String::new();
    for id in 1..=20 {
        writeln!(text, "{id},2024-01-{id:02},word{id}").unwrap();
    }
    text
}

fn event(receipt: &Receipt, code: &str) -> Option<(u64, u64)> {
    let event = receipt.events.iter().find(|event| event.code == code)?;
    Some((event.count, event.samples.first().map_or(0, |sample| sample.line)))
}

fn decision<'a>(receipt: &'a Receipt, what: &str) -> &'a str {
    let found = receipt.plan.decisions.iter().find(|decision| decision.what == what);
    found.map_or("", |decision| &decision.value)
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_before_the_header_are_left_out_and_told() {
    for preamble in ["Export of today\n\n", "Export,,\n,,\n", "Title\nby: somebody\n"] {
        let lines = preamble.matches('\n').count() as u64;
        let done = converted("a.csv", format!("{preamble}id,day,word\n{}", rows())).await;
        assert_eq!(done.table.names, ["id", "day", "word"], "{preamble:?}");
        assert_eq!(done.table.rows.len(), 20);
        assert_eq!(done.table.types, ["BIGINT", "DATE", "VARCHAR"]);
        assert_eq!(event(&done.receipt, "left_out_preamble"), Some((lines, 1)), "{preamble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sparse_first_records_are_no_preamble() {
    let done = converted("a.csv", format!("1,,\n2,,\n{}", rows())).await;

    assert_eq!(done.table.rows.len(), 22);
    assert!(done.receipt.events.is_empty(), "{:?}", done.receipt.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_several_records_is_joined() {
    let done = converted("a.csv", format!("key,when,what\nid,day,word\n{}", rows())).await;

    assert_eq!(done.table.names, ["key id", "when day", "what word"]);
    assert_eq!(done.table.rows.len(), 20);
    assert_eq!(decision(&done.receipt, "header"), "first 2 records");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_behind_a_blank_line_is_left_out_and_told() {
    let text = format!("id,day,word\n{}\nname,value\na,1\nb,2\n", rows());

    let done = converted("a.csv", text.clone()).await;

    assert_eq!(done.table.rows.len(), 20);
    assert_eq!(event(&done.receipt, "left_out_table"), Some((1, 23)));
    let text_hints = TextHints { one_table: true, ..TextHints::default() };
    let options = ConvertOptions {
        text: text_hints,
        on_bad_row: BadRowPolicy::Repair,
        ..ConvertOptions::default()
    };
    let done = convert("a.csv", text, &options).await.unwrap();
    assert_eq!(done.table.rows.len(), 23);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_line_within_a_table_ends_nothing() {
    let done = converted("a.csv", format!("id,day,word\n{}\n{}", rows(), rows())).await;

    assert_eq!(done.table.rows.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_once_more_is_skipped_and_told_wherever_it_stands() {
    let mut text = format!("id,day,word\n{}", rows());
    for _ in 0..3 {
        text.push_str("id,day,word\n");
        text.push_str(&rows());
    }
    let done = converted("a.csv", text).await;

    assert_eq!(done.table.rows.len(), 80);
    assert_eq!(done.table.types, ["BIGINT", "DATE", "VARCHAR"]);
    assert_eq!(event(&done.receipt, "skipped_repeated_header"), Some((3, 22)));
    assert_eq!(done.receipt.counts.skipped, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_footer_is_left_out_however_long_the_table_is() {
    for repeats in [1, 5000] {
        let text = format!("id,day,word\n{}Total of all rows\n", rows().repeat(repeats));
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.rows.len(), 20 * repeats);
        assert_eq!(event(&done.receipt, "left_out_footer").map(|event| event.0), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_cut_off_is_no_footer() {
    let text = format!("id,day,word\n{}21,2024", rows());

    let error = convert("a.csv", text, &ConvertOptions::default()).await.err().unwrap();

    assert!(format!("{error:?}").contains("2 fields where there should be 3"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_a_table_can_be_told() {
    let text_hints = TextHints {
        preamble: Some(1),
        header_rows: Some(2),
        footer: Some(2),
        ..TextHints::default()
    };
    let options = ConvertOptions { text: text_hints, ..ConvertOptions::default() };
    let text = "x,y\na,b\nc,d\n1,2\n3,4\n5,6\n7,8\n";

    let done = convert("a.csv", text, &options).await.unwrap();

    assert_eq!(done.table.names, ["a c", "b d"]);
    assert_eq!(done.table.rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_left_out_and_counted() {
    let text = format!("# made by hand\nid,day,word\n# first half\n{}# end\n", rows());

    let done = converted("a.csv", text).await;

    assert_eq!(done.table.rows.len(), 20);
    assert_eq!(decision(&done.receipt, "comment"), "#");
    assert_eq!(event(&done.receipt, "left_out_comments").map(|event| event.0), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_begins_data_is_no_comment() {
    let done = converted("a.csv", "#id,name\n#1,a\n#2,b\n").await;

    assert_eq!(done.table.names, ["#id", "name"]);
    assert_eq!(done.table.rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn delimiters_of_several_characters_are_found() {
    for delimiter in [", ", "; ", " | ", "||", "::", "|~|"] {
        let mut text = String::new();
        let header = ["id", "day", "word"].join(delimiter);
        writeln!(text, "{header}").unwrap();
        for id in 1..=20 {
            let day = format!("2024-01-{id:02}");
            let quoted = format!("\"two{delimiter}words\"");
            writeln!(
                text,
                "{}",
                [&id.to_string(), &day, &quoted].map(String::as_str).join(delimiter)
            )
            .unwrap();
        }
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.names, ["id", "day", "word"], "{delimiter:?}");
        let word = format!("two{delimiter}words");
        assert_eq!(done.table.column("word"), vec![Some(word.as_str()); 20], "{delimiter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_opens_nothing_costs_no_other_record() {
    let mut text = "id,name,text\n".to_owned();
    for id in 1..=9 {
        let name = if id == 4 { "\"stray" } else { "plain" };
        writeln!(text, "{id},{name},\"a, b\"").unwrap();
    }
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Repair, ..ConvertOptions::default() };

    let done = convert("a.csv", text.clone(), &options).await.unwrap();
    assert_eq!(done.table.rows.len(), 9);
    assert_eq!(done.table.row(3), [Some("4"), Some("\"stray"), Some("a, b")]);
    assert_eq!(event(&done.receipt, "repaired_stray_quote"), Some((1, 5)));

    let rejected = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    let done = convert("a.csv", text.clone(), &rejected).await.unwrap();
    assert_eq!(done.receipt.counts.rejected, 1);

    let error = convert("a.csv", text, &ConvertOptions::default()).await.err().unwrap();
    assert!(format!("{error:?}").contains("line: 5"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delimiter_too_many_or_too_few_is_put_right() {
    let mut text = "day,code,word\n".to_owned();
    for id in 1..=20 {
        let line = match id {
            7 => "2024-01-07,,AB-7,word\n".to_owned(),
            9 => "2024-01-09AB-9,word\n".to_owned(),
            _ => format!("2024-01-{id:02},AB-{id},word\n"),
        };
        text.push_str(&line);
    }
    let options = ConvertOptions {
        on_bad_row: BadRowPolicy::Repair,
        types: TypePolicy::Text,
        ..ConvertOptions::default()
    };

    let done = convert("a.csv", text, &options).await.unwrap();

    assert_eq!(done.table.row(6), [Some("2024-01-07"), Some("AB-7"), Some("word")]);
    assert_eq!(done.table.row(8), [Some("2024-01-09"), Some("AB-9"), Some("word")]);
    assert_eq!(done.receipt.counts.repaired, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_line_ends_are_found_beside_newlines_in_quotes() {
    let mut text = "id,note\r".to_owned();
    for id in 1..=10 {
        write!(text, "{id},\"two\nlines\"\r").unwrap();
    }
    let done = converted("a.csv", text).await;

    assert_eq!(done.table.names, ["id", "note"]);
    assert_eq!(done.table.column("note"), [Some("two\nlines"); 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_within_a_quoted_name_is_no_part_of_it() {
    let done = converted("a.csv", "\u{feff}\"id\",\"name\"\n1,a\n").await;
    assert_eq!(done.table.names, ["id", "name"]);

    let done = converted("a.csv", "\"\u{feff}id\",\"name\"\n1,a\n").await;
    assert_eq!(done.table.names, ["id", "name"]);
}
