//! Databases as streams of record batches: the [`Connector`] trait.
//!
//! Nothing here knows a particular database, and no connector knows the engine or a store.
//! Implementations live in `tundra-connectors`.

use std::{fmt::Debug, pin::Pin};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use futures::Stream;

use crate::error::{Classify, ErrorKind, Retry};

/// What is to be read from a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// A table or view, as the database names it.
    Table {
        /// The schema, when it is not the default one.
        schema: Option<String>,
        /// The name.
        name: String,
    },
    /// A query that only reads, in the database's own SQL.
    Query(String),
}

/// Record batches as they arrive, bounded in size; the consumer's pace is the producer's.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, ConnectorError>> + Send>>;

/// A relation that is ready to be read under one snapshot.
#[async_trait]
pub trait Extraction: Debug + Send + 'static {
    /// Returns the columns.
    fn schema(&self) -> SchemaRef;

    /// Returns how many streams the relation is split into; at least 1.
    fn partitions(&self) -> usize;

    /// Starts the stream of one partition; each may be started once. Dropping it cancels the
    /// query on the server too.
    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError>;
}

/// A database from which relations are read.
///
/// # Contract
/// - **Read-only.** Nothing is written to the source, and a query that would write is refused.
/// - **One snapshot** for all partitions of an extraction. Where it cannot be had, there is one
///   partition.
/// - **Lossless**, or refused with the column and the row named.
/// - **Retries** end with the first row that was handed out.
#[async_trait]
pub trait Connector: Debug + Send + Sync + 'static {
    /// Returns the connector's name, such as `postgresql`.
    fn name(&self) -> &'static str;

    /// Connects and returns what the server says of itself.
    async fn test(&self) -> Result<String, ConnectorError>;

    /// Prepares a relation for reading with at most `partitions` streams.
    async fn extract(
        &self,
        relation: &Relation,
        partitions: usize,
    ) -> Result<Box<dyn Extraction>, ConnectorError>;
}

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{connector} could not {operation}: {reason}")]
pub struct ConnectorError {
    /// The connector.
    pub connector: &'static str,
    /// What it was doing, as a verb phrase.
    pub operation: &'static str,
    /// Why not, in the server's own words where there are any, without credentials.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The cause.
    pub source: Option<crate::BoxError>,
}

impl Classify for ConnectorError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}
