//! Running Python with the packages of `tests/requirements.txt`.

use std::{ffi::OsStr, path::Path, process::Command};

use anyhow::{Context, bail};

use crate::env;

/// Runs a program text and returns what it printed. `args` are its `sys.argv[1:]`.
///
/// # Errors
/// When there is no Python for the tests, or the program fails: then with what it said.
pub fn run<S: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = S>,
) -> anyhow::Result<String> {
    let python = env::python().with_context(|| {
        format!(
            "`{}` is not set: run the tests with `cargo xtask test`, or name a Python that has what \
             tests/requirements.txt lists",
            env::TUNDRA_TEST_PYTHON
        )
    })?;
    run_with(&python, program, args)
}

/// Runs a program text in the given interpreter, whatever packages it has, and returns what it
/// printed.
///
/// # Errors
/// When it cannot be started, or the program fails: then with what it said.
pub fn run_with<S: AsRef<OsStr>>(
    python: &Path,
    program: &str,
    args: impl IntoIterator<Item = S>,
) -> anyhow::Result<String> {
    let output = Command::new(python)
        // Isolated: neither the user's packages nor the current folder can change what is read.
        .args(["-I", "-c", program])
        .args(args)
        .output()
        .with_context(|| format!("could not start `{}`", python.display()))?;
    if !output.status.success() {
        bail!("Python failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    String::from_utf8(output.stdout).context("Python printed no UTF-8")
}
