//! A relation that is ready to be read, and the threads that read it.

use std::{
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};

use arrow_schema::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use rusqlite::{Connection, params_from_iter, types::Value};
use tundra_core::{
    BatchStream, ColumnPlan, ColumnType, ConnectorError, Decision, ErrorKind, ExtractRequest,
    Extraction, OnLossy, StreamEnd,
};

use super::{
    NAME,
    decode::{Column, Decoder, real},
    failure::{failed, refused, unbuildable, unfinished},
    measure::{measure, parameters},
    pages::{Stored, Texts, Walk, Want},
    partition::{Part, balanced},
    relation::{Access, Source},
    session::Snapshot,
    types::PlaceWord,
    watch::{Watch, cancelled},
};
use crate::{
    batch::{BatchSender, Batches, Gone, channel, data_type},
    streams::{MOST, decided},
};

const READ: &str = "read";

/// The rows from which a second connection is worth its while.
const WORTH_SPLITTING: u64 = 100_000;

/// A relation of SQLite.
#[derive(Debug)]
pub(super) struct SqliteExtraction {
    snapshot: Arc<Snapshot>,
    job: Arc<Job>,
    plans: Vec<ColumnPlan>,
    decisions: Vec<Decision>,
    parts: Vec<Part>,
    started: Vec<bool>,
    ends: Arc<Vec<OnceLock<StreamEnd>>>,
}

/// What all streams do.
#[derive(Debug)]
struct Job {
    sql: String,
    /// How it is read from the pages, where it can be.
    stored: Option<Stored>,
    access: Access,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// Where the rowid stands, when there is one.
    place: Option<usize>,
    on_lossy: OnLossy,
    limit: Option<u64>,
    after: Option<Value>,
    watermark: Option<String>,
    batch_bytes: usize,
    timeout: Option<std::time::Duration>,
}

impl SqliteExtraction {
    /// Finds out what there is, looks through it, and decides how it is read.
    pub(super) fn prepare(
        snapshot: Arc<Snapshot>,
        request: &ExtractRequest,
        watch: &Watch,
    ) -> Result<Self, ConnectorError> {
        check(request)?;
        let (source, window) = {
            let connection = snapshot.lease(watch)?;
            let source = Source::resolve(&connection, request, snapshot.reads_pages())?;
            let window = Window::find(&connection, &source, request)?;
            (source, window)
        };
        let after = window.after.as_ref();
        let measured = measure(&snapshot, &source, request.limit, after, watch)?;
        let word = PlaceWord::of(&source.access);
        let mut fields = Vec::with_capacity(source.columns.len());
        let mut plans = Vec::with_capacity(source.columns.len());
        for (column, seen) in source.columns.iter().zip(&measured.seen) {
            let (target, reason) = seen.decide(column, request.on_lossy, word)?;
            let kind = target.column_type();
            fields.push(Field::new(&column.name, data_type(&kind), true));
            plans.push(ColumnPlan {
                name: column.name.clone(),
                source_name: column.name.clone(),
                column_type: kind.to_string(),
                format: (kind == ColumnType::Date).then(|| "%Y-%m-%d".to_owned()),
                reason,
            });
        }
        let (parts, split) = split(&snapshot, &source, request, &measured)?;
        let all: Vec<usize> = (0..source.columns.len()).collect();
        let columns = source
            .columns
            .iter()
            .zip(&all)
            .map(|(column, &at)| Column {
                name: column.name.clone(),
                position: source.position(at, at),
            })
            .collect();
        let mut decisions = vec![split];
        if snapshot.is_unlocked() {
            decisions.push(Decision {
                what: "locks".to_owned(),
                value: "none".to_owned(),
                confidence: 1.0,
                reason: "the database is in WAL mode and its directory cannot be written; the file must \
                         not change while it is read, and is checked for that"
                    .to_owned(),
            });
        }
        let job = Job {
            sql: source.select(&all, after.is_some()),
            stored: source.stored(&all, after.is_some()),
            place: matches!(source.access, Access::Rowid(_)).then_some(all.len()),
            access: source.access,
            schema: Arc::new(Schema::new(fields)),
            columns,
            on_lossy: request.on_lossy,
            limit: request.limit,
            after: window.after,
            watermark: window.last,
            batch_bytes: request.batch_bytes,
            timeout: request.statement_timeout,
        };
        Ok(Self {
            snapshot,
            job: Arc::new(job),
            plans,
            decisions,
            started: vec![false; parts.len()],
            ends: Arc::new(parts.iter().map(|_| OnceLock::new()).collect()),
            parts,
        })
    }
}

