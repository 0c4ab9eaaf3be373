//! How a file comes to its name.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use futures::FutureExt;
use tundra_core::{Classify, ErrorKind, IfExists, ObjectWriter, Storage, StorageError};
use tundra_storage::LocalStorage;

use tundra_test_services::scenario::play;

use crate::{
    child::PLAYER,
    support::{begin, error, get, local, names, path, put},
};

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_file_is_hidden_until_it_is_published() {
    let (directory, storage) = local();
    let mut writer = begin(&storage, "a b.parquet", IfExists::Fail, "data").await.unwrap();
    writer.read_back(0..4).await.unwrap();
    let during = names(directory.path());
    assert_eq!(during.len(), 1, "{during:?}");
    assert!(during[0].starts_with(".a b.parquet.tundra-"), "{during:?}");
    assert!(during[0].ends_with(".tmp"), "{during:?}");
    writer.publish().await.unwrap();
    assert_eq!(names(directory.path()), ["a b.parquet"]);
}

#[tokio::test]
async fn nothing_is_left_of_what_was_given_up() {
    let (directory, storage) = local();
    let begin = |size: usize| begin(&storage, "a.parquet", IfExists::Fail, vec![1; size]);
    for size in [0, 10, 40 << 20] {
        begin(size).await.unwrap().abort().await.unwrap();
        assert!(names(directory.path()).is_empty());
        drop(begin(size).await.unwrap());
        assert!(names(directory.path()).is_empty());
    }
}

