//! The behaviours of every connector.

use tundra_core::testing::connector as suite;

use super::support::Server;

macro_rules! behaviours {
    ($($behaviour:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $behaviour() {
            suite::$behaviour(&Server::create()).await;
        })+
    };
}

behaviours!(
    tells_what_it_speaks_to,
    keeps_values,
    reads_an_empty_table,
    reads_columns_as_asked,
    reads_at_most_the_limit,
    reads_any_number_of_partitions,
    keeps_batches_small,
    reads_a_view,
    reads_a_query,
    reads_a_window,
    keeps_awkward_names,
    lists_tables,
    refuses_what_is_not_there,
    refuses_wrong_sql,
    refuses_queries_that_write,
    refuses_two_statements,
    refuses_a_second_start,
    executes_no_name,
    ends_a_statement_at_its_time,
    survives_dropped_streams,
    shows_no_password,
    sees_no_later_writes,
    shares_one_snapshot_among_tables,
    keeps_sums_under_writers,
);

/// Somebody who may only read has no lock, and everything else is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_holds_for_a_user_who_may_only_read() {
    suite::run_all(&Server::with_rights(&["SELECT, SHOW VIEW ON {}.*"])).await;
}