#[async_trait]
impl Extraction for SqliteExtraction {
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
        self.parts.len()
    }

    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError> {
        let Some(part) = self.parts.get(partition).cloned() else {
            let reason = format!("there is no partition {partition} of {}", self.parts.len());
            return Err(refused(READ, ErrorKind::InvalidRequest, reason, &[]));
        };
        if std::mem::replace(&mut self.started[partition], true) {
            let reason = format!("partition {partition} was started before");
            return Err(refused(READ, ErrorKind::InvalidRequest, reason, &[]));
        }
        let (watch, guard) = Watch::new(self.job.timeout);
        let (sender, stream) = channel(NAME, guard);
        let (snapshot, job, ends) = (self.snapshot.clone(), self.job.clone(), self.ends.clone());
        // It ends by itself as soon as the stream is dropped, whose guard cancels the watch.
        tokio::task::spawn_blocking(move || {
            let result = job
                .read(&snapshot, &part, &watch, &sender)
                .map_err(|error| watch.explain(error))
                // A second end cannot be, because no partition is started twice.
                .map(|end| _ = ends[partition].set(end));
            // Whoever has read to the end finds the file unlocked when the session is gone.
            drop(snapshot);
            sender.finish_blocking(result);
        });
        Ok(stream)
    }

    fn end(&self, partition: usize) -> Option<StreamEnd> {
        self.ends.get(partition)?.get().cloned()
    }
}

impl Job {
    fn read(
        &self,
        snapshot: &Snapshot,
        part: &Part,
        watch: &Watch,
        sender: &BatchSender,
    ) -> Result<StreamEnd, ConnectorError> {
        let connection = snapshot.lease(watch)?;
        let mut sink = Sink {
            batches: Batches::new(self.schema.clone(), self.batch_bytes).map_err(unbuildable)?,
            decoder: Decoder::new(self.on_lossy, PlaceWord::of(&self.access)),
            watch,
            sender,
        };
        if self.limit != Some(0) {
            match &self.stored {
                Some(stored) => self.read_pages(&connection, stored, part, &mut sink)?,
                None => self.read_rows(&connection, part, &mut sink)?,
            }
        }
        if sink.batches.rows() > 0 {
            sink.send()?;
        }
        snapshot.check()?;
        let read = sink.decoder.rows();
        if let Some(counted) = part.rows.filter(|&counted| counted != read) {
            return Err(refused(
                READ,
                ErrorKind::InvalidData,
                format!("{counted} rows were counted, but {read} were read"),
                &[
                    "a query must return the same rows when it is asked twice; of a table, check the \
                     file with `PRAGMA integrity_check`",
                ],
            ));
        }
        Ok(StreamEnd {
            server_rows: part.rows,
            events: sink.decoder.into_events(),
            watermark: self.watermark.clone(),
        })
    }

    fn read_pages(
        &self,
        connection: &Connection,
        stored: &Stored,
        part: &Part,
        sink: &mut Sink<'_>,
    ) -> Result<(), ConnectorError> {
        let mut walk = Walk::new(connection, stored, Want::Values, READ)?;
        walk.rows(&part.rowids, sink.watch, |record| {
            sink.decoder.begin(Some(record.rowid));
            let mut texts = Texts::default();
            let cells = self.columns.iter().zip(record.contents()).zip(sink.batches.columns());
            for ((column, content), builder) in cells {
                sink.decoder.content(column, content, record, &mut texts, builder)?;
            }
            sink.end_row(self.limit)
        })
    }

