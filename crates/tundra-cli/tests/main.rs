//! Runs the real `tundra` in empty directories and looks at everything it leaves: exit code, output,
//! messages and files. What it writes is read back with the `parquet` crate, not with DuckDB.

mod support;

mod bad_input;
mod bad_output;
mod catalog;
mod catalog_kills;
mod clean;
mod completions;
mod convert;
mod databases;
mod diff;
mod doctor;
mod encryption;
mod environment;
mod errors;
mod garage;
mod head;
mod help;
mod inspect;
mod json;
mod keys;
mod ls;
mod many;
mod packed;
mod pipes;
mod presign;
mod query;
mod readers;
mod rejects;
mod schema;
mod serve;
mod several_files;
mod sheets;
mod signals;
mod terminal;
mod urls;
mod workbooks;
