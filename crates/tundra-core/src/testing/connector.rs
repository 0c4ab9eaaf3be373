//! What every [`Connector`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. A [`TestDatabase`] prepares the real database: it runs statements and knows the
//! little in which the dialects differ. Each behaviour makes tables of its own with random names, so
//! that the database may hold other things and the suite may run twice; what it made, it leaves. The
//! suite does not try what needs a broken database, nor types beyond numbers and text: lost connections,
//! killed servers and each database's own types are for its own tests.

mod harness;
mod reading;
mod refusing;
mod snapshot;

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

pub use self::{
    reading::{
        keeps_awkward_names, keeps_batches_small, keeps_values, lists_tables, reads_a_query,
        reads_a_view, reads_a_window, reads_an_empty_table, reads_any_number_of_partitions,
        reads_at_most_the_limit, reads_columns_as_asked, tells_what_it_speaks_to,
    },
    refusing::{
        ends_a_statement_at_its_time, executes_no_name, refuses_a_second_start,
        refuses_queries_that_write, refuses_two_statements, refuses_what_is_not_there,
        refuses_wrong_sql, shows_no_password, survives_dropped_streams,
    },
    snapshot::{keeps_sums_under_writers, sees_no_later_writes, shares_one_snapshot_among_tables},
};
use crate::connector::Connector;

/// A real database that the suite may use. Statements must be possible while sessions of the connector
/// are open, so that SQLite has to be in WAL mode.
#[async_trait]
pub trait TestDatabase: Debug + Send + Sync + 'static {
    /// Returns the connector to this database.
    fn connector(&self) -> Arc<dyn Connector>;

    /// Runs statements that write, separated by `;`, on another connection and in one transaction where
    /// the database can, and panics when they fail.
    async fn execute(&self, sql: &str);

    /// Returns a name as it stands in SQL.
    fn quote(&self, name: &str) -> String;

    /// Returns a query for the column `n` with the integers from 1 to `count`.
    fn numbers(&self, count: u64) -> String;

    /// Returns a query that works for an hour at least before it has a row.
    fn endless(&self) -> String;

    /// Returns whether a table is split into as many partitions as are asked for.
    fn splits_tables(&self) -> bool;

    /// Returns the password that the connector has, long enough to occur nowhere by chance.
    fn password(&self) -> Option<&str>;
}

/// Makes a test of every behaviour of this module: `connector_behaviours!(Server::new())`. The expression makes
/// the [`TestDatabase`] of one test.
#[macro_export]
macro_rules! connector_behaviours {
    ($database:expr) => {
        $crate::connector_behaviours!(@list tests $database);
    };
    // The one list of them, and what is made of it.
    (@list $what:ident $database:expr) => {
        $crate::connector_behaviours!(@$what $database,
            tells_what_it_speaks_to
            keeps_values
            reads_an_empty_table
            reads_columns_as_asked
            reads_at_most_the_limit
            reads_any_number_of_partitions
            keeps_batches_small
            reads_a_view
            reads_a_query
            reads_a_window
            keeps_awkward_names
            lists_tables

            refuses_what_is_not_there
            refuses_wrong_sql
            refuses_queries_that_write
            refuses_two_statements
            refuses_a_second_start
            executes_no_name
            ends_a_statement_at_its_time
            survives_dropped_streams
            shows_no_password

            sees_no_later_writes
            shares_one_snapshot_among_tables
            keeps_sums_under_writers
        );
    };
    (@tests $database:expr, $($behaviour:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                $crate::testing::connector::$behaviour(&$database).await;
            }
        )+
    };
    (@calls $database:expr, $($behaviour:ident)+) => {
        $($behaviour($database).await;)+
    };
}

/// Runs every behaviour of this module in turn.
///
/// # Panics
/// Panics when the connector lacks one, and names it.
pub async fn run_all(database: &dyn TestDatabase) {
    crate::connector_behaviours!(@list calls database);
}
