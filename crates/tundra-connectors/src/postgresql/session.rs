//! One snapshot of a database, shared by any number of connections.
//!
//! Start at [`PostgresSession::open`]. The leader holds the transaction whose snapshot the others take
//! over; where a server does not export it, everything is read on the leader, one stream after another.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tundra_core::{
    BatchStream, ColumnPlan, ConnectorError, Decision, ExtractRequest, Extraction, OnLossy,
    Session, StreamEnd, TableFacts, TableName, TablePattern,
};

use crate::postgresql::{
    connect::{Connection, Place},
    decode::{Decoder, schema},
    failure::Failure,
    partition,
    relation::{Relation, literal},
    stream::{self, EndSlot, GiveBack, Stop, Terms},
    wire::Wire,
};

/// The transaction of every connection.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// How the server prints what is kept as text, whatever the user's settings are; a leader waits for the
/// others for as long as they need; and nobody waits for ever for a lock that somebody gets only when the
/// leader has ended, which the server cannot see to be a deadlock.
const SETTINGS: &str = "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; \
                        SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 3; \
                        SET LOCAL bytea_output = 'hex'; \
                        SET LOCAL idle_in_transaction_session_timeout = 0; \
                        SET LOCAL lock_timeout = '10s'";

/// What begins the work on one request.
const BEGIN_REQUEST: &str = "SAVEPOINT tundra_request; SET LOCAL statement_timeout = 0";

/// What ends it. The locks stay, so that nobody drops or rewrites a table before it is read.
const END_REQUEST: &str = "RELEASE SAVEPOINT tundra_request";

/// What ends it when it failed.
const UNDO_REQUEST: &str = "ROLLBACK TO SAVEPOINT tundra_request; RELEASE SAVEPOINT tundra_request";

/// A snapshot.
#[derive(Debug)]
pub(super) struct PostgresSession {
    shared: Arc<Shared>,
    server: String,
    position: Option<String>,
}

/// What a session and its extractions have in common.
#[derive(Debug)]
struct Shared {
    place: Place,
    /// The leader; `None` after it broke in the middle of something.
    leader: Arc<AsyncMutex<Option<Connection>>>,
    /// The name of the snapshot, or why there is none.
    snapshot: Result<String, String>,
    /// Connections that have taken it over and have nothing to do.
    idle: Mutex<Vec<Connection>>,
}

impl PostgresSession {
    /// Connects and takes a snapshot.
    pub(super) async fn open(place: Place) -> Result<Self, Failure> {
        let mut leader = place.connect().await?;
        let wire = &mut leader.wire;
        let version = wire.parameter("server_version").unwrap_or_default();
        let server = format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default());
        let position = position(wire).await?;
        wire.ask(&format!("{BEGIN}; {SETTINGS}")).await?;
        let snapshot = match first(wire, "SELECT pg_catalog.pg_export_snapshot()").await {
            Ok(name) => name.ok_or_else(|| "the server's snapshot has no name".to_owned()),
            Err(Failure::Server(error)) => {
                wire.ask(&format!("ROLLBACK; {BEGIN}; {SETTINGS}")).await?;
                Err(format!("the server does not share its snapshot: {error}"))
            }
            Err(failure) => return Err(failure),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                place,
                leader: Arc::new(AsyncMutex::new(Some(leader))),
                snapshot,
                idle: Mutex::default(),
            }),
            server,
            position,
        })
    }
}

