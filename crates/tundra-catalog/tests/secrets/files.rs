//! Secrets in files: what can be wrong with them, and files that change.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tundra_catalog::FileSecrets;
use tundra_core::{Classify as _, ErrorKind, SecretStore as _};

use super::{VALUE, chain, child, error, get};

fn one_file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf, FileSecrets) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials.json");
    fs::write(&path, text).unwrap();
    let secrets = FileSecrets::file(&path);
    (directory, path, secrets)
}

#[tokio::test]
async fn one_file_holds_objects_and_texts() {
    let (_directory, path, secrets) = one_file(format!(
        r#"{{"warehouse": {{"host": "db", "password": "{VALUE}", "port": 5432}}, "token": "{VALUE}"}}"#
    ));
    assert_eq!(get(&secrets, "token").await, VALUE);
    assert_eq!(
        get(&secrets, "warehouse").await,
        format!(r#"{{"host": "db", "password": "{VALUE}", "port": 5432}}"#)
    );
    let missing = error(secrets.get("other").await);
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string(),
        format!(
            "could not read the secret `other`: the file `{}` does not have it",
            path.display()
        )
    );
    assert!(!format!("{secrets:?}").contains(VALUE));
}

#[tokio::test]
async fn a_broken_file_is_told_by_line_and_column_and_never_by_what_stands_there() {
    let (_directory, path, secrets) =
        one_file(format!("{{\n  \"token\": \"{VALUE}\"\n  \"{VALUE}\": 1\n}}"));
    let broken = error(secrets.get("token").await);
    assert_eq!(broken.kind(), ErrorKind::InvalidData);
    assert_eq!(
        broken.to_string(),
        format!(
            "could not read the secret `token`: the file `{}` has broken JSON at line 3, column 3",
            path.display()
        )
    );
    for text in [format!("\"{VALUE}\""), format!("[\"{VALUE}\"]"), VALUE.to_owned(), String::new()]
    {
        fs::write(&path, text).unwrap();
        let broken = error(secrets.get("token").await);
        assert_eq!(broken.kind(), ErrorKind::InvalidData);
        assert!(!broken.hints().is_empty());
    }
    fs::write(&path, format!(r#"{{"token": ["{VALUE}"], "empty": ""}}"#)).unwrap();
    let other = error(secrets.get("token").await);
    assert!(other.to_string().ends_with("it is an array, and must be an object or a text"));
    assert!(error(secrets.get("empty").await).to_string().ends_with("it is empty"));
}

#[tokio::test]
async fn a_changed_file_is_read_again_even_within_a_tick_of_the_clock() {
    let (_directory, path, secrets) = one_file(r#"{"a": "1"}"#);
    for number in 1..50 {
        // The same length, at once, and with the time of the content set back.
        fs::write(&path, format!(r#"{{"a": "{}"}}"#, number % 10)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
        assert_eq!(get(&secrets, "a").await, (number % 10).to_string());
    }
    fs::remove_file(&path).unwrap();
    let missing = error(secrets.get("a").await);
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("there is no file"), "{missing}");
    fs::write(&path, r#"{"a": "back"}"#).unwrap();
    assert_eq!(get(&secrets, "a").await, "back");
}

#[tokio::test]
async fn a_mounted_volume_is_followed_through_its_links() {
    let directory = tempfile::tempdir().unwrap();
    let volume = |name: &str, text: &str| {
        let below = directory.path().join(name);
        fs::create_dir(&below).unwrap();
        fs::write(below.join("credentials.json"), format!(r#"{{"a": "{text}"}}"#)).unwrap();
        fs::write(below.join("b"), format!("{text}\n")).unwrap();
        // As the orchestrator does it: a new link takes the place of the old.
        symlink(name, directory.path().join("..data_tmp")).unwrap();
        fs::rename(directory.path().join("..data_tmp"), directory.path().join("..data")).unwrap();
    };
    for name in ["credentials.json", "b"] {
        symlink(format!("..data/{name}"), directory.path().join(name)).unwrap();
    }
    let file = FileSecrets::file(directory.path().join("credentials.json"));
    let each = FileSecrets::directory(directory.path());
    assert_eq!(error(file.get("a").await).kind(), ErrorKind::NotFound);
    for (name, text) in [("..2026_01", "old"), ("..2026_02", "new")] {
        volume(name, text);
        assert_eq!(get(&file, "a").await, text);
        assert_eq!(get(&each, "b").await, text);
    }
}

#[tokio::test]
async fn each_file_of_a_directory_is_a_secret_without_its_last_line_end() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("plain", "x"),
        ("line", "x\n"),
        ("windows", "x\r\n"),
        ("lines", "x\n\n"),
        ("json.json", "{}"),
        ("both", "without"),
        ("both.json", "with"),
        ("empty", ""),
        ("nothing", "\n"),
    ] {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    fs::write(directory.path().join("binary"), b"\xff\xfe").unwrap();
    fs::write(directory.path().join("long"), "x".repeat((64 << 10) + 1)).unwrap();
    fs::write(directory.path().join("longest"), format!("{}\r\n", "x".repeat(64 << 10))).unwrap();
    fs::create_dir(directory.path().join("directory")).unwrap();
    let secrets = FileSecrets::directory(directory.path());
    for (name, expected) in [
        ("plain", "x"),
        ("line", "x"),
        ("windows", "x"),
        ("lines", "x\n"),
        ("json", "{}"),
        ("both", "without"),
    ] {
        assert_eq!(get(&secrets, name).await, expected, "{name}");
    }
    assert_eq!(get(&secrets, "longest").await.len(), 64 << 10);
    for (name, kind, reason) in [
        ("empty", ErrorKind::InvalidData, "it is empty"),
        ("nothing", ErrorKind::InvalidData, "it is empty"),
        ("binary", ErrorKind::InvalidData, "it is no text in UTF-8, from byte 0 on"),
        ("long", ErrorKind::LimitExceeded, "it is longer than 64 KiB"),
        ("directory", ErrorKind::InvalidData, "is no file"),
        ("absent", ErrorKind::NotFound, "there is no file"),
    ] {
        let failure = error(secrets.get(name).await);
        assert_eq!(failure.kind(), kind, "{name}");
        assert!(failure.to_string().contains(reason), "{failure}");
    }
}

#[tokio::test]
async fn a_pipe_and_a_file_without_end_keep_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for secrets in [FileSecrets::file(&pipe), FileSecrets::file("/dev/zero")] {
        let refused = error(secrets.get("a").await);
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
        assert!(refused.to_string().ends_with("is no file"), "{refused}");
    }
    let refused = error(FileSecrets::directory(directory.path()).get("pipe").await);
    assert!(refused.to_string().ends_with("is no file"), "{refused}");
    let long = directory.path().join("long.json");
    fs::File::create(&long).unwrap().set_len((16 << 20) + 1).unwrap();
    let refused = error(FileSecrets::file(&long).get("a").await);
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    fs::write(place.join("file"), "{}").unwrap();
    fs::set_permissions(place.join("file"), fs::Permissions::from_mode(0o200)).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    child::PLAYER.play_without_rights("without-rights", place);
}

/// Scenario: a file whose permissions forbid reading.
pub(super) async fn without_rights(directory: &Path) {
    let path = directory.join("file");
    for secrets in [FileSecrets::file(&path), FileSecrets::directory(directory)] {
        let denied = error(secrets.get("file").await);
        assert_eq!(denied.kind(), ErrorKind::PermissionDenied, "{}", chain(&denied));
        assert_eq!(
            denied.to_string(),
            format!(
                "could not read the secret `file`: this process may not read the file `{}`",
                path.display()
            )
        );
        assert!(!denied.hints().is_empty());
    }
}

#[test]
fn a_file_that_every_user_may_read_is_warned_of_once() {
    let directory = tempfile::tempdir().unwrap();
    for (name, mode) in [("closed", 0o640), ("open", 0o644)] {
        let path = directory.path().join(name);
        fs::write(&path, format!(r#"{{"a": "{VALUE}"}}"#)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    child::play_with("open-to-all", directory.path(), &[]);
}

/// Scenario: two files, one of which every user may read.
pub(super) async fn open_to_all(directory: &Path) {
    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log(&LOG)).init();
    for name in ["open", "closed"] {
        let (file, each) =
            (FileSecrets::file(directory.join(name)), FileSecrets::directory(directory));
        for _ in 0..3 {
            get(&file, "a").await;
            get(&each, name).await;
        }
    }
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 2, "{log}");
    for line in warnings {
        assert!(line.contains("every user of this machine may read a file with secrets"), "{line}");
        assert!(line.contains("mode=0644") && line.contains("/open"), "{line}");
    }
    assert!(!log.contains(VALUE));
}

/// A writer for the log of a scenario.
pub(super) struct Log(pub(super) &'static Mutex<Vec<u8>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
