//! The three parts of a token, and whether its signature is that of a key (RFC 7515, compact form).
//!
//! It stands on the primitives of `ring`. Claims are read after the signature was found to be right, and
//! not before.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        UnparsedPublicKey,
    },
};
use serde::Deserialize;
use tundra_core::Secret;

use crate::error::TokenFault;

/// The longest token. Those of Supabase have 1 to 2 KiB, and headers of 16 KiB pass no server.
const LONGEST: usize = 16 << 10;

/// A way to sign that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
    Hs256,
}

/// A token in parts. Nothing of it is proven.
pub(super) struct Token<'a> {
    /// What it says that it is signed with.
    pub(super) algorithm: Algorithm,
    /// The name of the key that it says it is signed with.
    pub(super) key_id: Option<String>,
    /// What was signed.
    message: &'a str,
    /// The claims, as they are written.
    claims: &'a str,
    signature: Vec<u8>,
}

/// A key with the one algorithm that it is for.
pub(super) struct VerificationKey(Kind);

enum Kind {
    /// The modulus and the exponent.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// A point, not compressed.
    P256(UnparsedPublicKey<Vec<u8>>),
    Ed25519(UnparsedPublicKey<Vec<u8>>),
    Shared(hmac::Key),
}

/// What stands in the header that matters. Keys that a token brings along do not.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl Algorithm {
    /// Reads the name of RFC 7518, 8037 or 9864. `none` is none of them.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenFault> {
        if text.len() > LONGEST {
            return Err(TokenFault::Form("it is longer than 16 KiB"));
        }
        let three = || TokenFault::Form("it has not three parts with dots between them");
        let (message, signature) = text.rsplit_once('.').ok_or_else(three)?;
        let (header, claims) = message.split_once('.').ok_or_else(three)?;
        if claims.contains('.') {
            return Err(three());
        }
        let unreadable = TokenFault::Form("its header is not JSON in base 64");
        let header = BASE64.decode(header).map_err(|_| unreadable.clone())?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| unreadable)?;
        if header.crit.is_some() {
            return Err(TokenFault::Critical);
        }
        let algorithm = Algorithm::named(&header.alg).ok_or(TokenFault::Algorithm)?;
        let signature = BASE64
            .decode(signature)
            .map_err(|_| TokenFault::Form("its signature is not in base 64"))?;
        Ok(Self { algorithm, key_id: header.kid, message, claims, signature })
    }
}

