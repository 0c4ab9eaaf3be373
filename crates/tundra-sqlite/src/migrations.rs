//! The tables of a file, version by version.

use std::path::Path;

use rusqlite::{Connection, Transaction};
use rusqlite_migration::{Error as MigrationError, HookError, HookResult, M, Migrations};
use tundra_core::ErrorKind;

use crate::{Failure, Purpose};

/// Refuses files of other programs and of newer versions of this one.
pub(crate) fn check(
    connection: &Connection,
    path: &Path,
    purpose: &Purpose,
) -> Result<(), Failure> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (read("application_id")?, read("user_version")?);
    let shown = path.display();
    if application != purpose.application {
        let count = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
        // Nothing is in it yet, or another process has just made it ours.
        if tables == 0 || read("application_id")? == purpose.application {
            return Ok(());
        }
        let reason = format!("`{shown}` is an SQLite file of another program");
        return Err(Failure::with_hint(ErrorKind::InvalidRequest, reason, "name another file"));
    }
    let known = purpose.steps.len();
    if usize::try_from(version).is_ok_and(|version| version <= known) {
        return Ok(());
    }
    let reason = format!(
        "`{shown}` was written by a newer Tundra: its tables have version {version}, and this one \
         knows them up to version {known}"
    );
    let hint = format!("use the newest Tundra of those that share {}", purpose.words.this);
    Err(Failure::with_hint(ErrorKind::Unsupported, reason, hint))
}

/// Brings the tables up to date.
pub(crate) fn run(
    connection: &mut Connection,
    path: &Path,
    purpose: &Purpose,
) -> Result<(), Failure> {
    let steps = (0..).zip(purpose.steps);
    let steps = steps.map(|(before, sql)| M::up_with_hook(sql, came_first(before)));
    let migrations = Migrations::new(steps.collect());
    match migrations.to_latest(connection) {
        Ok(()) => Ok(()),
        // Somebody else was quicker, and this one's steps were undone.
        Err(_) if migrations.pending_migrations(connection) == Ok(0) => Ok(()),
        Err(MigrationError::RusqliteError { err, .. }) => Err(err.into()),
        Err(error) => {
            let reason = format!("`{}` could not be brought up to date: {error}", path.display());
            Err(Failure::refused(ErrorKind::Internal, reason))
        }
    }
}

/// Returns a check that no other process has made the step from this version since the version was
/// read, which is before there is a lock. It undoes a step that could be made twice.
fn came_first(before: i32) -> impl Fn(&Transaction<'_>) -> HookResult + Send + Sync + Clone {
    move |transaction| {
        let version: i32 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version <= before {
            return Ok(());
        }
        Err(HookError::Hook(format!("the tables have version {version} already")))
    }
}
