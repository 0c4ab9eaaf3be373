//! A database of the real server, and what the tests ask of it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use tundra_connectors::{AddressPolicy, ConnectionSettings, postgresql::PostgresConnector};
use tundra_core::{
    Connector, ConnectorError, ExtractRequest, Extraction, Relation, TableName,
    testing::connector::TestDatabase,
};
use tundra_test_services::Database;

/// A database of its own.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) database: Arc<Database>,
    password: String,
}

impl Server {
    /// Makes an empty database.
    pub(super) fn new() -> Self {
        let database = Arc::new(Database::create().expect("PostgreSQL makes a database"));
        let url = database.url();
        let (user, _) = url.rsplit_once('@').expect("the URL names a user");
        let (_, password) = user.rsplit_once(':').expect("the URL has a password");
        let password = password.to_owned();
        Self { database, password }
    }

    /// Makes a database and runs this in it.
    pub(super) fn with(sql: &str) -> Self {
        let server = Self::new();
        server.run(sql);
        server
    }

    /// Runs statements and returns their rows, one a line.
    #[track_caller]
    pub(super) fn run(&self, sql: &str) -> String {
        match self.database.run(sql) {
            Ok(rows) => rows,
            Err(error) => panic!("PostgreSQL refuses {sql}: {error}"),
        }
    }

    /// Returns settings that reach the database.
    pub(super) fn settings(&self) -> ConnectionSettings {
        let mut settings = ConnectionSettings::from_url(&self.database.url()).expect("it is a URL");
        settings.addresses = AddressPolicy::PrivateAllowed;
        settings
    }

    /// Returns a connector to the database.
    pub(super) fn postgres(&self) -> PostgresConnector {
        PostgresConnector::new(self.settings())
    }

    /// Reads everything that is asked for.
    pub(super) async fn read(&self, request: &ExtractRequest) -> Result<Read, ConnectorError> {
        read(&self.postgres(), request).await
    }

    /// Returns why a request cannot be met.
    #[track_caller]
    pub(super) fn refused(&self, request: &ExtractRequest) -> impl Future<Output = ConnectorError> {
        let connector = self.postgres();
        async move {
            match read(&connector, request).await {
                Ok(_) => panic!("it is read: {:?}", request.relation),
                Err(error) => error,
            }
        }
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) extraction: Box<dyn Extraction>,
    pub(super) batches: Vec<RecordBatch>,
}

impl Read {
    /// Returns the type of a column as the receipt tells it.
    pub(super) fn column_type(&self, column: &str) -> &str {
        let plan = self.extraction.columns().iter().find(|plan| plan.name == column);
        &plan.unwrap_or_else(|| panic!("there is no column {column}")).column_type
    }

    /// Returns how many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Reads everything that is asked for, one partition after another.
pub(super) async fn read(
    connector: &dyn Connector,
    request: &ExtractRequest,
) -> Result<Read, ConnectorError> {
    let mut session = connector.session().await?;
    let mut extraction = session.extract(request).await?;
    let mut batches = Vec::new();
    for partition in 0..extraction.partitions() {
        let mut stream = extraction.stream(partition).await?;
        while let Some(batch) = stream.next().await {
            batches.push(batch?);
        }
    }
    Ok(Read { extraction, batches })
}

/// Returns a request for a table, in one stream.
pub(super) fn table(name: &str) -> ExtractRequest {
    request(Relation::Table(TableName { schema: None, name: name.to_owned() }))
}

/// Returns a request for a query.
pub(super) fn query(sql: &str) -> ExtractRequest {
    request(Relation::Query(sql.to_owned()))
}

fn request(relation: Relation) -> ExtractRequest {
    ExtractRequest { partitions: Some(1), batch_bytes: 1 << 20, ..ExtractRequest::new(relation) }
}

#[async_trait]
impl TestDatabase for Server {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(self.postgres())
    }

    async fn execute(&self, sql: &str) {
        let database = Arc::clone(&self.database);
        let sql = format!("BEGIN; {sql}; COMMIT");
        let run = tokio::task::spawn_blocking(move || database.run(&sql).map_err(|it| (sql, it)));
        if let Err((sql, error)) = run.await.expect("it does not panic") {
            panic!("PostgreSQL refuses {sql}: {error}");
        }
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn numbers(&self, count: u64) -> String {
        format!("SELECT n::integer AS n FROM generate_series(1, {count}) AS n")
    }

    fn endless(&self) -> String {
        "SELECT pg_sleep(4000)::text AS slept".to_owned()
    }

    fn splits_tables(&self) -> bool {
        true
    }

    fn password(&self) -> Option<&str> {
        Some(&self.password)
    }
}
