//! Batches in whole blocks of rows, so that the same rows end up in the same row groups.
//!
//! Start at [`Blocks`]. DuckDB collects the rows of a row group from the batches that it is handed, and what
//! is left over waits for the next ones. A rest of no more rows than a row group has vectors does not wait
//! but becomes a row group of its own (`CorrectSizeForBatch` in `physical_batch_copy_to_file.cpp` of DuckDB
//! 2.0.0), and which rests there are is a matter of how far which thread was. Of blocks that are longer than
//! that no such rest is left.

use arrow::{
    array::{RecordBatch, RecordBatchReader},
    compute::concat_batches,
    datatypes::SchemaRef,
    error::ArrowError,
};

/// Rows of a vector of DuckDB.
const VECTOR: u64 = 2048;

/// Rows that are kept at most: what is enough for row groups of 16 million.
const LONGEST: u64 = 4 * VECTOR;

/// The same rows, in batches of whole blocks but for the end.
pub(crate) struct Blocks {
    rows: Box<dyn RecordBatchReader + Send>,
    /// Rows of a block.
    block: usize,
    /// What is less than a block.
    rest: Vec<RecordBatch>,
    /// The rows of it.
    rest_rows: usize,
    /// What is handed on next.
    next: Option<RecordBatch>,
}

impl Blocks {
    /// Makes blocks for row groups of this many rows.
    pub(crate) fn new(rows: Box<dyn RecordBatchReader + Send>, row_group_rows: u64) -> Self {
        // A power of two is a part of a vector or a multiple of it, so that vectors end where blocks do.
        let block = (row_group_rows / VECTOR + 1).next_power_of_two().min(LONGEST);
        let block = usize::try_from(block).unwrap_or(usize::MAX);
        Self { rows, block, rest: Vec::new(), rest_rows: 0, next: None }
    }

    /// Takes a batch, and returns what is whole now.
    fn take(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let rows = batch.num_rows();
        let mut at = 0;
        let mut first = None;
        if self.rest_rows > 0 {
            at = rows.min(self.block - self.rest_rows);
            self.keep(batch.slice(0, at));
            if self.rest_rows == self.block {
                first = self.all()?;
            }
        }
        let whole = (rows - at) / self.block * self.block;
        if at + whole < rows {
            self.keep(batch.slice(at + whole, rows - at - whole));
        }
        let middle = (whole > 0).then(|| batch.slice(at, whole));
        match first {
            Some(first) => {
                self.next = middle;
                Ok(Some(first))
            }
            None => Ok(middle),
        }
    }

    fn keep(&mut self, part: RecordBatch) {
        self.rest_rows += part.num_rows();
        self.rest.push(part);
    }

    /// Returns all that was kept.
    fn all(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let parts = std::mem::take(&mut self.rest);
        self.rest_rows = 0;
        let Some(first) = parts.first() else { return Ok(None) };
        concat_batches(&first.schema(), &parts).map(Some)
    }
}

impl Iterator for Blocks {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(next) = self.next.take() {
            return Some(Ok(next));
        }
        loop {
            let whole = match self.rows.next() {
                Some(Ok(batch)) => self.take(&batch),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.all().transpose(),
            };
            if let Some(whole) = whole.transpose() {
                return Some(whole);
            }
        }
    }
}

impl RecordBatchReader for Blocks {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Int32Array, RecordBatchIterator},
        datatypes::{DataType, Field, Int32Type, Schema},
    };

    use super::*;

    /// Returns the rows of each batch, and all numbers.
    fn blocks(batches: &[i32], row_group_rows: u64) -> (Vec<usize>, Vec<i32>) {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let mut next = 0;
        let batches: Vec<_> = batches
            .iter()
            .map(|rows| {
                let numbers = Int32Array::from_iter_values(next..next + rows);
                next += rows;
                RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)])
            })
            .collect();
        let rows = Box::new(RecordBatchIterator::new(batches, schema));
        let (mut sizes, mut numbers) = (Vec::new(), Vec::new());
        for batch in Blocks::new(rows, row_group_rows) {
            let batch = batch.unwrap();
            sizes.push(batch.num_rows());
            numbers.extend_from_slice(batch.column(0).as_primitive::<Int32Type>().values());
        }
        (sizes, numbers)
    }

    #[test]
    fn every_batch_but_the_last_is_of_whole_blocks() {
        let (sizes, numbers) = blocks(&[100, 1, 2, 300, 0, 64, 27, 1], 122_880);
        assert_eq!(sizes, [64, 64, 256, 64, 47]);
        assert_eq!(numbers, (0..495).collect::<Vec<_>>());
        let (sizes, numbers) = blocks(&[1, 1, 3, 2, 2], 2048);
        assert_eq!(sizes, [2, 2, 2, 2, 1]);
        assert_eq!(numbers, (0..9).collect::<Vec<_>>());
        assert_eq!(blocks(&[], 2048), (vec![], vec![]));
        assert_eq!(blocks(&[5], 1_000_000).0, [5]);
    }

    #[test]
    fn a_rest_is_longer_than_a_row_group_has_vectors() {
        for row_group_rows in [0, 1, 2047, 2048, 61_440, 122_880, 16_000_000] {
            let rows = Box::new(RecordBatchIterator::new([], Arc::new(Schema::empty())));
            let block = Blocks::new(rows, row_group_rows).block as u64;
            assert!(block > row_group_rows / VECTOR, "{row_group_rows}");
        }
        let rows = Box::new(RecordBatchIterator::new([], Arc::new(Schema::empty())));
        assert_eq!(Blocks::new(rows, u64::MAX).block, 8192);
    }
}
