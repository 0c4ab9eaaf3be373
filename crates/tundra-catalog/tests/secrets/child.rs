//! What this test binary does as another process: with variables, with a log of its own, without rights.

use std::{env, path::Path};

use tundra_test_services::scenario::{Player, done, play};

use super::files;
#[cfg(feature = "google")]
use super::{google_credentials, unseen};

/// Plays the scenarios of secrets.
pub(super) const PLAYER: Player = Player::new("secrets::child::a_child_process_plays_its_scenario");

#[tokio::test]
async fn a_child_process_plays_its_scenario() {
    let Some((scenario, directory)) = Player::asked() else { return };
    match scenario.as_str() {
        "without-rights" => files::without_rights(&directory).await,
        "open-to-all" => files::open_to_all(&directory).await,
        #[cfg(feature = "google")]
        "default-credentials" => google_credentials::by_default(&directory).await,
        #[cfg(feature = "google")]
        "unseen" => unseen::with_a_log_of_everything(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    done();
}

/// Plays the scenario to its end with variables. Returns what it printed.
#[track_caller]
pub(super) fn play_with(scenario: &str, directory: &Path, variables: &[(&str, &str)]) -> String {
    let binary = env::current_exe().unwrap();
    let mut command = PLAYER.command(&[], &binary, scenario, directory);
    let printed = play(command.current_dir("/").envs(variables.iter().copied()));
    printed.expect("the binary can be run")
}
