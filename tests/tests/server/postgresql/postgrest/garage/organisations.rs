//! Who may see what: API keys of two organisations, and the tokens of Supabase's users.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::hmac;
use serde_json::{Value, json};

use crate::server::stack::{Stack, TOKEN_SECRET};

/// An organisation that has no source here.
const RIVAL: &str = "rival";

/// Returns a token as the project signs it for one of its users.
fn token(stack: &Stack, changes: &[(&str, Value)]) -> String {
    token_signed_with(TOKEN_SECRET, stack, changes)
}

fn token_signed_with(secret: &str, stack: &Stack, changes: &[(&str, Value)]) -> String {
    let hour = Duration::from_secs(3600);
    let later = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + hour;
    let mut claims = json!({
        "iss": format!("{}/auth/v1", stack.supabase.url()), "aud": "authenticated",
        "exp": later.as_secs(), "sub": "11111111-1111-4111-8111-111111111111",
        "role": "authenticated", "app_metadata": {"org_id": stack.org},
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    let header = BASE64.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{signed}.{}", BASE64.encode(hmac::sign(&key, signed.as_bytes())))
}

#[tokio::test]
async fn a_source_of_another_organisation_is_not_there() {
    let stack = Stack::new().await;
    let id = stack.uploaded("csv", "in.csv", "a\n1\n").await;
    let own = stack.run(&["keys", "create", "own", "--org", &stack.org]);
    let other = stack.run(&["keys", "create", "other", "--org", RIVAL]);
    // Whoever has a project at Supabase is asked who they are.
    let server = stack.serve_with(&[]);
    let stranger = server.asker();
    let own = stranger.with("x-api-key", &own);
    let rival = stranger.with("authorization", &format!("Bearer {other}"));
    let user = stranger.with("authorization", &format!("Bearer {}", token(&stack, &[])));

    let request = json!({"source_id": id});
    let job = own.with("prefer", "respond-async").post("/convert/file", &request).await;
    let job = job.json()["id"].as_str().unwrap().to_owned();
    own.get(&format!("/jobs/{job}/events")).await;
    let answer = user.post("/convert/file", &request).await.ok();
    stack.proven(&id, &answer, "file").await;
    let version = stack.versions(&id).pop().unwrap()["id"].as_str().unwrap().to_owned();

    let paths = [
        format!("/sources/{id}"),
        format!("/sources/{id}/versions"),
        format!("/sources/{id}/versions/1"),
        format!("/sources/{id}/versions/current/receipt"),
        format!("/sources/{id}/versions/1/preview"),
        format!("/versions/{version}"),
        format!("/versions/{version}/receipt"),
        format!("/versions/{version}/preview"),
        format!("/jobs/{job}"),
    ];
    for path in &paths {
        for member in [&own, &user] {
            assert_eq!(member.get(path).await.status, 200, "{path}");
        }
        let told = rival.get(path).await.failure(404, "not_found");
        assert!(!told.to_string().contains(&stack.org), "{told}");
        stranger.get(path).await.failure(401, "unauthenticated");
    }
    let of_table = json!({"source_id": id, "credentials_id": "shop", "table_name": "orders"});
    for (path, request) in [
        ("/convert/file", request.clone()),
        ("/infer/schema", request.clone()),
        ("/convert/database", of_table),
        ("/uploads", json!({"source_id": id, "file_name": "in.csv"})),
        (format!("/sources/{id}/rollback").as_str(), json!({"version": 1})),
    ] {
        rival.post(path, &request).await.failure(404, "not_found");
        let refused = stranger.post(path, &request).await;
        refused.failure(401, "unauthenticated");
        assert!(refused.header("www-authenticate").is_some(), "{refused:?}");
    }
    rival.delete(&format!("/jobs/{job}")).await.failure(404, "not_found");
    let put = format!("/uploads/{id}/in.csv");
    let sent = rival.send("PUT", &put, Some("text/csv"), "a\n2\n".into()).await.unwrap();
    sent.failure(404, "not_found");
    for (list, field) in [("/sources", "sources"), ("/jobs", "jobs")] {
        assert_eq!(own.get(list).await.ok()[field].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(rival.get(list).await.ok()[field], json!([]), "{list}");
    }
    // Nothing of all that did anything.
    let told = [(1, "active".to_owned()), (2, "active".to_owned())];
    assert_eq!(stack.statuses(&id), told);
    assert_eq!(stack.get(&format!("uploads/{id}/in.csv")).await, b"a\n1\n");
    // Neither is an operator.
    own.get("/metrics").await.failure(403, "permission_denied");
    // Whoever knows nobody may know that the server is there.
    for path in ["/", "/health", "/health/deep", "/info", "/connectors"] {
        assert_eq!(stranger.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn keys_do_what_they_are_for_until_they_are_revoked() {
    let stack = Stack::new().await;
    let id = stack.uploaded("csv", "in.csv", "a\n1\n").await;
    let created =
        stack.run(&["keys", "create", "reader", "--org", &stack.org, "--actions", "read"]);
    let server = stack.serve_with(&[]);
    let reader = server.asker().with("x-api-key", &created);
    assert_eq!(reader.get("/sources").await.ok()["sources"][0]["id"], id.as_str());
    let request = json!({"source_id": id});
    reader.post("/convert/file", &request).await.failure(403, "permission_denied");
    let connection = json!({"connector_type": "sqlite", "credentials": {"file_path": "x"}});
    reader.post("/test/database-connection", &connection).await.failure(403, "permission_denied");
    // Behind `tnd_` is the id of the key, and then its secret.
    stack.run(&["keys", "revoke", &created[4..16]]);
    reader.get("/sources").await.failure(401, "unauthenticated");
    let (_, log) = server.stop("TERM").unwrap();
    assert!(!log.contains(&created), "{log}");
}

#[tokio::test]
async fn tokens_are_taken_only_from_the_project_and_for_as_long_as_they_say() {
    let stack = Stack::new().await;
    let id = stack.uploaded("csv", "in.csv", "a\n1\n").await;
    let server = stack.serve_with(&[]);
    let with = |token: String| server.asker().with("authorization", &format!("Bearer {token}"));
    let request = json!({"source_id": id});
    with(token(&stack, &[])).post("/infer/schema", &request).await.ok();
    for (changes, status, code) in [
        (vec![("exp", json!(1_700_000_000))], 401, "unauthenticated"),
        (vec![("iss", json!("https://elsewhere.supabase.co/auth/v1"))], 401, "unauthenticated"),
        (vec![("aud", json!("anon"))], 401, "unauthenticated"),
        (vec![("role", json!("anon"))], 401, "unauthenticated"),
        (vec![("role", json!("service_role"))], 403, "permission_denied"),
        (vec![("app_metadata", json!({}))], 403, "permission_denied"),
        // Users write there themselves.
        (
            vec![("app_metadata", json!({})), ("user_metadata", json!({"org_id": stack.org}))],
            403,
            "permission_denied",
        ),
        (vec![("app_metadata", json!({"org_id": RIVAL}))], 404, "not_found"),
    ] {
        let answer = with(token(&stack, &changes)).post("/infer/schema", &request).await;
        assert_eq!(answer.status, status, "{changes:?}: {}", answer.text());
        answer.failure(status, code);
    }
    let forged = token_signed_with("what-somebody-else-signs-tokens-with", &stack, &[]);
    with(forged).post("/infer/schema", &request).await.failure(401, "unauthenticated");
    assert!(stack.statuses(&id).is_empty());
}
