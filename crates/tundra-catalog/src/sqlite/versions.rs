//! Versions in the file. What changes one is called within a transaction.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use tundra_core::{
    ErrorKind, IdempotencyKey, RequestDigest, Reserved, Scope, Source, SourceId, Version,
    VersionFacts, VersionNumber, VersionStatus,
};
use tundra_sqlite::{
    Failure,
    rows::{micros, sensible},
};
use uuid::Uuid;

use super::{rows, sources, sql};

pub(super) fn reserve(
    connection: &Connection,
    source: SourceId,
    key: Option<&IdempotencyKey>,
) -> Result<Reserved, Failure> {
    if let Some(key) = key
        && let Some(earlier) = by_key(connection, source, key)?
    {
        let mut statement = connection.prepare_cached(sql::REQUEST_OF_VERSION)?;
        let kept: Option<String> =
            statement.query_row([earlier.id.to_string()], |row| row.get(0))?;
        return Ok(match key.may_be_of(kept.as_deref()) {
            true => Reserved::Earlier(earlier),
            false => Reserved::OtherRequest(earlier),
        });
    }
    let id = source.to_string();
    let request = key.and_then(IdempotencyKey::request).map(RequestDigest::as_str);
    let key = key.map(IdempotencyKey::as_str);
    let mut statement = connection.prepare_cached(sql::NEXT_NUMBER)?;
    let number: Option<i64> = statement.query_row([&id], |row| row.get(0)).optional()?;
    let number = number.ok_or_else(|| sources::missing(source))?;
    if u32::try_from(number).is_err() {
        let reason = format!("the source `{source}` has no number left for a version");
        return Err(Failure::refused(ErrorKind::LimitExceeded, reason));
    }
    let now = micros(SystemTime::now());
    let row = Uuid::new_v4().to_string();
    let added = one(connection, sql::ADD_VERSION, params![row, id, number, key, now, request])?;
    let added = added.ok_or_else(|| gone(&row))?;
    Ok(Reserved::New(added))
}

pub(super) fn check_pending(connection: &Connection, version: &Version) -> Result<(), Failure> {
    match by_id(connection, version.id)? {
        Some(now) if now.status == VersionStatus::Pending => Ok(()),
        Some(now) => Err(ended(&now)),
        None => {
            let reason = format!("the version {} was removed", version.number);
            Err(Failure::refused(ErrorKind::Conflict, reason))
        }
    }
}

pub(super) fn activate(
    connection: &Connection,
    version: &Version,
    facts: &VersionFacts,
) -> Result<Version, Failure> {
    let figures = rows::Figures::of(facts)?;
    let told = params![
        version.id.to_string(),
        figures.rows,
        figures.columns,
        figures.size_bytes,
        figures.seconds,
        facts.receipt_sha256,
        figures.schema,
    ];
    let Some(active) = one(connection, sql::ACTIVATE, told)? else {
        let now = by_id(connection, version.id)?.ok_or_else(|| gone_version(version))?;
        let kept = VersionFacts { extraction_query: None, ..facts.clone() };
        // A caller that was told that the outcome is unknown asks again.
        let same = now.status == VersionStatus::Active && now.facts.as_ref() == Some(&kept);
        return if same { Ok(now) } else { Err(ended(&now)) };
    };
    let source = active.source.to_string();
    let forward = params![source, active.number.get(), facts.extraction_query];
    connection.prepare_cached(sql::MOVE_FORWARD)?.execute(forward)?;
    Ok(active)
}

pub(super) fn fail(
    connection: &Connection,
    version: &Version,
    message: &str,
) -> Result<(), Failure> {
    let told = params![version.id.to_string(), Version::message(message)];
    if connection.prepare_cached(sql::FAIL)?.execute(told)? > 0 {
        return Ok(());
    }
    let now = by_id(connection, version.id)?.ok_or_else(|| gone_version(version))?;
    if now.status == VersionStatus::Error { Ok(()) } else { Err(ended(&now)) }
}

pub(super) fn by_number(
    connection: &Connection,
    source: SourceId,
    number: VersionNumber,
) -> Result<Version, Failure> {
    let found = one(connection, sql::VERSION_BY_NUMBER, params![source.to_string(), number.get()])?;
    found.ok_or_else(|| {
        let reason = format!("the source `{source}` has no version {number}");
        Failure::refused(ErrorKind::NotFound, reason)
    })
}

pub(super) fn by_key(
    connection: &Connection,
    source: SourceId,
    key: &IdempotencyKey,
) -> Result<Option<Version>, Failure> {
    one(connection, sql::VERSION_BY_KEY, params![source.to_string(), key.as_str()])
}

