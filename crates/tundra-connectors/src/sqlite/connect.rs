//! Finding the file, opening it, and making the connection one that only reads.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};
use tundra_core::{ConnectorError, ErrorKind};

use super::failure::{failed, refused};
use crate::settings::{AllowedDirectories, ConnectionSettings};

const CONNECT: &str = "connect";

/// What our own statements ask of SQLite about the schema; a user may as well.
const PRAGMAS: &[&str] = &[
    "data_version",
    "encoding",
    "index_list",
    "page_count",
    "page_size",
    "table_list",
    "table_xinfo",
];

/// The tables of SQLite that show pages instead of rows: with them a query would read what was deleted.
const RAW: &[&str] = &["dbstat", "sqlite_dbpage"];

/// A file that may be read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The path without symbolic links.
    path: PathBuf,
    /// How long a writer's lock is waited for.
    patience: Duration,
}

/// A file that is read without locks because they cannot be had, as it was when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Unlocked {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

/// Returns the file that the settings name, when it may be read.
pub(super) fn locate(settings: &ConnectionSettings) -> Result<Place, ConnectorError> {
    let Some(named) = &settings.file_path else {
        return Err(refused(
            CONNECT,
            ErrorKind::InvalidRequest,
            "no file is named",
            &["name it as `sqlite:///path/to/file.db`, or in `file_path`"],
        ));
    };
    let path = confine(named, &settings.allowed_directories)?;
    let facts = fs::metadata(&path).map_err(|error| unreadable(named, &error))?;
    if !facts.is_file() {
        return Err(refused(
            CONNECT,
            ErrorKind::InvalidRequest,
            format!("`{}` is no file", named.display()),
            &[],
        ));
    }
    if facts.len() == 0 {
        return Err(refused(
            CONNECT,
            ErrorKind::InvalidData,
            format!("`{}` is empty", named.display()),
            &["check that what wrote it or copied it was done"],
        ));
    }
    Ok(Place { path, patience: settings.connect_timeout })
}

/// Returns the path without symbolic links if it is where files may be read. Outside of there, it is
/// not told whether there is such a file.
fn confine(named: &Path, allowed: &AllowedDirectories) -> Result<PathBuf, ConnectorError> {
    let real = fs::canonicalize(named);
    let directories = match allowed {
        AllowedDirectories::Everything => {
            return real.map_err(|error| unreadable(named, &error));
        }
        AllowedDirectories::Nothing => &[][..],
        AllowedDirectories::Only(directories) => directories,
    };
    let is_inside = |path: &Path| {
        directories
            .iter()
            .filter_map(|directory| fs::canonicalize(directory).ok())
            .any(|directory| path.starts_with(directory))
    };
    match real {
        Ok(path) if is_inside(&path) => return Ok(path),
        Ok(_) => {}
        Err(error) => {
            let parent = named.parent().and_then(|parent| fs::canonicalize(parent).ok());
            if parent.is_some_and(|parent| is_inside(&parent)) {
                return Err(unreadable(named, &error));
            }
        }
    }
    Err(refused(
        CONNECT,
        ErrorKind::PermissionDenied,
        format!("`{}` is not in a directory from which files may be read", named.display()),
        &["move the file to such a directory, or have its directory allowed"],
    ))
}

fn unreadable(named: &Path, error: &io::Error) -> ConnectorError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    refused(CONNECT, kind, format!("`{}`: {error}", named.display()), &[])
}

/// Opens the file for reading only. Where SQLite cannot have the locks that it needs, because the
/// database is in WAL mode and its directory cannot be written, the file is read without locks if
/// everything is in it, and [`Unlocked`] tells afterwards whether it stayed as it was.
pub(super) fn open(place: &Place) -> Result<(Connection, Option<Unlocked>), ConnectorError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection =
        Connection::open_with_flags(&place.path, flags).map_err(|error| failed(CONNECT, error))?;
    prepare(&connection, place.patience).map_err(|error| failed(CONNECT, error))?;
    let first = touch(&connection);
    match first {
        Ok(()) => Ok((connection, None)),
        Err(error) if lacks_locks(&error) && has_no_log(&place.path) => {
            drop(connection);
            let (connection, unlocked) = open_unlocked(place, flags)?;
            Ok((connection, Some(unlocked)))
        }
        Err(error) => Err(failed(CONNECT, error)),
    }
}