#[tokio::test]
async fn a_publishing_that_is_given_up_publishes_nothing() {
    let (directory, storage) = local();
    let writer = begin(&storage, "a.parquet", IfExists::Fail, vec![1; 8 << 20]).await.unwrap();
    // Polled once and dropped, which leaves it waiting for the disk.
    assert!(writer.publish().now_or_never().is_none());
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_keeps_its_file() {
    let (directory, storage) = local();
    let writer = begin(&storage, "a.parquet", IfExists::Fail, "ours").await.unwrap();
    fs::write(directory.path().join("a.parquet"), "theirs").unwrap();
    let error = error(writer.publish().await);
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(get(&storage, "a.parquet").await.unwrap(), "theirs");
    assert_eq!(names(directory.path()), ["a.parquet"]);
}

#[tokio::test]
async fn a_new_file_has_the_permissions_of_any_new_file() {
    for umask in ["022", "077", "000", "027"] {
        let (directory, _storage) = local();
        let script = format!(r#"umask {umask}; exec "$0" "$@""#);
        let wrapper = ["sh", "-c", script.as_str()].map(OsStr::new);
        let binary = env::current_exe().unwrap();
        let played = play(&mut PLAYER.command(&wrapper, &binary, "umask", directory.path()));
        assert!(played.is_some());
    }
}

/// Scenario: a process whose new files are not like those of the test's.
pub(crate) async fn under_another_umask(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    File::create(directory.join("ordinary")).unwrap();
    put(&storage, "published", IfExists::Fail, "x").await.unwrap();
    put(&storage, "replacing-nothing", IfExists::Replace, "x").await.unwrap();
    let ordinary = mode(&directory.join("ordinary"));
    assert_eq!(mode(&directory.join("published")), ordinary);
    assert_eq!(mode(&directory.join("replacing-nothing")), ordinary);
}

#[tokio::test]
async fn a_replacement_has_the_permissions_of_what_it_replaces() {
    let (directory, storage) = local();
    let file = directory.path().join("private.parquet");
    for bits in [0o600, 0o640, 0o666] {
        put(&storage, "private.parquet", IfExists::Replace, "old").await.unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
        put(&storage, "private.parquet", IfExists::Replace, "new").await.unwrap();
        assert_eq!(mode(&file), bits);
    }
}

#[tokio::test]
async fn replacing_through_a_link_keeps_the_link() {
    let (directory, storage) = local();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("elsewhere")).unwrap();
    fs::write(at("elsewhere/real.parquet"), "old").unwrap();
    symlink("elsewhere/real.parquet", at("link.parquet")).unwrap();

    let refused = error(storage.create(&path("link.parquet"), IfExists::Fail).await);
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    put(&storage, "link.parquet", IfExists::Replace, "new").await.unwrap();
    assert!(fs::symlink_metadata(at("link.parquet")).unwrap().is_symlink());
    assert_eq!(fs::read(at("elsewhere/real.parquet")).unwrap(), b"new");
    assert_eq!(names(&at("elsewhere")), ["real.parquet"]);

    storage.delete(&path("link.parquet")).await.unwrap();
    assert_eq!(names(directory.path()), ["elsewhere"]);
    assert_eq!(names(&at("elsewhere")), ["real.parquet"]);
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_refused() {
    let (directory, storage) = local();
    symlink("gone.parquet", directory.path().join("link.parquet")).unwrap();
    for if_exists in [IfExists::Fail, IfExists::Replace] {
        let error = error(storage.create(&path("link.parquet"), if_exists).await);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().ends_with("is a symbolic link that leads nowhere, not a file"));
    }
    assert_eq!(names(directory.path()), ["link.parquet"]);
}

#[tokio::test]
async fn pipes_and_devices_are_not_replaced() {
    let (directory, storage) = local();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let devices = LocalStorage::new("/dev").unwrap();
    for (storage, name) in [(&storage, "pipe"), (&devices, "null"), (&devices, "full")] {
        for if_exists in [IfExists::Fail, IfExists::Replace] {
            let error = error(storage.create(&path(name), if_exists).await);
            assert!(matches!(error, StorageError::NotAFile { .. }), "{error:?}");
            assert!(error.hints()[0].contains("-o -"), "{:?}", error.hints());
        }
    }
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    assert_eq!(names(directory.path()), ["pipe"]);
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let (directory, _storage) = local();
    let storage = LocalStorage::new(directory.path().join("missing")).unwrap();
    let error = error(storage.create(&path("a.parquet"), IfExists::Fail).await);
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let missing = directory.path().join("missing");
    assert_eq!(
        error.to_string(),
        format!("there is no directory `{}` to write to", missing.display())
    );
    assert!(!error.hints().is_empty());
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn directories_below_the_root_are_made() {
    let (directory, storage) = local();
    put(&storage, "a/b/c.parquet", IfExists::Fail, "x").await.unwrap();
    put(&storage, "a/b/d.parquet", IfExists::Fail, "x").await.unwrap();
    assert_eq!(names(&directory.path().join("a/b")), ["c.parquet", "d.parquet"]);
    let error = error(storage.create(&path("a/b/c.parquet/x/y.bin"), IfExists::Fail).await);
    assert!(matches!(error, StorageError::NoDirectory { .. }), "{error:?}");
    assert!(error.to_string().contains("c.parquet"), "{error}");
}

#[tokio::test]
async fn names_that_no_file_can_have_are_refused_at_once() {
    let (directory, storage) = local();
    fs::create_dir(directory.path().join("directory")).unwrap();
    for if_exists in [IfExists::Fail, IfExists::Replace] {
        let refused = async |name: &str| error(storage.create(&path(name), if_exists).await);
        let long = refused(&"x".repeat(256)).await;
        assert!(matches!(long, StorageError::InvalidName { .. }), "{long:?}");
        let kept = refused(".a.tundra-abcdefgh.tmp").await;
        assert!(matches!(kept, StorageError::InvalidName { .. }), "{kept:?}");
        let directory = refused("directory").await;
        assert!(matches!(directory, StorageError::IsDirectory { .. }), "{directory:?}");
    }
    put(&storage, &"x".repeat(255), IfExists::Fail, "as long as can be").await.unwrap();
}

#[tokio::test]
async fn a_file_is_on_the_disk_as_it_was_described() {
    let (directory, storage) = local();
    let published = put(&storage, "a.bin", IfExists::Fail, vec![5; 70_000]).await.unwrap();
    let metadata = fs::metadata(directory.path().join("a.bin")).unwrap();
    assert_eq!(published.size, metadata.size());
    assert_eq!(published.modified, Some(metadata.modified().unwrap()));
    assert_eq!(storage.head(&path("a.bin")).await.unwrap(), published);
}

#[tokio::test]
async fn a_file_that_somebody_else_shortens_is_not_published() {
    let (directory, storage) = local();
    let mut writer: Box<dyn ObjectWriter> =
        begin(&storage, "a.bin", IfExists::Fail, vec![5; 70_000]).await.unwrap();
    writer.read_back(0..1).await.unwrap();
    let hidden = directory.path().join(&names(directory.path())[0]);
    File::options().write(true).open(hidden).unwrap().set_len(10).unwrap();
    let error = error(writer.publish().await);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "somebody else changed the file while it was being written");
    assert!(names(directory.path()).is_empty());
}
