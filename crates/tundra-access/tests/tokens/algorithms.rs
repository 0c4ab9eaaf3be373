//! Who has signed a token, and how: the one thing that nobody can make up.

use serde_json::json;
use tundra_access::{AccessError, TokenFault};
use tundra_core::Secret;

use super::{Door, Signer};

const SECRET: &str = "a-secret-that-nobody-guesses-easily-0123";

#[tokio::test]
async fn tokens_of_every_algorithm_are_taken() {
    let signers = [Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("o")];
    let [rsa, p256, ed25519] = &signers;
    let door = Door::of(&[rsa, p256, ed25519]);
    for signer in &signers {
        let token = signer.sign(&door.claims(json!({})));
        let principal = door.enter(&token).await;
        assert_eq!(principal.tenant, Some("acme".parse().unwrap()), "{}", signer.algorithm());
    }
    // A token without the name of a key is of the only key of its algorithm.
    let nameless = p256.sign_as(&json!({"alg": "ES256"}), &door.claims(json!({})));
    door.enter(&nameless).await;
    let modern = ed25519.sign_as(&json!({"alg": "Ed25519", "kid": "o"}), &door.claims(json!({})));
    door.enter(&modern).await;
    assert_eq!(door.issuer.asked(), 1, "the keys are kept");
    let seen = &door.issuer.faults().seen()[0];
    assert_eq!((&*seen.method, &*seen.path), ("GET", "/auth/v1/.well-known/jwks.json"));
    assert!(seen.header("user-agent").unwrap().starts_with("tundra/"));
}

#[tokio::test]
async fn a_token_that_another_key_of_that_name_signed_is_refused() {
    for [own, forged] in
        [[Signer::p256("k"), Signer::p256("k")], [Signer::ed25519("k"), Signer::ed25519("k")]]
    {
        let door = Door::of(&[&own]);
        let token = forged.sign(&door.claims(json!({})));
        assert_eq!(door.fault(&token).await, TokenFault::Signature);
        door.enter(&own.sign(&door.claims(json!({})))).await;
    }
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let signers = [Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("o")];
    let door = Door::of(&signers.iter().collect::<Vec<_>>());
    for signer in &signers {
        let (own, other) = (
            signer.sign(&door.claims(json!({}))),
            signer.sign(&door.claims(json!({"app_metadata": {"org_id": "globex"}}))),
        );
        let (own, other): (Vec<_>, Vec<_>) = (own.split('.').collect(), other.split('.').collect());
        let mixed = format!("{}.{}.{}", own[0], other[1], own[2]);
        assert_eq!(door.fault(&mixed).await, TokenFault::Signature, "{}", signer.algorithm());
        let unsigned = format!("{}.{}.", own[0], own[1]);
        assert_eq!(door.fault(&unsigned).await, TokenFault::Signature);
    }
}

#[tokio::test]
async fn a_token_that_is_not_signed_is_refused() {
    let signer = Signer::p256("k");
    let door = Door::with(&[&signer], |settings| {
        settings.shared_secret = Some(Secret::new(SECRET));
    });
    for name in ["none", "None", "NONE", "nOnE", ""] {
        for header in [json!({"alg": name}), json!({"alg": name, "kid": "k"})] {
            let token = signer.sign_as(&header, &door.claims(json!({})));
            let bare = format!("{}.", token.rsplit_once('.').unwrap().0);
            for token in [token, bare] {
                assert_eq!(door.fault(&token).await, TokenFault::Algorithm, "{name}");
            }
        }
    }
}

