//! Databases as streams of record batches: the [`Connector`] trait.
//!
//! Nothing here knows a particular database, and no connector knows the engine or a store.
//! Implementations live in `tundra-connectors`; each passes the suite in
//! `tundra_core::testing::connector`.

use std::{
    fmt::{self, Debug},
    pin::Pin,
    time::Duration,
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use futures::Stream;

use crate::{
    error::{Classify, ErrorKind, Retry},
    receipt::{ColumnPlan, Decision, LossEvent},
};

/// What is to be read from a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// A table or view, as the database names it.
    Table(TableName),
    /// A query that only reads, in the database's own SQL.
    Query(String),
}

/// The name of a table or view, unquoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema, or the database where those are the same; the connection's own when not given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for TableName {
    /// Writes the names with a point between, for people: without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What happens to a value that no Arrow type holds without a loss, such as a zero date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnLossy {
    /// The run fails and names the column, the row and the value.
    #[default]
    Fail,
    /// The column is text, as the server prints it.
    Text,
    /// The value is null, and counted.
    Null,
}

/// Rows of a table that changed since an earlier run, by a column that only grows.
///
/// The column `xmin` of a table of PostgreSQL means "by transaction": the rows that were written by one
/// that the earlier run did not see. Where a window ends is text that only the connector which made it
/// understands, so that nobody else compares it or takes it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The column.
    pub column: String,
    /// Where the last window ended: a [`StreamEnd::watermark`] of the same connector as it was, or a value
    /// of the column as the database prints it; everything when not given.
    pub after: Option<String>,
}

/// How a relation is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractRequest {
    /// What is read.
    pub relation: Relation,
    /// Only these columns, in this order; all of them when not given. A name that is not there is
    /// [`ErrorKind::InvalidRequest`].
    pub columns: Option<Vec<String>>,
    /// At most so many rows, whichever.
    pub limit: Option<u64>,
    /// In how many streams it is read, from 1 to 16; by its size and the machine's cores when not given.
    pub partitions: Option<usize>,
    /// The column by whose values it is split; chosen when not given.
    pub partition_column: Option<String>,
    /// Only what changed.
    pub window: Option<Window>,
    /// What happens to values that no type holds.
    pub on_lossy: OnLossy,
    /// The bytes that a record batch has at most, as far as one row fits into them.
    pub batch_bytes: usize,
    /// How long the server may work on one statement.
    pub statement_timeout: Option<Duration>,
}

impl ExtractRequest {
    /// The most streams that a relation may be split into.
    pub const MAX_PARTITIONS: usize = 16;

    /// Bytes of a record batch when nothing is said: several are on their way at once for each stream.
    pub const BATCH_BYTES: usize = 2 << 20;

    /// Asks for all of a relation, split as its size suggests.
    pub const fn new(relation: Relation) -> Self {
        Self {
            relation,
            columns: None,
            limit: None,
            partitions: None,
            partition_column: None,
            window: None,
            on_lossy: OnLossy::Fail,
            batch_bytes: Self::BATCH_BYTES,
            statement_timeout: None,
        }
    }
}

/// Record batches as they arrive, bounded in size; the consumer's pace is the producer's.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, ConnectorError>> + Send>>;

/// What one stream came to when it ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamEnd {
    /// The rows that the server says it sent, counted by the server where its protocol tells.
    pub server_rows: Option<u64>,
    /// What was not kept as it was.
    pub events: Vec<LossEvent>,
    /// Where the next window begins: the largest value of the window's column under the snapshot, as the
    /// database prints it, and before it what the connector has to know so that nothing is lost that is
    /// committed late. The same for every stream;
    /// `None` without a window, and when nothing changed.
    pub watermark: Option<String>,
}

