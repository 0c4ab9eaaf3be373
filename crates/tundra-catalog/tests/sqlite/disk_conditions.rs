//! Full disks, read-only disks, and files that belong to somebody else.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use tundra_catalog::SqliteCatalog;
use tundra_core::{Catalog, CatalogError, Classify, ErrorKind, Scope, VersionStatus};
use tundra_test_services::scenario::play;

use super::{add, by_hand, child::PLAYER, open, place, reserve, run};

/// Plays the scenario on a small file system of its own, which goes with its process. `prepare`
/// are shell commands that run in that file system.
fn play_on_a_small_disk(scenario: &str, catalog: Option<&Path>, prepare: &str) {
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        r#"mount -t tmpfs -o size=1m tmpfs "$0" && cd "$0" && {{ {prepare}; }} && cd / && exec "$@""#
    );
    let mut wrapper = vec!["unshare", "--mount"];
    if !is_root() {
        wrapper.extend(["--user", "--map-root-user"]);
    }
    wrapper.extend(["sh", "-c", &script]);
    let mut wrapper: Vec<&OsStr> = wrapper.iter().map(OsStr::new).collect();
    wrapper.push(directory.path().as_os_str());
    let binary = env::current_exe().unwrap();
    let mut command = PLAYER.command(&wrapper, &binary, scenario, directory.path());
    if let Some(catalog) = catalog {
        command.env("CATALOG", catalog);
    }
    play(&mut command);
}

/// Returns whether this process may do what only root may.
fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").stderr(Stdio::inherit()).output().unwrap();
    answer.stdout.trim_ascii() == b"0"
}

#[test]
fn a_full_disk_is_reported_and_what_was_told_is_kept() {
    play_on_a_small_disk("full-disk", None, "head -c 600000 /dev/zero > ballast");
}

/// Scenario: on a disk of 1 MiB, most of which is taken.
pub(super) async fn on_a_full_disk(directory: &Path) {
    let path = directory.join("catalog.db");
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let mut told = Vec::new();
    let full = loop {
        match run(&catalog, &source).await {
            Ok(version) => told.push(version.number),
            Err(error) => break error,
        }
        assert!(told.len() < 10_000, "the disk is not full yet");
    };
    let check_full = |error: &CatalogError, name: &str| {
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        assert!(error.reason.contains(name), "{error}");
        assert!(!error.hints().is_empty());
    };
    check_full(&full, "catalog.db");
    assert!(!told.is_empty());
    check_full(&reserve(&catalog, &source).await.unwrap_err(), "catalog.db");

    // What was told is there, and can be read.
    let active = async |catalog: &SqliteCatalog| {
        let versions = catalog.versions(&source, None, 10_000).await.unwrap();
        let active = versions.into_iter().filter(|it| it.status == VersionStatus::Active);
        let mut numbers: Vec<_> = active.map(|version| version.number).collect();
        numbers.reverse();
        numbers
    };
    assert_eq!(active(&catalog).await, told);
    drop(catalog);

    fs::remove_file(directory.join("ballast")).unwrap();
    let catalog = open(&path).await;
    assert_eq!(active(&catalog).await, told);
    run(&catalog, &source).await.unwrap();
    drop(catalog);
    let check = by_hand(&path).query_row("PRAGMA integrity_check", [], |row| row.get(0));
    assert_eq!(check.unwrap_or_else(|error| error.to_string()), "ok");

    // There is no room for a new one either.
    fs::write(directory.join("ballast"), vec![0; 2 << 20]).unwrap_err();
    let other = SqliteCatalog::open(directory.join("other.db")).await;
    check_full(&other.unwrap_err(), "other.db");
}

#[tokio::test]
async fn a_read_only_disk_is_reported_when_it_is_opened() {
    let (_directory, path) = place();
    add(&open(&path).await).await;
    let prepare = r#"cp "$CATALOG" old.db; mount -o remount,bind,ro "$0""#;
    play_on_a_small_disk("read-only-disk", Some(&path), prepare);
}

/// Scenario: on a disk that cannot be written to and holds the catalog `old.db`.
pub(super) async fn on_a_read_only_disk(directory: &Path) {
    for name in ["old.db", "new.db", "deep/er/new.db"] {
        denied(&directory.join(name)).await;
    }
}

async fn denied(path: &Path) {
    let error = SqliteCatalog::open(path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(error.reason.contains(&path.display().to_string()), "{error}");
    assert!(!error.hints().is_empty(), "{error}");
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_reported() {
    let (directory, _path) = place();
    let place = directory.path();
    let set_mode = |name: &str, mode| {
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["open", "closed", "read-only"] {
        drop(open(&place.join(name).join("catalog.db")).await);
        set_mode(&format!("{name}/catalog.db"), 0o666);
    }
    for (name, mode) in [("unreadable.db", 0o200), ("unwritable.db", 0o444)] {
        fs::copy(place.join("open/catalog.db"), place.join("open").join(name)).unwrap();
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

/// Scenario: among catalogs and directories whose permissions forbid most things.
pub(super) async fn without_rights(directory: &Path) {
    for name in [
        "open/unreadable.db",
        "open/unwritable.db",
        "closed/catalog.db",
        "closed/new.db",
        // The file may be written to, but there must be others beside it.
        "read-only/catalog.db",
        "read-only/new.db",
        "read-only/deep/er/new.db",
    ] {
        denied(&directory.join(name)).await;
    }
    let catalog = open(&directory.join("open/catalog.db")).await;
    let source = add(&catalog).await;
    catalog.source(&Scope::All, source.id).await.unwrap();
    open(&directory.join("open/new.db")).await.ping().await.unwrap();
}
