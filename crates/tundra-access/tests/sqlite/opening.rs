//! What may be where the keys are to be, and what may have become of them. What holds for every file of
//! SQLite is tested in `tundra-sqlite`.

use std::{fs, path::Path};

use rusqlite::Connection;
use tundra_access::{AccessError, Authenticator, Credentials, KeyStore, SqliteKeys};
use tundra_core::{Classify, ErrorKind, Scope};

use super::{add, open, place};
use crate::now;

/// Opens the file past the store, as a person with SQLite's own tool does.
fn by_hand(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// Holds when the file is refused by its name, with this way out.
async fn assert_refused(path: &Path, kind: ErrorKind, hint: &str) {
    let error = SqliteKeys::open(path).await.unwrap_err();
    assert!(error.reason.contains(&format!("`{}`", path.display())), "{error}");
    assert_eq!((error.operation, error.kind()), ("open its file", kind), "{error:?}");
    assert_eq!(error.hints(), [hint]);
}

#[cfg(unix)]
#[tokio::test]
async fn new_keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, _path) = place();
    let path = directory.path().join("new/er/keys.db");
    let keys = open(&path).await;
    add(&keys).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn keys_that_everybody_may_make_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = place();
    drop(open(&path).await);
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    set(0o666);
    let hint = format!(
        "run `chmod 600 {}`, and see with `tundra keys list` that all are yours",
        path.display()
    );
    assert_refused(&path, ErrorKind::PermissionDenied, &hint).await;
    // As a volume has it that a container gets by its group.
    set(0o660);
    add(&open(&path).await).await;
}

#[tokio::test]
async fn what_is_no_file_of_keys_is_refused_in_words_of_keys() {
    let (directory, path) = place();
    let hint = "name a file, new or of keys";
    assert_refused(directory.path(), ErrorKind::InvalidRequest, hint).await;

    fs::write(&path, "id,name\n1,x\n".repeat(1000)).unwrap();
    let hint = "name another file; if this was the file of keys, restore a backup, or move it away and \
                make new keys";
    assert_refused(&path, ErrorKind::InvalidRequest, hint).await;

    fs::remove_file(&path).unwrap();
    by_hand(&path).execute_batch("CREATE TABLE api_keys (id TEXT)").unwrap();
    assert_refused(&path, ErrorKind::InvalidRequest, "name another file").await;

    fs::remove_file(&path).unwrap();
    drop(open(&path).await);
    by_hand(&path).pragma_update(None, "user_version", 2).unwrap();
    let hint = "use the newest Tundra of those that share the file";
    assert_refused(&path, ErrorKind::Unsupported, hint).await;
}

#[tokio::test]
async fn damaged_keys_let_nobody_in() {
    const PAGE: usize = 4096;
    let (_directory, path) = place();
    let keys = open(&path).await;
    let (key, _) = add(&keys).await;
    drop(keys);
    let whole = fs::read(&path).unwrap();

    let mut damaged = whole.clone();
    damaged[100..PAGE].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let hint = format!(
        "restore a backup, or rescue what can be read with `sqlite3 {} .recover | sqlite3 NEW-FILE`; \
         keys can also be made anew",
        path.display()
    );
    assert_refused(&path, ErrorKind::Corrupt, &hint).await;

    let mut damaged = whole.clone();
    damaged[PAGE..].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let door = Authenticator::new().with_keys(std::sync::Arc::new(open(&path).await));
    let shown = Credentials { api_key: Some(key.reveal()), ..Credentials::none() };
    let error = door.authenticate_at(&shown, now()).await.unwrap_err();
    let AccessError::KeyStore(cause) = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind, ErrorKind::Corrupt);
    assert_eq!(error.standing().http_status(), 503);
}

#[tokio::test]
async fn a_row_that_makes_no_sense_lets_nobody_in() {
    let (_directory, path) = place();
    let keys = open(&path).await;
    let ((key, _), (_, other)) = (add(&keys).await, add(&keys).await);
    for change in ["actions = 'everything'", "org_id = '../x'", "created_at = -1"] {
        let sql = format!("UPDATE api_keys SET {change} WHERE id = '{}'", key.id());
        by_hand(&path).execute_batch(&sql).unwrap();
        let error = keys.find(key.id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
        assert!(error.reason.contains(key.id().as_str()), "{error}");
        let listed = keys.list(&Scope::All, None, 10).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&other));
        let back = "actions = 'read', org_id = 'acme', created_at = 1";
        let sql = format!("UPDATE api_keys SET {back} WHERE id = '{}'", key.id());
        by_hand(&path).execute_batch(&sql).unwrap();
    }
}

#[tokio::test]
async fn a_file_of_version_1_keeps_all_that_is_in_it() {
    let (_directory, path) = place();
    by_hand(&path).execute_batch(include_str!("../samples/keys-001.sql")).unwrap();
    let keys = open(&path).await;
    let listed = keys.list(&Scope::All, None, 10).await.unwrap();
    let [full, plain] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(full.id.as_str(), "0123456789AB");
    let shown = "tnd_0123456789AB_abcdefghijklmnopqrstuvwxyz0123453higGn";
    assert!(full.digest.is_of(&shown.parse().unwrap()));
    assert_eq!(
        (full.name.as_str(), full.actions.to_string().as_str()),
        ("nightly", "convert,read")
    );
    assert_eq!(full.tenant, Some("acme".parse().unwrap()));
    let micros = |moment: std::time::SystemTime| {
        moment.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_micros()
    };
    assert_eq!(micros(full.created_at), 1_760_000_000_000_001);
    assert_eq!(full.expires_at.map(micros), Some(1_860_000_000_000_002));
    assert_eq!(full.last_used_at.map(micros), Some(1_760_000_000_000_003));
    assert_eq!(full.revoked_at.map(micros), Some(1_760_000_000_000_004));
    assert_eq!((&plain.tenant, plain.expires_at, plain.last_used_at), (&None, None, None));
    assert_eq!(plain.actions, tundra_access::Actions::ALL);
    add(&keys).await;
}
