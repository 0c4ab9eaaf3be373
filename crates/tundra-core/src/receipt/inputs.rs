//! What a receipt says of inputs that were read as one table.

use serde::{Deserialize, Serialize};

use super::{Counts, Decision, LossEvent};

/// Several inputs, all together. It stands in the plan, and what there is to say of each in
/// [`super::Receipt::inputs`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputsFacts {
    /// How many were read.
    pub count: u64,
    /// How many were left out.
    #[serde(default)]
    pub left_out: u64,
    /// SHA-256 of the places, sizes and tags of those that were read, in order and in hexadecimal.
    pub digest: String,
}

/// One of several inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputFacts {
    /// Its place as a person would write it, without credentials.
    pub location: String,
    /// The member of the archive, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The sheet of the workbook, when each is an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Its format; missing when it was not found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The size in bytes of the object.
    pub size_bytes: u64,
    /// The store's tag of its content.
    pub etag: Option<String>,
    /// Why it was left out as a whole, when it was. All of its counts are 0 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// How many of its records went where.
    pub counts: Counts,
    /// What was decided about it and not about all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// The columns that it has otherwise than the output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<InputColumn>,
    /// What of it was not kept as it was, or was kept elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<LossEvent>,
}

/// A column that one of several inputs has otherwise than the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputColumn {
    /// The name in the output.
    pub name: String,
    /// The name in the input; missing when it has no such column, which is null in all of its rows then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// The type that its values would have by themselves.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub column_type: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
