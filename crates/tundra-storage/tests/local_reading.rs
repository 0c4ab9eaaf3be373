//! What reading a file notices.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    process::Command,
    time::Duration,
};

use tundra_core::{Classify, ErrorKind, IfExists, ObjectReader, Storage, StorageError};
use tundra_storage::LocalStorage;

use crate::support::{error, get, local, names, path, put};

async fn is_changed(reader: &dyn ObjectReader) {
    for result in [reader.read(0..5).await.map(drop), reader.check_unchanged().await] {
        let error = error(result);
        assert!(matches!(error, StorageError::Changed { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn a_file_that_grows_is_noticed() {
    let (directory, storage) = local();
    put(&storage, "a.csv", IfExists::Fail, "0123456789").await.unwrap();
    let reader = storage.open(&path("a.csv")).await.unwrap();
    assert_eq!(reader.read(0..5).await.unwrap(), "01234");
    let mut file = File::options().append(true).open(directory.path().join("a.csv")).unwrap();
    file.write_all(b"more").unwrap();
    is_changed(reader.as_ref()).await;
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_noticed() {
    let (directory, storage) = local();
    put(&storage, "a.csv", IfExists::Fail, "0123456789").await.unwrap();
    let reader = storage.open(&path("a.csv")).await.unwrap();
    File::options().write(true).open(directory.path().join("a.csv")).unwrap().set_len(7).unwrap();
    is_changed(reader.as_ref()).await;
    let beyond = error(reader.read(5..10).await);
    assert!(matches!(beyond, StorageError::Changed { .. }), "{beyond:?}");
}

#[tokio::test]
async fn a_file_that_is_overwritten_in_place_is_noticed() {
    let (directory, storage) = local();
    put(&storage, "a.csv", IfExists::Fail, "0123456789").await.unwrap();
    let reader = storage.open(&path("a.csv")).await.unwrap();
    let mut file = File::options().write(true).open(directory.path().join("a.csv")).unwrap();
    file.write_all(b"x").unwrap();
    // Kernels before 6.13 keep the time to a few milliseconds, which this test does not wait for.
    let later = reader.info().modified.unwrap() + Duration::from_secs(1);
    file.set_modified(later).unwrap();
    is_changed(reader.as_ref()).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_or_deleted_is_still_read() {
    let (directory, storage) = local();
    put(&storage, "a.csv", IfExists::Fail, "0123456789").await.unwrap();
    let reader = storage.open(&path("a.csv")).await.unwrap();
    put(&storage, "a.csv", IfExists::Replace, "abcdefghij").await.unwrap();
    assert_eq!(reader.read(0..10).await.unwrap(), "0123456789");
    storage.delete(&path("a.csv")).await.unwrap();
    assert!(names(directory.path()).is_empty());
    assert_eq!(reader.read(0..10).await.unwrap(), "0123456789");
    reader.check_unchanged().await.unwrap();
}

#[tokio::test]
async fn what_is_no_file_is_named_for_what_it_is() {
    let (directory, storage) = local();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("directory")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    symlink("directory", at("link")).unwrap();
    for name in ["directory", "link"] {
        for result in
            [storage.open(&path(name)).await.map(drop), storage.head(&path(name)).await.map(drop)]
        {
            let error = error(result);
            assert_eq!(error.to_string(), format!("`{}` is a directory", at(name).display()));
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }
    // Without a writer at its other end, opening a pipe would wait forever.
    let pipe = error(storage.open(&path("pipe")).await);
    assert_eq!(pipe.to_string(), format!("`{}` is a pipe, not a file", at("pipe").display()));
    let device = error(LocalStorage::new("/dev").unwrap().open(&path("zero")).await);
    assert_eq!(device.to_string(), "`/dev/zero` is a device, not a file");
    assert!(storage.list(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn links_are_followed_to_files_and_say_when_there_is_none() {
    let (directory, storage) = local();
    let at = |name: &str| directory.path().join(name);
    put(&storage, "real.csv", IfExists::Fail, "data").await.unwrap();
    symlink("real.csv", at("link.csv")).unwrap();
    symlink("gone.csv", at("dangling.csv")).unwrap();
    symlink("loop.csv", at("loop.csv")).unwrap();
    symlink("..", at("upwards")).unwrap();
    assert_eq!(get(&storage, "link.csv").await.unwrap(), "data");
    let dangling = error(storage.open(&path("dangling.csv")).await);
    assert!(matches!(dangling, StorageError::NotFound { .. }), "{dangling:?}");
    let cause = error(storage.open(&path("loop.csv")).await);
    assert!(std::error::Error::source(&cause).unwrap().to_string().contains("symbolic links"));
    fs::remove_file(at("loop.csv")).unwrap();
    let listed = storage.list(None).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|info| info.path.as_str()).collect();
    assert_eq!(listed, ["link.csv", "real.csv"]);
}

#[tokio::test]
async fn a_missing_file_is_named_as_it_was_written() {
    let storage = LocalStorage::new("no/such").unwrap();
    let error = error(storage.open(&path("file.csv")).await);
    assert_eq!(error.to_string(), "no such file or object: `no/such/file.csv`");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_open_file_can_be_read_without_the_store() {
    use std::os::unix::fs::FileExt;

    let (_directory, storage) = local();
    put(&storage, "a.csv", IfExists::Fail, "0123456789").await.unwrap();
    let reader = storage.open(&path("a.csv")).await.unwrap();
    let mut bytes = [0; 3];
    reader.as_file().unwrap().read_exact_at(&mut bytes, 4).unwrap();
    assert_eq!(&bytes, b"456");
}

#[tokio::test]
async fn a_directory_that_is_missing_cannot_be_listed() {
    let (directory, _storage) = local();
    let storage = LocalStorage::new(directory.path().join("missing")).unwrap();
    let error = error(storage.list(None).await);
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn files_whose_names_cannot_be_asked_for_hide_no_others() {
    use std::os::unix::ffi::OsStrExt;

    let (directory, storage) = local();
    fs::write(directory.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    fs::write(directory.path().join("line\nbreak"), "x").unwrap();
    put(&storage, "a.csv", IfExists::Fail, "x").await.unwrap();
    let listed = storage.list(None).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].path, path("a.csv"));
}
