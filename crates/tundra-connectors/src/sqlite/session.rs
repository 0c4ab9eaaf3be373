//! A session: connections that all see one state of the database, and what is in it.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use tundra_core::{
    ConnectorError, ErrorKind, ExtractRequest, Extraction, Retry, Session, TableFacts, TableName,
    TablePattern,
};

use super::{
    connect::{self, Place, Unlocked},
    failure::{failed, is_busy, refused},
    stream::SqliteExtraction,
    watch::{Watch, cancelled, in_background},
};
use crate::{
    identifier::{Quoting, matches},
    settings::ConnectionSettings,
    streams::MOST,
};

/// How often a set of connections is thrown away because somebody wrote while they were made.
const TRIES: usize = 20;

/// How long a connection is waited for before somebody looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// A session of SQLite.
#[derive(Debug)]
pub(super) struct SqliteSession {
    snapshot: Arc<Snapshot>,
    server: String,
}

/// Connections that see the same state of the database. In WAL mode writers go on, and what they write
/// is not seen; in the other modes they wait.
#[derive(Debug)]
pub(super) struct Snapshot {
    place: Place,
    /// A connection without a transaction of its own, which is asked whether anybody wrote, and what it
    /// said when the first transaction began.
    control: Mutex<(Connection, i64)>,
    idle: Mutex<Vec<Connection>>,
    freed: Condvar,
    total: Mutex<usize>,
    single: Option<String>,
    unlocked: Option<Unlocked>,
    pages: bool,
}

/// A connection of the snapshot, which goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    snapshot: &'a Snapshot,
    connection: Option<Connection>,
}

impl SqliteSession {
    /// Opens the file and takes the snapshot. Pages are read where that is possible and wanted.
    pub(super) fn open(settings: &ConnectionSettings, pages: bool) -> Result<Self, ConnectorError> {
        let wanted = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        let snapshot = Snapshot::take(connect::locate(settings)?, wanted, pages)?;
        let server = format!("SQLite {}", rusqlite::version());
        Ok(Self { snapshot: Arc::new(snapshot), server })
    }
}

#[async_trait]
impl Session for SqliteSession {
    fn server(&self) -> &str {
        &self.server
    }

    fn position(&self) -> Option<&str> {
        None
    }

    fn single(&self) -> Option<&str> {
        self.snapshot.single.as_deref()
    }

    fn connections(&self) -> usize {
        *lock(&self.snapshot.total)
    }

    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError> {
        let (snapshot, pattern) = (self.snapshot.clone(), pattern.clone());
        in_background("list tables", None, move |watch| {
            let connection = snapshot.lease(watch)?;
            tables(&connection, &pattern).map_err(|error| failed("list tables", error))
        })
        .await
    }

    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError> {
        let (snapshot, request) = (self.snapshot.clone(), request.clone());
        in_background("prepare to read", request.statement_timeout, move |watch| {
            let extraction = SqliteExtraction::prepare(snapshot, &request, watch)?;
            Ok(Box::new(extraction) as Box<dyn Extraction>)
        })
        .await
    }
}

