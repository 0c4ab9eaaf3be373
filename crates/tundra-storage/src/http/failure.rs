//! What an answer or a broken connection means, and whether to ask again.
//!
//! This is the only place that decides it for URLs. Nothing that it returns repeats a URL's query:
//! the client's own errors do, so that only the cause beneath them is kept.

use std::{error::Error as StdError, io, time::Duration};

use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use tundra_core::StorageError;

use crate::{
    error::Operation,
    http::{date::http_date, pace::Pace, resolver::AddressRefused, target::Target},
};

/// A body of an error is read up to this; those of stores have less than 1 KiB.
const EXPLANATION: usize = 16 << 10;

/// What a server says is shown up to this.
const SHOWN: usize = 200;

/// A request that did not succeed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The same request can succeed later, or after this time if the server says so.
    Transient {
        /// What it is if it does not.
        error: StorageError,
        after: Option<Duration>,
    },
    /// It cannot.
    Final(StorageError),
}

/// What a server said, or what happened on the way to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl Failed {
    pub(super) fn transient(operation: Operation, target: &Target, cause: String) -> Self {
        Self::Transient { error: unavailable(operation, target, cause), after: None }
    }

    /// Translates an error of the client.
    pub(super) fn of_client(operation: Operation, target: &Target, error: &reqwest::Error) -> Self {
        let chain: Vec<&(dyn StdError + 'static)> = causes(error).collect();
        if let Some(refused) = chain.iter().find_map(|it| it.downcast_ref::<AddressRefused>()) {
            return Self::Final(refused.0.clone().at(target.shown()));
        }
        if let Some(disk) = chain.iter().find_map(|it| it.downcast_ref::<SpoolLost>()) {
            return Self::Final(operation.failed(target.shown(), disk.0.clone()));
        }
        let innermost = chain.last().map_or_else(String::new, ToString::to_string);
        match chain.iter().find_map(|it| it.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => Self::Final(StorageError::NotAStore {
                endpoint: target.shown().to_owned(),
                source: Cause(format!("it does not speak TLS: {innermost}")).into(),
            }),
            Some(_) => Self::Final(unavailable(operation, target, innermost)),
            None if error.is_timeout() => {
                Self::transient(operation, target, "no connection was made in time".to_owned())
            }
            None => Self::transient(operation, target, innermost),
        }
    }

    /// Translates an answer that is no success, and reads what the server says about it.
    pub(super) async fn of_response(
        operation: Operation,
        target: &Target,
        mut response: Response,
        stall: Duration,
    ) -> Self {
        let status = response.status();
        let after = retry_after(response.headers());
        let mut body = Vec::new();
        let mut pace = Pace::new(stall);
        while body.len() < EXPLANATION
            && let Ok(Some(bytes)) = pace.chunk(&mut response).await
        {
            body.extend_from_slice(&bytes);
        }
        body.truncate(EXPLANATION);
        let said = Said::read(status, &String::from_utf8_lossy(&body));
        of_status(operation, target, status, after, &said)
    }

    /// Returns what it is for the caller when nobody tries again.
    pub(super) fn into_error(self) -> StorageError {
        match self {
            Self::Transient { error, .. } | Self::Final(error) => error,
        }
    }
}

/// The temporary file could not be read while it was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct SpoolLost(pub(super) String);

/// What a server says of a failure, as far as it may be shown.
///
/// Only the code and the first line of the message are kept: what else stores send there holds the
/// key's id and the text that was signed.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    status: StatusCode,
    code: String,
    message: String,
    /// Azure's reason, for telling cases apart. It is not shown.
    detail: String,
}

impl Said {
    fn read(status: StatusCode, body: &str) -> Self {
        let line = |name: &str| {
            let text = element(body, name).unwrap_or_default();
            let line = text.lines().next().unwrap_or_default();
            line.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>()
        };
        Self {
            status,
            code: line("Code"),
            message: line("Message"),
            detail: element(body, "AuthenticationErrorDetail").unwrap_or_default().to_owned(),
        }
    }

    fn mentions(&self, text: &str) -> bool {
        self.message.contains(text) || self.detail.contains(text)
    }

    fn cause(&self) -> Cause {
        let Self { status, code, message, .. } = self;
        match (code.as_str(), message.as_str()) {
            ("", "") => Cause(format!("the server answered {status}")),
            (code, "") => Cause(format!("the server answered {status}: {code}")),
            (code, message) => Cause(format!("the server answered {status}: {code}: {message}")),
        }
    }
}

