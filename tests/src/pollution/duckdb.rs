//! What DuckDB makes of damaged files: everything found out, all columns text.
//!
//! DuckDB runs in Python, as its users have it, and reads each file alone. What it writes is read and
//! scored like what Tundra writes.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    path::Path,
};

use anyhow::Context;
use serde::Deserialize;
use tempfile::TempDir;

use super::{Loaded, Polluted, load::read_parquet};
use crate::python;

const PROGRAM: &str = include_str!("duckdb.py");

/// What `duckdb.py` prints.
#[derive(Debug, Deserialize)]
struct Report {
    version: String,
    refused: HashMap<String, String>,
}

/// Loads every file and returns DuckDB's version and the tables in the given order. `python` is an
/// interpreter that can import `duckdb`, and `options` are further arguments of `read_csv`.
///
/// # Errors
/// When there is no folder for the files, or Python fails. That a file cannot be loaded is a result.
pub fn load_all_with_duckdb(
    python: &Path,
    options: &[&str],
    files: &[Polluted],
) -> anyhow::Result<(String, Vec<anyhow::Result<Loaded>>)> {
    let folder = TempDir::new().context("no folder for the files")?;
    let (sources, targets) = (folder.path().join("sources"), folder.path().join("targets"));
    for folder in [&sources, &targets] {
        fs::create_dir(folder)?;
    }
    for file in files {
        fs::write(sources.join(&file.name), &file.bytes)?;
    }
    let args = [sources.as_os_str(), targets.as_os_str()];
    let args = args.into_iter().chain(options.iter().map(OsStr::new));
    let json = python::run_with(python, PROGRAM, args)?;
    let report: Report = serde_json::from_str(&json).context("`duckdb.py` printed no such JSON")?;
    let mut tables = Vec::new();
    for file in files {
        tables.push(match report.refused.get(&file.name) {
            Some(reason) => Err(anyhow::anyhow!("{reason}")),
            None => Ok(read_parquet(File::open(targets.join(&file.name))?)?),
        });
    }
    Ok((report.version, tables))
}

/// Returns whether all names are of the kind that DuckDB makes up for a file without a header:
/// `column` and the place, counted from 0, with leading zeros where there are ten or more.
#[must_use]
pub fn made_up_by_duckdb(names: &[String]) -> bool {
    names.iter().enumerate().all(|(index, name)| {
        name.strip_prefix("column").and_then(|place| place.parse().ok()) == Some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_place_are_made_up() {
        let is_made_up = |names: &[&str]| {
            made_up_by_duckdb(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };

        assert!(is_made_up(&["column0", "column1"]));
        assert!(is_made_up(&["column00", "column01"]));
        assert!(!is_made_up(&["column0", "id"]));
        assert!(!is_made_up(&["column1", "column2"]));
        assert!(!is_made_up(&["id"]));
    }
}
