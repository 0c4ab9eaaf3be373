//! What every connector does, done by this one.

use std::sync::Arc;

use async_trait::async_trait;
use tundra_connectors::postgresql::PostgresConnector;
use tundra_core::{
    Connector, Secret,
    testing::connector::{self as behaviour, TestDatabase},
};

use super::server::Server;

tundra_core::connector_behaviours!(Server::new());

/// A database to a user whom it does not let share a snapshot.
#[derive(Debug)]
struct Alone {
    server: Server,
    user: String,
}

const PASSWORD: &str = "the-password-of-a-lonely-user";

#[async_trait]
impl TestDatabase for Alone {
    fn connector(&self) -> Arc<dyn Connector> {
        let mut settings = self.server.settings();
        settings.username = Some(self.user.clone());
        settings.password = Some(Secret::new(PASSWORD.to_owned()));
        Arc::new(PostgresConnector::new(settings))
    }

    async fn execute(&self, sql: &str) {
        self.server.execute(&format!("SET ROLE {}; {sql}", self.user)).await;
    }

    fn quote(&self, name: &str) -> String {
        self.server.quote(name)
    }

    fn numbers(&self, count: u64) -> String {
        self.server.numbers(count)
    }

    fn endless(&self) -> String {
        self.server.endless()
    }

    fn splits_tables(&self) -> bool {
        false
    }

    fn password(&self) -> Option<&str> {
        Some(PASSWORD)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_cannot_be_shared_is_read_over_one_connection() {
    let server = Server::new();
    let user = format!("{}_alone", server.run("SELECT current_database()"));
    server.run(&format!(
        "CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO {user}; \
         REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC"
    ));
    let database = Alone { server, user };
    let session = database.connector().session().await.expect("a session");
    let reason = session.single().expect("there is one connection").to_owned();
    assert!(reason.contains("permission denied for function pg_export_snapshot"), "{reason}");
    drop(session);
    behaviour::keeps_values(&database).await;
    behaviour::reads_any_number_of_partitions(&database).await;
    behaviour::reads_a_window(&database).await;
    behaviour::sees_no_later_writes(&database).await;
    behaviour::shares_one_snapshot_among_tables(&database).await;
    behaviour::keeps_sums_under_writers(&database).await;
    let Alone { server, user } = database;
    server.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}"));
}
