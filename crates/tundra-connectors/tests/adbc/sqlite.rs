//! SQLite through its driver: a database that the driver is told of by its own options.

use std::{path::PathBuf, process::Command, sync::Arc};

use async_trait::async_trait;
use tempfile::TempDir;
use tundra_connectors::adbc::{AdbcConnector, AdbcDriver};
use tundra_core::{Connector, Secret, testing::connector::TestDatabase};
use tundra_test_services::env;

use super::driver;

/// A file of its own, read through the driver.
#[derive(Debug)]
struct Server {
    folder: TempDir,
    driver: AdbcDriver,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self { folder, driver: driver("adbc_driver_sqlite") };
        server.write("PRAGMA journal_mode = WAL");
        server
    }

    /// Runs SQL in another process: the driver has a SQLite of its own, and two of them in one process take
    /// each other's locks away.
    fn write(&self, sql: &str) {
        let program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=30, \
                       isolation_level=None).executescript(sys.argv[2])";
        let ran = Command::new(env::python().unwrap())
            .args(["-c", program])
            .arg(self.path())
            .arg(sql)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }
}

#[async_trait]
impl TestDatabase for Server {
    fn connector(&self) -> Arc<dyn Connector> {
        let uri = self.path().to_str().unwrap().to_owned();
        let options = vec![("uri".to_owned(), Secret::new(uri))];
        Arc::new(AdbcConnector::unconfined(self.driver.clone(), options))
    }

    async fn execute(&self, sql: &str) {
        self.write(&format!("BEGIN; {sql}; COMMIT"));
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn numbers(&self, count: u64) -> String {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
             WHERE n < {count}) SELECT n FROM numbers"
        )
    }

    fn endless(&self) -> String {
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) \
         SELECT COUNT(*) AS n FROM numbers"
            .to_owned()
    }

    fn splits_tables(&self) -> bool {
        false
    }

    fn password(&self) -> Option<&str> {
        None
    }
}

tundra_core::connector_behaviours!(Server::new());
