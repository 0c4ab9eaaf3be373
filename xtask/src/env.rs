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

/// Set for the tests: where the S3 server is, such as `http://127.0.0.1:3900`, and its region.
pub(crate) const TUNDRA_TEST_S3_ENDPOINT: &str = "TUNDRA_TEST_S3_ENDPOINT";
pub(crate) const TUNDRA_TEST_S3_REGION: &str = "TUNDRA_TEST_S3_REGION";

/// Set for the tests: a bucket there, and a key that may do everything, other buckets included.
pub(crate) const TUNDRA_TEST_S3_BUCKET: &str = "TUNDRA_TEST_S3_BUCKET";
pub(crate) const TUNDRA_TEST_S3_KEY: &str = "TUNDRA_TEST_S3_KEY";
pub(crate) const TUNDRA_TEST_S3_SECRET: &str = "TUNDRA_TEST_S3_SECRET";

/// Set for the tests: a key that may only read that bucket.
pub(crate) const TUNDRA_TEST_S3_READER_KEY: &str = "TUNDRA_TEST_S3_READER_KEY";
pub(crate) const TUNDRA_TEST_S3_READER_SECRET: &str = "TUNDRA_TEST_S3_READER_SECRET";

/// Set for the tests: where the server of Azure Blob Storage is, with the account in its path.
pub(crate) const TUNDRA_TEST_AZURE_ENDPOINT: &str = "TUNDRA_TEST_AZURE_ENDPOINT";
pub(crate) const TUNDRA_TEST_AZURE_ACCOUNT: &str = "TUNDRA_TEST_AZURE_ACCOUNT";
pub(crate) const TUNDRA_TEST_AZURE_KEY: &str = "TUNDRA_TEST_AZURE_KEY";
pub(crate) const TUNDRA_TEST_AZURE_CONTAINER: &str = "TUNDRA_TEST_AZURE_CONTAINER";

/// Set for the tests: where the server of Google Cloud Storage is, and a bucket there.
pub(crate) const TUNDRA_TEST_GCS_ENDPOINT: &str = "TUNDRA_TEST_GCS_ENDPOINT";
pub(crate) const TUNDRA_TEST_GCS_BUCKET: &str = "TUNDRA_TEST_GCS_BUCKET";

/// Set for the tests: where PostgreSQL is and how to get in, as a URL of a user who may do everything,
/// the folder of its Unix socket, and the program `psql` that fits it.
pub(crate) const TUNDRA_TEST_POSTGRES_URL: &str = "TUNDRA_TEST_POSTGRES_URL";
pub(crate) const TUNDRA_TEST_POSTGRES_SOCKETS: &str = "TUNDRA_TEST_POSTGRES_SOCKETS";
pub(crate) const TUNDRA_TEST_PSQL: &str = "TUNDRA_TEST_PSQL";

/// Set for the tests: where MariaDB is and how to get in, as a URL without a database of a user who may
/// do everything, its Unix socket, and the program `mariadb` that fits it.
pub(crate) const TUNDRA_TEST_MARIADB_URL: &str = "TUNDRA_TEST_MARIADB_URL";
pub(crate) const TUNDRA_TEST_MARIADB_SOCKET: &str = "TUNDRA_TEST_MARIADB_SOCKET";
pub(crate) const TUNDRA_TEST_MARIADB_CLIENT: &str = "TUNDRA_TEST_MARIADB_CLIENT";

/// Set for the tests: the file with the certificate of the authority that vouches for both database
/// servers under the name `localhost`, and that of another authority.
pub(crate) const TUNDRA_TEST_TLS_CA: &str = "TUNDRA_TEST_TLS_CA";
pub(crate) const TUNDRA_TEST_TLS_OTHER_CA: &str = "TUNDRA_TEST_TLS_OTHER_CA";

/// Set for the tests: the files with a client's certificate that the servers accept, and its key.
pub(crate) const TUNDRA_TEST_TLS_CLIENT_CERTIFICATE: &str = "TUNDRA_TEST_TLS_CLIENT_CERTIFICATE";
pub(crate) const TUNDRA_TEST_TLS_CLIENT_KEY: &str = "TUNDRA_TEST_TLS_CLIENT_KEY";

/// Set for the tests: the same of a client for whom only the other authority vouches.
pub(crate) const TUNDRA_TEST_TLS_OTHER_CERTIFICATE: &str = "TUNDRA_TEST_TLS_OTHER_CERTIFICATE";
pub(crate) const TUNDRA_TEST_TLS_OTHER_KEY: &str = "TUNDRA_TEST_TLS_OTHER_KEY";

/// Set for the tests: the address of OpenSSH's server, whom it lets in, and the folder with the keys for
/// that and with the server's own.
pub(crate) const TUNDRA_TEST_SSH_ADDRESS: &str = "TUNDRA_TEST_SSH_ADDRESS";
pub(crate) const TUNDRA_TEST_SSH_USER: &str = "TUNDRA_TEST_SSH_USER";
pub(crate) const TUNDRA_TEST_SSH_FOLDER: &str = "TUNDRA_TEST_SSH_FOLDER";

/// Set for the tests: the program that serves a database as PostgREST does.
pub(crate) const TUNDRA_TEST_POSTGREST: &str = "TUNDRA_TEST_POSTGREST";

/// Set where nobody watches: what is missing fails the run instead of being left out.
const CI: &str = "CI";

/// Environment variables with their values.
pub(crate) type Variables = Vec<(&'static str, String)>;

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

/// Returns whether this is a run that nobody watches.
pub(crate) fn is_ci() -> bool {
    env::var_os(CI).is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Returns the names of the variables in which cargo tells a program of the package that it belongs to.
pub(crate) fn of_own_package() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
    })
}

/// Returns the cargo to run.
pub(crate) fn cargo() -> OsString {
    env::var_os(CARGO).unwrap_or_else(|| OsString::from("cargo"))
}

/// Returns the folders in which programs are looked for.
pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}
