//! Rows as keys, and keys as rows. What another program wrote may make no sense; it is said which row
//! that is.

use std::time::SystemTime;

use rusqlite::{Connection, Row, Rows, params};
use tundra_core::{ErrorKind, Scope};
use tundra_sqlite::{
    Failure,
    rows::{micros, moment},
};

use super::sql;
use crate::keys::{KeyDigest, KeyId, KeyRecord};

pub(super) fn add(connection: &Connection, key: &KeyRecord) -> Result<(), Failure> {
    let added = connection.prepare_cached(sql::ADD)?.execute(params![
        key.id.as_str(),
        key.digest.as_bytes(),
        key.name,
        key.tenant.as_ref().map(|tenant| tenant.as_str()),
        key.actions.to_string(),
        micros(key.created_at),
        key.expires_at.map(micros),
        key.last_used_at.map(micros),
        key.revoked_at.map(micros),
    ])?;
    if added == 0 {
        let reason = format!("there is a key `{}` already", key.id);
        return Err(Failure::refused(ErrorKind::AlreadyExists, reason));
    }
    Ok(())
}

pub(super) fn find(connection: &Connection, id: &KeyId) -> Result<Option<KeyRecord>, Failure> {
    let mut statement = connection.prepare_cached(sql::KEY)?;
    let mut found = statement.query([id.as_str()])?;
    found.next()?.map(key).transpose()
}

pub(super) fn list(
    connection: &Connection,
    scope: &Scope,
    after: Option<&KeyId>,
    limit: usize,
) -> Result<Vec<KeyRecord>, Failure> {
    // Every id comes behind the empty text.
    let after = after.map_or("", KeyId::as_str);
    match scope {
        Scope::All => {
            let mut statement = connection.prepare_cached(sql::KEYS)?;
            sensible(statement.query([after])?, limit)
        }
        Scope::Tenant(tenant) => {
            let mut statement = connection.prepare_cached(sql::KEYS_OF_TENANT)?;
            sensible(statement.query([after, tenant.as_str()])?, limit)
        }
    }
}

/// Returns the key as it is now, if there is one.
pub(super) fn revoke(
    connection: &Connection,
    scope: &Scope,
    id: &KeyId,
    at: SystemTime,
) -> Result<Option<KeyRecord>, Failure> {
    let (id_text, at) = (id.as_str(), micros(at));
    let revoked = match scope {
        Scope::All => connection.prepare_cached(sql::REVOKE)?.execute(params![id_text, at])?,
        Scope::Tenant(tenant) => connection
            .prepare_cached(sql::REVOKE_OF_TENANT)?
            .execute(params![id_text, at, tenant.as_str()])?,
    };
    if revoked == 0 { Ok(None) } else { find(connection, id) }
}

pub(super) fn touch(connection: &Connection, id: &KeyId, at: SystemTime) -> Result<(), Failure> {
    connection.prepare_cached(sql::TOUCH)?.execute(params![id.as_str(), micros(at)])?;
    Ok(())
}

fn key(row: &Row<'_>) -> Result<KeyRecord, Failure> {
    let id: String = row.get(0)?;
    let read = || {
        let tenant: Option<String> = row.get(3)?;
        let actions: String = row.get(4)?;
        let moment_at = |column| {
            row.get::<_, Option<i64>>(column).map_err(Failure::from)?.map(moment).transpose()
        };
        Ok(KeyRecord {
            id: id.parse().map_err(Failure::senseless)?,
            digest: KeyDigest::from_bytes(row.get(1)?),
            name: row.get(2)?,
            tenant: tenant.map(|tenant| tenant.parse()).transpose().map_err(Failure::senseless)?,
            actions: actions.parse().map_err(Failure::senseless)?,
            created_at: moment(row.get(5)?)?,
            expires_at: moment_at(6)?,
            last_used_at: moment_at(7)?,
            revoked_at: moment_at(8)?,
        })
    };
    read().map_err(|failure: Failure| failure.of_row("key", &id))
}

/// Reads rows until there are `limit`, and leaves those out that make no sense.
fn sensible(found: Rows<'_>, limit: usize) -> Result<Vec<KeyRecord>, Failure> {
    tundra_sqlite::rows::sensible(found, limit, key, |reason| {
        tracing::warn!(reason, "left a key out of a list");
    })
}
