//! Python environments with pinned packages, for readers and peers that are not Tundra.
//!
//! An environment lives in the cache folder and is made again when its requirements change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{
    process::Cmd,
    progress::{say, step},
    workspace::Workspace,
};

/// What a machine without Python is told. Debian's and Ubuntu's names.
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];

/// Returns the Python of an environment that has `requirements`, after making it when it is missing.
///
/// # Errors
/// When there is no Python and it cannot be installed, or a package cannot be.
pub(crate) fn ensure_environment(
    workspace: &Workspace,
    name: &str,
    requirements: &str,
) -> anyhow::Result<PathBuf> {
    let folder = workspace.cache("python")?.join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements.txt");
    let wanted = fs::read_to_string(workspace.path(requirements))
        .with_context(|| format!("could not read `{requirements}`"))?;
    let is_current = fs::read_to_string(&stamp).is_ok_and(|made_with| made_with == wanted);
    // An environment whose Python was since removed does not start.
    if is_current && Cmd::new(&python).args(["-c", ""]).succeeds() {
        return Ok(python);
    }
    step(&format!("make the Python environment `{name}`, once"), || {
        ensure_python()?;
        make(&folder, &python, &workspace.path(requirements))?;
        // Last, so that an environment that was left half-made is made again.
        fs::write(&stamp, &wanted).with_context(|| format!("could not write `{}`", stamp.display()))
    })?;
    Ok(python)
}

fn make(folder: &Path, python: &Path, requirements: &Path) -> anyhow::Result<()> {
    Cmd::new("python3").args(["-m", "venv", "--clear"]).arg(folder).run()?;
    Cmd::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(requirements)
        .run()
}

fn has_python() -> bool {
    // Debian ships `venv` without `ensurepip` until its own package is installed.
    Cmd::new("python3").args(["-c", "import venv, ensurepip"]).succeeds()
}

fn ensure_python() -> anyhow::Result<()> {
    if has_python() {
        return Ok(());
    }
    let is_root = Cmd::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0");
    if is_root && Cmd::new("apt-get").arg("--version").succeeds() {
        say(format_args!("installing {}", PACKAGES.join(" and ")));
        let apt = || Cmd::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
        apt().args(["update", "--quiet"]).run()?;
        apt()
            .args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(PACKAGES)
            .run()?;
    }
    if !has_python() {
        bail!(
            "the tests read Tundra's output back with PyArrow and need Python 3 with `venv`; \
             install it (Debian and Ubuntu: `apt-get install {}`) and run this again",
            PACKAGES.join(" ")
        );
    }
    Ok(())
}
