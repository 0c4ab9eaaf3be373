//! This test binary as another process: with variables, with a log of its own, without rights.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::files;
#[cfg(feature = "google")]
use super::{google_credentials, unseen};

/// Which scenario to play.
const SCENARIO: &str = "TUNDRA_CATALOG_TEST_SCENARIO";
/// The directory to play it in.
const DIRECTORY: &str = "TUNDRA_CATALOG_TEST_DIRECTORY";
/// What a scenario prints that found everything as it should be.
const DONE: &str = "scenario done";

#[tokio::test]
async fn a_child_process_plays_its_scenario() {
    let Ok(scenario) = env::var(SCENARIO) else { return };
    let directory = PathBuf::from(env::var_os(DIRECTORY).unwrap());
    match scenario.as_str() {
        "without-rights" => files::without_rights(&directory).await,
        "open-to-all" => files::open_to_all(&directory).await,
        #[cfg(feature = "google")]
        "default-credentials" => google_credentials::by_default(&directory).await,
        #[cfg(feature = "google")]
        "unseen" => unseen::with_a_log_of_everything(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    println!("{DONE}");
}

/// Returns a command that plays the scenario in the directory.
pub(super) fn command(binary: &Path, scenario: &str, directory: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--exact", "secrets::child::a_child_process_plays_its_scenario", "--nocapture"])
        .env(SCENARIO, scenario)
        .env(DIRECTORY, directory)
        .current_dir("/");
    command
}

/// Plays the scenario to its end. Returns what it printed.
#[track_caller]
pub(super) fn play(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains(DONE), "{printed}");
    printed
}

/// Plays the scenario to its end with variables. Returns what it printed.
#[track_caller]
pub(super) fn play_with(scenario: &str, directory: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = command(&env::current_exe().unwrap(), scenario, directory);
    play(command.envs(variables.iter().copied()))
}
