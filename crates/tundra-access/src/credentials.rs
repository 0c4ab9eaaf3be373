//! What a request shows to prove who makes it: [`Credentials`].
//!
//! It knows how the headers are written that say who asks, and for whom, and no more of HTTP.

use tundra_core::{Secret, TenantId};

use crate::error::AccessError;

/// What was shown. Nothing of it prints.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// What came as `Authorization: Bearer …`: a token, or an API key.
    pub bearer: Option<Secret>,
    /// What came as `X-API-Key`.
    pub api_key: Option<Secret>,
    /// For which organisation the request is, as `X-Organisation` says; of those that the caller acts for.
    pub organisation: Option<TenantId>,
}

impl Credentials {
    /// Nothing was shown.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the values of the headers `Authorization` and `X-API-Key`, where there are any. Empty ones
    /// count as not there.
    ///
    /// # Errors
    /// [`AccessError::Scheme`] for an `Authorization` that is no bearer token.
    ///
    /// # Examples
    /// ```
    /// use tundra_access::Credentials;
    ///
    /// let shown = Credentials::read(Some("Bearer abc"), None)?;
    /// assert_eq!(shown.bearer.unwrap().expose(), "abc");
    /// assert!(Credentials::read(Some("Basic dTpw"), None).is_err());
    /// # Ok::<(), tundra_access::AccessError>(())
    /// ```
    pub fn read(authorization: Option<&str>, api_key: Option<&str>) -> Result<Self, AccessError> {
        let filled = |text: &&str| !text.is_empty();
        let bearer = match authorization.map(str::trim).filter(filled) {
            Some(text) => Some(bearer_token(text).ok_or(AccessError::Scheme)?),
            None => None,
        };
        let api_key = api_key.map(str::trim).filter(filled).map(Secret::new);
        Ok(Self { bearer, api_key, organisation: None })
    }

    /// Adds the value of the header `X-Organisation`. An empty one counts as not there.
    ///
    /// # Errors
    /// [`AccessError::NotMember`] for what is no organisation.
    pub fn for_organisation(self, text: &str) -> Result<Self, AccessError> {
        match text.trim() {
            "" => Ok(self),
            text => {
                let organisation = text.parse().map_err(|_| AccessError::NotMember)?;
                Ok(Self { organisation: Some(organisation), ..self })
            }
        }
    }

    /// Returns whether nothing was shown.
    pub fn is_empty(&self) -> bool {
        self.bearer.is_none() && self.api_key.is_none()
    }
}

/// Returns what follows the scheme, which is written in any case (RFC 9110, section 11.1).
fn bearer_token(text: &str) -> Option<Secret> {
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_are_written() {
        let bearer = |text| Credentials::read(Some(text), None).unwrap().bearer.unwrap();
        for text in ["Bearer abc", "bearer abc", "BEARER  abc", " Bearer abc "] {
            assert_eq!(bearer(text).expose(), "abc");
        }
        let both = Credentials::read(Some("Bearer a"), Some(" k ")).unwrap();
        assert_eq!((both.bearer.unwrap().expose(), both.api_key.unwrap().expose()), ("a", "k"));
        assert!(Credentials::read(Some(""), Some(" ")).unwrap().is_empty());
        assert!(Credentials::read(None, None).unwrap().is_empty());
    }

    #[test]
    fn another_scheme_is_refused_without_repeating_what_it_carries() {
        for text in ["Basic aHVzaDpodXNo", "hush", "Bearer", "Bearer ", "Bearerhush"] {
            let error = Credentials::read(Some(text), None).unwrap_err();
            assert!(matches!(error, AccessError::Scheme));
            assert!(!format!("{error} {error:?}").contains("hush"));
        }
    }

    #[test]
    fn what_was_shown_does_not_print() {
        let shown = Credentials::read(Some("Bearer hush"), Some("hush")).unwrap();
        assert!(!format!("{shown:?}").contains("hush"));
    }
}
