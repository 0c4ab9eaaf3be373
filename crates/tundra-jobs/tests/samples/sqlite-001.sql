-- A file of jobs as version 1 of the tables has it. It is never changed.
PRAGMA journal_mode = DELETE;
PRAGMA application_id = 0x54554E4A;
PRAGMA user_version = 1;
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    idempotency_key TEXT,
    -- How often it may be begun; one that has none fails when it is interrupted.
    at_most INTEGER,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    attempts INTEGER NOT NULL,
    stage TEXT,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    total_bytes INTEGER,
    result TEXT,
    failure TEXT,
    -- Who runs it: the name for people, the token by which the claim is told from others, and the end.
    lease_owner TEXT,
    lease_token TEXT,
    lease_until INTEGER,
    webhook_url TEXT,
    webhook_tries INTEGER NOT NULL,
    webhook_state TEXT CHECK (webhook_state IN ('waiting', 'due', 'delivered', 'given_up')),
    -- When it is due, or when it was delivered or given up.
    webhook_at INTEGER,
    webhook_error TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    -- Grows with each change.
    revision INTEGER NOT NULL,
    CHECK ((status = 'running') = (lease_token IS NOT NULL)),
    CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CHECK ((status IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((webhook_url IS NULL) = (webhook_state IS NULL))
) STRICT;

CREATE UNIQUE INDEX jobs_by_key ON jobs (tenant, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_of_tenant ON jobs (tenant, id);
-- What waits and what runs is little, and is asked for often.
CREATE INDEX jobs_queued ON jobs (tenant, id) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (tenant, lease_until) WHERE status = 'running';
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_to_tell ON jobs (webhook_at, id) WHERE webhook_state = 'due';

INSERT INTO jobs VALUES (
    '018f0000-0000-7000-8000-000000000001', 'acme', 'convert_file', '{"source_id":"s","n":0.1}',
    'nightly-1', 3, 'queued', 0, 1, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL,
    'https://hooks.example/T0?token=x', 0, 'waiting', NULL, NULL,
    1760000000000001, NULL, NULL, 4
);
INSERT INTO jobs VALUES (
    '018f0000-0000-7000-8000-000000000002', 'acme', 'convert_file', '{}',
    NULL, NULL, 'running', 1, 1, 'converting', 1000, 4096, 9007199254740992, NULL, NULL,
    'process 7', '3f2b8c1e-0d4a-4c59-9a55-8c1c7b7a1f10', 1760000040000000, NULL, 0, NULL, NULL, NULL,
    1760000000000002, 1760000010000000, NULL, 7
);
INSERT INTO jobs VALUES (
    '018f0000-0000-7000-8000-000000000003', 'other', 'infer_schema', 'null',
    NULL, NULL, 'failed', 0, 1, NULL, 7, 130, NULL, NULL,
    '{"kind":"invalid_data","message":"no number","hints":["mend it"],"place":{"code":"bad_value","line":9,"byte":120,"record":7,"column":"price"}}',
    NULL, NULL, NULL, 'https://hooks.example/', 2, 'due', 1760000100000000, 'the receiver answered 503',
    1760000000000003, 1760000010000000, 1760000020000000, 5
);
INSERT INTO jobs VALUES (
    '018f0000-0000-7000-8000-000000000004', 'other', 'infer_schema', '{}',
    NULL, NULL, 'done', 0, 1, NULL, 0, 0, NULL, '{"columns":[]}', NULL, NULL, NULL, NULL,
    NULL, 0, NULL, NULL, NULL, 1760000000000004, 1760000010000000, 1760000020000000, 3
);
