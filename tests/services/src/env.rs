//! The environment variables by which `cargo xtask test` says where its servers are, and by which a
//! test tells another process what to play.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::S3;

/// An account of Azure Blob Storage with a container.
#[derive(Debug, Clone)]
pub struct Azure {
    /// Where it is, with the account in its path.
    pub endpoint: String,
    /// The account's name.
    pub account: String,
    /// The account's key.
    pub key: String,
    /// A container that is there.
    pub container: String,
}

/// A server of Google Cloud Storage with a bucket. It asks for no credentials.
#[derive(Debug, Clone)]
pub struct Gcs {
    /// Where it is.
    pub endpoint: String,
    /// A bucket that is there.
    pub bucket: String,
}

/// PostgreSQL, and the programs that tests talk to it with.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// Where it is, as a URL of a user who may do everything.
    pub url: String,
    /// The program `psql`.
    pub psql: String,
}

/// MariaDB, and the program that tests talk to it with.
#[derive(Debug, Clone)]
pub struct Mariadb {
    /// Where it is, as a URL without a database, of a user who may do everything.
    pub url: String,
    /// The program `mariadb`.
    pub client: String,
}

/// OpenSSH's server, and the keys for it.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// Where it is.
    pub address: SocketAddr,
    /// Whom it lets in.
    pub user: String,
    /// Where the keys are: `id_ed25519`, `id_ecdsa`, `id_rsa`, `id_rsa_pem` (in the form of PEM) and
    /// `id_encrypted` (with [`SSH_PASSPHRASE`]), with which everything is allowed, `id_closed`, with which
    /// nothing is forwarded, `id_stranger`, which it does not know, and its own, of which `host_ed25519.pub`
    /// and `host_rsa.pub` are the public ones.
    pub folder: PathBuf,
}

/// What unlocks the SSH key that is encrypted.
pub const SSH_PASSPHRASE: &str = "a-passphrase-of-the-tests";

/// Files of certificates and keys, all in the form of PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authority that vouches for both database servers, under the name `localhost` and no other.
    pub ca: PathBuf,
    /// An authority that vouches for neither.
    pub other_ca: PathBuf,
    /// A client's certificate and key; that of [`BY_CERTIFICATE`].
    pub client: (PathBuf, PathBuf),
    /// The same, but only the other authority vouches for it.
    pub other_client: (PathBuf, PathBuf),
}

/// Who gets into the database servers with TLS only. This and the following have the password of the
/// user who may do everything, and may read everything.
pub const BY_TLS: &str = "tundra_tls";

/// Who gets in with TLS and the client's certificate only.
pub const BY_CERTIFICATE: &str = "tundra_certificate";

/// Who gets into PostgreSQL without TLS only.
pub const BY_PLAIN: &str = "tundra_plain";

/// Which scenario a process of a test is to play.
pub(crate) const SCENARIO: &str = "TUNDRA_TEST_SCENARIO";
/// The directory to play it in.
pub(crate) const SCENARIO_DIRECTORY: &str = "TUNDRA_TEST_SCENARIO_DIRECTORY";

/// Returns the scenario that this process is to play, and the directory to play it in.
pub(crate) fn scenario() -> Option<(String, PathBuf)> {
    Some((env::var(SCENARIO).ok()?, PathBuf::from(env::var_os(SCENARIO_DIRECTORY)?)))
}

/// Returns PostgreSQL.
///
/// # Errors
/// As [`garage`].
pub fn postgres() -> anyhow::Result<Postgres> {
    Ok(Postgres { url: var("TUNDRA_TEST_POSTGRES_URL")?, psql: var("TUNDRA_TEST_PSQL")? })
}

/// Returns the folder of PostgreSQL's Unix socket.
///
/// # Errors
/// As [`garage`].
pub fn postgres_sockets() -> anyhow::Result<PathBuf> {
    var("TUNDRA_TEST_POSTGRES_SOCKETS").map(PathBuf::from)
}

/// Returns MariaDB.
///
/// # Errors
/// As [`garage`].
pub fn mariadb() -> anyhow::Result<Mariadb> {
    Ok(Mariadb { url: var("TUNDRA_TEST_MARIADB_URL")?, client: var("TUNDRA_TEST_MARIADB_CLIENT")? })
}

/// Returns MariaDB's Unix socket.
///
/// # Errors
/// As [`garage`].
pub fn mariadb_socket() -> anyhow::Result<PathBuf> {
    var("TUNDRA_TEST_MARIADB_SOCKET").map(PathBuf::from)
}

