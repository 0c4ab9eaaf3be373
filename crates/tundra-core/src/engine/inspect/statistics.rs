//! Statistics of the rows of a text input, which DuckDB computes.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::{
    array::{Array, AsArray, RecordBatch, RecordBatchIterator, RecordBatchReader},
    datatypes::{DataType, Int64Type, Schema, SchemaRef},
    error::ArrowError,
};
use tokio::runtime::Handle;

use super::show::shown_value;
use crate::{
    Error, LossEvent, Resources,
    engine::{
        copy::{Functions, RowOrder, Stop, Watcher, open_database},
        failure::engine_error,
        files::RunFiles,
        geo::as_bytes,
        rejects::Spool,
        resources::shares,
        sql::{self, VALUES_PER_COLUMN},
        tally::{Tally, lock, tallied},
    },
    read::table::Table,
};

/// Columns of one statement. The time that DuckDB takes to plan grows with the square of what a
/// statement computes, so that a hundred passes over a wide table are faster than one.
const COLUMNS_AT_ONCE: usize = 32;

/// Bytes of rows that are kept for the next statement, so that a wide table is decoded once: a
/// sample of any width fits.
const KEPT_BYTES: u64 = 64 << 20;

/// Rows that are kept to be shown.
const SAMPLE_ROWS: usize = 20;

/// What the rows hold.
#[derive(Debug)]
pub(super) struct Statistics {
    /// Rows that were looked at.
    pub(super) rows: u64,
    /// Whether those are all.
    pub(super) complete: bool,
    /// One for each column.
    pub(super) columns: Vec<ColumnStatistics>,
    /// The first rows.
    pub(super) first: Option<RecordBatch>,
    /// The records that are in no row, by what is wrong with them.
    pub(super) rejected: Vec<LossEvent>,
}

/// What a column holds.
#[derive(Debug)]
pub(super) struct ColumnStatistics {
    pub(super) nulls: u64,
    /// `None` for nested columns and geometries, as are the following.
    pub(super) distinct: Option<u64>,
    pub(super) min: Option<String>,
    pub(super) max: Option<String>,
}

/// Why there are no statistics.
pub(super) enum StatisticsError {
    /// A value contradicts the sampled types.
    Contradicted,
    /// Anything else.
    Failed(Error),
}

impl From<Error> for StatisticsError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Computes statistics of the first `limit` rows.
pub(super) fn statistics(
    table: &dyn Table,
    limit: Option<u64>,
    input: &str,
    resources: &Resources,
    stop: &Stop,
    runtime: &Handle,
) -> std::result::Result<Statistics, StatisticsError> {
    let schema = Arc::new(as_bytes(&table.schema()));
    let mut found = Statistics {
        rows: 0,
        complete: true,
        columns: Vec::new(),
        first: None,
        rejected: Vec::new(),
    };
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let files = Arc::new(RunFiles::new(runtime.clone(), stop, None));
    let run = crate::RunId::generate();
    let shares = shares(resources);
    let database = open_database(resources, shares, run, RowOrder::Kept, Functions::Few, files)?;
    let mut kept: Option<Vec<RecordBatch>> = None;
    for (pass, group) in columns.chunks(COLUMNS_AT_ONCE).enumerate() {
        stop.check()?;
        let is_kept = kept.is_some();
        let (rows, tally): (Box<dyn RecordBatchReader + Send>, _) = match kept.clone() {
            Some(batches) => {
                let batches = batches.into_iter().map(Ok);
                let tally = Arc::new(Mutex::new(Tally::default()));
                (Box::new(RecordBatchIterator::new(batches, Arc::clone(&schema))), tally)
            }
            None => {
                let spool = Spool::new(&resources.temp_directory);
                tallied(Arc::clone(&schema), table.rows()?, input.to_owned(), None, spool)
            }
        };
        let keeps = pass == 0 && columns.len() > COLUMNS_AT_ONCE;
        let seen = Arc::new(Mutex::new(Seen {
            room: KEPT_BYTES,
            kept: keeps.then(Vec::new),
            ..Seen::default()
        }));
        let reader = Sample {
            schema: Arc::new(
                schema.project(group).map_err(|error| Error::Internal(error.to_string()))?,
            ),
            rows,
            columns: group.to_vec(),
            left: limit.filter(|_| !is_kept),
            row_bytes: table.row_bytes(),
            seen: Arc::clone(&seen),
        };
        // The name of a stream stays taken.
        let stream = format!("{}_{pass}", sql::STREAM);
        let statement = sql::statistics(&stream, &names(&reader.schema));
        database
            .register_stream(&stream, Box::new(reader))
            .map_err(|error| engine_error("take the rows", error))?;
        let watcher = Watcher::start(&database, stop, None)?;
        let result = database.query(&statement);
        drop(watcher);
        let tally = std::mem::take(&mut *lock(&tally));
        let answer = result.map_err(|error| {
            if tally.contradiction.is_some() {
                return StatisticsError::Contradicted;
            }
            stop.explain(engine_error("look at the rows", error)).into()
        })?;
        let answer = answer
            .iter()
            .find(|batch| batch.num_rows() > 0)
            .ok_or_else(|| Error::Internal("DuckDB returned no statistics".to_owned()))?;
        if pass == 0 {
            let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            found.rows = number(answer, 0).unwrap_or(0);
            found.complete = !seen.more;
            found.first = seen.first;
            found.rejected = tally.events;
            kept = seen.kept;
        }
        found.columns.extend((0..group.len()).map(|column| {
            let at = 1 + VALUES_PER_COLUMN * column;
            ColumnStatistics {
                nulls: number(answer, at).unwrap_or(0),
                distinct: number(answer, at + 1),
                min: text(answer, at + 2),
                max: text(answer, at + 3),
            }
        }));
    }
    Ok(found)
}

