//! From what a person writes to bytes on a disk and back.

use std::fs;

use tundra_core::IfExists;
use tundra_storage::resolve;

use crate::support::{get, local, names, put};

#[tokio::test]
async fn every_way_to_write_a_path_leads_to_the_same_file() {
    let (directory, _storage) = local();
    let root = directory.path().to_str().unwrap();
    fs::create_dir(directory.path().join("sub dir")).unwrap();
    let (storage, path) = resolve(format!("{root}/sub dir/../ä #1?.csv")).unwrap();
    put(storage.as_ref(), path.as_str(), IfExists::Fail, "data").await.unwrap();
    assert_eq!(names(directory.path()), ["sub dir", "ä #1?.csv"]);
    for location in [
        format!("{root}/ä #1?.csv"),
        format!("{root}/./sub dir/../ä #1?.csv"),
        format!("{root}//ä #1?.csv"),
        format!("file://{root}/%C3%A4%20%231%3F.csv"),
        format!("file://localhost{root}/sub%20dir/../ä %231%3F.csv"),
    ] {
        let (storage, path) = resolve(&location).unwrap();
        assert_eq!(get(storage.as_ref(), path.as_str()).await.unwrap(), "data", "{location}");
    }
}

#[tokio::test]
async fn a_relative_path_is_one_of_the_current_directory() {
    // The tests of a crate run in its directory.
    let (storage, path) = resolve("Cargo.toml").unwrap();
    let manifest = get(storage.as_ref(), path.as_str()).await.unwrap();
    assert_eq!(manifest, fs::read("Cargo.toml").unwrap());
    let (storage, path) = resolve("./src/../Cargo.toml").unwrap();
    assert_eq!(get(storage.as_ref(), path.as_str()).await.unwrap(), manifest);
}
