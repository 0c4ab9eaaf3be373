//! Every statement of the catalog in SQLite. Nothing is put together at run time: values are bound.

macro_rules! source_columns {
    () => {
        "sources.id, sources.org_id, sources.name, sources.source_type, sources.connector_type, \
         sources.location, sources.current_version, sources.extraction_query, sources.schema_rule"
    };
}

macro_rules! version_columns {
    () => {
        "source_versions.id, source_versions.source_id, source_versions.version, \
         source_versions.status, source_versions.row_count, source_versions.column_count, \
         source_versions.file_size_bytes, source_versions.processing_time_seconds, \
         source_versions.receipt_sha256, source_versions.schema, source_versions.error_message, \
         source_versions.created_at"
    };
}

/// How many columns a source has in a row, so that those of a version can follow.
pub(super) const SOURCE_WIDTH: usize = 9;

pub(super) const PING: &str = "SELECT count(*) FROM (SELECT 1 FROM sources LIMIT 1)";

pub(super) const SOURCE: &str =
    concat!("SELECT ", source_columns!(), " FROM sources WHERE id = ?1");
pub(super) const SOURCES_NAMED: &str =
    concat!("SELECT ", source_columns!(), " FROM sources WHERE name = ?1");
pub(super) const SOURCES: &str =
    concat!("SELECT ", source_columns!(), " FROM sources WHERE id > ?1 ORDER BY id");
pub(super) const SOURCES_OF_TENANT: &str = concat!(
    "SELECT ",
    source_columns!(),
    " FROM sources WHERE org_id = ?2 AND id > ?1 ORDER BY id"
);
pub(super) const ADD_SOURCE: &str = concat!(
    "INSERT INTO sources (id, org_id, name, source_type, connector_type, location, schema_rule, \
     created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING RETURNING ",
    source_columns!()
);
pub(super) const REMOVE_SOURCE: &str = "DELETE FROM sources WHERE id = ?1";

pub(super) const NEXT_NUMBER: &str =
    "UPDATE sources SET last_version = last_version + 1 WHERE id = ?1 RETURNING last_version";
pub(super) const ADD_VERSION: &str = concat!(
    "INSERT INTO source_versions (id, source_id, version, status, idempotency_key, created_at, \
     request_digest) VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6) RETURNING ",
    version_columns!()
);
pub(super) const VERSION: &str =
    concat!("SELECT ", version_columns!(), " FROM source_versions WHERE id = ?1");
pub(super) const VERSION_BY_KEY: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM source_versions WHERE source_id = ?1 AND idempotency_key = ?2"
);
pub(super) const REQUEST_OF_VERSION: &str =
    "SELECT request_digest FROM source_versions WHERE id = ?1";
pub(super) const VERSION_BY_NUMBER: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM source_versions WHERE source_id = ?1 AND version = ?2"
);
pub(super) const VERSION_WITH_SOURCE: &str = concat!(
    "SELECT ",
    source_columns!(),
    ", ",
    version_columns!(),
    " FROM source_versions JOIN sources ON sources.id = source_versions.source_id \
     WHERE source_versions.id = ?1"
);
pub(super) const VERSIONS: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM source_versions WHERE source_id = ?1 AND version < ?2 ORDER BY version DESC"
);
pub(super) const STALE: &str = concat!(
    "SELECT ",
    source_columns!(),
    ", ",
    version_columns!(),
    " FROM source_versions JOIN sources ON sources.id = source_versions.source_id \
     WHERE source_versions.status = 'pending' AND source_versions.created_at < ?1 \
     ORDER BY source_versions.created_at"
);

pub(super) const ACTIVATE: &str = concat!(
    "UPDATE source_versions SET status = 'active', row_count = ?2, column_count = ?3, \
     file_size_bytes = ?4, processing_time_seconds = ?5, receipt_sha256 = ?6, schema = ?7 \
     WHERE id = ?1 AND status = 'pending' RETURNING ",
    version_columns!()
);
pub(super) const MOVE_FORWARD: &str = "UPDATE sources SET current_version = ?2, \
     extraction_query = coalesce(?3, extraction_query) \
     WHERE id = ?1 AND (current_version IS NULL OR current_version < ?2)";
pub(super) const FAIL: &str = "UPDATE source_versions SET status = 'error', error_message = ?2 \
     WHERE id = ?1 AND status = 'pending'";
pub(super) const RETIRE: &str = "UPDATE source_versions SET status = 'error', error_message = ?2 \
     WHERE id = ?1 AND status = 'active' AND NOT EXISTS (SELECT 1 FROM sources \
     WHERE sources.id = source_id AND sources.current_version = source_versions.version)";
pub(super) const REMOVE_VERSION: &str =
    "DELETE FROM source_versions WHERE id = ?1 AND status = 'error'";
pub(super) const SELECT: &str = concat!(
    "UPDATE sources SET current_version = ?2 WHERE id = ?1 AND current_version IS ?3 RETURNING ",
    source_columns!()
);
pub(super) const RECORD_SELECTION: &str = "INSERT INTO source_selections (source_id, \
     from_version, to_version, reason, selected_at) VALUES (?1, ?2, ?3, ?4, ?5)";
