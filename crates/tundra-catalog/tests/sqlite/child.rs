//! This test binary as another process: one of several on a file, killed, or without rights.
//!
//! A test names a scenario in [`SCENARIO`] and runs the binary again with nothing but
//! [`a_child_process_plays_its_scenario`], which without that variable has nothing to do.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{disk_conditions, processes};

/// Which scenario to play.
const SCENARIO: &str = "TUNDRA_CATALOG_TEST_SCENARIO";
/// The directory to play it in.
const DIRECTORY: &str = "TUNDRA_CATALOG_TEST_DIRECTORY";
/// What a scenario's own lines begin with, among those of the test harness.
const MARK: &str = "scenario: ";
/// The last line of a scenario that found everything as it should be.
const DONE: &str = "done";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_process_plays_its_scenario() {
    let Ok(scenario) = env::var(SCENARIO) else { return };
    let directory = PathBuf::from(env::var_os(DIRECTORY).unwrap());
    say("begun");
    match scenario.as_str() {
        "run" => processes::run_many(&directory).await,
        "run-forever" => processes::run_forever(&directory).await,
        "full-disk" => disk_conditions::on_a_full_disk(&directory).await,
        "read-only-disk" => disk_conditions::on_a_read_only_disk(&directory).await,
        "no-rights" => disk_conditions::without_rights(&directory).await,
        scenario => panic!("there is no scenario `{scenario}`"),
    }
    say(DONE);
}

/// Tells the parent process.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub(super) fn say(line: &str) {
    println!("{MARK}{line}");
    io::stdout().flush().unwrap();
}

/// Returns a command that plays the scenario, run by `wrapper` if that is not empty.
pub(super) fn command(
    wrapper: &[&OsStr],
    binary: &Path,
    scenario: &str,
    directory: &Path,
) -> Command {
    let mut words = wrapper.iter().copied().chain([binary.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(["--exact", "sqlite::child::a_child_process_plays_its_scenario", "--nocapture"])
        .env(SCENARIO, scenario)
        .env(DIRECTORY, directory)
        .stdin(Stdio::null());
    command
}

/// Plays the scenario to its end. Says so when the wrapper could not even begin it.
#[track_caller]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(super) fn play(mut command: Command) {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped, because {command:?} could not start: {error}");
            return;
        }
    };
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !stdout.contains(MARK) {
        eprintln!("skipped, because {command:?} could not begin: {stderr}{stdout}");
        return;
    }
    let done = stdout.lines().any(|line| line.ends_with(&format!("{MARK}{DONE}")));
    assert!(output.status.success() && done, "{stdout}\n{stderr}");
}

/// A scenario that runs beside its test.
#[derive(Debug)]
pub(super) struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(super) fn start(scenario: &str, directory: &Path) -> Self {
        let binary = env::current_exe().unwrap();
        let mut process =
            command(&[], &binary, scenario, directory).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Waits for the next line that the scenario says.
    pub(super) fn hear(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the scenario ended early").unwrap();
            if let Some((_, said)) = line.split_once(MARK) {
                return said.to_owned();
            }
        }
    }

    /// Waits until the scenario is done, and returns what else it said.
    pub(super) fn finish(mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.hear() {
                line if line == DONE => break,
                line => said.push(line),
            }
        }
        assert!(self.process.wait().unwrap().success());
        said
    }

    /// Ends the process as nothing can prevent, and returns what it had said until then.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let rest = self.lines.map_while(Result::ok);
        rest.filter_map(|line| Some(line.split_once(MARK)?.1.to_owned())).collect()
    }
}
