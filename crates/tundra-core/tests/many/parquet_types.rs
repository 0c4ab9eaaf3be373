//! The types of the columns of several Parquet inputs: equal ones stay, others become one that holds both, and
//! what would lose something is refused.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
        Float64Array, Int8Array, Int32Array, Int64Array, ListArray, NullArray, StringArray,
        TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt8Array,
        UInt32Array, UInt64Array,
    },
    datatypes::{DataType, Field, Int32Type, Int64Type, TimeUnit},
};
use bytes::Bytes;
use parquet::{
    basic::{ConvertedType, LogicalType},
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use tundra_core::{
    BadFilePolicy, Classify, ConvertOptions, Error, ErrorKind, ManyInputs, Receipt, TypePolicy,
};

use super::parquet::{converted, numbers};
use crate::{
    parquet_in::{every_type, file},
    support::{Table, reason},
};

fn array<T: arrow::array::Array + 'static>(array: T) -> ArrayRef {
    Arc::new(array)
}

fn text(value: &str) -> ArrayRef {
    array(StringArray::from(vec![value]))
}

fn decimal(value: i128, precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::from(vec![value]);
    Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
}

async fn both(
    one: &ArrayRef,
    other: &ArrayRef,
    options: &ConvertOptions,
) -> Result<(Receipt, Table), Error> {
    let files = [
        ("a.parquet", file(vec![("x", Arc::clone(one))])),
        ("b.parquet", file(vec![("x", Arc::clone(other))])),
    ];
    converted(&files, options, |inputs| inputs).await
}

