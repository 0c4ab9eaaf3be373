//! `GET /`, `/health`, `/health/deep`, `/info` and `/connectors`: what the service says of itself, to
//! everybody.

pub(crate) mod deep;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use tundra_connectors::{DatabaseKind, built_in};
use tundra_core::{Compression, ExtractRequest, engine};

use crate::{
    App,
    wire::{Connectors, Features, FileFormat, Health, Index, Info, Limits, Versions},
};

/// The name by which monitors know the service.
pub(crate) const SERVICE: &str = "halatio-tundra";

/// The version of the service.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `GET /health` answers, made once: a balancer asks for it all the time.
const HEALTH: &str = concat!(
    r#"{"status":"healthy","service":"halatio-tundra","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);

/// The databases that can be read, in the order in which 4.0 names them.
const ORDER: [DatabaseKind; 5] = [
    DatabaseKind::Postgresql,
    DatabaseKind::Mysql,
    DatabaseKind::Sqlite,
    DatabaseKind::Mariadb,
    DatabaseKind::Redshift,
];

/// The formats of files, with the ends of names that they have.
const FORMATS: [FileFormat; 7] = [
    FileFormat { name: "csv", extensions: &["csv"] },
    FileFormat { name: "tsv", extensions: &["tsv", "tab"] },
    FileFormat { name: "json", extensions: &["json"] },
    FileFormat { name: "ndjson", extensions: &["ndjson", "jsonl", "ldjson"] },
    FileFormat { name: "geojson", extensions: &["geojson", "geojsonl", "geojsons", "geojsonseq"] },
    FileFormat { name: "parquet", extensions: &["parquet", "pq", "parq"] },
    FileFormat { name: "excel", extensions: &["xlsx", "xlsm", "xlsb", "xls", "ods"] },
];

/// Bytes of an MB, as this API has always counted them.
const MEGABYTE: f64 = 1_048_576.0;

/// Where to go from here.
#[utoipa::path(
    get, path = "/", tag = "service", operation_id = "index",
    responses((status = 200, description = "Where to go from here", body = Index)),
)]
pub(crate) async fn index() -> Json<Index> {
    Json(Index {
        service: SERVICE,
        version: VERSION,
        status: "running",
        docs: "/docs",
        openapi: "/openapi.json",
        health: "/health",
    })
}

/// Say that the service is there.
#[utoipa::path(
    get, path = "/health", tag = "service", operation_id = "health",
    responses((status = 200, description = "The service is there", body = Health)),
)]
pub(crate) async fn health() -> Response {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (json, Bytes::from_static(HEALTH.as_bytes())).into_response()
}

/// List the databases that can be read.
#[utoipa::path(
    get, path = "/connectors", tag = "service", operation_id = "connectors",
    responses((status = 200, description = "The databases that can be read", body = Connectors)),
)]
pub(crate) async fn connectors() -> Json<Connectors> {
    let connectors = connector_names();
    Json(Connectors { count: connectors.len(), connectors })
}

/// Say what the service can do, and how much of it.
#[utoipa::path(
    get, path = "/info", tag = "service", operation_id = "info",
    responses((status = 200, description = "Formats, connectors, limits and versions", body = Info)),
)]
pub(crate) async fn info(State(app): State<App>) -> Json<Info> {
    let (workshop, settings) = (app.workshop(), app.settings());
    let rates = settings.rates;
    Json(Info {
        service: SERVICE,
        version: VERSION,
        formats: FORMATS.into(),
        connectors: connector_names(),
        compression: Compression::NAMES.to_vec(),
        limits: Limits {
            max_file_size_mb: workshop.max_file_size.map(megabytes),
            max_processing_time_minutes: workshop.timeout.map(|time| time.as_secs_f64() / 60.0),
            max_memory_mb: megabytes(workshop.resources.memory),
            max_partitions: ExtractRequest::MAX_PARTITIONS,
            concurrent_runs: settings.concurrent_runs.get(),
            queue_length: settings.queue_length,
            max_body_bytes: settings.body_limit,
            conversions_per_minute: rates.convert.map(u32::from),
            inferences_per_minute: rates.infer.map(u32::from),
            connection_tests_per_minute: rates.test_connection.map(u32::from),
        },
        features: Features {
            authentication: app.asking().is_some_and(|asking| asking.is_on()),
            jobs: app.jobs().is_some(),
            signed_urls: workshop.takes_urls(),
            adbc: workshop.databases.use_adbc,
        },
        versions: Versions {
            tundra: VERSION,
            duckdb: engine::duckdb_version(),
            api: &["4.0", "3.0"],
        },
    })
}

fn connector_names() -> Vec<&'static str> {
    let built_in = built_in();
    ORDER.into_iter().filter(|kind| built_in.contains(kind)).map(DatabaseKind::name).collect()
}

#[expect(clippy::cast_precision_loss, reason = "limits are round numbers far below 2^53")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

#[cfg(test)]
mod tests {
    use tundra_core::Format;

    use super::*;

    #[test]
    fn health_is_what_its_schema_says() {
        let health = Health { status: "healthy", service: SERVICE, version: VERSION };
        assert_eq!(serde_json::to_string(&health).unwrap(), HEALTH);
    }

    #[test]
    fn every_connector_and_every_format_is_named() {
        assert_eq!(connector_names().len(), built_in().len());
        for format in Format::NAMES {
            assert!(FORMATS.iter().any(|it| it.name == *format), "{format}");
        }
        for format in FORMATS {
            let request = crate::wire::Infer {
                source_id: Some(tundra_core::SourceId::generate().to_string()),
                format: Some(format.name.to_owned()),
                ..crate::wire::Infer::default()
            };
            assert!(request.check().is_ok(), "{}", format.name);
        }
    }
}
