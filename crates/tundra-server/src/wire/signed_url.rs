//! URLs that are allowed to do something: [`SignedUrl`].

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Failure;

/// A URL that may hold a signature, which is a secret: it prints without its query.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = "uri", max_length = 16384)]
pub struct SignedUrl(String);

impl SignedUrl {
    /// The longest that is taken, in bytes: signatures with session tokens have a few thousand.
    const LONGEST: usize = 16 << 10;

    /// Returns the URL, for the one place that opens it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Checks its length. Where it leads is judged when it is opened.
    pub(crate) fn check(&self, field: &str) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Err(Failure::invalid(format!("`{field}` is empty")));
        }
        if self.0.len() > Self::LONGEST {
            let longest = Self::LONGEST;
            return Err(Failure::invalid(format!("`{field}` is longer than {longest} bytes")));
        }
        Ok(())
    }
}

impl From<String> for SignedUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split(['?', '#']).next().unwrap_or_default();
        // Somebody may have put a password before the host.
        let shown = shown.rsplit_once('@').map_or(shown, |(_, host)| host);
        write!(f, "SignedUrl({shown})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_does_not_print() {
        let url =
            SignedUrl::from("https://u:hunter2@x.example/a.csv?X-Amz-Signature=abc".to_owned());
        assert_eq!(format!("{url:?}"), "SignedUrl(x.example/a.csv)");
        assert!(url.check("source_url").is_ok());
        assert!(SignedUrl::from("x".repeat(20_000)).check("source_url").is_err());
    }
}
