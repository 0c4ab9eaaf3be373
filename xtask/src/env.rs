//! The environment variables that xtask reads or sets. They are read nowhere else.

use std::{env, ffi::OsString, path::PathBuf};

/// Where build output, built tools and Python environments are kept. The folder survives a fresh
/// clone and is safe to lose.
const TUNDRA_CACHE: &str = "TUNDRA_CACHE";

/// Set to `1`: a check that cannot reach the advisory database fails instead of saying so.
const TUNDRA_REQUIRE_ADVISORIES: &str = "TUNDRA_REQUIRE_ADVISORIES";

/// Set for the tests: a Python interpreter that can import what `tests/requirements.txt` lists.
pub(crate) const TUNDRA_TEST_PYTHON: &str = "TUNDRA_TEST_PYTHON";

/// Set for the tests: for how many seconds each fuzz target looks for bad inputs.
pub(crate) const TUNDRA_FUZZ_SECONDS: &str = "TUNDRA_FUZZ_SECONDS";

/// Set by cargo for the programs it runs: the cargo that runs them.
const CARGO: &str = "CARGO";

/// Returns the cache folder: `$TUNDRA_CACHE`, else `tundra` in the user's cache folder, else nothing
/// when there is no home.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(TUNDRA_CACHE)
        .or_else(|| set("XDG_CACHE_HOME").map(|path| path.join("tundra")))
        .or_else(|| set("HOME").map(|path| path.join(".cache/tundra")))
}

/// Returns whether a check without the advisory database is a failure.
pub(crate) fn advisories_are_required() -> bool {
    env::var_os(TUNDRA_REQUIRE_ADVISORIES).is_some_and(|value| value == "1")
}

/// Returns the cargo to run.
pub(crate) fn cargo() -> OsString {
    env::var_os(CARGO).unwrap_or_else(|| OsString::from("cargo"))
}

/// Returns the folders in which programs are looked for.
pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}
