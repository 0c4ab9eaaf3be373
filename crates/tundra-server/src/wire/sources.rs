//! Sources and versions as the API shows them, by the names that the catalog of Tundra 4.0 has.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tundra_core::{
    SchemaDifference, Source, TableColumn, Version, VersionFacts, VersionNumber, VersionStatus,
};
use tundra_runs::VersionHistory;
use utoipa::{IntoParams, ToSchema};

use super::limit::limit;
use crate::Failure;

/// How many of a list are answered when nothing is said, and at most.
const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// Which part of a list is answered.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most so many, from 1 to 500; 50 when nothing is said.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// Only what comes behind a page: its `next_cursor`.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Returns how many are answered at most.
    ///
    /// # Errors
    /// When none or too many are asked for.
    pub fn page(&self) -> Result<usize, Failure> {
        limit(self.limit, USUAL_PAGE, LARGEST_PAGE)
    }
}

/// Sources, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourcePage {
    /// The sources.
    pub sources: Vec<SourceDocument>,
    /// What to ask for as `cursor` to get those behind; `null` when these are the last.
    pub next_cursor: Option<String>,
}

/// A named origin of one logical table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceDocument {
    /// The source, a UUID.
    pub id: String,
    /// The organisation that owns it.
    pub org_id: String,
    /// Its name; `null` where the catalog keeps none.
    pub name: Option<String>,
    /// What sort of thing it is: `file`, `database` or `api`.
    #[schema(example = "file")]
    pub source_type: String,
    /// What it is read with: a format or a kind of database; `auto` where that is found out.
    #[schema(example = "csv")]
    pub connector_type: String,
    /// Where it is read from, without credentials; `null` for what is uploaded.
    pub location: Option<String>,
    /// The version that readers see; `null` before the first.
    pub current_version: Option<u32>,
    /// The query by which a database was read last.
    pub extraction_query: Option<String>,
    /// What its next version may change: `any` or `no_breaking`.
    #[schema(example = "any")]
    pub schema_rule: String,
}

impl From<&Source> for SourceDocument {
    fn from(source: &Source) -> Self {
        Self {
            id: source.id.to_string(),
            org_id: source.tenant.to_string(),
            name: source.name.clone(),
            source_type: source.source_type.name().to_owned(),
            connector_type: source.connector_type.clone(),
            location: source.location.clone(),
            current_version: source.current_version.map(VersionNumber::get),
            extraction_query: source.extraction_query.clone(),
            schema_rule: source.schema_rule.name().to_owned(),
        }
    }
}

/// Versions of a source, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionPage {
    /// The source.
    pub source_id: String,
    /// The version that readers see; `null` before the first.
    pub current_version: Option<u32>,
    /// The versions.
    pub versions: Vec<VersionDocument>,
    /// What to ask for as `cursor` to get those behind; `null` when these are the last.
    pub next_cursor: Option<String>,
}

/// One output of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionDocument {
    /// The version, a UUID.
    pub id: String,
    /// The source.
    pub source_id: String,
    /// Its number; the first is 1.
    pub version: u32,
    /// Where it stands: `pending`, `active` or `error`.
    #[schema(example = "active")]
    pub status: String,
    /// Whether it is the one that readers see.
    pub is_current: bool,
    /// Rows; `null` until it is active.
    pub row_count: Option<u64>,
    /// Columns; `null` until it is active.
    pub column_count: Option<u64>,
    /// Size of the Parquet, in bytes; `null` until it is active.
    pub file_size_bytes: Option<u64>,
    /// From its reservation to its publication; `null` until it is active.
    pub processing_time_seconds: Option<f64>,
    /// The SHA-256 of its receipt, in hexadecimal; `null` where the catalog does not keep it.
    pub receipt_sha256: Option<String>,
    /// Its columns; `null` where the catalog does not keep them.
    pub schema: Option<Vec<ColumnDocument>>,
    /// Why it ended without data.
    pub error_message: Option<String>,
    /// When it was reserved, in RFC 3339.
    #[schema(example = "2026-01-02T03:04:05.678901Z")]
    pub created_at: String,
    /// How its columns differ from those of the active version before it, what breaks readers first;
    /// `null` where there is none, where it is not active, and where it was not compared.
    pub differences: Option<Vec<DifferenceDocument>>,
}

/// A column of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnDocument {
    /// Its name.
    pub name: String,
    /// Its type, such as `BIGINT` or `DECIMAL(10,2)`.
    #[serde(rename = "type")]
    #[schema(example = "BIGINT")]
    pub column_type: String,
}

/// How a column differs from the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceDocument {
    /// The column.
    pub column: String,
    /// What became of it: `removed`, `breaking`, `widened` or `added`.
    #[schema(example = "widened")]
    pub change: String,
    /// Its type before; `null` when it was added.
    pub from: Option<String>,
    /// Its type now; `null` when it was removed.
    pub to: Option<String>,
}

impl VersionDocument {
    /// Returns a version as the API shows it, not compared.
    pub fn of(version: &Version, current: Option<VersionNumber>) -> Self {
        let facts: Option<&VersionFacts> = version.facts.as_ref();
        let schema = facts.and_then(|facts| facts.schema.as_ref());
        let is_active = version.status == VersionStatus::Active;
        Self {
            id: version.id.to_string(),
            source_id: version.source.to_string(),
            version: version.number.get(),
            status: version.status.name().to_owned(),
            is_current: is_active && current == Some(version.number),
            row_count: facts.map(|facts| facts.rows),
            column_count: facts.map(|facts| facts.columns),
            file_size_bytes: facts.map(|facts| facts.size_bytes),
            processing_time_seconds: facts.map(|facts| facts.seconds),
            receipt_sha256: facts.and_then(|facts| facts.receipt_sha256.clone()),
            schema: schema.map(|schema| schema.columns.iter().map(ColumnDocument::from).collect()),
            error_message: version.error_message.clone(),
            created_at: moment(version.created_at),
            differences: None,
        }
    }

    /// Returns a version as the API shows it, with what changed with it.
    pub fn compared(history: &VersionHistory, current: Option<VersionNumber>) -> Self {
        let differences = history.differences.as_ref();
        Self {
            differences: differences
                .map(|differences| differences.iter().map(DifferenceDocument::from).collect()),
            ..Self::of(&history.version, current)
        }
    }
}

impl From<&TableColumn> for ColumnDocument {
    fn from(column: &TableColumn) -> Self {
        Self { name: column.name.clone(), column_type: column.column_type.clone() }
    }
}

impl From<&SchemaDifference> for DifferenceDocument {
    fn from(difference: &SchemaDifference) -> Self {
        Self {
            column: difference.column.clone(),
            change: difference.change.name().to_owned(),
            from: difference.from.clone(),
            to: difference.to.clone(),
        }
    }
}

/// What is to become the version that readers see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rollback {
    /// The number of an active version, older or newer than the current one.
    #[schema(minimum = 1, example = 3)]
    pub version: u32,
    /// Why; it is kept with the source.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Which version readers see now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RolledBack {
    /// Always `true`.
    pub success: bool,
    /// The version that readers saw before.
    pub previous_version: Option<u32>,
    /// The source as it is now.
    pub source: SourceDocument,
}

/// What a run read, decided and wrote: the receipt that stands beside the data, as it was written. Its
/// `format_version` says of what form it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct ReceiptDocument(pub Value);

/// Returns a moment as the API writes it.
fn moment(moment: SystemTime) -> String {
    humantime::format_rfc3339_micros(moment).to_string()
}
