//! Signatures by the rules of [Standard Webhooks] 1.0.0, so that receivers check them with a library.
//!
//! What is signed is `{id}.{timestamp}.{body}`, with HMAC-SHA256; the id is the same for every try, and the
//! timestamp, in seconds, is that of the try. Several keys sign while one takes the place of another.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use std::{fmt, fmt::Debug, str::FromStr};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use tundra_core::{BoxError, Secret, TenantId};
use zeroize::Zeroizing;

/// What a key begins with where it is shown.
const PREFIX: &str = "whsec_";

/// A key that webhooks are signed with: 24 to 64 bytes, as the rules say.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Takes random bytes for a key.
    ///
    /// # Errors
    /// When they are fewer than 24 or more than 64.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, SigningKeyError> {
        let bytes = Zeroizing::new(bytes.into());
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SigningKeyError) }
    }

    /// Returns the key as receivers are given it: `whsec_` and base64.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(&*self.0)))
    }

    /// Returns the signature of a body: `v1,` and base64.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let signed = self.mac(&[id.as_bytes(), b".", timestamp.to_string().as_bytes(), b".", body]);
        format!("v1,{}", BASE64_STANDARD.encode(signed))
    }

    fn mac(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut signed = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        for part in parts {
            signed.update(part);
        }
        signed.sign()
    }
}

impl Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    /// Reads what [`SigningKey::reveal`] returns.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix(PREFIX).ok_or(SigningKeyError)?;
        Self::from_bytes(BASE64_STANDARD.decode(text).map_err(|_| SigningKeyError)?)
    }
}

/// A text, or bytes, that are no [`SigningKey`]. They are not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key of webhooks is `whsec_` and 24 to 64 bytes in base64")]
pub struct SigningKeyError;

/// Knows the keys that webhooks are signed with. Each tenant has its own: who can check one tenant's
/// webhooks must not be able to make another's.
#[async_trait]
pub trait WebhookKeys: Debug + Send + Sync + 'static {
    /// Returns the keys of the tenant, each of which signs; the newest first.
    ///
    /// # Errors
    /// When they cannot be had now; the webhook is called later.
    async fn keys(&self, tenant: &TenantId) -> Result<Vec<SigningKey>, BoxError>;
}

/// Keys of tenants that are made of one key of the service, so that none of them need be kept.
#[derive(Debug, Clone)]
pub struct DerivedKeys(Vec<SigningKey>);

impl DerivedKeys {
    /// Makes them of these keys of the service, the newest first. To take the place of a key, put the new
    /// one before it, and remove the old one when receivers have theirs.
    pub fn new(keys: impl IntoIterator<Item = SigningKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Returns the keys of the tenant, the newest first; as many as the service has.
    pub fn of(&self, tenant: &TenantId) -> Vec<SigningKey> {
        let of_key = |key: &SigningKey| {
            // The purpose stands in it, so that the key may serve other purposes, too.
            let made = key.mac(&[b"tundra webhooks of ", tenant.as_str().as_bytes()]);
            SigningKey(Zeroizing::new(made.as_ref().to_vec()))
        };
        self.0.iter().map(of_key).collect()
    }
}

#[async_trait]
impl WebhookKeys for DerivedKeys {
    async fn keys(&self, tenant: &TenantId) -> Result<Vec<SigningKey>, BoxError> {
        Ok(self.of(tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_like_the_reference_implementation() {
        let key = SigningKey::from_bytes(*b"0123456789abcdef01234567").unwrap();
        let reference = standardwebhooks::Webhook::new(key.reveal().expose()).unwrap();
        for (id, timestamp, body) in [
            ("msg_1", 1_674_087_231, "{\"type\":\"job.done\"}"),
            ("msg_018f", 0, ""),
            ("m", 4_102_444_800, "ä.b.c\n"),
        ] {
            let expected =
                reference.sign(id, i64::try_from(timestamp).unwrap(), body.as_bytes()).unwrap();
            assert_eq!(key.sign(id, timestamp, body.as_bytes()), expected);
        }
    }

    #[test]
    fn a_key_reads_as_it_is_revealed_and_does_not_print() {
        let key = SigningKey::from_bytes([7; 32]).unwrap();
        let text = key.reveal();
        assert!(text.expose().starts_with("whsec_"));
        assert_eq!(text.expose().parse(), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "SigningKey(***)");
    }

    #[test]
    fn what_is_too_short_or_no_key_is_refused() {
        for text in ["", "whsec_", "hunter2", "whsec_hunter2!", "whsec_aHVudGVyMg=="] {
            let error = text.parse::<SigningKey>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!(SigningKey::from_bytes([0; 23]).is_err());
        assert!(SigningKey::from_bytes([0; 65]).is_err());
    }

    #[test]
    fn every_tenant_and_every_key_of_the_service_has_a_key_of_its_own() {
        let (old, new) =
            (SigningKey::from_bytes([1; 24]).unwrap(), SigningKey::from_bytes([2; 24]).unwrap());
        let (acme, other) = ("acme".parse().unwrap(), "acme2".parse().unwrap());
        let before = DerivedKeys::new([old.clone()]).of(&acme);
        let keys = DerivedKeys::new([new, old]);
        let (of_acme, of_other) = (keys.of(&acme), keys.of(&other));
        assert_eq!(of_acme.len(), 2);
        assert_eq!(of_acme[1], before[0]);
        assert!(of_acme[0] != of_acme[1] && of_acme[0] != of_other[0]);
    }
}
