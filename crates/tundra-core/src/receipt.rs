//! The receipt: what a run read, decided and wrote, as a document that is kept.
//!
//! Start at [`Receipt`]. It is stored beside the data and returned by the API, so its form is
//! versioned by [`FORMAT_VERSION`]: fields are only ever added, a reader ignores those it does not
//! know, and a change of meaning is a new version. Samples of past versions are in
//! `tests/receipts/` and are read by the tests. A receipt never holds a credential.

mod inputs;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::inputs::{InputColumn, InputFacts, InputsFacts};

/// The version of the form that is written.
pub const FORMAT_VERSION: u32 = 1;

/// The key of the Parquet metadata under which the [`Plan`] stands.
pub const PLAN_METADATA_KEY: &str = "tundra.plan";

/// The key of the Parquet metadata under which the digest of the [`Plan`] stands.
pub const PLAN_DIGEST_METADATA_KEY: &str = "tundra.plan_digest";

/// What one run read, decided and wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this form.
    pub format_version: u32,
    /// The run.
    pub run: Uuid,
    /// What was decided before the first row was written.
    pub plan: Plan,
    /// The digest of [`Receipt::plan`] as it stands in the output's metadata.
    pub plan_digest: String,
    /// How many records went where.
    pub counts: Counts,
    /// What each column became; in the order of the output.
    pub columns: Vec<ColumnCounts>,
    /// What was not kept as it was, or was kept elsewhere.
    pub events: Vec<LossEvent>,
    /// What part of a table was read, when it was only what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowFacts>,
    /// The inputs that were read as one table, in order; empty where there was one input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFacts>,
    /// What was written.
    pub outputs: Vec<OutputFacts>,
    /// Seconds that the stages took.
    pub timings: Timings,
    /// The largest resident memory of the process, in bytes, where the system tells it.
    pub peak_memory_bytes: Option<u64>,
}

/// What was decided before the first row was written. It stands in the output's own metadata, so
/// it depends only on the input, the options and the versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of Tundra.
    pub tundra_version: String,
    /// The version of DuckDB.
    pub duckdb_version: String,
    /// What was read.
    pub source: SourceFacts,
    /// How the input is written, and why that was concluded.
    pub decisions: Vec<Decision>,
    /// The columns of the output.
    pub columns: Vec<ColumnPlan>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Its place as a person would write it, without credentials.
    pub location: String,
    /// Its format.
    pub format: String,
    /// Its size in bytes; 0 for a database, which has none.
    pub size_bytes: u64,
    /// The store's tag of its content.
    pub etag: Option<String>,
    /// What there is to know when it is a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseFacts>,
    /// What there is to know when it is several inputs; see also [`Receipt::inputs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<InputsFacts>,
}

/// A relation of a database, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// The product and its version, in its own words.
    pub server: String,
    /// The table or view, by the names that the database has for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The place in the server's log that the snapshot stands for, with its kind before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// In how many streams it was read.
    pub streams: u64,
    /// Why it was one connection, where the snapshot could not be shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single: Option<String>,
}

/// The part of a table that was read because it changed since an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowFacts {
    /// The column by which it is told; `xmin` for the transactions of PostgreSQL.
    pub column: String,
    /// Where the window before ended, behind which this one begins: its `until`, or a value of the column
    /// that somebody gave. `None` when everything was read.
    pub after: Option<String>,
    /// Where the next window begins. The connector's own text, to be handed back as it is: often the
    /// largest value under the snapshot, but with PostgreSQL also
    /// `xmin 1234 but 1236,1240; 2024-01-01 00:00:00`, up to a hundred kilobytes long. `None` when there is
    /// nothing to begin behind.
    pub until: Option<String>,
}

/// One thing that was decided about the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What about: `encoding`, `delimiter`, `quote`, `escape`, `newline`, `header`, ...
    pub what: String,
    /// What was decided.
    pub value: String,
    /// How sure that is, from 0 to 1; 1 for what was given.
    pub confidence: f64,
    /// Why.
    pub reason: String,
}

/// A column as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// The name in the output.
    pub name: String,
    /// The name in the input.
    pub source_name: String,
    /// The type, as [`crate::ColumnType`] prints it.
    #[serde(rename = "type")]
    pub column_type: String,
    /// How its values are written in the input, when that is not the usual way: by the signs of
    /// `strftime`, as a number format of spreadsheets, or as two words for yes and no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Why it has that type.
    pub reason: String,
}

/// How many records went where. `records = skipped + rejected + written`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that the pass over the bytes counted, on its own; of a database the rows that came.
    pub records: u64,
    /// Rows that a database says it sent; missing for files, and where its protocol does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Records that the reader decoded.
    pub decoded: u64,
    /// Records left out because the options name them, or because they are the header once more.
    pub skipped: u64,
    /// Records that went to the rejects.
    pub rejected: u64,
    /// Records that were made to fit; they are among those written.
    pub repaired: u64,
    /// Rows that the writer counted.
    pub written: u64,
    /// Lines of a text that belong to no record: what stands before the header and behind the table,
    /// and comments.
    #[serde(default)]
    pub left_out_lines: u64,
    /// Their bytes, as UTF-8.
    #[serde(default)]
    pub left_out_bytes: u64,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnCounts {
    /// The name in the output.
    pub name: String,
    /// Nulls that the reader produced; `None` where a Parquet input does not tell them.
    pub nulls: Option<u64>,
}

/// Something that was not kept as it was, or was kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossEvent {
    /// Its stable code.
    pub code: String,
    /// How often.
    pub count: u64,
    /// The first few.
    pub samples: Vec<EventSample>,
}

/// One occurrence of a [`LossEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSample {
    /// The record, counted from 1 behind the header.
    pub record: u64,
    /// The line, counted from 1; 0 for a record that is not there.
    pub line: u64,
    /// The offset of the record's first byte in the input.
    pub byte: u64,
    /// The column, when it is about one.
    pub column: Option<String>,
    /// The text, shortened.
    pub text: String,
}

/// One object that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFacts {
    /// What it is for: `data`, `rejects`.
    pub role: String,
    /// Its place as a person would write it, without credentials.
    pub location: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its rows.
    pub rows: u64,
    /// Its row groups; 0 where its format has none.
    pub row_groups: u64,
    /// Its format, when that is not Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Seconds that the stages took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Looking at the input.
    pub inspect_seconds: f64,
    /// Reading and writing.
    pub convert_seconds: f64,
    /// Comparing and publishing.
    pub publish_seconds: f64,
    /// All of it.
    pub total_seconds: f64,
}