fn given(kind: &str) -> ConvertOptions {
    let type_overrides = vec![("x".to_owned(), kind.parse().unwrap())];
    ConvertOptions { type_overrides, ..ConvertOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_types_come_out_as_they_went_in() {
    let bytes = every_type();
    let before = Table::read(bytes.clone());
    let files = [("a.parquet", bytes.clone()), ("b.parquet", bytes)];
    let (receipt, table) =
        converted(&files, &ConvertOptions::default(), |inputs| inputs).await.unwrap();
    assert_eq!((&table.names, &table.types), (&before.names, &before.types));
    assert_eq!(table.rows[..3], before.rows[..]);
    assert_eq!(table.rows[3..], before.rows[..]);
    assert_eq!(receipt.columns[0].nulls, Some(2));
    let planned: Vec<_> =
        receipt.plan.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(planned, before.types);
}

/// A file with a column of each logical type that Arrow does not have.
fn logical() -> Bytes {
    let schema = "message m {
        required fixed_len_byte_array(16) u (UUID);
        required byte_array j (JSON);
        required byte_array e (ENUM);
        required fixed_len_byte_array(12) i (INTERVAL);
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let uuid = FixedLenByteArray::from((0..16).collect::<Vec<u8>>());
    column.typed::<FixedLenByteArrayType>().write_batch(&[uuid], None, None).unwrap();
    column.close().unwrap();
    for value in ["{\"a\": 1}", "red"] {
        let mut column = group.next_column().unwrap().unwrap();
        let value = ByteArray::from(value);
        column.typed::<ByteArrayType>().write_batch(&[value], None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    let interval = FixedLenByteArray::from([14, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0].to_vec());
    column.typed::<FixedLenByteArrayType>().write_batch(&[interval], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_arrow_does_not_have_stay_as_well() {
    let files = [
        ("a.parquet", logical()),
        ("b.parquet", file(vec![("n", numbers([1]))])),
        ("c.parquet", logical()),
    ];
    let (receipt, table) =
        converted(&files, &ConvertOptions::default(), |inputs| inputs).await.unwrap();
    let schema = table.metadata.file_metadata().schema_descr();
    let of = |at: usize| schema.column(at).logical_type_ref().cloned();
    assert_eq!(of(0), Some(LogicalType::Uuid));
    assert_eq!(of(1), Some(LogicalType::Json));
    assert_eq!(schema.column(2).converted_type(), ConvertedType::UTF8);
    assert_eq!(schema.column(3).converted_type(), ConvertedType::INTERVAL);
    assert_eq!(table.column("j"), [Some("{\"a\": 1}"), None, Some("{\"a\": 1}")]);
    let planned: Vec<_> =
        receipt.plan.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(planned, ["UUID", "JSON", "VARCHAR", "INTERVAL", "BIGINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_types_become_the_smallest_that_holds_both() {
    let most = 10_i128.pow(18) - 1;
    let cases: Vec<(ArrayRef, ArrayRef, &str, [&str; 2])> = vec![
        (
            array(Int8Array::from(vec![-128])),
            array(Int32Array::from(vec![i32::MAX])),
            "INTEGER",
            ["-128", "2147483647"],
        ),
        (
            array(UInt8Array::from(vec![255])),
            array(Int8Array::from(vec![-128])),
            "SMALLINT",
            ["255", "-128"],
        ),
        (
            array(UInt32Array::from(vec![u32::MAX])),
            array(Int32Array::from(vec![i32::MIN])),
            "BIGINT",
            ["4294967295", "-2147483648"],
        ),
        (
            array(UInt64Array::from(vec![u64::MAX])),
            numbers([i64::MIN]),
            "DECIMAL(20,0)",
            ["18446744073709551615", "-9223372036854775808"],
        ),
        (
            decimal(most, 18, 4),
            numbers([i64::MAX]),
            "DECIMAL(23,4)",
            ["99999999999999.9999", "9223372036854775807.0000"],
        ),
        (decimal(-12, 4, 2), decimal(5, 5, 4), "DECIMAL(6,4)", ["-0.1200", "0.0005"]),
        (
            array(Int32Array::from(vec![i32::MAX])),
            array(Float64Array::from(vec![0.1])),
            "DOUBLE",
            ["2147483647.0", "0.1"],
        ),
        (
            array(Float32Array::from(vec![0.5])),
            array(Int32Array::from(vec![16_777_217])),
            "DOUBLE",
            ["0.5", "16777217.0"],
        ),
        (
            array(Float32Array::from(vec![f32::INFINITY])),
            array(Float64Array::from(vec![-0.0])),
            "DOUBLE",
            ["inf", "-0.0"],
        ),
        (
            array(Date32Array::from(vec![-1])),
            array(TimestampMicrosecondArray::from(vec![1])),
            "TIMESTAMP",
            ["1969-12-31T00:00:00", "1970-01-01T00:00:00.000001"],
        ),
        (
            array(TimestampMillisecondArray::from(vec![1])),
            array(TimestampMicrosecondArray::from(vec![1])),
            "TIMESTAMP",
            ["1970-01-01T00:00:00.001", "1970-01-01T00:00:00.000001"],
        ),
        (
            array(TimestampMicrosecondArray::from(vec![-1])),
            array(TimestampNanosecondArray::from(vec![1])),
            "TIMESTAMP_NS",
            ["1969-12-31T23:59:59.999999", "1970-01-01T00:00:00.000000001"],
        ),
        (
            array(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])])),
            array(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(i64::MAX)])])),
            "BIGINT[]",
            ["[1, ]", "[9223372036854775807]"],
        ),
    ];
    for (one, other, expected, values) in cases {
        for swapped in [false, true] {
            let (first, second) = if swapped { (&other, &one) } else { (&one, &other) };
            let (receipt, table) = both(first, second, &ConvertOptions::default()).await.unwrap();
            let mut cells: Vec<&str> = table.column("x").into_iter().flatten().collect();
            if swapped {
                cells.reverse();
            }
            assert_eq!((table.types[0].as_str(), &cells[..]), (expected, &values[..]));
            assert_eq!(receipt.plan.columns[0].column_type, expected);
            let reason = reason(&receipt, "x");
            if *one.data_type() != DataType::Timestamp(TimeUnit::Millisecond, None) {
                assert!(reason.contains("a.parquet`, "), "{reason}");
                assert!(reason.ends_with("the smallest type that holds all of them"), "{reason}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_values_takes_the_other_type() {
    let nothing = array(NullArray::new(1));
    for other in [
        text("a"),
        array(Date32Array::from(vec![1])),
        array(BooleanArray::from(vec![true])),
        array(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])])),
    ] {
        let (receipt, table) = both(&nothing, &other, &ConvertOptions::default()).await.unwrap();
        assert_eq!(table.column("x")[0], None);
        assert!(table.column("x")[1].is_some());
        assert_eq!(reason(&receipt, "x"), "as in the inputs");
    }
    let lists =
        array(ListArray::new_null(Arc::new(Field::new_list_field(DataType::Null, true)), 1));
    let texts =
        array(ListArray::new_null(Arc::new(Field::new_list_field(DataType::Utf8, true)), 1));
    let (_, table) = both(&lists, &texts, &ConvertOptions::default()).await.unwrap();
    assert_eq!((table.types[0].as_str(), table.rows.len()), ("VARCHAR[]", 2));
    let (_, table) = both(&nothing, &nothing, &ConvertOptions::default()).await.unwrap();
    assert_eq!((table.types[0].as_str(), table.rows.len()), ("INTEGER", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_lose_something_is_refused_and_can_be_text() {
    let uuid = FixedSizeBinaryArray::try_from_iter([[7_u8; 4]].into_iter()).unwrap();
    let cases: Vec<(ArrayRef, ArrayRef, [&str; 2])> = vec![
        (
            numbers([9_007_199_254_740_993]),
            array(Float64Array::from(vec![0.1])),
            ["9007199254740993", "0.1"],
        ),
        (text("a"), numbers([1]), ["a", "1"]),
        (array(BooleanArray::from(vec![true])), array(Int8Array::from(vec![1])), ["true", "1"]),
        (
            array(TimestampMicrosecondArray::from(vec![1])),
            array(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
            ["1970-01-01 00:00:00.000001", "1970-01-01 00:00:00.000001+00"],
        ),
        (decimal(1, 38, 0), decimal(1, 3, 2), ["1", "0.01"]),
        (text("a"), array(uuid), ["a", "\\x07\\x07\\x07\\x07"]),
    ];
    for (one, other, texts) in cases {
        let error = both(&one, &other, &ConvertOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        let said = error.to_string();
        for part in ["`x`", "a.parquet`", "b.parquet`"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(error.hints()[0].contains("--type 'x=VARCHAR'"), "{:?}", error.hints());
        assert!(both(&one, &other, &given("DATE")).await.is_err());

        let all_text = ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() };
        for options in [given("VARCHAR"), all_text] {
            let (receipt, table) = both(&one, &other, &options).await.unwrap();
            assert_eq!(table.column("x"), [Some(texts[0]), Some(texts[1])]);
            assert_eq!(table.types, ["VARCHAR"]);
            assert_eq!(reason(&receipt, "x"), "given");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_integers_become_doubles_where_that_is_given_and_loses_nothing() {
    let exact = numbers([9_007_199_254_740_992, -5]);
    let inexact = numbers([1, 9_007_199_254_740_993]);
    let least = array(UInt64Array::from(vec![u64::MAX]));
    let doubles = array(Float64Array::from(vec![Some(1e300), Some(f64::NAN), Some(0.1), None]));
    let error = both(&exact, &doubles, &ConvertOptions::default()).await.unwrap_err();
    assert!(error.hints()[0].contains("--type 'x=DOUBLE'"), "{:?}", error.hints());
    let (_, table) = both(&exact, &doubles, &given("DOUBLE")).await.unwrap();
    let expected = ["9007199254740992.0", "-5.0", "1e300", "NaN", "0.1"].map(Some);
    assert_eq!(table.column("x"), [&expected[..], &[None]].concat());
    for other in [&inexact, &least] {
        let error = both(&doubles, other, &given("DOUBLE")).await.unwrap_err();
        assert!(
            matches!(&error, Error::InInput { input, .. } if input.ends_with("b.parquet")),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_a_type_does_not_hold_fails_the_run() {
    let early = array(TimestampMicrosecondArray::from(vec![-10_000_000_000_000_000]));
    let nanos = array(TimestampNanosecondArray::from(vec![1]));
    let late = array(Date32Array::from(vec![200_000_000]));
    let micros = array(TimestampMicrosecondArray::from(vec![1]));
    let double = array(Float64Array::from(vec![2.5]));
    let small = array(Int32Array::from(vec![70_000]));
    let cases = [
        (&early, &nanos, ConvertOptions::default()),
        (&late, &micros, ConvertOptions::default()),
        (&double, &small, given("BIGINT")),
        (&small, &numbers([1]), given("SMALLINT")),
    ];
    for (one, other, options) in cases {
        let error = both(one, other, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
        assert!(
            matches!(&error, Error::InInput { input, .. } if input.ends_with("a.parquet")),
            "{error:?}"
        );
    }
    let files = [
        ("a.parquet", file(vec![("x", Arc::clone(&early))])),
        ("b.parquet", file(vec![("x", Arc::clone(&nanos))])),
    ];
    let rejecting = |inputs| ManyInputs { on_bad_file: BadFilePolicy::Reject, ..inputs };
    let (receipt, table) = converted(&files, &ConvertOptions::default(), rejecting).await.unwrap();
    assert!(receipt.inputs[0].left_out.as_deref().unwrap().contains("a.parquet"));
    assert_eq!((table.types[0].as_str(), table.rows.len()), ("TIMESTAMP_NS", 1));
    let (_, table) = both(&small, &numbers([1]), &given("INTEGER")).await.unwrap();
    assert_eq!(table.types, ["INTEGER"]);
    let unused = array(Int64Array::from(vec![Some(5), None]));
    let (_, table) = both(&small, &unused, &given("DOUBLE")).await.unwrap();
    assert_eq!(table.column("x"), [Some("70000.0"), Some("5.0"), None]);
}
