//! A request as plain data: [`Task`].

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tundra_core::{ErrorKind, IdempotencyKey, RequestDigest, Scope, TenantId};

use crate::{Failure, wire};

/// Something that a caller asked for and may have.
///
/// It is serde both ways, so that it can be sent to another process and kept with a job. It may hold
/// secrets: signed URLs, and credentials of a connection that is tested. Its `Debug` shows none of what was
/// asked; see [`Task::has_secrets`] before it is kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Whose sources may be used.
    pub scope: TaskScope,
    /// What is asked for.
    pub request: Request,
    /// The caller's name for this request, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was asked for under that name, as [`Request::digest`] has it; another request under the same
    /// name is noticed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_request: Option<String>,
}

/// Whose sources a task may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskScope {
    /// Everybody's.
    All,
    /// Those of one organisation.
    Tenant(String),
}

/// What is asked for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// To convert a file.
    ConvertFile(wire::ConvertFile),
    /// To extract a table or a query of a database.
    ConvertDatabase(wire::ConvertDatabase),
    /// To look at a file.
    Infer(wire::Infer),
    /// To connect to a database.
    TestConnection(wire::TestConnection),
    /// To read the first rows of a version.
    Preview(PreviewTask),
}

/// The first rows of a version, to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewTask {
    /// The source's id.
    pub source: String,
    /// The number of the version; the current one when not given.
    pub version: Option<u32>,
    /// Which rows, and in which form.
    pub query: wire::PreviewQuery,
}

/// What a task came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A file or a relation was converted.
    Converted(wire::Converted),
    /// A file was looked at.
    Inferred(wire::Inferred),
    /// A database answered.
    Connected(wire::Connected),
    /// Rows of a version.
    Preview(wire::Preview),
}

impl Task {
    /// Returns a task without a key.
    pub const fn new(scope: TaskScope, request: Request) -> Self {
        Self { scope, request, key: None, key_request: None }
    }

    /// Returns the name of what is asked for; see [`Request::kind`].
    pub const fn kind(&self) -> &'static str {
        self.request.kind()
    }

    /// Returns whether anything in it must not be kept: credentials, or URLs that are signed.
    pub fn has_secrets(&self) -> bool {
        match &self.request {
            Request::ConvertFile(request) => {
                request.source_url.is_some() || request.output_url.is_some()
            }
            Request::ConvertDatabase(request) => request.output_url.is_some(),
            Request::Infer(request) => request.source_url.is_some(),
            Request::TestConnection(_) => true,
            Request::Preview(_) => false,
        }
    }

    /// Returns the key of the run.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn run_key(&self) -> Result<Option<IdempotencyKey>, Failure> {
        let key = self.key.as_deref().map(str::parse::<IdempotencyKey>).transpose();
        let key = key.map_err(|error: tundra_core::IdempotencyKeyError| {
            Failure::invalid(format!("`Idempotency-Key`: {error}"))
        })?;
        let request = self.key_request.as_deref().map(str::parse::<RequestDigest>).transpose();
        let request = request.map_err(|error| {
            // No caller writes it.
            Failure::of_kind(ErrorKind::Internal, format!("the request of a key: {error}"))
        })?;
        Ok(match (key, request) {
            (Some(key), Some(request)) => Some(key.of_request(request)),
            (key, _) => key,
        })
    }
}

impl Request {
    /// Returns the name of what is asked for, as logs, metrics and jobs have it; stable.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ConvertFile(_) => "convert_file",
            Self::ConvertDatabase(_) => "convert_database",
            Self::Infer(_) => "infer_schema",
            Self::TestConnection(_) => "test_connection",
            Self::Preview(_) => "preview",
        }
    }

    /// Returns the digest of what is asked for: the same for two requests that differ only in the order of
    /// their fields, and in fields that are not known or say nothing.
    ///
    /// # Errors
    /// When the request is no JSON, which each is that came as such.
    pub fn digest(&self) -> serde_json::Result<RequestDigest> {
        let mut value = serde_json::to_value(self)?;
        put_in_order(&mut value);
        Ok(RequestDigest::of_sha256(Sha256::digest(serde_json::to_vec(&value)?).into()))
    }
}

/// Leaves out members that say nothing, so that a field that a later version adds changes no digest, and puts
/// the others in the order of their names.
fn put_in_order(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut named: Vec<(String, Value)> = std::mem::take(members).into_iter().collect();
            named.retain(|(_, value)| !value.is_null());
            named.sort_by(|(a, _), (b, _)| a.cmp(b));
            named.iter_mut().for_each(|(_, value)| put_in_order(value));
            members.extend(named);
        }
        Value::Array(values) => values.iter_mut().for_each(put_in_order),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl TaskScope {
    /// Returns whose sources may be used.
    ///
    /// # Errors
    /// When the id of the organisation is none: no caller names it, so that this is our fault.
    pub(crate) fn scope(&self) -> Result<Scope, Failure> {
        match self {
            Self::All => Ok(Scope::All),
            Self::Tenant(id) => match id.parse::<TenantId>() {
                Ok(id) => Ok(Scope::Tenant(id)),
                Err(error) => Err(Failure::of_kind(
                    ErrorKind::Internal,
                    format!("the organisation of a task: {error}"),
                )),
            },
        }
    }
}

impl From<&Scope> for TaskScope {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::Tenant(tenant) => Self::Tenant(tenant.to_string()),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("kind", &self.kind())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> RequestDigest {
        let request: wire::ConvertFile = serde_json::from_str(text).unwrap();
        Request::ConvertFile(request).digest().unwrap()
    }

    #[test]
    fn a_request_is_the_same_however_it_is_written() {
        let written = r#"{"source_id": "s", "format": "csv", "options": {"header": true}}"#;
        for same in [
            r#"{"options":{"header":true},"format":"csv","source_id":"s"}"#,
            r#"{"source_id": "s", "format": "csv", "options": {"header": true, "quote": null},
                "compression": null, "unknown": 7}"#,
        ] {
            assert_eq!(digest(same), digest(written), "{same}");
        }
        for other in [
            r#"{"source_id": "t", "format": "csv", "options": {"header": true}}"#,
            r#"{"source_id": "s", "format": "csv", "options": {"header": false}}"#,
            r#"{"source_id": "s", "options": {"header": true}}"#,
            r#"{"source_id": "s", "format": "csv", "compression": "none", "options": {"header": true}}"#,
        ] {
            assert_ne!(digest(other), digest(written), "{other}");
        }
        let database =
            wire::ConvertDatabase { source_id: Some("s".to_owned()), ..Default::default() };
        assert_ne!(
            Request::ConvertDatabase(database).digest().unwrap(),
            digest(r#"{"source_id": "s"}"#)
        );
    }
}
