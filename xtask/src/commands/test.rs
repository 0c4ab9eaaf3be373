//! `cargo xtask test`: builds and runs all tests, on a machine that has Rust, a C++ compiler and git.
//!
//! What else the tests need is prepared here: a Python environment, whose PyArrow reads back what
//! Tundra wrote, and the [services](crate::services) that the chosen tests talk to.

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use anyhow::{Context, bail};
use clap::ValueEnum;
use tempfile::NamedTempFile;

use crate::{
    env::{self, TUNDRA_TEST_PYTHON},
    process::Cmd,
    progress::{say, step},
    python,
    services::{Service, Services},
    tools,
    workspace::Workspace,
};

/// What the cross-crate tests import.
pub(crate) const REQUIREMENTS: &str = "tests/requirements.txt";

/// How nextest runs the tests, and the line in it below which a filter may stand.
const CONFIG: &str = ".config/nextest.toml";
const PROFILE: &str = "[profile.default]\n";

/// Builds and runs all tests, after preparing what they need.
///
/// The tests of the documentation run first and are left out when arguments are given. The servers
/// that tests talk to are started when the chosen tests need them; where one cannot be had, its tests
/// are left out, but fail the run when the variable `CI` is set.
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
    step("build the tests", || {
        // As nextest will build them.
        workspace.cargo().args(["test", "--quiet", "--release", "--workspace", "--no-run"]).run()
    })?;
    let tests = list(&nextest, workspace, &chosen)?;
    let needed: Vec<Service> = Service::value_variants()
        .iter()
        .copied()
        .filter(|service| tests_of(*service, tests.as_deref()) != Some(0))
        .collect();
    let services = step("services", || Ok(Services::start(workspace, &needed)))?;
    if env::is_ci() && services.missing().iter().any(|service| !service.is_optional()) {
        bail!("a service is missing, and `CI` is set");
    }
    let left_out = left_out(workspace, services.missing())?;
    let outcome = step("tests", || {
        let mut command = Cmd::new(&nextest).dir(workspace.root()).args([
            "nextest",
            "run",
            "--release",
            "--workspace",
        ]);
        if let Some(config) = &left_out {
            command = command.arg("--config-file").arg(config.path());
        }
        for (name, value) in services.variables() {
            command = command.env(name, value);
        }
        command.args(&chosen).env(TUNDRA_TEST_PYTHON, &python).run()
    });
    for service in services.missing() {
        let count = tests_of(*service, tests.as_deref());
        let count = count.map_or_else(|| "ALL".to_owned(), |count| count.to_string());
        let module = service.module();
        say(format_args!("WARNING: {count} TESTS WERE LEFT OUT: those in modules `{module}`"));
    }
    outcome
}

/// Lists the tests that the arguments choose, one a line; nothing when an argument chooses no tests but
/// says how to run them, which nextest does not take here.
fn list(
    nextest: &Path,
    workspace: &Workspace,
    chosen: &[String],
) -> anyhow::Result<Option<String>> {
    let listed = Cmd::new(nextest)
        .dir(workspace.root())
        .args(["nextest", "list", "--release", "--workspace", "--message-format", "oneline"])
        .args(chosen)
        .read();
    match listed {
        Ok(tests) => Ok(Some(tests)),
        Err(error) if chosen.is_empty() => Err(error),
        Err(_) => {
            say(
                "note: these arguments do not list tests, so everything is prepared for all of them",
            );
            Ok(None)
        }
    }
}

/// Counts the tests that need a service; nothing when it is not known.
fn tests_of(service: Service, tests: Option<&str>) -> Option<usize> {
    let module = format!("{}::", service.module());
    let is_its = |line: &&str| {
        let test = line.split_whitespace().next_back().unwrap_or_default();
        test.starts_with(&module) || test.contains(&format!("::{module}"))
    };
    Some(tests?.lines().filter(is_its).count())
}

/// Returns a configuration of nextest that leaves out the tests of the missing services, whatever
/// else chooses among them; nothing when none is missing.
fn left_out(workspace: &Workspace, missing: &[Service]) -> anyhow::Result<Option<NamedTempFile>> {
    if missing.is_empty() {
        return Ok(None);
    }
    let usual = fs::read_to_string(workspace.path(CONFIG))
        .with_context(|| format!("could not read `{CONFIG}`"))?;
    let mut file = NamedTempFile::with_suffix(".toml").context("no room for temporary files")?;
    file.write_all(without(&usual, missing)?.as_bytes()).context("no room for temporary files")?;
    Ok(Some(file))
}

/// Returns a configuration of nextest with a filter that no argument lifts.
fn without(config: &str, missing: &[Service]) -> anyhow::Result<String> {
    let mut filter = "all()".to_owned();
    for service in missing {
        // Writing to a string cannot fail.
        let _ = write!(filter, " - test(/(^|::){}::/)", service.module());
    }
    let (before, after) = config
        .split_once(PROFILE)
        .with_context(|| format!("`{CONFIG}` has no `{}`", PROFILE.trim()))?;
    Ok(format!("{before}{PROFILE}default-filter = '{filter}'\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_by_the_modules_they_stand_in() {
        let tests =
            "a::main garage::b\na::main real_stores::garage::c\nd e::garages::f\ng garage_h\n";
        assert_eq!(tests_of(Service::Garage, Some(tests)), Some(2));
        assert_eq!(tests_of(Service::Azurite, Some(tests)), Some(0));
        assert_eq!(tests_of(Service::Garage, None), None);
    }

    #[test]
    fn the_tests_of_missing_services_are_filtered_out() {
        let config = "# A.\n[profile.default]\nfail-fast = false\n";
        assert_eq!(
            without(config, &[Service::Garage, Service::FakeGcs]).unwrap(),
            "# A.\n[profile.default]\n\
             default-filter = 'all() - test(/(^|::)garage::/) - test(/(^|::)fake_gcs::/)'\n\
             fail-fast = false\n"
        );
        let error = without("[profile.other]\n", &[Service::Garage]).unwrap_err();
        assert_eq!(error.to_string(), "`.config/nextest.toml` has no `[profile.default]`");
    }
}
