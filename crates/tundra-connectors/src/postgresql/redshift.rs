//! Amazon Redshift: the protocol of PostgreSQL without `COPY` to the client and without snapshots that can
//! be shared, so that everything goes over one connection, a portion of rows at a time.
//!
//! Start at [`RedshiftConnector`]. Redshift has no savepoints: what fails ends the transaction and with it
//! the session, and who wants to go on takes a new snapshot.

mod stream;

use std::{
    sync::{Arc, PoisonError, Weak},
    time::{Duration, Instant},
};

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tundra_core::{
    BatchStream, ColumnPlan, Connector, ConnectorError, Decision, ExtractRequest, Extraction,
    OnLossy, ServerFacts, Session, StreamEnd, TableFacts, TableName, TablePattern,
};

use crate::{
    identifier::matches,
    postgresql::{
        connect::{Connection, Place},
        decode::{Decoder, schema},
        failure::Failure,
        partition,
        relation::Relation,
        session::first,
        stream::{EndSlot, Stop, Terms},
        wire::Wire,
    },
    settings::ConnectionSettings,
    types::{TypeRow, TypeTable},
};

/// What becomes of every type of Redshift.
pub const TYPES: TypeTable = TypeTable { database: "Redshift", notes: NOTES, rows: ROWS };

const NOTES: &str = "\
This was run against PostgreSQL with Redshift's part of the protocol, and never against Redshift.
Text is what the server prints with `datestyle` ISO and the time zone UTC.";

const ROWS: &[TypeRow] = &[
    TypeRow::lossless("smallint", "SMALLINT"),
    TypeRow::lossless("integer", "INTEGER"),
    TypeRow::lossless("bigint", "BIGINT"),
    TypeRow::lossless("decimal(p,s)", "DECIMAL(p,s)"),
    TypeRow::lossless("real", "FLOAT"),
    TypeRow::lossless("double precision", "DOUBLE"),
    TypeRow::lossless("boolean", "BOOLEAN"),
    TypeRow::lossless("char(n), varchar(n)", "VARCHAR"),
    TypeRow::lossless("varbyte", "BLOB"),
    TypeRow::policy("date", "DATE", "infinities"),
    TypeRow::policy("time", "TIME", "24:00:00"),
    TypeRow::policy("timestamp", "TIMESTAMP", "infinities and what is after 294247-01-10 04:00:54"),
    TypeRow::policy(
        "timestamptz",
        "TIMESTAMPTZ",
        "infinities and what is after 294247-01-10 04:00:54",
    ),
    TypeRow::lossless("super", "JSON"),
    TypeRow::text("timetz, interval"),
    TypeRow::text("hllsketch"),
    TypeRow::text("geometry, geography"),
];

/// The connector's name.
const NAME: &str = "redshift";

/// Why there is one connection.
const SINGLE: &str = "Redshift does not share its snapshots";

/// How the server prints, and the transaction of the session.
const BEGIN: &str = "SET datestyle TO 'ISO, YMD'; SET timezone TO 'UTC'; SET extra_float_digits TO 2; \
                     BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY";

/// An Amazon Redshift database.
#[derive(Debug, Clone)]
pub struct RedshiftConnector(Place);

impl RedshiftConnector {
    /// Takes the settings; nothing is connected yet.
    pub fn new(settings: ConnectionSettings) -> Self {
        Self(Place::new(settings))
    }

    async fn facts(&self) -> Result<ServerFacts, Failure> {
        let mut connection = self.0.connect().await?;
        let wire = &mut connection.wire;
        wire.ask(BEGIN).await?;
        let begun = Instant::now();
        let version = version(wire).await?;
        let latency = begun.elapsed();
        Ok(ServerFacts {
            product: "Redshift".to_owned(),
            version,
            latency,
            tls: connection.tls.clone(),
            tunnel: self.0.tunnel(),
            read_only: true,
        })
    }

    async fn open(&self) -> Result<RedshiftSession, Failure> {
        let mut leader = self.0.connect().await?;
        // The snapshot is that of the first query.
        leader.wire.ask(BEGIN).await?;
        let server = format!("Redshift {}", version(&mut leader.wire).await?);
        let leader = Arc::new(AsyncMutex::new(Some(leader)));
        Ok(RedshiftSession { place: self.0.clone(), leader, server, here: Arc::new(()) })
    }
}

/// Returns the version of Redshift, which stands behind the one of PostgreSQL that it once was.
async fn version(wire: &mut Wire) -> Result<String, Failure> {
    let text = first(wire, "SELECT version()").await?.unwrap_or_default();
    let version = text.split_once("Redshift ").map_or(text.as_str(), |(_, version)| version);
    Ok(version.to_owned())
}

#[async_trait]
impl Connector for RedshiftConnector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn display(&self) -> String {
        self.0.settings().to_string()
    }

    async fn test(&self) -> Result<ServerFacts, ConnectorError> {
        self.facts().await.map_err(|failure| failure.of(NAME, "connect"))
    }

    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError> {
        match self.open().await {
            Ok(session) => Ok(Box::new(session)),
            Err(failure) => Err(failure.of(NAME, "connect and take a snapshot")),
        }
    }
}

/// The connection of a session; `None` after it broke, or the transaction on it ended.
type Leader = Arc<AsyncMutex<Option<Connection>>>;

/// A transaction.
#[derive(Debug)]
struct RedshiftSession {
    place: Place,
    leader: Leader,
    server: String,
    /// As long as there is a session, a stream that is dropped leaves it its transaction.
    here: Arc<()>,
}