/// A relation that is ready to be read under the snapshot of its session.
#[async_trait]
pub trait Extraction: Debug + Send + 'static {
    /// Returns the columns of every batch.
    fn schema(&self) -> SchemaRef;

    /// Returns how each column came to its type, in the order of the schema.
    fn columns(&self) -> &[ColumnPlan];

    /// Returns what was decided about the reading, such as the number of streams and why.
    fn decisions(&self) -> &[Decision];

    /// Returns how many streams the relation is split into; at least 1.
    fn partitions(&self) -> usize;

    /// Starts the stream of one partition; each may be started once. Dropping it cancels the query on
    /// the server too.
    ///
    /// All may be started before one is read: starting waits for no other stream of the extraction, and is an
    /// error where nothing is left to read it from.
    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError>;

    /// Returns what a stream that was read to its end came to.
    fn end(&self, partition: usize) -> Option<StreamEnd>;
}

/// One snapshot of a database, under which any number of relations is read, also at once.
///
/// # Contract
/// At most [`Session::connections`] streams are open at a time, over all extractions; whoever starts more
/// may wait until one of them ends.
#[async_trait]
pub trait Session: Debug + Send + 'static {
    /// Returns the product and its version, as in `PostgreSQL 15.4`.
    fn server(&self) -> &str;

    /// Returns the place in the server's log that the snapshot stands for, as the server writes it, with
    /// its kind before it: `lsn 0/16B3748`, `gtid 0-1-42`.
    fn position(&self) -> Option<&str>;

    /// Returns why there is only one connection, where the snapshot cannot be shared.
    fn single(&self) -> Option<&str>;

    /// Returns how many streams may be open at once; at least 1.
    fn connections(&self) -> usize {
        if self.single().is_some() { 1 } else { ExtractRequest::MAX_PARTITIONS }
    }

    /// Returns the tables and views that match, by schema and name.
    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError>;

    /// Prepares a relation for reading.
    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError>;
}

/// Which tables are meant: `*` stands for any characters, and everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePattern {
    /// Of the schema; those of the user when not given, and never the server's own.
    pub schema: Option<String>,
    /// Of the name.
    pub name: String,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Its name.
    pub name: TableName,
    /// What it is, in the server's word: `table`, `view`, `materialized view`, `partitioned table`,
    /// `foreign table`.
    pub kind: String,
    /// Its rows as the server estimates them.
    pub estimated_rows: Option<u64>,
    /// Its size in bytes, where the server tells.
    pub bytes: Option<u64>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The product, such as `PostgreSQL`.
    pub product: String,
    /// Its version, in its own words.
    pub version: String,
    /// The time from the question to the answer.
    pub latency: Duration,
    /// The version of TLS and the cipher; `None` without TLS.
    pub tls: Option<String>,
    /// The SSH server through which it was reached and the fingerprint of that server's key; `None` when
    /// it was reached straight.
    pub tunnel: Option<String>,
    /// Whether the session can only read.
    pub read_only: bool,
}

/// A database from which relations are read.
///
/// # Contract
/// - **Read-only.** Nothing is written to the source, and a query that would write is refused, as are two
///   statements in one.
/// - **One snapshot** for all partitions of an extraction and for all extractions of a session. Where it
///   cannot be had, there is one partition, and [`Session::single`] says why.
/// - **Lossless**, or by [`OnLossy`], with the column and the row named.
/// - **Retries** end with the first row that was handed out.
/// - **Words of the server** are kept in errors; credentials are in none.
/// - **Cancellation** is dropping a future or a stream: the query ends on the server, too.
#[async_trait]
pub trait Connector: Debug + Send + Sync + 'static {
    /// Returns the connector's name, such as `postgresql`.
    fn name(&self) -> &'static str;

    /// Returns the kind of database, as a catalog names it: that is the connector's own name unless it
    /// reads databases of several kinds.
    fn database(&self) -> &'static str {
        self.name()
    }

    /// Returns the database's place as a person would write it, without credentials.
    fn display(&self) -> String;

    /// Connects and returns what the server says of itself.
    async fn test(&self) -> Result<ServerFacts, ConnectorError>;

    /// Connects and takes a snapshot.
    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError>;
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
    /// What the user can do about it.
    pub hints: Vec<String>,
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
        self.hints.clone()
    }
}
