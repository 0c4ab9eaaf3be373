//! Rows as jobs, and jobs as rows. What another program wrote may make no sense; it is said which row
//! that is.

use std::num::NonZeroU32;

use rusqlite::{Connection, Row, ToSql, types::FromSql};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tundra_core::ErrorKind;
use tundra_sqlite::{
    Failure,
    rows::{micros, moment},
};
use uuid::Uuid;

use super::sql;
use crate::job::{
    Delivery, Job, JobFailure, JobProgress, JobStatus, Lease, OnInterruption, Place, Webhook,
    stage_name, stage_named,
};

/// A failure as it is kept. A field may be added; none changes its meaning.
#[derive(Serialize, Deserialize)]
struct KeptFailure {
    kind: String,
    message: String,
    #[serde(default)]
    hints: Vec<String>,
    #[serde(default)]
    place: Option<KeptPlace>,
}

#[derive(Serialize, Deserialize)]
struct KeptPlace {
    code: String,
    line: u64,
    byte: u64,
    record: u64,
    column: Option<String>,
}

/// Reads a job.
pub(super) fn job(row: &Row<'_>) -> Result<Job, Failure> {
    let id: String = row.get(0)?;
    read(row, &id).map_err(|failure| failure.of_row("job", &id))
}

fn read(row: &Row<'_>, id: &str) -> Result<Job, Failure> {
    let status: String = row.get(6)?;
    let at_most = at::<Option<u32>>(row, 5)?.map(NonZeroU32::try_from);
    let total_bytes: Option<i64> = row.get(12)?;
    let result: Option<String> = row.get(13)?;
    let failure: Option<String> = row.get(14)?;
    let key: Option<String> = row.get(4)?;
    Ok(Job {
        id: id.parse().map_err(Failure::senseless)?,
        tenant: at::<String>(row, 1)?.parse().map_err(Failure::senseless)?,
        kind: row.get(2)?,
        request: value(&at::<String>(row, 3)?)?,
        idempotency_key: key.map(|key| key.parse()).transpose().map_err(Failure::senseless)?,
        on_interruption: match at_most.transpose().map_err(Failure::senseless)? {
            Some(at_most) => OnInterruption::Retry { at_most },
            None => OnInterruption::Fail,
        },
        status: JobStatus::named(&status)
            .ok_or_else(|| Failure::senseless(format!("`{status}` is no status")))?,
        cancel_requested: row.get(7)?,
        attempts: row.get(8)?,
        progress: JobProgress {
            stage: at::<Option<String>>(row, 9)?.as_deref().and_then(stage_named),
            rows: figure(row.get(10)?)?,
            bytes: figure(row.get(11)?)?,
            total_bytes: total_bytes.map(figure).transpose()?,
        },
        result: result.as_deref().map(value).transpose()?,
        failure: failure.as_deref().map(kept_failure).transpose()?,
        lease: lease(row)?,
        webhook: webhook(row)?,
        created_at: moment(row.get(22)?)?,
        started_at: at::<Option<i64>>(row, 23)?.map(moment).transpose()?,
        ended_at: at::<Option<i64>>(row, 24)?.map(moment).transpose()?,
        revision: figure(row.get(25)?)?,
    })
}

fn lease(row: &Row<'_>) -> Result<Option<Lease>, Failure> {
    let Some(until) = at::<Option<i64>>(row, 16)? else { return Ok(None) };
    let owner = at::<Option<String>>(row, 15)?.unwrap_or_default();
    Ok(Some(Lease { owner, until: moment(until)? }))
}

fn webhook(row: &Row<'_>) -> Result<Option<Webhook>, Failure> {
    let Some(url) = at::<Option<String>>(row, 17)? else { return Ok(None) };
    let state = at::<Option<String>>(row, 19)?.unwrap_or_default();
    let moment = || at::<Option<i64>>(row, 20)?.map(moment).transpose();
    let known =
        || moment()?.ok_or_else(|| Failure::senseless("its webhook has a state without a moment"));
    Ok(Some(Webhook {
        url: url.parse().map_err(Failure::senseless)?,
        tries: row.get(18)?,
        delivery: match state.as_str() {
            "waiting" => Delivery::Waiting,
            "due" => Delivery::Due(known()?),
            "delivered" => Delivery::Delivered(known()?),
            "given_up" => Delivery::GivenUp(known()?),
            other => return Err(Failure::senseless(format!("`{other}` is no state of a webhook"))),
        },
        last_error: row.get(21)?,
    }))
}

