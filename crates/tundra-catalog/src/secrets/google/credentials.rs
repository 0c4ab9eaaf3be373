//! As whom Google is asked: making credentials, and what their failures mean.
//!
//! What the readers of keys and tokens say is not passed on, because they quote what they read.

use std::{error::Error as StdError, fs::File, io::Read as _, path::Path};

use google_cloud_auth::{
    build_errors::Error as BuildError,
    credentials::{
        Builder, Credentials, anonymous, external_account, impersonated, mds, service_account,
        user_account,
    },
    errors::CredentialsError,
};
use serde_json::Value;
use tundra_core::{ErrorKind, Retry, SecretError};
use zeroize::Zeroizing;

use crate::secrets::{
    failed,
    google::{failure::Failure, settings::GoogleCredentials},
};

/// Keys and configurations are some kilobytes.
const LONGEST_FILE: u64 = 1 << 20;

/// Why there are no credentials, as a part of a sentence.
pub(super) type Reason = String;

/// Makes the credentials. Reads files.
pub(super) fn make(source: &GoogleCredentials) -> Result<Credentials, Reason> {
    match source {
        GoogleCredentials::ApplicationDefault => Builder::default().build().map_err(unusable),
        GoogleCredentials::File(path) => of_file(path),
        GoogleCredentials::MetadataServer(address) => {
            mds::Builder::default().with_endpoint(address).build().map_err(unusable)
        }
        GoogleCredentials::Anonymous => Ok(anonymous::Builder::new().build()),
    }
}

/// Returns the error for credentials that cannot be made.
pub(super) fn missing(name: &str, reason: &str) -> SecretError {
    let reason = format!("there are no credentials for Google Cloud: {reason}");
    let mut error = failed(name, ErrorKind::PermissionDenied, reason);
    error.hints = hints();
    error
}

/// Returns the error for credentials that got no token.
pub(super) fn refused(name: &str, error: &CredentialsError) -> Failure {
    let trail = Trail::of(error);
    let reason = if trail.connecting {
        "no file of credentials is named, and the server that should give a token does not answer"
    } else if trail.says("invalid_grant") {
        "the login is expired or was revoked"
    } else if trail.says("Client::new") || trail.says("private key") || trail.says("PKCS8") {
        "the key in the file of credentials cannot be used"
    } else if error.is_transient() {
        "the server that should give a token does not do so now"
    } else {
        "no token is given for them"
    };
    let mut failure = missing(name, &format!("{reason}{}", trail.status()));
    if !error.is_transient() {
        return Failure::lasting(failure).renewing();
    }
    failure.kind = ErrorKind::Unavailable;
    failure.retry = Retry::Later;
    Failure::passing(failure).renewing()
}

/// What a person can do who has no credentials, or the wrong ones.
pub(super) fn hints() -> Vec<String> {
    [
        "set `GOOGLE_APPLICATION_CREDENTIALS` to the file with the key of a service account",
        "on a machine of yours, run `gcloud auth application-default login`",
        "in Google Cloud, give the machine or the workload a service account (workload identity)",
    ]
    .map(str::to_owned)
    .into()
}

fn of_file(path: &Path) -> Result<Credentials, Reason> {
    let shown = path.display();
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text))
        .map_err(|error| format!("the file `{shown}` cannot be read: {error}"))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the file `{shown}` has broken JSON at line {line}, column {column}")
    })?;
    let made = match json.get("type").and_then(Value::as_str) {
        Some("service_account") => service_account::Builder::new(json).build(),
        Some("authorized_user") => user_account::Builder::new(json).build(),
        Some("external_account") => external_account::Builder::new(json).build(),
        Some("impersonated_service_account") => impersonated::Builder::new(json).build(),
        _ => {
            return Err(format!(
                "the file `{shown}` has a `type` that is none of `service_account`, \
                 `authorized_user`, `external_account`, `impersonated_service_account`"
            ));
        }
    };
    made.map_err(|error| format!("the file `{shown}`: {}", unusable(error)))
}

fn unusable(error: BuildError) -> Reason {
    if error.is_parsing() {
        return "what stands in the file is not what Google writes there".to_owned();
    }
    error.to_string()
}

/// What the causes of an error tell that may be known.
struct Trail {
    connecting: bool,
    status: Option<u16>,
    text: String,
}

impl Trail {
    fn of(error: &CredentialsError) -> Self {
        let mut trail = Self { connecting: false, status: None, text: error.to_string() };
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<reqwest::Error>() {
                trail.connecting |= error.is_connect();
                trail.status = trail.status.or(error.status().map(|status| status.as_u16()));
            }
            if let Some(error) = error.downcast_ref::<google_cloud_gax::error::Error>() {
                trail.status = trail.status.or(error.http_status_code());
            }
            trail.text.push_str(&error.to_string());
            cause = error.source();
        }
        trail
    }

    /// Looks for a word. The text itself may hold anything and is shown to nobody.
    fn says(&self, word: &str) -> bool {
        self.text.contains(word)
    }

    fn status(&self) -> String {
        self.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default()
    }
}
