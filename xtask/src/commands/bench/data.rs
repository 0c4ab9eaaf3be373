//! The data: TPC-H `lineitem`, and what is made of it, made once and kept in the cache folder.
//!
//! A file appears under its name when it is complete.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    case::{Input, Rows},
    database::{CREATE_LINEITEM, add_rows},
    measure::script,
};
use crate::{process::Cmd, progress::step, workspace::Workspace};

/// The size of the small CSV file, in bytes; it ends with the last whole line.
const SMALL: usize = 10 * 1024;

/// The least size of the large CSV file, in bytes; it ends with the first whole line.
const LARGE: u64 = 4_000_000_000;

/// What the large CSV file is called.
const LARGE_NAME: &str = "lineitem-4g.csv";

/// How many files there are where there are many, and the least size of each in bytes; it ends with the
/// first whole line.
const MANY: usize = 1000;
const MANY_BYTES: usize = 100_000;

/// What is left for its Parquet file and for what is spilled, in bytes.
const LARGE_OUTPUT: u64 = 3_000_000_000;

/// What a table of ten times the rows takes with its index and its Parquet file, in bytes at most.
const TENFOLD: u64 = 14_000_000_000;

/// The place of the column `l_partkey`, in which the contradiction stands.
const CONTRADICTED_COLUMN: usize = 1;

/// The contradiction: an integer to whoever does not mind its zeros.
const CONTRADICTION: &str = "00713";

/// Where the data is and how it is made.
#[derive(Debug)]
pub(super) struct Data {
    folder: PathBuf,
    python: PathBuf,
    /// The folder of the scripts.
    scripts: PathBuf,
    is_quick: bool,
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
            scripts: script(workspace, ""),
            is_quick: quick,
        })
    }

    /// Returns the folder of the data.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the file that an input stands for, after making it when it is missing; for a table of a
    /// server the file that is loaded into it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn ensure(&self, input: Input) -> anyhow::Result<PathBuf> {
        match input {
            Input::Nothing => Ok(PathBuf::new()),
            Input::Csv | Input::Table(..) => {
                self.ensure_file("lineitem.csv", |path| self.make_csv(path))
            }
            Input::Ndjson => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem.ndjson", |path| self.make_ndjson(&csv, path))
            }
            Input::ContradictedCsv => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem-contradicted.csv", |path| make_contradicted(&csv, path))
            }
            Input::LargeCsv => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file(LARGE_NAME, |path| make_large(&csv, path))
            }
            Input::SmallCsv => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem-10k.csv", |path| make_small(&csv, path))
            }
            Input::GzipCsv => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file("lineitem.csv.gz", |path| {
                    self.script("make_gzip.py").arg(&csv).arg(path).run()
                })
            }
            Input::ManyCsv => self.ensure_many(),
            Input::Workbook => {
                let rows = if self.is_quick { "30000" } else { "300000" };
                self.ensure_file("workbook.xlsx", |path| {
                    self.script("make_workbook.py").arg(path).arg(rows).run()
                })
            }
            Input::GeoJson => {
                let size = if self.is_quick { "50000000" } else { "500000000" };
                self.ensure_file("places.geojson", |path| {
                    self.script("make_geojson.py").arg(path).arg(size).run()
                })
            }
            Input::Sqlite(rows) => {
                let csv = self.ensure(Input::Csv)?;
                self.ensure_file(sqlite_name(rows), |path| self.make_sqlite(&csv, rows, path))
            }
        }
    }

    /// Returns how many bytes of disk are missing to work with an input, if any.
    ///
    /// # Errors
    /// When Python does not tell what is free.
    pub(super) fn missing_room(&self, input: Input) -> anyhow::Result<Option<u64>> {
        let needed = match input {
            Input::LargeCsv if self.folder.join(LARGE_NAME).is_file() => LARGE_OUTPUT,
            Input::LargeCsv => LARGE + LARGE_OUTPUT,
            Input::Sqlite(rows) if self.folder.join(sqlite_name(rows)).is_file() => LARGE_OUTPUT,
            Input::Table(_, Rows::Tenfold) | Input::Sqlite(Rows::Tenfold) if !self.is_quick => {
                TENFOLD
            }
            _ => return Ok(None),
        };
        let free: u64 = Cmd::new(&self.python)
            .args(["-I", "-c", "import shutil, sys; print(shutil.disk_usage(sys.argv[1]).free)"])
            .arg(&self.folder)
            .read()?
            .trim()
            .parse()
            .context("Python printed no number of free bytes")?;
        Ok(needed.checked_sub(free).filter(|&missing| missing > 0))
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

    /// Returns the pattern of the many files, after making them when they are missing.
    fn ensure_many(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("many");
        if !folder.is_dir() {
            let csv = self.ensure(Input::Csv)?;
            step("make a thousand files, once", || {
                let part = self.folder.join("many.part");
                make_many(&csv, &part)?;
                fs::rename(&part, &folder)
                    .with_context(|| format!("could not write `{}`", folder.display()))
            })?;
        }
        Ok(folder.join("*.csv"))
    }

    fn make_csv(&self, path: &Path) -> anyhow::Result<()> {
        // The generator chooses the file's name, so it gets a folder of its own.
        let folder = self.folder.join("generated");
        Cmd::new(self.python.with_file_name("tpchgen-cli"))
            .args(["csv", "--tables", "lineitem", "--overwrite"])
            .args(["--scale-factor", if self.is_quick { "0.1" } else { "1" }, "--output-dir"])
            .arg(&folder)
            .run()?;
        fs::rename(folder.join("lineitem.csv"), path)
            .context("the generator wrote no `lineitem.csv`")?;
        fs::remove_dir(&folder).with_context(|| format!("could not remove `{}`", folder.display()))
    }

    fn make_ndjson(&self, csv: &Path, path: &Path) -> anyhow::Result<()> {
        self.script("make_ndjson.py").arg(csv).arg(path).run()
    }

    fn script(&self, name: &str) -> Cmd {
        Cmd::new(&self.python).arg("-I").arg(self.scripts.join(name))
    }

    fn make_sqlite(&self, csv: &Path, rows: Rows, path: &Path) -> anyhow::Result<()> {
        // What was left half-made has the table already.
        if path.exists() {
            fs::remove_file(path)
                .with_context(|| format!("could not remove `{}`", path.display()))?;
        }
        let times = match rows {
            Rows::Once => 1,
            Rows::Tenfold => 10,
        };
        self.script("make_sqlite.py")
            .args([csv, path])
            .arg(CREATE_LINEITEM)
            .args((1..times).map(|time| add_rows("lineitem", "lineitem", time)))
            .run()
    }
}

