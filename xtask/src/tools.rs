//! Programs that checks and tests need, built from crates.io at a pinned version.
//!
//! They are built once into the cache folder. Nothing is downloaded as a binary, and nothing is
//! installed where the user's own tools are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    env,
    process::Cmd,
    progress::{say, step},
    workspace::Workspace,
};

/// A program from crates.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    /// The program in it.
    program: &'static str,
    /// Whether `--version` makes it say its version and end. One that says none is never the user's.
    says_version: bool,
    /// What is built when none is there.
    version: &'static str,
    /// Which versions, of those that the user has, do as well: from this one on.
    accepts_from: &'static str,
    /// How it is built besides, to leave out what nobody here needs.
    options: &'static [&'static str],
    /// Whether it is built with the dependencies that its maker built it with.
    is_locked: bool,
}

/// Runs tests, each in a process of its own.
pub(crate) const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    program: "cargo-nextest",
    says_version: true,
    version: "0.9.151",
    accepts_from: "0.9.100",
    // Without the part that updates itself.
    options: &["--no-default-features", "--features", "default-no-update"],
    is_locked: true,
};

/// Finds dependencies that nothing uses and files that no module names. Later versions need a later
/// Rust than ours.
pub(crate) const SHEAR: Tool = Tool {
    name: "cargo-shear",
    program: "cargo-shear",
    says_version: true,
    version: "1.13.0",
    accepts_from: "1.13.0",
    options: &[],
    is_locked: true,
};

/// Checks licences, sources, banned crates and advisories.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    program: "cargo-deny",
    says_version: true,
    version: "0.20.2",
    accepts_from: "0.20.2",
    options: &[],
    is_locked: true,
};

/// Serves objects by the protocol of S3.
pub(crate) const GARAGE: Tool = Tool {
    name: "garage",
    program: "garage",
    says_version: true,
    version: "2.5.0",
    accepts_from: "2.5.0",
    // With its own SQLite and libsodium, so that no library of the system is needed.
    options: &["--no-default-features", "--features", "bundled-libs,sqlite"],
    is_locked: true,
};

/// Serves a PostgreSQL database as PostgREST does, which no registry of Rust has.
pub(crate) const POSTRUST: Tool = Tool {
    name: "postrust-server",
    program: "postrust",
    says_version: false,
    version: "3.1.0",
    accepts_from: "3.1.0",
    options: &[],
    // Its lock file names a version of `webpki-roots` that not every copy of the registry has.
    is_locked: false,
};

impl Tool {
    /// Returns the program, after building it when it is missing.
    ///
    /// # Errors
    /// When it cannot be built.
    pub(crate) fn ensure(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        if let Some(path) = self.installed_by_user() {
            return Ok(path);
        }
        let root = workspace.cache("tools")?.join(format!("{}-{}", self.name, self.version));
        let path = root.join("bin").join(self.program);
        // The folder is named after the version; a program built for another machine does not start.
        let is_built =
            if self.says_version { self.read_version(&path).is_some() } else { path.is_file() };
        if !is_built {
            let name = format!("build {} {}, once", self.name, self.version);
            step(&name, || self.build(&root))?;
        }
        Ok(path)
    }

    fn build(&self, root: &Path) -> anyhow::Result<()> {
        let target = root.join("build");
        Cmd::cargo()
            // Away from the repository, whose `.cargo/config.toml` and lock file are not theirs.
            .dir(root.parent().unwrap_or(root))
            .args(["install", "--quiet", "--force", self.name])
            .args(self.is_locked.then_some("--locked"))
            .args(["--version", self.version])
            .args(self.options)
            .arg("--root")
            .arg(root)
            // Not among the workspace's own output, and light to build: they run for seconds.
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .run()
            .with_context(|| format!("could not build {} {}", self.name, self.version))?;
        if let Err(error) = fs::remove_dir_all(&target) {
            say(format_args!("note: `{}` was left behind: {error}", target.display()));
        }
        Ok(())
    }

    fn installed_by_user(&self) -> Option<PathBuf> {
        let folders = if self.says_version { env::search_path() } else { Vec::new() };
        folders
            .into_iter()
            .map(|folder| folder.join(self.program))
            .find(|path| self.read_version(path).is_some_and(|text| self.accepts(&text)))
    }

    /// Returns what the program says of its version, if it starts.
    fn read_version(&self, path: &Path) -> Option<String> {
        let is_there = path.is_file();
        // Cargo runs its helpers with their own name first, and they expect it.
        let subcommand = self.name.strip_prefix("cargo-");
        let args = subcommand.into_iter().chain(["--version"]);
        is_there.then(|| Cmd::new(path).args(args).read().ok()).flatten()
    }

    fn accepts(&self, text: &str) -> bool {
        let version = version_in(text);
        version.is_some() && version >= version_in(self.accepts_from)
    }
}

/// Finds the first `major.minor.patch` in a text, as a word or behind a colon.
fn version_in(text: &str) -> Option<(u32, u32, u32)> {
    text.split([' ', '\t', '\n', ':']).find_map(|word| {
        let mut parts = word.splitn(3, '.').map(str::parse);
        match (parts.next()?, parts.next()?, parts.next()?) {
            (Ok(major), Ok(minor), Ok(patch)) => Some((major, minor, patch)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_that_a_tool_prints() {
        let printed = "cargo-nextest 0.9.143 (60fa45f63 2026-08-04)\nrelease: 0.9.143\n";
        assert_eq!(version_in(printed), Some((0, 9, 143)));
        assert_eq!(version_in("cargo-deny 0.20.2"), Some((0, 20, 2)));
        let printed = "garage cargo:2.5.0 [features: bundled-libs, sqlite]\n";
        assert_eq!(version_in(printed), Some((2, 5, 0)));
        assert_eq!(version_in("no version"), None);
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(NEXTEST.accepts("cargo-nextest 0.9.143"));
        assert!(!NEXTEST.accepts("cargo-nextest 0.9.99"));
        assert!(!NEXTEST.accepts("Version: dev"));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_version() {
        assert_eq!(NEXTEST.read_version(Path::new("/no/such/cargo-nextest")), None);
    }
}
