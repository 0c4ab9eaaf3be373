//! Sources in the file.

use std::time::SystemTime;

use rusqlite::{Connection, Row};
use tundra_core::{ErrorKind, NewSource, Scope, Source, SourceId};
use tundra_sqlite::{
    Failure,
    rows::{micros, sensible},
};

use super::{rows, sql};

pub(super) fn by_id(
    connection: &Connection,
    scope: &Scope,
    id: SourceId,
) -> Result<Source, Failure> {
    let mut statement = connection.prepare_cached(sql::SOURCE)?;
    let mut found = statement.query([id.to_string()])?;
    match found.next()? {
        Some(row) if is_visible(row, scope)? => rows::source(row, 0),
        _ => Err(missing(id)),
    }
}

pub(super) fn by_name(
    connection: &Connection,
    scope: &Scope,
    name: &str,
) -> Result<Source, Failure> {
    let mut statement = connection.prepare_cached(sql::SOURCES_NAMED)?;
    let mut found = statement.query([name])?;
    let mut only = None;
    while let Some(row) = found.next()? {
        if !is_visible(row, scope)? {
            continue;
        }
        if only.is_some() {
            let reason = format!("several tenants have a source named `{name}`");
            return Err(Failure::with_hint(ErrorKind::Conflict, reason, "name it by its id"));
        }
        only = Some(rows::source(row, 0));
    }
    only.unwrap_or_else(|| {
        let reason = format!("there is no source named `{name}`");
        Err(Failure::refused(ErrorKind::NotFound, reason))
    })
}

pub(super) fn page(
    connection: &Connection,
    scope: &Scope,
    after: Option<SourceId>,
    limit: usize,
) -> Result<Vec<Source>, Failure> {
    // Every id comes behind the empty text.
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    match scope {
        Scope::All => {
            let mut statement = connection.prepare_cached(sql::SOURCES)?;
            sensible(statement.query([after])?, limit, |row| rows::source(row, 0), left_out)
        }
        Scope::Tenant(tenant) => {
            let mut statement = connection.prepare_cached(sql::SOURCES_OF_TENANT)?;
            let found = statement.query([after.as_str(), tenant.as_str()])?;
            sensible(found, limit, |row| rows::source(row, 0), left_out)
        }
    }
}

pub(super) fn add(connection: &Connection, new: &NewSource) -> Result<Source, Failure> {
    let mut statement = connection.prepare_cached(sql::ADD_SOURCE)?;
    let mut added = statement.query(rusqlite::params![
        new.id.to_string(),
        new.tenant.as_str(),
        new.name,
        new.source_type.name(),
        new.connector_type,
        new.location,
        new.schema_rule.name(),
        micros(SystemTime::now()),
    ])?;
    if let Some(row) = added.next()? {
        return rows::source(row, 0);
    }
    let taken = connection.prepare_cached(sql::SOURCE)?.exists([new.id.to_string()])?;
    let reason = match &new.name {
        Some(name) if !taken => format!("there is a source named `{name}` already"),
        _ => format!("there is a source with the id `{}` already", new.id),
    };
    Err(Failure::refused(ErrorKind::AlreadyExists, reason))
}

pub(super) fn remove(connection: &Connection, id: SourceId) -> Result<(), Failure> {
    connection.prepare_cached(sql::REMOVE_SOURCE)?.execute([id.to_string()])?;
    Ok(())
}

/// Returns whether there is such a source, whoever's it is.
pub(super) fn exists(connection: &Connection, id: SourceId) -> Result<bool, Failure> {
    Ok(connection.prepare_cached(sql::SOURCE)?.exists([id.to_string()])?)
}

pub(super) fn missing(id: SourceId) -> Failure {
    Failure::refused(ErrorKind::NotFound, format!("there is no source `{id}`"))
}

/// Tells of a row that makes no sense, and that a list is therefore without.
pub(super) fn left_out(reason: &str) {
    tracing::warn!(reason, "left a row of the catalog out of a list");
}

/// Returns whether the row is one of the scope, even where the rest of it makes no sense.
pub(super) fn is_visible(row: &Row<'_>, scope: &Scope) -> Result<bool, Failure> {
    let Scope::Tenant(tenant) = scope else { return Ok(true) };
    let owner: String = row.get(1)?;
    Ok(owner == tenant.as_str())
}
