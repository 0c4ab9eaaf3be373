//! What a caller is told when something was not done: [`Failure`].
//!
//! It is made where an error is seen and turned into a response in one place, here. It is serde both
//! ways, because a process that runs a task sends it back to the service. Nothing in it is secret: errors
//! of Tundra hold no credentials, and what this process said to itself stays in the log.

mod document;
mod hints;

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tundra_core::{Classify, ErrorKind, Retry};
use tundra_jobs::JobFailure;

use self::{document::ConnectionProblem, hints::translated_hints};
pub(crate) use self::{
    document::{Problem, TestProblem},
    hints::translated,
};

/// Why something was not done, as its caller is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The status of the response.
    pub status: u16,
    /// The name that programs see; stable. One of [`ErrorKind::code`], or one of the service's own, such as
    /// `unauthenticated`, `rate_limited`, `queue_full`, `shutting_down` and `body_too_large`.
    pub code: String,
    /// What happened, with its causes, in one text.
    pub detail: String,
    /// What can be done about it, one fragment per way out.
    #[serde(default)]
    pub hints: Vec<String>,
    /// After how many seconds the same request may work.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// Where in the input it is, when it is about the input.
    #[serde(default)]
    pub place: Option<Box<Place>>,
    /// The version that ended as failed, where that is known.
    #[serde(default)]
    pub version: Option<u32>,
    /// How it is written.
    #[serde(skip)]
    form: Form,
}

/// Where in an input something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What is wrong there: the name of a [`tundra_core::DataCode`].
    pub code: String,
    /// The line on which the record begins, counted from 1.
    pub line: u64,
    /// The offset of the record's first byte.
    pub byte: u64,
    /// The record, counted from 1 behind the header; 0 for the header itself.
    pub record: u64,
    /// The column's name, when it is about one.
    pub column: Option<String>,
}

/// How a failure is written as JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    /// `{"detail": …}`, as everywhere.
    #[default]
    Detail,
    /// `{"success": false, "error": "connection_failed", "message": …}`, as 3.0 answers where a connection is
    /// tested.
    Connection,
}

