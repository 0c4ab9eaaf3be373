//! Secrets and where they are kept: [`Secret`] and the [`SecretStore`] trait.
//!
//! A secret never prints, and its memory is wiped when it is dropped. Implementations of the store
//! live in `tundra-catalog`.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{
    error::{Classify, ErrorKind, Retry},
    identity::TenantId,
};

/// A text that must not be seen: its `Debug` and `Display` show a mask, and it is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
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

/// Returns the organisation that a secret is for by its name, which is that of `acme` for
/// `org-acme_shop`; `None` for a name without an organisation.
///
/// The id of an organisation has no `_`, so that it ends at the first one: `org-acme-eu_shop` is for
/// `acme-eu` and for nobody else.
///
/// # Examples
/// ```
/// use tundra_core::secret_owner;
///
/// assert_eq!(secret_owner("org-acme_shop"), Some("acme".parse()?));
/// assert_eq!(secret_owner("shop"), None);
/// # Ok::<(), tundra_core::IdentityError>(())
/// ```
pub fn secret_owner(name: &str) -> Option<TenantId> {
    let (owner, own_name) = name.strip_prefix("org-")?.split_once('_')?;
    if own_name.is_empty() { None } else { owner.parse().ok() }
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
    /// What the user can do about it.
    pub hints: Vec<String>,
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
        self.hints.clone()
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

    #[test]
    fn a_secret_is_of_one_organisation_at_most() {
        let owner = |name: &str| secret_owner(name).map(|it| it.to_string());
        for (name, expected) in [
            ("org-a_x", "a"),
            ("org-a_b_x", "a"),
            ("org-a_b-x", "a"),
            ("org-a-b_x", "a-b"),
            ("org-a--b__x", "a--b"),
            ("org-org-a_x", "org-a"),
            ("org-0199a1c2-7c1e-7c55-9d4b-6f5f0e6c3b11_x", "0199a1c2-7c1e-7c55-9d4b-6f5f0e6c3b11"),
        ] {
            assert_eq!(owner(name).as_deref(), Some(expected), "{name}");
        }
        for name in [
            "", "x", "org-", "org-a", "org-a_", "org-_x", "org-a-_x", "org--a_x", "org-A_x",
            "ORG-a_x", "org_a_x", "xorg-a_x",
        ] {
            assert_eq!(owner(name), None, "{name}");
        }
        // With the longest id there is room for a name of its own in every store of secrets.
        let longest = "a".repeat(63);
        assert_eq!(owner(&format!("org-{longest}_{}", "x".repeat(187))), Some(longest));
    }

    #[test]
    fn an_error_says_which_secret_and_leaves_its_cause_to_the_chain() {
        let error = SecretError {
            name: "warehouse".to_owned(),
            reason: "the store does not answer".to_owned(),
            kind: ErrorKind::Unavailable,
            retry: Retry::Later,
            hints: vec!["start the store".to_owned()],
            source: Some("connection refused".into()),
        };
        assert_eq!(
            error.to_string(),
            "could not read the secret `warehouse`: the store does not answer"
        );
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection refused");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later));
        assert_eq!(error.hints(), ["start the store"]);
    }
}
