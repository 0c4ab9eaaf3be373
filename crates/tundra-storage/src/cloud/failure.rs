//! What went wrong between this process and a store, in our words.
//!
//! Start at [`Failure`]. [`super::client`] makes one of every answer that is no success and of
//! every connection that breaks, and hands it through `object_store`, which keeps it as the cause
//! of its own error; [`Failure::of`] finds it there again. So nothing is read out of the text of an
//! error, and no text of `object_store`, which repeats addresses and bodies, reaches anybody. What
//! is kept of an answer is its status, its code and one line of its message.

mod answer;

use std::{error::Error as StdError, fmt, time::Duration};

use tundra_core::StorageError;

pub(crate) use self::answer::Answer;
use crate::error::Operation;

/// Why a request failed for good.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Scheme, host and port of who was asked.
    pub(crate) endpoint: String,
    /// Whom the request was for.
    pub(crate) asked: Asked,
    /// What was seen last.
    pub(crate) seen: Seen,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// How long all of it took.
    pub(crate) elapsed: Duration,
}

/// Whom a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The store.
    Store,
    /// Somebody who gives out credentials.
    Credentials,
}

/// What was seen of the other side.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    /// It answered, and not with success.
    Answer(Answer),
    /// It answered with success, but not as a store does.
    Strange(&'static str),
    /// The connection could not be made.
    NoConnection(String),
    /// What speaks there is not HTTP, or not the TLS that was expected.
    NoHttp(String),
    /// The connection broke.
    Broken(String),
    /// Nothing was heard for so long.
    Silent(Duration),
    /// It sent so little that the rest would never come.
    Slow {
        /// Bytes.
        bytes: u64,
        /// Within this time.
        within: Duration,
    },
    /// An address without TLS, which nobody allowed.
    Insecure,
}

impl Failure {
    /// Makes a failure of a store that was asked once.
    pub(crate) fn once(endpoint: &str, seen: Seen) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            asked: Asked::Store,
            seen,
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    /// Finds the failure that an error of `object_store` holds.
    pub(crate) fn of(error: &object_store::Error) -> Option<&Self> {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(failure) = error.downcast_ref::<Self>() {
                return Some(failure);
            }
            cause = error.source();
        }
        None
    }

    /// Returns the status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.seen {
            Seen::Answer(answer) => Some(answer.status),
            _ => None,
        }
    }

    /// Returns whether the answer had a status and no word of why, as those to `HEAD` have.
    pub(crate) fn is_mute(&self) -> bool {
        matches!(&self.seen, Seen::Answer(answer) if answer.code.is_none() && !answer.is_page)
    }

    /// Says what it means for `operation` at `location`.
    pub(crate) fn into_error(self, operation: Operation, location: &str) -> StorageError {
        let verb = operation.verb();
        let location = location.to_owned();
        if self.asked == Asked::Credentials {
            let source = NoCredentials(self).into();
            return StorageError::Unauthenticated { operation: verb, location, source };
        }
        let answer = match &self.seen {
            Seen::Answer(answer) => answer,
            Seen::Strange(_) | Seen::NoConnection(_) | Seen::NoHttp(_) => {
                return StorageError::NotAStore {
                    endpoint: self.endpoint.clone(),
                    source: self.into(),
                };
            }
            Seen::Insecure => {
                return StorageError::Refused {
                    location,
                    reason: "its endpoint has no TLS".to_owned(),
                    hint: Some("write the endpoint with `https://`, or set `AWS_ALLOW_HTTP=true`"),
                };
            }
            Seen::Broken(_) | Seen::Silent(_) | Seen::Slow { .. } => {
                return StorageError::Unavailable {
                    operation: verb,
                    location,
                    source: self.into(),
                };
            }
        };
        match answer.meaning() {
            Meaning::NoObject => StorageError::NotFound { location },
            Meaning::NoContainer => {
                StorageError::NoContainer { container: container(&location), source: self.into() }
            }
            Meaning::Condition if operation.writes() => StorageError::AlreadyExists { location },
            Meaning::Condition | Meaning::NoRange => StorageError::Changed { location },
            Meaning::Unauthenticated => {
                StorageError::Unauthenticated { operation: verb, location, source: self.into() }
            }
            Meaning::Denied => {
                StorageError::PermissionDenied { operation: verb, location, source: self.into() }
            }
            Meaning::Clock => {
                StorageError::ClockSkew { operation: verb, location, source: self.into() }
            }
            Meaning::NoSpace => StorageError::NoSpace { location, source: self.into() },
            Meaning::NoStore => {
                StorageError::NotAStore { endpoint: self.endpoint.clone(), source: self.into() }
            }
            Meaning::Busy => {
                StorageError::Unavailable { operation: verb, location, source: self.into() }
            }
            Meaning::Other => {
                StorageError::Other { operation: verb, location, source: self.into() }
            }
        }
    }
}

/// What an answer says, whoever gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    NoObject,
    NoContainer,
    Condition,
    NoRange,
    Unauthenticated,
    Denied,
    Clock,
    NoSpace,
    NoStore,
    Busy,
    Other,
}

