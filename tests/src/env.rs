//! The environment variables that the tests read.

use std::{env, path::PathBuf};

/// A Python interpreter that can import what `tests/requirements.txt` lists. `cargo xtask test` makes
/// one and sets this.
pub(crate) const TUNDRA_TEST_PYTHON: &str = "TUNDRA_TEST_PYTHON";

/// Returns the Python interpreter of the tests, if one was named.
pub(crate) fn python() -> Option<PathBuf> {
    env::var_os(TUNDRA_TEST_PYTHON).filter(|path| !path.is_empty()).map(PathBuf::from)
}
