//! The file: made for its owner alone, checked to be one of ours, brought up to date.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tundra_core::ErrorKind;

use crate::{Failure, Purpose, migrations};

/// How long a lock of another process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long until a lock is tried again. SQLite's own waits grow to 100 ms, and who always asks at the
/// wrong moment starves; a transaction here takes about as long as this.
const NAP: Duration = Duration::from_millis(1);
/// The same in tries, which is what SQLite counts.
const TRIES: i32 = 10_000;

/// Returns a connection that writes, to a file that is there, ours and up to date.
pub(crate) fn open_for_writing(path: &Path, purpose: &Purpose) -> Result<Connection, Failure> {
    check_kind(path, purpose)?;
    create(path, purpose.name)?;
    let mut connection = connect(path)?;
    if connection.is_readonly("main")? {
        let reason = format!("`{}` cannot be written to", path.display());
        return Err(Failure::with_hint(
            ErrorKind::PermissionDenied,
            reason,
            "give this user the right to write to the file and to its directory",
        ));
    }
    migrations::check(&connection, path, purpose)?;
    write_ahead(&connection, path, purpose)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    migrations::run(&mut connection, path, purpose)?;
    // What was answered must stand after a power cut: who was told goes by it. Calls that wait together
    // share one wait for the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Returns a connection that only reads, to a file that was opened for writing before.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, Failure> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Refuses what is there and no file, or none that the store takes. It is not opened for that: to close
/// it again would give up the locks that this process has on it.
fn check_kind(path: &Path, purpose: &Purpose) -> Result<(), Failure> {
    let what = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            return purpose.accept.map_or(Ok(()), |accept| accept(path, &metadata));
        }
        Ok(metadata) if metadata.is_dir() => "a directory",
        Ok(_) => "no regular file",
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    Err(not_a_file(format!("`{}` is {what}", path.display()), purpose))
}

/// Makes an empty file that nobody else may read, and its directory, where there is none.
fn create(path: &Path, name: &str) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    if !directory.is_dir() {
        create_directory(directory)?;
    }
    // It is made under another name and closed before it gets its own, because closing it would give
    // up the locks of a connection that is quicker.
    let prefix = format!(".tundra-{name}-");
    let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory)?;
    match file.into_temp_path().persist_noclobber(path) {
        Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed.error.into())
        }
        _ => Ok(()),
    }
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    // Each connection belongs to one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(|tries| {
        thread::sleep(NAP);
        tries < TRIES
    }))?;
    Ok(connection)
}

/// Switches to a write-ahead log, with which readers and the writer do not wait for each other.
fn write_ahead(connection: &Connection, path: &Path, purpose: &Purpose) -> Result<(), Failure> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode.map_err(Failure::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let reason = format!(
                    "`{}` is on a file system where SQLite cannot keep a write-ahead log, only `{mode}`",
                    path.display()
                );
                let hint = format!("move {} to a local disk", purpose.words.this);
                return Err(Failure::with_hint(ErrorKind::Unsupported, reason, hint));
            }
            // Of two that switch at once one is told so without a wait.
            Err(failure) if failure.is_busy() && Instant::now() < end => thread::sleep(NAP),
            Err(failure) => return Err(failure),
        }
    }
}

/// Returns the whole path, so that it means the same when the process changes its directory.
pub(crate) fn whole(path: &Path, purpose: &Purpose) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|_| not_a_file(format!("`{}` is no path of a file", path.display()), purpose))
}

fn not_a_file(reason: String, purpose: &Purpose) -> Failure {
    let hint = format!("name a file, new or of {}", purpose.words.content);
    Failure::with_hint(ErrorKind::InvalidRequest, reason, hint)
}
