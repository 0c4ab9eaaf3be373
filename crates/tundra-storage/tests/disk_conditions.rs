//! Full disks, read-only disks, and files that belong to somebody else.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tundra_core::{Classify, ErrorKind, IfExists, Storage, StorageError};
use tundra_storage::LocalStorage;
use tundra_test_services::scenario::play;

use crate::{
    child::PLAYER,
    support::{begin, error, get, local, names, path, put},
};

/// Plays the scenario on a disk of 64 KiB. `prepare` are shell commands that run there first.
fn play_on_a_small_disk(scenario: &str, prepare: &str) {
    let directory = tempfile::tempdir().unwrap();
    play(&mut PLAYER.command_on_a_small_disk("64k", prepare, scenario, directory.path()));
}

#[test]
fn a_full_disk_is_reported_and_given_back() {
    play_on_a_small_disk("full-disk", "true");
}

/// Scenario: on a disk of 64 KiB.
pub(crate) async fn on_a_full_disk(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    put(&storage, "old.bin", IfExists::Fail, "old").await.unwrap();

    // Too much at once, in pieces, and so little that only publishing writes it.
    for pieces in [vec![3 << 20], vec![400_000; 20], vec![200_000]] {
        for (name, if_exists) in [("new.bin", IfExists::Fail), ("old.bin", IfExists::Replace)] {
            let mut writer = storage.create(&path(name), if_exists).await.unwrap();
            let mut failed = None;
            for size in &pieces {
                if let Err(error) = writer.write(vec![7; *size].into()).await {
                    failed = Some(error);
                    break;
                }
            }
            if let Some(failed) = failed {
                check_full(&failed, name);
                // Once a write failed, nothing can make it whole again.
                error(writer.write("more".into()).await);
                error(writer.read_back(0..1).await);
                error(writer.publish().await);
            } else {
                check_full(&error(writer.publish().await), name);
            }
            assert_eq!(names(directory), ["old.bin"]);
            assert_eq!(get(&storage, "old.bin").await.unwrap(), "old");
        }
    }

    // Reading back is what finds out; and after that, too, it cannot be made whole again.
    let mut writer = begin(&storage, "new.bin", IfExists::Fail, vec![7; 200_000]).await.unwrap();
    check_full(&error(writer.read_back(0..1).await), "new.bin");
    let broken = error(writer.publish().await);
    let cause = std::error::Error::source(&broken).unwrap().to_string();
    assert_eq!(cause, "an earlier write failed");
    assert_eq!(names(directory), ["old.bin"]);

    // The room that the failed ones took is free again.
    put(&storage, "new.bin", IfExists::Fail, vec![8; 40_000]).await.unwrap();
}

fn check_full(error: &StorageError, name: &str) {
    assert!(matches!(error, StorageError::NoSpace { .. }), "{error:?}");
    assert!(error.to_string().contains(name), "{error}");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(!error.hints().is_empty());
}

#[test]
fn a_read_only_disk_is_reported_before_anything_is_written() {
    play_on_a_small_disk("read-only-disk", r#"echo old > old.bin; mount -o remount,bind,ro "$0""#);
}

/// Scenario: on a disk that cannot be written to and holds `old.bin`.
pub(crate) async fn on_a_read_only_disk(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    for (name, if_exists) in [
        ("new.bin", IfExists::Fail),
        ("new.bin", IfExists::Replace),
        ("old.bin", IfExists::Replace),
        ("deep/er/new.bin", IfExists::Fail),
    ] {
        let error = error(storage.create(&path(name), if_exists).await);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "Read-only file system (os error 30)");
    }
    assert_eq!(
        error(storage.create(&path("old.bin"), IfExists::Fail).await).kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(error(storage.delete(&path("old.bin")).await).kind(), ErrorKind::PermissionDenied);
    assert_eq!(get(&storage, "old.bin").await.unwrap(), "old\n");
}

#[test]
fn what_belongs_to_somebody_else_is_reported() {
    let (directory, _storage) = local();
    let place = directory.path();
    let set_mode = |name: &str, mode| {
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["open", "closed", "read-only"] {
        fs::create_dir(place.join(name)).unwrap();
        fs::write(place.join(name).join("file.csv"), "id\n").unwrap();
    }
    fs::write(place.join("open/unreadable.csv"), "id\n").unwrap();
    set_mode("open/file.csv", 0o444);
    set_mode("open/unreadable.csv", 0o200);
    set_mode("open", 0o777);
    set_mode("read-only", 0o555);
    set_mode("closed", 0o600);
    set_mode(".", 0o755);

    PLAYER.play_without_rights("no-rights", place);
    set_mode("closed", 0o700);
    set_mode("read-only", 0o755);
}

/// Scenario: among files and directories whose permissions forbid most things.
pub(crate) async fn without_rights(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    let denied = |error: StorageError, operation: &str, name: &str| {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
        assert!(!error.hints().is_empty());
        let shown = directory.join(name);
        let expected = format!("no permission to {operation} `{}`", shown.display());
        assert_eq!(error.to_string(), expected);
    };
    for name in ["open/unreadable.csv", "closed/file.csv"] {
        denied(error(storage.open(&path(name)).await), "read", name);
    }
    denied(error(storage.head(&path("closed/file.csv")).await), "read", "closed/file.csv");
    for name in ["read-only/new.parquet", "closed/new.parquet"] {
        for if_exists in [IfExists::Fail, IfExists::Replace] {
            denied(error(storage.create(&path(name), if_exists).await), "write", name);
        }
    }
    // The directory would allow a rename; the file's own permissions are what its owner meant.
    denied(
        error(begin(&storage, "open/file.csv", IfExists::Replace, "new").await),
        "write",
        "open/file.csv",
    );
    denied(
        error(storage.delete(&path("read-only/file.csv")).await),
        "delete",
        "read-only/file.csv",
    );
    denied(error(storage.list(Some(&path("closed"))).await), "list", "closed");
    assert_eq!(get(&storage, "open/file.csv").await.unwrap(), "id\n");
    put(&storage, "open/new.parquet", IfExists::Fail, "new").await.unwrap();
    assert_eq!(names(&directory.join("open")), ["file.csv", "new.parquet", "unreadable.csv"]);
}
