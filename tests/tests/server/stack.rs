//! Everything that a server has around it: [`Stack`].

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;
use tundra_catalog::SUPABASE_MIGRATIONS;
use tundra_core::SourceId;
use tundra_test_services::{Database, PostgRest, S3, Supabase, env};
use tundra_tests::{
    parquet::{self, Contents},
    program,
    server::Server,
};

/// What Postrust needs and PostgREST does not: in a change it compares the values of a filter as `text`,
/// which PostgreSQL does not do with an enumeration.
const FOR_POSTRUST: &str = "
    CREATE FUNCTION status_is(source_version_status, text) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
    CREATE OPERATOR = (
        LEFTARG = source_version_status, RIGHTARG = text, FUNCTION = status_is
    )";

/// What the project signs the tokens of its users with.
pub(super) const TOKEN_SECRET: &str = "what-the-tests-sign-their-tokens-with";

/// A server that callers need not say anything to, for all tests but those of who asks.
pub(super) const ASKS_NOBODY: [&str; 2] = ["--authentication", "off"];

/// A project at Supabase with the tables of the catalog, the bucket of an organisation, and a folder with the
/// secrets, the files of SQLite and what a server keeps. All of it ends with the test, but for the bucket,
/// which ends with Garage.
pub(super) struct Stack {
    /// The organisation whose bucket there is.
    pub(super) org: String,
    /// Its bucket.
    pub(super) bucket: S3,
    /// The project.
    pub(super) supabase: Supabase,
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Stack {
    pub(super) async fn new() -> Self {
        // In one go: each of them would be a program that is started.
        let sql = [SUPABASE_MIGRATIONS[0].1, SUPABASE_MIGRATIONS[1].1, FOR_POSTRUST].concat();
        let supabase = Supabase::start(PostgRest::start(&[&sql]).unwrap()).unwrap();
        let org = SourceId::generate().to_string();
        let bucket = env::garage().unwrap().with_bucket(format!("org-{org}"));
        bucket.request("PUT", "", &[], "").await.unwrap().success().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "temp", "secrets", "databases"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
        let text = str::to_owned;
        let variables = vec![
            ("PATH", text("/usr/bin:/bin")),
            ("HOME", path("home")),
            ("TMPDIR", path("temp")),
            // As the documents of 4.0 set them.
            ("ENV", text("dev")),
            ("SUPABASE_URL", supabase.url()),
            ("SUPABASE_SECRET_KEY", text(supabase.secret_key())),
            ("SUPABASE_JWT_SECRET", text(TOKEN_SECRET)),
            // R2 has no other address here than that of Garage, whose region is not R2's.
            ("TUNDRA_WAREHOUSE", text("s3://")),
            ("AWS_ENDPOINT_URL", bucket.endpoint.clone()),
            ("AWS_REGION", bucket.region.clone()),
            ("AWS_ACCESS_KEY_ID", bucket.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", bucket.secret.clone()),
            ("TUNDRA_SECRETS_DIRECTORY", path("secrets")),
            // Everything is on this machine.
            ("TUNDRA_DATABASE_ALLOW_PRIVATE", text("true")),
            ("TUNDRA_DATABASE_DIRECTORIES", path("databases")),
            ("TUNDRA_URL_ALLOW_PRIVATE", text("true")),
            ("TUNDRA_URL_HOSTS", text("127.0.0.1")),
            // Whoever walks through everything asks more often than callers may.
            ("TUNDRA_RATE_CONVERT", text("0")),
            ("TUNDRA_RATE_INFER", text("0")),
            ("TUNDRA_RATE_TEST_CONNECTION", text("0")),
            // As many on every machine.
            ("DUCKDB_THREADS", text("1")),
            ("MAX_CONCURRENT_RUNS", text("2")),
        ];
        Self { org, bucket, supabase, folder, variables }
    }

    /// Sets a variable for the programs that are started from now on; none for an empty value.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }

    /// Returns the program, which sees nothing of the developer's environment.
    pub(super) fn tundra(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::tundra().unwrap());
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.envs(self.variables.iter().filter(|(_, value)| !value.is_empty()).cloned());
        command
    }

    /// Runs the program and returns what it printed.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> String {
        let output = self.tundra(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Starts a server that asks nobody who they are.
    pub(super) fn serve(&self) -> Server {
        self.serve_with(&ASKS_NOBODY)
    }

    /// Starts a server with these options.
    #[track_caller]
    pub(super) fn serve_with(&self, options: &[&str]) -> Server {
        let arguments = [&["serve", "--port", "0"], options].concat();
        Server::start(&mut self.tundra(&arguments)).unwrap()
    }

    /// Returns a URL that is signed for reading an object, or for writing it.
    pub(super) fn signed(&self, key: &str, method: &str) -> String {
        let location = format!("s3://{}/{key}", self.bucket.bucket);
        match method {
            "PUT" => self.run(&["presign", &location, "--put"]),
            _ => self.run(&["presign", &location]),
        }
    }

    /// Returns the tables of the catalog.
    pub(super) fn catalog(&self) -> &Database {
        self.supabase.rest().database()
    }

    /// Adds a source as the front end of 4.0 does, by the columns that 4.0 has.
    pub(super) fn add(&self, source_type: &str, connector_type: &str) -> String {
        self.add_for(&self.org, source_type, connector_type)
    }

    /// Adds a source of any organisation.
    pub(super) fn add_for(&self, org: &str, source_type: &str, connector_type: &str) -> String {
        let id = SourceId::generate().to_string();
        self.catalog()
            .run(&format!(
                "INSERT INTO sources (id, org_id, source_type, connector_type)
                 VALUES ('{id}', '{org}', '{source_type}', '{connector_type}')"
            ))
            .unwrap();
        id
    }

    /// Adds a source of a file that was uploaded.
    pub(super) async fn uploaded(
        &self,
        format: &str,
        name: &str,
        bytes: impl AsRef<[u8]>,
    ) -> String {
        let id = self.add("file", format);
        self.put(&format!("uploads/{id}/{name}"), bytes).await;
        id
    }

    pub(super) async fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref().to_vec();
        self.bucket.request("PUT", key, &[], bytes).await.unwrap().success().unwrap();
    }

    pub(super) async fn get(&self, key: &str) -> Vec<u8> {
        let answer = self.bucket.request("GET", key, &[], "").await.unwrap();
        answer.success().unwrap().body.to_vec()
    }

    /// Returns the objects of a source below `uploads`, `raw` and `processed`, with `ID` for its id.
    pub(super) async fn objects(&self, id: &str) -> Vec<String> {
        let all = self.bucket.keys("").await.unwrap();
        let own = all.iter().filter(|key| key.contains(id));
        own.map(|key| key.replace(id, "ID")).collect()
    }

    /// Keeps a secret under a name.
    pub(super) fn keep_secret(&self, name: &str, value: &Value) {
        fs::write(self.folder.path().join("secrets").join(name), value.to_string()).unwrap();
    }

    /// Returns the path of a file in which callers may name a database of SQLite.
    pub(super) fn database_file(&self, name: &str) -> PathBuf {
        self.folder.path().join("databases").join(name)
    }

    /// Returns the row of a source.
    pub(super) fn source(&self, id: &str) -> Value {
        let sql = format!("SELECT row_to_json(sources) FROM sources WHERE id = '{id}'");
        serde_json::from_str(&self.catalog().run(&sql).unwrap()).unwrap()
    }

    /// Returns the rows of a source's versions, the oldest first.
    pub(super) fn versions(&self, id: &str) -> Vec<Value> {
        let sql = format!(
            "SELECT row_to_json(source_versions) FROM source_versions
             WHERE source_id = '{id}' ORDER BY version"
        );
        let rows = self.catalog().run(&sql).unwrap();
        rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// Returns the numbers and statuses of a source's versions, the oldest first.
    pub(super) fn statuses(&self, id: &str) -> Vec<(u64, String)> {
        let versions = self.versions(id);
        let told = versions.iter().map(|version| {
            (version["version"].as_u64().unwrap(), version["status"].as_str().unwrap().to_owned())
        });
        told.collect()
    }

    /// Reads an object with PyArrow.
    pub(super) async fn parquet(&self, key: &str) -> Contents {
        let file = self.folder.path().join("read.parquet");
        fs::write(&file, self.get(key).await).unwrap();
        parquet::read(&file).unwrap()
    }

    /// Reads the data of a version with PyArrow.
    pub(super) async fn data(&self, id: &str, version: u64) -> Contents {
        self.parquet(&format!("processed/{id}/v{version}/data.parquet")).await
    }

    /// Checks that a conversion is told as the documents of 4.0 have it, that its version is what the catalog
    /// has as the current one with the same figures, and that the data is where it belongs. Returns the data.
    pub(super) async fn proven(&self, id: &str, answer: &Value, source_type: &str) -> Contents {
        let metadata = &answer["metadata"];
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(metadata["source_type"], source_type, "{answer}");
        let number = metadata["version"].as_u64().unwrap();
        let contents = self.data(id, number).await;
        let bytes = self.get(&format!("processed/{id}/v{number}/data.parquet")).await.len();
        assert_eq!(metadata["rows"], contents.rows.len(), "{answer}");
        assert_eq!(metadata["columns"], contents.columns.len(), "{answer}");
        let fields = metadata["column_schema"]["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(names, contents.names(), "{answer}");
        assert!(metadata["file_size_mb"].as_f64().unwrap() > 0.0, "{answer}");
        assert!(metadata["processing_time_seconds"].as_f64().unwrap() > 0.0, "{answer}");

        let version = self.versions(id).pop().unwrap();
        let told = json!({
            "version": number, "status": "active", "row_count": contents.rows.len(),
            "column_count": contents.columns.len(), "file_size_bytes": bytes, "error_message": null,
        });
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(&version[name], value, "{name}: {version}");
        }
        assert!(version["processing_time_seconds"].as_f64().unwrap() > 0.0, "{version}");
        assert_eq!(self.source(id)["current_version"], number);
        contents
    }
}

/// Returns the credentials of a database, as `POST /test/database-connection` takes them, from a URL such as
/// `postgres://user:password@host:port/database`.
pub(super) fn credentials(url: &str) -> Value {
    let (_, rest) = url.split_once("://").unwrap();
    let (who, place) = rest.rsplit_once('@').unwrap();
    let (user, password) = who.split_once(':').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    json!({
        "host": host, "port": port.parse::<u16>().unwrap(), "database": database,
        "username": user, "password": password,
    })
}

/// Returns a document with other values for some of its fields.
pub(super) fn but(document: &Value, changes: Value) -> Value {
    let mut document = document.clone();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    document.as_object_mut().unwrap().extend(changes);
    document
}
