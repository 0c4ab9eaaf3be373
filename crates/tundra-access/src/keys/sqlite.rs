//! Keys in a file of this machine, by SQLite. Start at [`SqliteKeys`].
//!
//! Several processes may have it open at once: a command line that makes and revokes keys beside the
//! server that asks for them. What is answered is on the disk. This module knows no network: a file on a
//! network file system is for one machine at a time, and better not at all.

mod rows;
mod sql;

use std::{fs::Metadata, path::Path, time::SystemTime};

use async_trait::async_trait;
use rusqlite::Connection;
use tundra_core::{ErrorKind, Scope};
use tundra_sqlite::{Database, Failure, Purpose, Words};

use super::{KeyId, KeyRecord, KeyStore, KeyStoreError, no_such_key};

static KEYS: Purpose = Purpose {
    name: "keys",
    application: 0x5455_4E41,
    steps: &[include_str!("../../migrations/001_keys.sql")],
    accept: Some(check_writers),
    words: Words {
        content: "keys",
        this: "the file",
        any: "a file",
        if_not_sqlite: "if this was the file of keys, restore a backup, or move it away and make new \
                        keys",
        if_damaged: Some("keys can also be made anew"),
    },
};

/// Keys in an SQLite file.
///
/// A call whose future is dropped may still take effect.
#[derive(Debug)]
pub struct SqliteKeys {
    database: Database,
}

impl SqliteKeys {
    /// Opens the keys in this file. Where there is none it is made, for this user alone, and its directory
    /// too; one that an older Tundra wrote is brought up to date.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what is no file of keys, [`ErrorKind::Unsupported`] for that of
    /// a newer Tundra, [`ErrorKind::Corrupt`] for a damaged one, [`ErrorKind::PermissionDenied`] for one
    /// that cannot be written to, or that everybody may write to, and [`ErrorKind::LimitExceeded`] on a full
    /// disk. Each names the file and a way out.
    ///
    /// # Examples
    /// ```
    /// use tundra_access::{KeyStore, SqliteKeys};
    /// use tundra_core::Scope;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("keys.db");
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let keys = SqliteKeys::open(&path).await?;
    /// assert!(keys.list(&Scope::All, None, 10).await?.is_empty());
    /// # Ok::<(), tundra_access::KeyStoreError>(())
    /// # }).unwrap();
    /// ```
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, KeyStoreError> {
        let opened = Database::open(path, &KEYS).await;
        opened.map(|database| Self { database }).map_err(|error| told("open its file", error))
    }

    async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.read(work).await.map_err(|error| told(operation, error))
    }

    async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.write(work).await.map_err(|error| told(operation, error))
    }
}

#[async_trait]
impl KeyStore for SqliteKeys {
    fn display(&self) -> String {
        self.database.path().display().to_string()
    }

    async fn add(&self, key: &KeyRecord) -> Result<(), KeyStoreError> {
        let key = key.clone();
        self.write("add a key", move |connection| rows::add(connection, &key)).await
    }

    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        let id = id.clone();
        self.read("find a key", move |connection| rows::find(connection, &id)).await
    }

    async fn list(
        &self,
        scope: &Scope,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, KeyStoreError> {
        let (scope, after) = (scope.clone(), after.cloned());
        self.read("list keys", move |connection| {
            rows::list(connection, &scope, after.as_ref(), limit)
        })
        .await
    }

    async fn revoke(
        &self,
        scope: &Scope,
        id: &KeyId,
        at: SystemTime,
    ) -> Result<KeyRecord, KeyStoreError> {
        const OPERATION: &str = "revoke a key";
        let (scope, key) = (scope.clone(), id.clone());
        let revoke = move |connection: &Connection| rows::revoke(connection, &scope, &key, at);
        let revoked = self.write(OPERATION, revoke).await?;
        revoked.ok_or_else(|| no_such_key(OPERATION, id))
    }

    async fn touch(&self, id: &KeyId, at: SystemTime) -> Result<(), KeyStoreError> {
        let id = id.clone();
        let touch = move |connection: &Connection| rows::touch(connection, &id, at);
        self.write("remember the use of a key", touch).await
    }
}

/// Refuses a file that everybody may write to: whoever writes a row lets themselves in. A group may be
/// meant, as where a volume is given to a container by its group.
#[cfg(unix)]
fn check_writers(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o002 == 0 {
        return Ok(());
    }
    let shown = path.display();
    let reason = format!("everybody may write to `{shown}`, and so could make keys");
    let hint =
        format!("run `chmod 600 {shown}`, and see with `tundra keys list` that all are yours");
    Err(Failure::with_hint(ErrorKind::PermissionDenied, reason, hint))
}

#[cfg(not(unix))]
fn check_writers(_path: &Path, _metadata: &Metadata) -> Result<(), Failure> {
    Ok(())
}

fn told(operation: &'static str, error: tundra_sqlite::Error) -> KeyStoreError {
    let tundra_sqlite::Error { reason, kind, retry, hint, source } = error;
    KeyStoreError { operation, reason, kind, retry, hints: hint.into_iter().collect(), source }
}
