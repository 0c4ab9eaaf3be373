//! Who may know whom. The table is the one of the design; a crate that is not in it is a fault.
//!
//! Manifests are read, not code: what a manifest does not name cannot be used.

use crate::{
    commands::check::code::code_only,
    metadata::{Dependency, Package},
    workspace::SourceFile,
};

/// What a crate of the workspace may and must not name in its manifest.
struct Layer {
    name: &'static str,
    /// Which of our crates it may depend on. Tests and examples may also use those in `DEV`.
    knows: &'static [&'static str],
    /// Which other crates it must not depend on, with what they stand for.
    must_not_know: &'static [&'static [&'static str]],
    /// Whether its tests and examples, too, see no more than `knows`: such a crate builds and is
    /// tested without DuckDB.
    tests_without_engine: bool,
}

const HTTP: &[&str] =
    &["axum", "hyper", "hyper-util", "reqwest", "tower", "tower-http", "http", "ureq"];
/// What a server answers with. Whoever asks others by HTTP need not know it.
const ANSWERS: &[&str] = &["axum", "hyper", "hyper-util", "tower", "tower-http"];
const TERMINAL: &[&str] =
    &["clap", "clap_complete", "comfy-table", "console", "crossterm", "indicatif"];
const STORES: &[&str] = &["object_store", "aws-sdk-s3"];
const DATABASES: &[&str] = &[
    "adbc_core",
    "adbc_driver_manager",
    "mysql",
    "mysql_async",
    "postgres",
    "rusqlite",
    "sqlx",
    "tiberius",
    "tokio-postgres",
];
const CATALOGS: &[&str] = &["postgrest"];
/// Errors without a type. Libraries return their own.
const UNTYPED_ERRORS: &[&str] = &["anyhow", "eyre", "color-eyre"];

