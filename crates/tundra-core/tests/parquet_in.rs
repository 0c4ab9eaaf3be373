//! Parquet as an input: what DuckDB reads and writes again is what was there, or it is refused.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
        Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray,
        RecordBatch, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
        TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
    },
    datatypes::{DataType, Field, Int64Type, i256},
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use tundra_core::{
    BadRowPolicy, Classify, ConvertOptions, Error, ErrorKind, IfExists, WriteOptions,
};

use crate::support::{OUTPUT, Scene, Table, convert, converted, reason, writing};

pub(crate) fn file(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// One column of each type that is kept, with the ends of its range and a null.
pub(crate) fn every_type() -> Bytes {
    let decimal = |values: Vec<Option<i128>>, precision, scale| {
        let array = Decimal128Array::from(values);
        Arc::new(array.with_precision_and_scale(precision, scale).unwrap()) as ArrayRef
    };
    let tags = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
    ]);
    let who = StructArray::from(vec![
        (
            Arc::new(Field::new("name", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("Ada"), None, Some("")])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("age", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![Some(36), Some(-1), None])) as ArrayRef,
        ),
    ]);
    let most = 10_i128.pow(38) - 1;
    file(vec![
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("i8", Arc::new(Int8Array::from(vec![Some(i8::MIN), Some(i8::MAX), None]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), Some(i16::MAX), None]))),
        ("i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), Some(i32::MAX), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]))),
        ("u8", Arc::new(UInt8Array::from(vec![Some(0), Some(u8::MAX), None]))),
        ("u16", Arc::new(UInt16Array::from(vec![Some(0), Some(u16::MAX), None]))),
        ("u32", Arc::new(UInt32Array::from(vec![Some(0), Some(u32::MAX), None]))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(0), Some(u64::MAX), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), Some(f32::INFINITY), None]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(-0.0), Some(f64::NAN), None]))),
        ("d4", decimal(vec![Some(-9999), Some(1), None], 4, 2)),
        ("d18", decimal(vec![Some(-1), Some(10_i128.pow(18) - 1), None], 18, 0)),
        ("d38", decimal(vec![Some(-most), Some(most), None], 38, 10)),
        ("text", Arc::new(StringArray::from(vec![Some("ä\"\n\0"), Some(""), None]))),
        ("raw", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), Some(b""), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), Some(19_782), None]))),
        (
            "clock",
            Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), None])),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(-1),
                Some(1_700_000_000_123_456),
                None,
            ])),
        ),
        (
            "nanos",
            Arc::new(TimestampNanosecondArray::from(vec![
                Some(1),
                Some(1_700_000_000_123_456_789),
                None,
            ])),
        ),
        (
            "instant",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(-1), Some(1_700_000_000_123_456), None])
                    .with_timezone("UTC"),
            ),
        ),
        ("tags", Arc::new(tags)),
        ("who", Arc::new(who)),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_out_as_it_went_in() {
    let bytes = every_type();
    let before = Table::read(bytes.clone());

    let done = converted("a.parquet", bytes).await;

    assert_eq!(done.table.names, before.names);
    assert_eq!(done.table.types, before.types);
    assert_eq!(done.table.rows, before.rows);
    let planned: Vec<_> =
        done.receipt.plan.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(planned, before.types);
    let nulls: Vec<_> = done.receipt.columns.iter().take(21).map(|column| column.nulls).collect();
    assert_eq!(nulls, [Some(1); 21]);
    let counts = done.receipt.counts;
    assert_eq!((counts.records, counts.decoded, counts.written), (3, 3, 3));
    assert_eq!(done.receipt.plan.source.format, "parquet");
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_over_many_row_groups() {
    let values: Vec<i64> = (0..400_000).rev().collect();
    let expected: Vec<String> = values.iter().map(i64::to_string).collect();
    let options = writing(WriteOptions { row_group_rows: Some(30_720), ..WriteOptions::default() });

    let bytes = file(vec![("n", Arc::new(Int64Array::from(values)))]);
    let done = convert("a.parquet", bytes, &options).await.unwrap();

    let cells: Vec<&str> = done.table.column("n").into_iter().flatten().collect();
    assert!(cells == expected, "the rows are in another order");
    assert!(done.table.row_groups().len() >= 14, "{:?}", done.table.row_groups());
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_renamed_and_cast() {
    let bytes = file(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("n", Arc::new(Int64Array::from(vec![Some(5), None, Some(-7)]))),
    ]);
    let options = ConvertOptions {
        column_mapping: vec![("id".to_owned(), "the \"key\"".to_owned())],
        type_overrides: vec![("n".to_owned(), "SMALLINT".parse().unwrap())],
        skip_rows: [1].into(),
        ..ConvertOptions::default()
    };

    let done = convert("a.parquet", bytes, &options).await.unwrap();

    assert_eq!(done.table.names, ["the \"key\"", "n"]);
    assert_eq!(done.table.types, ["BIGINT", "SMALLINT"]);
    assert_eq!(done.table.rows.len(), 2);
    assert_eq!(done.table.row(0), [Some("1"), Some("5")]);
    assert_eq!(done.table.row(1), [Some("3"), Some("-7")]);
    assert_eq!(done.receipt.counts.skipped, 1);
    assert_eq!(reason(&done.receipt, "n"), "given");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cast_that_would_change_a_value_fails() {
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.5]));
    let large: ArrayRef = Arc::new(Int64Array::from(vec![1, 70_000]));
    for (column, kind) in [(doubles, "BIGINT"), (large, "SMALLINT")] {
        let scene = Scene::local();
        scene.put("a.parquet", file(vec![("v", column)])).await;
        let options = ConvertOptions {
            type_overrides: vec![("v".to_owned(), kind.parse().unwrap())],
            ..ConvertOptions::default()
        };
        let error = scene.convert("a.parquet", &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{kind}: {error:?}");
        assert_eq!(scene.names().await, ["a.parquet"], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_wider_than_duckdb_has_are_refused_rather_than_rounded() {
    let wide = Decimal256Array::from(vec![Some(i256::from_i128(i128::MAX))]);
    let wide: ArrayRef = Arc::new(wide.with_precision_and_scale(45, 2).unwrap());
    let scene = Scene::local();
    scene.put("a.parquet", file(vec![("amount", wide)])).await;

    let error = scene.convert("a.parquet", &ConvertOptions::default()).await.unwrap_err();

    assert!(
        matches!(&error, Error::Unconvertible { column, found, .. }
            if column == "amount" && found == "DECIMAL(45,2)"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(scene.names().await, ["a.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_file_that_is_cut_off_is_named_as_such() {
    let whole = every_type();
    for length in [4, 11, whole.len() / 2, whole.len() - 1] {
        let scene = Scene::local();
        scene.put("a.parquet", whole.slice(..length)).await;

        let error = scene.convert("a.parquet", &ConvertOptions::default()).await.unwrap_err();

        assert!(matches!(error, Error::BadParquet { .. }), "{length}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(scene.names().await, ["a.parquet"], "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_never_an_output() {
    let mut bytes = every_type().to_vec();
    // The footer stays whole.
    for byte in &mut bytes[8..200] {
        *byte ^= 0xa5;
    }
    let scene = Scene::local();
    scene.put("a.parquet", bytes).await;

    let error = scene.convert("a.parquet", &ConvertOptions::default()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert_eq!(scene.names().await, ["a.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rows_keeps_its_columns() {
    let bytes = file(vec![
        ("id", Arc::new(Int64Array::from(Vec::<i64>::new()))),
        ("name", Arc::new(StringArray::from(Vec::<&str>::new()))),
    ]);

    let done = converted("a.parquet", bytes).await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    assert!(done.table.rows.is_empty());
    assert_eq!(done.scene.names().await, ["a.parquet", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_for_bad_records_makes_no_sense() {
    let bytes = file(vec![("id", Arc::new(Int64Array::from(vec![1])))]);
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };

    let error = convert("a.parquet", bytes, &options).await.err().unwrap();

    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tundra_wrote_is_read_again() {
    let first = converted("a.csv", "id,name\n1,a\n2,\n").await;
    let bytes = first.scene.get(OUTPUT).await;

    let second = converted("b.parquet", bytes).await;

    assert_eq!(second.table.types, first.table.types);
    assert_eq!(second.table.rows, first.table.rows);
    assert_ne!(second.receipt.plan_digest, first.receipt.plan_digest);
}

/// Row groups of other sizes than those of the output are cut and put together where that has one outcome.
#[tokio::test(flavor = "multi_thread")]
async fn row_groups_of_any_sizes_become_the_same_bytes_each_time() {
    let rows: Vec<i64> = (0..600_000).map(|n| n * 7919 % 10_007).collect();
    for (sizes, options) in [
        (&[50_000, 130_000, 99_999, 70_001][..], WriteOptions::default()),
        (&[100_001], WriteOptions::default()),
        (&[122_880], WriteOptions { row_group_rows: Some(50_000), ..WriteOptions::default() }),
        (&[65_536], WriteOptions { row_group_bytes: Some(1 << 20), ..WriteOptions::default() }),
    ] {
        let batch = |rows: &[i64]| {
            let column = Arc::new(Int64Array::from(rows.to_vec())) as ArrayRef;
            RecordBatch::try_from_iter([("n", column)]).unwrap()
        };
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch(&[]).schema(), None).unwrap();
        let mut rest = &rows[..];
        for size in sizes.iter().cycle() {
            let (group, behind) = rest.split_at((*size).min(rest.len()));
            writer.write(&batch(group)).unwrap();
            writer.flush().unwrap();
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        writer.close().unwrap();
        let scene = Scene { if_exists: IfExists::Replace, ..Scene::memory() };
        scene.put("a.parquet", bytes).await;
        let mut digests = Vec::new();
        for _ in 0..4 {
            let receipt = scene.convert("a.parquet", &writing(options.clone())).await.unwrap();
            digests.push(receipt.outputs[0].sha256.clone());
        }
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{sizes:?}: {digests:?}");
    }
}
