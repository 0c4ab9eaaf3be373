//! What xtask prints: a heading for each step, and how long it took.

use std::{
    fmt::Display,
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::bail;

/// Prints a line. A closed standard output is no reason to fail.
pub(crate) fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    // The reader went away; the exit code still tells.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints an error with its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut out = io::stderr().lock();
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("caused by: {cause}\n"));
    }
    // As above.
    let _ = out.write_all(text.as_bytes());
}

/// Runs `work` under a heading and prints how long it took.
///
/// # Errors
/// What `work` returns.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say(format_args!("== {name}"));
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    say(format_args!("== {name}: {verdict} ({})", seconds(start.elapsed())));
    result
}

/// Several steps that all run, whether or not one before them failed.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    failed: Vec<String>,
}

impl Steps {
    /// Runs a step, and prints its error at once.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<()>) {
        let outcome = step(name, || work().inspect_err(complain));
        if outcome.is_err() {
            self.failed.push(name.to_owned());
        }
    }

    /// Ends the steps.
    ///
    /// # Errors
    /// When a step failed, with the names of those that did.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_run_and_the_failed_ones_are_named() {
        let mut ran = 0;
        let mut steps = Steps::default();
        steps.run("first", || bail!("broken"));
        steps.run("second", || {
            ran += 1;
            Ok(())
        });
        steps.run("third", || bail!("broken too"));
        assert_eq!(ran, 1);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first, third");
    }

    #[test]
    fn times_over_a_minute_are_in_minutes() {
        assert_eq!(seconds(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(1021)), "17 min 1 s");
    }
}
