//! `wrk`, which asks a server as often as it answers.
//!
//! It is Debian's package: in C, so that on a machine of two cores it leaves nearly all of them to the server.
//! What it counts as an error is any status from 400 on, a connection that breaks, and an answer that takes
//! longer than its time limit.

use std::io::Write;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::{process::Cmd, progress::say};

const SCRIPT: &str = include_str!("ask.lua");

/// Debian's and Ubuntu's name.
const PACKAGE: &str = "wrk";

/// What came of a time of asking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) per_second: f64,
    pub(super) errors: u64,
    /// Seconds.
    pub(super) median: f64,
    /// Seconds, of the slowest of a hundred.
    pub(super) p99: f64,
    /// Seconds.
    pub(super) slowest: f64,
}

/// What the script prints.
#[derive(Debug, Deserialize)]
struct Printed {
    requests: u64,
    seconds: f64,
    errors: u64,
    median: f64,
    p99: f64,
    slowest: f64,
}

/// The program with its script.
#[derive(Debug)]
pub(super) struct Wrk {
    script: NamedTempFile,
}

impl Wrk {
    /// Finds the program, and installs it where that is allowed.
    ///
    /// # Errors
    /// When it is not there and cannot be installed.
    pub(super) fn find() -> anyhow::Result<Self> {
        if version().is_none() {
            let is_root = Cmd::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0");
            if is_root && Cmd::new("apt-get").arg("--version").succeeds() {
                say(format_args!("installing {PACKAGE}"));
                let apt = || Cmd::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
                apt().args(["update", "--quiet"]).run()?;
                apt()
                    .args(["install", "--quiet", "--yes", "--no-install-recommends", PACKAGE])
                    .run()?;
            }
        }
        if version().is_none() {
            bail!(
                "`wrk` asks the server; install it (Debian and Ubuntu: `apt-get install {PACKAGE}`)"
            );
        }
        let mut script = NamedTempFile::with_suffix(".lua").context("no room for a script")?;
        script.write_all(SCRIPT.as_bytes()).context("no room for a script")?;
        Ok(Self { script })
    }

    pub(super) fn version(&self) -> String {
        version().unwrap_or_default()
    }

    /// Asks for so many seconds, by POST where there is a body.
    ///
    /// # Errors
    /// When it cannot be started or understood, or nothing was answered.
    pub(super) fn ask(
        &self,
        url: &str,
        body: Option<&str>,
        callers: u32,
        seconds: u32,
    ) -> anyhow::Result<Asked> {
        let printed = Cmd::new("wrk")
            .args(["--threads", "1", "--timeout", "30s", "--connections"])
            .arg(callers.to_string())
            .arg("--duration")
            .arg(format!("{seconds}s"))
            .arg("--script")
            .arg(self.script.path())
            .arg(url)
            .env("TUNDRA_BENCH_BODY", body.unwrap_or_default())
            .read()?;
        read(&printed)
    }
}

fn version() -> Option<String> {
    // It says its version and ends with a failure, because it is told nothing to ask.
    let told = Cmd::new("sh").args(["-c", "wrk -v 2>&1 | head -n 1"]).read().ok()?;
    let version = told.strip_prefix("wrk ")?.split(' ').next()?;
    Some(format!("wrk {}", version.trim_start_matches("debian/")))
}

fn read(printed: &str) -> anyhow::Result<Asked> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("`wrk` said nothing of it:\n{printed}"))?;
    let Printed { requests, seconds, errors, median, p99, slowest } = serde_json::from_str(line)?;
    ensure!(requests > 0 && seconds > 0.0, "nothing was answered:\n{printed}");
    Ok(Asked { per_second: requests as f64 / seconds, errors, median, p99, slowest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_tells_is_read_behind_what_it_prints() {
        let line = "{\"requests\":50,\"seconds\":2.0,\"errors\":1,\"median\":0.25,\"p99\":0.5,\"slowest\":1}";
        let asked = read(&format!("Running 2s test\n\n{line}\n")).unwrap();
        assert_eq!((asked.per_second, asked.errors, asked.p99), (25.0, 1, 0.5));
        assert!(read("unable to connect\n").is_err());
        assert!(read(&line.replace("50", "0")).is_err());
    }
}
