//! The numbers of records where the table is a part of its sheet only.
//!
//! Start at [`TableSplit`]. A row may hold something and be no record of the table, because that stands
//! beside the range or in hidden columns. Which rows those are is known by their cells alone, so that one
//! thread looks at them before others decode; without a range and without hidden columns nobody needs to.

use std::{fmt, sync::Arc};

use super::{decode::Rules, sheet::Sheet, table::failed};
use crate::{
    Error,
    read::chunk::{Chunk, Split},
};

/// A walk through a sheet whose chunks have the numbers of the table's records.
pub(super) struct TableSplit {
    sheet: Arc<dyn Sheet>,
    rules: Rules,
    split: Box<dyn Split>,
    records: u64,
}

impl fmt::Debug for TableSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSplit").field("records", &self.records).finish_non_exhaustive()
    }
}

/// Begins a pass over the records of a table.
///
/// # Errors
/// Fails when the sheet cannot be read.
pub(super) fn split(sheet: &Arc<dyn Sheet>, rules: &Rules) -> Result<Box<dyn Split>, Error> {
    let split = sheet.split(rules.body)?;
    if !rules.is_partial() {
        return Ok(split);
    }
    let (sheet, rules) = (Arc::clone(sheet), rules.clone());
    Ok(Box::new(TableSplit { sheet, rules, split, records: 0 }))
}

/// Counts the records of a chunk that are some of the table.
///
/// # Errors
/// Fails when the chunk cannot be read.
pub(super) fn count(sheet: &dyn Sheet, chunk: &Chunk, rules: &Rules) -> Result<u64, Error> {
    if !rules.is_partial() || chunk.records == 0 {
        return Ok(chunk.records);
    }
    let mut records = 0;
    let visited = sheet.walk(chunk, &mut |row| {
        records += u64::from(rules.has(row) && rules.is_of_table(row));
        Ok(())
    });
    visited.map_err(|error| failed(error, sheet.name()))?;
    Ok(records)
}

impl Split for TableSplit {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        let Some(chunk) = self.split.next_chunk()? else { return Ok(None) };
        let record = self.records;
        self.records += count(self.sheet.as_ref(), &chunk, &self.rules)?;
        Ok(Some(Chunk { record, ..chunk }))
    }

    fn bytes_read(&self) -> u64 {
        self.split.bytes_read()
    }
}
