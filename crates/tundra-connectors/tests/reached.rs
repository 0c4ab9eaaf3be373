//! A database that is reached in another way than its own tests reach it: through a server of SSH, or as a
//! database of another kind.

use std::sync::Arc;

use async_trait::async_trait;
use tundra_core::{Connector, testing::connector::TestDatabase};

/// A database with another connector to it, which must do what its own does.
#[derive(Debug)]
pub(crate) struct Reached<D> {
    pub(crate) database: D,
    pub(crate) connector: Arc<dyn Connector>,
    /// Whether this connector splits tables.
    pub(crate) splits_tables: bool,
}

#[async_trait]
impl<D: TestDatabase> TestDatabase for Reached<D> {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::clone(&self.connector)
    }

    async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    fn quote(&self, name: &str) -> String {
        self.database.quote(name)
    }

    fn numbers(&self, count: u64) -> String {
        self.database.numbers(count)
    }

    fn endless(&self) -> String {
        self.database.endless()
    }

    fn splits_tables(&self) -> bool {
        self.splits_tables
    }

    fn password(&self) -> Option<&str> {
        self.database.password()
    }
}
