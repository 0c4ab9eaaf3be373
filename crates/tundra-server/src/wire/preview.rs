//! The first rows of a version, as JSON or as an Arrow stream.
//!
//! # Values as JSON
//! No value is changed by the way it is written, so that some are texts that another service would write as
//! numbers. What a value is, its column's `type` says.
//!
//! | type | JSON |
//! | --- | --- |
//! | `BOOLEAN` | `true`, `false` |
//! | integers to 32 bits | a number |
//! | `BIGINT`, `UBIGINT` | a number from -(2^53-1) to 2^53-1, where every reader of JSON keeps it; otherwise a text of its digits |
//! | `FLOAT`, `DOUBLE` | the shortest number that reads back the same; `"NaN"`, `"Infinity"` and `"-Infinity"` |
//! | `DECIMAL(p,s)` | a text with all `s` digits behind the point |
//! | `VARCHAR`, `UUID`, `JSON` | a text; JSON is not read, because that could change its numbers |
//! | `BLOB` | a text in base64, with padding |
//! | `DATE`, `TIME` | a text: `2026-01-02`, `03:04:05.678901` |
//! | `TIMESTAMP`, `TIMESTAMP_NS` | a text without a zone: `2026-01-02T03:04:05.678901` |
//! | `TIMESTAMPTZ` | a text in UTC: `2026-01-02T03:04:05.678901Z` |
//! | lists | an array |
//! | `STRUCT` | an object |
//! | maps | an array of objects with `key` and `value`, because a key need not be a text |
//!
//! A null is `null`. A moment beyond the years that calendars here reach is a text of its number.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{ColumnDocument, limit::limit};
use crate::Failure;

/// How many rows are answered when nothing is said, and at most.
const USUAL_ROWS: u64 = 100;
const MOST_ROWS: u64 = 10_000;

/// Which rows of a version are answered.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PreviewParameters {
    /// At most so many, from 1 to 10,000; 100 when nothing is said. They are fewer where the version has
    /// fewer, and where they are very wide.
    #[param(minimum = 1, maximum = 10_000)]
    pub limit: Option<u64>,
}

/// Which rows of a version are to be read, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewQuery {
    /// At most so many.
    pub limit: u64,
    /// In which form.
    pub form: PreviewForm,
}

/// In which form rows are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewForm {
    /// As JSON.
    Json,
    /// As a stream of Arrow.
    Arrow,
}

/// The first rows of a version, in the form that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preview {
    /// As JSON.
    Rows(PreviewRows),
    /// As a stream of Arrow, in base64.
    Arrow(String),
}

/// The first rows of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewRows {
    /// The source.
    pub source_id: String,
    /// The number of the version.
    pub version: u32,
    /// The columns, in their order.
    pub columns: Vec<ColumnDocument>,
    /// The rows, each an object with a field for each column.
    pub rows: JsonRows,
    /// How many rows these are.
    pub row_count: u64,
    /// How many rows the version has.
    pub total_rows: u64,
}

/// Rows as JSON that is written already: an array of objects.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<Object>)]
pub struct JsonRows(pub Box<RawValue>);

impl PreviewParameters {
    /// Returns how many rows are answered at most.
    ///
    /// # Errors
    /// When none or too many are asked for.
    pub fn rows(&self) -> Result<u64, Failure> {
        limit(self.limit, USUAL_ROWS, MOST_ROWS)
    }
}

impl PartialEq for JsonRows {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl fmt::Debug for JsonRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // They are somebody's data.
        write!(f, "JsonRows({} bytes)", self.0.get().len())
    }
}
