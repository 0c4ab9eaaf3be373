//! What is found out about an input without converting it.
//!
//! Start at [`Inspection`], which is the same document for the command line and the API.

use serde::{Deserialize, Serialize};

use crate::{
    options::JsonHints,
    receipt::{Decision, Plan, SourceFacts},
    schema_file::TextForm,
};

/// What is known of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// What was looked at.
    pub source: SourceFacts,
    /// How the input is written, and why that was concluded. Empty for Parquet.
    pub decisions: Vec<Decision>,
    /// The same as hints, for a reader that is to decide the same again; `None` for Parquet.
    #[serde(default)]
    pub text: Option<TextForm>,
    /// Where in JSON the records were looked for; `None` for every other format.
    #[serde(default)]
    pub json: Option<JsonHints>,
    /// The columns, in order.
    pub columns: Vec<ColumnInspection>,
    /// Rows that the statistics are of.
    pub rows_inspected: u64,
    /// Whether those are all rows.
    pub complete: bool,
    /// The first rows, as text; `None` is a null.
    pub sample_rows: Vec<Vec<Option<String>>>,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
    /// What only a Parquet file has.
    pub parquet: Option<ParquetFacts>,
}

/// What is known of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnInspection {
    /// Its name.
    pub name: String,
    /// Its type, as [`crate::ColumnType`] prints it.
    #[serde(rename = "type")]
    pub column_type: String,
    /// How its values are written, when that is not the usual way; see
    /// [`crate::ColumnPlan::format`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Why it has that type.
    pub reason: String,
    /// Whether a null was seen.
    pub nullable: bool,
    /// Nulls that were seen; `None` when they were not counted.
    pub null_count: Option<u64>,
    /// Distinct values that were seen; `None` when they were not counted.
    pub distinct_count: Option<u64>,
    /// The smallest value in the order of the type, as text.
    pub min: Option<String>,
    /// The largest value in the order of the type, as text.
    pub max: Option<String>,
    /// A few values that differ, as text.
    pub samples: Vec<String>,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Its stable code.
    pub code: String,
    /// What it is, naming column and place.
    pub message: String,
}

/// What only a Parquet file has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParquetFacts {
    /// Who wrote it, as it says itself.
    pub created_by: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Row groups, in order.
    pub row_groups: Vec<RowGroupFacts>,
    /// Key-value metadata, shortened values included.
    pub metadata: Vec<(String, String)>,
    /// The plan, when Tundra wrote the file.
    pub plan: Option<Plan>,
}

/// A row group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowGroupFacts {
    /// Rows.
    pub rows: u64,
    /// Bytes as they are stored.
    pub compressed_bytes: u64,
    /// Bytes before compression.
    pub uncompressed_bytes: u64,
    /// The codecs of its columns, each once.
    pub codecs: Vec<String>,
}