impl VerificationKey {
    /// Returns the key for a secret that the issuer and we have.
    pub(super) fn shared(secret: &Secret) -> Self {
        // The text is the key: it is not decoded, even where it looks like base 64.
        Self(Kind::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())))
    }

    /// Returns an RSA key of these bytes, the most significant first.
    pub(super) fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Self {
        Self(Kind::Rsa(RsaPublicKeyComponents { n: modulus, e: exponent }))
    }

    /// Returns a key of the curve P-256, of its point.
    pub(super) fn p256(x: [u8; 32], y: [u8; 32]) -> Self {
        // Not compressed (SEC 1, section 2.3.3).
        let point = [&[4][..], &x, &y].concat();
        Self(Kind::P256(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)))
    }

    /// Returns a key of Ed25519.
    pub(super) fn ed25519(key: [u8; 32]) -> Self {
        Self(Kind::Ed25519(UnparsedPublicKey::new(&ED25519, key.to_vec())))
    }

    /// Returns what it signs with.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self.0 {
            Kind::Rsa(_) => Algorithm::Rs256,
            Kind::P256(_) => Algorithm::Es256,
            Kind::Ed25519(_) => Algorithm::EdDsa,
            Kind::Shared(_) => Algorithm::Hs256,
        }
    }

    /// Returns the claims, as they are written, of a token that this key has signed.
    pub(super) fn verify<'a>(&self, token: &Token<'a>) -> Result<&'a str, TokenFault> {
        if token.algorithm != self.algorithm() {
            return Err(TokenFault::Algorithm);
        }
        let (message, signature) = (token.message.as_bytes(), &token.signature);
        let verified = match &self.0 {
            Kind::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Kind::P256(key) | Kind::Ed25519(key) => key.verify(message, signature),
            Kind::Shared(key) => hmac::verify(key, message, signature),
        };
        verified.map(|()| token.claims).map_err(|_| TokenFault::Signature)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({:?})", self.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        BASE64.decode(text).unwrap().try_into().unwrap()
    }

    fn fault(text: &str) -> TokenFault {
        Token::parse(text).err().unwrap()
    }

    /// RFC 7515, appendix A.3.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn es256() -> VerificationKey {
        let x = bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        let y = bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        VerificationKey::p256(x, y)
    }

    #[test]
    fn the_token_of_the_standard_for_es256_is_verified() {
        let token = Token::parse(ES256).unwrap();
        assert_eq!((token.algorithm, token.key_id.as_deref()), (Algorithm::Es256, None));
        let claims = BASE64.decode(es256().verify(&token).unwrap()).unwrap();
        assert!(claims.starts_with(b"{\"iss\":\"joe\""));
    }

    #[test]
    fn the_token_of_the_standard_for_hs256_is_verified() {
        // RFC 7515, appendix A.1. Its secret is no text, so the key is made of bytes here.
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
            dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let secret = BASE64.decode(secret).unwrap();
        let key = VerificationKey(Kind::Shared(hmac::Key::new(hmac::HMAC_SHA256, &secret)));
        key.verify(&Token::parse(token).unwrap()).unwrap();
    }

    #[test]
    fn the_token_of_the_standard_for_eddsa_is_verified() {
        // RFC 8037, appendix A.4. What is signed there is no JSON, which is read later.
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
            hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let key = VerificationKey::ed25519(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
        key.verify(&Token::parse(token).unwrap()).unwrap();
    }

    #[test]
    fn a_change_of_any_part_is_found() {
        let key = es256();
        let parts: Vec<&str> = ES256.split('.').collect();
        for (header, claims, signature) in [
            ("eyJhbGciOiJFUzI1NiIgfQ", parts[1], parts[2]),
            (parts[0], "eyJpc3MiOiJqb2UifQ", parts[2]),
            (parts[0], parts[1], &parts[2].replace("DtEh", "DtEi")),
            (parts[0], parts[1], ""),
            (parts[0], parts[1], &parts[2][..84]),
        ] {
            let text = format!("{header}.{claims}.{signature}");
            let token = Token::parse(&text).unwrap();
            assert_eq!(key.verify(&token).unwrap_err(), TokenFault::Signature, "{text}");
        }
    }

    #[test]
    fn the_algorithm_is_that_of_the_key() {
        let token = Token::parse(ES256).unwrap();
        for key in [
            VerificationKey::ed25519([1; 32]),
            VerificationKey::rsa(vec![0xff; 256], vec![1, 0, 1]),
            VerificationKey::shared(&Secret::new("x".repeat(32))),
        ] {
            assert_eq!(key.verify(&token).unwrap_err(), TokenFault::Algorithm);
        }
    }

    #[test]
    fn a_token_that_is_none_says_why() {
        let header = |json: &str| format!("{}.e30.", BASE64.encode(json));
        for text in ["", "a", "a.b", "a.b.c.d", "...", "tnd_x"] {
            assert!(matches!(fault(text), TokenFault::Form(_)), "{text}");
        }
        for json in ["", "x", "[]", "{}", r#"{"alg":1}"#, r#"{"alg":"ES256","alg":"none"}"#] {
            assert!(matches!(fault(&header(json)), TokenFault::Form(_)), "{json}");
        }
        assert!(matches!(fault(&format!("{}=.e30.", BASE64.encode("{}"))), TokenFault::Form(_)));
        assert!(matches!(fault(&"a".repeat(LONGEST + 1)), TokenFault::Form(_)));
        for alg in ["none", "None", "", "HS512", "RS1", "ES256K", "hs256", "PS256"] {
            let json = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(fault(&header(&json)), TokenFault::Algorithm, "{alg}");
        }
        let critical = r#"{"alg":"ES256","crit":["b64"],"b64":false}"#;
        assert_eq!(fault(&header(critical)), TokenFault::Critical);
    }

    #[test]
    fn a_key_does_not_print() {
        let key = VerificationKey::shared(&Secret::new("hush".repeat(8)));
        assert_eq!(format!("{key:?}"), "VerificationKey(Hs256)");
    }
}
