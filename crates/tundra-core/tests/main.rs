//! The engine as an embedding program uses it: bytes in, Parquet and a receipt out. Every output is
//! read back with the `parquet` crate.

mod csv;
mod csv_bad_rows;
mod csv_structure;
mod csv_text;
mod failure;
mod inspect;
mod json;
mod parquet_in;
mod receipt;
mod support;
