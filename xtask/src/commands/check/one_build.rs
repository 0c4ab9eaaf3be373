//! DuckDB is compiled once, whatever is built.
//!
//! Cargo unites the features of build dependencies over what is built together. A build script whose
//! dependencies have other features is another build script, and runs again: 17 minutes of C++ for
//! `-p tundra-cli` after `--workspace`. `crates/tundra-duckdb/Cargo.toml` therefore switches on, for
//! its own build, every feature that anything else may want; this check tells when one is missing.

use std::collections::BTreeSet;

use anyhow::Context;

use crate::{metadata::Metadata, process::Cmd, workspace::Workspace};

/// The package whose build script compiles DuckDB.
const PACKAGE: &str = "libduckdb-sys";

/// A package with its features, as cargo prints them.
type Node = String;

/// Returns how the build of DuckDB differs between what can be built.
///
/// # Errors
/// When cargo fails.
pub(super) fn check(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let host = host()?;
    let mut selections = vec![vec!["--workspace".to_owned()]];
    for package in Metadata::read(workspace)?.packages {
        selections.push(vec!["--package".to_owned(), package.name]);
    }
    let mut reference: Option<BTreeSet<Node>> = None;
    let mut faults = Vec::new();
    for selection in selections {
        // With and without what only tests and examples need.
        for edges in ["normal,build,dev", "normal,build"] {
            let printed = workspace
                .cargo()
                .args(["tree", "--locked", "--prefix", "depth", "--format", " {p} {f}"])
                .args(["--edges", edges])
                // With a target, what is built for build scripts and what is built for the program
                // are told apart, and without the shortening each is printed where it belongs. A
                // package that both have may look the same in both and stand on different ones.
                .args(["--target", &host, "--no-dedupe"])
                .args(&selection)
                .read()?;
            let built = what_builds(PACKAGE, &printed);
            if built.is_empty() {
                continue;
            }
            match &reference {
                None => reference = Some(built),
                Some(reference) => {
                    let name = format!("{} (edges {edges})", selection.join(" "));
                    faults.extend(differences(reference, &built, &name));
                }
            }
        }
    }
    Ok(faults)
}

fn differences(reference: &BTreeSet<Node>, other: &BTreeSet<Node>, name: &str) -> Option<String> {
    if reference == other {
        return None;
    }
    let list = |from: &BTreeSet<Node>, without: &BTreeSet<Node>| {
        from.difference(without).map(|node| format!("\n    {node}")).collect::<String>()
    };
    Some(format!(
        "DuckDB would be compiled again for `{name}`, whose build has{}\n  where `--workspace` has{}\n  \
         switch the missing features on in crates/tundra-duckdb/Cargo.toml",
        list(other, reference),
        list(reference, other)
    ))
}

/// Returns everything below `package` in a tree that `cargo tree --prefix depth --no-dedupe` printed,
/// itself included; nothing when the package is not in it.
fn what_builds(package: &str, printed: &str) -> BTreeSet<Node> {
    let start = format!("{package} v");
    let mut found = BTreeSet::new();
    // How deep the package stands whose part of the tree is being read.
    let mut inside: Option<usize> = None;
    for line in printed.lines() {
        let Some((depth, node)) = line.split_once(' ') else {
            continue;
        };
        let Ok(depth) = depth.parse::<usize>() else {
            continue;
        };
        if inside.is_none_or(|top| depth <= top) {
            inside = node.starts_with(&start).then_some(depth);
        }
        if inside.is_some() {
            found.insert(node.trim().to_owned());
        }
    }
    found
}

/// Returns the system that cargo builds for here.
fn host() -> anyhow::Result<String> {
    let printed = Cmd::new("rustc").arg("-vV").read()?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "0 app v1\n1 sys v1 bundled\n2 syn v3 derive\n3 quote v1 \n2 cc v1 \n";
    const LARGE: &str = "0 app v1\n1 mac v1\n2 syn v3 derive,full\n3 quote v2 \n1 sys v1 bundled\n\
         2 syn v3 derive,full\n3 quote v1 \n2 cc v1 \n1 other v1\n";

    #[test]
    fn everything_below_a_package_is_found_and_nothing_beside_it() {
        let expected = ["cc v1", "quote v1", "syn v3 derive,full", "sys v1 bundled"];
        assert!(what_builds("sys", LARGE).iter().eq(expected.iter()));
        assert!(what_builds("none", LARGE).is_empty());
    }

    #[test]
    fn a_build_dependency_with_other_features_is_a_fault() {
        let [small, large] = [SMALL, LARGE].map(|printed| what_builds("sys", printed));
        assert_eq!(differences(&small, &small, "a"), None);
        let fault = differences(&large, &small, "-p app").unwrap();
        assert!(
            fault.contains("again for `-p app`, whose build has\n    syn v3 derive\n"),
            "{fault}"
        );
        assert!(fault.contains("where `--workspace` has\n    syn v3 derive,full\n"), "{fault}");
    }
}
