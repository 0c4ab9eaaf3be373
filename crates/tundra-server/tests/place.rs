//! A directory with everything that a service keeps, over which services are begun and ended.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt as _;
use tundra_access::{Authenticator, MemoryKeys, NewKey, TokenSettings, TokenVerifier, issue};
use tundra_catalog::{FileSecrets, SqliteCatalog};
use tundra_connectors::{AddressPolicy, AllowedDirectories};
use tundra_core::{
    Catalog as _, NewSource, Resources, SchemaRule, Scope, Source, SourceId, SourceType, Version,
    VersionNumber, engine,
};
use tundra_jobs::{JobStore, WebhookSettings};
use tundra_runs::{Runs, Warehouse};
use tundra_server::{
    App, AppParts, Rates, Settings, Traces,
    tasks::{DatabaseRules, SecretRule, ThreadExecutor, Workshop},
};
use tundra_storage::{AllowedHosts, Layout, Reach, StoreSettings, Stores, UrlPolicy, UrlSettings};

use crate::support::Answer;

/// What is kept in a directory.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) catalog: Arc<SqliteCatalog>,
    keys: Arc<MemoryKeys>,
}

/// How a service is begun.
pub(crate) struct Opening {
    pub(crate) jobs: Option<Arc<dyn JobStore>>,
    pub(crate) webhooks: Option<WebhookSettings>,
    pub(crate) with_keys: bool,
    pub(crate) max_file_size: Option<u64>,
    pub(crate) traces: Option<Traces>,
    pub(crate) settings: Settings,
    /// Which secrets callers of one organisation may name.
    pub(crate) secrets: SecretRule,
    /// Whose tokens are taken.
    pub(crate) tokens: Option<TokenSettings>,
    /// To which networks connections to databases may go.
    pub(crate) addresses: AddressPolicy,
}

/// A service.
pub(crate) struct Desk {
    pub(crate) app: App,
    router: Router,
}

