//! Reading Parquet back with PyArrow, which shares no code with DuckDB or with the `parquet` crate.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::Deserialize;

use crate::python;

const PROGRAM: &str = include_str!("parquet/read.py");

/// Everything that a Parquet file holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contents {
    /// In the order of the file.
    pub columns: Vec<Column>,
    /// In the order of the file, cell by cell. A null is `None`; every other value is the text that
    /// Python writes for it: `Decimal` with all its digits, `float` with the fewest digits that come
    /// back, dates and times as ISO 8601, `bytes` in hexadecimal.
    pub rows: Vec<Vec<Option<String>>>,
    /// The rows of each row group.
    pub row_groups: Vec<u64>,
    /// The codecs that column chunks use, each once.
    pub codecs: Vec<String>,
    /// The key-value metadata, without Arrow's own schema.
    pub metadata: BTreeMap<String, String>,
}

/// A column of a Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in Arrow's words, such as `int64` or `decimal128(12, 2)`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

impl Contents {
    /// Returns the names of the columns.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Returns the types of the columns.
    #[must_use]
    pub fn types(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.type_name.as_str()).collect()
    }

    /// Returns the cells of a row, if there is such a row.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Vec<Option<&str>>> {
        Some(self.rows.get(index)?.iter().map(Option::as_deref).collect())
    }
}

/// Reads a whole file.
///
/// # Errors
/// When PyArrow cannot read it; see also [`python::run`].
pub fn read(path: &Path) -> anyhow::Result<Contents> {
    let json = python::run(PROGRAM, [path])
        .with_context(|| format!("could not read `{}` with PyArrow", path.display()))?;
    serde_json::from_str(&json).context("the reader printed something else than expected")
}
