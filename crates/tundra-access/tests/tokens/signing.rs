//! Keys that are made here, and the tokens that they sign.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64},
};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    },
};
use serde_json::{Value, json};

/// Signs tokens, as an issuer does.
pub(super) struct Signer {
    /// The name of the key.
    pub(super) name: String,
    kind: Kind,
}

enum Kind {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Shared(Vec<u8>),
}

impl Signer {
    /// RSA keys take long to make, so that there is one, which nothing else uses.
    pub(super) fn rsa(name: &str) -> Self {
        let text = include_str!("rsa_key.base64").replace('\n', "");
        let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap();
        Self { name: name.to_owned(), kind: Kind::Rsa(Box::new(key)) }
    }

    pub(super) fn p256(name: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        Self { name: name.to_owned(), kind: Kind::P256(key) }
    }

    pub(super) fn ed25519(name: &str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
        Self { name: name.to_owned(), kind: Kind::Ed25519(key) }
    }

    pub(super) fn shared(secret: &[u8]) -> Self {
        Self { name: "shared".to_owned(), kind: Kind::Shared(secret.to_vec()) }
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa(_) => "RS256",
            Kind::P256(_) => "ES256",
            Kind::Ed25519(_) => "EdDSA",
            Kind::Shared(_) => "HS256",
        }
    }

    /// Returns the key as an issuer publishes it.
    pub(super) fn published(&self) -> Value {
        let parts = match &self.kind {
            Kind::Rsa(key) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": BASE64.encode(public.n), "e": BASE64.encode(public.e)})
            }
            Kind::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y)})
            }
            Kind::Ed25519(key) => {
                let x = BASE64.encode(key.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            Kind::Shared(secret) => json!({"kty": "oct", "k": BASE64.encode(secret)}),
        };
        let mut key = json!({"kid": self.name, "alg": self.algorithm(), "use": "sig"});
        key.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        key
    }

    /// Returns the bytes of the public key, as somebody who has read it may use them as a secret.
    pub(super) fn public_bytes(&self) -> Vec<u8> {
        match &self.kind {
            Kind::Rsa(key) => key.public().as_ref().to_vec(),
            Kind::P256(key) => key.public_key().as_ref().to_vec(),
            Kind::Ed25519(key) => key.public_key().as_ref().to_vec(),
            Kind::Shared(secret) => secret.clone(),
        }
    }

    /// Returns a token of these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({"alg": self.algorithm(), "kid": self.name, "typ": "JWT"}), claims)
    }

    /// Returns a token of these claims that says of itself what the header says.
    pub(super) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", BASE64.encode(self.signature(message.as_bytes())))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.kind {
            Kind::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Kind::P256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Kind::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Kind::Shared(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }
}
