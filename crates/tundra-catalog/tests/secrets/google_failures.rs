//! What each failure of Google Secret Manager is told as.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tundra_catalog::{GoogleSecrets, GoogleSettings};
use tundra_core::{Classify as _, ErrorKind, Retry, SecretStore as _};

use super::{
    VALUE, chain, error,
    secret_manager::{Answer, Google, METADATA, Version, access, failure},
};

/// Asks once, and shows the failure as a person sees it, with its kind before.
async fn told(google: &Google, name: &str) -> String {
    let failure = error(google.secrets_at_once().get(name).await);
    format!("{} {:?} {}", failure.kind(), failure.retry(), chain(&failure))
}

#[tokio::test]
async fn a_missing_secret_names_the_project() {
    let google = Google::start().await;
    assert_eq!(
        told(&google, "warehouse").await,
        "not_found Never could not read the secret `warehouse`: Google Secret Manager does not have \
         it in the project `acme-data`\n\
         caused by: Secret [projects/123456789/secrets/warehouse] not found or has no versions."
    );
}

#[tokio::test]
async fn a_version_that_is_turned_off_says_how_to_turn_it_on() {
    let google = Google::start().await;
    for (version, state) in [(Version::Disabled, "DISABLED"), (Version::Destroyed, "DESTROYED")] {
        google.put_version("warehouse", version);
        assert_eq!(
            told(&google, "warehouse").await,
            format!(
                "not_found Never could not read the secret `warehouse`: its latest version in Google \
                 Secret Manager is disabled or destroyed\n\
                 caused by: Secret Version [projects/123456789/secrets/warehouse/versions/7] is in \
                 {state} state.\n\
                 hint: enable the version, `gcloud secrets versions enable VERSION \
                 --secret=warehouse --project=acme-data`, or add one, `gcloud secrets versions add \
                 warehouse --project=acme-data --data-file=FILE`"
            )
        );
    }
}

