//! An answer that is no success, and what it means.
//!
//! The codes are those of S3, of Google's XML interface, which uses the same, and of Azure.

use std::{fmt, time::Duration};

use serde::Deserialize;

use super::Meaning;

/// The most that is kept of a message, in characters.
const LONGEST_MESSAGE: usize = 200;

/// An answer that is no success: its status and what is worth keeping of the rest.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// The store's own word for it.
    pub(crate) code: Option<String>,
    /// One line of its explanation, without anything that looks like a part of a URL's query.
    pub(crate) message: Option<String>,
    /// It is a page for people.
    pub(crate) is_page: bool,
    /// When the store wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// The clock was named as what is wrong.
    names_clock: bool,
}

/// An error as stores write it in XML. Everything else in it is left where it is: signatures and
/// what was signed are among it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Body {
    code: Option<String>,
    message: Option<String>,
    authentication_error_detail: Option<String>,
    /// Of services around a store, which put it one level deeper.
    error: Option<Box<Self>>,
}

impl Answer {
    /// Takes what is worth keeping of an answer.
    pub(crate) fn new(status: u16, content_type: Option<&str>, body: &str) -> Self {
        let start = body.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let begins = |text: &str| {
            start.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text))
        };
        let is_page = content_type.is_some_and(|kind| kind.starts_with("text/html"))
            || begins("<!doctype html")
            || begins("<html");
        let (code, message, detail) = match () {
            () if is_page => (None, None, None),
            () if start.starts_with('{') => from_json(start),
            () => from_xml(start),
        };
        let clock = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| {
                let text = text.to_ascii_lowercase();
                text.contains("date header") || text.contains("date is too old")
            })
        };
        Self {
            status,
            names_clock: clock(&detail) || clock(&message),
            code: code.as_deref().and_then(one_line),
            message: message.as_deref().and_then(one_line),
            is_page,
            retry_after: None,
        }
    }

    /// Makes the answer of a store that has something going on.
    pub(crate) fn busy(code: &str) -> Self {
        let mut answer = Self::new(503, None, "");
        answer.code = Some(code.to_owned());
        answer
    }

    /// Returns whether the same request may succeed later.
    pub(crate) fn deserves_retry(&self) -> bool {
        match self.status {
            408 | 429 | 500 | 502 | 503 | 504 => true,
            // The store took the request for somebody's slow connection, or got other bytes than
            // were sent, or had another one on the same name at the same moment.
            400 | 409 => matches!(
                self.code(),
                "RequestTimeout"
                    | "BadDigest"
                    | "XAmzContentSHA256Mismatch"
                    | "Md5Mismatch"
                    | "Crc64Mismatch"
                    | "OperationAborted"
                    | "ConditionalRequestConflict"
                    | "CopyIdMismatch"
            ),
            // An error inside an answer that began as a success.
            200 => matches!(self.code(), "InternalError" | "SlowDown" | "ServiceUnavailable"),
            _ => false,
        }
    }

    fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// Says what it means.
    pub(crate) fn meaning(&self) -> Meaning {
        match self.code() {
            "NoSuchBucket"
            | "ContainerNotFound"
            | "ContainerBeingDeleted"
            | "InvalidBucketName"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "ContainerDisabled" => {
                return Meaning::NoContainer;
            }
            "NoSuchKey" | "BlobNotFound" => return Meaning::NoObject,
            // Somebody aborted it.
            "NoSuchUpload" => return Meaning::Other,
            "PreconditionFailed"
            | "ConditionNotMet"
            | "BlobAlreadyExists"
            | "TargetConditionNotMet" => return Meaning::Condition,
            "RequestTimeTooSkewed" | "RequestExpired" => return Meaning::Clock,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "AuthorizationHeaderMalformed"
            | "AuthenticationFailed"
            | "AuthenticationRequired"
            | "NoAuthenticationInformation"
            | "InvalidAuthenticationInfo"
            | "InvalidSecurity"
            | "MissingSecurityHeader" => {
                return if self.names_clock { Meaning::Clock } else { Meaning::Unauthenticated };
            }
            "QuotaExceeded"
            | "InsufficientStorage"
            | "StorageFull"
            | "AccountLimitExceeded"
            | "XMinioStorageFull" => return Meaning::NoSpace,
            "SlowDown" | "InternalError" | "ServerBusy" | "ServiceUnavailable" => {
                return Meaning::Busy;
            }
            _ => {}
        }
        if self.names_clock {
            return Meaning::Clock;
        }
        match self.status {
            // Some stores have one code for everything that they refuse.
            403 if self.message.as_deref().is_some_and(blames_credentials) => {
                Meaning::Unauthenticated
            }
            408 | 429 | 500 | 502 | 503 | 504 => Meaning::Busy,
            _ if self.is_page => Meaning::NoStore,
            301 | 302 | 307 | 308 => Meaning::NoContainer,
            304 | 412 => Meaning::Condition,
            401 | 407 => Meaning::Unauthenticated,
            403 => Meaning::Denied,
            404 | 410 => Meaning::NoObject,
            416 => Meaning::NoRange,
            405 if self.code.is_none() => Meaning::NoStore,
            507 => Meaning::NoSpace,
            _ => Meaning::Other,
        }
    }
}

