//! JSON documents, and JSON by lines.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};
use tundra_core::{BadRowPolicy, ConvertOptions, Format, InspectOptions, TypePolicy};

use super::{
    run::{Done, Fault, POLICIES, convert, inspect, must},
    target::Target,
};

const WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\\"",
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\0",
    b"{}",
    b"[]",
    b"[[",
    b"]]",
    b"{\"a\":",
    b"\"a\"",
    b"\"id\":1",
    b",\"a\":1",
    b"null",
    b"true",
    b"1",
    b"-",
    b"0",
    b".",
    b"e",
    b"1e999",
    b"9007199254740993",
    b"18446744073709551616",
    b"-0.0",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\\u",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\"2024-01-01\"",
    b"},{",
    b"}{",
    b"}\n{",
    b"][",
    b"NaN",
    b"//",
];

const DOCUMENTS: Target = Target {
    name: "json",
    words: WORDS,
    inputs: 30,
    ways: POLICIES.len(),
    check: |bytes, way| check(bytes, way, Format::Json),
};

const LINES: Target = Target {
    name: "ndjson",
    words: WORDS,
    inputs: 30,
    ways: POLICIES.len(),
    check: |bytes, way| check(bytes, way, Format::Ndjson),
};

#[test]
fn json_of_the_corpus_is_converted_or_refused() {
    DOCUMENTS.replay();
}

#[test]
fn json_that_is_damaged_is_converted_or_refused() {
    DOCUMENTS.fuzz();
}

#[test]
fn ndjson_of_the_corpus_is_converted_or_refused() {
    LINES.replay();
}

#[test]
fn ndjson_that_is_damaged_is_converted_or_refused() {
    LINES.fuzz();
}

fn check(bytes: &[u8], way: usize, format: Format) -> Result<(), Fault> {
    let (on_bad_row, types) = POLICIES[way];
    let options =
        ConvertOptions { format: Some(format), on_bad_row, types, ..ConvertOptions::default() };
    let converted = convert(bytes, &options)?;
    let clean = converted.as_ref().ok().filter(|_| on_bad_row == BadRowPolicy::Fail);
    let options = InspectOptions { format: Some(format), types, ..InspectOptions::default() };
    inspect(bytes, &options, clean)?;
    let Some(done) = clean else { return Ok(()) };
    let is_utf8 =
        |done: &Done| done.receipt.plan.decisions.iter().any(|decision| decision.value == "UTF-8");
    if !is_utf8(done) {
        return Ok(());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for document in Deserializer::from_slice(bytes).into_iter::<IgnoredAny>() {
        must!(document.is_ok(), "converted, but no JSON: {document:?}");
    }
    if types == TypePolicy::Text
        && let Some(records) = records(bytes, format)
    {
        strings_are_kept(&records, done)?;
    }
    Ok(())
}

/// Returns the records, where another reader can read all of them and nobody doubts what they are.
fn records(bytes: &[u8], format: Format) -> Option<Vec<Value>> {
    match format {
        Format::Ndjson => {
            let lines = bytes.split(|&byte| byte == b'\n');
            let lines = lines.filter(|line| !line.trim_ascii().is_empty());
            lines.map(|line| serde_json::from_slice(line).ok()).collect()
        }
        _ => match serde_json::from_slice(bytes).ok()? {
            Value::Array(records) => Some(records),
            _ => None,
        },
    }
}

/// Checks that there are as many rows as records, and that strings, booleans and nulls are in their
/// columns.
fn strings_are_kept(records: &[Value], done: &Done) -> Result<(), Fault> {
    let rows = done.table.rows;
    must!(rows == records.len(), "{} records became {rows} rows", records.len());
    let columns = &done.receipt.plan.columns;
    let lower: Vec<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
    for (row, record) in records.iter().enumerate() {
        let Value::Object(fields) = record else { continue };
        for (name, value) in fields {
            // Other names are made unique, which is tested elsewhere.
            let like = name.to_lowercase();
            let is_plain = !name.trim().is_empty()
                && !name.contains('\0')
                && fields.keys().filter(|other| other.to_lowercase() == like).count() == 1
                && lower.iter().filter(|other| other.starts_with(&like)).count() == 1;
            let Some(column) = columns.iter().position(|column| column.name == *name) else {
                must!(!is_plain, "there is no column for {name:?}");
                continue;
            };
            let cell = done.table.text.get(&column).and_then(|cells| cells[row].as_deref());
            let expected = match value {
                _ if !is_plain => continue,
                Value::String(text) => Some(text.as_str()),
                Value::Bool(true) => Some("true"),
                Value::Bool(false) => Some("false"),
                Value::Null => None,
                _ => continue,
            };
            // A column of several kinds holds each value as JSON.
            let as_json = expected.is_some()
                && cell.is_some_and(|cell| {
                    serde_json::from_str::<Value>(cell).is_ok_and(|cell| cell == *value)
                });
            let null_as_json = expected.is_none() && cell == Some("null");
            must!(
                cell == expected || as_json || null_as_json,
                "{name:?} of record {row} is {value} and became {cell:?}"
            );
        }
    }
    Ok(())
}
