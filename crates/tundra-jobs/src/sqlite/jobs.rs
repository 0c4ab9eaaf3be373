//! Jobs in the file. What changes one is called within a transaction.
//!
//! The outer result is SQLite's: what fails there is undone. The inner one is that of the rules, which
//! refuse before anything is changed.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use tundra_core::{ErrorKind, Scope};
use tundra_sqlite::{Failure, rows::micros};
use uuid::Uuid;

use super::{rows, sql};
use crate::{
    JobsError,
    job::{Job, JobId, JobProgress, JobStatus, NewJob, OnInterruption},
    state,
    store::{Attempt, Claim, Counts, DeliveryOutcome, Hold, JobFilter, Outcome, Room, Submitted},
};

/// What the rules say, if SQLite can.
pub(super) type Ruled<T> = Result<Result<T, JobsError>, Failure>;

/// A job with the token under which it runs.
struct Kept {
    job: Job,
    token: Option<Uuid>,
}

impl Kept {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        Ok(Self { job: rows::job(row)?, token: rows::token(row)? })
    }

    /// Changes the job and keeps it.
    fn change<T>(
        mut self,
        connection: &Connection,
        change: impl FnOnce(&mut Job, &mut Option<Uuid>) -> T,
    ) -> Result<(Job, T), Failure> {
        let before = self.job.revision;
        let changed = change(&mut self.job, &mut self.token);
        if self.job.status != JobStatus::Running {
            self.token = None;
        }
        if self.job.revision != before {
            rows::save(connection, &self.job, self.token, before)?;
        }
        Ok((self.job, changed))
    }
}

