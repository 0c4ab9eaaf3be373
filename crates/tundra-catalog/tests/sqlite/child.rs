//! What this test binary does as another process, one of several on a file.

use tundra_test_services::scenario::{Player, done};

use super::processes;

/// Plays the scenarios of the catalog in a file.
pub(super) const PLAYER: Player = Player::new("sqlite::child::a_child_process_plays_its_scenario");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_process_plays_its_scenario() {
    let Some((scenario, directory)) = Player::asked() else { return };
    match scenario.as_str() {
        "run" => processes::run_many(&directory).await,
        "run-forever" => processes::run_forever(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    done();
}