/// The connection while it is used. Dropped before its end, what runs on it is cancelled.
#[derive(Debug)]
struct Lead {
    stop: Stop,
    connection: Connection,
    slot: OwnedMutexGuard<Option<Connection>>,
}

impl Lead {
    async fn take(place: &Place, leader: &Leader) -> Result<Self, Failure> {
        let mut slot = Arc::clone(leader).lock_owned().await;
        let connection = slot.take().ok_or(Failure::Broken)?;
        Ok(Self { stop: Stop::new(place.canceller(&connection)), connection, slot })
    }

    /// Puts the connection back, if its transaction goes on.
    fn end(mut self) {
        if self.connection.wire.in_transaction() {
            *self.slot = Some(self.connection);
        }
        self.stop.over();
    }
}

#[async_trait]
impl Session for RedshiftSession {
    fn server(&self) -> &str {
        &self.server
    }

    fn position(&self) -> Option<&str> {
        None
    }

    fn single(&self) -> Option<&str> {
        Some(SINGLE)
    }

    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError> {
        let operation = "list the tables";
        let failed = |failure: Failure| failure.of(NAME, operation);
        let mut lead = Lead::take(&self.place, &self.leader).await.map_err(failed)?;
        let result = tables(&mut lead.connection.wire, pattern).await;
        lead.end();
        result.map_err(failed)
    }

    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError> {
        let limit = request.statement_timeout;
        let failed = |failure: Failure| failure.within(limit).of(NAME, "prepare the extraction");
        let mut lead = Lead::take(&self.place, &self.leader).await.map_err(failed)?;
        let result = prepare(&mut lead.connection.wire, request).await;
        lead.end();
        let relation = result.map_err(failed)?;
        Ok(Box::new(RedshiftExtraction {
            place: self.place.clone(),
            leader: Arc::clone(&self.leader),
            session: Arc::downgrade(&self.here),
            schema: schema(&relation.columns),
            decisions: self.place.decisions(partition::one(SINGLE).decision),
            statement: Some(relation.select(None)),
            relation,
            end: EndSlot::default(),
            batch_bytes: request.batch_bytes,
            on_lossy: request.on_lossy,
            limit,
        }))
    }
}

async fn prepare(wire: &mut Wire, request: &ExtractRequest) -> Result<Relation, Failure> {
    wire.ask(&timeout(request.statement_timeout)).await?;
    let relation = Relation::prepare_plain(wire, request).await?;
    partition::check(&relation, request)?;
    Ok(relation)
}

fn timeout(limit: Option<Duration>) -> String {
    let millis = limit.map_or(0, |it| it.as_millis().clamp(1, 2_147_483_647));
    format!("SET statement_timeout TO {millis}")
}

async fn tables(wire: &mut Wire, pattern: &TablePattern) -> Result<Vec<TableFacts>, Failure> {
    // What is to match is compared here, because how Redshift reads a pattern's escapes is not known.
    let rows = wire
        .ask(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables \
             WHERE table_schema <> 'information_schema' ORDER BY table_schema, table_name",
        )
        .await?;
    let found = rows.into_iter().filter_map(|row| {
        let [schema, name, kind]: [Option<String>; 3] = row.try_into().ok()?;
        let (schema, name) = (schema?, name?);
        let wanted = pattern.schema.as_ref().is_none_or(|pattern| matches(pattern, &schema));
        let kind = match kind?.as_str() {
            "VIEW" => "view",
            "FOREIGN" | "FOREIGN TABLE" | "EXTERNAL TABLE" => "foreign table",
            _ => "table",
        };
        (wanted && !schema.starts_with("pg_") && matches(&pattern.name, &name)).then(|| {
            TableFacts {
                name: TableName { schema: Some(schema), name },
                kind: kind.to_owned(),
                estimated_rows: None,
                bytes: None,
            }
        })
    });
    Ok(found.collect())
}

/// A relation in the transaction.
#[derive(Debug)]
struct RedshiftExtraction {
    place: Place,
    leader: Leader,
    session: Weak<()>,
    relation: Relation,
    schema: SchemaRef,
    decisions: Vec<Decision>,
    /// Until it is started.
    statement: Option<String>,
    end: EndSlot,
    batch_bytes: usize,
    on_lossy: OnLossy,
    limit: Option<Duration>,
}

impl RedshiftExtraction {
    async fn begin(&mut self, partition: usize) -> Result<BatchStream, Failure> {
        let statement = (partition == 0).then(|| self.statement.take()).flatten();
        let statement = statement.ok_or_else(|| {
            let number = partition + 1;
            Failure::Request(format!("stream {number} is not there or was started before"))
        })?;
        let columns = Arc::clone(&self.relation.columns);
        let decoder = Decoder::new(Arc::clone(&columns), self.batch_bytes, self.on_lossy, 1)?;
        let mut lead = Lead::take(&self.place, &self.leader).await?;
        lead.connection.wire.ask(&timeout(self.limit)).await?;
        let formats = columns.iter().map(|column| i16::from(!column.is_text));
        lead.connection.wire.open(&statement, formats).await?;
        let terms = Terms { watermark: self.relation.watermark.clone(), limit: self.limit };
        let end = Arc::clone(&self.end);
        Ok(stream::start(lead, decoder, terms, end, Weak::clone(&self.session)))
    }
}

#[async_trait]
impl Extraction for RedshiftExtraction {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.relation.plans
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn partitions(&self) -> usize {
        1
    }

    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError> {
        let limit = self.limit;
        let begun = self.begin(partition).await;
        begun.map_err(|failure| failure.within(limit).of(NAME, "start reading the rows"))
    }

    fn end(&self, partition: usize) -> Option<StreamEnd> {
        if partition != 0 {
            return None;
        }
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
