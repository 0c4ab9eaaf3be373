//! The catalog of Supabase on PostgreSQL, through a server that stands for PostgREST.

mod conformance;
mod documented;
mod faults;
mod odd_rows;
mod trips;

use std::time::Duration;

use tundra_catalog::{SUPABASE_MIGRATIONS, SupabaseCatalog, SupabaseSettings};
use tundra_core::{
    Catalog, NewSource, SchemaRule, Scope, Secret, Source, SourceId, SourceType, TableColumn,
    TableSchema, VersionFacts, VersionNumber,
};
use tundra_test_services::{FaultProxy, PostgRest};

/// What Postrust needs and PostgREST does not: in a change it compares the values of a filter as `text`,
/// which PostgreSQL does not do with an enumeration. PostgREST leaves the type of a literal open.
const FOR_POSTRUST: &str = "
    CREATE FUNCTION status_is(source_version_status, text) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
    CREATE OPERATOR = (
        LEFTARG = source_version_status, RIGHTARG = text, FUNCTION = status_is
    )";

/// Starts one with all our columns.
fn whole() -> PostgRest {
    PostgRest::start(&[SUPABASE_MIGRATIONS[0].1, SUPABASE_MIGRATIONS[1].1, FOR_POSTRUST]).unwrap()
}

/// Starts one with the columns of Tundra 4.0 and no more.
fn essential() -> PostgRest {
    PostgRest::start(&[SUPABASE_MIGRATIONS[0].1, FOR_POSTRUST]).unwrap()
}

/// Starts one where organisations are UUIDs, with settings besides.
fn with_uuids(settings: &[(&str, &str)]) -> PostgRest {
    let sql = SUPABASE_MIGRATIONS.map(|(_, sql)| sql.replace("org_id text", "org_id uuid"));
    PostgRest::start_with(&[&sql[0], &sql[1], FOR_POSTRUST], settings).unwrap()
}

fn settings(endpoint: &str, server: &PostgRest) -> SupabaseSettings {
    SupabaseSettings::bare(endpoint, Secret::new(server.service_key()))
}

fn catalog(server: &PostgRest) -> SupabaseCatalog {
    SupabaseCatalog::new(&settings(&server.endpoint(), server)).unwrap()
}

/// Returns a catalog behind a proxy, which does not wait long.
fn behind(proxy: &FaultProxy, server: &PostgRest) -> SupabaseCatalog {
    let mut settings = settings(&proxy.endpoint(), server);
    settings.upstream.timeout = Duration::from_millis(800);
    SupabaseCatalog::new(&settings).unwrap()
}

fn new_source() -> NewSource {
    NewSource {
        id: SourceId::generate(),
        tenant: "acme".parse().unwrap(),
        name: None,
        source_type: SourceType::Database,
        connector_type: "postgresql".to_owned(),
        location: None,
        schema_rule: SchemaRule::Any,
    }
}

async fn add(catalog: &dyn Catalog) -> Source {
    catalog.add_source(&new_source()).await.unwrap()
}

async fn again(catalog: &dyn Catalog, source: &Source) -> Source {
    catalog.source(&Scope::All, source.id).await.unwrap()
}

fn facts(rows: u64) -> VersionFacts {
    let column = TableColumn { name: "nul\0".to_owned(), column_type: "BIGINT".to_owned() };
    VersionFacts {
        rows,
        columns: 1,
        size_bytes: 100,
        seconds: 0.5,
        receipt_sha256: Some("ab".repeat(32)),
        schema: Some(TableSchema { columns: vec![column] }),
        extraction_query: Some("SELECT 1".to_owned()),
    }
}

fn number(number: u32) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}