    fn read_rows(
        &self,
        connection: &Connection,
        part: &Part,
        sink: &mut Sink<'_>,
    ) -> Result<(), ConnectorError> {
        let unread = |error| failed(READ, error);
        let mut statement = connection.prepare(&self.sql).map_err(unread)?;
        let parameters = parameters(&self.access, &part.rowids, self.after.as_ref());
        let mut rows = statement.query(params_from_iter(parameters)).map_err(unread)?;
        while let Some(row) = rows.next().map_err(unread)? {
            let rowid = self.place.map(|place| row.get(place)).transpose().map_err(unread)?;
            sink.decoder.begin(rowid);
            for (column, builder) in self.columns.iter().zip(sink.batches.columns()) {
                let value = row.get_ref(column.position).map_err(unread)?;
                sink.decoder.cell(column, value, builder)?;
            }
            if sink.end_row(self.limit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Where rows go.
struct Sink<'a> {
    batches: Batches,
    decoder: Decoder,
    watch: &'a Watch,
    sender: &'a BatchSender,
}

impl Sink<'_> {
    /// Ends a row, and breaks when there are enough of them.
    #[inline]
    fn end_row(&mut self, limit: Option<u64>) -> Result<ControlFlow<()>, ConnectorError> {
        if self.batches.end_row() {
            self.send()?;
        }
        Ok(match limit {
            Some(limit) if self.decoder.rows() >= limit => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    }

    fn send(&mut self) -> Result<(), ConnectorError> {
        let batch = self.batches.take().map_err(unfinished)?;
        self.watch.outside(|| self.sender.send_blocking(batch)).map_err(|Gone| cancelled(READ))
    }
}

/// Where the window of this run begins and ends.
#[derive(Debug, Default)]
struct Window {
    after: Option<Value>,
    last: Option<String>,
}

impl Window {
    fn find(
        connection: &Connection,
        source: &Source,
        request: &ExtractRequest,
    ) -> Result<Self, ConnectorError> {
        let (Some(window), Some(sql)) = (&request.window, source.window_ends()) else {
            return Ok(Self::default());
        };
        let column = &window.column;
        let (least, greatest): (Value, Value) = connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| failed("find the window", error))?;
        let after = window.after.as_deref();
        let no_number = || {
            let reason = format!(
                "column `{column}` holds numbers, and the window begins after `{}`",
                after.unwrap_or_default()
            );
            refused("find the window", ErrorKind::InvalidRequest, reason, &[])
        };
        let number = |text: &str| {
            text.parse()
                .map(Value::Integer)
                .or_else(|_| text.parse().map(Value::Real))
                .map_err(|_| no_number())
        };
        let (last, after) = match (least, greatest) {
            (Value::Null, _) | (_, Value::Null) => {
                (None, after.map(|text| Value::Text(text.to_owned())))
            }
            (Value::Integer(_) | Value::Real(_), Value::Integer(last)) => {
                (Some(last.to_string()), after.map(number).transpose()?)
            }
            (Value::Integer(_) | Value::Real(_), Value::Real(last)) => {
                let mut text = String::new();
                real(last, &mut text);
                (Some(text), after.map(number).transpose()?)
            }
            (Value::Text(_), Value::Text(last)) => {
                (Some(last), after.map(|text| Value::Text(text.to_owned())))
            }
            _ => {
                return Err(refused(
                    "find the window",
                    ErrorKind::InvalidRequest,
                    format!("column `{column}` holds blobs, or both numbers and texts"),
                    &["choose a column whose values are all numbers or all texts"],
                ));
            }
        };
        Ok(Self { after, last })
    }
}

fn check(request: &ExtractRequest) -> Result<(), ConnectorError> {
    match request.partitions {
        Some(count) if !(1..=MOST).contains(&count) => Err(refused(
            "prepare to read",
            ErrorKind::InvalidRequest,
            format!("{count} partitions were asked for; from 1 to {MOST} are possible"),
            &[],
        )),
        _ => Ok(()),
    }
}

/// Decides in how many streams it is read.
fn split(
    snapshot: &Snapshot,
    source: &Source,
    request: &ExtractRequest,
    measured: &super::measure::Measured,
) -> Result<(Vec<Part>, Decision), ConnectorError> {
    let rows = measured.rows();
    let one = |reason: &str| {
        let all = Part { rowids: i64::MIN..=i64::MAX, rows: Some(rows) };
        Ok((vec![all], decided(1, reason)))
    };
    if let Some(reason) = source.single {
        return one(reason);
    }
    if request.limit.is_some() {
        return one("a number of rows was asked for");
    }
    let has = snapshot.grow(request.partitions.unwrap_or(1))?;
    let wanted = match request.partitions {
        Some(1) => return one("asked for"),
        Some(count) => count,
        None if rows < WORTH_SPLITTING => return one("there are few rows"),
        None => has,
    };
    let parts = balanced(&measured.samples, wanted.min(has));
    let reason = if parts.len() < wanted && has < wanted {
        "ranges of the rowid; more connections cannot see the same state, because others write"
            .to_owned()
    } else {
        format!("ranges of the rowid with equally many of {rows} rows")
    };
    let decision = decided(parts.len(), reason);
    Ok((parts, decision))
}
