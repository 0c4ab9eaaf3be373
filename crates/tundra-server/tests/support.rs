//! A service in a directory of its own, and a server of files that can be slow.

mod files;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use tundra_access::{Authenticator, MemoryKeys, NewKey, issue};
use tundra_catalog::{FileSecrets, SqliteCatalog};
use tundra_connectors::{AddressPolicy, AllowedDirectories};
use tundra_core::{
    Catalog as _, NewSource, Resources, SchemaRule, Scope, Source, SourceId, SourceType, Version,
    VersionStatus, engine,
};
use tundra_runs::{Runs, Warehouse};
use tundra_server::{
    App, AppParts, Rates, Settings,
    tasks::{DatabaseRules, ThreadExecutor, Workshop},
};
use tundra_storage::{AllowedHosts, Layout, Reach, StoreSettings, Stores, UrlPolicy, UrlSettings};

pub(crate) use self::files::FileServer;

/// Whose sources there are when nobody says.
pub(crate) const TENANT: &str = "acme";

/// A service, with everything that it needs in a directory.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) directory: TempDir,
    pub(crate) catalog: Arc<SqliteCatalog>,
    pub(crate) app: App,
    router: Router,
    keys: Arc<MemoryKeys>,
}

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// As JSON; as a text where it is none.
    pub(crate) body: Value,
}

/// What differs from a service that asks nobody who they are and has no limits.
#[derive(Debug)]
pub(crate) struct Wishes {
    pub(crate) settings: Settings,
    pub(crate) row_group_rows: Option<u64>,
    pub(crate) max_file_size: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) with_keys: bool,
    pub(crate) urls: UrlPolicy,
    /// Which databases may be connected to.
    pub(crate) addresses: AddressPolicy,
    /// Whether files of SQLite may be read from the directory.
    pub(crate) sqlite: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        let settings = Settings { rates: Rates::UNLIMITED, ..Settings::default() };
        Self {
            settings,
            row_group_rows: None,
            max_file_size: None,
            timeout: None,
            with_keys: false,
            urls: UrlPolicy { hosts: AllowedHosts::Any, reach: Reach::Private, max_size: None },
            addresses: AddressPolicy::default(),
            sqlite: true,
        }
    }
}

impl Service {
    pub(crate) async fn new() -> Self {
        Self::with(Wishes::default()).await
    }

    pub(crate) async fn with(wishes: Wishes) -> Self {
        let Wishes {
            settings,
            row_group_rows,
            max_file_size,
            timeout,
            with_keys,
            urls,
            addresses,
            sqlite,
        } = wishes;
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        for name in ["warehouse", "databases", "temp"] {
            fs::create_dir(place.join(name)).unwrap();
        }
        fs::write(place.join("secrets.json"), "{}").unwrap();
        let catalog = Arc::new(SqliteCatalog::open(place.join("catalog.db")).await.unwrap());
        let stores = StoreSettings {
            urls: UrlSettings { hosts: Vec::new(), allow_private: true },
            ..StoreSettings::default()
        };
        let root = place.join("warehouse");
        let warehouse =
            Warehouse::new(root.to_str().unwrap(), Layout::standard(), Stores::new(stores))
                .unwrap();
        let directories = match sqlite {
            true => AllowedDirectories::Only(vec![place.join("databases")]),
            false => AllowedDirectories::Nothing,
        };
        let workshop = Arc::new(Workshop {
            runs: Runs::new(catalog.clone(), warehouse),
            secrets: Arc::new(FileSecrets::file(place.join("secrets.json"))),
            databases: DatabaseRules { addresses, directories, ..DatabaseRules::default() },
            resources: Resources {
                threads: 1,
                temp_directory: place.join("temp"),
                ..engine::default_resources()
            },
            row_group_rows,
            max_file_size,
            timeout,
            urls,
        });
        let keys = Arc::new(MemoryKeys::default());
        let executor = Arc::new(ThreadExecutor::new(Arc::clone(&workshop)));
        let app = App::start(AppParts {
            authenticator: with_keys.then(|| Authenticator::new().with_keys(keys.clone())),
            settings,
            ..AppParts::new(workshop, executor)
        })
        .await
        .unwrap();
        Self { directory, catalog, router: app.router(), app, keys }
    }

