//! Tokens of an issuer at the door of the service.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::hmac;
use serde_json::{Value, json};
use tundra_access::TokenSettings;
use tundra_core::Secret;

use crate::place::{Opening, Place};

const SECRET: &str = "a-secret-that-the-issuer-and-we-share";

/// Signs the claims of a user of `acme`, with changes.
fn token(header: &Value, changes: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": "https://issuer.example", "aud": "authenticated", "role": "authenticated",
        "sub": "11111111-1111-4111-8111-111111111111", "exp": now + 600,
        "app_metadata": {"org_id": "acme"},
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let signed =
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", BASE64.encode(hmac::sign(&key, signed.as_bytes())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_its_holder_do_what_is_the_organisation_s() {
    let place = Place::new().await;
    let tokens = TokenSettings {
        shared_secret: Some(Secret::new(SECRET)),
        ..TokenSettings::bare("https://issuer.example", "authenticated")
    };
    let desk = place.open(Opening { tokens: Some(tokens), ..Opening::default() }).await;
    let own = place.uploaded("acme", "id\n1\n").await;
    let others = place.uploaded("other", "id\n1\n").await;
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let convert = async |token: &str, id: String, organisation: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("x-organisation", organisation)];
        desk.post("/convert/file", &headers, &json!({ "source_id": id })).await
    };
    let good = token(&hs256, &json!({}));
    convert(&good, own.id.to_string(), "").await.ok();
    convert(&good, own.id.to_string(), "acme").await.ok();
    convert(&good, others.id.to_string(), "").await.failure(404, "not_found");
    convert(&good, others.id.to_string(), "other").await.failure(403, "permission_denied");
    let bearer = format!("Bearer {good}");
    let shown = [("authorization", bearer.as_str())];
    let refused = desk.call("GET", "/metrics", &shown, Body::empty()).await;
    refused.failure(403, "permission_denied");

    for (header, changes, status) in [
        (&hs256, json!({"exp": 1}), 401),
        (&hs256, json!({"nbf": 99_999_999_999_u64}), 401),
        (&hs256, json!({"iss": "https://evil.example"}), 401),
        (&hs256, json!({"aud": "anybody"}), 401),
        (&hs256, json!({"role": "anon"}), 401),
        (&hs256, json!({"role": "service_role"}), 403),
        (&hs256, json!({"app_metadata": {}, "user_metadata": {"org_id": "acme"}}), 403),
        (&json!({"alg": "none"}), json!({}), 401),
        (&json!({"alg": "RS256"}), json!({}), 401),
    ] {
        let refused = convert(&token(header, &changes), own.id.to_string(), "").await;
        assert_eq!(refused.status, status, "{header} {changes}: {}", refused.body);
        if status == 401 {
            let challenge = refused.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
        }
    }
    let mut tampered = good.clone();
    tampered.replace_range(good.len() - 4.., "AAAA");
    convert(&tampered, own.id.to_string(), "").await.failure(401, "unauthenticated");
    assert_eq!(place.versions(&own).await.len(), 2);
    assert!(place.versions(&others).await.is_empty());
}