impl Default for Opening {
    fn default() -> Self {
        let settings = Settings { rates: Rates::UNLIMITED, ..Settings::default() };
        Self {
            jobs: None,
            webhooks: None,
            with_keys: false,
            max_file_size: None,
            traces: None,
            settings,
            secrets: SecretRule::default(),
            tokens: None,
            addresses: AddressPolicy::PublicOnly,
        }
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["warehouse", "temp", "databases"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        fs::write(directory.path().join("secrets.json"), "{}").unwrap();
        let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap();
        Self { directory, catalog: Arc::new(catalog), keys: Arc::default() }
    }

    /// Begins a service.
    pub(crate) async fn open(&self, opening: Opening) -> Desk {
        let Opening {
            jobs,
            webhooks,
            with_keys,
            max_file_size,
            traces,
            settings,
            secrets,
            tokens,
            addresses,
        } = opening;
        let place = self.directory.path();
        let stores = StoreSettings {
            urls: UrlSettings { hosts: Vec::new(), allow_private: true },
            ..StoreSettings::default()
        };
        let root = place.join("warehouse");
        let warehouse =
            Warehouse::new(root.to_str().unwrap(), Layout::standard(), Stores::new(stores));
        let workshop = Arc::new(Workshop {
            runs: Runs::new(self.catalog.clone(), warehouse.unwrap()),
            secrets: Arc::new(FileSecrets::file(place.join("secrets.json"))),
            databases: DatabaseRules {
                directories: AllowedDirectories::Only(vec![place.join("databases")]),
                secrets,
                addresses,
                ..DatabaseRules::default()
            },
            resources: Resources {
                threads: 1,
                temp_directory: place.join("temp"),
                ..engine::default_resources()
            },
            row_group_rows: None,
            max_file_size,
            timeout: None,
            urls: UrlPolicy { hosts: AllowedHosts::Any, reach: Reach::Private, max_size: None },
        });
        let executor = Arc::new(ThreadExecutor::new(Arc::clone(&workshop)));
        let authenticator = match (with_keys, tokens) {
            (false, None) => None,
            (true, None) => Some(Authenticator::new().with_keys(self.keys.clone())),
            (_, Some(tokens)) => {
                let tokens = TokenVerifier::new(tokens).unwrap();
                Some(Authenticator::new().with_keys(self.keys.clone()).with_tokens(tokens))
            }
        };
        let parts = AppParts {
            jobs,
            webhooks,
            authenticator,
            traces,
            settings,
            ..AppParts::new(workshop, executor)
        };
        let app = App::start(parts).await.unwrap();
        Desk { router: app.router(), app }
    }

    /// Makes a key; for all organisations when none is named.
    pub(crate) async fn key(&self, tenant: Option<&str>, actions: &str) -> String {
        let new = NewKey {
            name: "test".to_owned(),
            tenant: tenant.map(|tenant| tenant.parse().unwrap()),
            actions: actions.parse().unwrap(),
            expires_at: None,
        };
        let (key, _) = issue(&*self.keys, &new, SystemTime::now()).await.unwrap();
        key.reveal().expose().to_owned()
    }

    /// Adds a source that is read from its upload, which has this text now.
    pub(crate) async fn uploaded(&self, tenant: &str, text: &str) -> Source {
        let source = self.add(tenant, None).await;
        self.upload(&source, text);
        source
    }

    pub(crate) async fn add(&self, tenant: &str, location: Option<String>) -> Source {
        self.add_of(tenant, (SourceType::File, "csv"), location).await
    }

    /// Adds a source that is read from a database of SQLite.
    pub(crate) async fn add_database(&self, tenant: &str) -> Source {
        self.add_of(tenant, (SourceType::Database, "sqlite"), None).await
    }

    async fn add_of(
        &self,
        tenant: &str,
        (source_type, connector_type): (SourceType, &str),
        location: Option<String>,
    ) -> Source {
        let new = NewSource {
            id: SourceId::generate(),
            tenant: tenant.parse().unwrap(),
            name: None,
            source_type,
            connector_type: connector_type.to_owned(),
            location,
            schema_rule: SchemaRule::Any,
        };
        self.catalog.add_source(&new).await.unwrap()
    }

    /// Makes a database of SQLite with a table `t` of one row, and returns its file.
    pub(crate) fn database(&self, name: &str) -> PathBuf {
        let file = self.directory.path().join("databases").join(name);
        let database = rusqlite::Connection::open(&file).unwrap();
        let sql = "CREATE TABLE t (owner TEXT)";
        database.execute_batch(sql).unwrap();
        database.execute("INSERT INTO t VALUES (?1)", [name]).unwrap();
        file
    }

    /// Keeps secrets, in the place of those that there were.
    pub(crate) fn keep_secrets(&self, secrets: &Value) {
        let file = self.directory.path().join("secrets.json");
        let new = file.with_extension("new");
        fs::write(&new, secrets.to_string()).unwrap();
        fs::rename(new, file).unwrap();
    }

    pub(crate) fn upload(&self, source: &Source, text: &str) {
        let uploads = self.uploads(source);
        fs::create_dir_all(&uploads).unwrap();
        fs::write(uploads.join("in.csv"), text).unwrap();
    }

    /// Returns the directory of a source's uploads.
    pub(crate) fn uploads(&self, source: &Source) -> PathBuf {
        let bucket = format!("org-{}", source.tenant);
        self.directory
            .path()
            .join("warehouse")
            .join(bucket)
            .join("uploads")
            .join(source.id.to_string())
    }

    /// Returns every file in the directory of a source's uploads, those that are hidden, too.
    pub(crate) fn uploaded_files(&self, source: &Source) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.uploads(source)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Returns the versions of a source, the oldest first.
    pub(crate) async fn versions(&self, source: &Source) -> Vec<Version> {
        let source = self.again(source).await;
        let mut versions = self.catalog.versions(&source, None, 1000).await.unwrap();
        versions.reverse();
        versions
    }

    /// Reads the source anew.
    pub(crate) async fn again(&self, source: &Source) -> Source {
        self.catalog.source(&Scope::All, source.id).await.unwrap()
    }

    pub(crate) async fn version(&self, source: &Source, number: u32) -> Version {
        self.catalog.version(source, VersionNumber::new(number).unwrap()).await.unwrap()
    }
}

impl Desk {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.call("POST", path, &headers, Body::from(body.to_string())).await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let response = self.response(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request, and returns the answer with its body still to come.
    pub(crate) async fn response(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    /// Converts what was uploaded for a source, and waits for it.
    pub(crate) async fn convert(&self, source: &Source) -> Value {
        let request = json!({ "source_id": source.id.to_string() });
        self.post("/convert/file", &[], &request).await.ok()
    }
}

/// A server with one file, which it sends when it is told that it may.
pub(crate) struct LateFile {
    pub(crate) url: String,
    asked: watch::Receiver<u32>,
    may: watch::Sender<bool>,
}

#[derive(Clone)]
struct Late {
    text: &'static str,
    asked: Arc<watch::Sender<u32>>,
    may: watch::Receiver<bool>,
}

impl LateFile {
    pub(crate) async fn start(text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/late.csv", listener.local_addr().unwrap());
        let (asked, heard) = watch::channel(0);
        let (may, told) = watch::channel(false);
        let late = Late { text, asked: Arc::new(asked), may: told };
        let router = Router::new().fallback(send_late).with_state(late);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked: heard, may }
    }

    /// Waits until somebody asks for the file.
    pub(crate) async fn is_asked(&mut self) {
        let asked = self.asked.wait_for(|count| *count > 0);
        tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();
    }

    /// Lets everybody have the file.
    pub(crate) fn comes(&self) {
        self.may.send(true).unwrap();
    }
}

async fn send_late(State(mut late): State<Late>) -> Response {
    late.asked.send_modify(|count| *count += 1);
    match late.may.wait_for(|may| *may).await {
        Ok(_) => ([("etag", "\"1\"")], late.text).into_response(),
        Err(_) => StatusCode::GONE.into_response(),
    }
}
