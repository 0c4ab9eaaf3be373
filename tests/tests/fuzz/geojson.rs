//! GeoJSON: features and geometries.

use tundra_core::{
    BadRowPolicy, ConvertOptions, Format, GeometryEncoding, GeometryOptions, InspectOptions,
};

use super::{
    run::{Fault, POLICIES, convert, inspect, must},
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
    b"\n",
    b"\x1e",
    b"[[",
    b"]]",
    b"[]",
    b"{}",
    b"null",
    b"0",
    b"-1.5",
    b"1e999",
    b"0.12345678901234567890",
    b"[1,2]",
    b"[1,2,3]",
    b"[1,2,3,4]",
    b"\"type\":",
    b"\"Feature\"",
    b"\"FeatureCollection\"",
    b"\"Point\"",
    b"\"Polygon\"",
    b"\"GeometryCollection\"",
    b"\"coordinates\":",
    b"\"geometries\":[",
    b"\"geometry\":",
    b"\"properties\":",
    b"\"id\":1,",
    b"\"crs\":null,",
    b"\"bbox\":[1,2,3,4],",
    b"\"features\":[",
    b"\xff",
    b"\xef\xbb\xbf",
];

const TARGET: Target =
    Target { name: "geojson", words: WORDS, inputs: 30, ways: POLICIES.len(), check };

#[test]
fn geojson_of_the_corpus_is_converted_or_refused() {
    TARGET.replay();
}

#[test]
fn geojson_that_is_damaged_is_converted_or_refused() {
    TARGET.fuzz();
}

fn check(bytes: &[u8], way: usize) -> Result<(), Fault> {
    let (on_bad_row, types) = POLICIES[way];
    let format = Some(Format::GeoJson);
    let geometry = match way % 2 {
        0 => GeometryOptions::default(),
        _ => GeometryOptions { encoding: GeometryEncoding::Native, hilbert: true },
    };
    let options =
        ConvertOptions { format, on_bad_row, types, geometry, ..ConvertOptions::default() };
    let converted = convert(bytes, &options)?;
    let clean = converted.as_ref().ok().filter(|_| on_bad_row == BadRowPolicy::Fail);
    let options = InspectOptions { format, types, ..InspectOptions::default() };
    inspect(bytes, &options, clean)?;
    let Some(done) = clean else { return Ok(()) };
    let columns = &done.receipt.plan.columns;
    must!(columns.iter().any(|it| it.column_type == "BLOB"), "there are no geometries");
    Ok(())
}