fn of_status(
    operation: Operation,
    target: &Target,
    status: StatusCode,
    after: Option<Duration>,
    said: &Said,
) -> Failed {
    let location = target.shown().to_owned();
    let source = said.cause().into();
    let verb = operation.verb();
    let error = match (status.as_u16(), said.code.as_str()) {
        (_, "RequestTimeTooSkewed") => {
            StorageError::ClockSkew { operation: verb, location, source }
        }
        (400 | 401 | 403, _) if said.mentions("is not valid yet") => {
            StorageError::ClockSkew { operation: verb, location, source }
        }
        (400 | 401 | 403, "ExpiredToken" | "ExpiredRequest") => StorageError::Expired { location },
        (400 | 401 | 403, _)
            if said.mentions("has expired")
                || said.mentions("not valid in the specified time frame") =>
        {
            StorageError::Expired { location }
        }
        // Garage says of it that the date is too old, with a status of its own.
        (400 | 401 | 403, _) if target.signature().is_over() => StorageError::Expired { location },
        (401, _)
        | (
            400 | 403,
            "SignatureDoesNotMatch"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "AuthenticationFailed"
            | "AuthorizationQueryParametersError"
            | "MalformedSecurityHeader"
            | "InvalidSecurity",
        ) => StorageError::Unauthenticated { operation: verb, location, source },
        (403, _) => StorageError::PermissionDenied { operation: verb, location, source },
        (404, "NoSuchBucket" | "ContainerNotFound") => {
            StorageError::NoContainer { container: location, source }
        }
        (404 | 410, _) => StorageError::NotFound { location },
        (412, _) if operation == Operation::Write => StorageError::AlreadyExists { location },
        (412, _) => StorageError::Changed { location },
        (507, _) => StorageError::NoSpace { location, source },
        // A conditional write that met another one, besides what is always worth another try.
        (408 | 429 | 500 | 502 | 503 | 504, _) | (409, "ConditionalRequestConflict") => {
            let error = StorageError::Unavailable { operation: verb, location, source };
            return Failed::Transient { error, after };
        }
        _ => StorageError::Other { operation: verb, location, source },
    };
    Failed::Final(error)
}

/// Returns how long the server asks to wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            Some(http_date(text)?.duration_since(std::time::SystemTime::now()).unwrap_or_default())
        }
    }
}

fn unavailable(operation: Operation, target: &Target, cause: String) -> StorageError {
    StorageError::Unavailable {
        operation: operation.verb(),
        location: target.shown().to_owned(),
        source: Cause(cause).into(),
    }
}

/// Returns the error and its causes, also those that an error of the system only holds.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

/// Returns the text of the first element of this name, unescaped as far as stores escape. This is
/// no reader of XML: what it finds only chooses words.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use tundra_core::{Classify, ErrorKind};

    use super::*;
    use crate::http::policy::UrlPolicy;

    fn at(url: &str) -> Target {
        Target::new(url, &UrlPolicy::any_public_host()).unwrap()
    }

    #[track_caller]
    fn of(status: u16, body: &str) -> StorageError {
        let status = StatusCode::from_u16(status).unwrap();
        let target = at("https://h.org/k?X-Amz-Signature=hunter2");
        of_status(Operation::Read, &target, status, None, &Said::read(status, body)).into_error()
    }

    #[test]
    fn expired_signatures_are_recognised_whoever_made_them() {
        for (status, body) in [
            (403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>"),
            (403, "<Code>ExpiredRequest</Code><Message>Request has expired</Message>"),
            (400, "<Code>ExpiredToken</Code><Message>The provided token has expired.</Message>"),
            (
                403,
                "<Code>AuthenticationFailed</Code><Message>Server failed to authenticate the \
                 request.\nRequestId:1</Message><AuthenticationErrorDetail>Signature not valid in \
                 the specified time frame: Start [x] - Expiry [y]</AuthenticationErrorDetail>",
            ),
        ] {
            let error = of(status, body);
            assert!(matches!(error, StorageError::Expired { .. }), "{body}: {error:?}");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.hints()[0].contains("new URL"));
        }
        let over =
            at("https://h.org/k?X-Amz-Date=20200101T000000Z&X-Amz-Expires=1&X-Amz-Signature=0");
        for status in [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST] {
            let error = of_status(Operation::Read, &over, status, None, &Said::read(status, ""));
            assert!(matches!(error, Failed::Final(StorageError::Expired { .. })), "{error:?}");
        }
    }

    #[test]
    fn answers_keep_their_meaning() {
        let code = |code: &str| format!("<Error><Code>{code}</Code></Error>");
        assert!(matches!(of(401, ""), StorageError::Unauthenticated { .. }));
        for name in ["SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed"] {
            assert!(matches!(of(403, &code(name)), StorageError::Unauthenticated { .. }), "{name}");
        }
        assert!(matches!(of(403, &code("AccessDenied")), StorageError::PermissionDenied { .. }));
        assert!(matches!(of(403, ""), StorageError::PermissionDenied { .. }));
        assert!(matches!(of(403, &code("RequestTimeTooSkewed")), StorageError::ClockSkew { .. }));
        assert!(matches!(of(404, ""), StorageError::NotFound { .. }));
        assert!(matches!(of(404, &code("NoSuchBucket")), StorageError::NoContainer { .. }));
        assert!(matches!(of(412, ""), StorageError::Changed { .. }));
        assert!(matches!(of(503, ""), StorageError::Unavailable { .. }));
        assert!(matches!(of(418, ""), StorageError::Other { .. }));
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        let target = at("https://h.org/k");
        for status in 100..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let said = Said::read(status, "");
            let failed = of_status(Operation::Read, &target, status, None, &said);
            let again = matches!(failed, Failed::Transient { .. });
            let expected = [408, 429, 500, 502, 503, 504].contains(&status.as_u16());
            assert_eq!(again, expected, "{status}");
        }
    }

    #[test]
    fn what_a_store_says_is_told_and_what_was_signed_is_not() {
        let error = of(
            403,
            "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>The request \
             signature does not match\u{1b}[31m\nmore</Message><StringToSign>hunter2\
             </StringToSign></Error>",
        );
        let cause = error.source().unwrap().to_string();
        assert_eq!(
            cause,
            "the server answered 403 Forbidden: SignatureDoesNotMatch: The request signature does \
             not match[31m"
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn a_server_can_ask_for_time_in_two_ways() {
        let after = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(after("Fri, 31 Dec 9999 23:59:59 GMT") > Some(Duration::from_secs(1 << 30)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }
}
