//! A test binary as another process: killed, without rights, with other variables, or on a file system
//! of its own.
//!
//! Start at [`Player`]: a test names a scenario and runs its own binary again with nothing but the test
//! that plays scenarios, which without one has nothing to do.

use std::{
    env::current_exe,
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader, Lines, Write},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::env;

/// What a scenario's own lines begin with, among those of the test harness.
const MARK: &str = "scenario: ";
/// The first line of every scenario.
const BEGUN: &str = "begun";
/// The last line of a scenario that found everything as it should be.
const DONE: &str = "done";

/// The test that plays scenarios, by its path in the test binary.
#[derive(Debug, Clone, Copy)]
pub struct Player(&'static str);

impl Player {
    /// Names the test.
    pub const fn new(test: &'static str) -> Self {
        Self(test)
    }

    /// Returns the scenario that this process is to play, and the directory to play it in; `None` in a
    /// usual run of the tests. What it does then ends with [`done`].
    pub fn asked() -> Option<(String, PathBuf)> {
        let asked = env::scenario()?;
        say(BEGUN);
        Some(asked)
    }

    /// Returns a command that plays the scenario, run by `wrapper` if that is not empty.
    pub fn command(
        self,
        wrapper: &[&OsStr],
        binary: &Path,
        scenario: &str,
        directory: &Path,
    ) -> Command {
        let mut words = wrapper.iter().copied().chain([binary.as_os_str()]);
        let mut command = Command::new(words.next().expect("the binary is a word"));
        command
            .args(words)
            .args(["--exact", self.0, "--nocapture"])
            .env(env::SCENARIO, scenario)
            .env(env::SCENARIO_DIRECTORY, directory)
            .stdin(Stdio::null());
        command
    }

    /// Returns a command that plays the scenario on a file system of its own, which goes with its process.
    /// `size` is as `mount` takes it; `prepare` are shell commands that run first, in that file system, whose
    /// path is `$0`.
    ///
    /// # Panics
    /// Panics when this process does not know its binary.
    pub fn command_on_a_small_disk(
        self,
        size: &str,
        prepare: &str,
        scenario: &str,
        directory: &Path,
    ) -> Command {
        let script = format!(
            r#"mount -t tmpfs -o size={size} tmpfs "$0" && cd "$0" && {{ {prepare}; }} && cd / && exec "$@""#
        );
        let mut wrapper = vec!["unshare", "--mount"];
        if !is_root() {
            wrapper.extend(["--user", "--map-root-user"]);
        }
        wrapper.extend(["sh", "-c", &script]);
        let mut wrapper: Vec<&OsStr> = wrapper.iter().map(OsStr::new).collect();
        wrapper.push(directory.as_os_str());
        let binary = current_exe().expect("a test knows its binary");
        self.command(&wrapper, &binary, scenario, directory)
    }

    /// Plays a scenario as a user that owns nothing, to its end, in a directory that everybody may enter.
    ///
    /// # Panics
    /// As [`play`].
    #[track_caller]
    pub fn play_without_rights(self, scenario: &str, directory: &Path) {
        /// Owns nothing on any system.
        const NOBODY: u32 = 65_534;
        let binary = current_exe().expect("a test knows its binary");
        if !is_root() {
            play(&mut self.command(&[], &binary, scenario, directory));
            return;
        }
        // Permissions do not bind root; and others may not come to where the binary is.
        let elsewhere = directory.join("test-binary");
        fs::copy(&binary, &elsewhere).expect("the directory is ours");
        let mut command = self.command(&[], &elsewhere, scenario, directory);
        play(command.current_dir("/").uid(NOBODY).gid(NOBODY));
    }

    /// Begins a scenario that runs beside its test.
    ///
    /// # Panics
    /// Panics when the process cannot be started.
    pub fn start(self, scenario: &str, directory: &Path) -> Running {
        let binary = current_exe().expect("a test knows its binary");
        let mut command = self.command(&[], &binary, scenario, directory);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let stdout = process.stdout.take().expect("it is piped");
        Running { process, lines: BufReader::new(stdout).lines() }
    }
}

/// Returns whether this process may do what only root may.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Tells the test that began the scenario.
///
/// # Panics
/// Panics when it does not listen any more.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub fn say(line: &str) {
    println!("{MARK}{line}");
    io::stdout().flush().expect("the parent process reads it");
}

/// Tells the test that everything was as it should be.
pub fn done() {
    say(DONE);
}

/// Plays a scenario to its end, and returns everything that was printed. Returns `None` when the wrapper
/// could not even begin it, after saying why.
///
/// # Panics
/// Panics when the scenario did not find everything as it should be.
#[track_caller]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn play(command: &mut Command) -> Option<String> {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped, because {command:?} could not start: {error}");
            return None;
        }
    };
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !stdout.contains(MARK) {
        eprintln!("skipped, because {command:?} could not begin: {stderr}{stdout}");
        return None;
    }
    let done = stdout.lines().any(|line| line.ends_with(&format!("{MARK}{DONE}")));
    assert!(output.status.success() && done, "{stdout}\n{stderr}");
    Some(format!("{stdout}{stderr}"))
}

/// A scenario that runs beside its test.
#[derive(Debug)]
pub struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Waits for the next line that the scenario says, but for the first of each.
    ///
    /// # Panics
    /// Panics when it ends before that.
    #[track_caller]
    pub fn hear(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the scenario ended early").expect("it is text");
            match line.split_once(MARK) {
                Some((_, BEGUN)) | None => {}
                Some((_, said)) => return said.to_owned(),
            }
        }
    }

    /// Waits until the scenario is done, and returns what else it said.
    ///
    /// # Panics
    /// Panics when it did not find everything as it should be.
    #[track_caller]
    pub fn finish(mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.hear() {
                line if line == DONE => break,
                line => said.push(line),
            }
        }
        assert!(self.process.wait().is_ok_and(|status| status.success()));
        said
    }

    /// Ends the process as nothing can prevent, waits until it is gone, and returns what it had said
    /// until then.
    ///
    /// # Panics
    /// Panics when it cannot be ended.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
        let rest = self.lines.map_while(Result::ok);
        let said = rest.filter_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        said.filter(|line| line != BEGUN).collect()
    }
}
