//! What the failures of Secret Manager mean.
//!
//! Of Google's own words only the message of an error in Google's form is passed on. Whatever else
//! came is described and not shown: the library's errors hold bodies and quote what they could not
//! read.

use std::{error::Error as StdError, time::Duration};

use google_cloud_auth::errors::CredentialsError;
use google_cloud_gax::error::{
    Error,
    rpc::{Code, Status, StatusDetails},
};
use tundra_core::{ErrorKind, Retry, SecretError};

use crate::{
    secrets::{failed, google::credentials},
    upstream::{Judge, Verdict},
};

/// How much of Google's message is shown.
const LONGEST_MESSAGE: usize = 300;

/// A failed try.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: SecretError,
    verdict: Verdict,
    /// Whether the client is to be made anew. Google's goes on with what it has, even when the file
    /// of credentials was replaced or what keeps its token has given up.
    pub(super) renews: bool,
}

impl Judge for Failure {
    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// What the other side said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl Failure {
    /// A failure that another try does not mend.
    pub(super) fn lasting(error: SecretError) -> Self {
        Self { error, verdict: Verdict::Final, renews: false }
    }

    /// A failure that may be over soon and is not the service's.
    pub(super) fn passing(error: SecretError) -> Self {
        let verdict = Verdict::Busy(asked(&error));
        Self { error, verdict, renews: false }
    }

    /// A failure of the service, which may be over soon.
    pub(super) fn of_service(error: SecretError) -> Self {
        let verdict = Verdict::Broken(asked(&error));
        Self { error, verdict, renews: false }
    }

    /// The same failure, and the client is to be made anew.
    pub(super) fn renewing(self) -> Self {
        Self { renews: true, ..self }
    }

    /// No answer in time.
    pub(super) fn late(name: &str, what: &str, limit: Duration) -> Self {
        let reason = format!("{what} did not answer within {limit:?}");
        let mut error = failed(name, ErrorKind::Timeout, reason);
        error.retry = Retry::Later;
        Self::of_service(error)
    }

    /// What an error of the client means.
    pub(super) fn of_call(name: &str, project: &str, limit: Duration, error: &Error) -> Self {
        if error.is_timeout() {
            return Self::late(name, "Google Secret Manager", limit);
        }
        let cause = error.source();
        if let Some(cause) = cause.and_then(|cause| cause.downcast_ref::<CredentialsError>()) {
            return credentials::refused(name, cause);
        }
        match (error.status(), error.http_status_code()) {
            (Some(status), code) => {
                of_status(name, project, status, code, retry_after(error).map(Retry::After))
            }
            (None, Some(code)) => of_strange_answer(name, code, error),
            (None, None) if error.is_deserialization() => {
                let reason = "the answer of Google Secret Manager is not what its API documents";
                Self::of_service(unavailable(name, reason))
            }
            (None, None) => {
                let mut failure =
                    unavailable(name, "the connection to Google Secret Manager failed");
                failure.source = Some(Box::new(Said(root(error))));
                Self::of_service(failure)
            }
        }
    }
}

