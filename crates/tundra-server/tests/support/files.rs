//! A server of files by HTTP, as a store that was asked with signed URLs is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Notify};

/// A server of files on this machine. It ends with the runtime.
#[derive(Debug, Clone)]
pub(crate) struct FileServer {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<HashMap<String, Bytes>>,
    /// Somebody asked for a file that never comes.
    asked: Notify,
}

impl FileServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Puts a file there, and returns a URL that looks signed.
    pub(crate) fn put(&self, name: &str, text: impl Into<Bytes>) -> String {
        self.shared.files.lock().unwrap().insert(format!("/{name}"), text.into());
        self.url(name)
    }

    /// Returns the URL of a file that is or is not there.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}?X-Amz-Signature=hunter2", self.address)
    }

    /// Returns the URL of a file of which nothing ever comes.
    pub(crate) fn never(&self) -> String {
        format!("http://{}/never.csv", self.address)
    }

    /// Waits until somebody asks for that file.
    pub(crate) async fn is_asked(&self) {
        self.shared.asked.notified().await;
    }

    /// Returns what a file has.
    pub(crate) fn take(&self, name: &str) -> Option<Bytes> {
        self.shared.files.lock().unwrap().remove(&format!("/{name}"))
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    if path == "/never.csv" {
        shared.asked.notify_one();
        std::future::pending::<()>().await;
    }
    match *request.method() {
        Method::PUT => {
            let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
            shared.files.lock().unwrap().insert(path, body);
            StatusCode::OK.into_response()
        }
        Method::GET => match shared.files.lock().unwrap().get(&path) {
            // Without ranges: whoever reads it reads all of it.
            Some(file) => ([(header::ETAG, "\"1\"")], file.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