pub(super) fn with_source(
    connection: &Connection,
    scope: &Scope,
    id: Uuid,
) -> Result<(Source, Version), Failure> {
    let mut statement = connection.prepare_cached(sql::VERSION_WITH_SOURCE)?;
    let mut found = statement.query([id.to_string()])?;
    match found.next()? {
        Some(row) if sources::is_visible(row, scope)? => {
            Ok((rows::source(row, 0)?, rows::version(row, sql::SOURCE_WIDTH)?))
        }
        _ => Err(Failure::refused(ErrorKind::NotFound, format!("there is no version `{id}`"))),
    }
}

pub(super) fn page(
    connection: &Connection,
    source: SourceId,
    before: Option<VersionNumber>,
    limit: usize,
) -> Result<Vec<Version>, Failure> {
    let before = before.map_or(i64::MAX, |number| i64::from(number.get()));
    let mut statement = connection.prepare_cached(sql::VERSIONS)?;
    let found = statement.query(params![source.to_string(), before])?;
    sensible(found, limit, |row| rows::version(row, 0), sources::left_out)
}

pub(super) fn select(
    connection: &Connection,
    source: &Source,
    number: VersionNumber,
    reason: &str,
) -> Result<Source, Failure> {
    let chosen = by_number(connection, source.id, number)?;
    if chosen.status != VersionStatus::Active {
        return Err(ended(&chosen));
    }
    let id = source.id.to_string();
    let from = source.current_version.map(VersionNumber::get);
    let mut statement = connection.prepare_cached(sql::SELECT)?;
    let mut moved = statement.query(params![id, number.get(), from])?;
    let Some(row) = moved.next()? else {
        if !sources::exists(connection, source.id)? {
            return Err(sources::missing(source.id));
        }
        let seen = source.current_version.map_or("none".to_owned(), |number| number.to_string());
        let reason = format!("the current version is no longer {seen}");
        let hint = "look at the source again, and choose again";
        return Err(Failure::with_hint(ErrorKind::Conflict, reason, hint));
    };
    let now = rows::source(row, 0)?;
    let moment = micros(SystemTime::now());
    let recorded = params![id, from, number.get(), Version::message(reason), moment];
    connection.prepare_cached(sql::RECORD_SELECTION)?.execute(recorded)?;
    Ok(now)
}

pub(super) fn stale(
    connection: &Connection,
    before: SystemTime,
    limit: usize,
) -> Result<Vec<(Source, Version)>, Failure> {
    let mut statement = connection.prepare_cached(sql::STALE)?;
    let found = statement.query([micros(before)])?;
    let both = |row: &Row<'_>| Ok((rows::source(row, 0)?, rows::version(row, sql::SOURCE_WIDTH)?));
    sensible(found, limit, both, sources::left_out)
}

pub(super) fn retire(
    connection: &Connection,
    version: &Version,
    message: &str,
) -> Result<(), Failure> {
    let told = params![version.id.to_string(), Version::message(message)];
    if connection.prepare_cached(sql::RETIRE)?.execute(told)? > 0 {
        return Ok(());
    }
    let now = by_id(connection, version.id)?.ok_or_else(|| gone_version(version))?;
    if now.status != VersionStatus::Active {
        return Err(ended(&now));
    }
    let reason = format!("the version {} is the current one", now.number);
    let hint = "select another version first";
    Err(Failure::with_hint(ErrorKind::Conflict, reason, hint))
}

pub(super) fn remove(connection: &Connection, version: &Version) -> Result<(), Failure> {
    let id = version.id.to_string();
    if connection.prepare_cached(sql::REMOVE_VERSION)?.execute([id])? > 0 {
        return Ok(());
    }
    by_id(connection, version.id)?.map_or(Ok(()), |now| Err(ended(&now)))
}

fn by_id(connection: &Connection, id: Uuid) -> Result<Option<Version>, Failure> {
    one(connection, sql::VERSION, [id.to_string()])
}

/// Reads the only row of a version that there can be.
fn one(
    connection: &Connection,
    statement: &str,
    values: impl Params,
) -> Result<Option<Version>, Failure> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut found = statement.query(values)?;
    found.next()?.map(|row| rows::version(row, 0)).transpose()
}

/// Returns the failure of whoever comes too late.
fn ended(now: &Version) -> Failure {
    let state = match now.status {
        VersionStatus::Pending => "pending",
        VersionStatus::Active => "active",
        VersionStatus::Error => "failed",
    };
    Failure::refused(ErrorKind::Conflict, format!("the version {} is {state}", now.number))
}

fn gone_version(version: &Version) -> Failure {
    let reason = format!("the version {} of `{}` was removed", version.number, version.source);
    Failure::refused(ErrorKind::NotFound, reason)
}

fn gone(row: &str) -> Failure {
    Failure::refused(ErrorKind::Internal, format!("the row `{row}` was not added"))
}