pub(super) fn submit(
    connection: &Connection,
    new: &NewJob,
    room: Room,
    now: SystemTime,
) -> Ruled<Submitted> {
    let id = new.id.to_string();
    let key = new.idempotency_key.as_ref().map(|key| key.as_str());
    let earlier = params![id, new.tenant.as_str(), key];
    if let Some(earlier) = one(connection, sql::EARLIER, earlier)? {
        let same = state::check_same(&earlier.job, new);
        return Ok(same.map(|()| Submitted::Earlier(earlier.job)));
    }
    let (waiting, own): (i64, i64) = connection
        .prepare_cached(sql::WAITING)?
        .query_row([new.tenant.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Err(full) = room.check(rows::figure(waiting)?, rows::figure(own)?) {
        return Ok(Err(full));
    }
    let job = state::queued(new, now);
    let at_most = match job.on_interruption {
        OnInterruption::Fail => None,
        OnInterruption::Retry { at_most } => Some(at_most.get()),
    };
    connection.prepare_cached(sql::ADD)?.execute(params![
        id,
        job.tenant.as_str(),
        job.kind,
        job.request.to_string(),
        key,
        at_most,
        job.webhook.as_ref().map(|webhook| webhook.url.expose().as_str()),
        micros(job.created_at),
        rows::kept_figure(job.revision),
    ])?;
    Ok(Ok(Submitted::New(job)))
}

pub(super) fn get(connection: &Connection, scope: &Scope, id: JobId) -> Ruled<Job> {
    Ok(visible(connection, scope, id)?.map(|kept| kept.job).ok_or(JobsError::NotFound { id }))
}

pub(super) fn list(
    connection: &Connection,
    scope: &Scope,
    filter: &JobFilter,
) -> Result<Vec<Job>, Failure> {
    // Every id comes before this.
    let before = filter.before.map_or("g".to_owned(), |id| id.to_string());
    let status = filter.status.map(JobStatus::name);
    let mut statement;
    let found = match scope {
        Scope::All => {
            statement = connection.prepare_cached(sql::PAGE)?;
            statement.query(params![before, status])?
        }
        Scope::Tenant(tenant) => {
            statement = connection.prepare_cached(sql::PAGE_OF_TENANT)?;
            statement.query(params![before, status, tenant.as_str()])?
        }
    };
    tundra_sqlite::rows::sensible(found, filter.limit, rows::job, |reason| {
        tracing::warn!(reason, "left a job out of a list");
    })
}

pub(super) fn claim(
    connection: &Connection,
    owner: &str,
    until: SystemTime,
    now: SystemTime,
) -> Result<Option<Claim>, Failure> {
    loop {
        let next = connection.prepare_cached(sql::NEXT)?.query_row([], |row| row.get(0)).optional();
        let Some(id): Option<String> = next? else { return Ok(None) };
        let Some(kept) = sensible(connection, &id, now)? else { continue };
        let (job, hold) = kept.change(connection, |job, token| {
            let hold = state::claim(job, owner, until, now);
            *token = Some(hold.token);
            hold
        })?;
        return Ok(Some(Claim { job, hold }));
    }
}

pub(super) fn renew(
    connection: &Connection,
    hold: &Hold,
    progress: &JobProgress,
    until: SystemTime,
) -> Ruled<Job> {
    let Some(kept) = held(connection, hold)? else { return Ok(lost(hold)) };
    let (job, ()) = kept.change(connection, |job, _| state::renew(job, progress, until))?;
    Ok(Ok(job))
}

pub(super) fn end(
    connection: &Connection,
    hold: &Hold,
    progress: &JobProgress,
    outcome: &Outcome,
    now: SystemTime,
) -> Ruled<Job> {
    let Some(kept) = held(connection, hold)? else { return Ok(lost(hold)) };
    let (job, ended) = kept.change(connection, |job, _| state::end(job, progress, outcome, now))?;
    Ok(ended.map(|()| job))
}

pub(super) fn cancel(
    connection: &Connection,
    scope: &Scope,
    id: JobId,
    now: SystemTime,
) -> Ruled<Job> {
    let Some(kept) = visible(connection, scope, id)? else {
        return Ok(Err(JobsError::NotFound { id }));
    };
    let (job, _) = kept.change(connection, |job, _| state::cancel(job, now))?;
    Ok(Ok(job))
}

pub(super) fn recover(
    connection: &Connection,
    now: SystemTime,
    limit: usize,
) -> Result<Vec<Job>, Failure> {
    let abandoned = params![micros(now), i64::try_from(limit).unwrap_or(i64::MAX)];
    let mut statement = connection.prepare_cached(sql::ABANDONED)?;
    let found = statement.query_map(abandoned, |row| row.get(0))?;
    let abandoned: Vec<String> = found.collect::<Result<_, _>>()?;
    let mut recovered = Vec::with_capacity(abandoned.len());
    for id in abandoned {
        if let Some(kept) = sensible(connection, &id, now)? {
            let (job, ()) = kept.change(connection, |job, _| state::interrupt(job, now))?;
            recovered.push(job);
        }
    }
    Ok(recovered)
}

pub(super) fn prune(
    connection: &Connection,
    before: SystemTime,
    limit: usize,
) -> Result<u64, Failure> {
    let over = params![micros(before), i64::try_from(limit).unwrap_or(i64::MAX)];
    Ok(connection.prepare_cached(sql::PRUNE)?.execute(over)? as u64)
}

pub(super) fn counts(connection: &Connection) -> Result<Counts, Failure> {
    let mut statement = connection.prepare_cached(sql::COUNTS)?;
    let (queued, running) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Counts { queued: rows::figure(queued)?, running: rows::figure(running)? })
}

pub(super) fn is_delivery_due(connection: &Connection, now: SystemTime) -> Result<bool, Failure> {
    Ok(connection.prepare_cached(sql::TO_TELL)?.exists([micros(now)])?)
}

pub(super) fn claim_delivery(
    connection: &Connection,
    until: SystemTime,
    now: SystemTime,
) -> Result<Option<Attempt>, Failure> {
    loop {
        let mut statement = connection.prepare_cached(sql::TO_TELL)?;
        let next = statement.query_row([micros(now)], |row| row.get(0)).optional();
        let Some(id): Option<String> = next? else { return Ok(None) };
        let Some(kept) = sensible(connection, &id, now)? else { continue };
        let (job, attempt) = kept.change(connection, |job, _| state::claim_delivery(job, until))?;
        return match attempt {
            Some(attempt) => Ok(Some(attempt)),
            None => {
                let reason = format!("the webhook of the job `{}` is not due", job.id);
                Err(Failure::refused(ErrorKind::Internal, reason))
            }
        };
    }
}

pub(super) fn settle_delivery(
    connection: &Connection,
    attempt: &Attempt,
    outcome: &DeliveryOutcome,
    now: SystemTime,
) -> Result<(), Failure> {
    if let Some(kept) = one(connection, sql::JOB, [attempt.job.id.to_string()])? {
        kept.change(connection, |job, _| {
            state::settle_delivery(job, attempt.number, outcome, now)
        })?;
    }
    Ok(())
}

/// Reads a job that is to be changed on nobody's request. One that makes no sense is ended instead, so
/// that it does not stand before the others for ever.
fn sensible(connection: &Connection, id: &str, now: SystemTime) -> Result<Option<Kept>, Failure> {
    match one(connection, sql::JOB, [id]) {
        Err(Failure::Senseless(reason)) => {
            tracing::error!(reason, "ended a job that cannot be read");
            connection.prepare_cached(sql::CONDEMN)?.execute(params![id, micros(now)])?;
            Ok(None)
        }
        read => read,
    }
}

/// Reads a job, if it runs under this claim.
fn held(connection: &Connection, hold: &Hold) -> Result<Option<Kept>, Failure> {
    let kept = one(connection, sql::JOB, [hold.id.to_string()])?;
    Ok(kept.filter(|kept| kept.token == Some(hold.token)))
}

fn lost<T>(hold: &Hold) -> Result<T, JobsError> {
    Err(JobsError::LostHold { id: hold.id })
}

/// Reads a job, if it is one of the scope, even where the rest of it makes no sense.
fn visible(connection: &Connection, scope: &Scope, id: JobId) -> Result<Option<Kept>, Failure> {
    let mut statement = connection.prepare_cached(sql::JOB)?;
    let mut found = statement.query([id.to_string()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    if let Scope::Tenant(tenant) = scope {
        let owner: String = row.get(1)?;
        if owner != tenant.as_str() {
            return Ok(None);
        }
    }
    Kept::read(row).map(Some)
}

fn one(
    connection: &Connection,
    statement: &str,
    values: impl Params,
) -> Result<Option<Kept>, Failure> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut found = statement.query(values)?;
    found.next()?.map(Kept::read).transpose()
}
