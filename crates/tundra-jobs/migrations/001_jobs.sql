-- Jobs. Ids are UUIDs in lower case, moments are microseconds since 1970, what is nested is JSON.

-- "TUNJ": tells this file from the databases of other programs, and from catalogs.
PRAGMA application_id = 0x54554E4A;

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
