-- A file of keys as version 1 of its tables wrote it. It is never changed.
PRAGMA application_id = 0x54554E41;
PRAGMA user_version = 1;

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

INSERT INTO api_keys VALUES (
    '0123456789AB',
    x'653bb1245e828fcda4fa53fcd5a3def5bd7654e651f54b4132b73d74e64435c4',
    'nightly', 'acme', 'convert,read',
    1760000000000001, 1860000000000002, 1760000000000003, 1760000000000004
), (
    'zzzzzzzzzzzz',
    x'0000000000000000000000000000000000000000000000000000000000000000',
    'operator', NULL, 'convert,read,write,test-connection,operate',
    1760000000000005, NULL, NULL, NULL
);