fn of_status(
    name: &str,
    project: &str,
    status: &Status,
    code: Option<u16>,
    after: Option<Retry>,
) -> Failure {
    let mut failure = match status.code {
        Code::NotFound => Failure::lasting(failed(
            name,
            ErrorKind::NotFound,
            format!("Google Secret Manager does not have it in the project `{project}`"),
        )),
        Code::FailedPrecondition => {
            let reason = "its latest version in Google Secret Manager is disabled or destroyed";
            let mut error = failed(name, ErrorKind::NotFound, reason);
            error.hints.push(format!(
                "enable the version, `gcloud secrets versions enable VERSION --secret={name} \
                 --project={project}`, or add one, `gcloud secrets versions add {name} \
                 --project={project} --data-file=FILE`"
            ));
            Failure::lasting(error)
        }
        Code::PermissionDenied => Failure::lasting(denied(name, project, status)).renewing(),
        Code::Unauthenticated => {
            let reason = "Google does not accept the credentials";
            let mut error = failed(name, ErrorKind::PermissionDenied, reason);
            error.hints = credentials::hints();
            Failure::lasting(error).renewing()
        }
        Code::ResourceExhausted => {
            let reason = "the quota of Google Secret Manager is used up";
            let mut error = unavailable(name, reason);
            error.retry = after.unwrap_or(Retry::Later);
            error.hints.push(
                "raise `SECRET_CACHE_TTL_SECONDS`, or the quota of the project for access requests"
                    .to_owned(),
            );
            Failure::passing(error)
        }
        Code::InvalidArgument | Code::OutOfRange => {
            let reason = "Google Secret Manager refuses the request";
            Failure::lasting(failed(name, ErrorKind::InvalidRequest, reason))
        }
        Code::DeadlineExceeded => {
            let reason = "Google Secret Manager did not finish in the time that it gives itself";
            let mut error = failed(name, ErrorKind::Timeout, reason);
            error.retry = Retry::Later;
            Failure::of_service(error)
        }
        _ => {
            let at = code.map(|code| format!(" (HTTP {code})")).unwrap_or_default();
            let mut error = unavailable(name, &format!("Google Secret Manager has failed{at}"));
            error.retry = after.unwrap_or(Retry::Later);
            Failure::of_service(error)
        }
    };
    failure.error.source = Some(Box::new(Said(one_line(&status.message))));
    failure
}

fn denied(name: &str, project: &str, status: &Status) -> SecretError {
    let reason = "Google does not let this account read it";
    let mut error = failed(name, ErrorKind::PermissionDenied, reason);
    let why = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
        _ => None,
    });
    error.hints.push(match why {
        Some("SERVICE_DISABLED") => format!(
            "turn the service on: `gcloud services enable secretmanager.googleapis.com \
             --project={project}`"
        ),
        Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT") => {
            "give the machine the access scope `cloud-platform`".to_owned()
        }
        _ => format!(
            "grant the role `roles/secretmanager.secretAccessor`: `gcloud secrets \
             add-iam-policy-binding {name} --project={project} --member=serviceAccount:ACCOUNT \
             --role=roles/secretmanager.secretAccessor`"
        ),
    });
    error
}

/// What an answer means that is none of Google's: a proxy's, or that of another server.
fn of_strange_answer(name: &str, code: u16, error: &Error) -> Failure {
    let reason = format!("the answer is HTTP {code}, and not in the form of Google Secret Manager");
    let mut failure = unavailable(name, &reason);
    if let Some(after) = retry_after(error) {
        failure.retry = Retry::After(after);
    }
    match code {
        500.. | 408 | 425 => Failure::of_service(failure),
        429 => Failure::passing(failure),
        _ => {
            failure.retry = Retry::Never;
            failure.hints.push(
                "see whether a proxy answers instead of `secretmanager.googleapis.com`".to_owned(),
            );
            Failure::lasting(failure)
        }
    }
}

/// Returns how long the service asks to be left alone.
fn asked(error: &SecretError) -> Option<Duration> {
    match error.retry {
        Retry::After(wait) => Some(wait),
        Retry::Never | Retry::Later => None,
    }
}

fn unavailable(name: &str, reason: &str) -> SecretError {
    let mut error = failed(name, ErrorKind::Unavailable, reason);
    error.retry = Retry::Later;
    error
}

fn retry_after(error: &Error) -> Option<Duration> {
    let text = error.http_headers()?.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Returns what lies at the bottom of a failed connection: what the system, TLS or HTTP says.
fn root(error: &Error) -> String {
    let mut root: &dyn StdError = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    one_line(&root.to_string())
}

fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(LONGEST_MESSAGE)
        .collect();
    if line.is_empty() {
        line.push_str("no reason is given");
    }
    line
}
