//! The catalog in a file: what every catalog does, and what files and other processes can do to it.

mod behaviour;
mod child;
mod migrating;
mod opening;
mod processes;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tundra_catalog::SqliteCatalog;
use tundra_core::{
    Catalog, CatalogError, NewSource, Reserved, SchemaRule, Source, SourceId, SourceType, Version,
    VersionFacts,
};

/// Returns a directory that goes with the returned handle, and the path of a catalog in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    (directory, path)
}

async fn open(path: &Path) -> SqliteCatalog {
    SqliteCatalog::open(path).await.unwrap()
}

/// Opens the file past the catalog, as a person with SQLite's own tool does.
fn by_hand(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn new_source(name: Option<&str>) -> NewSource {
    NewSource {
        id: SourceId::generate(),
        tenant: "acme".parse().unwrap(),
        name: name.map(str::to_owned),
        source_type: SourceType::File,
        connector_type: "csv".to_owned(),
        location: None,
        schema_rule: SchemaRule::Any,
    }
}

async fn add(catalog: &dyn Catalog) -> Source {
    catalog.add_source(&new_source(None)).await.unwrap()
}

async fn reserve(catalog: &dyn Catalog, source: &Source) -> Result<Version, CatalogError> {
    match catalog.reserve(source, None).await? {
        Reserved::New(version) => Ok(version),
        other => panic!("without a key there is none before: {other:?}"),
    }
}

fn facts() -> VersionFacts {
    VersionFacts {
        rows: 1000,
        columns: 10,
        size_bytes: 10_000,
        seconds: 0.5,
        receipt_sha256: Some("0123456789abcdef".repeat(4)),
        schema: None,
        extraction_query: None,
    }
}

/// Reserves a version and activates it, as a run does that converts nothing.
async fn run(catalog: &dyn Catalog, source: &Source) -> Result<Version, CatalogError> {
    let version = reserve(catalog, source).await?;
    catalog.check_pending(&version).await?;
    catalog.activate(&version, &facts()).await
}
