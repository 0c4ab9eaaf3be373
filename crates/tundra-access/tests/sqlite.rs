//! Keys in a file: what every store does, and what files and other processes can do to it.

mod opening;

use std::{path::Path, sync::Arc, time::Duration};

use futures::future::join_all;
use tempfile::TempDir;
use tundra_access::{
    Action, Actions, ApiKey, Authenticator, Credentials, KeyRecord, KeyStore, NewKey, SqliteKeys,
    issue, testing,
};
use tundra_core::Scope;

use crate::now;

/// Returns a directory that goes with the returned handle, and the path of keys in it.
fn place() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    (directory, path)
}

async fn open(path: &Path) -> SqliteKeys {
    SqliteKeys::open(path).await.unwrap()
}

async fn add(keys: &dyn KeyStore) -> (ApiKey, KeyRecord) {
    let new = NewKey {
        name: "nightly".to_owned(),
        tenant: Some("acme".parse().unwrap()),
        actions: Actions::MEMBER,
        expires_at: Some(now() + Duration::from_secs(3600)),
    };
    issue(keys, &new, now()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_in_a_file_conform() {
    let (_directory, path) = place();
    let keys: Arc<dyn KeyStore> = Arc::new(open(&path).await);
    testing::keys::run_all(&*keys).await;
    // Once more, among what was left.
    testing::keys::run_all(&*keys).await;
}

#[tokio::test]
async fn keeps_everything_when_it_is_closed() {
    let (directory, path) = place();
    let keys = open(&path).await;
    let (_, key) = add(&keys).await;
    assert_eq!(keys.display(), path.display().to_string());
    drop(keys);
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&path), "nothing beside the file is left");
    let keys = open(&path).await;
    assert_eq!(keys.list(&Scope::All, None, 10).await.unwrap(), [key]);
}

#[tokio::test]
async fn a_key_that_another_process_revokes_lets_nobody_in_any_more() {
    let (_directory, path) = place();
    let server = Arc::new(open(&path).await);
    let door = Authenticator::new().with_keys(server);
    let command_line = open(&path).await;
    let (key, _) = add(&command_line).await;
    let shown = Credentials { api_key: Some(key.reveal()), ..Credentials::none() };
    let principal = door.authenticate_at(&shown, now()).await.unwrap();
    principal.may(Action::Write).unwrap();
    command_line.revoke(&Scope::All, key.id(), now()).await.unwrap();
    assert!(door.authenticate_at(&shown, now()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ask_and_write_at_once() {
    let (_directory, path) = place();
    let stores = [Arc::new(open(&path).await), Arc::new(open(&path).await)];
    let keys = join_all((0..32).map(async |number| add(&*stores[number % 2]).await)).await;
    join_all(keys.iter().enumerate().map(async |(number, (key, record))| {
        let store = &stores[(number + 1) % 2];
        for second in 1..5 {
            store.touch(key.id(), now() + Duration::from_secs(second)).await.unwrap();
            assert_eq!(store.find(key.id()).await.unwrap().unwrap().digest, record.digest);
        }
    }))
    .await;
    let listed = stores[0].list(&Scope::All, None, 100).await.unwrap();
    assert_eq!(listed.len(), 32);
    let last = Some(now() + Duration::from_secs(4));
    assert!(listed.iter().all(|key| key.last_used_at == last));
}

#[tokio::test]
async fn no_secret_is_in_the_file() {
    let (_directory, path) = place();
    let keys = open(&path).await;
    let (key, _) = add(&keys).await;
    drop(keys);
    let text = key.reveal();
    let secret = &text.expose()[17..49];
    let file = std::fs::read(&path).unwrap();
    let holds = |part: &str| file.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(holds(key.id().as_str()) && !holds(secret) && !holds(&secret[..16]));
}
