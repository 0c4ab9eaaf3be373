//! `POST /infer/schema`.

mod row;
mod value;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tundra_core::{ColumnInspection, InspectOptions, Inspection, SourceId};
use utoipa::ToSchema;

pub use self::row::Row;
use self::value::value;
use crate::{
    Failure,
    failure::translated,
    wire::{ReadOptions, SignedUrl, convert_file::format, read_options::source_id},
};

/// A file to be looked at: that of a source, or one behind a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Infer {
    /// The source.
    #[schema(format = "uuid")]
    pub source_id: Option<String>,
    /// A signed URL to read from, where there is no source.
    pub source_url: Option<SignedUrl>,
    /// The format of the file; that of the source, or what the file looks like, when not given.
    #[schema(example = "csv")]
    pub format: Option<String>,
    /// How many records are looked at.
    #[schema(minimum = 1, maximum = 10000000, default = 1000)]
    pub sample_size: Option<u64>,
    /// What is known of how the file is written.
    #[serde(default, deserialize_with = "crate::wire::object_or_default")]
    #[schema(nullable)]
    pub options: ReadOptions,
}

/// What was found out about a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inferred {
    /// Always `true`.
    pub success: bool,
    /// The columns.
    pub schema: InferredSchema,
    /// The first rows, as objects by the names of the columns.
    pub sample_data: Vec<Row>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferredSchema {
    /// The columns, in order.
    pub columns: Vec<InferredColumn>,
    /// Rows that were looked at.
    pub total_rows: u64,
    /// Columns that there are.
    pub total_columns: u64,
}

/// A column of a file. Values are numbers and booleans where that loses nothing, and texts otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferredColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[schema(example = "DOUBLE")]
    pub inferred_type: String,
    /// Whether a null was seen.
    pub nullable: bool,
    /// Nulls that were seen; null when they were not counted.
    pub null_count: Option<u64>,
    /// Distinct values that were seen; null when they were not counted.
    pub unique_count: Option<u64>,
    /// A few values that differ.
    pub sample_values: Vec<Value>,
    /// The smallest value.
    pub min_value: Value,
    /// The largest value.
    pub max_value: Value,
}

/// How many records are looked at when nothing is said, as in 4.0.
const USUAL_SAMPLE: u64 = 1000;

/// Who wants to look at more converts it.
const LARGEST_SAMPLE: u64 = 10_000_000;

/// Where a file is that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InferPlace<'a> {
    /// That of a source.
    Source(SourceId),
    /// One behind a URL.
    Url(&'a SignedUrl),
}

impl Infer {
    /// Returns where the file is.
    ///
    /// # Errors
    /// When the request names a source and a URL, or neither.
    pub(crate) fn place(&self) -> Result<InferPlace<'_>, Failure> {
        match (&self.source_id, &self.source_url) {
            (Some(id), None) => source_id(id).map(InferPlace::Source),
            (None, Some(url)) => {
                url.check("source_url")?;
                Ok(InferPlace::Url(url))
            }
            (Some(_), Some(_)) => {
                Err(Failure::invalid("`source_id` and `source_url` are both given")
                    .hint("leave one of them out"))
            }
            (None, None) => {
                Err(Failure::invalid("`source_id` is missing")
                    .hint("name a source, or `source_url`"))
            }
        }
    }

    /// Checks everything that can be checked without looking at the file.
    ///
    /// # Errors
    /// When a field makes no sense.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.place()?;
        self.inspect_options().map(drop)
    }

    /// Returns what the engine is told.
    ///
    /// # Errors
    /// When an option makes no sense in itself.
    pub(crate) fn inspect_options(&self) -> Result<InspectOptions, Failure> {
        let sample_size = self.sample_size.unwrap_or(USUAL_SAMPLE);
        if !(1..=LARGEST_SAMPLE).contains(&sample_size) {
            return Err(Failure::invalid(format!(
                "`sample_size` is {sample_size}, and not from 1 to {LARGEST_SAMPLE}"
            )));
        }
        let name = self.format.as_deref();
        Ok(InspectOptions {
            format: format(name)?,
            member: self.options.member()?,
            text: self.options.text()?,
            json: self.options.json()?,
            workbook: self.options.workbook()?,
            null_words: self.options.null_values.clone(),
            sample_size: Some(sample_size),
            ..InspectOptions::default()
        })
    }
}

impl From<Inspection> for Inferred {
    fn from(found: Inspection) -> Self {
        let Inspection { columns, rows_inspected, sample_rows, warnings, .. } = found;
        let sample_data = sample_rows.into_iter().map(|row| {
            let cells = columns.iter().zip(row);
            cells
                .map(|(column, text)| {
                    let value = text.map_or(Value::Null, |text| value(&column.column_type, text));
                    (column.name.clone(), value)
                })
                .collect()
        });
        let sample_data = sample_data.collect();
        Self {
            success: true,
            schema: InferredSchema {
                total_rows: rows_inspected,
                total_columns: columns.len() as u64,
                columns: columns.into_iter().map(InferredColumn::from).collect(),
            },
            sample_data,
            warnings: warnings.into_iter().map(|warning| translated(&warning.message)).collect(),
        }
    }
}

impl From<ColumnInspection> for InferredColumn {
    fn from(found: ColumnInspection) -> Self {
        let kind = &found.column_type;
        let of = |text: Option<String>| text.map_or(Value::Null, |text| value(kind, text));
        Self {
            nullable: found.nullable,
            null_count: found.null_count,
            unique_count: found.distinct_count,
            sample_values: found.samples.into_iter().map(|text| value(kind, text)).collect(),
            min_value: of(found.min),
            max_value: of(found.max),
            inferred_type: kind.clone(),
            name: found.name,
        }
    }
}
