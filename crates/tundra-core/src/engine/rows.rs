//! Rows that are to be looked at: of an input, or of what a query makes of one.
//!
//! Start at [`Rows`]. It holds what was asked for and no more, and gives it as cells for a table or as the
//! bytes of a format. No value is shortened here; that is for whoever shows it.

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use crate::{
    OutputFormat, Result,
    engine::transcode::unwritable,
    write::{RowWriter, value::Special, value::cells},
};

/// A column of [`Rows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowColumn {
    /// Its name.
    pub name: String,
    /// Its type, as [`crate::ColumnType`] or DuckDB prints it.
    pub column_type: String,
}

/// Some rows, and of what they are the first.
#[derive(Debug, Clone)]
pub struct Rows {
    columns: Vec<RowColumn>,
    schema: SchemaRef,
    specials: Vec<Special>,
    batches: Vec<RecordBatch>,
    total: Option<u64>,
    more: bool,
}

impl Rows {
    /// Keeps the first `limit` rows of these batches, which are all rows or the first of `total`.
    pub(crate) fn first<E>(
        columns: Vec<RowColumn>,
        schema: SchemaRef,
        specials: Vec<Special>,
        batches: impl Iterator<Item = Result<RecordBatch, E>>,
        limit: u64,
        total: Option<u64>,
    ) -> Result<Self, E> {
        let mut kept = Vec::new();
        let (mut left, mut more) = (limit, false);
        for batch in batches {
            let batch = batch?;
            let rows = batch.num_rows() as u64;
            if rows > left {
                more = true;
            }
            let passing = rows.min(left);
            if passing > 0 {
                // Not more than what was read with it is kept alive by a slice.
                kept.push(batch.slice(0, usize::try_from(passing).unwrap_or(0)));
            }
            left -= passing;
            if more || left == 0 && total.is_some() {
                break;
            }
        }
        let shown = limit - left;
        let more = total.map_or(more, |total| total > shown);
        Ok(Self { columns, schema, specials, batches: kept, total, more })
    }

    /// Returns the columns.
    pub fn columns(&self) -> &[RowColumn] {
        &self.columns
    }

    /// Returns how many rows these are.
    pub fn shown(&self) -> u64 {
        self.batches.iter().map(|batch| batch.num_rows() as u64).sum()
    }

    /// Returns how many rows there are in all, where it is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Returns whether there are more rows than these.
    pub fn more(&self) -> bool {
        self.more
    }

    /// Returns the rows as text; `None` is a null.
    pub fn cells(&self) -> Vec<Vec<Option<String>>> {
        self.batches.iter().flat_map(|batch| cells(batch, &self.specials)).collect()
    }

    /// Returns the rows in a format; nothing for Parquet.
    ///
    /// # Errors
    /// Fails with [`crate::Error::Unwritable`] when the format cannot hold a type or a value.
    pub fn encode(&self, format: OutputFormat) -> Result<Vec<u8>> {
        let unwritable = |refusal| unwritable(refusal, format);
        let mut out = Vec::new();
        let writer = RowWriter::new(format, &self.schema, self.specials.clone());
        if let Some(mut writer) = writer.map_err(unwritable)? {
            for batch in &self.batches {
                writer.write(batch, &mut out).map_err(unwritable)?;
            }
            writer.finish(&mut out).map_err(unwritable)?;
        }
        Ok(out)
    }
}
