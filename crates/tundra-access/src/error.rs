//! Why somebody was not let in: [`AccessError`].
//!
//! An error says what is wrong with the credentials and never repeats them, not even in part. It does not
//! help to guess either: a key whose id is not known and one whose secret is wrong are told alike, and
//! only who shows the right secret learns that it has expired.

use tundra_core::{BoxError, Classify, ErrorKind, Retry};

use crate::keys::{ApiKeyFault, KeyId, KeyStoreError};

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Nothing was shown.
    #[error("credentials are needed, and none were sent")]
    Missing {
        /// Whether a key would do.
        keys: bool,
        /// Whether a token would do.
        tokens: bool,
    },
    /// `Authorization` has something else than a bearer token.
    #[error("the `Authorization` header has no bearer token")]
    Scheme,
    /// A key and a token were shown, and it is not for us to choose.
    #[error("two credentials were sent, `Authorization` and `X-API-Key`")]
    Ambiguous,
    /// API keys, or tokens, are not taken here.
    #[error("{what} are not accepted here")]
    NotAccepted {
        /// What was shown, in the plural.
        what: &'static str,
    },
    /// What was shown is no API key.
    #[error("the API key is not complete or not right: {fault}")]
    KeyForm {
        /// What is wrong with it.
        fault: ApiKeyFault,
    },
    /// No key has this id, or its secret is another.
    #[error("the API key `{id}` is not known")]
    UnknownKey {
        /// The id, which is no secret.
        id: KeyId,
    },
    /// The time of the key is over.
    #[error("the API key `{id}` has expired")]
    ExpiredKey {
        /// The key.
        id: KeyId,
    },
    /// Somebody has revoked the key.
    #[error("the API key `{id}` was revoked")]
    RevokedKey {
        /// The key.
        id: KeyId,
    },
    /// The token proves nothing.
    #[error("the token is not valid: {0}")]
    Token(TokenFault),
    /// The token is valid, and says of no organisation, or of more than one, that it is its holder's.
    #[error("the token is of no organisation: {reason}")]
    NoTenant {
        /// What it lacks.
        reason: String,
    },
    /// The token is valid, and its holder is a member of more than one organisation and names none.
    #[error("the token is of more than one organisation, and the request says not for which it is")]
    SeveralTenants,
    /// The request is for an organisation that its caller does not act for, or for what is none.
    #[error("`X-Organisation` names no organisation that the caller acts for")]
    NotMember,
    /// The token is valid, and says that its holder has not signed in: Supabase's key for everybody.
    #[error("the token is that of nobody in particular: its role is `anon`")]
    Anonymous,
    /// The token is valid, and its role is not one that is let in.
    #[error("tokens of the role `{role}` are not let in")]
    Role {
        /// The role.
        role: &'static str,
    },
    /// The store of keys cannot be asked.
    #[error("the API key could not be checked")]
    KeyStore(#[source] KeyStoreError),
    /// The keys of the issuer of the token, or whose the token is, cannot be found out now.
    #[error("the token could not be checked: {reason}")]
    Issuer {
        /// What was tried, as a clause.
        reason: String,
        /// The cause.
        source: Option<BoxError>,
    },
}

/// What is wrong with a token. It repeats nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is no JSON web token.
    #[error("it is no JSON web token: {0}")]
    Form(&'static str),
    /// It is signed in a way that is not accepted, or not signed at all.
    #[error("it is signed in a way that is not accepted here")]
    Algorithm,
    /// It asks for something to be understood that is not (`crit` of RFC 7515).
    #[error("it has extensions that must be understood and are not")]
    Critical,
    /// The issuer has no key of the name that it gives.
    #[error("the issuer has no key that it could be signed with")]
    UnknownSigner,
    /// The signature is not that of the issuer.
    #[error("its signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// Somebody else made it.
    #[error("it is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for another audience")]
    Audience,
    /// It lacks a claim that is needed, or has it in another form.
    #[error("its claim `{0}` is missing or has another form than it must have")]
    Claim(&'static str),
}

/// What is to become of a request that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is not known who asks. Other credentials may help.
    Unauthenticated,
    /// It is known who asks, and they are not let in. The same credentials will not help.
    Forbidden,
    /// It could not be found out who asks. The same credentials may help later.
    Unavailable,
}

impl Standing {
    /// Returns the HTTP status of a response that says so.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::Unavailable => 503,
        }
    }

    /// Returns the name that programs see; stable.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => ErrorKind::PermissionDenied.code(),
            Self::Unavailable => ErrorKind::Unavailable.code(),
        }
    }
}

impl AccessError {
    /// Returns what is to become of the request. It is finer than [`Classify::kind`], which has one kind
    /// for who is not known and who is not let in.
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Missing { .. }
            | Self::Scheme
            | Self::Ambiguous
            | Self::NotAccepted { .. }
            | Self::KeyForm { .. }
            | Self::UnknownKey { .. }
            | Self::ExpiredKey { .. }
            | Self::RevokedKey { .. }
            | Self::Token(_)
            | Self::Anonymous => Standing::Unauthenticated,
            Self::NoTenant { .. } | Self::SeveralTenants | Self::NotMember | Self::Role { .. } => {
                Standing::Forbidden
            }
            Self::KeyStore(_) | Self::Issuer { .. } => Standing::Unavailable,
        }
    }
}

