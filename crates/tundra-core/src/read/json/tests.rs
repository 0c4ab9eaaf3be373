//! Whole texts, from their bytes to rows.

mod documents;
mod flat;
mod policies;
mod values;

use serde_json::Value;

use crate::read::json::harness::Setup;

/// Checks the types and the rows of records that are lines, in chunks of any size.
#[track_caller]
fn check(text: &str, types: &str, rows: &[Value]) {
    for chunk_bytes in [1, 20, 100, 1 << 20] {
        let outcome = Setup::ndjson().chunks_of(chunk_bytes).read(text.as_bytes()).expect("reads");
        assert_eq!(outcome.types(), types, "{text}");
        assert_eq!(outcome.rows(), rows, "{text}");
    }
}

/// Returns the one data error that reading records that are lines ends with.
#[track_caller]
fn fails(text: &str) -> String {
    Setup::ndjson().read(text.as_bytes()).expect_err("fails").data().to_string()
}