#[tokio::test]
async fn a_missing_right_names_the_role() {
    let google = Google::start().await;
    let message = "Permission 'secretmanager.versions.access' denied for resource \
                   'projects/acme-data/secrets/warehouse/versions/latest' (or it may not exist).";
    google.next(403, failure(403, "PERMISSION_DENIED", message));
    assert_eq!(
        told(&google, "warehouse").await,
        format!(
            "permission_denied Never could not read the secret `warehouse`: Google does not let this \
             account read it\n\
             caused by: {message}\n\
             hint: grant the role `roles/secretmanager.secretAccessor`: `gcloud secrets \
             add-iam-policy-binding warehouse --project=acme-data \
             --member=serviceAccount:ACCOUNT --role=roles/secretmanager.secretAccessor`"
        )
    );
    for (reason, hint) in [
        (
            "SERVICE_DISABLED",
            "hint: turn the service on: `gcloud services enable secretmanager.googleapis.com \
             --project=acme-data`",
        ),
        (
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "hint: give the machine the access scope `cloud-platform`",
        ),
    ] {
        let body = json!({"error": {
            "code": 403, "message": "No.", "status": "PERMISSION_DENIED",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason, "domain": "googleapis.com",
            }],
        }});
        google.next(403, body.to_string());
        assert!(told(&google, "warehouse").await.ends_with(hint));
    }
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_asked_for_anew() {
    let google = Google::with("warehouse", VALUE).await;
    let secrets = google.secrets();
    google.next(401, failure(401, "UNAUTHENTICATED", "Invalid credentials."));
    let refused = error(secrets.get("warehouse").await);
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(chain(&refused).contains("hint: set `GOOGLE_APPLICATION_CREDENTIALS`"));
    assert_eq!(super::get(&secrets, "warehouse").await, VALUE);
    let tokens: Vec<String> = google
        .seen("/v1/")
        .into_iter()
        .map(|request| request.headers["authorization"].clone())
        .collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_says_when_to_come_again() {
    let google = Google::start().await;
    let body = failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Access'.");
    google.script("/v1/", Answer::Plain(429, "Retry-After: 30\r\n", body.clone()));
    let busy = error(google.secrets_at_once().get("warehouse").await);
    assert_eq!(busy.kind(), ErrorKind::Unavailable);
    assert_eq!(busy.retry(), Retry::After(Duration::from_secs(30)));
    assert!(chain(&busy).contains("the quota of Google Secret Manager is used up"));
    assert!(chain(&busy).contains("hint: raise `SECRET_CACHE_TTL_SECONDS`"));
    // Nobody waits for half a minute here.
    google.script("/v1/", Answer::Plain(429, "Retry-After: 30\r\n", body));
    error(google.secrets().get("warehouse").await);
    assert_eq!(google.accesses(), 2);
}

#[tokio::test]
async fn failures_of_the_service_can_be_tried_later() {
    let google = Google::start().await;
    for (code, status, kind, reason) in [
        (500, "INTERNAL", "unavailable", "Google Secret Manager has failed (HTTP 500)"),
        (503, "UNAVAILABLE", "unavailable", "Google Secret Manager has failed (HTTP 503)"),
        (
            504,
            "DEADLINE_EXCEEDED",
            "timeout",
            "Google Secret Manager did not finish in the time that it gives itself",
        ),
    ] {
        google.next(code, failure(code, status, "An internal\nerror."));
        assert_eq!(
            told(&google, "warehouse").await,
            format!(
                "{kind} Later could not read the secret `warehouse`: {reason}\n\
                 caused by: An internal error."
            )
        );
    }
    google.next(400, failure(400, "INVALID_ARGUMENT", "Bad name."));
    assert_eq!(
        told(&google, "warehouse").await,
        "invalid_request Never could not read the secret `warehouse`: Google Secret Manager refuses \
         the request\ncaused by: Bad name."
    );
}

#[tokio::test]
async fn answers_that_are_not_googles_are_described_and_not_shown() {
    let google = Google::start().await;
    for (code, retry) in [(502, "Later"), (503, "Later"), (429, "Later")] {
        google.next(code, format!("<html>{VALUE}</html>"));
        assert_eq!(
            told(&google, "warehouse").await,
            format!(
                "unavailable {retry} could not read the secret `warehouse`: the answer is HTTP \
                 {code}, and not in the form of Google Secret Manager"
            )
        );
    }
    google.next(404, format!("<html>{VALUE}</html>"));
    assert!(told(&google, "warehouse").await.ends_with(
        "the answer is HTTP 404, and not in the form of Google Secret Manager\n\
         hint: see whether a proxy answers instead of `secretmanager.googleapis.com`"
    ));
    let whole = access("warehouse", VALUE.as_bytes(), 0).to_string();
    for body in [
        String::new(),
        "<html>Welcome</html>".to_owned(),
        format!("{{\"payload\": \"{VALUE}\"}}"),
        format!("{{\"payload\": {{\"data\": \"{VALUE}!\"}}}}"),
        format!("{{\"name\": [\"{VALUE}\"]}}"),
        whole[..whole.len() - 5].to_owned(),
    ] {
        google.next(200, body.clone());
        assert_eq!(
            told(&google, "warehouse").await,
            "unavailable Later could not read the secret `warehouse`: the answer of Google Secret \
             Manager is not what its API documents",
            "{body}"
        );
    }
    for (code, body) in [(200, "{}"), (204, ""), (200, r#"{"name": "x", "payload": null}"#)] {
        google.next(code, body);
        assert_eq!(
            told(&google, "warehouse").await,
            "unavailable Later could not read the secret `warehouse`: the answer of Google Secret \
             Manager has no secret in it",
            "{body}"
        );
    }
}

#[tokio::test]
async fn values_that_can_be_no_secret_are_refused() {
    let google = Google::start().await;
    let mut binary = VALUE.as_bytes().to_vec();
    binary.push(0xff);
    for (value, expected) in [
        (Vec::new(), "invalid_data Never could not read the secret `warehouse`: it is empty"),
        (
            binary,
            "invalid_data Never could not read the secret `warehouse`: it is no text in UTF-8, from \
             byte 21 on",
        ),
        (
            vec![b'x'; (64 << 10) + 1],
            "limit_exceeded Never could not read the secret `warehouse`: it is longer than 64 KiB",
        ),
    ] {
        google.put_version("warehouse", Version::Enabled(value));
        assert_eq!(told(&google, "warehouse").await, expected);
    }
}

#[tokio::test]
async fn a_value_that_changed_on_the_way_is_corrupt() {
    let google = Google::start().await;
    let right = crc32c::crc32c(VALUE.as_bytes());
    google.next(200, access("warehouse", VALUE.as_bytes(), right ^ 1).to_string());
    assert_eq!(
        told(&google, "warehouse").await,
        "corrupt Later could not read the secret `warehouse`: what Google Secret Manager sent does \
         not have the checksum that it sent"
    );
}

#[tokio::test]
async fn a_service_that_says_nothing_is_waited_for_no_longer_than_allowed() {
    let google = Google::with("warehouse", VALUE).await;
    let mut settings = google.settings();
    settings.upstream.tries = 2;
    settings.upstream.timeout = Duration::from_millis(500);
    let secrets = GoogleSecrets::new(settings).unwrap();
    super::get(&secrets, "warehouse").await;
    google.script("/v1/", Answer::Silence);
    assert_eq!(super::get(&secrets, "warehouse").await, VALUE);
    google.script("/v1/", Answer::Silence);
    google.script("/v1/", Answer::Silence);
    let late = error(secrets.get("warehouse").await);
    assert_eq!((late.kind(), late.retry()), (ErrorKind::Timeout, Retry::Later));
    assert_eq!(
        late.to_string(),
        "could not read the secret `warehouse`: Google Secret Manager did not answer within 500ms"
    );
}

#[tokio::test]
async fn a_server_of_tokens_that_says_nothing_is_told_apart() {
    let google = Google::with("warehouse", VALUE).await;
    let mut settings = google.settings();
    settings.upstream.tries = 1;
    settings.upstream.timeout = Duration::from_millis(500);
    google.script(METADATA, Answer::Silence);
    let secrets = GoogleSecrets::new(settings).unwrap();
    let late = error(secrets.get("warehouse").await);
    assert_eq!(
        late.to_string(),
        "could not read the secret `warehouse`: the server that should give a token did not answer \
         within 500ms"
    );
    assert_eq!(super::get(&secrets, "warehouse").await, VALUE);
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable() {
    let google = Google::start().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut settings =
        GoogleSettings { endpoint: Some(format!("http://{nobody}")), ..google.settings() };
    settings.upstream.tries = 1;
    let away = error(GoogleSecrets::new(settings.clone()).unwrap().get("warehouse").await);
    assert_eq!((away.kind(), away.retry()), (ErrorKind::Unavailable, Retry::Later));
    assert_eq!(
        chain(&away),
        "could not read the secret `warehouse`: the connection to Google Secret Manager failed\n\
         caused by: Connection refused (os error 111)"
    );
    // Speaking TLS to a server that does not is no way to get a secret.
    settings.endpoint = Some(google.url().replace("http:", "https:"));
    let away = error(GoogleSecrets::new(settings).unwrap().get("warehouse").await);
    assert_eq!(away.kind(), ErrorKind::Unavailable, "{}", chain(&away));
}