const LAYERS: &[Layer] = &[
    Layer {
        name: "tundra-duckdb",
        knows: &[],
        must_not_know: &[HTTP, TERMINAL, STORES, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-unpack",
        knows: &[],
        must_not_know: &[HTTP, TERMINAL, STORES, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-core",
        knows: &["tundra-duckdb", "tundra-unpack"],
        must_not_know: &[HTTP, TERMINAL, STORES, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-net",
        knows: &[],
        must_not_know: &[HTTP, TERMINAL, STORES, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-sqlite",
        knows: &["tundra-core"],
        must_not_know: &[HTTP, TERMINAL, STORES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-storage",
        knows: &["tundra-core", "tundra-net"],
        must_not_know: &[TERMINAL, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-connectors",
        knows: &["tundra-core", "tundra-net"],
        must_not_know: &[TERMINAL, STORES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-catalog",
        knows: &["tundra-core", "tundra-net", "tundra-sqlite"],
        must_not_know: &[TERMINAL, STORES, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-access",
        knows: &["tundra-core", "tundra-net", "tundra-sqlite"],
        must_not_know: &[ANSWERS, TERMINAL, STORES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-jobs",
        knows: &["tundra-core", "tundra-net", "tundra-sqlite"],
        must_not_know: &[ANSWERS, TERMINAL, STORES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: true,
    },
    Layer {
        name: "tundra-runs",
        knows: &["tundra-core", "tundra-storage"],
        must_not_know: &[HTTP, TERMINAL, STORES, DATABASES, CATALOGS, UNTYPED_ERRORS],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-server",
        knows: &[
            "tundra-access",
            "tundra-core",
            "tundra-storage",
            "tundra-connectors",
            "tundra-catalog",
            "tundra-jobs",
            "tundra-net",
            "tundra-runs",
        ],
        must_not_know: &[],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-cli",
        knows: &[
            "tundra-access",
            "tundra-core",
            "tundra-storage",
            "tundra-connectors",
            "tundra-catalog",
            "tundra-jobs",
            "tundra-net",
            "tundra-runs",
            "tundra-server",
        ],
        must_not_know: &[],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-tests",
        knows: &[
            "tundra-core",
            "tundra-storage",
            "tundra-connectors",
            "tundra-catalog",
            "tundra-runs",
            "tundra-test-services",
        ],
        must_not_know: &[],
        tests_without_engine: false,
    },
    Layer {
        name: "tundra-test-services",
        knows: &[],
        must_not_know: &[],
        tests_without_engine: true,
    },
    Layer { name: "xtask", knows: &[], must_not_know: &[], tests_without_engine: true },
];

/// What tests and examples may use besides, where the layer does not forbid it: the compositions that
/// an embedder writes need a store, a catalog and a database.
const DEV: &[&str] = &["tundra-core", "tundra-storage", "tundra-catalog", "tundra-connectors"];

/// What the tests of every crate may use: it knows no crate of ours.
const TEST_SERVICES: &str = "tundra-test-services";

/// DuckDB itself. Only [`FFI`] knows it, in tests too; everybody else asks that crate.
const DUCKDB: &[&str] = &["duckdb", "libduckdb-sys"];

/// The crate that knows DuckDB, and whose `unsafe` is reviewed as such.
const FFI: &str = "tundra-duckdb";

/// Returns what the manifests name against the table.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages {
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == package.name) else {
            faults.push(format!(
                "`{}` has no layer: say in xtask/src/commands/check/layering.rs what it may know",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = packages.iter().any(|package| package.name == dependency.name);
            let fault = if is_ours {
                fault_of_ours(layer, dependency)
            } else {
                fault_of_other(layer, dependency)
            };
            faults.extend(fault.map(|fault| {
                format!("`{}` must not depend on `{}`{fault}", layer.name, dependency.name)
            }));
        }
    }
    faults
}

fn fault_of_ours(layer: &Layer, dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let is_for_tests = dependency.is_for_development();
    let may_know = layer.knows.contains(&name)
        || (is_for_tests && name == TEST_SERVICES)
        || (is_for_tests && !layer.tests_without_engine && DEV.contains(&name));
    if !may_know {
        return Some("");
    }
    if name == "tundra-duckdb" && !dependency.optional && !dependency.is_for_development() {
        return Some(" unless the feature `engine` is on: make it optional");
    }
    let brings_engine = name == "tundra-core"
        && (dependency.uses_default_features
            || dependency.features.iter().any(|feature| feature == "engine"));
    if layer.tests_without_engine && brings_engine {
        return Some(" with its feature `engine`");
    }
    None
}

fn fault_of_other(layer: &Layer, dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let is_duckdb = DUCKDB.contains(&name) && layer.name != FFI;
    // A test may start a server or draw on a terminal.
    let is_forbidden = is_duckdb
        || (!dependency.is_for_development()
            && layer.must_not_know.iter().any(|group| group.contains(&name)));
    is_forbidden.then_some("")
}

/// Returns where code outside `tundra-duckdb` is `unsafe`. The lint says so too, but a lint can be
/// switched off where it speaks.
pub(super) fn check_unsafe(sources: &[SourceFile]) -> Vec<String> {
    let mut faults = Vec::new();
    let may_be_unsafe = format!("crates/{FFI}/");
    for file in sources.iter().filter(|file| !file.path.starts_with(&may_be_unsafe)) {
        for (line, text) in code_only(&file.text).lines().enumerate() {
            let mut words = text.split(|char: char| !char.is_alphanumeric() && char != '_');
            if words.any(|word| word == "unsafe" || word == "unsafe_code") {
                faults.push(format!(
                    "{}:{}: only `tundra-duckdb` may be unsafe",
                    file.path,
                    line + 1
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[Dependency]) -> Package {
        Package { name: name.to_owned(), dependencies: dependencies.to_vec(), targets: Vec::new() }
    }

    fn on(name: &str) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: None,
            optional: false,
            uses_default_features: false,
            features: Vec::new(),
        }
    }

    fn for_tests(dependency: Dependency) -> Dependency {
        Dependency { kind: Some("dev".to_owned()), ..dependency }
    }

    fn with_engine() -> Dependency {
        Dependency { features: vec!["engine".to_owned()], ..on("tundra-core") }
    }

    /// Checks a package of the given dependencies in a workspace that has all of our crates.
    #[track_caller]
    fn faults(name: &str, dependencies: &[Dependency], expected: &[&str]) {
        let mut packages = vec![package(name, dependencies)];
        let others = LAYERS.iter().filter(|layer| layer.name != name);
        packages.extend(others.map(|layer| package(layer.name, &[])));
        assert_eq!(check(&packages), expected);
    }

    #[test]
    fn what_the_design_allows_is_no_fault() {
        faults("tundra-core", &[Dependency { optional: true, ..on("tundra-duckdb") }], &[]);
        faults("tundra-storage", &[on("tundra-core"), on("object_store")], &[]);
        faults("tundra-cli", &[with_engine(), on("tundra-storage"), on("clap")], &[]);
        faults("tundra-duckdb", &[on("duckdb"), on("libduckdb-sys")], &[]);
    }

    #[test]
    fn core_knows_neither_terminal_nor_http_nor_stores() {
        for name in ["clap", "axum", "object_store", "rusqlite", "duckdb", "anyhow"] {
            let fault = format!("`tundra-core` must not depend on `{name}`");
            faults("tundra-core", &[on(name)], &[&fault]);
        }
    }

    #[test]
    fn core_reaches_duckdb_only_through_its_feature() {
        faults(
            "tundra-core",
            &[on("tundra-duckdb")],
            &[
                "`tundra-core` must not depend on `tundra-duckdb` unless the feature `engine` is on: \
               make it optional",
            ],
        );
    }

    #[test]
    fn implementations_do_not_know_the_engine_nor_each_other() {
        for dependency in [with_engine(), for_tests(with_engine())] {
            faults(
                "tundra-storage",
                &[dependency],
                &["`tundra-storage` must not depend on `tundra-core` with its feature `engine`"],
            );
        }
        faults(
            "tundra-catalog",
            &[Dependency { uses_default_features: true, ..on("tundra-core") }],
            &["`tundra-catalog` must not depend on `tundra-core` with its feature `engine`"],
        );
        faults(
            "tundra-connectors",
            &[on("tundra-storage"), for_tests(on("tundra-duckdb"))],
            &[
                "`tundra-connectors` must not depend on `tundra-storage`",
                "`tundra-connectors` must not depend on `tundra-duckdb`",
            ],
        );
    }

    #[test]
    fn examples_of_core_may_use_a_store() {
        faults("tundra-core", &[for_tests(on("tundra-storage")), for_tests(on("anyhow"))], &[]);
        faults(
            "tundra-core",
            &[for_tests(on("tundra-server"))],
            &["`tundra-core` must not depend on `tundra-server`"],
        );
    }

    #[test]
    fn the_servers_of_the_tests_are_for_tests_and_know_nobody() {
        faults("tundra-storage", &[for_tests(on("tundra-test-services"))], &[]);
        faults(
            "tundra-storage",
            &[on("tundra-test-services")],
            &["`tundra-storage` must not depend on `tundra-test-services`"],
        );
        faults(
            "tundra-test-services",
            &[for_tests(on("tundra-core"))],
            &["`tundra-test-services` must not depend on `tundra-core`"],
        );
    }

    #[test]
    fn only_one_crate_knows_duckdb_also_in_tests() {
        faults(
            "tundra-cli",
            &[for_tests(on("duckdb"))],
            &["`tundra-cli` must not depend on `duckdb`"],
        );
    }

    #[test]
    fn a_crate_without_a_layer_is_a_fault() {
        let [fault] = &check(&[package("tundra-graph", &[])])[..] else {
            panic!("one fault expected")
        };
        assert!(fault.starts_with("`tundra-graph` has no layer"), "{fault}");
    }

    #[test]
    fn unsafe_code_is_found_and_the_word_in_text_is_not() {
        let file =
            |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let found = check_unsafe(&[
            file("crates/tundra-core/src/a.rs", "// unsafe\nlet a = \"unsafe\";\nunsafe { b() }"),
            file("crates/tundra-core/src/b.rs", "#![allow(unsafe_code)]"),
            file("crates/tundra-duckdb/src/c.rs", "unsafe { b() }"),
        ]);
        assert_eq!(
            found,
            [
                "crates/tundra-core/src/a.rs:3: only `tundra-duckdb` may be unsafe",
                "crates/tundra-core/src/b.rs:1: only `tundra-duckdb` may be unsafe",
            ]
        );
    }
}
