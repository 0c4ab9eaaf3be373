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
    assert_eq!(event(&done.receipt, "left_out_table"), Some((3, 23)));
    assert_eq!(done.receipt.counts.left_out_lines, 3);
    assert_eq!(done.receipt.counts.left_out_bytes, "name,value\na,1\nb,2\n".len() as u64);
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

fn forced(text: TextHints) -> ConvertOptions {
    ConvertOptions { text, ..ConvertOptions::default() }
}

fn repairing() -> ConvertOptions {
    ConvertOptions {
        on_bad_row: BadRowPolicy::Repair,
        types: TypePolicy::Text,
        ..ConvertOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_last_record_is_no_footer() {
    for last in ["A4,Di", "20Bob Ray,7.5", "2021-01-25;250;x25", "A4"] {
        let text = format!("id,day,word\n{}{last}\n", rows());
        let error = convert("a.csv", text, &ConvertOptions::default()).await.err().unwrap();
        assert!(format!("{error:?}").contains("where there should be 3"), "{last}: {error:?}");
    }
    let text = format!("id,day,word\n{}21;2024-01-21;word21\n", rows());
    let done = convert("a.csv", text, &repairing()).await.unwrap();
    assert_eq!(done.table.row(20), [Some("21"), Some("2024-01-21"), Some("word21")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn remarks_behind_the_last_record_are_left_out_with_all_their_lines() {
    for footer in ["Total,210\n", "Source: somebody\nNotes: none\n", "\nanything\n", "(20 rows)\n"]
    {
        let text = format!("id,day,word\n{}{footer}", rows());
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.rows.len(), 20, "{footer:?}");
        let lines = footer.trim().lines().count() as u64;
        let left_out = event(&done.receipt, "left_out_footer").map(|event| event.0);
        assert_eq!(left_out, Some(lines), "{footer:?}");
        assert_eq!(done.receipt.counts.left_out_lines, lines);
        assert_eq!(done.receipt.counts.left_out_bytes, footer.trim_start().len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_record_behind_a_blank_line_ends_nothing_when_others_follow() {
    // Far behind it as well: 400,000 records are more than the sample holds.
    for repeats in [1, 20_000] {
        let all = rows().repeat(repeats);
        let text = format!("id,day,word\n{}\nunknown,closed,d\n{all}", rows());
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.rows.len(), 21 + 20 * repeats);
        let text = format!("id,day,word\n{}\nunknown\nclosed\n{all}", rows());
        assert!(convert("a.csv", text, &ConvertOptions::default()).await.is_err());
        // What looks like the beginning of another table, up to records of this one.
        let other = "name,value\na,1\nb,2\n".repeat(repeats * 5);
        let text = format!("id,day,word\n{}\n{other}{}", rows(), rows());
        assert!(convert("a.csv", text, &ConvertOptions::default()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_is_counted_to_the_end_of_the_text() {
    let record = format!("{},1\n", "a".repeat(60));
    let other = format!("name,value\n{}", record.repeat(40_000));
    let done = converted("a.csv", format!("id,day,word\n{}\n{other}", rows().repeat(1500))).await;

    assert_eq!(done.table.rows.len(), 30_000);
    assert_eq!(event(&done.receipt, "left_out_table"), Some((40_001, 30_003)));
    assert_eq!(done.receipt.counts.left_out_bytes, other.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_table_behind_it_is_left_out() {
    let text = format!("id,day,word\n{}", rows());
    let copy: String = text.lines().take(20).map(|line| format!("{line}\n")).collect();
    let done = converted("a.csv", format!("{text}{copy}")).await;

    assert_eq!(done.table.rows.len(), 20);
    assert_eq!(event(&done.receipt, "left_out_table"), Some((20, 22)));
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_first_records_of_text_are_records() {
    let text = "Ann,Oslo\nAnn,Oslo\nAnn,Oslo\nBob,Rome\nCy,Bonn\n";
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.rows.len(), 5);

    let text = "Frank,Oslo,red\nAnn,Rome,red\nFrank,Oslo,blue\nBob,Oslo,red\n";
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.rows.len(), 4);
    assert_eq!(decision(&done.receipt, "header"), "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_cell_of_many_lines_is_not_cut_in_two() {
    let cell = "Total of it\n".repeat(3);
    let text = format!("id,day,word\n{}21,2024-01-21,\"{cell}Total\"\n", rows().repeat(5000));
    let done = converted("a.csv", text).await;

    assert_eq!(done.table.rows.len(), 100_001);
    assert_eq!(done.receipt.counts.left_out_lines, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn titles_filled_up_with_delimiters_stand_above_text_too() {
    let records: String = (0..20).fold(String::new(), |mut text, id| {
        writeln!(text, "Name{id},Oslo,{id}").unwrap();
        text
    });
    for preamble in ["Report,,\n,,\n", "Report,,\n"] {
        let done = converted("a.csv", format!("{preamble}name,city,n\n{records}")).await;
        assert_eq!(done.table.names, ["name", "city", "n"], "{preamble:?}");
        assert_eq!(done.table.rows.len(), 20);
    }
    let hints = TextHints { header: Some(true), ..TextHints::default() };
    let text = format!("Report,,\n,,\nname,city,n\n{records}");
    let done = convert("a.csv", text, &forced(hints)).await.unwrap();
    assert_eq!(done.table.names, ["name", "city", "n"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_with_another_delimiter_or_one_too_few_is_mended() {
    for header in ["id;day;word", "id|day|word", "id\tday\tword", "id day word"] {
        let done = convert("a.csv", format!("{header}\n{}", rows()), &repairing()).await.unwrap();
        assert_eq!(done.table.names, ["id", "day", "word"], "{header:?}");
        assert_eq!(done.table.rows.len(), 20);
        assert_eq!(event(&done.receipt, "repaired_header"), Some((1, 1)));
    }
    let done = convert("a.csv", format!("id,dayword\n{}", rows()), &repairing()).await.unwrap();
    assert_eq!(done.table.names, ["id", "dayword", "column3"]);
    assert_eq!(done.table.row(0), [Some("1"), Some("2024-01-01"), Some("word1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_follow_each_other_are_names_beside_a_word() {
    let records: String = (0..20).fold(String::new(), |mut text, id| {
        writeln!(text, "Land{id},{},{},{}", id * 7, id * 3 % 5, id * 11).unwrap();
        text
    });
    for header in ["country,2018,2019,2020", "country,2020,2019,2018", "id,1,2,3"] {
        let done = converted("a.csv", format!("{header}\n{records}")).await;
        assert_eq!(done.table.names, header.split(',').collect::<Vec<_>>());
        assert_eq!(done.table.rows.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_the_end_of_a_file_is_no_record() {
    for repeats in [1, 5000] {
        let text = format!("id,day,word\n{}\u{1a}", rows().repeat(repeats));
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.rows.len(), 20 * repeats);
        assert_eq!(event(&done.receipt, "left_out_end_mark").map(|event| event.0), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_cannot_be_left_out() {
    let hints = TextHints::default;
    for (text_hints, option) in [
        (TextHints { header_rows: Some(99), ..hints() }, "--header-rows 99"),
        (TextHints { preamble: Some(99), ..hints() }, "--preamble 99"),
        (TextHints { footer: Some(99), ..hints() }, "--footer 99"),
    ] {
        let text = format!("id,day,word\n{}", rows());
        let error = convert("a.csv", text, &forced(text_hints)).await.err().unwrap();
        assert!(error.to_string().contains(option), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_footer_of_no_lines_keeps_everything_in_the_table() {
    let hints = TextHints { footer: Some(0), ..TextHints::default() };
    for behind in ["\nremark\n", "\nname,value\na,1\nb,2\n"] {
        let text = format!("id,day,word\n{}{behind}", rows());
        let error = convert("a.csv", text, &forced(hints.clone())).await.err().unwrap();
        assert!(format!("{error:?}").contains("where there should be 3"), "{error:?}");
    }
}
