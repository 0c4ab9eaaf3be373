//! A stand-in for Google: Secret Manager by its REST reference, a metadata server, and a server of
//! tokens.
//!
//! It speaks plain HTTP/1.1 on this machine and can also answer with whatever a test wants.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tundra_catalog::{GoogleCredentials, GoogleSecrets, GoogleSettings};

/// The project that there is.
pub(super) const PROJECT: &str = "acme-data";
/// The path of the metadata server's token.
pub(super) const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// What came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path and the query.
    pub(super) target: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

/// What goes back instead of what a good server answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// This status, with headers and a body.
    Plain(u16, &'static str, String),
    /// The beginning of a body that is announced as longer, and then the end of the connection.
    Cut(String),
    /// Nothing, while the connection stays.
    Silence,
}

/// The latest version of a secret.
#[derive(Debug, Clone)]
pub(super) enum Version {
    Enabled(Vec<u8>),
    Disabled,
    Destroyed,
}

/// What tests see and change.
#[derive(Debug, Default)]
struct State {
    secrets: HashMap<String, Version>,
    /// What is answered first, to requests whose target begins so.
    scripted: VecDeque<(&'static str, Answer)>,
    seen: Vec<Request>,
    /// How many tokens were given. They are named `token-1` and so on.
    tokens: usize,
}

/// A stand-in that runs until it is dropped.
pub(super) struct Google {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Google {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, task }
    }

    /// A stand-in with one secret.
    pub(super) async fn with(name: &str, value: &str) -> Self {
        let google = Self::start().await;
        google.put(name, value);
        google
    }

    pub(super) fn put(&self, name: &str, value: &str) {
        self.put_version(name, Version::Enabled(value.into()));
    }

    pub(super) fn put_version(&self, name: &str, version: Version) {
        self.state().secrets.insert(name.to_owned(), version);
    }

    /// Answers the next request whose target begins so like this.
    pub(super) fn script(&self, begin: &'static str, answer: Answer) {
        self.state().scripted.push_back((begin, answer));
    }

    /// Answers the next request for a secret like this.
    pub(super) fn next(&self, status: u16, body: impl Into<String>) {
        self.script("/v1/", Answer::Plain(status, "", body.into()));
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What came whose target begins so.
    pub(super) fn seen(&self, begin: &str) -> Vec<Request> {
        let state = self.state();
        state.seen.iter().filter(|request| request.target.starts_with(begin)).cloned().collect()
    }

    /// How often a secret was asked for.
    pub(super) fn accesses(&self) -> usize {
        self.seen("/v1/").len()
    }

    /// Settings that lead here, as the account of the machine.
    pub(super) fn settings(&self) -> GoogleSettings {
        GoogleSettings {
            endpoint: Some(self.url()),
            credentials: GoogleCredentials::MetadataServer(self.url()),
            ..GoogleSettings::new(PROJECT)
        }
    }

    pub(super) fn secrets(&self) -> GoogleSecrets {
        GoogleSecrets::new(self.settings()).unwrap()
    }

    /// A store that tries once.
    pub(super) fn secrets_at_once(&self) -> GoogleSecrets {
        let mut settings = self.settings();
        settings.upstream.tries = 1;
        GoogleSecrets::new(settings).unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error as Google's REST APIs give it.
pub(super) fn failure(code: u16, status: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message, "status": status}}).to_string()
}

/// An answer with a value and this checksum.
pub(super) fn access(name: &str, value: &[u8], checksum: u32) -> Value {
    json!({
        "name": format!("projects/123456789/secrets/{name}/versions/7"),
        "payload": {
            "data": BASE64_STANDARD.encode(value),
            "dataCrc32c": checksum.to_string(),
        },
    })
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let scripted =
            self.scripted.iter().position(|(begin, _)| request.target.starts_with(begin));
        if let Some((_, answer)) = scripted.and_then(|at| self.scripted.remove(at)) {
            return answer;
        }
        let path = request.target.split('?').next().unwrap();
        let (status, body) = match path {
            METADATA if request.headers.get("metadata-flavor").is_some_and(|f| f == "Google") => {
                (200, self.token())
            }
            "/computeMetadata/v1/universe/universe-domain" => (200, "googleapis.com".to_owned()),
            "/token" | "/sts" if request.method == "POST" => (200, self.token()),
            path => self.secret(path, request),
        };
        Answer::Plain(status, "", body)
    }

    fn token(&mut self) -> String {
        self.tokens += 1;
        json!({
            "access_token": format!("token-{}", self.tokens),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        })
        .to_string()
    }

    fn secret(&self, path: &str, request: &Request) -> (u16, String) {
        let resource = path.strip_prefix("/v1/projects/").and_then(|rest| {
            let (project, rest) = rest.split_once("/secrets/")?;
            Some((project, rest.strip_suffix("/versions/latest:access")?))
        });
        let Some((project, name)) = resource.filter(|_| request.method == "GET") else {
            return (404, "<html>Not Found</html>".to_owned());
        };
        let bearer = request.headers.get("authorization").map(String::as_str).unwrap_or_default();
        if bearer.strip_prefix("Bearer ").is_none_or(str::is_empty) {
            let message = "Request is missing required authentication credential.";
            return (401, failure(401, "UNAUTHENTICATED", message));
        }
        let version = format!("projects/123456789/secrets/{name}/versions/7");
        match self.secrets.get(name).filter(|_| project == PROJECT) {
            Some(Version::Enabled(value)) => {
                (200, access(name, value, crc32c::crc32c(value)).to_string())
            }
            Some(Version::Disabled) => {
                let message = format!("Secret Version [{version}] is in DISABLED state.");
                (400, failure(400, "FAILED_PRECONDITION", &message))
            }
            Some(Version::Destroyed) => {
                let message = format!("Secret Version [{version}] is in DESTROYED state.");
                (400, failure(400, "FAILED_PRECONDITION", &message))
            }
            None => {
                let message = format!(
                    "Secret [projects/123456789/secrets/{name}] not found or has no versions."
                );
                (404, failure(404, "NOT_FOUND", &message))
            }
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let answer = {
            let mut state = state.lock().unwrap();
            state.seen.push(request.clone());
            state.answer(&request)
        };
        let (status, headers, body, more) = match answer {
            Answer::Plain(status, headers, body) => (status, headers, body, 0),
            Answer::Cut(body) => (200, "", body, 1),
            Answer::Silence => {
                // Until the other side goes away.
                let _ = stream.read(&mut [0]).await;
                return;
            }
        };
        let length = body.len() + more;
        let head =
            format!("HTTP/1.1 {status} Some Reason\r\nContent-Length: {length}\r\n{headers}\r\n");
        let sent = stream.get_mut().write_all(format!("{head}{body}").as_bytes()).await;
        if sent.is_err() || more > 0 {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Request { method, target, headers, body })
}
