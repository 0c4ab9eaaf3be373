//! The keys that an issuer publishes, as RFC 7517 writes them. A key that is of no use here is left out,
//! and does not keep the others from being used.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde::Deserialize;
use serde_json::Value;

use super::signature::{Algorithm, VerificationKey};

/// How many bytes the modulus of an RSA key has: fewer can be factored, and more cost time.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Keys of an issuer.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    named: HashMap<String, Arc<VerificationKey>>,
    nameless: Vec<Arc<VerificationKey>>,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// What matters of a key, whatever kind it is of.
#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads the document.
    pub(super) fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let Published { keys } = serde_json::from_slice(document)?;
        let mut set = Self::default();
        for value in keys {
            let read =
                serde_json::from_value::<PublishedKey>(value).map_err(|_| "it is unreadable");
            let (name, key) = match read.and_then(|published| {
                let key = published.key()?;
                Ok((published.kid, Arc::new(key)))
            }) {
                Ok(usable) => usable,
                Err(reason) => {
                    tracing::debug!(reason, "left out a key of the issuer");
                    continue;
                }
            };
            match name {
                // Of two keys with one name neither is more right; the first stays.
                Some(name) => {
                    set.named.entry(name).or_insert(key);
                }
                None => set.nameless.push(key),
            }
        }
        Ok(set)
    }

    /// Returns the key of this name, whatever it signs with. Without a name, it is the only one that signs
    /// so.
    pub(super) fn find(
        &self,
        name: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Arc<VerificationKey>> {
        if let Some(name) = name {
            return self.named.get(name).cloned();
        }
        let mut fitting =
            self.named.values().chain(&self.nameless).filter(|key| key.algorithm() == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(Arc::clone(only)),
            _ => None,
        }
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.named.len() + self.nameless.len()
    }
}

impl PublishedKey {
    /// Returns the key, or why it is of no use.
    fn key(&self) -> Result<VerificationKey, &'static str> {
        if self.used_for.as_deref().is_some_and(|used_for| used_for != "sig") {
            return Err("it is not for signatures");
        }
        if self.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
            return Err("it is not for signatures");
        }
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => self.rsa()?,
            ("EC", Some("P-256")) => VerificationKey::p256(part(&self.x)?, part(&self.y)?),
            ("OKP", Some("Ed25519")) => VerificationKey::ed25519(part(&self.x)?),
            // A shared secret that is published is none.
            _ => return Err("it is of a kind that is not accepted"),
        };
        match &self.alg {
            Some(name) if Algorithm::named(name) != Some(key.algorithm()) => {
                Err("it signs in a way that is not accepted")
            }
            _ => Ok(key),
        }
    }

    fn rsa(&self) -> Result<VerificationKey, &'static str> {
        let number = |text: &Option<String>| {
            let bytes = text.as_ref().and_then(|text| BASE64.decode(text).ok())?;
            // Some write a zero before, as if the number could be negative.
            let first = bytes.iter().position(|byte| *byte != 0)?;
            Some(bytes[first..].to_vec())
        };
        let (Some(modulus), Some(exponent)) = (number(&self.n), number(&self.e)) else {
            return Err("it lacks a part");
        };
        if !MODULUS.contains(&modulus.len()) {
            return Err("it is shorter than 2048 bits, or longer than 8192");
        }
        Ok(VerificationKey::rsa(modulus, exponent))
    }
}

/// Reads a part that has 32 bytes.
fn part(text: &Option<String>) -> Result<[u8; 32], &'static str> {
    let bytes = text.as_ref().and_then(|text| BASE64.decode(text).ok()).ok_or("it lacks a part")?;
    bytes.try_into().map_err(|_| "a part of it has another length than it must have")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: Value) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn text(length: usize) -> String {
        BASE64.encode(vec![0x81; length])
    }

    fn ec(kid: &str) -> Value {
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": text(32), "y": text(32)})
    }

    #[test]
    fn keys_of_every_kind_are_read() {
        let set = read(json!([
            {"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": text(256), "e": "AQAB"},
            {"kty": "EC", "kid": "e", "alg": "ES256", "crv": "P-256", "key_ops": ["verify"],
             "ext": true, "x": text(32), "y": text(32)},
            {"kty": "OKP", "kid": "o", "alg": "EdDSA", "crv": "Ed25519", "x": text(32)},
        ]));
        for (kid, algorithm) in
            [("r", Algorithm::Rs256), ("e", Algorithm::Es256), ("o", Algorithm::EdDsa)]
        {
            assert_eq!(set.find(Some(kid), algorithm).unwrap().algorithm(), algorithm);
            assert_eq!(set.find(None, algorithm).unwrap().algorithm(), algorithm);
        }
        assert!(set.find(Some("x"), Algorithm::Es256).is_none());
        assert!(set.find(None, Algorithm::Hs256).is_none());
    }

    #[test]
    fn a_key_that_is_of_no_use_does_not_spoil_the_others() {
        let mut changed = ec("bad");
        let mut with = |name: &str, value: Value| {
            changed[name] = value;
            let key = changed.clone();
            changed = ec("bad");
            key
        };
        let bad = [
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("alg", json!("ES384")),
            with("alg", json!("HS256")),
            with("crv", json!("P-384")),
            with("x", json!(text(31))),
            with("x", json!("!")),
            with("y", json!(null)),
            json!({"kty": "oct", "kid": "bad", "alg": "HS256", "k": text(32)}),
            json!({"kty": "RSA", "kid": "bad", "n": text(128), "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "bad", "n": text(2048), "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "bad", "n": text(256), "e": ""}),
            json!({"kty": "new", "kid": "bad"}),
            json!({"kid": "bad"}),
            json!("bad"),
        ];
        for key in bad {
            let set = read(json!([key, ec("good")]));
            assert_eq!(set.len(), 1, "{key}");
            assert!(set.find(Some("good"), Algorithm::Es256).is_some(), "{key}");
        }
        assert_eq!(read(json!([])).len(), 0);
    }

    #[test]
    fn without_a_name_only_an_only_key_is_meant() {
        let set = read(json!([ec("a"), ec("b")]));
        assert!(set.find(None, Algorithm::Es256).is_none());
        assert!(set.find(Some("b"), Algorithm::Es256).is_some());
        let nameless = json!({"kty": "OKP", "crv": "Ed25519", "x": text(32)});
        let set = read(json!([nameless, ec("a"), ec("a")]));
        assert_eq!(set.len(), 2);
        assert!(set.find(None, Algorithm::EdDsa).is_some());
    }

    #[test]
    fn what_is_no_set_is_none() {
        for text in ["", "[]", "{}", "<html>", r#"{"keys":{}}"#, r#"{"keys":7}"#] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
