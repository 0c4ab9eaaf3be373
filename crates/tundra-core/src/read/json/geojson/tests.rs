//! Whole texts of GeoJSON, from their bytes to rows.

mod damaged;
mod features;
mod geometries;
mod policies;

use std::fmt::Write as _;

use arrow::array::{Array, AsArray};
use encoding_rs::UTF_8;
use serde_json::{Map, Value};

use super::GeoJsonTable;
use crate::{
    BadRowPolicy, ConvertOptions, DataError, Error, GeometryFacts,
    read::{
        chunk::DecodeError,
        json::harness::{as_json, text_source},
        table::Table,
    },
};

/// What was read of a text.
#[derive(Debug)]
struct Outcome {
    columns: Vec<String>,
    decisions: Vec<String>,
    facts: GeometryFacts,
    details: Value,
    rows: Vec<Value>,
    rejects: Vec<DataError>,
}

fn policy(on_bad_row: BadRowPolicy) -> ConvertOptions {
    ConvertOptions { on_bad_row, ..ConvertOptions::default() }
}

/// Opens a text of which the first `sample` bytes are looked at.
fn open(text: &[u8], sample: usize, options: &ConvertOptions) -> Result<GeoJsonTable, Error> {
    let (source, context) = text_source(text, UTF_8);
    let sample = &text[..sample.min(text.len())];
    GeoJsonTable::open(source, sample, sample.len() == text.len(), options, context)
}

/// Reads a text as a conversion does: when something contradicts the sample, all of it is looked at.
fn read_sampled(text: &[u8], sample: usize, options: &ConvertOptions) -> Result<Outcome, Error> {
    let mut table = open(text, sample, options)?;
    match rows(&table) {
        Err(DecodeError::Contradiction(_)) if !table.is_complete() => {
            table.infer_whole()?;
            match rows(&table) {
                Ok(outcome) => Ok(outcome),
                Err(error) => Err(failure(error)),
            }
        }
        Ok(outcome) => Ok(outcome),
        Err(error) => Err(failure(error)),
    }
}

fn failure(error: DecodeError) -> Error {
    match error {
        DecodeError::Other(error) => error,
        DecodeError::Data(source) => Error::Data { input: "x".to_owned(), source },
        DecodeError::Contradiction(error) => {
            Error::Internal(format!("everything was looked at, and still: {error}"))
        }
    }
}

fn rows(table: &GeoJsonTable) -> Result<Outcome, DecodeError> {
    let schema = table.schema();
    let field = schema.fields().iter().find(|field| GeometryFacts::of(field).is_some()).unwrap();
    let mut outcome = Outcome {
        columns: table
            .columns()
            .iter()
            .map(|column| format!("{} {}", column.name, column.column_type))
            .collect(),
        decisions: table
            .decisions()
            .iter()
            .map(|decision| format!("{}: {}", decision.what, decision.value))
            .collect(),
        facts: GeometryFacts::of(field).unwrap(),
        details: serde_json::from_str(&field.metadata()["tundra:geometry"]).unwrap(),
        rows: Vec::new(),
        rejects: Vec::new(),
    };
    for decoded in table.rows().unwrap() {
        let decoded = decoded?;
        assert_eq!(decoded.counted, decoded.decoded);
        assert_eq!(decoded.batch.schema(), schema);
        for row in 0..decoded.batch.num_rows() {
            let cells = schema.fields().iter().zip(decoded.batch.columns());
            let cells = cells.map(|(other, column)| {
                let value = match column.as_binary_view_opt() {
                    Some(_) if column.is_null(row) => Value::Null,
                    Some(values) if other == field => wkt(values.value(row)).into(),
                    _ => as_json(column, row),
                };
                (other.name().clone(), value)
            });
            outcome.rows.push(Value::Object(cells.collect::<Map<_, _>>()));
        }
        outcome.rejects.extend(decoded.rejects.into_iter().map(|reject| reject.error));
    }
    Ok(outcome)
}

/// Reads a text that fits whole into the sample.
fn read(text: &str) -> Outcome {
    read_sampled(text.as_bytes(), usize::MAX, &ConvertOptions::default()).unwrap()
}

/// Returns the one data error that reading a text ends with.
#[track_caller]
fn fails(text: &str) -> DataError {
    match read_sampled(text.as_bytes(), usize::MAX, &ConvertOptions::default()) {
        Err(Error::Data { source, .. }) => *source,
        other => panic!("no error about data: {other:?}"),
    }
}

fn feature(geometry: &str, properties: &str) -> String {
    format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}")
}

fn collection(features: &[String]) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", features.join(",\n"))
}

/// Returns Well-Known Binary as Well-Known Text. It shares nothing with the code that wrote it.
fn wkt(wkb: &[u8]) -> String {
    let mut text = String::new();
    let rest = put_geometry(wkb, &mut text);
    assert!(rest.is_empty(), "{} bytes are left over", rest.len());
    text
}

fn put_geometry<'a>(wkb: &'a [u8], text: &mut String) -> &'a [u8] {
    assert_eq!(wkb[0], 1, "little endian");
    let (code, rest) = number(&wkb[1..]);
    let names = [
        "POINT",
        "LINESTRING",
        "POLYGON",
        "MULTIPOINT",
        "MULTILINESTRING",
        "MULTIPOLYGON",
        "GEOMETRYCOLLECTION",
    ];
    text.push_str(names[code as usize % 1000 - 1]);
    let z = code > 1000;
    text.push_str(if z { " Z " } else { " " });
    match code % 1000 {
        1 => put_position(rest, z, text),
        2 => put_list(rest, text, |rest, text| put_position(rest, z, text)),
        3 => put_list(rest, text, |rest, text| {
            put_list(rest, text, |rest, text| put_position(rest, z, text))
        }),
        _ => put_list(rest, text, put_geometry),
    }
}

fn put_list<'a>(
    wkb: &'a [u8],
    text: &mut String,
    mut put: impl FnMut(&'a [u8], &mut String) -> &'a [u8],
) -> &'a [u8] {
    let (count, mut rest) = number(wkb);
    text.push('(');
    for index in 0..count {
        text.push_str(if index > 0 { "," } else { "" });
        rest = put(rest, text);
    }
    text.push(')');
    rest
}

fn put_position<'a>(wkb: &'a [u8], z: bool, text: &mut String) -> &'a [u8] {
    let (position, rest) = wkb.split_at(if z { 24 } else { 16 });
    for (index, bytes) in position.chunks(8).enumerate() {
        let value = f64::from_le_bytes(bytes.try_into().unwrap());
        write!(text, "{}{value}", if index > 0 { " " } else { "" }).unwrap();
    }
    rest
}

fn number(wkb: &[u8]) -> (u32, &[u8]) {
    let (bytes, rest) = wkb.split_at(4);
    (u32::from_le_bytes(bytes.try_into().unwrap()), rest)
}
