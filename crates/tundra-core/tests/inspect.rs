//! Looking at an input without converting it.

use std::fmt::Write as _;

use tundra_core::{
    Classify, ColumnInspection, ErrorKind, InspectOptions, Inspection, WriteOptions,
};

use crate::support::{OUTPUT, Scene, writing};

async fn inspect(
    name: &str,
    text: impl Into<bytes::Bytes>,
    options: &InspectOptions,
) -> Inspection {
    let scene = Scene::local();
    scene.put(name, text).await;
    let inspection = scene.inspect(name, options).await.unwrap();
    assert_eq!(scene.names().await, [name]);
    inspection
}

fn column<'a>(inspection: &'a Inspection, name: &str) -> &'a ColumnInspection {
    let column = inspection.columns.iter().find(|column| column.name == name);
    column.unwrap_or_else(|| panic!("there is no column `{name}`"))
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_described_with_their_values() {
    let text =
        "id,code,day,empty\n3,00713,2024-02-29,\n1,12,,\n2,12,1969-12-31,\n10,,2024-02-29,\n";

    let found = inspect("a.csv", text, &InspectOptions::default()).await;

    assert_eq!(found.rows_inspected, 4);
    assert!(found.complete);
    assert_eq!(found.source.format, "csv");
    assert!(found.parquet.is_none());
    let id = column(&found, "id");
    assert_eq!((id.column_type.as_str(), id.nullable, id.null_count), ("BIGINT", false, Some(0)));
    assert_eq!(id.distinct_count, Some(4));
    // In the order of numbers, not of text.
    assert_eq!((id.min.as_deref(), id.max.as_deref()), (Some("1"), Some("10")));
    assert_eq!(id.samples, ["3", "1", "2", "10"]);
    assert_eq!(id.reason, "all 4 values are integers of 64 bits");
    let code = column(&found, "code");
    assert_eq!(
        (code.column_type.as_str(), code.nullable, code.null_count),
        ("VARCHAR", true, Some(1))
    );
    assert_eq!(code.distinct_count, Some(2));
    assert_eq!(code.samples, ["00713", "12"]);
    assert!(code.reason.contains("00713"), "{}", code.reason);
    let day = column(&found, "day");
    assert_eq!((day.min.as_deref(), day.max.as_deref()), (Some("1969-12-31"), Some("2024-02-29")));
    assert_eq!(day.distinct_count, Some(2));
    let empty = column(&found, "empty");
    assert_eq!((empty.null_count, empty.distinct_count), (Some(4), Some(0)));
    assert_eq!((&empty.min, &empty.max, empty.samples.len()), (&None, &None, 0));
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| { warning.code == "all_null" && warning.message.contains("`empty`") })
    );
    let first = found.sample_rows[0].iter().map(Option::as_deref).collect::<Vec<_>>();
    assert_eq!(first, [Some("3"), Some("00713"), Some("2024-02-29"), None]);
    assert_eq!(found.sample_rows.len(), 4);
    for what in ["encoding", "delimiter", "quote", "header"] {
        assert!(found.decisions.iter().any(|decision| decision.what == what), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_are_shown() {
    let text = "id,instant,at,clock,price,flag\n\
                1,2024-02-29T10:00:00+02:00,2024-02-29 10:00:00.5,10:00:00,1.25,true\n\
                2,2024-03-01T00:00:00Z,2024-03-01 00:00:00,11:30:00,-3,false\n";

    let found = inspect("a.csv", text, &InspectOptions::default()).await;

    for column in &found.columns {
        assert_eq!(column.samples.len(), 2, "{column:?}");
        assert!(column.min.is_some() && column.max.is_some(), "{column:?}");
    }
    assert!(found.sample_rows.iter().flatten().all(Option::is_some), "{:?}", found.sample_rows);
    assert!(column(&found, "instant").samples[0].contains("08:00:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_size_ends_the_look_and_says_so() {
    let mut text = "id\n".to_owned();
    for id in 0..200_000 {
        writeln!(text, "{id}").unwrap();
    }
    let options = InspectOptions { sample_size: Some(100), ..InspectOptions::default() };

    let found = inspect("a.csv", text.clone(), &options).await;
    assert_eq!(found.rows_inspected, 100);
    assert!(!found.complete);
    assert_eq!(column(&found, "id").max.as_deref(), Some("99"));
    assert_eq!(column(&found, "id").distinct_count, Some(100));

    let all = inspect("a.csv", text, &InspectOptions::default()).await;
    assert_eq!(all.rows_inspected, 200_000);
    assert!(all.complete);
    assert_eq!(column(&all, "id").max.as_deref(), Some("199999"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_all_rows_is_complete() {
    for sample_size in [3, 4] {
        let options =
            InspectOptions { sample_size: Some(sample_size), ..InspectOptions::default() };
        let found = inspect("a.csv", "id\n1\n2\n3\n", &options).await;
        assert_eq!(found.rows_inspected, 3);
        assert!(found.complete, "{sample_size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_far_behind_the_sample_counts() {
    let mut text = "code\n".to_owned();
    for code in 0..300_000 {
        writeln!(text, "{}", 100_000 + code).unwrap();
    }
    text.push_str("00713\n");

    let found = inspect("a.csv", text, &InspectOptions::default()).await;

    let code = column(&found, "code");
    assert_eq!(code.column_type, "VARCHAR");
    assert!(code.reason.contains("record 300001 has `00713`"), "{}", code.reason);
    assert_eq!(code.distinct_count, Some(300_001));
    assert_eq!(code.min.as_deref(), Some("00713"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_json_is_described() {
    let text = "{\"id\": 1, \"who\": {\"name\": \"Ada\"}, \"tags\": [1, 2]}\n{\"id\": 2}\n";

    let found = inspect("a.ndjson", text, &InspectOptions::default()).await;

    let types: Vec<_> = found.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(types, ["BIGINT", "STRUCT(\"name\" VARCHAR)", "BIGINT[]"]);
    assert_eq!(column(&found, "who").null_count, Some(1));
    for nested in ["who", "tags"].map(|name| column(&found, name)) {
        assert_eq!((nested.distinct_count, &nested.min, &nested.max), (None, &None, &None));
    }
    assert_eq!(column(&found, "who").samples, ["{name: Ada}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_records_has_columns_and_no_rows() {
    let found = inspect("a.csv", "id,name\n", &InspectOptions::default()).await;

    assert_eq!(found.columns.len(), 2);
    assert_eq!(found.rows_inspected, 0);
    assert!(found.complete);
    assert!(found.sample_rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_file_tells_its_row_groups_and_its_plan() {
    let mut text = "id,instant\n".to_owned();
    for id in 0..30_000 {
        writeln!(text, "{id},2024-02-29T10:00:00Z").unwrap();
    }
    let scene = Scene::local();
    scene.put("a.csv", text).await;
    let options = writing(WriteOptions { row_group_rows: Some(10_240), ..WriteOptions::default() });
    let receipt = scene.convert("a.csv", &options).await.unwrap();

    let found = scene.inspect(OUTPUT, &InspectOptions::default()).await.unwrap();

    assert_eq!(found.source.format, "parquet");
    assert_eq!(found.rows_inspected, 30_000);
    let parquet = found.parquet.as_ref().expect("it is a Parquet file");
    assert_eq!(parquet.rows, 30_000);
    let rows: Vec<u64> = parquet.row_groups.iter().map(|group| group.rows).collect();
    assert_eq!(rows, [10_240, 10_240, 9520]);
    for group in &parquet.row_groups {
        assert_eq!(group.codecs, ["zstd"]);
        assert!(group.compressed_bytes > 0 && group.uncompressed_bytes > 0, "{group:?}");
    }
    assert_eq!(parquet.plan.as_ref(), Some(&receipt.plan));
    assert_eq!(column(&found, "id").column_type, "BIGINT");
    assert!(!column(&found, "id").nullable);
    assert_eq!(column(&found, "id").samples, ["0", "1", "2", "3", "4"]);
    assert_eq!(found.sample_rows[0].len(), 2);
    assert!(found.sample_rows[0][1].is_some(), "{:?}", found.sample_rows[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_converted_cannot_be_inspected() {
    let scene = Scene::local();
    scene.put("empty.csv", "").await;
    scene.put("cut.parquet", "PAR1").await;
    scene.put("binary.csv", &b"\x89PNG\r\n\x1a\n\0\0"[..]).await;
    for (name, kind) in [
        ("empty.csv", ErrorKind::InvalidData),
        ("cut.parquet", ErrorKind::InvalidData),
        ("binary.csv", ErrorKind::Unsupported),
        ("nowhere.csv", ErrorKind::NotFound),
    ] {
        let error = scene.inspect(name, &InspectOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_a_wide_table_has_its_statistics() {
    let names: Vec<String> = (0..100).map(|column| format!("c{column}")).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..50 {
        let cells: Vec<String> = (0..100)
            .map(|column| if row < column % 7 { String::new() } else { (row * column).to_string() })
            .collect();
        text.push_str(&(cells.join(",") + "\n"));
    }
    let scene = Scene::local();
    scene.put("a.csv", text).await;
    for sample_size in [None, Some(20)] {
        let options = InspectOptions { sample_size, ..InspectOptions::default() };
        let found = scene.inspect("a.csv", &options).await.unwrap();
        let rows = sample_size.unwrap_or(50);
        assert_eq!((found.rows_inspected, found.complete), (rows, sample_size.is_none()));
        for (column, number) in found.columns.iter().zip(0..) {
            assert_eq!(column.null_count, Some(number % 7), "{}", column.name);
            assert_eq!(column.max, Some((number * (rows - 1)).to_string()), "{}", column.name);
        }
    }
}