impl Snapshot {
    fn take(place: Place, wanted: usize, pages: bool) -> Result<Self, ConnectorError> {
        let unsure = |error| failed("take a snapshot", error);
        let (control, unlocked) = connect::open(&place)?;
        let mut tries = 0;
        let mut wanted = wanted;
        let mut single = None;
        let (idle, version) = loop {
            let before = connect::data_version(&control).map_err(unsure)?;
            let mut connections = Vec::with_capacity(wanted);
            while connections.len() < wanted {
                match another(&place, unlocked.is_some()) {
                    Ok(connection) => connections.push(connection),
                    // A writer waits until the first reader is done, and lets no other begin.
                    Err(error) if !connections.is_empty() && error.retry == Retry::Later => {
                        single = Some(format!("a writer holds the file: {}", error.reason));
                        connections.truncate(1);
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
            // With one there is nothing to compare, and a writer may even keep the question from
            // being answered.
            if connections.len() == 1 {
                break (connections, before);
            }
            match connect::data_version(&control) {
                Ok(after) if before == after => break (connections, after),
                Ok(_) => {}
                // As above: a writer waits for these connections.
                Err(error) if is_busy(&error) => {
                    single = Some(format!("a writer holds the file: {error}"));
                    connections.truncate(1);
                    break (connections, before);
                }
                Err(error) => return Err(unsure(error)),
            }
            tries += 1;
            if tries == TRIES {
                wanted = 1;
                single = Some(format!(
                    "others wrote to the database each of the {TRIES} times that a snapshot was \
                     taken on several connections"
                ));
            }
        };
        Ok(Self {
            place,
            total: Mutex::new(idle.len()),
            idle: Mutex::new(idle),
            control: Mutex::new((control, version)),
            freed: Condvar::new(),
            single,
            unlocked,
            pages,
        })
    }

    /// Returns how many connections there are after trying to have so many.
    pub(super) fn grow(&self, wanted: usize) -> Result<usize, ConnectorError> {
        let unsure = |error| failed("take a snapshot", error);
        let control = lock(&self.control);
        let mut total = lock(&self.total);
        if self.single.is_some() {
            return Ok(*total);
        }
        while *total < wanted.min(MOST) {
            let connection = match another(&self.place, self.unlocked.is_some()) {
                Ok(connection) => connection,
                Err(error) if error.retry == Retry::Later => break,
                Err(error) => return Err(error),
            };
            // Asked after the transaction began: nobody had written until then.
            match connect::data_version(&control.0) {
                Ok(version) if version == control.1 => {}
                Ok(_) => break,
                Err(error) if is_busy(&error) => break,
                Err(error) => return Err(unsure(error)),
            }
            lock(&self.idle).push(connection);
            *total += 1;
        }
        Ok(*total)
    }

    /// Returns a connection as soon as one is free.
    pub(super) fn lease(&self, watch: &Watch) -> Result<Lease<'_>, ConnectorError> {
        let mut idle = lock(&self.idle);
        let connection = loop {
            if watch.is_cancelled() {
                return Err(cancelled("wait for a connection"));
            }
            match idle.pop() {
                Some(connection) => break connection,
                None => {
                    idle = self
                        .freed
                        .wait_timeout(idle, LOOK)
                        .map_or_else(|poisoned| poisoned.into_inner().0, |(idle, _)| idle);
                }
            }
        };
        drop(idle);
        let lease = Lease { snapshot: self, connection: Some(connection) };
        watch.attach(&lease)?;
        Ok(lease)
    }

    /// Fails when the file is read without locks and somebody changed it.
    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        self.unlocked.as_ref().map_or(Ok(()), Unlocked::check)
    }

    /// Returns whether pages may be read.
    pub(super) const fn reads_pages(&self) -> bool {
        self.pages
    }

    /// Returns whether the file is read without locks.
    pub(super) const fn is_unlocked(&self) -> bool {
        self.unlocked.is_some()
    }
}

impl std::ops::Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.snapshot.idle).push(connection);
            self.snapshot.freed.notify_one();
        }
    }
}

/// Returns a new connection with a transaction of its own. It must have locks if the first one has, or
/// nobody would look whether the file stays as it is.
fn another(place: &Place, is_unlocked: bool) -> Result<Connection, ConnectorError> {
    let (connection, unlocked) = connect::open(place)?;
    if unlocked.is_some() != is_unlocked {
        return Err(ConnectorError {
            retry: Retry::Later,
            ..refused(
                "take a snapshot",
                ErrorKind::Conflict,
                "whether the file can be locked changed since it was opened",
                &["try again once nobody changes the rights of its directory"],
            )
        });
    }
    connect::begin(&connection)?;
    Ok(connection)
}

/// Nothing that is kept under these locks is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tables(connection: &Connection, pattern: &TablePattern) -> rusqlite::Result<Vec<TableFacts>> {
    if pattern.schema.as_deref().is_some_and(|schema| !matches(schema, "main")) {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(
        "SELECT name, type, wr FROM pragma_table_list \
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') \
         AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let without_rowid: bool = row.get(2)?;
        if !matches(&pattern.name, &name) {
            continue;
        }
        let estimated_rows = (kind == "table" && !without_rowid)
            .then(|| span(connection, &name))
            .transpose()?
            .flatten();
        found.push(TableFacts {
            name: TableName { schema: None, name },
            kind: if kind == "virtual" { "virtual table".to_owned() } else { kind },
            estimated_rows,
            bytes: None,
        });
    }
    Ok(found)
}

/// Returns how many rows there are if no rowid in between is unused: two steps down the tree, where
/// counting would read all of it.
fn span(connection: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    let table = Quoting::Double.name(name);
    let ends: Option<(Option<i64>, Option<i64>)> = connection
        .query_row(
            &format!(
                "SELECT (SELECT min(_rowid_) FROM {table}), (SELECT max(_rowid_) FROM {table})"
            ),
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        // A column of that name is of any type; then there is no estimate.
        .or_else(|error| match error {
            rusqlite::Error::InvalidColumnType(..) => Ok(None),
            error => Err(error),
        })?;
    Ok(match ends {
        Some((Some(first), Some(last))) => {
            u64::try_from(i128::from(last) - i128::from(first) + 1).ok()
        }
        Some((None, None)) => Some(0),
        _ => None,
    })
}
