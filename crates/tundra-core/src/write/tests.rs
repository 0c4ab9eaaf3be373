//! What is written, byte by byte, and what is refused.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
        Float32Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, ListArray, MapBuilder,
        RecordBatch, StringArray, StringBuilder, StructArray, Time64MicrosecondArray,
        TimestampMicrosecondArray, TimestampNanosecondArray,
    },
    datatypes::{DataType, Field, Int32Type},
    ipc::reader::FileReader,
};

use super::{RowWriter, Unwritable, recount::Recount, value::Special, value::cells};
use crate::OutputFormat;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

fn written_as(
    format: OutputFormat,
    batches: &[RecordBatch],
    specials: &[Special],
) -> Result<Vec<u8>, Unwritable> {
    let schema = batches[0].schema();
    let mut writer = RowWriter::new(format, &schema, specials.to_vec())?.unwrap();
    let mut out = Vec::new();
    for batch in batches {
        writer.write(batch, &mut out)?;
    }
    let rows = writer.finish(&mut out)?;
    assert_eq!(rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    let mut recount = Recount::new(format);
    // Torn anywhere, it counts the same.
    out.chunks(3).for_each(|part| recount.take(part));
    assert!(recount.records().is_none_or(|records| records == rows), "{recount:?}");
    Ok(out)
}

#[track_caller]
fn text(format: OutputFormat, batch: RecordBatch) -> String {
    String::from_utf8(written_as(format, &[batch], &[]).unwrap()).unwrap()
}

fn scalars() -> RecordBatch {
    batch(vec![
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("id", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("single", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("double", Arc::new(Float64Array::from(vec![Some(1e300), None]))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(-5), None])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None]))),
        ("clock", Arc::new(Time64MicrosecondArray::from(vec![Some(1), None]))),
        ("at", Arc::new(TimestampNanosecondArray::from(vec![Some(1), None]))),
        (
            "instant",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone("UTC")),
        ),
        ("bytes", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None]))),
    ])
}

#[test]
fn every_scalar_has_a_text_that_holds_it() {
    assert_eq!(
        text(OutputFormat::Csv, scalars()),
        "flag,id,single,double,price,day,clock,at,instant,bytes\n\
         true,-9223372036854775808,0.1,1e300,-0.05,1969-12-31,00:00:00.000001,\
         1970-01-01T00:00:00.000000001,1970-01-01T00:00:00.000001Z,00ff\n\
         ,,,,,,,,,\n"
    );
    assert_eq!(
        text(OutputFormat::Ndjson, scalars().slice(0, 1)),
        "{\"flag\":true,\"id\":-9223372036854775808,\"single\":0.1,\"double\":1e300,\
         \"price\":-0.05,\"day\":\"1969-12-31\",\"clock\":\"00:00:00.000001\",\
         \"at\":\"1970-01-01T00:00:00.000000001\",\"instant\":\"1970-01-01T00:00:00.000001Z\",\
         \"bytes\":\"00ff\"}\n"
    );
}

#[test]
fn nulls_and_empty_texts_stay_apart_and_texts_get_quotes_where_they_need_them() {
    let texts = [
        None,
        Some(""),
        Some("plain text"),
        Some("a,b"),
        Some("say \"x\""),
        Some("two\nlines"),
        Some("\r"),
        Some(" blank before"),
        Some("blank behind "),
        Some("# no comment"),
        Some("007"),
        Some("-1"),
        Some("größe"),
        Some("a;b"),
    ];
    let numbers = Int64Array::from_iter_values(0..texts.len() as i64);
    let batch = batch(vec![
        ("n", Arc::new(numbers)),
        ("a \"name\", quoted", Arc::new(StringArray::from(texts.to_vec()))),
    ]);
    assert_eq!(
        text(OutputFormat::Csv, batch),
        "n,\"a \"\"name\"\", quoted\"\n0,\n1,\"\"\n2,plain text\n3,\"a,b\"\n\
         4,\"say \"\"x\"\"\"\n5,\"two\nlines\"\n6,\"\r\"\n7,\" blank before\"\n\
         8,\"blank behind \"\n9,\"# no comment\"\n10,007\n11,-1\n12,größe\n13,\"a;b\"\n"
    );
}

#[test]
fn a_null_alone_in_its_line_is_refused() {
    let one = batch(vec![("a", Arc::new(StringArray::from(vec![Some("x"), None])))]);
    let refused = written_as(OutputFormat::Csv, std::slice::from_ref(&one), &[]).unwrap_err();
    assert!(refused.what.contains("blank"), "{refused:?}");
    assert_eq!(text(OutputFormat::Ndjson, one), "{\"a\":\"x\"}\n{\"a\":null}\n");
}