impl Failure {
    /// Makes a failure without hints.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            hints: Vec::new(),
            retry_after: None,
            place: None,
            version: None,
            form: Form::Detail,
        }
    }

    /// Makes a failure of this kind, with the status and the code that the kind has everywhere.
    pub fn of_kind(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(kind.http_status());
        Self::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), kind.code(), detail)
    }

    /// Makes the failure of a request that makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::InvalidRequest, detail)
    }

    /// Returns what an error tells: its text with those of its causes, its kind, its hints, whether it is to
    /// be tried again, and the place in the input. Options of the command line are named as fields of
    /// requests.
    pub fn of<E: Classify + 'static>(error: &E) -> Self {
        let JobFailure { kind, message, hints, place } = JobFailure::from_error(error);
        let mut failure = Self::of_kind(kind, translated(&message));
        failure.hints = translated_hints(hints);
        failure.place = place.map(|place| Box::new(place.into()));
        if let Retry::After(wait) = error.retry() {
            failure = failure.retry_after(wait);
        }
        failure
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says after which time the same request may work; a second at least.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// Says which version ended as failed.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Makes it the answer to a test of a connection. What is the service's own fault stays what it is.
    #[must_use]
    pub(crate) fn of_connection(mut self) -> Self {
        let own = [
            ErrorKind::Internal.code(),
            ErrorKind::Cancelled.code(),
            crate::tasks::QUEUE_FULL,
            crate::tasks::SHUTTING_DOWN,
        ];
        if !own.contains(&self.code.as_str()) {
            self.status = StatusCode::BAD_REQUEST.as_u16();
            self.form = Form::Connection;
        }
        self
    }

    /// Returns the body of the response, with the id of the request where that is known.
    pub(crate) fn body(&self, request_id: Option<&str>) -> Vec<u8> {
        let body = match self.form {
            Form::Detail => TestProblem::Other(Problem::of(self, request_id)),
            Form::Connection => TestProblem::Connection(ConnectionProblem::of(self, request_id)),
        };
        let body = serde_json::to_vec(&body);
        // Texts and numbers are always JSON.
        body.unwrap_or_else(|_| br#"{"detail":"internal error","code":"internal"}"#.to_vec())
    }

    /// Logs what is nobody's fault but ours or that of what we ask. That there is no room just now is told by
    /// the counts, and a thousand times over when it happens.
    pub(crate) fn log(&self) {
        let Self { code, detail, .. } = self;
        let is_busy =
            [crate::tasks::QUEUE_FULL, crate::tasks::SHUTTING_DOWN].contains(&code.as_str());
        if self.is_internal() {
            tracing::error!(code, detail, "an internal error");
        } else if self.status >= 500 && !is_busy {
            tracing::warn!(code, detail, "a request failed");
        }
    }

    /// Returns whether it is a bug, of which callers are told no more than that it is one.
    fn is_internal(&self) -> bool {
        self.code == ErrorKind::Internal.code()
    }

    /// Returns the status of the response.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Failure {
    /// Writes the failure without the id of the request, and puts itself into the response's extensions:
    /// the layer that knows the id writes the body anew.
    fn into_response(self) -> Response {
        self.log();
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status(), json, self.body(None)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<tundra_jobs::Place> for Place {
    fn from(place: tundra_jobs::Place) -> Self {
        let tundra_jobs::Place { code, line, byte, record, column } = place;
        Self { code, line, byte, record, column }
    }
}

#[cfg(test)]
mod tests {
    use tundra_core::{DataCode, DataError, Error};

    use super::*;

    fn bad_value() -> Error {
        let source = DataError {
            code: DataCode::BadValue,
            record: 7,
            line: 9,
            byte: 120,
            column: Some("price".to_owned()),
            text: "1,50".to_owned(),
            message: "no number".to_owned(),
        };
        Error::Data { input: "orders.csv".to_owned(), source: Box::new(source) }
    }

    #[test]
    fn bad_data_is_told_with_its_place_and_in_the_words_of_the_api() {
        let failure = Failure::of(&bad_value());
        assert_eq!((failure.status, failure.code.as_str()), (400, "invalid_data"));
        let body: serde_json::Value = serde_json::from_slice(&failure.body(Some("r1"))).unwrap();
        assert_eq!(body["line"], 9);
        assert_eq!(body["byte"], 120);
        assert_eq!(body["record"], 7);
        assert_eq!(body["column"], "price");
        assert_eq!(body["data_code"], "bad_value");
        assert_eq!(body["request_id"], "r1");
        let hint = body["hints"][0].as_str().unwrap();
        assert!(hint.contains("`options.on_bad_row: reject`"), "{hint}");
        assert!(!hint.contains("--"), "{hint}");
    }

    #[test]
    fn it_survives_the_way_from_another_process() {
        let failure = Failure::of(&bad_value()).version(3).retry_after(Duration::from_millis(1500));
        let text = serde_json::to_string(&failure).unwrap();
        let back: Failure = serde_json::from_str(&text).unwrap();
        assert_eq!(back, failure);
        assert_eq!(back.retry_after, Some(2));
    }

    #[test]
    fn what_a_bug_says_stays_here() {
        let bug = Failure::of(&Error::Internal("the run panicked: hunter2".to_owned()));
        let body: serde_json::Value = serde_json::from_slice(&bug.body(Some("r1"))).unwrap();
        assert_eq!((&body["code"], &body["request_id"]), (&"internal".into(), &"r1".into()));
        assert!(!body.to_string().contains("hunter2"), "{body}");
    }

    #[test]
    fn a_connection_that_fails_is_the_callers_and_a_full_queue_is_ours() {
        let refused =
            Failure::of_kind(ErrorKind::Unavailable, "connection refused").of_connection();
        assert_eq!(refused.status, 400);
        let body: serde_json::Value = serde_json::from_slice(&refused.body(None)).unwrap();
        assert_eq!(body["success"], false);
        assert_eq!(body["error"], "connection_failed");
        assert_eq!(body["message"], "connection refused");
        assert_eq!(body["code"], "unavailable");
        assert!(body.get("detail").is_none());
        let full = Failure::new(StatusCode::SERVICE_UNAVAILABLE, crate::tasks::QUEUE_FULL, "full");
        assert_eq!(full.of_connection().status, 503);
    }
}
