//! The data: TPC-H `lineitem`, made once and kept in the cache folder.
//!
//! A file appears under its name when it is complete.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::case::Input;
use crate::{process::Cmd, progress::step, workspace::Workspace};

/// The size of the small CSV file, in bytes; it ends with the last whole line.
const SMALL: usize = 10 * 1024;

/// Where the data is and how it is made.
#[derive(Debug)]
pub(super) struct Data {
    folder: PathBuf,
    python: PathBuf,
    make_ndjson: PathBuf,
    scale_factor: &'static str,
}

impl Data {
    /// Names the folder, which is made when missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new(
        cache: PathBuf,
        python: &Path,
        workspace: &Workspace,
        quick: bool,
    ) -> anyhow::Result<Self> {
        let folder = if quick { cache.join("quick") } else { cache };
        fs::create_dir_all(&folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
        Ok(Self {
            folder,
            python: python.to_owned(),
            make_ndjson: super::measure::script(workspace, "make_ndjson.py"),
            scale_factor: if quick { "0.1" } else { "1" },
        })
    }

    /// Returns the folder of the data.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the file that an input stands for, after making it when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn ensure(&self, input: Input) -> anyhow::Result<PathBuf> {
        match input {
            Input::Nothing => Ok(PathBuf::new()),
            Input::Csv => self.ensure_file("lineitem.csv", |path| self.make_csv(path)),
            Input::Ndjson => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem.ndjson", |path| self.make_ndjson(&csv, path))
            }
            Input::SmallCsv => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem-10k.csv", |path| make_small(&csv, path))
            }
        }
    }

    fn ensure_file(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        if !path.is_file() {
            step(&format!("make {name}, once"), || {
                let part = self.folder.join(format!("{name}.part"));
                make(&part)?;
                fs::rename(&part, &path)
                    .with_context(|| format!("could not write `{}`", path.display()))
            })?;
        }
        Ok(path)
    }

    fn make_csv(&self, path: &Path) -> anyhow::Result<()> {
        // The generator chooses the file's name, so it gets a folder of its own.
        let folder = self.folder.join("generated");
        Cmd::new(self.python.with_file_name("tpchgen-cli"))
            .args(["csv", "--tables", "lineitem", "--overwrite"])
            .args(["--scale-factor", self.scale_factor, "--output-dir"])
            .arg(&folder)
            .run()?;
        fs::rename(folder.join("lineitem.csv"), path)
            .context("the generator wrote no `lineitem.csv`")?;
        fs::remove_dir(&folder).with_context(|| format!("could not remove `{}`", folder.display()))
    }

    fn make_ndjson(&self, csv: &Path, path: &Path) -> anyhow::Result<()> {
        Cmd::new(&self.python).arg("-I").arg(&self.make_ndjson).arg(csv).arg(path).run()
    }
}

fn make_small(csv: &Path, path: &Path) -> anyhow::Result<()> {
    use std::io::Read;

    let mut head = Vec::new();
    let file =
        fs::File::open(csv).with_context(|| format!("could not open `{}`", csv.display()))?;
    file.take(SMALL as u64).read_to_end(&mut head).context("could not read the CSV file")?;
    let end = head.iter().rposition(|&byte| byte == b'\n').context("no line in the CSV file")?;
    fs::write(path, &head[..=end]).with_context(|| format!("could not write `{}`", path.display()))
}
