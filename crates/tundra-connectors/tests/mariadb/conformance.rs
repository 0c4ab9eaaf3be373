//! The behaviours of every connector.

use tundra_core::testing::connector as suite;

use super::support::Server;

tundra_core::connector_behaviours!(Server::create());

/// Somebody who may only read has no lock, and everything else is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_holds_for_a_user_who_may_only_read() {
    suite::run_all(&Server::with_rights(&["SELECT, SHOW VIEW ON {}.*"])).await;
}
