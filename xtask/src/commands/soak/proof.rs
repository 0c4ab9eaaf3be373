//! What must hold when nobody asks any more: [`Proof`].

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::callers::Notes;
use crate::served::Served;

const CHECK: &str = include_str!("check.py");

/// How long runs may go on of which nobody waits for an answer.
const LAST_RUNS: Duration = Duration::from_secs(20);

/// What was found, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// Versions that readers see.
    pub(super) active: u64,
    /// Versions that failed, as they should: of broken inputs, of cancelled jobs, of clients that went away.
    pub(super) failed: u64,
    /// Outputs that were read back.
    pub(super) read_back: usize,
    pub(super) faults: Vec<String>,
}

impl Proof {
    /// Looks through the catalog while the server still runs. `sources` are all that there are, each with
    /// whether somebody was told of every version that it has.
    ///
    /// # Errors
    /// When the server does not show it.
    pub(super) fn of(
        served: &Served,
        sources: &[(String, bool)],
        notes: &Notes,
    ) -> anyhow::Result<Self> {
        let mut proof = Self::default();
        for (source, all_told) in sources {
            let until = Instant::now() + LAST_RUNS;
            let mut versions = versions(served, source)?;
            while versions.iter().any(is_pending) && Instant::now() < until {
                thread::sleep(Duration::from_millis(100));
                versions = self::versions(served, source)?;
            }
            let pending = versions.iter().filter(|it| is_pending(it)).count();
            if pending > 0 {
                proof.faults.push(format!("{pending} versions of {source} are pending"));
            }
            let of = |status: &str| -> BTreeSet<u64> {
                let of_it = versions.iter().filter(|it| it["status"] == status);
                of_it.filter_map(|it| it["version"].as_u64()).collect()
            };
            let (active, failed) = (of("active"), of("error"));
            proof.active += active.len() as u64;
            proof.failed += failed.len() as u64;
            let of_it = notes.told.iter().filter(|told| told.source == *source);
            let told: BTreeSet<u64> = of_it.map(|told| told.version).collect();
            let lost: Vec<_> = told.difference(&active).collect();
            if !lost.is_empty() {
                proof.faults.push(format!("{source} lacks the versions {lost:?}"));
            }
            let untold: Vec<_> = active.difference(&told).collect();
            if *all_told && !untold.is_empty() {
                proof.faults.push(format!("nobody was told of {untold:?} of {source}"));
            }
        }
        if served_runs(served.process()) > 0 {
            proof.faults.push("runs are left that nobody waits for".to_owned());
        }
        Ok(proof)
    }

    /// Reads all outputs back and compares them with what was sent.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub(super) fn read_back(&mut self, python: &Path, notes: &Notes) -> anyhow::Result<()> {
        let outputs: Vec<_> = notes
            .told
            .iter()
            .map(|told| (&told.location, told.table.seed, told.table.rows))
            .collect();
        self.read_back = outputs.len();
        let mut checking = Command::new(python)
            .args(["-I", "-c", CHECK])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start Python")?;
        let mut stdin = checking.stdin.take().context("Python has no standard input")?;
        stdin.write_all(serde_json::to_string(&outputs)?.as_bytes())?;
        drop(stdin);
        let checked = checking.wait_with_output()?;
        ensure!(checked.status.success(), "the outputs could not be read back");
        let wrong = String::from_utf8(checked.stdout)?;
        self.faults.extend(wrong.lines().map(ToOwned::to_owned));
        Ok(())
    }

    /// Looks for what should not be there any more: processes, temporary files, locks and half-written
    /// objects.
    ///
    /// # Errors
    /// When a directory cannot be listed.
    pub(super) fn look_for_remains(&mut self, directory: &Path) -> anyhow::Result<()> {
        let named = directory.to_string_lossy().into_owned();
        for process in processes() {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&named) {
                self.faults.push(format!("the process {process} is left"));
            }
        }
        let mut left = Vec::new();
        list(&directory.with_extension("tmp"), &|_| true, &mut left)?;
        list(&directory.join("warehouse"), &|name| name.starts_with('.'), &mut left)?;
        self.faults.extend(left.into_iter().map(|path| format!("`{path}` is left")));
        let log = fs::read_to_string(directory.with_extension("log")).unwrap_or_default();
        let faults = log.lines().filter(|line| line.contains("\"severity\":\"ERROR\""));
        self.faults.extend(faults.take(5).map(ToOwned::to_owned));
        Ok(())
    }
}

fn is_pending(version: &Value) -> bool {
    version["status"] == "pending"
}

/// Returns all versions of a source.
fn versions(served: &Served, source: &str) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/sources/{source}/versions?limit=500{cursor}");
        let mut page = served.get(&path)?.json(200)?;
        match page["versions"].take() {
            Value::Array(versions) => all.extend(versions),
            other => anyhow::bail!("`{other}` is no list"),
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Returns how many processes the server has started and not seen the end of.
fn served_runs(server: u32) -> usize {
    let is_child = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        status.lines().any(|line| {
            line.strip_prefix("PPid:").is_some_and(|it| it.trim() == server.to_string())
        })
    };
    processes().iter().filter(|process| is_child(process)).count()
}

/// Lists the files below a directory whose names are of some kind; none where there is no directory.
fn list(
    directory: &Path,
    wanted: &dyn Fn(&str) -> bool,
    found: &mut Vec<String>,
) -> anyhow::Result<()> {
    if !directory.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if wanted(&entry.file_name().to_string_lossy()) {
            found.push(entry.path().display().to_string());
        }
        if entry.file_type()?.is_dir() {
            list(&entry.path(), wanted, found)?;
        }
    }
    Ok(())
}