/// Begins the read transaction: from here on the connection sees one state of the database.
pub(super) fn begin(connection: &Connection) -> Result<(), ConnectorError> {
    connection
        .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
        .and_then(|()| connection.execute_batch("BEGIN"))
        .and_then(|()| touch(connection))
        .and_then(|()| connection.authorizer(Some(authorize)))
        .map_err(|error| failed("take a snapshot", error))
}

/// Lets nothing be prepared but what a user may ask for, while the work lasts. Statements that were
/// prepared before are prepared anew when they run again.
pub(super) fn as_user<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, ConnectorError>,
) -> Result<T, ConnectorError> {
    let unset = |error| failed("prepare to read", error);
    connection.authorizer(Some(authorize_user)).map_err(unset)?;
    let result = work();
    connection.authorizer(Some(authorize)).map_err(unset)?;
    result
}

/// Returns a number that changes whenever another connection has changed the database.
pub(super) fn data_version(control: &Connection) -> rusqlite::Result<i64> {
    control.query_row("PRAGMA data_version", [], |row| row.get(0))
}

impl Unlocked {
    /// Fails when the file is not as it was.
    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        let same = fs::metadata(&self.path)
            .is_ok_and(|now| now.len() == self.size && now.modified().ok() == self.modified);
        if same && has_no_log(&self.path) {
            return Ok(());
        }
        Err(refused(
            "read without locks",
            ErrorKind::Conflict,
            "the file changed while it was read",
            &[
                "copy the file with its `-wal` file to a directory that can be written, and read that",
            ],
        ))
    }
}

fn prepare(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(patience)?;
    // A database may come from a stranger: what its schema holds gets no more than it needs, and a
    // damaged page is found out before it is believed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA query_only = ON")
}

/// Reads the first page, which is where everything that is wrong with a file shows.
fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn lacks_locks(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Returns whether nothing waits beside the file to be put into it.
fn has_no_log(path: &Path) -> bool {
    ["-wal", "-journal"].iter().all(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        fs::metadata(PathBuf::from(name)).map_or_else(
            |error| error.kind() == io::ErrorKind::NotFound,
            |facts: Metadata| facts.len() == 0,
        )
    })
}

fn open_unlocked(
    place: &Place,
    flags: OpenFlags,
) -> Result<(Connection, Unlocked), ConnectorError> {
    let facts = fs::metadata(&place.path).map_err(|error| unreadable(&place.path, &error))?;
    let unlocked =
        Unlocked { path: place.path.clone(), size: facts.len(), modified: facts.modified().ok() };
    let uri = immutable_uri(&place.path)?;
    let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
        .map_err(|error| failed(CONNECT, error))?;
    prepare(&connection, place.patience)
        .and_then(|()| touch(&connection))
        .map_err(|error| failed(CONNECT, error))?;
    Ok((connection, unlocked))
}

/// Returns the path as a URI that tells SQLite that nobody changes the file.
fn immutable_uri(path: &Path) -> Result<String, ConnectorError> {
    let Some(text) = path.to_str() else {
        return Err(refused(
            CONNECT,
            ErrorKind::Unsupported,
            "its path is not UTF-8, and it can only be opened without locks",
            &["rename it"],
        ));
    };
    let mut uri = String::from("file:");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    Ok(uri)
}

/// Lets statements read, and nothing else.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Pragma { pragma_name, .. }
            if PRAGMAS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name)) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// Lets a user's statements read rows, and nothing else.
fn authorize_user(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Read { table_name, .. }
            if RAW.iter().any(|name| name.eq_ignore_ascii_case(table_name)) =>
        {
            Authorization::Deny
        }
        _ => authorize(context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_uris_in_a_path_are_encoded() {
        let uri = immutable_uri(Path::new("/a b/ä?x#y%20.db")).expect("the path is UTF-8");
        assert_eq!(uri, "file:/a%20b/%C3%A4%3Fx%23y%2520.db?immutable=1");
    }

    #[test]
    fn a_file_without_locks_is_read_as_long_as_it_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a?b.db");
        let writer = Connection::open(&path).expect("a new file");
        writer.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").expect("a table");
        let place = Place { path, patience: Duration::from_millis(10) };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (connection, unlocked) = open_unlocked(&place, flags).expect("the file is there");
        begin(&connection).expect("a snapshot");
        unlocked.check().expect("nobody wrote");
        writer
            .execute_batch("CREATE TABLE u (a); INSERT INTO u VALUES (zeroblob(10000))")
            .expect("nobody holds a lock");
        assert_eq!(unlocked.check().expect_err("somebody wrote").kind, ErrorKind::Conflict);
    }
}
