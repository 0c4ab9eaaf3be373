//! Why Supabase was not asked, did not answer, or refused, and what that means for whoever asked.

use std::{error::Error as StdError, fmt, time::Duration};

use reqwest::StatusCode;
use serde::Deserialize;
use tundra_core::{CatalogError, ErrorKind, Retry};

use crate::upstream::{Failed, Judge, Open, Verdict};

/// Why a request has no answer that can be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not sent, because what was sent before failed.
    Open(Open),
    /// It has no answer, or only a part of one.
    Lost(reqwest::Error),
    /// Somebody answered who is no PostgREST, or it answered something else.
    Garbage { status: StatusCode, found: &'static str },
    /// It was answered that it is not done.
    Refused(Box<Refusal>),
    /// It could not even be written down.
    Unsendable(Box<dyn StdError + Send + Sync>),
}

/// A refusal, in the words of PostgREST where they are its words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) words: Words,
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) details: Option<String>,
}

/// Why the catalog did not do what it was asked.
#[derive(Debug)]
pub(super) enum Problem {
    /// Nothing was done, because of this.
    Failed(Failure),
    /// Because of this it is not known whether it was done.
    Unknown(Failure),
    /// The catalog's rows do not allow it.
    Stated { kind: ErrorKind, reason: String, hint: Option<&'static str> },
}

/// What a person who runs the catalog can do about its tables.
const RUN_MIGRATIONS: &str = "run the migrations for Supabase, `migrations/supabase` of \
     `tundra-catalog`, and have PostgREST load its schema again";

/// The longest text of a server that is passed on.
const LONGEST_TEXT: usize = 500;

impl Problem {
    pub(super) fn stated(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::Stated { kind, reason: reason.into(), hint: None }
    }

    pub(super) fn conflict(reason: impl Into<String>) -> Self {
        Self::stated(ErrorKind::Conflict, reason)
    }

    pub(super) fn not_found(reason: impl Into<String>) -> Self {
        Self::stated(ErrorKind::NotFound, reason)
    }

    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        match self {
            Self::Stated { kind, reason, .. } => Self::Stated { kind, reason, hint: Some(hint) },
            other => other,
        }
    }

    /// Returns the code by which PostgREST or PostgreSQL refused, if that is what happened.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Failed(failure) => failure.code(),
            Self::Unknown(_) | Self::Stated { .. } => None,
        }
    }

    /// Returns the error of an operation on the catalog at a place.
    pub(super) fn during(self, operation: &'static str, place: &str) -> CatalogError {
        match self {
            Self::Failed(failure) => failure.during(operation, place),
            Self::Unknown(failure) => {
                let mut error = failure.during(operation, place);
                error.hints.insert(0, "whether it was done is not known; look".to_owned());
                error
            }
            Self::Stated { kind, reason, hint } => {
                let mut error = CatalogError::new(operation, kind, reason);
                error.hints.extend(hint.map(str::to_owned));
                error
            }
        }
    }
}

impl Failure {
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.words.code.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the request may have been carried out in spite of it.
    pub(super) fn leaves_open(&self) -> bool {
        // Also where the server is only busy: who it was that answered so, and what had been done by
        // then, does not show. A read tells.
        self.verdict() != Verdict::Final
    }

    fn during(self, operation: &'static str, place: &str) -> CatalogError {
        let (kind, reason) = match &self {
            Self::Open(open) => (ErrorKind::Unavailable, format!("`{place}` {open}")),
            Self::Lost(error) if error.is_timeout() => {
                (ErrorKind::Timeout, format!("`{place}` did not answer in time"))
            }
            Self::Lost(error) if error.is_connect() => {
                (ErrorKind::Unavailable, format!("`{place}` cannot be reached"))
            }
            Self::Lost(_) => {
                let reason =
                    format!("the connection to `{place}` broke before its answer was there");
                (ErrorKind::Unavailable, reason)
            }
            Self::Garbage { status, found } => {
                let status = status.as_u16();
                let reason = format!("`{place}` answered {status} with {found}");
                (ErrorKind::Unavailable, reason)
            }
            Self::Refused(refusal) => (refusal.kind(), format!("`{place}` answered {refusal}")),
            Self::Unsendable(_) => {
                (ErrorKind::Internal, format!("the request to `{place}` cannot be written"))
            }
        };
        let retry = match (&self, self.verdict()) {
            (Self::Open(open), _) => Retry::After(open.again_in),
            (_, Verdict::Final) => Retry::Never,
            (_, Verdict::Busy(Some(wait)) | Verdict::Broken(Some(wait))) => Retry::After(wait),
            (_, Verdict::Busy(None) | Verdict::Broken(None)) => Retry::Later,
        };
        let hints = self.hint().into_iter().map(str::to_owned).collect();
        let source = match self {
            // The address is named above, without what was asked.
            Self::Lost(error) => Some(error.without_url().into()),
            Self::Refused(refusal) => refusal.words.cause(),
            Self::Unsendable(error) => Some(error),
            Self::Open(_) | Self::Garbage { .. } => None,
        };
        CatalogError { operation, reason, kind, retry, hints, source }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Garbage { .. } => Some(
                "check the address: behind it there must be a PostgREST, at Supabase below `/rest/v1`",
            ),
            Self::Refused(refusal) => match refusal.kind() {
                ErrorKind::PermissionDenied => Some(
                    "check the key: it must be a secret key (`sb_secret_…`) or the service role's",
                ),
                ErrorKind::Unsupported => Some(RUN_MIGRATIONS),
                _ => None,
            },
            Self::Open(_) | Self::Lost(_) | Self::Unsendable(_) => None,
        }
    }
}