#[test]
fn json_is_an_array_or_lines() {
    let two = batch(vec![("a\"", Arc::new(StringArray::from(vec![Some("x\ny"), Some("\u{1}")])))]);
    assert_eq!(
        text(OutputFormat::Ndjson, two.clone()),
        "{\"a\\\"\":\"x\\ny\"}\n{\"a\\\"\":\"\\u0001\"}\n"
    );
    assert_eq!(
        text(OutputFormat::Json, two.clone()),
        "[\n{\"a\\\"\":\"x\\ny\"},\n{\"a\\\"\":\"\\u0001\"}\n]\n"
    );
    assert_eq!(text(OutputFormat::Json, two.slice(0, 0)), "[]\n");
    assert_eq!(text(OutputFormat::Ndjson, two.slice(0, 0)), "");
    assert_eq!(text(OutputFormat::Csv, two.slice(0, 0)), "\"a\"\"\"\n");
}

#[test]
fn what_is_no_number_is_one_in_delimited_text_only() {
    let odd = vec![Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(-0.0)];
    let odd = batch(vec![("x", Arc::new(Float64Array::from(odd)))]);
    assert_eq!(text(OutputFormat::Csv, odd.clone()), "x\nNaN\nInfinity\n-Infinity\n-0.0\n");
    let refused = written_as(OutputFormat::Ndjson, &[odd], &[]).unwrap_err();
    assert_eq!(refused.column, "x");
    assert!(refused.what.contains("NaN"), "{refused:?}");
}

fn nested() -> RecordBatch {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("b", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("x,\""), None, Some("")])) as ArrayRef,
    )]);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    maps.keys().append_value("k");
    maps.values().append_null();
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    maps.append(true).unwrap();
    batch(vec![
        ("list", Arc::new(lists)),
        ("struct", Arc::new(structs)),
        ("map", Arc::new(maps.finish())),
    ])
}

#[test]
fn nested_values_are_json() {
    assert_eq!(
        text(OutputFormat::Ndjson, nested()),
        "{\"list\":[1,null],\"struct\":{\"b\":\"x,\\\"\"},\"map\":[{\"key\":\"k\",\"value\":null}]}\n\
         {\"list\":null,\"struct\":{\"b\":null},\"map\":null}\n\
         {\"list\":[],\"struct\":{\"b\":\"\"},\"map\":[]}\n"
    );
    // Sliced, it is the same rows.
    assert_eq!(
        text(OutputFormat::Csv, nested().slice(2, 1)),
        "list,struct,map\n\"[]\",\"{\"\"b\"\":\"\"\"\"}\",\"[]\"\n"
    );
}

#[test]
fn json_stays_json_and_a_uuid_a_uuid() {
    let uuid = FixedSizeBinaryArray::try_from_iter([[0x11u8; 16]].into_iter()).unwrap();
    let row = batch(vec![
        ("j", Arc::new(StringArray::from(vec!["{\n\"a\": [1]}"]))),
        ("u", Arc::new(uuid)),
    ]);
    let specials = [Special::Json, Special::Uuid];
    let lines = written_as(OutputFormat::Ndjson, std::slice::from_ref(&row), &specials).unwrap();
    assert_eq!(
        String::from_utf8(lines).unwrap(),
        "{\"j\":{ \"a\": [1]},\"u\":\"11111111-1111-1111-1111-111111111111\"}\n"
    );
    let broken = batch(vec![("j", Arc::new(StringArray::from(vec!["{"])))]);
    let refused = written_as(OutputFormat::Ndjson, &[broken], &specials).unwrap_err();
    assert!(refused.what.contains("JSON"), "{refused:?}");
    assert_eq!(
        cells(&row, &specials),
        [[
            Some("{\n\"a\": [1]}".to_owned()),
            Some("11111111-1111-1111-1111-111111111111".to_owned())
        ]]
    );
}

#[test]
fn types_and_values_without_a_text_are_refused() {
    let spans = batch(vec![("span", Arc::new(IntervalMonthDayNanoArray::from(vec![None])))]);
    for format in [OutputFormat::Csv, OutputFormat::Json, OutputFormat::Ndjson] {
        let refused = written_as(format, std::slice::from_ref(&spans), &[]).unwrap_err();
        assert_eq!(refused.column, "span");
        assert!(refused.what.contains("Interval"), "{refused:?}");
    }
    let far = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![1]))),
        ("day", Arc::new(Date32Array::from(vec![i32::MAX]))),
    ]);
    let refused = written_as(OutputFormat::Csv, &[far], &[]).unwrap_err();
    assert_eq!(refused.column, "day");
}

#[test]
fn arrow_files_hold_the_same_batches() {
    let batches = [scalars(), scalars().slice(0, 1)];
    let file = written_as(OutputFormat::Arrow, &batches, &[]).unwrap();
    let read = FileReader::try_new(std::io::Cursor::new(file), None).unwrap();
    let read: Vec<RecordBatch> = read.map(Result::unwrap).collect();
    assert_eq!(read, batches);
}

#[test]
fn a_torn_output_has_another_count() {
    for (format, torn) in [
        (OutputFormat::Csv, "a\n1\n2"),
        (OutputFormat::Csv, "a\n1\n\"2\n"),
        (OutputFormat::Csv, "a\n1\n"),
        (OutputFormat::Ndjson, "{}\n"),
        (OutputFormat::Json, "[\n{},\n{}"),
    ] {
        let mut recount = Recount::new(format);
        recount.take(torn.as_bytes());
        assert_ne!(recount.records(), Some(2), "{torn:?}");
    }
}
