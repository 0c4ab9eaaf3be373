//! Outputs that are to be read by somebody: what is changed for them, what is told of it, and what is refused.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
        TimestampNanosecondArray, UInt64Array,
    },
    datatypes::{DataType, Field, Schema},
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use tundra_core::{
    Classify, ColumnType, Compression, ConvertOptions, ErrorKind, Format, OutputFormat, Reader,
    Receipt, Severity, WriteOptions,
};

use crate::support::{Done, OUTPUT, Scene, convert, reason, writing};

fn for_readers(readers: &[Reader]) -> ConvertOptions {
    writing(WriteOptions { readers: readers.to_vec(), ..WriteOptions::default() })
}

fn file(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    written(&batch)
}

fn written(batch: &RecordBatch) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

fn decisions<'a>(receipt: &'a Receipt, what: &str) -> Vec<&'a str> {
    let found = receipt.plan.decisions.iter().filter(|decision| decision.what == what);
    found.map(|decision| decision.value.as_str()).collect()
}

/// Checks that the output has no finding with which it would not do.
async fn passes(done: &Done, readers: &[Reader]) {
    let checked = done.scene.check(OUTPUT, readers).await.unwrap();
    let bad: Vec<_> = checked.bad().collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(checked.rows, done.table.rows.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_reader_nothing_is_changed() {
    let bytes = file(vec![("a b", Arc::new(UInt64Array::from(vec![u64::MAX])))]);
    let done = convert("a.parquet", bytes, &ConvertOptions::default()).await.unwrap();
    assert_eq!(done.table.types, ["UBIGINT"]);
    assert_eq!(done.table.names, ["a b"]);
    assert!(decisions(&done.receipt, "readers").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_written_as_types_and_names_that_the_reader_takes() {
    let text = "order no,at,count\n1,09:30:00,18446744073709551615\n2,,7\n";
    let readers = [Reader::BigQuery];
    let done = convert("a.csv", text, &for_readers(&readers)).await.unwrap();

    assert_eq!(done.table.names, ["order_no", "at", "count"]);
    assert_eq!(done.table.types, ["BIGINT", "VARCHAR", "DECIMAL(20,0)"]);
    assert_eq!(done.table.column("at"), [Some("09:30:00"), None]);
    assert_eq!(done.table.column("count"), [Some("18446744073709551615"), Some("7")]);
    passes(&done, &readers).await;
    let receipt = &done.receipt;
    assert_eq!(decisions(receipt, "readers"), ["bigquery"]);
    assert_eq!(decisions(receipt, "name"), ["`order no` -> `order_no`"]);
    assert_eq!(
        decisions(receipt, "type"),
        ["`at`: TIME(MICROS) -> STRING", "`count`: UINT_64 -> DECIMAL(20,0)"]
    );
    assert_eq!(receipt.plan.columns[0].source_name, "order no");
    assert_eq!(receipt.plan.columns[2].column_type, "DECIMAL(20,0)");
    assert!(reason(receipt, "count").ends_with("as DECIMAL(20,0) for BigQuery"));
    assert_eq!(receipt.columns[1].nulls, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_is_changed_where_it_stands() {
    let text = r#"[{"a": {"u": 18446744073709551615, "t": ["09:30:00", null]}}, {"a": null}]"#;
    let options = for_readers(&[Reader::Athena, Reader::Spark]);
    let done = convert("a.json", text, &options).await.unwrap();
    assert_eq!(done.table.types, ["STRUCT(\"u\" DECIMAL(20,0), \"t\" VARCHAR[])"]);
    assert_eq!(
        done.table.rows[0][0].as_deref(),
        Some("{u: 18446744073709551615, t: [09:30:00, ]}")
    );
    assert_eq!(done.table.rows[1][0], None);
    passes(&done, &[Reader::Athena, Reader::Spark]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_readers_get_what_all_of_them_take() {
    let whole = vec![Some(1_700_000_000_123_000_000), None];
    let bytes = file(vec![("at", Arc::new(TimestampNanosecondArray::from(whole)))]);

    let options = for_readers(&[Reader::Spark]);
    let done = convert("a.parquet", bytes.clone(), &options).await.unwrap();
    assert_eq!(done.table.types, ["TIMESTAMP"]);
    assert_eq!(done.table.column("at"), [Some("2023-11-14T22:13:20.123"), None]);

    let readers = [Reader::Spark, Reader::Athena];
    let done = convert("a.parquet", bytes, &for_readers(&readers)).await.unwrap();
    assert_eq!(done.table.column("at"), [Some("2023-11-14T22:13:20.123"), None]);
    passes(&done, &readers).await;
    assert_eq!(decisions(&done.receipt, "readers"), ["spark, athena"]);
    assert_eq!(done.receipt.plan.columns[0].column_type, "TIMESTAMP_MS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_would_change_ends_the_run() {
    let fine = vec![Some(1_700_000_000_123_456_789)];
    let micros = vec![Some(1_700_000_000_123_456)];
    let instants = TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC");
    let columns: [(Reader, ArrayRef); 3] = [
        (Reader::Spark, Arc::new(TimestampNanosecondArray::from(fine))),
        (Reader::Athena, Arc::new(TimestampMicrosecondArray::from(micros))),
        (Reader::Athena, Arc::new(instants)),
    ];
    for (reader, column) in columns {
        let scene = Scene::local();
        scene.put("a.parquet", file(vec![("at", column)])).await;
        let error = scene.convert("a.parquet", &for_readers(&[reader])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
        assert!(format!("{error:?}").contains("2023-11-14 22:13:20"), "{error:?}");
        assert_eq!(scene.names().await, ["a.parquet"]);
        // The way out that is told.
        let options = ConvertOptions {
            type_overrides: vec![("at".to_owned(), ColumnType::Varchar)],
            ..for_readers(&[reader])
        };
        scene.convert("a.parquet", &options).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_not_changed() {
    let bytes = file(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let said = |options: ConvertOptions| ConvertOptions {
        writing: WriteOptions { readers: vec![Reader::BigQuery], ..options.writing.clone() },
        ..options
    };
    let rename = |new: &str| ConvertOptions {
        column_mapping: vec![("a".to_owned(), new.to_owned())],
        ..ConvertOptions::default()
    };
    let typed = |kind: &str| ConvertOptions {
        type_overrides: vec![("a".to_owned(), kind.parse().unwrap())],
        ..ConvertOptions::default()
    };
    let csv = ConvertOptions { output_format: OutputFormat::Csv, ..ConvertOptions::default() };
    for options in [rename("a b"), rename("_table_a"), typed("UBIGINT"), csv] {
        for (name, input) in [("a.parquet", bytes.clone()), ("a.csv", "a\n1\n".into())] {
            let error = convert(name, input, &said(options.clone())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
            assert!(!error.hints().is_empty(), "{error:?}");
        }
    }
    for options in [rename("a_b"), typed("DECIMAL(20,0)"), typed("VARCHAR")] {
        for (name, input) in [("a.parquet", bytes.clone()), ("a.csv", "a\n1\n".into())] {
            let done = convert(name, input, &said(options.clone())).await.unwrap();
            assert!(decisions(&done.receipt, "name").is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_with_a_name_that_is_refused_is_not_renamed() {
    let text = "{\"a\": {\"b c\": 1}}\n";
    let error = convert("a.ndjson", text, &for_readers(&[Reader::BigQuery])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.to_string().contains("`b c`"), "{error}");
    convert("a.ndjson", text, &for_readers(&[Reader::Spark])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_names_are_kept_apart_from_others() {
    let text = "a b,a_b,A.B,1st,é\n1,2,3,4,5\n";
    let readers = [Reader::BigQuery];
    for (name, bytes) in [
        ("a.csv", Bytes::from(text)),
        ("a.parquet", {
            let names = ["a b", "a_b", "A.B", "1st", "é"];
            let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
            let column = |n: &&str| Arc::new(StringArray::from(vec![*n])) as ArrayRef;
            let columns = ["1", "2", "3", "4", "5"].iter().map(column).collect();
            let schema = Arc::new(Schema::new(fields.to_vec()));
            written(&RecordBatch::try_new(schema, columns).unwrap())
        }),
    ] {
        let done = convert(name, bytes, &for_readers(&readers)).await.unwrap();
        assert_eq!(done.table.names, ["a_b_1", "a_b", "A_B_2", "_1st", "_"], "{name}");
        assert_eq!(
            done.table.row(0),
            [Some("1"), Some("2"), Some("3"), Some("4"), Some("5")],
            "{name}"
        );
        assert_eq!(decisions(&done.receipt, "name").len(), 4);
        passes(&done, &readers).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_beyond_the_range_is_found_before_anybody_sees_the_output() {
    let scene = Scene::local();
    // 12000-01-01.
    let days = Date32Array::from(vec![Some(0), Some(3_663_382)]);
    scene.put("a.parquet", file(vec![("day", Arc::new(days))])).await;

    let error = scene.convert("a.parquet", &for_readers(&[Reader::BigQuery])).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.to_string().contains("12000-01-01"), "{error}");
    assert_eq!(scene.names().await, ["a.parquet"]);
    scene.convert("a.parquet", &for_readers(&[Reader::Polars])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_integers_beside_nulls_are_told_to_pandas() {
    let scene = Scene::memory();
    let large = (1 << 53) + 1;
    for (name, values) in [
        ("beside", vec![Some(large), None]),
        ("alone", vec![Some(large)]),
        ("small", vec![Some(7), None]),
    ] {
        scene.put(name, file(vec![("n", Arc::new(Int64Array::from(values)))])).await;
        let found = scene.check(name, &[Reader::Pandas]).await.unwrap().findings;
        let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
        let expected: &[_] = if name == "beside" { &[Severity::Loses] } else { &[] };
        assert_eq!(severities, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_integers_are_judged_by_their_values_where_they_are_known() {
    let scene = Scene::memory();
    for (name, value, expected) in [("large", u64::MAX, 2), ("small", 7, 0)] {
        let values = UInt64Array::from(vec![Some(value), None]);
        scene.put(name, file(vec![("n", Arc::new(values))])).await;
        let readers = [Reader::BigQuery, Reader::Snowflake, Reader::Spark];
        let checked = scene.check(name, &readers).await.unwrap();
        assert_eq!(checked.bad().count(), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_of_all_readers_unless_some_are_named() {
    let scene = Scene::memory();
    scene.put("a.parquet", file(vec![("a b", Arc::new(Int64Array::from(vec![1])))])).await;
    let all = scene.check("a.parquet", &[]).await.unwrap();
    assert_eq!(all.readers, Reader::ALL);
    assert_eq!((all.columns, all.rows), (1, 1));
    let twice = [Reader::Pandas, Reader::BigQuery, Reader::Pandas];
    let some = scene.check("a.parquet", &twice).await.unwrap();
    assert_eq!(some.readers, [Reader::BigQuery, Reader::Pandas]);
    let found: Vec<_> = some.findings.iter().map(|it| (it.reader, it.what.as_str())).collect();
    assert_eq!(found, [(Reader::BigQuery, "name")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_parquet_is_not_checked() {
    let scene = Scene::memory();
    scene.put("a.csv", "a\n1\n").await;
    let error = scene.check("a.csv", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
    assert!(error.to_string().contains(Format::Csv.name()), "{error}");
    let damaged = file(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    scene.put("b.parquet", damaged.slice(..damaged.len() - 9)).await;
    let error = scene.check("b.parquet", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_that_is_written_does_for_every_reader_or_is_refused() {
    for name in Compression::NAMES {
        for reader in Reader::ALL {
            let compression = name.parse().unwrap();
            let readers = vec![reader];
            let options = writing(WriteOptions { compression, readers, ..WriteOptions::default() });
            // The reader of the tests does not know all codecs.
            let scene = Scene::memory();
            scene.put("a.csv", "a\n1\n").await;
            match scene.convert("a.csv", &options).await {
                Ok(_) => {
                    let checked = scene.check(OUTPUT, &[reader]).await.unwrap();
                    let bad: Vec<_> = checked.bad().collect();
                    assert!(bad.is_empty(), "{bad:?}");
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}"),
            }
        }
    }
}
