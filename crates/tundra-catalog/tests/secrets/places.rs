//! Variables, several places in turn, and what an environment asks for.

use std::{fs, sync::Arc, time::Duration};

use tundra_catalog::{EnvironmentSecrets, FileSecrets, SecretChain, SecretSettings};
use tundra_core::{Classify as _, ErrorKind, SecretStore};

use super::{VALUE, error, get};

fn variables<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = (String, String)> + 'a {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

#[tokio::test]
async fn a_variable_holds_a_secret_unless_it_is_empty() {
    let secrets = EnvironmentSecrets::from_vars(variables(&[
        ("TUNDRA_SECRET_WAREHOUSE_MAIN", VALUE),
        ("TUNDRA_SECRET_EMPTY", ""),
        ("TUNDRA_SECRETS_FILE", "/nowhere"),
        ("WAREHOUSE", "other"),
    ]));
    assert_eq!(get(&secrets, "warehouse-main").await, VALUE);
    assert_eq!(get(&secrets, "Warehouse_Main").await, VALUE);
    let missing = error(secrets.get("empty").await);
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string(),
        "could not read the secret `empty`: the variable `TUNDRA_SECRET_EMPTY` is not set"
    );
    assert!(!format!("{secrets:?}").contains(VALUE));
}

#[tokio::test]
async fn the_first_place_that_has_it_gives_it_and_a_missing_one_is_looked_for_in_all() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("all.json");
    fs::write(&file, r#"{"both": "from the file", "file": "x"}"#).unwrap();
    let environment =
        EnvironmentSecrets::from_vars(variables(&[("TUNDRA_SECRET_BOTH", "from a variable")]));
    let stores: [Arc<dyn SecretStore>; 2] =
        [Arc::new(environment), Arc::new(FileSecrets::file(&file))];
    let chain = SecretChain::new(stores);
    assert_eq!(get(&chain, "both").await, "from a variable");
    assert_eq!(get(&chain, "file").await, "x");
    let missing = error(chain.get("neither").await);
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string(),
        format!(
            "could not read the secret `neither`: the variable `TUNDRA_SECRET_NEITHER` is not set, \
             and the file `{}` does not have it",
            file.display()
        )
    );
}

#[tokio::test]
async fn a_place_that_cannot_be_asked_is_no_place_without_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("all.json");
    fs::write(&file, "{").unwrap();
    let environment = EnvironmentSecrets::from_vars(variables(&[("TUNDRA_SECRET_A", "a")]));
    let stores: [Arc<dyn SecretStore>; 2] =
        [Arc::new(FileSecrets::file(&file)), Arc::new(environment)];
    let broken = error(SecretChain::new(stores).get("a").await);
    assert_eq!(broken.kind(), ErrorKind::InvalidData);
    let none = error(SecretChain::default().get("a").await);
    assert_eq!(none.to_string(), "could not read the secret `a`: there is no store of secrets");
}

#[tokio::test]
async fn the_settings_join_variables_file_and_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("all.json");
    fs::write(&file, r#"{"b": "b"}"#).unwrap();
    fs::write(directory.path().join("c"), "c\n").unwrap();
    let settings = SecretSettings::from_vars(variables(&[
        ("TUNDRA_SECRET_A", "a"),
        ("TUNDRA_SECRETS_FILE", file.to_str().unwrap()),
        ("TUNDRA_SECRETS_DIRECTORY", directory.path().to_str().unwrap()),
        ("SECRET_CACHE_TTL_SECONDS", " 60 "),
    ]))
    .unwrap();
    assert_eq!(settings.cache_time, Duration::from_secs(60));
    let store = settings.store().unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(get(&*store, name).await, name);
    }
    store.forget("a").await;
    assert!(!format!("{settings:?} {store:?}").contains("\"a\""));
}

#[test]
fn without_variables_the_settings_are_those_of_the_deployment() {
    let settings = SecretSettings::from_vars([]).unwrap();
    assert_eq!(settings.file.unwrap().to_str(), Some("/secrets/credentials.json"));
    assert_eq!(settings.directory, None);
    assert_eq!(settings.cache_time, Duration::from_secs(3600));
}

#[test]
fn a_time_that_is_none_is_refused() {
    for text in ["soon", "-1", "1.5"] {
        let error = SecretSettings::from_vars(variables(&[("SECRET_CACHE_TTL_SECONDS", text)]))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(
            error.to_string(),
            format!("`SECRET_CACHE_TTL_SECONDS` is `{text}`, which is no number of seconds")
        );
    }
}

#[cfg(feature = "google")]
#[test]
fn a_project_brings_google_with_its_variables() {
    use tundra_catalog::GoogleCredentials;

    let settings = SecretSettings::from_vars(variables(&[
        ("GCP_PROJECT_ID", "acme-data"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json"),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", "https://sm.example.com/"),
        ("EXTERNAL_DEP_BREAKER_FAILURE_THRESHOLD", "2"),
        ("EXTERNAL_DEP_BREAKER_RECOVERY_TIMEOUT_SECONDS", "7"),
        ("SUPABASE_BREAKER_FAILURE_THRESHOLD", "9"),
    ]))
    .unwrap();
    let google = settings.google.unwrap();
    assert_eq!(google.project, "acme-data");
    assert_eq!(google.endpoint.as_deref(), Some("https://sm.example.com/"));
    assert_eq!(google.credentials, GoogleCredentials::File("/etc/key.json".into()));
    assert_eq!(google.upstream.breaker.failure_threshold, 2);
    assert_eq!(google.upstream.breaker.recovery_timeout, Duration::from_secs(7));
    assert!(SecretSettings::from_vars([]).unwrap().google.is_none());

    let refused = SecretSettings::from_vars(variables(&[
        ("GCP_PROJECT_ID", "acme-data"),
        ("EXTERNAL_DEP_BREAKER_FAILURE_THRESHOLD", "0"),
    ]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let settings = SecretSettings::from_vars(variables(&[("GCP_PROJECT_ID", "a/b")])).unwrap();
    assert_eq!(settings.store().unwrap_err().kind(), ErrorKind::InvalidRequest);
}
