//! Whom a database server runs as: servers refuse to be root, which a machine of CI often is.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
};

use anyhow::Context;

use crate::process::Cmd;

/// Whom the server runs as.
#[derive(Debug)]
pub(super) enum Account {
    /// Who we are.
    Ours,
    /// Somebody who may do less than root, which we are.
    Lesser { user: u32, group: u32 },
}

impl Account {
    /// Returns who we are, or the first of these that the machine has when we are root.
    ///
    /// # Errors
    /// When it has none of them.
    pub(super) fn ours_or_lesser(accounts: &[&str]) -> anyhow::Result<Self> {
        let process = fs::metadata("/proc/self").context("could not see who this process is")?;
        if process.uid() != 0 {
            return Ok(Self::Ours);
        }
        let id = |option, account| -> Option<u32> {
            Cmd::new("id").args([option, account]).read().ok()?.trim().parse().ok()
        };
        accounts
            .iter()
            .find_map(|account| {
                let (user, group) = (id("-u", account)?, id("-g", account)?);
                Some(Self::Lesser { user, group })
            })
            .with_context(|| format!("there is no user of {}", accounts.join(", ")))
    }

    /// Gives it a file or a folder, which nobody else may read.
    ///
    /// # Errors
    /// When we may not.
    pub(super) fn own(&self, path: &Path) -> anyhow::Result<()> {
        if let Self::Lesser { user, group } = self {
            let given = chown(path, Some(*user), Some(*group));
            given.with_context(|| format!("could not give away `{}`", path.display()))?;
        }
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set.with_context(|| format!("could not protect `{}`", path.display()))
    }

    /// Writes a file that is its own.
    ///
    /// # Errors
    /// When there is no room, or we may not.
    pub(super) fn write(&self, path: &Path, content: &str) -> anyhow::Result<()> {
        let written = fs::write(path, content);
        written.with_context(|| format!("could not write `{}`", path.display()))?;
        self.own(path)
    }

    /// Returns what runs a program as this one.
    ///
    /// # Errors
    /// When the program's path is not UTF-8.
    pub(super) fn command(&self, program: &Path) -> anyhow::Result<Vec<String>> {
        let text = program.to_str();
        let program =
            text.with_context(|| format!("`{}` has an odd name", program.display()))?.to_owned();
        Ok(match self {
            Self::Ours => vec![program],
            Self::Lesser { user, group } => vec![
                "setpriv".to_owned(),
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
                program,
            ],
        })
    }
}
