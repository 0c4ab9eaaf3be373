//! The streams of a database as one reader for DuckDB, counted while they are read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::{
    array::{RecordBatch, RecordBatchReader},
    datatypes::SchemaRef,
    error::ArrowError,
};
use futures::{
    StreamExt,
    stream::{SelectAll, select_all},
};
use tokio::runtime::Handle;

use crate::{
    BatchStream, Error, Progress, Reporter,
    engine::{
        copy::{LOOK_UP, Stop},
        geo,
        run::Run,
    },
};

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Rows.
    pub(super) rows: u64,
    /// Nulls of each column.
    pub(super) nulls: Vec<u64>,
    /// Bytes in memory of all batches.
    bytes: u64,
}

/// All streams, a batch at a time of whichever has one.
pub(super) struct Rows {
    schema: SchemaRef,
    streams: SelectAll<BatchStream>,
    /// Read before DuckDB asked, to see how wide the rows are.
    first: Option<RecordBatch>,
    tally: Arc<Mutex<Tally>>,
    runtime: Handle,
    stop: Stop,
    reporter: Arc<dyn Reporter>,
}

impl Rows {
    /// Waits for the first batch. Blocks.
    ///
    /// # Errors
    /// Fails when a stream does before it has a batch, and when the run is to stop.
    pub(super) fn start(
        schema: SchemaRef,
        streams: Vec<BatchStream>,
        run: &Run,
    ) -> Result<(Self, Arc<Mutex<Tally>>), Error> {
        let nulls = vec![0; schema.fields().len()];
        let tally = Arc::new(Mutex::new(Tally { nulls, ..Tally::default() }));
        let mut rows = Self {
            schema: Arc::new(geo::as_bytes(&schema)),
            streams: select_all(streams),
            first: None,
            tally: Arc::clone(&tally),
            runtime: run.runtime.clone(),
            stop: run.stop.clone(),
            reporter: Arc::clone(&run.control.reporter),
        };
        rows.first = rows.wait()?;
        Ok((rows, tally))
    }

    /// Returns about how many bytes a row has; 0 when there is none.
    pub(super) fn row_bytes(&self) -> u64 {
        let Some(first) = &self.first else { return 0 };
        (first.get_array_memory_size() as u64).checked_div(first.num_rows() as u64).unwrap_or(0)
    }

    /// Waits for the next batch that has rows.
    fn wait(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let next = self.streams.next();
            // The server may think for an hour: whoever wants to stop is not kept waiting.
            let next = self.runtime.block_on(async { tokio::time::timeout(LOOK_UP, next).await });
            match next {
                Ok(None) => return Ok(None),
                Ok(Some(batch)) => {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        return Ok(Some(batch));
                    }
                }
                Err(_) => {}
            }
            self.stop.check()?;
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let batch = match self.first.take() {
            Some(batch) => Some(batch),
            None => self.wait()?,
        };
        if let Some(batch) = &batch {
            self.tally(batch);
        }
        Ok(batch)
    }

    fn tally(&self, batch: &RecordBatch) {
        let mut tally = lock(&self.tally);
        tally.rows += batch.num_rows() as u64;
        tally.bytes += batch.get_array_memory_size() as u64;
        for (sum, column) in tally.nulls.iter_mut().zip(batch.columns()) {
            *sum += column.null_count() as u64;
        }
        let (bytes, records) = (tally.bytes, tally.rows);
        self.reporter.progress(Progress { bytes, total_bytes: None, records });
    }
}

/// Returns what was read, whoever panicked with it.
pub(super) fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl RecordBatchReader for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
