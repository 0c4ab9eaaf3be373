//! What cargo says of the workspace, as far as the checks need it.

use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;

use crate::workspace::Workspace;

/// The workspace as cargo sees it.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The packages of the workspace.
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// What the manifest names, of every kind.
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A dependency as the manifest names it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev` or `build`; nothing for a normal one.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
    pub(crate) uses_default_features: bool,
    pub(crate) features: Vec<String>,
}

/// What cargo builds of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Dependency {
    /// Returns whether only tests, examples and benchmarks see it.
    pub(crate) fn is_for_development(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Metadata {
    /// Asks cargo.
    ///
    /// # Errors
    /// When a manifest is broken.
    pub(crate) fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let json =
            workspace.cargo().args(["metadata", "--format-version", "1", "--no-deps"]).read()?;
        serde_json::from_str(&json).context("could not read what `cargo metadata` printed")
    }
}
