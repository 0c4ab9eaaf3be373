//! What docs/FIDELITY.md says of Tundra, file by file, is what it does.
//!
//! The tables are made by `cargo xtask fidelity` together with what other readers do. Here the same files
//! are made and read by Tundra alone, so that no column of its own can be out of date.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use tundra_tests::{program, python};

/// Runs a program of Python as if it had been named.
const RUN: &str =
    "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')";

#[derive(Debug, Deserialize)]
struct Report {
    subjects: BTreeMap<String, Vec<Case>>,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    hazard: String,
    outcomes: BTreeMap<String, Outcome>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    how: String,
    said: String,
}

#[test]
fn what_the_page_says_of_tundra_is_so() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let compare = root.join("tests/fidelity/compare.py");
    let tundra = program::tundra().unwrap();
    let args = [compare.as_os_str(), "--tundra".as_ref(), tundra.as_os_str()];
    let report: Report = serde_json::from_str(&python::run(RUN, args).unwrap()).unwrap();
    let page = fs::read_to_string(root.join("docs/FIDELITY.md")).unwrap();
    for (subject, cases) in &report.subjects {
        assert!(cases.len() > 30, "{} files of {subject}", cases.len());
        for Case { name, hazard, outcomes } in cases {
            let Outcome { how, said } = &outcomes["Tundra"];
            assert!(["kept", "option"].contains(&how.as_str()), "{subject}, {name}: {said}");
            let row = format!("| {hazard} | {} |", said.replace('|', "\\|"));
            assert!(
                page.contains(&row),
                "docs/FIDELITY.md lacks the row `{row}`: run `cargo xtask fidelity`"
            );
        }
    }
}

#[test]
fn the_versions_on_the_page_are_those_that_are_installed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/FIDELITY.md")).unwrap();
    let wanted = fs::read_to_string(root.join("tests/fidelity/requirements.txt")).unwrap();
    for package in ["duckdb", "fastexcel", "geopandas", "openpyxl", "pandas", "polars", "pyogrio"] {
        let line = wanted.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
        let told = format!("{package} {}", line.unwrap());
        assert!(page.contains(&told), "no `{told}` on the page: run `cargo xtask fidelity`");
    }
}
