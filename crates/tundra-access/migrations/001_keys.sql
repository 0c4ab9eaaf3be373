-- API keys. Of a key's secret its SHA-256 is kept, moments are microseconds since 1970.

-- "TUNA": tells this file from the databases of other programs, and from a catalog.
PRAGMA application_id = 0x54554E41;

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    name TEXT NOT NULL,
    -- Without one, the key is for all organisations.
    org_id TEXT,
    -- Names with commas between them.
    actions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE INDEX api_keys_of_tenant ON api_keys (org_id, id);
