//! Running other programs, so that a failed one names itself.

use std::{
    ffi::OsStr,
    fmt,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, bail};

use crate::env;

/// A program with its arguments. It runs with no standard input.
#[derive(Debug)]
pub(crate) struct Cmd {
    inner: Command,
}

impl Cmd {
    /// Names the program to run.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(program);
        inner.stdin(Stdio::null());
        Self { inner }
    }

    /// Names the cargo that runs xtask, so that both are of one toolchain.
    ///
    /// What cargo told xtask of its own package is not passed on: crates whose build scripts look at such
    /// variables would be built anew each time that cargo runs now within xtask and now without.
    pub(crate) fn cargo() -> Self {
        let mut cargo = Self::new(env::cargo());
        for name in env::of_own_package() {
            cargo.inner.env_remove(name);
        }
        cargo.env("CARGO_TERM_PROGRESS_WHEN", "never")
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.inner.args(args);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Sets the folder to run in.
    pub(crate) fn dir(mut self, path: &Path) -> Self {
        self.inner.current_dir(path);
        self
    }

    /// Runs the program with its output shown.
    ///
    /// # Errors
    /// When it cannot be started or does not succeed.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let status =
            self.inner.status().with_context(|| format!("could not start `{}`", self.program()))?;
        if !status.success() {
            bail!("`{self}` failed ({status})");
        }
        Ok(())
    }

    /// Runs the program and returns what it printed to standard output.
    ///
    /// # Errors
    /// When it cannot be started, does not succeed (then with what it said) or prints no UTF-8.
    pub(crate) fn read(mut self) -> anyhow::Result<String> {
        let output = self.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` failed ({}):\n{}", output.status, said.trim_end());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` printed no UTF-8"))
    }

    /// Returns whether the program can be started and succeeds; what it prints is dropped.
    pub(crate) fn succeeds(mut self) -> bool {
        self.output().is_ok_and(|output| output.status.success())
    }

    fn output(&mut self) -> anyhow::Result<Output> {
        self.inner.output().with_context(|| format!("could not start `{}`", self.program()))
    }

    fn program(&self) -> String {
        self.inner.get_program().to_string_lossy().into_owned()
    }
}

impl fmt::Display for Cmd {
    /// Writes the command line as one would type it, up to quoting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(self.inner.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        write!(f, "{}", name.to_string_lossy())?;
        for arg in self.inner.get_args() {
            write!(f, " {}", arg.to_string_lossy())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_program_that_failed_and_what_it_said() {
        let error = Cmd::new("sh").args(["-c", "echo reason >&2; exit 3"]).read().unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`sh -c echo reason >&2; exit 3` failed"), "{text}");
        assert!(text.ends_with("reason"), "{text}");
    }

    #[test]
    fn names_the_program_that_does_not_exist() {
        let error = Cmd::new("no-such-program-of-tundra").run().unwrap_err();
        assert_eq!(error.to_string(), "could not start `no-such-program-of-tundra`");
    }
}
