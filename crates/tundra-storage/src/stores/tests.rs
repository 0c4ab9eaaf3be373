//! What locations lead to, without asking anybody.

use std::fs;

use tundra_core::{Classify, ErrorKind, Secret};

use super::*;

fn stores() -> Stores {
    let mut settings = StoreSettings::default();
    settings.s3.access_key_id = Some("key".to_owned());
    settings.s3.secret_access_key = Some(Secret::new("hush"));
    settings.r2.account_id = Some("0a1b".to_owned());
    settings.r2.access_key_id = Some("key".to_owned());
    settings.r2.secret_access_key = Some(Secret::new("hush"));
    settings.azure.account = Some("mine".to_owned());
    settings.azure.access_key = Some(Secret::new("aHVzaA=="));
    settings.gcs.emulator = Some("http://127.0.0.1:1".to_owned());
    Stores::new(settings)
}

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
#[test]
fn every_location_is_shown_as_written() {
    for text in [
        "s3://b/in/ä #%41?*.csv",
        "r2://b/k",
        "gs://b/k",
        "az://c/k",
        "abfss://c@mine.dfs.core.windows.net/a/b",
        "https://example.com/a.csv",
        "/tmp/a.csv",
        "../a.csv",
    ] {
        let (storage, path) = stores().resolve(text).unwrap();
        assert_eq!(storage.display(&path), text);
    }
}

#[cfg(feature = "s3")]
#[test]
fn a_bucket_is_opened_once() {
    let stores = stores();
    let (one, _) = stores.resolve("s3://b/one").unwrap();
    let (two, _) = stores.clone().resolve("s3://b/two/three").unwrap();
    let (other, _) = stores.resolve("s3://c/one").unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    assert!(!Arc::ptr_eq(&one, &other));
}

#[cfg(feature = "s3")]
#[test]
fn what_shows_has_no_secret() {
    let stores = stores();
    let shown = stores.resolve("s3://b/k").unwrap();
    let shown = format!("{shown:?} {stores:?}");
    assert!(!shown.contains("hush") && !shown.contains("aHVzaA"), "{shown}");
}

#[test]
fn what_names_no_object_is_refused() {
    for text in ["s3://b", "s3://b/", "r2://b/a/"] {
        let error = stores().resolve(text).unwrap_err();
        assert!(matches!(error, LocationError::Prefix { .. }), "{text}: {error:?}");
    }
    for text in ["s3://b/a//b", "s3://b//a", "s3://b/../a", "s3://b/a\nb"] {
        let error = stores().resolve(text).unwrap_err();
        assert!(matches!(error, LocationError::Key { .. }), "{text}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[cfg(all(feature = "s3", feature = "azure"))]
#[test]
fn settings_that_do_not_suffice_are_named() {
    let check = |settings: StoreSettings, location: &str, reason: &str| {
        let error = Stores::new(settings).resolve(location).unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` cannot be used: {reason}", base(location)));
        assert!(!error.hints().is_empty());
    };
    check(StoreSettings::default(), "r2://b/k", "`CLOUDFLARE_ACCOUNT_ID` is not set");
    check(StoreSettings::default(), "az://c/k", "`AZURE_STORAGE_ACCOUNT_NAME` is not set");
    let mut settings = StoreSettings::default();
    settings.s3.access_key_id = Some("key".to_owned());
    check(
        settings.clone(),
        "s3://b/k",
        "only one of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` is set",
    );
    settings.s3.secret_access_key = Some(Secret::new("hush"));
    for (endpoint, reason) in [
        ("store", "its endpoint is not a URL"),
        ("ftp://store", "its endpoint does not begin with `https://` or `http://`"),
        ("https://key:hush@store", "its endpoint holds credentials"),
        ("https://store?a=hush", "its endpoint has a query or a fragment"),
    ] {
        settings.s3.endpoint = Some(endpoint.to_owned());
        check(settings.clone(), "s3://b/k", reason);
    }
    settings.s3.endpoint = Some("http://store".to_owned());
    settings.s3.allow_http = Some(false);
    check(settings, "s3://b/k", "its endpoint has no TLS, and `AWS_ALLOW_HTTP` forbids that");
    check(
        stores().settings().clone(),
        "abfss://c@other.dfs.core.windows.net/k",
        "the credentials are those of the account `mine`",
    );
}

fn base(location: &str) -> &str {
    let start = location.find("://").unwrap() + 3;
    let end = location[start..].find('/').map_or(location.len(), |at| start + at);
    &location[..end]
}

#[tokio::test]
async fn local_patterns_find_files() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    fs::create_dir_all(directory.path().join("a/b")).unwrap();
    for name in ["1.csv", "2.csv", "3.txt", ".4.csv", "a/5.csv", "a/b/6.csv", "[x].csv"] {
        fs::write(directory.path().join(name), name).unwrap();
    }
    let find = async |pattern: &str| {
        let found = stores().expand(&format!("{root}/{pattern}")).await.unwrap();
        let names = found.iter().map(|(storage, path)| storage.display(path));
        names.map(|it| it[root.len() + 1..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("*.csv").await, ["1.csv", "2.csv", "[x].csv"]);
    assert_eq!(find("?.csv").await, ["1.csv", "2.csv"]);
    assert_eq!(find("[2-9].*").await, ["2.csv", "3.txt"]);
    assert_eq!(find("**/*.csv").await, ["1.csv", "2.csv", "[x].csv", "a/5.csv", "a/b/6.csv"]);
    assert_eq!(find("[x].csv").await, ["[x].csv"]);
    assert_eq!(find("no/such.csv").await, ["no/such.csv"]);
    assert_eq!(find("a/").await, ["a/5.csv", "a/b/6.csv"]);
    let error = stores().expand(&format!("{root}/*.parquet")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}
