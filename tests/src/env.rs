//! The environment variables that the tests read.

use std::{env, path::PathBuf, time::Duration};

/// A Python interpreter that can import what `tests/requirements.txt` lists. `cargo xtask test` makes
/// one and sets this.
pub(crate) const TUNDRA_TEST_PYTHON: &str = "TUNDRA_TEST_PYTHON";

/// For how many seconds each fuzz target looks for bad inputs. `cargo xtask fuzz` sets this.
const TUNDRA_FUZZ_SECONDS: &str = "TUNDRA_FUZZ_SECONDS";

/// Returns the Python interpreter of the tests, if one was named.
pub(crate) fn python() -> Option<PathBuf> {
    env::var_os(TUNDRA_TEST_PYTHON).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Returns for how long a fuzz target runs; `None` when the tests run as usual.
///
/// # Panics
/// When `TUNDRA_FUZZ_SECONDS` is no number.
#[must_use]
pub fn fuzz_time() -> Option<Duration> {
    let seconds = env::var(TUNDRA_FUZZ_SECONDS).ok().filter(|text| !text.is_empty())?;
    Some(Duration::from_secs(seconds.parse().expect("`TUNDRA_FUZZ_SECONDS` is a number")))
}
