-- A catalog as the second version of its tables has it, with what that brought. It is never changed.

PRAGMA application_id = 0x54554E44;

CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    name TEXT,
    source_type TEXT NOT NULL CHECK (source_type IN ('file', 'database', 'api')),
    connector_type TEXT NOT NULL,
    location TEXT,
    schema_rule TEXT NOT NULL,
    -- The version that readers see.
    current_version INTEGER,
    -- The highest number that was ever given, so that none is given twice.
    last_version INTEGER NOT NULL DEFAULT 0,
    extraction_query TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sources_of_tenant ON sources (org_id, id);
-- By the name first, because it is also asked for without the tenant.
CREATE UNIQUE INDEX sources_by_name ON sources (name, org_id) WHERE name IS NOT NULL;

CREATE TABLE source_versions (
    id TEXT NOT NULL PRIMARY KEY,
    source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'error')),
    row_count INTEGER,
    column_count INTEGER,
    file_size_bytes INTEGER,
    processing_time_seconds REAL,
    receipt_sha256 TEXT,
    -- JSON.
    schema TEXT,
    error_message TEXT,
    idempotency_key TEXT,
    created_at INTEGER NOT NULL, request_digest TEXT,
    UNIQUE (source_id, version)
) STRICT;

CREATE UNIQUE INDEX source_versions_by_key ON source_versions (source_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX source_versions_pending ON source_versions (created_at) WHERE status = 'pending';

CREATE TABLE source_selections (
    id INTEGER PRIMARY KEY,
    source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    from_version INTEGER,
    to_version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    selected_at INTEGER NOT NULL
) STRICT;

CREATE INDEX source_selections_of_source ON source_selections (source_id, id);

INSERT INTO sources (id, org_id, name, source_type, connector_type, schema_rule, last_version, created_at)
VALUES ('018f0000-0000-7000-8000-000000000001', 'acme', 'orders', 'file', 'csv', 'any', 1, 1750000000000000);

INSERT INTO source_versions (id, source_id, version, status, idempotency_key, created_at, request_digest)
VALUES ('00000000-0000-4000-8000-000000000001', '018f0000-0000-7000-8000-000000000001', 1, 'pending',
    'nightly-1', 1750000000000000,
    'abababababababababababababababababababababababababababababababab');

PRAGMA user_version = 2;