    /// Makes a key of an organisation that may do everything there.
    pub(crate) async fn key(&self, tenant: &str, actions: &str) -> String {
        let new = NewKey {
            name: "test".to_owned(),
            tenant: Some(tenant.parse().unwrap()),
            actions: actions.parse().unwrap(),
            expires_at: None,
        };
        let (key, _) = issue(&*self.keys, &new, SystemTime::now()).await.unwrap();
        key.reveal().expose().to_owned()
    }

    /// Keeps secrets, in the place of those that there were.
    pub(crate) fn keep_secrets(&self, secrets: &Value) {
        // A file that is replaced is another file, however soon that is.
        let file = self.directory.path().join("secrets.json");
        let new = file.with_extension("new");
        fs::write(&new, secrets.to_string()).unwrap();
        fs::rename(new, file).unwrap();
    }

    /// Adds a source that is read from its upload, which has this text now.
    pub(crate) async fn uploaded(&self, name: &str, text: impl AsRef<[u8]>) -> Source {
        let source = self.add(TENANT, name, SourceType::File, "csv", None).await;
        self.upload(&source, "in.csv", text);
        source
    }

    pub(crate) async fn add(
        &self,
        tenant: &str,
        name: &str,
        source_type: SourceType,
        connector_type: &str,
        location: Option<String>,
    ) -> Source {
        let new = NewSource {
            id: SourceId::generate(),
            tenant: tenant.parse().unwrap(),
            name: Some(name.to_owned()),
            source_type,
            connector_type: connector_type.to_owned(),
            location,
            schema_rule: SchemaRule::Any,
        };
        self.catalog.add_source(&new).await.unwrap()
    }

    pub(crate) fn upload(&self, source: &Source, name: &str, text: impl AsRef<[u8]>) {
        let uploads = self.bucket(source).join("uploads").join(source.id.to_string());
        fs::create_dir_all(&uploads).unwrap();
        fs::write(uploads.join(name), text).unwrap();
    }

    pub(crate) fn bucket(&self, source: &Source) -> PathBuf {
        self.directory.path().join("warehouse").join(format!("org-{}", source.tenant))
    }

    /// Returns the file of a version's data.
    pub(crate) fn data(&self, source: &Source, version: u32) -> PathBuf {
        let id = source.id.to_string();
        let version = format!("v{version}");
        self.bucket(source).join("processed").join(id).join(version).join("data.parquet")
    }

    /// Makes a database of SQLite, and returns its file.
    pub(crate) fn database(&self, name: &str, sql: &str) -> PathBuf {
        let file = self.directory.path().join("databases").join(name);
        let database = rusqlite::Connection::open(&file).unwrap();
        database.execute_batch(sql).unwrap();
        file
    }

    /// Returns the versions of a source, the oldest first.
    pub(crate) async fn versions(&self, source: &Source) -> Vec<Version> {
        let source = self.catalog.source(&Scope::All, source.id).await.unwrap();
        let mut versions = self.catalog.versions(&source, None, 100).await.unwrap();
        versions.reverse();
        versions
    }

    /// Waits until the newest version of a source has this status, and returns it.
    pub(crate) async fn until(&self, source: &Source, status: VersionStatus) -> Version {
        let looking = async {
            loop {
                if let Some(version) = self.versions(source).await.pop()
                    && version.status == status
                {
                    return version;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looking).await.expect("it comes to that")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.send(request(path, headers, body)).await
    }

    /// Sends a request to the router.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Returns the router, for whoever sends by himself.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }
}

/// Makes a request with a body of JSON.
pub(crate) fn request(path: &str, headers: &[(&str, &str)], body: &Value) -> Request<Body> {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_string())).unwrap()
}

impl Answer {
    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Checks that it is a failure of this status and code, in the form that failures have, and returns its
    /// text.
    #[track_caller]
    pub(crate) fn failure(&self, status: u16, code: &str) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert!(self.body["hints"].is_array(), "{}", self.body);
        assert!(self.body["request_id"].is_string(), "{}", self.body);
        self.body["detail"].as_str().expect("a failure has a text")
    }
}

/// Reads a column of texts or numbers of a Parquet file with another reader.
pub(crate) fn column(file: &Path, name: &str) -> Vec<String> {
    use parquet::{file::reader::SerializedFileReader, record::Field};

    let reader = SerializedFileReader::try_from(file).unwrap();
    let mut values = Vec::new();
    for row in reader {
        let row = row.unwrap();
        let (_, field) = row.get_column_iter().find(|(column, _)| *column == name).unwrap();
        values.push(match field {
            Field::Str(text) => text.clone(),
            other => other.to_string(),
        });
    }
    values
}