fn blames_credentials(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("signature") || message.contains("no such key")
}

type Parts = (Option<String>, Option<String>, Option<String>);

fn from_xml(text: &str) -> Parts {
    let Ok(body) = quick_xml::de::from_str::<Body>(text) else { return (None, None, None) };
    let body = match body.error {
        Some(inner) if body.code.is_none() => *inner,
        _ => body,
    };
    (body.code, body.message, body.authentication_error_detail)
}

/// Reads the error of a service that gives out tokens, or of Google's JSON interface.
fn from_json(text: &str) -> Parts {
    use serde_json::Value;

    let Ok(value) = serde_json::from_str::<Value>(text) else { return (None, None, None) };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match value.get("error") {
        Some(Value::String(code)) => {
            (Some(code.clone()), text(value.get("error_description")), None)
        }
        Some(Value::Object(error)) => (text(error.get("status")), text(error.get("message")), None),
        _ => (text(value.get("code")), text(value.get("message")), None),
    }
}

/// Returns the first line, short and without queries of URLs.
fn one_line(text: &str) -> Option<String> {
    let line = text.trim().lines().next()?;
    let words = line.split_whitespace().map(|word| match word.split_once('?') {
        Some((before, query)) if query.contains('=') => before,
        _ => word,
    });
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
    }
    let mut line: String = line.trim_end_matches('.').chars().take(LONGEST_MESSAGE).collect();
    line.truncate(line.trim_end().len());
    (!line.is_empty()).then_some(line)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match (&self.code, &self.message) {
            _ if self.is_page => write!(f, " with a page for people")?,
            (Some(code), Some(message)) => write!(f, " {code}: {message}")?,
            (Some(word), None) | (None, Some(word)) => write!(f, " {word}")?,
            (None, None) => {}
        }
        if let Some(time) = self.retry_after {
            write!(f, ", and wants to be left alone for {} s", time.as_secs())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_queries() {
        let answer = Answer::new(
            403,
            None,
            "<Error><Code>AuthenticationFailed</Code><Message>Server failed at \
             https://h/k?sig=hush&amp;se=1 now.\nRequestId:hush\nTime:now</Message>\
             <AuthenticationErrorDetail>Signature hush</AuthenticationErrorDetail></Error>",
        );
        assert_eq!(
            answer.to_string(),
            "403 AuthenticationFailed: Server failed at https://h/k now"
        );
        assert!(!format!("{answer:?}").contains("hush"), "{answer:?}");
        assert_eq!(answer.meaning(), Meaning::Unauthenticated);
    }

    #[test]
    fn services_that_give_out_tokens_are_understood() {
        let answer = Answer::new(
            400,
            Some("application/json"),
            r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#,
        );
        assert_eq!(answer.to_string(), "400 invalid_grant: Invalid JWT Signature");
        let answer = Answer::new(
            400,
            None,
            "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>old</Message></Error>\
             </ErrorResponse>",
        );
        assert_eq!(answer.code.as_deref(), Some("ExpiredTokenException"));
    }

    #[test]
    fn a_clock_that_is_named_is_meant() {
        let answer = Answer::new(
            403,
            None,
            "<Error><Code>AuthenticationFailed</Code><Message>No</Message>\
             <AuthenticationErrorDetail>The Date header in the request is too old\
             </AuthenticationErrorDetail></Error>",
        );
        assert_eq!(answer.meaning(), Meaning::Clock);
    }

    #[test]
    fn garbage_is_no_reason_to_fail() {
        for body in ["", "<", "<Error>", "{", "\u{0}", "<Error><Code/></Error>", "<a><b></a>"] {
            let answer = Answer::new(500, None, body);
            assert!(answer.deserves_retry(), "{body}");
            assert_eq!(answer.to_string(), "500", "{body}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let retried = |status, code: &str| {
            Answer::new(status, None, &format!("<Error><Code>{code}</Code></Error>"))
                .deserves_retry()
        };
        assert!(retried(503, "SlowDown"));
        assert!(retried(400, "RequestTimeout"));
        assert!(retried(409, "ConditionalRequestConflict"));
        assert!(retried(200, "InternalError"));
        assert!(!retried(501, "NotImplemented"));
        assert!(!retried(403, "AccessDenied"));
        assert!(!retried(409, "BlobAlreadyExists"));
        assert!(!retried(200, "PreconditionFailed"));
    }
}
