//! What other people's code we depend on: whether all of it is used, and whether we may.

use anyhow::Context;

use crate::{
    env,
    process::Cmd,
    progress::say,
    tools::{DENY, SHEAR},
    workspace::Workspace,
};

/// Fails when a manifest names something that no code uses, or a file is in no module.
///
/// # Errors
/// As said.
pub(super) fn check_unused(workspace: &Workspace) -> anyhow::Result<()> {
    Cmd::new(SHEAR.ensure(workspace)?)
        .dir(workspace.root())
        .args(["shear", "--locked", "--deny-warnings", "--color", "never"])
        .run()
}

/// Checks licences, sources, banned crates and advisories against `deny.toml`.
///
/// # Errors
/// When a rule is broken; when the advisories cannot be had and the environment says that they must.
pub(super) fn check_licences(workspace: &Workspace) -> anyhow::Result<()> {
    let program = DENY.ensure(workspace)?;
    let deny = || {
        Cmd::new(&program)
            .dir(workspace.root())
            .args(["--color", "never", "--log-level", "warn", "--workspace", "--all-features"])
            .arg("--locked")
    };
    deny().args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]).run()?;

    // A check that cannot fetch the database and one that found something both end with a failure,
    // so the database is fetched first.
    match deny().args(["fetch", "db"]).read() {
        Ok(_) => deny().args(["check", "advisories"]).run(),
        Err(error) if env::advisories_are_required() => {
            Err(error).context("the advisory database is required and could not be fetched")
        }
        Err(_) => {
            say(
                "WARNING: ADVISORIES NOT CHECKED: the database of RustSec cannot be reached from here",
            );
            Ok(())
        }
    }
}