impl Judge for Failure {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Open(_) | Self::Unsendable(_) => Verdict::Final,
            Self::Lost(_) | Self::Garbage { .. } => Verdict::Broken(None),
            Self::Refused(refusal) => match refusal.status.as_u16() {
                408 | 425 | 429 => Verdict::Busy(refusal.retry_after),
                500.. => Verdict::Broken(refusal.retry_after),
                _ => Verdict::Final,
            },
        }
    }
}

impl From<Failed<Self>> for Failure {
    fn from(failed: Failed<Self>) -> Self {
        match failed {
            Failed::Open(open) => Self::Open(open),
            Failed::Asked(failure) => failure,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Refusal {
    fn kind(&self) -> ErrorKind {
        let code = self.words.code.as_deref().unwrap_or_default();
        match (self.status.as_u16(), code) {
            (401 | 403, _) | (_, "42501") => ErrorKind::PermissionDenied,
            // A table, a column or a relation is missing, or all of it.
            (404, _) | (_, "42P01" | "42703" | "PGRST200" | "PGRST204" | "PGRST205") => {
                ErrorKind::Unsupported
            }
            (413, _) => ErrorKind::LimitExceeded,
            // The value of somebody does not fit into a column.
            (_, code) if code.starts_with("22") => ErrorKind::InvalidRequest,
            (409, _) => ErrorKind::Conflict,
            (408 | 425 | 429 | 500.., _) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        self.words.code.as_ref().map_or(Ok(()), |code| write!(f, " ({})", shown(code)))
    }
}

impl Words {
    /// Returns the text as the cause of an error.
    fn cause(self) -> Option<Box<dyn StdError + Send + Sync>> {
        let message = self.message.filter(|message| !message.is_empty())?;
        Some(shown(&message).into())
    }
}

/// Returns a text of the server as it may be shown.
fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Failure {
        Failure::Refused(Box::new(Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            words: serde_json::from_str(body).unwrap_or_default(),
        }))
    }

    #[test]
    fn refusals_have_the_kind_of_what_they_refuse() {
        for (status, body, kind) in [
            (401, r#"{"message":"Invalid API key"}"#, ErrorKind::PermissionDenied),
            (403, r#"{"code":"42501"}"#, ErrorKind::PermissionDenied),
            (404, r#"{"code":"PGRST205"}"#, ErrorKind::Unsupported),
            (404, "<html>", ErrorKind::Unsupported),
            (400, r#"{"code":"22P02"}"#, ErrorKind::InvalidRequest),
            (409, r#"{"code":"23505"}"#, ErrorKind::Conflict),
            (400, r#"{"code":"PGRST100"}"#, ErrorKind::Internal),
            (429, "", ErrorKind::Unavailable),
            (503, r#"{"code":"PGRST002"}"#, ErrorKind::Unavailable),
            (522, "<html>", ErrorKind::Unavailable),
        ] {
            let error = refused(status, body).during("x", "place");
            assert_eq!(error.kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn only_what_may_have_been_done_is_looked_up() {
        for status in [400, 401, 403, 404, 409, 422] {
            assert!(!refused(status, "").leaves_open(), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 520] {
            assert!(refused(status, "").leaves_open(), "{status}");
        }
    }

    #[test]
    fn an_error_names_the_place_and_has_the_servers_words_as_its_cause() {
        let body = r#"{"code":"42501","message":"permission denied for table sources\u001b[2J"}"#;
        let error = Problem::from(refused(403, body)).during("read a source", "db.example");
        assert_eq!(
            error.to_string(),
            "the catalog could not read a source: `db.example` answered 403 (42501)"
        );
        let cause = error.source.unwrap().to_string();
        assert_eq!(cause, "permission denied for table sources [2J");
        assert!(error.hints[0].contains("sb_secret_"));
    }
}
