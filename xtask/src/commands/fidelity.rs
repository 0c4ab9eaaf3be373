//! `cargo xtask fidelity`: what Tundra and its peers make of files with hazards, in one run, and the
//! tables of docs/FIDELITY.md that say so.
//!
//! The files, what should come out of them and the comparison are in `tests/fidelity`, in Python,
//! because the peers are. That what the tables say of Tundra is so is a test as well, which needs no
//! peers (`tests/tests/fidelity.rs`).

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{
    metadata::Metadata,
    process::Cmd,
    progress::{say, step},
    python,
    workspace::Workspace,
};

/// What the peers need.
const REQUIREMENTS: &str = "tests/fidelity/requirements.txt";

/// What makes the files and compares.
const PROGRAM: &str = "tests/fidelity/compare.py";

/// The document that has the tables.
const DOCUMENT: &str = "docs/FIDELITY.md";

/// Has workbooks and GeoJSON with hazards read by Tundra, DuckDB, Polars, pandas and GeoPandas, and
/// writes what each made of them into docs/FIDELITY.md.
///
/// Every name and every value that was read is compared with what should have been.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program to look at; built when it is not given.
    #[arg(long, value_name = "FILE")]
    tundra: Option<PathBuf>,
    /// Leave the files, and what Tundra made of them, in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// What the comparison prints.
#[derive(Debug, Deserialize)]
struct Report {
    /// The tables, by what they are about.
    tables: BTreeMap<String, String>,
    /// The versions of the peers.
    versions: BTreeMap<String, String>,
}

/// Runs the command.
///
/// # Errors
/// When something cannot be built, installed or run, or the document has no place for a table.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { tundra, keep } = args;
    let tundra = match tundra {
        Some(tundra) => tundra,
        None => {
            step("build tundra", || {
                workspace.cargo().args(["build", "--release", "--package", "tundra-cli"]).run()
            })?;
            Metadata::read(workspace)?.target_directory.join("release/tundra")
        }
    };
    let python = python::ensure_environment(workspace, "fidelity", REQUIREMENTS)?;
    let text = step("compare", || {
        let mut compare = Cmd::new(&python)
            .dir(workspace.root())
            .arg(workspace.path(PROGRAM))
            .arg("--peers")
            .arg("--tundra")
            .arg(&tundra);
        if let Some(keep) = &keep {
            compare = compare.arg("--keep").arg(keep);
        }
        compare.read()
    })?;
    let report: Report = serde_json::from_str(&text).context("the comparison printed no report")?;
    let path = workspace.path(DOCUMENT);
    let mut document =
        fs::read_to_string(&path).with_context(|| format!("could not read `{DOCUMENT}`"))?;
    for (name, table) in &report.tables {
        document = placed(&document, name, table)?;
    }
    let versions: Vec<String> =
        report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    document = placed(&document, "versions", &format!("{}.\n", versions.join(", ")))?;
    fs::write(&path, document).with_context(|| format!("could not write `{DOCUMENT}`"))?;
    say(format_args!("wrote {DOCUMENT}"));
    Ok(())
}

/// Returns a document with a part that was made between the marks of its name.
fn placed(document: &str, name: &str, made: &str) -> anyhow::Result<String> {
    let (begin, end) =
        (format!("<!-- made by `cargo xtask fidelity`: {name} -->\n"), "<!-- to here -->");
    let Some((before, rest)) = document.split_once(&begin) else {
        bail!("`{DOCUMENT}` has no place for `{name}`: no line `{}`", begin.trim_end());
    };
    let Some((_, after)) = rest.split_once(end) else {
        bail!("what `{DOCUMENT}` says of `{name}` has no end: no line `{end}`");
    };
    Ok(format!("{before}{begin}\n{made}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_stands_between_its_marks() {
        let document = "a\n<!-- made by `cargo xtask fidelity`: x -->\nold\n<!-- to here -->\nb\n\
                        <!-- made by `cargo xtask fidelity`: y -->\n<!-- to here -->\n";
        let placed_once = placed(document, "x", "| new |\n").unwrap();
        assert_eq!(
            placed_once,
            "a\n<!-- made by `cargo xtask fidelity`: x -->\n\n| new |\n\n<!-- to here -->\nb\n\
             <!-- made by `cargo xtask fidelity`: y -->\n<!-- to here -->\n"
        );
        assert_eq!(placed(&placed_once, "x", "| new |\n").unwrap(), placed_once);
        assert!(placed(document, "z", "").unwrap_err().to_string().contains("no place for `z`"));
    }
}
