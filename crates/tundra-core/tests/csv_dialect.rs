//! Which delimiter and quote a text is read with, where more than one could be meant.

use std::fmt::Write as _;

use tundra_core::{BadRowPolicy, ConvertOptions, Error, Receipt, TextHints, TypePolicy};

use crate::support::{Done, convert, converted};

fn decision<'a>(receipt: &'a Receipt, what: &str) -> &'a str {
    let found = receipt.plan.decisions.iter().find(|decision| decision.what == what);
    found.map_or("", |decision| &decision.value)
}

fn confidence(receipt: &Receipt, what: &str) -> f64 {
    let found = receipt.plan.decisions.iter().find(|decision| decision.what == what);
    found.map_or(1.0, |decision| decision.confidence)
}

/// Twenty records, made of the number of each.
fn records(header: &str, record: impl Fn(u32) -> String) -> String {
    let mut text = format!("{header}\n");
    for number in 10..30 {
        writeln!(text, "{}", record(number)).unwrap();
    }
    text
}

async fn as_text(name: &str, text: String, on_bad_row: BadRowPolicy) -> Done {
    let options =
        ConvertOptions { types: TypePolicy::Text, on_bad_row, ..ConvertOptions::default() };
    convert(name, text, &options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn times_numbers_and_names_do_not_hold_the_delimiter_of_a_table() {
    for (name, header, record) in [
        ("a.csv", "time,id", "10:%:33,7502%"),
        ("a.csv", "created_at,value", "2021-01-%  10:00:33,%"),
        ("a.csv", "start,end", "2021-01-02 10:%:33,2021-01-02 11:%:33"),
        ("a.csv", "host,mac", "h%,00:1a:2b:3c:4d:%"),
        ("a.csv", "name,phone", "Ann,+49 30 123 45 %"),
        ("a.csv", "iban,amount", "DE89 3704 0044 0532 0130 %,%"),
        ("a.csv", "date,amount", "% Jan 2020,%"),
        ("a.tsv", "mail\tname\tday\tat", "a%@b.c\tLee, Bob\tMon\t2021-06-19 17:%:00"),
        ("a.tsv", "boss\tday\tname", "Bob, Kim%\t2011-11-10\tLee, Ann"),
        ("a.csv", "latlon;price;name", "10.%,20.%;1.%;Lee, Bob"),
    ] {
        let text = records(header, |number| record.replace('%', &number.to_string()));
        let delimiter = if name == "a.tsv" {
            "\t"
        } else if header.contains(';') {
            ";"
        } else {
            ","
        };
        let done = as_text(name, text, BadRowPolicy::Fail).await;
        assert_eq!(done.table.names, header.split(delimiter).collect::<Vec<_>>(), "{header}");
        assert_eq!(done.table.rows.len(), 20, "{header}");
        assert!(done.receipt.events.is_empty(), "{header}: {:?}", done.receipt.events);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_splits_the_values_and_not_their_name_splits_nothing() {
    for (header, record) in [
        ("price", "1,%"),
        ("price", "\"1000,%\""),
        ("url", "https://a.b/%"),
        ("t", "10:%:00"),
        ("message", "this is line %"),
        ("place", "Oslo, Norway %"),
    ] {
        let text = records(header, |number| record.replace('%', &number.to_string()));
        let done = as_text("a.csv", text, BadRowPolicy::Fail).await;
        assert_eq!(done.table.names, [header], "{record}");
        let value = record.replace('%', "10").replace('"', "");
        assert_eq!(done.table.row(0), [Some(value.as_str())], "{record}");
        assert_eq!(done.table.rows.len(), 20, "{record}");
        let sure = confidence(&done.receipt, "delimiter");
        assert!(record.contains('"') || sure <= 0.5, "{record}: {sure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_stands_around_delimiters_is_the_quote() {
    let text = records("name,pay,note", |number| format!("'Kim, Ida{number}','{number},100',ok"));
    let done = as_text("a.csv", text, BadRowPolicy::Fail).await;
    assert_eq!(decision(&done.receipt, "quote"), "'");
    assert_eq!(done.table.row(0), [Some("Kim, Ida10"), Some("10,100"), Some("ok")]);

    // A delimiter too many in the header makes it as wide as records taken apart within quotes.
    let text = records("id,,pay,name", |number| format!("{number},\"45,{number}\",Ann"));
    let done = as_text("a.csv", text, BadRowPolicy::Repair).await;
    assert_eq!(done.table.names, ["id", "pay", "name"]);
    assert_eq!(done.table.row(0), [Some("10"), Some("45,10"), Some("Ann")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_line_that_names_the_delimiter_is_obeyed_and_no_record() {
    for line in ["sep=;", "SEP=;", "\"sep=;\"", "\u{feff}sep=;"] {
        let text = format!("{line}\n{}", records("a;b", |number| format!("x, y{number};{number}")));
        let done = converted("a.csv", text).await;
        assert_eq!(done.table.names, ["a", "b"], "{line}");
        assert_eq!(done.table.rows.len(), 20, "{line}");
        assert_eq!(decision(&done.receipt, "delimiter"), ";");
        assert_eq!(done.receipt.counts.left_out_lines, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_returns_before_a_newline_end_one_line() {
    let text =
        records("id,name", |number| format!("{number},\"Ann{number}\"")).replace('\n', "\r\r\n");
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.names, ["id", "name"]);
    assert_eq!(done.table.row(0), [Some("10"), Some("Ann10")]);
    assert_eq!(done.table.rows.len(), 20);
    assert_eq!(decision(&done.receipt, "newline"), "\\r\\r\\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_may_be_split_like_records_if_most_are_not() {
    let text = records("id,name", |number| format!("{number},Ann"));
    let text = format!("# made by hand\n# on a day, in a year\n# for all\n{text}");
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.names, ["id", "name"]);
    assert_eq!(done.receipt.counts.left_out_lines, 3);
    assert_eq!(done.receipt.counts.left_out_bytes, 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_table_is_refused_by_what_it_is() {
    for (text, what) in [
        ("{\"a\": 1, \"b\": 2}\n{\"a\": 3, \"b\": 4}\n", "JSON"),
        ("[{\"a\": 1}, {\"a\": 2}]\n", "JSON"),
        ("<!DOCTYPE html>\n<html><body>404, not found</body></html>\n", "HTML"),
        ("<?xml version=\"1.0\"?>\n<a>1,2</a>\n", "XML"),
    ] {
        let error = convert("a.csv", text, &ConvertOptions::default()).await.err().unwrap();
        assert!(matches!(error, Error::Request { .. }), "{error:?}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_character_cannot_be_given_two_meanings() {
    for text_hints in [
        TextHints {
            delimiter: Some(",".to_owned()),
            quote: Some(Some(',')),
            ..TextHints::default()
        },
        TextHints {
            delimiter: Some(";".to_owned()),
            escape: Some(Some(';')),
            ..TextHints::default()
        },
    ] {
        let options = ConvertOptions { text: text_hints, ..ConvertOptions::default() };
        let error = convert("a.csv", "a,b\n1,2\n", &options).await.err().unwrap();
        assert!(error.to_string().contains("something else than the delimiter"), "{error}");
    }
}