/// The first rows, some columns of them, on their way to DuckDB.
struct Sample {
    schema: SchemaRef,
    rows: Box<dyn RecordBatchReader + Send>,
    columns: Vec<usize>,
    /// Rows that may still pass.
    left: Option<u64>,
    /// About what a row takes.
    row_bytes: u64,
    seen: Arc<Mutex<Seen>>,
}

/// What passed.
#[derive(Debug, Default)]
struct Seen {
    /// The first rows, all columns of them.
    first: Option<RecordBatch>,
    /// Rows are left that did not pass.
    more: bool,
    /// The rows, all columns of them, unless they are too many or nobody needs them again.
    kept: Option<Vec<RecordBatch>>,
    /// Bytes that may still be kept.
    room: u64,
}

impl Seen {
    fn keep(&mut self, batch: &RecordBatch, row_bytes: u64) {
        let Some(kept) = &mut self.kept else { return };
        match self.room.checked_sub(row_bytes.saturating_mul(batch.num_rows() as u64)) {
            Some(room) => {
                self.room = room;
                kept.push(batch.clone());
            }
            None => self.kept = None,
        }
    }
}

impl Iterator for Sample {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = match self.rows.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = &mut self.left {
            let passing = batch.num_rows().min(usize::try_from(*left).unwrap_or(usize::MAX));
            seen.more |= passing < batch.num_rows();
            if passing == 0 {
                return None;
            }
            batch = batch.slice(0, passing);
            *left -= passing as u64;
        }
        if seen.first.is_none() {
            seen.first = Some(batch.slice(0, batch.num_rows().min(SAMPLE_ROWS)));
        }
        seen.keep(&batch, self.row_bytes);
        Some(batch.project(&self.columns))
    }
}

impl RecordBatchReader for Sample {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Returns the names of the columns, and whether their values have an order.
fn names(schema: &Schema) -> Vec<(String, bool)> {
    // Bytes are geometries here, of which none is the smallest.
    let unordered = |kind: &DataType| {
        matches!(kind, DataType::List(_) | DataType::Struct(_) | DataType::BinaryView)
    };
    let fields = schema.fields().iter();
    fields.map(|field| (field.name().clone(), !unordered(field.data_type()))).collect()
}

/// Returns a number of the first row.
fn number(batch: &RecordBatch, column: usize) -> Option<u64> {
    let values = batch.columns().get(column)?.as_primitive_opt::<Int64Type>()?;
    (!values.is_null(0)).then(|| u64::try_from(values.value(0)).unwrap_or(0))
}

/// Returns a text of the first row.
fn text(batch: &RecordBatch, column: usize) -> Option<String> {
    shown_value(batch.columns().get(column)?.as_ref(), 0)
}
