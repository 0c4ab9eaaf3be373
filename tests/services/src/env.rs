//! The environment variables by which `cargo xtask test` says where its servers are, and by which a
//! test tells another process what to play.

use std::{env, path::PathBuf};

use anyhow::Context;

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
