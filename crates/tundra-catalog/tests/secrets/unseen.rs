//! No value shows in any log, whatever is turned on.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tracing::level_filters::LevelFilter;
use tundra_catalog::{CachedSecrets, EnvironmentSecrets, FileSecrets, SecretChain};
use tundra_core::SecretStore;

use super::{
    VALUE, child, error,
    files::Log,
    get,
    secret_manager::{Google, access},
};

#[test]
fn no_log_has_a_value_even_when_googles_client_is_told_to_log_its_answers() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [("GOOGLE_CLOUD_RUST_LOGGING", "true"), ("RUST_LOG", "trace")];
    let printed = child::play_with("unseen", directory.path(), &variables);
    assert!(
        printed.contains("TRACE") || printed.contains("DEBUG"),
        "nothing was logged: {printed}"
    );
    for form in [VALUE.to_owned(), format!("{:?}", VALUE.as_bytes()), BASE64_STANDARD.encode(VALUE)]
    {
        assert!(!printed.contains(&form), "{form} is in {printed}");
    }
}

/// Scenario: every store is used, in good and bad conditions, while everything is logged. Prints the
/// log.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub(super) async fn with_a_log_of_everything(directory: &Path) {
    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(|| Log(&LOG))
        .init();

    let file = directory.join("all.json");
    fs::write(&file, format!(r#"{{"file": {{"password": "{VALUE}"}}, "list": ["{VALUE}"]}}"#))
        .unwrap();
    fs::write(directory.join("each"), VALUE).unwrap();
    let broken = directory.join("broken.json");
    fs::write(&broken, format!(r#"{{"a": "{VALUE}" "{VALUE}"}}"#)).unwrap();
    let variable = ("TUNDRA_SECRET_VARIABLE".to_owned(), VALUE.to_owned());
    let google = Google::with("google", VALUE).await;
    let remote = Arc::new(CachedSecrets::new(Arc::new(google.secrets()), Duration::ZERO));
    let stores: [Arc<dyn SecretStore>; 4] = [
        Arc::new(EnvironmentSecrets::from_vars([variable])),
        Arc::new(FileSecrets::file(&file)),
        Arc::new(FileSecrets::directory(directory)),
        remote,
    ];
    let secrets = SecretChain::new(stores);
    for name in ["variable", "file", "each", "google"] {
        for _ in 0..2 {
            get(&secrets, name).await;
        }
        secrets.forget(name).await;
    }
    error(secrets.get("list").await);
    error(FileSecrets::file(broken).get("a").await);
    error(secrets.get(&format!("{VALUE}@")).await);

    let wrong = access("google", VALUE.as_bytes(), 1).to_string();
    for (code, body) in [
        (200, wrong),
        (200, format!(r#"{{"payload": "{VALUE}"}}"#)),
        (200, format!(r#"{{"payload": {{"data": 1, "x": "{VALUE}"}}}}"#)),
        (404, format!("<html>{VALUE}</html>")),
        (503, VALUE.to_owned()),
    ] {
        google.next(code, body);
        error(google.secrets_at_once().get("google").await);
    }
    tracing::debug!("the last line of the log");
    println!("{}", String::from_utf8_lossy(&LOG.lock().unwrap()));
    println!("{secrets:?} {secrets:#?}");
}
