//! Secrets and where they are kept: [`Secret`] and the [`SecretStore`] trait.
//!
//! A secret never prints. Implementations of the store live in `tundra-catalog`.

use std::fmt;

use async_trait::async_trait;

use crate::error::{Classify, ErrorKind, Retry};

/// A text that must not be seen: its `Debug` and `Display` show a mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A place where credentials are kept by name.
///
/// # Contract
/// Reading has no effect on the secret. An implementation may cache; [`SecretStore::forget`] is
/// how a caller says that the credentials were refused.
#[async_trait]
pub trait SecretStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the secret with this name.
    async fn get(&self, name: &str) -> Result<Secret, SecretError>;

    /// Drops a cached copy, so that the next [`SecretStore::get`] asks the store.
    async fn forget(&self, name: &str);
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[error("could not read the secret `{name}`: {reason}")]
pub struct SecretError {
    /// The secret's name, which is no secret.
    pub name: String,
    /// Why not, safe to show.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The cause.
    pub source: Option<crate::BoxError>,
}

impl Classify for SecretError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret} {secret:?} {:?}", Some(&secret)).contains("hunter2"));
        assert_eq!(secret.expose(), "hunter2");
    }
}