/// Returns the token of the claim under which the job runs.
pub(super) fn token(row: &Row<'_>) -> Result<Option<Uuid>, Failure> {
    let token: Option<String> = row.get(sql::LEASE_TOKEN)?;
    token.map(|token| Uuid::try_parse(&token).map_err(Failure::senseless)).transpose()
}

/// Keeps everything of a job that changes. `before` is the revision that it was read with.
pub(super) fn save(
    connection: &Connection,
    job: &Job,
    token: Option<Uuid>,
    before: u64,
) -> Result<(), Failure> {
    let result = job.result.as_ref().map(Value::to_string);
    let failure = job.failure.as_ref().map(failure_json).transpose()?;
    let (owner, until) = job.lease.as_ref().map(|it| (&it.owner, micros(it.until))).unzip();
    let webhook = job.webhook.as_ref();
    let (state, at) = webhook.map(|webhook| delivery(webhook.delivery)).unzip();
    let values: [&dyn ToSql; 21] = [
        &job.id.to_string(),
        &kept_figure(before),
        &job.status.name(),
        &job.cancel_requested,
        &job.attempts,
        &job.progress.stage.map(stage_name),
        &kept_figure(job.progress.rows),
        &kept_figure(job.progress.bytes),
        &job.progress.total_bytes.map(kept_figure),
        &result,
        &failure,
        &owner,
        &token.map(|token| token.to_string()),
        &until,
        &webhook.map_or(0, |webhook| webhook.tries),
        &state,
        &at.flatten(),
        &webhook.and_then(|webhook| webhook.last_error.as_ref()),
        &job.started_at.map(micros),
        &job.ended_at.map(micros),
        &kept_figure(job.revision),
    ];
    match connection.prepare_cached(sql::SAVE)?.execute(values)? {
        1 => Ok(()),
        _ => {
            let reason = format!("the job `{}` was changed within the transaction", job.id);
            Err(Failure::refused(ErrorKind::Internal, reason))
        }
    }
}

const fn delivery_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Waiting => "waiting",
        Delivery::Due(_) => "due",
        Delivery::Delivered(_) => "delivered",
        Delivery::GivenUp(_) => "given_up",
    }
}

fn delivery(delivery: Delivery) -> (&'static str, Option<i64>) {
    let at = match delivery {
        Delivery::Waiting => None,
        Delivery::Due(at) | Delivery::Delivered(at) | Delivery::GivenUp(at) => Some(micros(at)),
    };
    (delivery_name(delivery), at)
}

fn failure_json(failure: &JobFailure) -> Result<String, Failure> {
    let place = failure.place.as_ref().map(|place| KeptPlace {
        code: place.code.clone(),
        line: place.line,
        byte: place.byte,
        record: place.record,
        column: place.column.clone(),
    });
    let kept = KeptFailure {
        kind: failure.kind.code().to_owned(),
        message: failure.message.clone(),
        hints: failure.hints.clone(),
        place,
    };
    serde_json::to_string(&kept)
        .map_err(|error| Failure::refused(ErrorKind::Internal, error.to_string()))
}

fn kept_failure(text: &str) -> Result<JobFailure, Failure> {
    let kept: KeptFailure = serde_json::from_str(text).map_err(Failure::senseless)?;
    let kind = ErrorKind::ALL.into_iter().find(|kind| kind.code() == kept.kind);
    Ok(JobFailure {
        // One of a newer version: what is certain is that it failed.
        kind: kind.unwrap_or(ErrorKind::Internal),
        message: kept.message,
        hints: kept.hints,
        place: kept.place.map(|place| Place {
            code: place.code,
            line: place.line,
            byte: place.byte,
            record: place.record,
            column: place.column,
        }),
    })
}

fn value(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(Failure::senseless)
}

fn at<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    Ok(row.get(column)?)
}

pub(super) fn figure(value: i64) -> Result<u64, Failure> {
    u64::try_from(value).map_err(Failure::senseless)
}

/// Returns a figure as SQLite takes it. What no file has is kept as the most there can be.
pub(super) fn kept_figure(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