impl Classify for AccessError {
    fn kind(&self) -> ErrorKind {
        match self.standing() {
            Standing::Unauthenticated | Standing::Forbidden => ErrorKind::PermissionDenied,
            Standing::Unavailable => ErrorKind::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::KeyStore(error) if error.retry != Retry::Never => error.retry,
            _ if self.standing() == Standing::Unavailable => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Missing { keys: true, tokens: false } | Self::Scheme => {
                "send an API key as `X-API-Key: tnd_…` or `Authorization: Bearer tnd_…`"
            }
            Self::Missing { keys: false, tokens: true } => {
                "send the token of your session as `Authorization: Bearer …`"
            }
            Self::Missing { .. } => {
                "send an API key as `X-API-Key: tnd_…`, or the token of your session as \
                 `Authorization: Bearer …`"
            }
            Self::Ambiguous => "send one of them",
            Self::NotAccepted { .. } => "whoever runs the service can say what is",
            Self::KeyForm { .. } => "copy the whole key from where you keep it",
            Self::UnknownKey { .. } | Self::ExpiredKey { .. } | Self::RevokedKey { .. } => {
                "whoever runs the service can make another with `tundra keys create`"
            }
            Self::Token(fault) => fault.hint(),
            Self::NoTenant { .. } => {
                "somebody who administers the organisation must make you a member of it; sign in \
                 again afterwards"
            }
            Self::SeveralTenants => "name one of them with the header `X-Organisation`",
            Self::NotMember => "name an organisation of yours, or leave the header out",
            Self::Anonymous => "sign in, and send the token of the session",
            Self::Role { .. } => "sign in as a user, or use an API key",
            Self::KeyStore(_) | Self::Issuer { .. } => "try again later",
        };
        vec![hint.to_owned()]
    }
}

impl TokenFault {
    const fn hint(&self) -> &'static str {
        match self {
            Self::Form(_) => "send the access token of the session as it is",
            Self::Algorithm | Self::Critical | Self::UnknownSigner | Self::Signature => {
                "sign in again; if that does not help, the service is set up for another issuer"
            }
            Self::Expired => "refresh the session, or sign in again",
            Self::NotYetValid => {
                "one of the two clocks is wrong: that of the issuer, or of the service"
            }
            Self::Issuer | Self::Audience => {
                "sign in where this service belongs to; whoever runs it sets the issuer and the \
                 audience"
            }
            Self::Claim(_) => "send the access token of a user's session",
        }
    }
}

impl From<TokenFault> for AccessError {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<ApiKeyFault> for AccessError {
    fn from(fault: ApiKeyFault) -> Self {
        Self::KeyForm { fault }
    }
}

impl From<KeyStoreError> for AccessError {
    fn from(error: KeyStoreError) -> Self {
        Self::KeyStore(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_refusal_says_what_can_be_done() {
        let id: KeyId = "0123456789AB".parse().unwrap();
        let store = KeyStoreError::new("find a key", ErrorKind::Corrupt, "its file is damaged");
        for (error, status) in [
            (AccessError::Missing { keys: true, tokens: true }, 401),
            (AccessError::Scheme, 401),
            (AccessError::Ambiguous, 401),
            (AccessError::NotAccepted { what: "tokens" }, 401),
            (AccessError::KeyForm { fault: ApiKeyFault::CheckCode }, 401),
            (AccessError::UnknownKey { id: id.clone() }, 401),
            (AccessError::ExpiredKey { id: id.clone() }, 401),
            (AccessError::RevokedKey { id }, 401),
            (AccessError::Token(TokenFault::Expired), 401),
            (AccessError::Anonymous, 401),
            (AccessError::NoTenant { reason: "it has no claim `x`".to_owned() }, 403),
            (AccessError::Role { role: "service_role" }, 403),
            (AccessError::SeveralTenants, 403),
            (AccessError::NotMember, 403),
            (AccessError::KeyStore(store), 503),
            (AccessError::Issuer { reason: "nobody answers".to_owned(), source: None }, 503),
        ] {
            assert_eq!(error.standing().http_status(), status, "{error}");
            assert!(!error.hints().is_empty(), "{error}");
            assert_eq!(error.retry() == Retry::Never, status != 503, "{error}");
            assert_eq!(error.kind() == ErrorKind::Unavailable, status == 503, "{error}");
        }
    }

    #[test]
    fn what_the_store_says_is_for_whoever_runs_the_service() {
        let store = KeyStoreError::new("find a key", ErrorKind::Corrupt, "`/data/x` is damaged");
        let error = AccessError::from(store);
        assert_eq!(error.to_string(), "the API key could not be checked");
        assert!(error.source().unwrap().to_string().contains("/data/x"));
    }
}
