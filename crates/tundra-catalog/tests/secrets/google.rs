//! Google Secret Manager, by Google's client against a stand-in: what it reads, how often, and how
//! it goes on when a secret is replaced.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tundra_catalog::{CachedSecrets, GoogleSecrets};
use tundra_core::{Classify as _, ErrorKind, SecretStore as _, testing::secrets::run_all};

use super::{
    VALUE,
    conformance::HELD,
    error, get,
    secret_manager::{Answer, Google, METADATA, Version, access, failure},
};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn google_conforms() {
    let google = Google::with(HELD.name, HELD.value).await;
    run_all(&google.secrets(), HELD).await;
    run_all(&CachedSecrets::new(Arc::new(google.secrets()), HOUR), HELD).await;
}

#[tokio::test]
async fn the_latest_version_is_asked_for_with_the_token_of_the_machine() {
    let google = Google::with("warehouse", VALUE).await;
    let secrets = google.secrets();
    assert!(google.seen("").is_empty(), "something was asked before a secret was");
    for _ in 0..3 {
        assert_eq!(get(&secrets, "warehouse").await, VALUE);
    }
    let asked = google.seen("/v1/");
    assert_eq!(asked.len(), 3);
    let (target, _) = asked[0].target.split_once('?').unwrap();
    assert_eq!(target, "/v1/projects/acme-data/secrets/warehouse/versions/latest:access");
    assert_eq!(asked[0].method, "GET");
    assert_eq!(asked[0].headers["authorization"], "Bearer token-1");
    // One token is enough for all.
    assert_eq!(google.seen(METADATA).len(), 1);
    assert!(!format!("{secrets:?}").contains("token-1"));
}

#[tokio::test]
async fn a_value_is_taken_up_to_64_kib() {
    let google = Google::with("longest", &"é".repeat(32 << 10)).await;
    assert_eq!(get(&google.secrets(), "longest").await, "é".repeat(32 << 10));
}

#[tokio::test]
async fn a_service_that_sends_no_checksum_is_believed() {
    let google = Google::start().await;
    let mut answer = access("warehouse", VALUE.as_bytes(), 0);
    answer["payload"].as_object_mut().unwrap().remove("dataCrc32c");
    google.next(200, answer.to_string());
    assert_eq!(get(&google.secrets(), "warehouse").await, VALUE);
}

#[tokio::test]
async fn a_cached_secret_costs_one_request_however_many_want_it() {
    let google = Google::with("warehouse", VALUE).await;
    let cached = CachedSecrets::new(Arc::new(google.secrets()), HOUR);
    for value in join_all((0..50).map(|_| get(&cached, "warehouse"))).await {
        assert_eq!(value, VALUE);
    }
    for _ in 0..50 {
        get(&cached, "warehouse").await;
    }
    assert_eq!(google.accesses(), 1);
    for got in join_all((0..50).map(|_| cached.get("missing"))).await {
        assert_eq!(error(got).kind(), ErrorKind::NotFound);
    }
    assert_eq!(google.accesses(), 2);
    // What was missing is looked for again: somebody may have added it.
    google.put("missing", "found");
    assert_eq!(get(&cached, "missing").await, "found");
}

#[tokio::test]
async fn a_replaced_secret_is_had_after_the_old_one_was_refused_and_forgotten() {
    let google = Google::with("warehouse", "old").await;
    let cached = CachedSecrets::new(Arc::new(google.secrets()), HOUR);
    // A database that refuses the old password as soon as there is a new one.
    let connect = |password: &str| password == "new";
    let mut password = get(&cached, "warehouse").await;
    assert_eq!(password, "old");
    google.put("warehouse", "new");
    assert_eq!(get(&cached, "warehouse").await, "old");
    if !connect(&password) {
        cached.forget("warehouse").await;
        password = get(&cached, "warehouse").await;
    }
    assert!(connect(&password));
    assert_eq!(google.accesses(), 2);
}

#[tokio::test]
async fn passing_failures_are_tried_again() {
    let google = Google::with("warehouse", VALUE).await;
    let secrets = google.secrets();
    let unavailable = failure(503, "UNAVAILABLE", "The service is currently unavailable.");
    google.next(503, unavailable);
    google.next(500, "<html>Internal Server Error</html>");
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    assert_eq!(google.accesses(), 3);

    let quota = failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded.");
    google.script("/v1/", Answer::Plain(429, "Retry-After: 0\r\n", quota));
    google.next(200, access("warehouse", VALUE.as_bytes(), 1).to_string());
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    assert_eq!(google.accesses(), 6);

    google.script("/v1/", Answer::Cut("{".to_owned()));
    google.next(200, "garbage");
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    assert_eq!(google.accesses(), 9);
}

#[tokio::test]
async fn lasting_failures_are_not_tried_again() {
    let google = Google::start().await;
    google.put_version("disabled", Version::Disabled);
    let secrets = google.secrets();
    for name in ["missing", "disabled"] {
        error(secrets.get(name).await);
    }
    google.next(403, failure(403, "PERMISSION_DENIED", "Permission denied."));
    error(secrets.get("missing").await);
    assert_eq!(google.accesses(), 3);
}

#[tokio::test]
async fn a_service_that_keeps_failing_is_left_alone_for_a_while() {
    let google = Google::with("warehouse", VALUE).await;
    let mut settings = google.settings();
    settings.upstream.tries = 1;
    settings.upstream.breaker.failure_threshold = 2;
    settings.upstream.breaker.recovery_timeout = Duration::from_millis(300);
    let secrets = GoogleSecrets::new(settings).unwrap();
    // What the service refuses is no failure of the service.
    for _ in 0..3 {
        assert_eq!(error(secrets.get("missing").await).kind(), ErrorKind::NotFound);
    }
    for _ in 0..2 {
        google.next(503, "");
        error(secrets.get("warehouse").await);
    }
    let open = error(secrets.get("warehouse").await);
    assert_eq!(open.kind(), ErrorKind::Unavailable);
    assert_eq!(
        open.to_string(),
        "could not read the secret `warehouse`: Google Secret Manager has failed 2 times in a row; \
         trying again in 1 s"
    );
    assert_eq!(google.accesses(), 5);
    let began = std::time::Instant::now();
    while secrets.get("warehouse").await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is left alone for ever");
        tokio::task::yield_now().await;
    }
    assert_eq!(google.accesses(), 6);
}
