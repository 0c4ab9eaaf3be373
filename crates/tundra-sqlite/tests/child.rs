//! What this test binary does as another process: one of several on a file, or without rights.

use tundra_test_services::scenario::{Player, done};

use super::disk_conditions;
use super::processes;

/// Plays the scenarios of a file of SQLite.
pub(super) const PLAYER: Player = Player::new("child::a_child_process_plays_its_scenario");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_process_plays_its_scenario() {
    let Some((scenario, directory)) = Player::asked() else { return };
    match scenario.as_str() {
        "write" => processes::write_many(&directory).await,
        "write-forever" => processes::write_forever(&directory).await,
        "full-disk" => disk_conditions::on_a_full_disk(&directory).await,
        "read-only-disk" => disk_conditions::on_a_read_only_disk(&directory).await,
        "no-rights" => disk_conditions::without_rights(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    done();
}
