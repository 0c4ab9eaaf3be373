//! The rows of a relation, from the driver to whoever reads them.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arrow_array::{
    Array, Date32Array, PrimitiveArray, RecordBatch, RecordBatchReader, Time64MicrosecondArray,
    types::{ArrowPrimitiveType, TimestampMicrosecondType},
};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use tundra_core::{
    BatchStream, ColumnPlan, ConnectorError, Decision, ErrorKind, Extraction, StreamEnd,
};

use super::{
    NAME,
    dialect::Dialect,
    failure::refused,
    link::{Link, spawn},
    session::Shared,
    watch::{Guard, Watch},
};
use crate::batch::{BatchSender, Gone, channel};

const READ: &str = "read";

/// A relation through a driver.
#[derive(Debug)]
pub(super) struct AdbcExtraction {
    shared: Arc<Shared>,
    job: Arc<Job>,
    plans: Vec<ColumnPlan>,
    decisions: Vec<Decision>,
    started: bool,
    end: Arc<OnceLock<StreamEnd>>,
}

/// What is read.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sql: String,
    pub(super) schema: SchemaRef,
    pub(super) batch_bytes: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) watermark: Option<String>,
}

/// What the stream keeps: its drop ends the statement, and lets the connection be used.
struct Reading {
    turn: Arc<Turn>,
    _guard: Guard,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.turn.end();
    }
}

/// One stream among those that are read. It ends once, when the stream is dropped or when it has come to its
/// end, whichever is first.
struct Turn {
    shared: Arc<Shared>,
    over: AtomicBool,
}

impl Turn {
    fn begin(shared: &Arc<Shared>) -> Arc<Self> {
        shared.reading.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self { shared: Arc::clone(shared), over: AtomicBool::new(false) })
    }

    fn end(&self) {
        if !self.over.swap(true, Ordering::SeqCst) {
            self.shared.reading.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl AdbcExtraction {
    pub(super) fn new(
        shared: Arc<Shared>,
        job: Job,
        plans: Vec<ColumnPlan>,
        decisions: Vec<Decision>,
    ) -> Self {
        let (job, end) = (Arc::new(job), Arc::default());
        Self { shared, job, plans, decisions, started: false, end }
    }
}

#[async_trait]
impl Extraction for AdbcExtraction {
    fn schema(&self) -> SchemaRef {
        self.job.schema.clone()
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.plans
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn partitions(&self) -> usize {
        1
    }

    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError> {
        let wrong = |reason: &str| refused(READ, ErrorKind::InvalidRequest, reason, &[]);
        if partition != 0 {
            return Err(wrong("there is one partition and no more"));
        }
        if self.started {
            return Err(wrong("the partition was started before"));
        }
        let link = self.shared.lease(READ).await?;
        self.started = true;
        let turn = Turn::begin(&self.shared);
        let (watch, guard) = Watch::new(self.job.timeout);
        let reading = Reading { turn: Arc::clone(&turn), _guard: guard };
        let (sender, stream) = channel(NAME, reading);
        let (shared, job, end) = (self.shared.clone(), self.job.clone(), self.end.clone());
        // It ends soon after the stream is dropped, whose guard cancels the statement.
        spawn(READ, move || {
            let result = link.marked(&watch, |link| job.read(link, &watch, &sender));
            if result.is_err() {
                shared.failed(link.dialect);
            }
            let result = result.map_err(|error| watch.explain(READ, error)).map(|()| {
                let watermark = job.watermark.clone();
                // A second end cannot be, because the partition is started once.
                _ = end.set(StreamEnd { server_rows: None, events: Vec::new(), watermark });
            });
            // Whoever read to the end need not drop the stream to go on.
            turn.end();
            drop(link);
            sender.finish_blocking(result);
        })?;
        Ok(stream)
    }

    fn end(&self, partition: usize) -> Option<StreamEnd> {
        (partition == 0).then(|| self.end.get().cloned()).flatten()
    }
}

impl Job {
    fn read(&self, link: &Link, watch: &Watch, sender: &BatchSender) -> Result<(), ConnectorError> {
        let running = link.query(READ, watch, &self.sql, Some(self.batch_bytes))?;
        let kinds = |schema: &SchemaRef| {
            schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>()
        };
        if kinds(&running.reader.schema()) != kinds(&self.schema) {
            let reason = "the columns are not those that the driver described before";
            let hints = ["cast columns whose values are of several types in a query"];
            return Err(refused(READ, ErrorKind::Conflict, reason, &hints));
        }
        let mut rows = 0_u64;
        for batch in running.reader {
            let batch = batch.map_err(|error| link.unread(READ, &error))?;
            let columns = batch.columns().to_vec();
            let batch = RecordBatch::try_new(self.schema.clone(), columns)
                .map_err(|error| link.unread(READ, &error))?;
            check(link.dialect, &batch, rows)?;
            rows += u64::try_from(batch.num_rows()).unwrap_or_default();
            for piece in pieces(&batch, self.batch_bytes) {
                sender.send_blocking(piece).map_err(|Gone| {
                    let reason = "nobody waits for it any more";
                    refused(READ, ErrorKind::Cancelled, reason, &[])
                })?;
            }
        }
        Ok(())
    }
}

/// Cuts a batch into pieces of at most so many bytes, as far as one row fits into them.
fn pieces(batch: &RecordBatch, bytes: usize) -> impl Iterator<Item = RecordBatch> + '_ {
    let rows = batch.num_rows();
    let of_each = batch.get_array_memory_size().div_ceil(rows.max(1)).max(1);
    let step = (bytes / of_each).max(1);
    (0..rows).step_by(step).map(move |at| batch.slice(at, step.min(rows - at)))
}

/// Refuses values that are none: a driver makes numbers of PostgreSQL's infinities, and hands out the hour
/// 24 as it is, which Arrow's times do not have.
fn check(dialect: Dialect, batch: &RecordBatch, before: u64) -> Result<(), ConnectorError> {
    /// The days that PostgreSQL has, from 4713 BC to 5874897, and the microseconds, of which Arrow does
    /// not have the last years.
    const DAYS: std::ops::RangeInclusive<i32> = -2_440_588..=2_145_042_541;
    const MICROS: std::ops::Range<i64> = -210_866_803_200_000_000..i64::MAX;
    const DAY: std::ops::RangeInclusive<i64> = 0..=86_399_999_999;
    let of_postgres = matches!(dialect, Dialect::Postgresql | Dialect::Redshift);
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let any = column.as_any();
        let mut fault = None;
        if let Some(times) = any.downcast_ref::<Time64MicrosecondArray>() {
            fault = first(times, |it| DAY.contains(&it));
        } else if !of_postgres {
            continue;
        } else if let Some(dates) = any.downcast_ref::<Date32Array>() {
            fault = first(dates, |it| DAYS.contains(&it));
        } else if let Some(times) = any.downcast_ref::<PrimitiveArray<TimestampMicrosecondType>>() {
            fault = first(times, |it| MICROS.contains(&it));
        }
        if let Some(row) = fault {
            let row = before + u64::try_from(row).unwrap_or_default() + 1;
            let reason = format!(
                "row {row}: column `{}` has a value that {} does not have, such as an infinity",
                field.name(),
                field.data_type()
            );
            let hints = ["cast the column to text in a query, or read without the driver"];
            return Err(refused(READ, ErrorKind::InvalidData, reason, &hints));
        }
    }
    Ok(())
}

/// Returns the first row whose value does not belong.
fn first<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    belongs: impl Fn(T::Native) -> bool,
) -> Option<usize> {
    (0..array.len()).find(|&row| array.is_valid(row) && !belongs(array.value(row)))
}