fn sqlite_name(rows: Rows) -> &'static str {
    match rows {
        Rows::Once => "lineitem.db",
        Rows::Tenfold => "lineitem-10.db",
    }
}

fn make_small(csv: &Path, path: &Path) -> anyhow::Result<()> {
    use std::io::Read;

    let mut head = Vec::new();
    let file = open(csv)?;
    file.take(SMALL as u64).read_to_end(&mut head).context("could not read the CSV file")?;
    let end = head.iter().rposition(|&byte| byte == b'\n').context("no line in the CSV file")?;
    fs::write(path, &head[..=end]).with_context(|| format!("could not write `{}`", path.display()))
}

/// Copies the file and writes [`CONTRADICTION`] into its last row.
fn make_contradicted(csv: &Path, path: &Path) -> anyhow::Result<()> {
    let mut rest = Vec::new();
    let mut file = open(csv)?;
    // Far more than a row, and of this file every newline ends one.
    let tail = file.metadata()?.len().saturating_sub(64 * 1024);
    file.seek(SeekFrom::Start(tail))?;
    io::copy(&mut file, &mut rest)?;
    let rest = String::from_utf8(rest).context("the CSV file is not in ASCII")?;
    let before = rest.trim_end().rfind('\n').context("no line in the CSV file")? + 1;
    let row = contradicted(&rest[before..]).context("the last row has too few fields")?;

    file.seek(SeekFrom::Start(0))?;
    let mut copy = create(path)?;
    io::copy(&mut io::Read::take(file, tail + before as u64), &mut copy)?;
    copy.write_all(row.as_bytes())?;
    copy.flush().with_context(|| format!("could not write `{}`", path.display()))
}

fn contradicted(row: &str) -> Option<String> {
    let mut fields: Vec<&str> = row.split(',').collect();
    *fields.get_mut(CONTRADICTED_COLUMN)? = CONTRADICTION;
    Some(fields.join(","))
}

/// Writes the header and the next rows into each of [`MANY`] files, up to [`MANY_BYTES`], and begins with the
/// first row again when there are no more.
fn make_many(csv: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    let mut reader = BufReader::new(open(csv)?);
    let mut header = Vec::new();
    reader.read_until(b'\n', &mut header)?;
    for number in 0..MANY {
        let mut text = header.clone();
        while text.len() < MANY_BYTES {
            if reader.read_until(b'\n', &mut text)? == 0 {
                reader.seek(SeekFrom::Start(header.len() as u64))?;
            }
        }
        let path = folder.join(format!("part-{number:04}.csv"));
        fs::write(&path, text).with_context(|| format!("could not write `{}`", path.display()))?;
    }
    Ok(())
}

/// Writes the header, and the rows over and over until [`LARGE`] is reached.
fn make_large(csv: &Path, path: &Path) -> anyhow::Result<()> {
    let mut reader = BufReader::new(open(csv)?);
    let mut header = Vec::new();
    reader.read_until(b'\n', &mut header)?;
    let mut large = create(path)?;
    large.write_all(&header)?;
    let mut size = header.len() as u64;
    let rows = reader.get_ref().metadata()?.len() - size;
    while size + rows <= LARGE {
        size += io::copy(&mut reader, &mut large)?;
        reader.seek(SeekFrom::Start(header.len() as u64))?;
    }
    let mut line = Vec::new();
    while size < LARGE && reader.read_until(b'\n', &mut line)? > 0 {
        large.write_all(&line)?;
        size += line.len() as u64;
        line.clear();
    }
    large.flush().with_context(|| format!("could not write `{}`", path.display()))
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("could not open `{}`", path.display()))
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file =
        File::create(path).with_context(|| format!("could not make `{}`", path.display()))?;
    Ok(BufWriter::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contradiction_changes_one_field() {
        assert_eq!(
            contradicted("6000000,32255,2256,1,1 a b\n").as_deref(),
            Some("6000000,00713,2256,1,1 a b\n")
        );
        assert_eq!(contradicted("6000000"), None);
    }
}
