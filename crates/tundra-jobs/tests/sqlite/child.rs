//! What this test binary does as another process.

use tundra_test_services::scenario::{Player, done};

use super::processes;

/// Plays the scenarios of jobs in a file.
pub(super) const PLAYER: Player = Player::new("sqlite::child::a_child_process_plays_its_scenario");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_process_plays_its_scenario() {
    let Some((scenario, directory)) = Player::asked() else { return };
    match scenario.as_str() {
        "serve" => processes::serve(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    done();
}
