//! JSON as an input: arrays, documents and one record a line, nested, large and mixed.

use std::fmt::Write as _;

use tundra_core::{
    BadRowPolicy, Classify, ConvertOptions, DataCode, Error, ErrorKind, Format, TypePolicy,
};

use crate::support::{OUTPUT, Scene, convert, converted, reason};

#[tokio::test(flavor = "multi_thread")]
async fn the_elements_of_an_array_are_rows_with_nested_values() {
    let text = r#"[
        {"id": 1, "who": {"name": "Ada", "tags": ["x", "y"]}, "n": 12345678901234567890123},
        {"id": 2, "who": null, "n": 1},
        {"id": 3, "who": {"tags": [], "name": null}, "n": null, "late": true}
    ]"#;

    let done = converted("a.json", text).await;

    let table = &done.table;
    assert_eq!(table.names, ["id", "who", "n", "late"]);
    assert_eq!(
        table.types,
        ["BIGINT", "STRUCT(\"name\" VARCHAR, \"tags\" VARCHAR[])", "DECIMAL(38,0)", "BOOLEAN",]
    );
    assert_eq!(
        table.row(0),
        [Some("1"), Some("{name: Ada, tags: [x, y]}"), Some("12345678901234567890123"), None,]
    );
    assert_eq!(table.row(1), [Some("2"), None, Some("1"), None]);
    assert_eq!(table.row(2), [Some("3"), Some("{name: , tags: []}"), None, Some("true")]);
    assert_eq!(done.receipt.counts.records, 3);
    assert_eq!(done.scene.names().await, ["a.json", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_one_row() {
    let text = "{\n  \"name\": \"Ada\",\n  \"list\": [1, 2, null],\n  \"deep\": {\"a\": {\"b\": [[1], []]}}\n}\n";

    let done = converted("a.json", text).await;

    assert_eq!(done.table.types, ["VARCHAR", "BIGINT[]", "STRUCT(\"a\" STRUCT(\"b\" BIGINT[][]))"]);
    let expected = [Some("Ada"), Some("[1, 2, ]"), Some("{a: {b: [[1], []]}}")];
    assert_eq!(done.table.row(0), expected);
    assert_eq!(done.table.rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_keep_their_order_over_many_chunks() {
    const ROWS: usize = 150_000;
    let mut text = String::new();
    for n in 0..ROWS {
        writeln!(
            text,
            r#"{{"n": {n}, "who": {{"name": "n{n}", "tags": ["a", "{n}"]}}, "pad": "{}"}}"#,
            "é\\n".repeat(n % 13)
        )
        .unwrap();
    }
    assert!(text.len() > 9 << 20, "there must be several chunks");

    let done = converted("a.ndjson", text).await;

    assert_eq!(done.table.rows.len(), ROWS);
    for (n, row) in done.table.rows.iter().enumerate() {
        let expected = [
            Some(n.to_string()),
            Some(format!("{{name: n{n}, tags: [a, {n}]}}")),
            Some("é\n".repeat(n % 13)),
        ];
        assert_eq!(row[..], expected, "record {}", n + 1);
    }
    assert!(done.table.row_groups().len() > 1);
    assert_eq!(done.receipt.counts.records, ROWS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_keep_every_digit() {
    let text = "\
{\"a\": 9007199254740993, \"b\": 18446744073709551615, \"c\": -1, \"d\": 0.1, \"e\": 12345678901234567.5}
{\"a\": -9223372036854775808, \"b\": 0, \"c\": 18446744073709551615, \"d\": 1e3, \"e\": 1}
";

    let done = converted("a.ndjson", text).await;

    assert_eq!(done.table.types, ["BIGINT", "UBIGINT", "DECIMAL(38,0)", "DOUBLE", "DECIMAL(18,1)"]);
    assert_eq!(
        done.table.row(0),
        [
            Some("9007199254740993"),
            Some("18446744073709551615"),
            Some("-1"),
            Some("0.1"),
            Some("12345678901234567.5"),
        ]
    );
    assert_eq!(
        done.table.row(1),
        [
            Some("-9223372036854775808"),
            Some("0"),
            Some("18446744073709551615"),
            Some("1000.0"),
            Some("1.0"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_different_kinds_are_kept_as_json() {
    let done =
        converted("a.ndjson", "{\"v\": 1}\n{\"v\": \"x\"}\n{\"v\": {\"a\": [1.50]}}\n{}\n").await;

    let cells = done.table.column("v");
    assert_eq!(cells[..2], [Some("1"), Some("\"x\"")]);
    let nested: String = cells[2].unwrap().split_whitespace().collect();
    assert_eq!(nested, "{\"a\":[1.50]}");
    assert_eq!(cells[3], None);
    assert_eq!(done.receipt.plan.columns[0].column_type, "JSON");
    let reason = reason(&done.receipt, "v");
    assert!(reason.contains("record 1 has a number") && reason.contains("JSON"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_of_digits_stay_strings_and_dates_become_dates() {
    let text = "{\"code\": \"00713\", \"n\": \"12\", \"day\": \"2024-02-29\"}\n\
                {\"code\": \"1\", \"n\": \"13\", \"day\": \"2024-03-01\"}\n";

    let done = converted("a.ndjson", text).await;

    assert_eq!(done.table.types, ["VARCHAR", "VARCHAR", "DATE"]);
    assert_eq!(done.table.row(0), [Some("00713"), Some("12"), Some("2024-02-29")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_far_behind_the_sample_changes_type_and_columns_and_nothing_is_lost() {
    const ROWS: usize = 150_000;
    let mut text = String::new();
    for n in 0..ROWS {
        writeln!(text, "{{\"id\": {n}, \"v\": {}}}", 1000 + n).unwrap();
    }
    assert!(text.len() > 2 << 20, "the contradiction must stand behind the sample");
    text.push_str("{\"id\": 150000, \"v\": \"x\", \"more\": [1]}\n");

    let done = converted("a.ndjson", text).await;

    assert_eq!(done.table.names, ["id", "v", "more"]);
    assert_eq!(done.table.rows.len(), ROWS + 1);
    assert_eq!(done.table.row(0), [Some("0"), Some("1000"), None]);
    assert_eq!(done.table.row(ROWS), [Some("150000"), Some("\"x\""), Some("[1]")]);
    assert_eq!(done.scene.names().await, ["a.ndjson", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_no_objects_are_one_column() {
    let options = ConvertOptions { format: Some(Format::Ndjson), ..ConvertOptions::default() };

    let done = convert("a.txt", "1\nnull\n3\n", &options).await.unwrap();

    assert_eq!(done.table.names, ["value"]);
    assert_eq!(done.table.types, ["BIGINT"]);
    assert_eq!(done.table.column("value"), [Some("1"), None, Some("3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_renamed_forced_and_skipped_as_in_other_formats() {
    let options = ConvertOptions {
        column_mapping: vec![("id".to_owned(), "key".to_owned())],
        type_overrides: vec![("code".to_owned(), "INTEGER".parse().unwrap())],
        skip_rows: [1].into(),
        ..ConvertOptions::default()
    };
    let text = "{\"id\": 1, \"code\": \"007\"}\n{\"id\": 2, \"code\": \"8\"}\n{\"id\": 3}\n";

    let done = convert("a.ndjson", text, &options).await.unwrap();

    assert_eq!(done.table.names, ["key", "code"]);
    assert_eq!(done.table.types, ["BIGINT", "INTEGER"]);
    assert_eq!(done.table.rows.len(), 2);
    assert_eq!(done.table.row(0), [Some("1"), Some("7")]);
    assert_eq!(done.table.row(1), [Some("3"), None]);
    assert_eq!(done.receipt.counts.skipped, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_can_be_text() {
    let options = ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() };

    let done = convert("a.ndjson", "{\"a\": 1.50, \"b\": [1]}\n", &options).await.unwrap();

    assert_eq!(done.table.types, ["VARCHAR", "VARCHAR"]);
    assert_eq!(done.table.row(0), [Some("1.50"), Some("[1]")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_json_fails_or_is_set_aside() {
    let text = "{\"a\": 1}\n{\"a\": tru}\n{\"a\": 3}\n{\"a\": 4, \"a\": 5}\n{\"a\": 6}\n";
    let scene = Scene::local();
    scene.put("a.ndjson", text).await;

    let error = scene.convert("a.ndjson", &ConvertOptions::default()).await.unwrap_err();
    let Error::Data { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!((source.code, source.record, source.line), (DataCode::BadJson, 2, 2));
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(scene.names().await, ["a.ndjson"]);

    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    let done = convert("a.ndjson", text, &options).await.unwrap();
    assert_eq!(done.table.column("a"), [Some("1"), Some("3"), Some("6")]);
    let rejects = done.scene.table("rejects.parquet").await;
    assert_eq!(rejects.column("line"), [Some("2"), Some("4")]);
    assert_eq!(rejects.column("code"), [Some("bad_json"), Some("duplicate_key")]);
    assert_eq!(rejects.column("raw")[0], Some("{\"a\": tru}"));
    let counts = done.receipt.counts;
    assert_eq!((counts.records, counts.rejected, counts.written), (5, 2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_cut_off_fails() {
    let scene = Scene::local();
    scene.put("a.json", "[{\"a\": 1}, {\"a\": 2}, {\"a\":").await;

    let error = scene.convert("a.json", &ConvertOptions::default()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert_eq!(scene.names().await, ["a.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_names_are_columns_not_a_map() {
    let mut text = String::new();
    for record in 0..300 {
        writeln!(text, "{{\"id\": {record}, \"k{record}\": {record}}}").unwrap();
    }

    let done = converted("a.ndjson", text).await;

    assert_eq!(done.table.names.len(), 301);
    assert_eq!(done.table.column("k299")[299], Some("299"));
    assert_eq!(done.table.column("k299")[..299], [None; 299]);
}
