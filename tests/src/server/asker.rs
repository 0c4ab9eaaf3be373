//! A client as callers have one: it sends JSON and takes whatever comes.

use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// What every answer takes much less than.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends requests to one address, all with the same headers.
#[derive(Debug, Clone)]
pub struct Asker {
    address: String,
    headers: Vec<(String, String)>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Asker {
    /// Makes one for an address such as `127.0.0.1:8080`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address: address.to_owned(), headers: Vec::new(), client }
    }

    /// Returns one that sends this header, too.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut asker = self.clone();
        asker.headers.push((name.to_owned(), value.to_owned()));
        asker
    }

    /// Returns the address that it asks.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks for a path.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, Bytes::new()).await.expect("the server answers")
    }

    /// Asks to remove what is at a path.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, Bytes::new()).await.expect("the server answers")
    }

    /// Posts a document.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn post(&self, path: &str, document: &Value) -> Answer {
        self.try_post(path, document).await.expect("the server answers")
    }

    /// Posts a document.
    ///
    /// # Errors
    /// When no answer comes, because the server ended.
    pub async fn try_post(&self, path: &str, document: &Value) -> anyhow::Result<Answer> {
        let body = Bytes::from(document.to_string());
        self.send("POST", path, Some("application/json"), body).await
    }

    /// Sends a request. The target is a path, or a whole URL for what was signed.
    ///
    /// # Errors
    /// When no answer comes, or not all of it.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let url = match target.starts_with('/') {
            true => format!("http://{}{target}", self.address),
            false => target.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(url);
        let content_type = content_type.map(|kind| ("content-type", kind));
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(content_type) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body))?;
        let asking = async {
            let answer = self.client.request(request).await.context("nobody answers")?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.context("the answer breaks off")?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        let waited = tokio::time::timeout(PATIENCE, asking).await;
        waited.map_err(|_| anyhow!("no answer to {method} {target} in {PATIENCE:?}"))?
    }
}

impl Answer {
    /// Returns the body as JSON; as a text where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::String(self.text()))
    }

    /// Returns the body as a text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns a header, or nothing for one that is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body of a success.
    ///
    /// # Panics
    /// When the status is not 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Returns the body of a failure, after checking that it is of this status and code and of the form that
    /// all failures have.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn failure(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status, &body["code"]), (status, &Value::from(code)), "{body}");
        // What 3.0 has everywhere, and what Tundra 5 adds to it.
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert!(body["hints"].is_array(), "{body}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{body}");
        body
    }
}
