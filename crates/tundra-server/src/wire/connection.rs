//! `POST /test/database-connection`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tundra_connectors::{DatabaseKind, SettingsError};
use utoipa::ToSchema;

use crate::{Failure, wire::read_options::short};

/// A connection to be tried, with credentials that are not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestConnection {
    /// The kind of database.
    #[schema(example = "postgresql")]
    pub connector_type: String,
    /// Where it is, and who asks.
    pub credentials: Credentials,
}

/// Credentials of a database: `host`, `port`, `database`, `username`, `password`, `ssl_mode`, `ssl_ca`,
/// `ssl_cert`, `ssl_key`, `connect_timeout`, the `ssh_…` of a tunnel, and `file_path` for SQLite; or
/// `connection_string` alone. They do not print.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({
    "host": "db.example.com", "port": 5432, "database": "mydb", "username": "user", "password": "pass"
}))]
pub struct Credentials(Map<String, Value>);

/// A connection that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Connected {
    /// Always `true`.
    pub success: bool,
    /// Always `Connection successful`.
    pub message: String,
    /// What the server says of itself.
    pub metadata: ConnectionMetadata,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionMetadata {
    /// The product.
    #[schema(example = "PostgreSQL")]
    pub database_type: String,
    /// Rows that the question was answered with; always 1.
    pub rows_returned: u64,
    /// Its version, in its own words.
    pub server_version: String,
    /// The time from the question to the answer, in milliseconds.
    pub latency_ms: f64,
    /// The version of TLS and the cipher; null without TLS.
    pub tls: Option<String>,
    /// The SSH server through which it was reached; null when it was reached straight.
    pub tunnel: Option<String>,
    /// Whether the session can only read.
    pub read_only: bool,
}

/// The longest name of a kind of database that is looked at, in bytes.
const LONGEST_KIND: usize = 64;

/// Reads the kind of a database.
///
/// # Errors
/// When it is none.
pub(crate) fn kind(text: &str) -> Result<DatabaseKind, Failure> {
    short("connector_type", Some(text), LONGEST_KIND)?;
    text.trim()
        .parse()
        .map_err(|error: SettingsError| Failure::invalid(format!("`connector_type`: {error}")))
}

impl TestConnection {
    /// Returns the kind of database.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn kind(&self) -> Result<DatabaseKind, Failure> {
        kind(&self.connector_type)
    }
}

impl Credentials {
    /// Returns the JSON of the credentials, for the one place that reads it.
    pub(crate) fn expose(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}
