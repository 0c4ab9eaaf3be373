//! A session: connections that see one snapshot, and the relations that are read under it.

pub(super) mod pool;
mod snapshot;

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use tundra_core::{
    ConnectorError, Decision, ExtractRequest, Extraction, Session, TableFacts, TableName,
    TablePattern,
};

pub(super) use self::pool::{Lease, Pool};
use super::{
    connect::{self, Connection, TextRow, Texts},
    failure::Failure,
    relation::{self, text_literal},
    stream::MysqlExtraction,
};
use crate::route::Route;

/// The schemas of the server itself.
const SYSTEM: &str = "'mysql', 'information_schema', 'performance_schema', 'sys'";

/// What the parts of a connector share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Route,
    pub(super) name: &'static str,
}

/// A session under one snapshot.
#[derive(Debug)]
pub(super) struct MysqlSession {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    server: String,
    position: Option<String>,
    single: Option<String>,
    decision: Decision,
}

impl MysqlSession {
    /// Connects up to so many times and takes a snapshot on all of the connections.
    pub(super) async fn open(shared: Arc<Shared>, connections: usize) -> Result<Self, Failure> {
        let first = connect::connect(&shared.settings).await?;
        let server = first.agreed.server();
        let others =
            join_all((1..connections.max(1)).map(|_| connect::connect(&shared.settings))).await;
        // A server that has no more connections for us is no reason to give up.
        let mut all = vec![first];
        let mut refused = None;
        for other in others {
            match other {
                Ok(connection) => all.push(connection),
                Err(failure) => refused = Some(failure),
            }
        }
        let alone = refused
            .filter(|_| all.len() == 1)
            .map(|failure| format!("the server let in one connection only: {failure}"));
        let mut snapshot = snapshot::take(&shared.settings, all).await?;
        snapshot.single = snapshot.single.or(alone);
        let count = snapshot.connections.len();
        let decision = Decision {
            what: "snapshot".to_owned(),
            value: format!("{count} connections"),
            confidence: 1.0,
            reason: snapshot.single.clone().unwrap_or_else(|| snapshot.how.to_owned()),
        };
        tracing::debug!(connections = count, "took a snapshot");
        Ok(Self {
            pool: Pool::new(shared.clone(), snapshot.connections),
            server,
            position: snapshot.position,
            single: snapshot.single,
            decision,
            shared,
        })
    }
}

#[async_trait]
impl Session for MysqlSession {
    fn server(&self) -> &str {
        &self.server
    }

    fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    fn single(&self) -> Option<&str> {
        self.single.as_deref()
    }

    fn connections(&self) -> usize {
        self.pool.len()
    }

    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError> {
        let sql = tables_sql(pattern);
        let rows = self.pool.run(|connection| Box::pin(listed(connection, sql))).await;
        let rows = rows.map_err(|failure| failure.during(self.shared.name, "list the tables"))?;
        Ok(rows.into_iter().filter_map(table_facts).collect())
    }

    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError> {
        let (asked, connections) = (request.clone(), self.pool.len());
        let mut prepared = self
            .pool
            .run(move |connection| {
                Box::pin(async move { relation::prepare(connection, &asked, connections).await })
            })
            .await
            .map_err(|failure| failure.during(self.shared.name, "prepare the extraction"))?;
        prepared.decisions.insert(0, self.decision.clone());
        prepared.decisions.extend(self.shared.settings.decision());
        Ok(Box::new(MysqlExtraction::new(
            self.shared.clone(),
            self.pool.clone(),
            prepared,
            request,
        )))
    }
}

async fn listed(connection: &mut Connection, sql: String) -> Result<Vec<TextRow>, Failure> {
    connection.expect(None, None, Texts::MadeUtf8).await?;
    connection.rows(&sql).await
}

fn tables_sql(pattern: &TablePattern) -> String {
    let schema = match &pattern.schema {
        Some(schema) => format!("TABLE_SCHEMA LIKE {} ESCAPE '|'", like_literal(schema)),
        // Without a database the user's are all that there are.
        None => "(TABLE_SCHEMA = DATABASE() OR DATABASE() IS NULL)".to_owned(),
    };
    format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH, \
         CREATE_OPTIONS FROM information_schema.TABLES WHERE {schema} AND TABLE_SCHEMA NOT IN \
         ({SYSTEM}) AND TABLE_NAME LIKE {} ESCAPE '|' ORDER BY TABLE_SCHEMA, TABLE_NAME",
        like_literal(&pattern.name)
    )
}

/// Writes a pattern with `*` for `LIKE`.
fn like_literal(pattern: &str) -> String {
    let mut like = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        match character {
            '*' => like.push('%'),
            '%' | '_' | '|' => {
                like.push('|');
                like.push(character);
            }
            other => like.push(other),
        }
    }
    text_literal(&like)
}

fn table_facts(row: TextRow) -> Option<TableFacts> {
    let mut values = row.into_iter();
    let schema = values.next()?;
    let name = values.next()??;
    let kind = values.next()??;
    let estimated_rows = values.next()?.and_then(|it| it.parse().ok());
    let bytes = values.next()?.and_then(|it| it.parse().ok());
    let partitioned = values.next()?.is_some_and(|it| it.contains("partitioned"));
    let kind = match kind.as_str() {
        "BASE TABLE" | "SYSTEM VERSIONED" if partitioned => "partitioned table".to_owned(),
        "BASE TABLE" | "SYSTEM VERSIONED" => "table".to_owned(),
        other => other.to_lowercase(),
    };
    Some(TableFacts { name: TableName { schema, name }, kind, estimated_rows, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_only_their_stars() {
        assert_eq!(like_literal("a*_%|'b"), text_literal("a%|_|%||'b"));
    }

    #[test]
    fn tables_are_named_in_one_way() {
        let row = |kind: &str, options: &str| {
            ["shop", "orders", kind, "12", "16384", options].map(|it| Some(it.to_owned())).to_vec()
        };
        let kind = |kind, options| table_facts(row(kind, options)).map(|it| it.kind);
        assert_eq!(kind("BASE TABLE", "").as_deref(), Some("table"));
        assert_eq!(kind("BASE TABLE", "partitioned").as_deref(), Some("partitioned table"));
        assert_eq!(kind("VIEW", "").as_deref(), Some("view"));
        let facts = table_facts(row("BASE TABLE", "")).expect("a table");
        assert_eq!((facts.estimated_rows, facts.bytes), (Some(12), Some(16384)));
    }
}
