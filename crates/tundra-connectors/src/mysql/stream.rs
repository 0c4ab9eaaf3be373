//! Streams of an extraction, each on a connection of its session.
//!
//! A stream has a task of its own that reads, decodes and waits for room in the channel, so that the
//! sink's pace becomes the server's. When the stream is dropped, the server is told to end the query, and
//! the task ends with it; the connection can be used on.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use tundra_core::{
    BatchStream, ColumnPlan, ConnectorError, Decision, ExtractRequest, Extraction, OnLossy,
    Relation, StreamEnd,
};

use super::{
    connect::{Arrival, Connection},
    decode::Decoder,
    failure::Failure,
    protocol::{BINARY, End, WireColumn, WireType},
    relation::Prepared,
    session::{Lease, Pool, Shared, pool},
    wire::WireError,
};
use crate::batch::{self, BatchSender};

/// A relation that is ready to be read.
#[derive(Debug)]
pub(super) struct MysqlExtraction {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    work: Arc<Work>,
    started: Vec<bool>,
    ends: Arc<Mutex<Vec<Option<StreamEnd>>>>,
}

/// What all streams share.
#[derive(Debug)]
struct Work {
    prepared: Prepared,
    on_lossy: OnLossy,
    batch_bytes: usize,
    /// The server counts the rows of what is surely a SELECT.
    counted: bool,
}

impl MysqlExtraction {
    pub(super) fn new(
        shared: Arc<Shared>,
        pool: Arc<Pool>,
        prepared: Prepared,
        request: &ExtractRequest,
    ) -> Self {
        let count = prepared.statements.len();
        let work = Work {
            prepared,
            on_lossy: request.on_lossy,
            batch_bytes: request.batch_bytes,
            counted: matches!(request.relation, Relation::Table(_)),
        };
        Self {
            shared,
            pool,
            work: Arc::new(work),
            started: vec![false; count],
            ends: Arc::new(Mutex::new(vec![None; count])),
        }
    }
}

#[async_trait]
impl Extraction for MysqlExtraction {
    fn schema(&self) -> SchemaRef {
        self.work.prepared.schema.clone()
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.work.prepared.plans
    }

    fn decisions(&self) -> &[Decision] {
        &self.work.prepared.decisions
    }

    fn partitions(&self) -> usize {
        self.work.prepared.statements.len()
    }

    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError> {
        let name = self.shared.name;
        let refused = |why: &str| Failure::request(why).during(name, "start a stream");
        let Some(started) = self.started.get_mut(partition) else {
            return Err(refused("there are not so many streams"));
        };
        if std::mem::replace(started, true) {
            return Err(refused("the stream was started already"));
        }
        let lease =
            self.pool.lend().await.map_err(|failure| failure.during(name, "start a stream"))?;
        let (sender, stream) = batch::channel(name, ());
        let task = Reading {
            shared: self.shared.clone(),
            partition,
            work: self.work.clone(),
            ends: self.ends.clone(),
        };
        tokio::spawn(task.run(lease, sender, self.pool.is_read()));
        Ok(stream)
    }

    fn end(&self, partition: usize) -> Option<StreamEnd> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(partition).cloned().flatten()
    }
}

/// The task of one stream.
struct Reading {
    shared: Arc<Shared>,
    partition: usize,
    work: Arc<Work>,
    ends: Arc<Mutex<Vec<Option<StreamEnd>>>>,
}

impl Reading {
    async fn run(self, mut lease: Lease, sender: BatchSender, being_read: pool::Read) {
        let (result, wanted) = {
            let id = lease.connection.backend;
            let read = self.read(&mut lease.connection, &sender);
            let gone = async {
                sender.gone().await;
                drop(being_read);
            };
            pool::until_gone(&self.shared, id, gone, read).await
        };
        let result = match result {
            Ok(end) if wanted => {
                self.keep(end);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(failure) => {
                lease.tell(&failure);
                Err(failure.during(self.shared.name, "read the rows"))
            }
        };
        // The consumer does not wait for what becomes of the connection.
        sender.finish(result).await;
        lease.recover(wanted).await;
    }

    fn keep(&self, end: StreamEnd) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = ends.get_mut(self.partition) {
            *slot = Some(end);
        }
    }

    async fn read(
        &self,
        connection: &mut Connection,
        sender: &BatchSender,
    ) -> Result<StreamEnd, Failure> {
        let Work { prepared, on_lossy, batch_bytes, counted } = &*self.work;
        let Some(sql) = prepared.statements.get(self.partition) else {
            return Err(Failure::request("there are not so many streams"));
        };
        connection.expect(prepared.within, prepared.limit, prepared.texts).await?;
        let statement = connection.prepare(sql).await?;
        let columns = connection.execute(&statement).await?;
        if !same(&prepared.columns, &columns) {
            return Err(Failure::Changed(
                "the columns are not those that they were when the extraction was prepared"
                    .to_owned(),
            ));
        }
        let mut decoder = Decoder::new(
            prepared.schema.clone(),
            prepared.arriving.clone(),
            *on_lossy,
            *batch_bytes,
        )?;
        let limit = prepared.limit.unwrap_or(u64::MAX);
        let end = loop {
            match connection.arrived()? {
                Some(Arrival::Row(_)) if decoder.total() >= limit => break None,
                Some(Arrival::Row(row)) => {
                    if decoder.row(row)? {
                        send(&mut decoder, sender).await?;
                    }
                }
                Some(Arrival::End(end)) => break Some(end),
                None => connection.wait().await?,
            }
        };
        send(&mut decoder, sender).await?;
        let mut stream_end = StreamEnd {
            server_rows: None,
            events: decoder.events(),
            watermark: prepared.watermark.clone(),
        };
        // Where the query has a limit of its own, it may give more rows than were asked for.
        let Some(end) = end else { return Ok(stream_end) };
        if end.status & End::MORE_RESULTS != 0 {
            return Err(WireError::Protocol("one statement has two results").into());
        }
        if *counted {
            let rows = connection.value("SELECT FOUND_ROWS()").await?;
            stream_end.server_rows = rows.and_then(|it| it.parse().ok());
        }
        connection.close(statement).await?;
        Ok(stream_end)
    }
}

/// Sends what was decoded. When nobody wants it, whoever runs us has noticed, too.
async fn send(decoder: &mut Decoder, sender: &BatchSender) -> Result<(), Failure> {
    if let Some(batch) = decoder.batch()? {
        let _ = sender.send(batch).await;
    }
    Ok(())
}

/// Tells whether rows with these columns are decoded in the same way. Widths may differ: a decimal with
/// more digits than were announced does not pass the decoder.
fn same(planned: &[WireColumn], arriving: &[WireColumn]) -> bool {
    let decoded = |column: &WireColumn| {
        let scale = if column.kind == WireType::Decimal { column.decimals } else { 0 };
        (column.kind, column.unsigned, column.charset == BINARY, scale)
    };
    planned.len() == arriving.len()
        && planned
            .iter()
            .zip(arriving)
            .all(|(left, right)| left.name == right.name && decoded(left) == decoded(right))
}