/// Returns the certificates of PostgreSQL and MariaDB, and those of a client.
///
/// # Errors
/// As [`garage`].
pub fn tls() -> anyhow::Result<Tls> {
    let path = |name| var(name).map(PathBuf::from);
    Ok(Tls {
        ca: path("TUNDRA_TEST_TLS_CA")?,
        other_ca: path("TUNDRA_TEST_TLS_OTHER_CA")?,
        client: (path("TUNDRA_TEST_TLS_CLIENT_CERTIFICATE")?, path("TUNDRA_TEST_TLS_CLIENT_KEY")?),
        other_client: (
            path("TUNDRA_TEST_TLS_OTHER_CERTIFICATE")?,
            path("TUNDRA_TEST_TLS_OTHER_KEY")?,
        ),
    })
}

/// Returns OpenSSH's server.
///
/// # Errors
/// As [`garage`].
pub fn ssh() -> anyhow::Result<Ssh> {
    Ok(Ssh {
        address: var("TUNDRA_TEST_SSH_ADDRESS")?.parse().context("it is no address")?,
        user: var("TUNDRA_TEST_SSH_USER")?,
        folder: PathBuf::from(var("TUNDRA_TEST_SSH_FOLDER")?),
    })
}

/// Returns the Python of the tests.
///
/// # Errors
/// As [`garage`].
pub fn python() -> anyhow::Result<String> {
    var("TUNDRA_TEST_PYTHON")
}

/// Returns the library of an ADBC driver, such as `adbc_driver_postgresql`: in the package of that name in
/// the Python of the tests.
///
/// # Errors
/// As [`garage`].
pub fn adbc_driver(name: &str) -> anyhow::Result<PathBuf> {
    const FIND: &str = "import importlib.util, sys; \
                        print(importlib.util.find_spec(sys.argv[1]).submodule_search_locations[0])";
    let python = python()?;
    let found = Command::new(&python).args(["-c", FIND, name]).output()?;
    ensure!(found.status.success(), "`{python}` has no package `{name}`");
    let folder = String::from_utf8(found.stdout)?;
    // The package calls it so on every system.
    Ok(Path::new(folder.trim_end()).join(format!("lib{name}.so")))
}

/// Returns the program that serves a database as PostgREST does.
///
/// # Errors
/// As [`garage`].
pub fn postgrest() -> anyhow::Result<String> {
    var("TUNDRA_TEST_POSTGREST")
}

/// Returns Garage, with a key that may do everything.
///
/// # Errors
/// When the tests were not started by `cargo xtask test`.
pub fn garage() -> anyhow::Result<S3> {
    Ok(S3 {
        endpoint: var("TUNDRA_TEST_S3_ENDPOINT")?,
        region: var("TUNDRA_TEST_S3_REGION")?,
        bucket: var("TUNDRA_TEST_S3_BUCKET")?,
        key: var("TUNDRA_TEST_S3_KEY")?,
        secret: var("TUNDRA_TEST_S3_SECRET")?,
    })
}

/// Returns Garage, with a key that may only read the bucket.
///
/// # Errors
/// As [`garage`].
pub fn garage_reader() -> anyhow::Result<S3> {
    let key = var("TUNDRA_TEST_S3_READER_KEY")?;
    let secret = var("TUNDRA_TEST_S3_READER_SECRET")?;
    Ok(S3 { key, secret, ..garage()? })
}

/// Returns Azurite.
///
/// # Errors
/// As [`garage`].
pub fn azurite() -> anyhow::Result<Azure> {
    Ok(Azure {
        endpoint: var("TUNDRA_TEST_AZURE_ENDPOINT")?,
        account: var("TUNDRA_TEST_AZURE_ACCOUNT")?,
        key: var("TUNDRA_TEST_AZURE_KEY")?,
        container: var("TUNDRA_TEST_AZURE_CONTAINER")?,
    })
}

/// Returns fake-gcs-server.
///
/// # Errors
/// As [`garage`].
pub fn fake_gcs() -> anyhow::Result<Gcs> {
    let endpoint = var("TUNDRA_TEST_GCS_ENDPOINT")?;
    Ok(Gcs { endpoint, bucket: var("TUNDRA_TEST_GCS_BUCKET")? })
}

fn var(name: &str) -> anyhow::Result<String> {
    env::var(name).ok().filter(|value| !value.is_empty()).with_context(|| {
        format!(
            "`{name}` is not set: run the tests with `cargo xtask test`, or set what \
             `cargo xtask services` prints"
        )
    })
}
