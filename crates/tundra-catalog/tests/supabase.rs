//! The client of Supabase before something that only answers: what it sends, when it stops asking, and
//! that nobody sees the key.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tundra_catalog::{BreakerSettings, SupabaseCatalog, SupabaseSettings};
use tundra_core::{
    BreakerState, Catalog, CatalogError, CatalogStanding, Classify, ErrorKind, Retry, Scope,
    Secret, SourceId,
};
use tundra_test_services::{
    FaultProxy,
    proxy::{Fault, Reply, Rule},
};

const KEY: &str = "sb_secret_hush_hush";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.hush";

/// Nobody listens there, and nobody is asked.
fn proxy() -> FaultProxy {
    FaultProxy::start("http://127.0.0.1:1").unwrap()
}

fn settings(proxy: &FaultProxy, key: &str) -> SupabaseSettings {
    let mut settings = SupabaseSettings::new(&proxy.endpoint(), Secret::new(key));
    settings.upstream.timeout = Duration::from_millis(500);
    settings
}

fn catalog(settings: &SupabaseSettings) -> SupabaseCatalog {
    SupabaseCatalog::new(settings).unwrap()
}

fn no_rows() -> Fault {
    Fault::Reply(Reply::text(200, "application/json", "[]"))
}

fn down() -> Fault {
    Fault::Reply(Reply::text(503, "text/html", "<h1>no</h1>"))
}

#[tokio::test]
async fn a_project_is_asked_below_its_path_with_the_key_where_it_belongs() {
    let proxy = proxy();
    proxy.add(Rule::new(no_rows()));
    for key in [KEY, TOKEN] {
        let mut settings = settings(&proxy, key);
        settings.schema = Some("tundra".to_owned());
        catalog(&settings).ping().await.unwrap();
        let seen = proxy.seen().pop().unwrap();
        assert_eq!((&*seen.method, &*seen.path), ("GET", "/rest/v1/sources"));
        assert_eq!(seen.header("apikey"), Some(key));
        assert_eq!(seen.header("accept-profile"), Some("tundra"));
        assert!(seen.header("user-agent").unwrap().starts_with("tundra/"));
    }
    // The proxy records no `Authorization`; that a token is one, and a key is not, is tested beside the
    // client and, with a real server, in `postgresql`.
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_it_asks_for() {
    let proxy = proxy();
    let busy = Reply::text(429, "text/plain", "").with("Retry-After", "1");
    proxy.add(Rule::new(Fault::Reply(busy)).times(1));
    proxy.add(Rule::new(no_rows()));
    let began = Instant::now();
    catalog(&settings(&proxy, KEY)).ping().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    // Nobody waits for an hour.
    proxy.clear();
    let busy = Reply::text(429, "text/plain", "").with("Retry-After", "3600");
    proxy.add(Rule::new(Fault::Reply(busy)));
    let error = catalog(&settings(&proxy, KEY)).ping().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3600)));
}

#[tokio::test]
async fn the_breaker_opens_answers_at_once_tries_again_and_closes() {
    let proxy = proxy();
    proxy.add(Rule::new(down()));
    let recovery_timeout = Duration::from_millis(300);
    let mut settings = settings(&proxy, KEY);
    settings.upstream.breaker = BreakerSettings { failure_threshold: 5, recovery_timeout };
    let catalog = catalog(&settings);
    for _ in 0..2 {
        let error = catalog.ping().await.unwrap_err();
        assert!(error.reason.contains("503"), "{error}");
    }
    assert_eq!(proxy.seen().len(), 5);
    let standing = CatalogStanding { breaker: Some(BreakerState::Open), requests: 0 };
    assert_eq!(catalog.standing(), standing);
    let began = Instant::now();
    let error = catalog.ping().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(50));
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let expected = "has failed 5 times in a row; trying again in 1 s";
    assert!(error.reason.ends_with(expected), "{error}");
    assert!(matches!(error.retry(), Retry::After(wait) if wait <= recovery_timeout));
    assert_eq!(proxy.seen().len(), 5);

    // Half open: one is let through, and fails.
    let error = until_asked(&proxy, &catalog, 6).await.unwrap_err();
    assert!(error.reason.contains("503"), "{error}");
    let error = catalog.ping().await.unwrap_err();
    assert!(error.reason.contains("has failed 6 times in a row"), "{error}");

    proxy.clear();
    proxy.add(Rule::new(no_rows()));
    until_asked(&proxy, &catalog, 7).await.unwrap();
    for _ in 0..3 {
        catalog.ping().await.unwrap();
    }
    assert_eq!(catalog.standing().breaker, Some(BreakerState::Closed));
    assert_eq!(proxy.seen().len(), 10);
}

/// Asks until the server was asked so often.
async fn until_asked(
    proxy: &FaultProxy,
    catalog: &SupabaseCatalog,
    times: usize,
) -> Result<(), CatalogError> {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let result = catalog.ping().await;
        if proxy.seen().len() >= times {
            return result;
        }
        assert!(Instant::now() < limit, "it is not tried again");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn refusals_open_no_breaker() {
    let proxy = proxy();
    let refusal = r#"{"code":"42501","message":"permission denied for table sources"}"#;
    proxy.add(Rule::new(Fault::Reply(Reply::text(403, "application/json", refusal))));
    let catalog = catalog(&settings(&proxy, KEY));
    for _ in 0..9 {
        assert_eq!(catalog.ping().await.unwrap_err().kind, ErrorKind::PermissionDenied);
    }
    assert_eq!(proxy.seen().len(), 9);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (proxy, other) = (proxy(), proxy());
    let elsewhere = Reply::text(307, "text/plain", "").with("Location", &other.endpoint());
    proxy.add(Rule::new(Fault::Reply(elsewhere)));
    let error = catalog(&settings(&proxy, KEY)).ping().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(other.seen().is_empty());
}

/// What was written to the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_key_is_in_no_error_and_in_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    let refusal =
        format!(r#"{{"code":"PGRST301","message":"JWT {} is invalid"}}"#, "x".repeat(5000));
    for fault in [
        Fault::Reply(Reply::text(401, "application/json", &refusal)),
        down(),
        Fault::Reset,
        Fault::Truncate(1),
        Fault::Delay(Duration::from_millis(600)),
        Fault::Reply(Reply::text(200, "text/html", "<html>")),
    ] {
        let proxy = proxy();
        proxy.add(Rule::new(fault));
        for key in [KEY, TOKEN] {
            let settings = settings(&proxy, key);
            let catalog = catalog(&settings);
            // Often enough for the breaker.
            for _ in 0..3 {
                let error = catalog.source(&Scope::All, SourceId::generate()).await.unwrap_err();
                assert!(error.source.as_ref().is_none_or(|cause| cause.to_string().len() < 600));
                shown.push_str(&format!("{settings:?} {catalog:?} {error} {error:?}"));
            }
            shown.push_str(&catalog.display());
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("left alone"), "nothing was logged: {log}");
    for text in [shown, log] {
        assert!(!text.contains("hush"), "{text}");
    }
}
