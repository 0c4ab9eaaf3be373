//! Tokens at the door, with keys that are made here and published by a real HTTP server.

mod algorithms;
mod claims;
mod issuer;
mod outage;
mod postgresql;
mod signing;

use std::time::SystemTime;

use serde_json::Value;
use tundra_access::{
    AccessError, Authenticator, Credentials, Principal, Standing, TokenFault, TokenSettings,
    TokenVerifier,
};
use tundra_core::{Classify, Secret};

use self::{issuer::Issuer, signing::Signer};
use crate::now;

/// An issuer and a door that lets in who has a token of it.
struct Door {
    issuer: Issuer,
    door: Authenticator,
}

impl Door {
    /// Lets in who has a token that one of these has signed.
    fn of(signers: &[&Signer]) -> Self {
        Self::with(signers, |_| {})
    }

    fn with(signers: &[&Signer], change: impl FnOnce(&mut TokenSettings)) -> Self {
        let issuer = Issuer::start();
        issuer.publish(signers);
        let mut settings = issuer.settings();
        change(&mut settings);
        let tokens = TokenVerifier::new(settings).unwrap();
        Self { issuer, door: Authenticator::new().with_tokens(tokens) }
    }

    async fn show(&self, token: &str, at: SystemTime) -> Result<Principal, AccessError> {
        let shown = Credentials { bearer: Some(Secret::new(token)), ..Credentials::none() };
        self.door.authenticate_at(&shown, at).await
    }

    async fn enter(&self, token: &str) -> Principal {
        self.show(token, now()).await.unwrap()
    }

    /// Returns why the token is not let in, which must not repeat it.
    async fn refusal(&self, token: &str) -> AccessError {
        let error = self.show(token, now()).await.unwrap_err();
        let told = format!("{error} {error:?} {:?}", error.hints());
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!told.contains(&part[..8]), "{told}");
        }
        error
    }

    /// Returns what is wrong with the token.
    async fn fault(&self, token: &str) -> TokenFault {
        let error = self.refusal(token).await;
        assert_eq!(error.standing(), Standing::Unauthenticated);
        let AccessError::Token(fault) = error else { panic!("{error:?}") };
        fault
    }

    /// Returns claims of a user of `acme` that are valid for an hour, with changes: what is `null` is
    /// left out.
    fn claims(&self, changes: Value) -> Value {
        let seconds = now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut claims = serde_json::json!({
            "iss": self.issuer.name(),
            "aud": "authenticated",
            "sub": "11111111-1111-4111-8111-111111111111",
            "role": "authenticated",
            "iat": seconds,
            "exp": seconds + 3600,
            "app_metadata": {"provider": "email", "org_id": "acme"},
            "user_metadata": {"org_id": "globex"},
        });
        let Value::Object(changes) = changes else { panic!("claims are an object") };
        for (name, value) in changes {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(&name);
            } else {
                claims[name] = value;
            }
        }
        claims
    }
}
