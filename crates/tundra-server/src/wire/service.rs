//! What the service says of itself.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// `GET /`: where to go from here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    /// The name of the service, as monitors know it.
    #[schema(example = "halatio-tundra")]
    pub(crate) service: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// Always `running`.
    #[schema(example = "running")]
    pub(crate) status: &'static str,
    /// The page on which the API can be read and tried.
    #[schema(example = "/docs")]
    pub(crate) docs: &'static str,
    /// The description of the API.
    #[schema(example = "/openapi.json")]
    pub(crate) openapi: &'static str,
    /// Whether the service is there.
    #[schema(example = "/health")]
    pub(crate) health: &'static str,
}

/// `GET /health`: the service is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `healthy`.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// The name of the service.
    #[schema(example = "halatio-tundra")]
    pub(crate) service: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
}

/// `GET /health/deep`: what the service needs is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeepHealth {
    /// `healthy` when everything is, else `unhealthy`.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// The name of the service.
    #[schema(example = "halatio-tundra")]
    pub(crate) service: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// Each of what it needs: `healthy`, or `unhealthy: ` and why.
    #[schema(example = json!({"catalog": "healthy", "secret_manager": "healthy", "warehouse": "healthy"}))]
    pub(crate) checks: BTreeMap<&'static str, String>,
}

/// `GET /connectors`: the databases that can be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connectors {
    /// Their names.
    #[schema(example = json!(["postgresql", "mysql", "sqlite", "mariadb", "redshift"]))]
    pub(crate) connectors: Vec<&'static str>,
    /// How many there are.
    pub(crate) count: usize,
}

/// `GET /info`: what the service can do, and how much of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    /// The name of the service.
    #[schema(example = "halatio-tundra")]
    pub(crate) service: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The formats of files that are read.
    pub(crate) formats: Vec<FileFormat>,
    /// The databases that are read.
    #[schema(example = json!(["postgresql", "mysql", "sqlite", "mariadb", "redshift"]))]
    pub(crate) connectors: Vec<&'static str>,
    /// How outputs can be compressed.
    #[schema(example = json!(["zstd", "snappy", "gzip", "brotli", "lz4", "none"]))]
    pub(crate) compression: Vec<&'static str>,
    /// How much may be asked for.
    pub(crate) limits: Limits,
    /// What is switched on.
    pub(crate) features: Features,
    /// What it is made of.
    pub(crate) versions: Versions,
}

/// A format of files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileFormat {
    /// Its name in requests.
    #[schema(example = "csv")]
    pub(crate) name: &'static str,
    /// The ends of names that files of it have.
    #[schema(example = json!(["csv"]))]
    pub(crate) extensions: &'static [&'static str],
}

/// How much may be asked for; null is without a limit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// The size of a file, in MB of 1,048,576 bytes.
    pub(crate) max_file_size_mb: Option<f64>,
    /// The time of a run, in minutes.
    pub(crate) max_processing_time_minutes: Option<f64>,
    /// Memory of a run, in MB of 1,048,576 bytes.
    pub(crate) max_memory_mb: f64,
    /// Streams into which a table may be split.
    pub(crate) max_partitions: usize,
    /// Runs at once.
    pub(crate) concurrent_runs: usize,
    /// Requests that may wait for their run.
    pub(crate) queue_length: usize,
    /// The JSON of a request, in bytes.
    pub(crate) max_body_bytes: usize,
    /// Conversions a minute, for each caller.
    pub(crate) conversions_per_minute: Option<u32>,
    /// Inferences a minute, for each caller.
    pub(crate) inferences_per_minute: Option<u32>,
    /// Tests of connections a minute, for each caller.
    pub(crate) connection_tests_per_minute: Option<u32>,
}

/// What is switched on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Features {
    /// Whether callers are asked who they are.
    pub(crate) authentication: bool,
    /// Whether a conversion may be asked for with `Prefer: respond-async`.
    pub(crate) jobs: bool,
    /// Whether files may be named by signed URLs.
    pub(crate) signed_urls: bool,
    /// Whether PostgreSQL and Redshift are read with an ADBC driver where there is one.
    pub(crate) adbc: bool,
}

/// What the service is made of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Versions {
    /// Tundra.
    pub(crate) tundra: &'static str,
    /// DuckDB.
    pub(crate) duckdb: String,
    /// The API whose requests are answered, the newest first.
    #[schema(example = json!(["4.0", "3.0"]))]
    pub(crate) api: &'static [&'static str],
}