/// Returns the place in the log that is written or, on a standby, replayed.
///
/// It is taken before the snapshot: who follows the log from there on sees what is committed in between
/// twice rather than never.
async fn position(wire: &mut Wire) -> Result<Option<String>, Failure> {
    let asked = first(
        wire,
        "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
         ELSE pg_catalog.pg_current_wal_lsn() END",
    )
    .await;
    match asked {
        Ok(lsn) => Ok(lsn.map(|it| format!("lsn {it}"))),
        // Not every user may know it, and not everything that speaks the protocol has one.
        Err(Failure::Server(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Returns the first value of an answer.
pub(super) async fn first(wire: &mut Wire, sql: &str) -> Result<Option<String>, Failure> {
    Ok(wire.ask(sql).await?.into_iter().flatten().next().flatten())
}

impl Shared {
    /// Takes the leader out; it is put back when what is done with it is done.
    async fn leader(&self) -> Result<(Connection, OwnedMutexGuard<Option<Connection>>), Failure> {
        let mut slot = Arc::clone(&self.leader).lock_owned().await;
        match slot.take() {
            Some(leader) => Ok((leader, slot)),
            None => Err(Failure::Broken),
        }
    }

    /// Takes the leader out to ask it something.
    async fn lead(&self) -> Result<Lead, Failure> {
        let (mut leader, slot) = self.leader().await?;
        let stop = Stop::new(self.place.canceller(&leader));
        leader.wire.ask(BEGIN_REQUEST).await?;
        Ok(Lead { stop, leader, slot })
    }

    /// Returns a connection that sees the snapshot, and what is to be done with it afterwards.
    async fn worker(self: &Arc<Self>) -> Result<(Connection, GiveBack), Failure> {
        let Ok(snapshot) = &self.snapshot else {
            let (leader, mut slot) = self.leader().await?;
            return Ok((leader, Box::new(move |leader| *slot = Some(leader))));
        };
        let shared = Arc::clone(self);
        let give_back: GiveBack = Box::new(move |worker| shared.idle().push(worker));
        let idle = self.idle().pop();
        if let Some(worker) = idle {
            return Ok((worker, give_back));
        }
        let mut worker = self.place.connect().await?;
        // The snapshot is the first thing in a transaction or cannot be taken over.
        let begin = format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}; {SETTINGS}", literal(snapshot));
        worker.wire.ask(&begin).await.map_err(Failure::of_snapshot)?;
        Ok((worker, give_back))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The leader while it is asked something. Dropped before its end, it is cancelled and gone.
#[derive(Debug)]
struct Lead {
    stop: Stop,
    leader: Connection,
    slot: OwnedMutexGuard<Option<Connection>>,
}

impl Lead {
    /// Puts the leader back. A statement that failed has ended the transaction on the server, but not
    /// the savepoint.
    async fn end(mut self, failed: Option<&Failure>) {
        let wire = &mut self.leader.wire;
        if !failed.is_some_and(Failure::breaks_connection) {
            let sql = if failed.is_none() { END_REQUEST } else { UNDO_REQUEST };
            if wire.ask(sql).await.is_ok() && wire.in_transaction() {
                *self.slot = Some(self.leader);
            }
        }
        self.stop.over();
    }
}

#[async_trait]
impl Session for PostgresSession {
    fn server(&self) -> &str {
        &self.server
    }

    fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    fn single(&self) -> Option<&str> {
        self.shared.snapshot.as_ref().err().map(String::as_str)
    }

    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError> {
        let operation = "list the tables";
        let mut lead = self.shared.lead().await.map_err(|it| it.during(operation))?;
        let result = tables(&mut lead.leader.wire, pattern).await;
        lead.end(result.as_ref().err()).await;
        result.map_err(|failure| failure.during(operation))
    }

    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError> {
        let operation = "prepare the extraction";
        let mut lead = self.shared.lead().await.map_err(|it| it.during(operation))?;
        let wire = &mut lead.leader.wire;
        let result = prepare(wire, request, self.single()).await;
        lead.end(result.as_ref().err()).await;
        let limit = request.statement_timeout;
        let (relation, partitions) =
            result.map_err(|failure| failure.within(limit).during(operation))?;
        let ends = partitions.conditions.iter().map(|_| EndSlot::default()).collect();
        let statements = partitions
            .conditions
            .iter()
            .map(|condition| Some(relation.copy(condition.as_deref())))
            .collect();
        Ok(Box::new(PostgresExtraction {
            shared: Arc::clone(&self.shared),
            schema: schema(&relation.columns),
            relation,
            decisions: self.shared.place.decisions(partitions.decision),
            statements,
            ends,
            batch_bytes: request.batch_bytes,
            on_lossy: request.on_lossy,
            limit,
        }))
    }
}

async fn prepare(
    wire: &mut Wire,
    request: &ExtractRequest,
    single: Option<&str>,
) -> Result<(Relation, partition::Partitions), Failure> {
    wire.ask(&timeout(request.statement_timeout)).await?;
    let relation = Relation::prepare(wire, request).await?;
    relation.hold(wire).await?;
    let partitions = partition::plan(wire, &relation, request, single).await?;
    Ok((relation, partitions))
}

/// Returns the statement that limits the time of the next ones.
fn timeout(limit: Option<Duration>) -> String {
    let millis = limit.map_or(0, |it| it.as_millis().clamp(1, 2_147_483_647));
    format!("SET LOCAL statement_timeout = {millis}")
}

async fn tables(wire: &mut Wire, pattern: &TablePattern) -> Result<Vec<TableFacts>, Failure> {
    let schema = match &pattern.schema {
        Some(schema) => format!("n.nspname LIKE {}", like(schema)),
        None => "true".to_owned(),
    };
    let rows = wire
        .ask(&format!(
            "SELECT n.nspname, c.relname,
                 CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view'
                     WHEN 'm' THEN 'materialized view' WHEN 'p' THEN 'partitioned table'
                     ELSE 'foreign table' END,
                 CASE WHEN c.relkind = 'p' THEN parts.rows
                     WHEN c.reltuples >= 0 THEN c.reltuples::bigint END,
                 CASE WHEN c.relkind = 'p' THEN parts.bytes
                     WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid) END
             FROM pg_catalog.pg_class AS c
             LEFT JOIN LATERAL (
                 SELECT pg_catalog.sum(p.reltuples) FILTER (WHERE p.reltuples >= 0)::bigint AS rows,
                     pg_catalog.sum(pg_catalog.pg_table_size(p.oid))::bigint AS bytes
                 FROM pg_catalog.pg_partition_tree(c.oid) AS tree
                 JOIN pg_catalog.pg_class AS p ON p.oid = tree.relid
                 WHERE tree.isleaf AND p.relkind IN ('r', 'm')
             ) AS parts ON c.relkind = 'p'
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition
                 AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
                 AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                 AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
                 AND {schema} AND c.relname LIKE {}
             ORDER BY n.nspname, c.relname",
            like(&pattern.name)
        ))
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let [schema, name, kind, estimated_rows, bytes]: [Option<String>; 5] =
                row.try_into().ok()?;
            Some(TableFacts {
                name: TableName { schema, name: name? },
                kind: kind?,
                estimated_rows: estimated_rows.and_then(|it| it.parse().ok()),
                bytes: bytes.and_then(|it| it.parse().ok()),
            })
        })
        .collect())
}

/// Returns a pattern of ours as one of `LIKE`.
fn like(pattern: &str) -> String {
    let mut like = String::new();
    for character in pattern.chars() {
        match character {
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            _ => like.push(character),
        }
    }
    literal(&like)
}

/// A relation under the snapshot.
#[derive(Debug)]
struct PostgresExtraction {
    shared: Arc<Shared>,
    relation: Relation,
    schema: SchemaRef,
    decisions: Vec<Decision>,
    /// One for each stream, until it is started.
    statements: Vec<Option<String>>,
    ends: Vec<EndSlot>,
    batch_bytes: usize,
    on_lossy: OnLossy,
    limit: Option<Duration>,
}

impl PostgresExtraction {
    async fn begin(&mut self, partition: usize) -> Result<BatchStream, Failure> {
        let statement =
            self.statements.get_mut(partition).and_then(Option::take).ok_or_else(|| {
                let number = partition + 1;
                Failure::Request(format!("stream {number} is not there or was started before"))
            })?;
        let decoder = Decoder::new(
            Arc::clone(&self.relation.columns),
            self.batch_bytes,
            self.on_lossy,
            partition + 1,
        )?;
        let (mut worker, give_back) = self.shared.worker().await?;
        let stop = Stop::new(self.shared.place.canceller(&worker));
        let begun = async {
            worker.wire.ask(&timeout(self.limit)).await?;
            worker.wire.copy(&statement).await
        };
        if let Err(failure) = begun.await {
            stop.over();
            return Err(failure);
        }
        let terms = Terms { watermark: self.relation.watermark.clone(), limit: self.limit };
        let end = Arc::clone(&self.ends[partition]);
        Ok(stream::start(worker, decoder, stop, terms, end, give_back))
    }
}

#[async_trait]
impl Extraction for PostgresExtraction {
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
        self.statements.len()
    }

    async fn stream(&mut self, partition: usize) -> Result<BatchStream, ConnectorError> {
        let limit = self.limit;
        let begun = self.begin(partition).await;
        begun.map_err(|failure| failure.within(limit).during("start reading the rows"))
    }

    fn end(&self, partition: usize) -> Option<StreamEnd> {
        let end = self.ends.get(partition)?;
        end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        assert_eq!(like("*"), "E'%'");
        assert_eq!(like("a_b%*"), r"E'a\\_b\\%%'");
        assert_eq!(like("it's"), "E'it''s'");
    }
}
