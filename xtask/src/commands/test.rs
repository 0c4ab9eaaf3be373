//! `cargo xtask test`: builds and runs all tests, on a machine that has Rust, a C++ compiler and git.
//!
//! What else the tests need is prepared here: today a Python environment, whose PyArrow reads back
//! what Tundra wrote.

use crate::{
    env::TUNDRA_TEST_PYTHON, process::Cmd, progress::step, python, tools, workspace::Workspace,
};

/// What the cross-crate tests import.
const REQUIREMENTS: &str = "tests/requirements.txt";

/// Builds and runs all tests, after preparing what they need.
///
/// The tests of the documentation run first and are left out when arguments are given.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments of `cargo nextest run`: a part of a test's name, or `-E 'package(tundra-core)'`.
    #[arg(last = true, value_name = "NEXTEST ARGS")]
    nextest: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When something cannot be prepared or built, or a test fails.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { nextest: chosen } = args;
    let nextest = tools::NEXTEST.ensure(workspace)?;
    let python = python::ensure_environment(workspace, "tests", REQUIREMENTS)?;
    if chosen.is_empty() {
        // First, so that the summary of the tests is the last thing on the screen.
        step("doctests", || {
            workspace
                .cargo()
                .args(["test", "--quiet", "--release", "--workspace", "--doc"])
                .env(TUNDRA_TEST_PYTHON, &python)
                .run()
        })?;
    }
    step("tests", || {
        Cmd::new(&nextest)
            .dir(workspace.root())
            .args(["nextest", "run", "--release", "--workspace"])
            .args(&chosen)
            .env(TUNDRA_TEST_PYTHON, &python)
            .run()
    })
}
