//! Parquet, which DuckDB reads.

use std::panic::catch_unwind;

use tundra_core::{ConvertOptions, Format, InspectOptions};

use super::{
    run::{Fault, Table, convert, inspect, must},
    target::Target,
};

const TARGET: Target = Target {
    name: "parquet",
    words: &[
        b"PAR1",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\0",
        b"\x15\x00",
        b"\x15\x02",
        b"\x19\x1c",
        b"\x15\xff\xff\xff\xff\x0f",
        b"\x80\x80\x80\x80\x08",
        b"\x7f",
        b"\x1c",
        b"\x2c",
        b"\x18\x01a",
    ],
    inputs: 60,
    ways: 1,
    check,
};

#[test]
fn parquet_of_the_corpus_is_converted_or_refused() {
    TARGET.replay();
}

#[test]
fn parquet_that_is_damaged_is_converted_or_refused() {
    TARGET.fuzz();
}

fn check(bytes: &[u8], _way: usize) -> Result<(), Fault> {
    let format = Some(Format::Parquet);
    let options = ConvertOptions { format, ..ConvertOptions::default() };
    let converted = convert(bytes, &options)?;
    let options = InspectOptions { format, ..InspectOptions::default() };
    inspect(bytes, &options, converted.as_ref().ok())?;
    let Ok(done) = converted else { return Ok(()) };
    // The `parquet` crate knows fewer codecs than DuckDB, and may fail on what is damaged.
    let input = bytes.to_vec().into();
    if let Ok(Ok(table)) = catch_unwind(|| Table::read(input)) {
        let (read, written) = (table.rows, done.table.rows);
        must!(read == written, "of {read} rows {written} were written");
    }
    Ok(())
}
