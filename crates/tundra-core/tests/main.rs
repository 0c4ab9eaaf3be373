//! The engine as an embedding program uses it: bytes in, Parquet and a receipt out. Every output is
//! read back with the `parquet` crate.

mod csv;
mod csv_bad_rows;
mod csv_dialect;
mod csv_structure;
mod csv_text;
mod csv_types;
mod diff;
mod encodings;
mod encrypted;
mod failure;
mod geojson;
mod hazards;
mod head;
mod inspect;
mod json;
mod json_hazards;
mod many;
mod other_formats;
mod packed;
mod parquet_in;
mod preview;
mod publishing;
mod query;
mod readers;
mod receipt;
mod schema;
mod several_files;
mod support;
mod workbooks;
mod writing;
