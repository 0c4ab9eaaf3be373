//! Every statement of the jobs in SQLite. Nothing is put together at run time: values are bound.

macro_rules! columns {
    () => {
        "id, tenant, kind, request, idempotency_key, at_most, status, cancel_requested, attempts, \
         stage, rows, bytes, total_bytes, result, failure, lease_owner, lease_until, webhook_url, \
         webhook_tries, webhook_state, webhook_at, webhook_error, created_at, started_at, ended_at, \
         revision, lease_token"
    };
}

/// Where the token of a claim is among the columns.
pub(super) const LEASE_TOKEN: usize = 26;

pub(super) const ADD: &str = "INSERT INTO jobs (id, tenant, kind, request, idempotency_key, at_most, \
     webhook_url, created_at, revision, status, cancel_requested, attempts, rows, bytes, \
     webhook_tries, webhook_state) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', 0, 0, 0, 0, 0, \
     CASE WHEN ?7 IS NULL THEN NULL ELSE 'waiting' END)";

/// Everything of a job that changes, if nobody has changed it since it was read.
pub(super) const SAVE: &str = "UPDATE jobs SET status = ?3, cancel_requested = ?4, attempts = ?5, \
     stage = ?6, rows = ?7, bytes = ?8, total_bytes = ?9, result = ?10, failure = ?11, \
     lease_owner = ?12, lease_token = ?13, lease_until = ?14, webhook_tries = ?15, \
     webhook_state = ?16, webhook_at = ?17, webhook_error = ?18, started_at = ?19, ended_at = ?20, \
     revision = ?21 WHERE id = ?1 AND revision = ?2";

pub(super) const JOB: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = ?1");
pub(super) const EARLIER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE id = ?1 OR (tenant = ?2 AND idempotency_key = ?3) LIMIT 1"
);
/// All of them, or those of a tenant; any status, or one; the newest first.
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE id < ?1 AND (?2 IS NULL OR status = ?2) ORDER BY id DESC"
);
pub(super) const PAGE_OF_TENANT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE tenant = ?3 AND id < ?1 AND (?2 IS NULL OR status = ?2) ORDER BY id DESC"
);

pub(super) const WAITING: &str = "SELECT count(*), count(*) FILTER (WHERE tenant = ?1) FROM jobs \
     WHERE status = 'queued'";
pub(super) const COUNTS: &str = "SELECT (SELECT count(*) FROM jobs WHERE status = 'queued'), \
     (SELECT count(*) FROM jobs WHERE status = 'running')";

/// The oldest of the tenants with the fewest running.
pub(super) const NEXT: &str = "SELECT first FROM (\
     SELECT min(id) AS first, (SELECT count(*) FROM jobs AS other \
     WHERE other.status = 'running' AND other.tenant = jobs.tenant) AS running \
     FROM jobs WHERE status = 'queued' GROUP BY tenant) ORDER BY running, first LIMIT 1";

pub(super) const ABANDONED: &str = "SELECT id FROM jobs WHERE status = 'running' \
     AND lease_until < ?1 ORDER BY lease_until LIMIT ?2";

pub(super) const TO_TELL: &str = "SELECT id FROM jobs WHERE webhook_state = 'due' \
     AND webhook_at <= ?1 ORDER BY webhook_at, id LIMIT 1";

/// Ends a job whose row makes no sense, so that it is in nobody's way.
pub(super) const CONDEMN: &str = "UPDATE jobs SET status = 'failed', ended_at = ?2, \
     lease_owner = NULL, lease_token = NULL, lease_until = NULL, webhook_state = \
     CASE WHEN webhook_url IS NULL THEN NULL ELSE 'given_up' END, webhook_at = ?2, \
     revision = revision + 1 WHERE id = ?1";

pub(super) const PRUNE: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs \
     WHERE ended_at < ?1 AND (webhook_state IS NULL OR webhook_state <> 'due') \
     ORDER BY ended_at LIMIT ?2)";