/// The oldest fault of libraries for tokens: the public key, which everybody has, taken for a secret
/// because the token says HS256.
#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    for own in [Signer::rsa("k"), Signer::p256("k"), Signer::ed25519("k")] {
        let forged = Signer::shared(&own.public_bytes());
        let text = own.published().to_string();
        let forged_by_text = Signer::shared(text.as_bytes());
        let without = Door::of(&[&own]);
        let with = Door::with(&[&own], |settings| {
            settings.shared_secret = Some(Secret::new(SECRET));
        });
        for forged in [&forged, &forged_by_text] {
            for header in [json!({"alg": "HS256", "kid": "k"}), json!({"alg": "HS256"})] {
                let token = forged.sign_as(&header, &without.claims(json!({})));
                assert_eq!(without.fault(&token).await, TokenFault::Algorithm);
                let token = forged.sign_as(&header, &with.claims(json!({})));
                assert_eq!(with.fault(&token).await, TokenFault::Signature);
            }
        }
        // Nor does a token choose among the algorithms of public keys.
        for name in ["RS256", "ES256", "EdDSA"] {
            if name != own.algorithm() {
                let header = json!({"alg": name, "kid": "k"});
                let token = own.sign_as(&header, &without.claims(json!({})));
                assert_eq!(without.fault(&token).await, TokenFault::Algorithm, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_shared_secret_that_is_published_is_none() {
    let (own, published) = (Signer::p256("k"), Signer::shared(SECRET.as_bytes()));
    let door = Door::of(&[&own, &published]);
    let token = published.sign(&door.claims(json!({})));
    assert_eq!(door.fault(&token).await, TokenFault::Algorithm);
    let token = own.sign_as(&json!({"alg": "ES256", "kid": "shared"}), &door.claims(json!({})));
    assert_eq!(door.fault(&token).await, TokenFault::UnknownSigner);
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (own, forged) = (Signer::p256("k"), Signer::p256("forged"));
    let door = Door::of(&[&own]);
    let address = format!("{}/forged.json", door.issuer.name());
    for extra in [
        json!({"jwk": forged.published()}),
        json!({"jku": address}),
        json!({"x5u": address, "x5c": ["MIIB"]}),
    ] {
        for name in ["k", "forged"] {
            let mut header = extra.clone();
            header["alg"] = json!("ES256");
            header["kid"] = json!(name);
            let token = forged.sign_as(&header, &door.claims(json!({})));
            let fault = door.fault(&token).await;
            assert!(
                matches!(fault, TokenFault::Signature | TokenFault::UnknownSigner),
                "{fault:?}"
            );
        }
    }
    let paths: Vec<_> = door.issuer.faults().seen().into_iter().map(|seen| seen.path).collect();
    assert!(paths.iter().all(|path| path.ends_with("jwks.json")), "{paths:?}");
}

#[tokio::test]
async fn tokens_of_the_old_secret_are_taken_where_it_is_given() {
    let (own, shared) = (Signer::p256("k"), Signer::shared(SECRET.as_bytes()));
    let door = Door::with(&[&own], |settings| {
        settings.shared_secret = Some(Secret::new(SECRET));
    });
    // With the name of a key that is not published, as those of Supabase have it.
    door.enter(&shared.sign(&door.claims(json!({})))).await;
    assert_eq!(door.issuer.asked(), 0, "no key is needed for them");
    door.enter(&own.sign(&door.claims(json!({})))).await;

    let wrong = Signer::shared(b"another-secret-that-is-not-that-of-us");
    let token = wrong.sign(&door.claims(json!({})));
    assert_eq!(door.fault(&token).await, TokenFault::Signature);

    let only = Door::with(&[&own], |settings| {
        settings.keys = None;
        settings.shared_secret = Some(Secret::new(SECRET));
    });
    only.enter(&shared.sign(&only.claims(json!({})))).await;
    assert_eq!(only.fault(&own.sign(&only.claims(json!({})))).await, TokenFault::Algorithm);
}

#[tokio::test]
async fn what_is_no_token_is_told_so() {
    let door = Door::of(&[&Signer::p256("k")]);
    for text in ["x", "a.b", "a.b.c", "a.b.c.d.e", "ey.ey.ey", &"x".repeat(100_000)] {
        let fault = door.fault(text).await;
        assert!(matches!(fault, TokenFault::Form(_)), "{fault:?}");
    }
    let error = door.refusal("tnd_0123456789AB_").await;
    assert!(matches!(error, AccessError::NotAccepted { what: "API keys" }));
    assert_eq!(door.issuer.asked(), 0);
}