/// Returns the bucket of a location, as a person would write it.
fn container(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let name = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{name}")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.endpoint;
        match &self.seen {
            Seen::Answer(answer) => write!(f, "`{endpoint}` answered {answer}")?,
            Seen::Strange(what) => write!(f, "`{endpoint}` {what}")?,
            Seen::NoConnection(why) => write!(f, "could not connect to `{endpoint}`: {why}")?,
            Seen::NoHttp(why) => write!(f, "could not talk to `{endpoint}`: {why}")?,
            Seen::Broken(why) => write!(f, "the connection to `{endpoint}` broke: {why}")?,
            Seen::Silent(limit) => {
                write!(f, "`{endpoint}` was silent for {} s", limit.as_secs_f32())?;
            }
            Seen::Slow { bytes, within } => {
                write!(f, "`{endpoint}` sent {bytes} bytes in {} s", within.as_secs_f32())?;
            }
            Seen::Insecure => write!(f, "`{endpoint}` has no TLS")?,
        }
        if self.attempts > 1 {
            let seconds = self.elapsed.as_secs_f32();
            write!(f, "; it was the last of {} attempts in {seconds:.1} s", self.attempts)?;
        }
        Ok(())
    }
}

impl StdError for Failure {}

/// Nobody gave credentials.
#[derive(Debug, thiserror::Error)]
#[error("no credentials are set, and none could be had where this machine would ask for them: {0}")]
struct NoCredentials(Failure);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tundra_core::{Classify, ErrorKind};

    use super::*;

    const KEY: &str = "s3://bucket/a/b.csv";

    fn answered(status: u16, code: &str, message: &str) -> Failure {
        let body = format!(
            "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <StringToSign>hush</StringToSign></Error>"
        );
        let answer = Answer::new(status, Some("application/xml"), &body);
        failed(Seen::Answer(answer))
    }

    fn failed(seen: Seen) -> Failure {
        Failure {
            endpoint: "https://host".to_owned(),
            asked: Asked::Store,
            seen,
            attempts: 3,
            elapsed: Duration::from_millis(1500),
        }
    }

    #[test]
    fn what_stores_say_is_said_in_our_words() {
        use Operation::{Read, Write};
        for (operation, status, code, expected) in [
            (Read, 404, "NoSuchKey", "NotFound"),
            (Read, 404, "BlobNotFound", "NotFound"),
            (Write, 404, "NoSuchBucket", "NoContainer"),
            (Write, 404, "ContainerNotFound", "NoContainer"),
            (Read, 301, "PermanentRedirect", "NoContainer"),
            (Read, 403, "AccessDenied", "PermissionDenied"),
            (Write, 403, "AuthorizationPermissionMismatch", "PermissionDenied"),
            (Read, 403, "InvalidAccessKeyId", "Unauthenticated"),
            (Read, 403, "SignatureDoesNotMatch", "Unauthenticated"),
            (Read, 400, "ExpiredToken", "Unauthenticated"),
            (Read, 400, "AuthorizationHeaderMalformed", "Unauthenticated"),
            (Read, 403, "AuthenticationFailed", "Unauthenticated"),
            (Read, 401, "Anything", "Unauthenticated"),
            (Read, 403, "RequestTimeTooSkewed", "ClockSkew"),
            (Read, 412, "PreconditionFailed", "Changed"),
            (Read, 416, "InvalidRange", "Changed"),
            (Write, 412, "PreconditionFailed", "AlreadyExists"),
            (Write, 409, "BlobAlreadyExists", "AlreadyExists"),
            (Write, 507, "InsufficientStorage", "NoSpace"),
            (Write, 503, "SlowDown", "Unavailable"),
            (Write, 500, "InternalError", "Unavailable"),
            (Write, 429, "TooManyRequests", "Unavailable"),
            (Write, 400, "EntityTooSmall", "Other"),
        ] {
            let error = answered(status, code, "why").into_error(operation, KEY);
            let debug = format!("{error:?}");
            assert!(debug.starts_with(expected), "{status} {code}: {debug}");
            assert!(!debug.contains("hush"), "{debug}");
            let named = error.to_string();
            assert!(named.contains("s3://bucket") || expected == "NotAStore", "{named}");
        }
    }

    #[test]
    fn the_cause_names_the_endpoint_the_status_and_the_attempts() {
        let error = answered(503, "SlowDown", "Reduce your request rate.");
        assert_eq!(
            error.to_string(),
            "`https://host` answered 503 SlowDown: Reduce your request rate; it was the last of 3 \
             attempts in 1.5 s"
        );
    }

    #[test]
    fn what_is_no_store_is_told_as_such() {
        let page =
            Answer::new(404, Some("text/html; charset=utf-8"), "<html><h1>Hello</h1></html>");
        for seen in [
            Seen::Answer(page),
            Seen::Answer(Answer::new(405, None, "<!DOCTYPE html><p>no</p>")),
            Seen::Strange("answers everything"),
            Seen::NoConnection("connection refused".to_owned()),
            Seen::NoHttp("invalid certificate".to_owned()),
        ] {
            let error = failed(seen).into_error(Operation::Read, KEY);
            assert!(matches!(error, StorageError::NotAStore { .. }), "{error:?}");
            assert_eq!(error.to_string(), "`https://host` does not answer like a store");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
    }

    #[test]
    fn a_failure_is_found_below_what_wraps_it() {
        let inner = answered(404, "NoSuchBucket", "gone");
        let error = object_store::Error::Generic {
            store: "S3",
            source: Box::new(object_store::client::HttpError::new(
                object_store::client::HttpErrorKind::Unknown,
                inner,
            )),
        };
        assert_eq!(Failure::of(&error).and_then(Failure::status), Some(404));
        let other = object_store::Error::Generic { store: "S3", source: "other".into() };
        assert!(Failure::of(&other).is_none());
    }

    #[test]
    fn missing_credentials_are_told_as_such() {
        let mut failure = failed(Seen::NoConnection("no route".to_owned()));
        failure.asked = Asked::Credentials;
        let error = failure.into_error(Operation::Read, KEY);
        assert!(matches!(error, StorageError::Unauthenticated { .. }), "{error:?}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with("no credentials are set"), "{cause}");
    }
}
