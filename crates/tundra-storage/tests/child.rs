//! What this test binary does as another process.

use tundra_test_services::scenario::{Player, done};

use crate::{disk_conditions, killed, local_publishing};

/// Plays the scenarios of this binary.
pub(crate) const PLAYER: Player = Player::new("child::a_child_process_plays_its_scenario");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_process_plays_its_scenario() {
    let Some((scenario, directory)) = Player::asked() else { return };
    match scenario.as_str() {
        "write-half" => killed::write_half(&directory).await,
        "publish-forever" => killed::publish_forever(&directory).await,
        "full-disk" => disk_conditions::on_a_full_disk(&directory).await,
        "read-only-disk" => disk_conditions::on_a_read_only_disk(&directory).await,
        "no-rights" => disk_conditions::without_rights(&directory).await,
        "umask" => local_publishing::under_another_umask(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    done();
}
