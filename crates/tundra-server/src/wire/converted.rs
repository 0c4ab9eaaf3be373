//! What a conversion came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A conversion that succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Converted {
    /// Always `true`.
    pub success: bool,
    /// What was made.
    pub metadata: Conversion,
}

/// What a conversion made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conversion {
    /// The number of the new version; missing where the output went to a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
    /// Rows that were written.
    pub rows: u64,
    /// Columns that were written.
    pub columns: u64,
    /// The columns.
    pub column_schema: ColumnSchema,
    /// The size of the output in MB, which are 1,048,576 bytes each, to a ten-thousandth.
    #[schema(example = 2.4)]
    pub file_size_mb: f64,
    /// How long it took, to the millisecond.
    #[schema(example = 1.8)]
    pub processing_time_seconds: f64,
    /// `file` or `database`.
    #[schema(example = "file")]
    pub source_type: String,
    /// What was read, when it was a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_info: Option<ConnectionInfo>,
    /// The size of the output in bytes.
    pub file_size_bytes: u64,
    /// Where the output is, without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The SHA-256 of the output, in hexadecimal; missing where an earlier request made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Records that were set aside because they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_rows: Option<u64>,
    /// What a person should look at: decisions that are not sure, and whatever was not kept as it was.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The columns of an output, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnSchema {
    /// The columns; none where they are not known any more.
    pub fields: Vec<SchemaField>,
}

/// A column of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaField {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "DOUBLE")]
    pub column_type: String,
    /// Whether it may hold nulls; every column of an output may.
    pub nullable: bool,
}

/// What was read of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionInfo {
    /// The kind of database.
    #[schema(example = "postgresql")]
    pub connector_type: String,
    /// The query; null where a table was read.
    pub query: Option<String>,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// Whether it was read in several streams at once.
    pub partitioned: bool,
    /// How the output is compressed.
    #[schema(example = "zstd")]
    pub compression: String,
    /// What it was read with: `native`, or `adbc` for a driver.
    #[schema(example = "native")]
    pub engine: String,
}

impl Conversion {
    /// Returns a size as the API shows it.
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is shown has four digits behind the point"
    )]
    pub(crate) fn megabytes(bytes: u64) -> f64 {
        rounded(bytes as f64 / f64::from(1 << 20), 10_000.0)
    }

    /// Returns a time as the API shows it.
    pub(crate) fn seconds(seconds: f64) -> f64 {
        rounded(seconds, 1000.0)
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_people_read_them() {
        assert_eq!(Conversion::megabytes(2_516_582), 2.4);
        assert_eq!(Conversion::megabytes(700), 0.0007);
        assert_eq!(Conversion::seconds(1.234_567), 1.235);
    }
}
