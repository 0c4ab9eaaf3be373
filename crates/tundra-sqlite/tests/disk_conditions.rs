//! Full disks, read-only disks, and files that belong to somebody else.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tundra_core::{Classify, ErrorKind};
use tundra_sqlite::{Database, Error};
use tundra_test_services::scenario::play;

use super::{DIARY, add, assert_whole, child::PLAYER, numbers, open, place};

/// Plays the scenario on a disk of 1 MiB. `prepare` are shell commands that run there first; `$DIARY` is
/// the path of the diary.
fn play_on_a_small_disk(scenario: &str, diary: Option<&Path>, prepare: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = PLAYER.command_on_a_small_disk("1m", prepare, scenario, directory.path());
    if let Some(diary) = diary {
        command.env("DIARY", diary);
    }
    play(&mut command);
}

#[test]
fn a_full_disk_is_reported_and_what_was_told_is_kept() {
    play_on_a_small_disk("full-disk", None, "head -c 600000 /dev/zero > ballast");
}

/// Scenario: on a disk of 1 MiB, most of which is taken.
pub(super) async fn on_a_full_disk(directory: &Path) {
    let path = directory.join("diary.db");
    let diary = open(&path).await;
    let text = "a long day ".repeat(20);
    let mut told = Vec::new();
    let full = loop {
        match add(&diary, &text).await {
            Ok(number) => told.push(number),
            Err(error) => break error,
        }
        assert!(told.len() < 10_000, "the disk is not full yet");
    };
    let check_full = |error: &Error, name: &str| {
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        assert!(error.reason.contains(name), "{error}");
        assert!(error.hint.is_some(), "{error}");
    };
    check_full(&full, "diary.db");
    assert!(!told.is_empty());
    check_full(&add(&diary, &text).await.unwrap_err(), "diary.db");

    // What was told is there, and can be read.
    assert_eq!(numbers(&diary).await.unwrap(), told);
    drop(diary);

    fs::remove_file(directory.join("ballast")).unwrap();
    let diary = open(&path).await;
    assert_eq!(numbers(&diary).await.unwrap(), told);
    add(&diary, &text).await.unwrap();
    drop(diary);
    assert_whole(&path);

    // There is no room for a new one either.
    fs::write(directory.join("ballast"), vec![0; 2 << 20]).unwrap_err();
    let other = Database::open(directory.join("other.db"), &DIARY).await;
    check_full(&other.unwrap_err(), "other.db");
}

#[tokio::test]
async fn a_read_only_disk_is_reported_when_it_is_opened() {
    let (_directory, path) = place();
    add(&open(&path).await, "today").await.unwrap();
    let prepare = r#"cp "$DIARY" old.db; mount -o remount,bind,ro "$0""#;
    play_on_a_small_disk("read-only-disk", Some(&path), prepare);
}

/// Scenario: on a disk that cannot be written to and holds the file `old.db`.
pub(super) async fn on_a_read_only_disk(directory: &Path) {
    for name in ["old.db", "new.db", "deep/er/new.db"] {
        denied(&directory.join(name)).await;
    }
}

async fn denied(path: &Path) {
    let error = Database::open(path, &DIARY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(error.reason.contains(&path.display().to_string()), "{error}");
    assert!(error.hint.is_some(), "{error}");
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_reported() {
    let (directory, _path) = place();
    let place = directory.path();
    let set_mode = |name: &str, mode| {
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["open", "closed", "read-only"] {
        drop(open(&place.join(name).join("diary.db")).await);
        set_mode(&format!("{name}/diary.db"), 0o666);
    }
    for (name, mode) in [("unreadable.db", 0o200), ("unwritable.db", 0o444)] {
        fs::copy(place.join("open/diary.db"), place.join("open").join(name)).unwrap();
        set_mode(&format!("open/{name}"), mode);
    }
    set_mode("open", 0o777);
    set_mode("read-only", 0o555);
    set_mode("closed", 0o600);
    set_mode(".", 0o755);

    PLAYER.play_without_rights("no-rights", place);
    set_mode("closed", 0o700);
    set_mode("read-only", 0o755);
}

/// Scenario: among files and directories whose permissions forbid most things.
pub(super) async fn without_rights(directory: &Path) {
    for name in [
        "open/unreadable.db",
        "open/unwritable.db",
        "closed/diary.db",
        "closed/new.db",
        // The file may be written to, but there must be others beside it.
        "read-only/diary.db",
        "read-only/new.db",
        "read-only/deep/er/new.db",
    ] {
        denied(&directory.join(name)).await;
    }
    for name in ["open/diary.db", "open/new.db"] {
        let diary = open(&directory.join(name)).await;
        add(&diary, "today").await.unwrap();
        assert_eq!(numbers(&diary).await.unwrap(), [1]);
    }
}
