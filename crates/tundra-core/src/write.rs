//! Record batches as something else than Parquet: delimited text, JSON and Arrow IPC.
//!
//! Start at [`RowWriter`]. What it writes holds every value exactly, and a type or a value that its
//! format cannot hold is an [`Unwritable`], never something near it. [`recount`] counts the records of
//! what was written again, by rules of its own.
//!
//! It knows no store, no DuckDB and no Parquet: it makes bytes of batches.

mod csv;
mod ipc;
mod json;
mod nested;
pub(crate) mod recount;
pub(crate) mod value;

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use self::{csv::CsvRows, ipc::IpcRows, json::JsonRows, value::Special};
use crate::OutputFormat;

/// A value, or a whole column, that a format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unwritable {
    /// The column.
    pub(crate) column: String,
    /// What is in the way, as a sentence fragment.
    pub(crate) what: String,
    /// The way out, as a sentence fragment.
    pub(crate) hint: &'static str,
}

/// Makes bytes of rows, in one format.
pub(crate) struct RowWriter {
    rows: Rows,
    written: u64,
}

enum Rows {
    Csv(CsvRows),
    Json(JsonRows),
    Ipc(Box<IpcRows>),
}

impl RowWriter {
    /// Begins an output with these columns, some of which are more than their Arrow type says. `None` for
    /// Parquet, which is not written here.
    ///
    /// # Errors
    /// Fails when the format cannot hold one of the types.
    pub(crate) fn new(
        format: OutputFormat,
        schema: &SchemaRef,
        specials: Vec<Special>,
    ) -> Result<Option<Self>, Unwritable> {
        let rows = match format {
            OutputFormat::Parquet => return Ok(None),
            OutputFormat::Csv => Rows::Csv(CsvRows::new(schema, specials)?),
            OutputFormat::Json => Rows::Json(JsonRows::array(schema, specials)?),
            OutputFormat::Ndjson => Rows::Json(JsonRows::lines(schema, specials)?),
            OutputFormat::Arrow => Rows::Ipc(Box::new(IpcRows::new(schema)?)),
        };
        Ok(Some(Self { rows, written: 0 }))
    }

    /// Appends the bytes of a batch to `out`.
    ///
    /// # Errors
    /// Fails at the first value that the format cannot hold.
    pub(crate) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritable> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.write(batch, out)?,
            Rows::Json(rows) => rows.write(batch, out)?,
            Rows::Ipc(rows) => rows.write(batch, out)?,
        }
        self.written += batch.num_rows() as u64;
        Ok(())
    }

    /// Appends what stands at the end to `out`, and returns how many rows were written.
    ///
    /// # Errors
    /// Fails when the format cannot be ended.
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> Result<u64, Unwritable> {
        match self.rows {
            Rows::Csv(rows) => rows.finish(out),
            Rows::Json(rows) => rows.finish(out),
            Rows::Ipc(rows) => rows.finish(out)?,
        }
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests;
