//! Batches that end where row groups do, so that the same rows end up in the same row groups.
//!
//! Start at [`Blocks`]. DuckDB collects the rows of a row group from the batches that it is handed, and what
//! is left over waits for the next ones. Two sorts of rests do not wait but become row groups of their own: of
//! no more rows than a row group has vectors (`CorrectSizeForBatch` in `physical_batch_copy_to_file.cpp` of
//! DuckDB 2.0.0), and of up to two vectors less than a row group (`IsAcceptable` in `copy_function.cpp`). Which
//! rests there are is a matter of how far which thread was. Where batches end with each row group, and none
//! within it so that such a rest could come of it, there are none.

use std::collections::VecDeque;

use arrow::{
    array::{RecordBatch, RecordBatchReader},
    compute::concat_batches,
    datatypes::SchemaRef,
    error::ArrowError,
};

/// Rows of a vector of DuckDB.
pub(crate) const VECTOR: u64 = 2048;

/// A rest that lacks no more rows than these is taken for a row group.
const NEARLY: u64 = 2 * VECTOR;

/// Returns whether batches of this many rows, one behind the other, make the same row groups of so many rows
/// however far which thread is.
pub(crate) fn are_even(batch: u64, row_group_rows: u64) -> bool {
    if batch == 0 || row_group_rows == 0 {
        return false;
    }
    let make_one = row_group_rows.is_multiple_of(batch);
    let are_several = batch.is_multiple_of(row_group_rows) && row_group_rows.is_multiple_of(VECTOR);
    make_one && (batch == row_group_rows || batch >= NEARLY) || are_several
}

/// The same rows, in batches that end where row groups do.
pub(crate) struct Blocks {
    rows: Box<dyn RecordBatchReader + Send>,
    /// Rows of a row group.
    group: usize,
    /// Rows of the present one that were handed on.
    at: usize,
    /// Those that follow them.
    rest: Vec<RecordBatch>,
    /// The rows of it.
    rest_rows: usize,
    /// What is handed on next.
    ready: VecDeque<RecordBatch>,
}

impl Blocks {
    /// Makes batches for row groups of this many rows.
    pub(crate) fn new(rows: Box<dyn RecordBatchReader + Send>, row_group_rows: u64) -> Self {
        let group = usize::try_from(row_group_rows).unwrap_or(usize::MAX).max(1);
        Self { rows, group, at: 0, rest: Vec::new(), rest_rows: 0, ready: VecDeque::new() }
    }

    /// Takes a batch, and makes ready what can be handed on.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let missing = self.group - self.at - self.rest_rows;
            let rows = missing.min(batch.num_rows() - from);
            self.rest.push(batch.slice(from, rows));
            self.rest_rows += rows;
            from += rows;
            let at = self.at + self.rest_rows;
            if rows == missing {
                self.hand_on()?;
                self.at = 0;
            } else if self.may_end(at) {
                self.hand_on()?;
                self.at = at;
            }
        }
        Ok(())
    }

    /// Returns whether a batch may end behind so many rows of a row group.
    fn may_end(&self, at: usize) -> bool {
        let (at, group) = (at as u64, self.group as u64);
        at > group / VECTOR && at + NEARLY <= group
    }

    /// Makes all ready that was kept.
    fn hand_on(&mut self) -> Result<(), ArrowError> {
        let parts = std::mem::take(&mut self.rest);
        self.rest_rows = 0;
        match parts.as_slice() {
            [] => {}
            [only] => self.ready.push_back(only.clone()),
            [first, ..] => self.ready.push_back(concat_batches(&first.schema(), &parts)?),
        }
        Ok(())
    }
}

impl Iterator for Blocks {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return Some(Ok(next));
            }
            let taken = match self.rows.next() {
                Some(Ok(batch)) => self.take(&batch),
                Some(Err(error)) => return Some(Err(error)),
                None if self.rest.is_empty() => return None,
                None => self.hand_on(),
            };
            if let Err(error) = taken {
                return Some(Err(error));
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
    fn batches_end_where_row_groups_do() {
        for (batches, group, expected) in [
            (&[100, 1, 2, 300, 0, 64, 27, 1][..], 122_880, &[100, 1, 2, 300, 64, 27, 1][..]),
            (&[60, 1, 5], 122_880, &[61, 5]),
            (&[1, 1, 3, 2, 2], 2, &[2, 2, 2, 2, 1]),
            (&[5, 5, 5], 7, &[7, 7, 1]),
            (&[100_000, 18_784, 1, 4095], 122_880, &[100_000, 18_784, 4096]),
            (&[100_000, 18_785, 4000, 95, 7], 122_880, &[100_000, 22_880, 7]),
            (&[300_000, 10], 122_880, &[122_880, 122_880, 54_240, 10]),
            (&[5], 1_000_000, &[5]),
            (&[], 2048, &[]),
        ] {
            let (sizes, numbers) = blocks(batches, group);
            assert_eq!(sizes, expected, "{batches:?} of {group}");
            assert_eq!(numbers, (0..batches.iter().sum()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_rest_is_one_that_does_not_wait() {
        for group in [1, 60, 2047, 2048, 4096, 8192, 61_440, 122_880, 100_001] {
            let batches: Vec<i32> = (0..3000).map(|n| n * 7919 % 331).collect();
            let mut at = 0;
            let (sizes, _) = blocks(&batches, group);
            for (index, size) in sizes.iter().enumerate() {
                at += *size as u64;
                assert!(at <= group, "{group}");
                let is_end = index + 1 == sizes.len();
                let is_nearly = at + NEARLY > group;
                assert!(is_end || at == group || at > group / VECTOR && !is_nearly, "{group}");
                at %= group;
            }
        }
    }

    #[test]
    fn even_batches_are_told() {
        for (batch, group, expected) in [
            (122_880, 122_880, true),
            (8192, 122_880, true),
            (122_880, 8192, true),
            (122_880, 61_440, true),
            (1000, 1000, true),
            (1000, 100_000, false),
            (100_001, 122_880, false),
            (122_880, 100_000, false),
            (122_880, 1, false),
            (0, 5, false),
        ] {
            assert_eq!(are_even(batch, group), expected, "{batch} for {group}");
        }
    }
}
