//! Where things are: the repository, the cache folder, the files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{env, process::Cmd};

/// The repository that xtask was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A file of the repository that holds text.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    /// Finds the repository.
    ///
    /// # Errors
    /// When xtask was moved away from it.
    pub(crate) fn find() -> anyhow::Result<Self> {
        // Asked of cargo instead of taken from `CARGO_MANIFEST_DIR`: a target folder that two clones
        // share may hold the other clone's xtask.
        let manifest = Cmd::cargo()
            .args(["locate-project", "--workspace", "--message-format", "plain"])
            .read()
            .context("run `cargo xtask` inside the repository")?;
        let root = Path::new(manifest.trim_end()).parent().context("the manifest has no folder")?;
        Ok(Self { root: root.to_owned() })
    }

    /// Returns the repository's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path in the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Starts a cargo command in the repository.
    pub(crate) fn cargo(&self) -> Cmd {
        Cmd::cargo().dir(&self.root)
    }

    /// Returns a folder in the cache, which is made when missing.
    ///
    /// # Errors
    /// When there is no cache folder, or it cannot be made.
    pub(crate) fn cache(&self, name: &str) -> anyhow::Result<PathBuf> {
        let cache = env::cache_folder()
            .context("no cache folder: set `TUNDRA_CACHE` to a folder that may grow by 10 GB")?;
        let path = cache.join(name);
        fs::create_dir_all(&path)
            .with_context(|| format!("could not make `{}`", path.display()))?;
        Ok(path)
    }

    /// Lists the files of the repository, committed or about to be, without what git ignores.
    ///
    /// # Errors
    /// When git fails.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<String>> {
        let listed = Cmd::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .dir(&self.root)
            .read()?;
        let mut files: Vec<String> = listed.split_terminator('\0').map(ToOwned::to_owned).collect();
        // A file that was deleted but not yet committed is still listed.
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Reads the files of the repository whose names end in one of `endings`.
    ///
    /// # Errors
    /// When a file cannot be read or is not UTF-8.
    pub(crate) fn sources(&self, endings: &[&str]) -> anyhow::Result<Vec<SourceFile>> {
        self.files()?
            .into_iter()
            .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
            .map(|path| {
                let text = fs::read_to_string(self.root.join(&path))
                    .with_context(|| format!("could not read `{path}`"))?;
                Ok(SourceFile { path, text })
            })
            .collect()
    }
}
