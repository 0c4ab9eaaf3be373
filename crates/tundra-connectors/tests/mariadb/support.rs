//! A database of MariaDB with a user for Tundra, and what was read from it.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use async_trait::async_trait;
use futures::{StreamExt, future::join_all};
use tundra_connectors::{AddressPolicy, ConnectionSettings, mysql::MysqlConnector};
use tundra_core::{
    Connector, ConnectorError, Decision, ExtractRequest, Relation, Session, StreamEnd, TableName,
    testing::connector::TestDatabase,
};
use tundra_test_services::MariadbDatabase;

/// A password that occurs nowhere by chance.
pub(crate) const PASSWORD: &str = "AndNowForSomethingCompletelyDifferent1969";

/// A database and a user of Tundra's in it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) database: Arc<MariadbDatabase>,
    settings: ConnectionSettings,
    pub(crate) user: String,
}

impl Server {
    /// Makes a database, and a user who may do everything in it and lock the server for a snapshot.
    pub(crate) fn create() -> Self {
        let server = Self::with_rights(&["ALL ON {}.*"]);
        server.run(&format!("GRANT RELOAD ON *.* TO '{}'@'%'", server.user));
        server
    }

    /// Makes a database, and a user with these rights, in which `{}` is the database.
    pub(crate) fn with_rights(rights: &[&str]) -> Self {
        let database = MariadbDatabase::create().unwrap();
        let (url, user) = database.user("tundra", PASSWORD).unwrap();
        for right in rights {
            let right = right.replace("{}", database.name());
            database.run(&format!("GRANT {right} TO '{user}'@'%'")).unwrap();
        }
        Self { database: Arc::new(database), settings: settings_of(&url), user }
    }

    pub(crate) fn settings(&self) -> ConnectionSettings {
        self.settings.clone()
    }

    pub(crate) fn connector_with(&self, settings: ConnectionSettings) -> MysqlConnector {
        MysqlConnector::new(settings)
    }

    pub(crate) async fn session(&self) -> Box<dyn Session> {
        self.connector().session().await.unwrap()
    }

    /// Runs SQL as the one who may do everything.
    #[track_caller]
    pub(crate) fn run(&self, sql: &str) -> String {
        self.database.run(sql).unwrap()
    }

    /// Runs SQL on a thread that may wait.
    pub(crate) async fn run_beside(&self, sql: &str) -> String {
        let (database, sql) = (self.database.clone(), sql.to_owned());
        tokio::task::spawn_blocking(move || database.run(&sql).unwrap()).await.unwrap()
    }

    /// Reads everything that the request asks for in a session of its own.
    pub(crate) async fn read(&self, request: &ExtractRequest) -> Result<Read, ConnectorError> {
        let mut session = self.connector().session().await?;
        read(&mut *session, request).await
    }

    /// Returns how the reading fails.
    pub(crate) async fn refused(&self, request: &ExtractRequest) -> ConnectorError {
        match self.read(request).await {
            Ok(read) => panic!("it was read: {:?}", read.batches),
            Err(error) => error,
        }
    }
}

#[async_trait]
impl TestDatabase for Server {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(self.connector_with(self.settings()))
    }

    async fn execute(&self, sql: &str) {
        self.run_beside(&format!("START TRANSACTION; {sql}; COMMIT")).await;
    }

    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn numbers(&self, count: u64) -> String {
        format!("SELECT seq AS n FROM seq_1_to_{count}")
    }

    fn endless(&self) -> String {
        "SELECT COUNT(*) AS n FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b \
         WHERE a.seq % 7 = b.seq % 11"
            .to_owned()
    }

    fn splits_tables(&self) -> bool {
        true
    }

    fn password(&self) -> Option<&str> {
        Some(PASSWORD)
    }
}

/// Returns the settings of a URL, with this machine allowed.
pub(crate) fn settings_of(url: &str) -> ConnectionSettings {
    let mut settings = ConnectionSettings::from_url(url).unwrap();
    settings.addresses = AddressPolicy::PrivateAllowed;
    settings
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) ends: Vec<StreamEnd>,
    pub(crate) decisions: Vec<Decision>,
}

impl Read {
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Returns a column of the only batch.
    #[track_caller]
    pub(crate) fn column(&self, name: &str) -> &dyn Array {
        assert_eq!(self.batches.len(), 1, "one batch");
        self.batches[0].column_by_name(name).expect("the column is there").as_ref()
    }
}

/// Reads everything, all partitions at once.
pub(crate) async fn read(
    session: &mut dyn Session,
    request: &ExtractRequest,
) -> Result<Read, ConnectorError> {
    let mut extraction = session.extract(request).await?;
    let mut streams = Vec::new();
    for partition in 0..extraction.partitions() {
        streams.push(extraction.stream(partition).await?);
    }
    let mut batches = Vec::new();
    for partition in join_all(streams.into_iter().map(StreamExt::collect::<Vec<_>>)).await {
        for batch in partition {
            batches.push(batch?);
        }
    }
    let ends = (0..extraction.partitions()).map(|it| extraction.end(it).unwrap()).collect();
    Ok(Read { batches, ends, decisions: extraction.decisions().to_vec() })
}

/// Returns a request for a whole table.
pub(crate) fn table(name: &str) -> ExtractRequest {
    request(Relation::Table(TableName { schema: None, name: name.to_owned() }))
}

/// Returns a request for a query.
pub(crate) fn query(sql: impl Into<String>) -> ExtractRequest {
    request(Relation::Query(sql.into()))
}

fn request(relation: Relation) -> ExtractRequest {
    ExtractRequest { batch_bytes: 1 << 20, ..ExtractRequest::new(relation) }
}
