//! As whom Google is asked: every sort of credentials that can be had without Google.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use rustls::{crypto::ring, pki_types::alg_id};
use serde_json::{Value, json};
use tempfile::TempDir;
use tundra_catalog::{GoogleCredentials, GoogleSecrets, GoogleSettings};
use tundra_core::{Classify as _, ErrorKind, Retry, SecretStore as _};

use super::{
    VALUE, chain, child, error, get,
    secret_manager::{Answer, Google, METADATA, PROJECT},
};

/// A key that opens nothing; it was made for these tests.
const PRIVATE_KEY: &str = include_str!("service_account_key.base64");
/// Its public half, as PKCS #1 has it.
const PUBLIC_KEY: &str = include_str!("service_account_public_key.base64");
/// What a child process asks.
const ENDPOINT: &str = "TUNDRA_CATALOG_TEST_ENDPOINT";

fn file(json: &Value) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials.json");
    fs::write(&path, json.to_string()).unwrap();
    (directory, path)
}

/// The file of a service account's key.
fn key() -> Value {
    json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "key-1",
        "private_key":
            format!("-----BEGIN {0}-----\n{PRIVATE_KEY}-----END {0}-----\n", "PRIVATE KEY"),
        "client_email": "tundra@acme-data.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    })
}

/// The file that `gcloud auth application-default login` writes.
fn user(google: &Google) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client-1",
        "client_secret": VALUE,
        "refresh_token": format!("refresh-{VALUE}"),
        "token_uri": format!("{}/token", google.url()),
    })
}

fn secrets(google: &Google, credentials: GoogleCredentials) -> GoogleSecrets {
    let mut settings = GoogleSettings { credentials, ..google.settings() };
    settings.upstream.tries = 1;
    GoogleSecrets::new(settings).unwrap()
}

fn bearer(google: &Google) -> String {
    let asked = google.seen("/v1/").pop().unwrap();
    asked.headers["authorization"].strip_prefix("Bearer ").unwrap().to_owned()
}

#[tokio::test]
async fn the_key_of_a_service_account_signs_for_it() {
    let google = Google::with("warehouse", VALUE).await;
    let (_directory, path) = file(&key());
    let secrets = secrets(&google, GoogleCredentials::File(path));
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    let token = bearer(&google);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let part = |text: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(part(header), json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    assert_eq!(part(claims)["iss"], "tundra@acme-data.iam.gserviceaccount.com");
    assert_eq!(part(claims)["scope"], "https://www.googleapis.com/auth/cloud-platform");
    let public = BASE64_STANDARD.decode(PUBLIC_KEY.replace('\n', "")).unwrap();
    let verify = ring::default_provider()
        .signature_verification_algorithms
        .all
        .iter()
        .find(|algorithm| {
            algorithm.public_key_alg_id() == alg_id::RSA_ENCRYPTION
                && algorithm.signature_alg_id() == alg_id::RSA_PKCS1_SHA256
        })
        .copied()
        .unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(verify.verify_signature(&public, signed.as_bytes(), &signature).is_ok());
    // It needs no server of tokens.
    assert_eq!(google.seen("").len(), 1);
}

#[tokio::test]
async fn the_login_of_a_person_is_exchanged_for_a_token() {
    let google = Google::with("warehouse", VALUE).await;
    let (_directory, path) = file(&user(&google));
    let secrets = secrets(&google, GoogleCredentials::File(path));
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    assert_eq!(bearer(&google), "token-1");
    let exchanged: Value = serde_json::from_str(&google.seen("/token")[0].body).unwrap();
    assert_eq!(exchanged["grant_type"], "refresh_token");
    assert_eq!(exchanged["refresh_token"], format!("refresh-{VALUE}"));
}

#[tokio::test]
async fn an_expired_login_says_how_to_log_in() {
    let google = Google::with("warehouse", VALUE).await;
    let (_directory, path) = file(&user(&google));
    let secrets = secrets(&google, GoogleCredentials::File(path.clone()));
    let body = format!(r#"{{"error": "invalid_grant", "error_description": "{VALUE}"}}"#);
    google.script("/token", Answer::Plain(400, "", body));
    let refused = error(secrets.get("warehouse").await);
    assert_eq!((refused.kind(), refused.retry()), (ErrorKind::PermissionDenied, Retry::Never));
    assert_eq!(
        chain(&refused),
        "could not read the secret `warehouse`: there are no credentials for Google Cloud: the login \
         is expired or was revoked (HTTP 400)\n\
         hint: set `GOOGLE_APPLICATION_CREDENTIALS` to the file with the key of a service account\n\
         hint: on a machine of yours, run `gcloud auth application-default login`\n\
         hint: in Google Cloud, give the machine or the workload a service account (workload identity)"
    );
    // After a new login the same store goes on.
    fs::write(&path, key().to_string()).unwrap();
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
}

#[tokio::test]
async fn an_answer_of_the_server_of_tokens_is_never_shown() {
    let google = Google::with("warehouse", VALUE).await;
    let (_directory, path) = file(&user(&google));
    for (code, body, kind) in [
        (200, format!(r#"{{"access_token": ["{VALUE}"]}}"#), ErrorKind::PermissionDenied),
        (200, format!(r#""{VALUE}""#), ErrorKind::PermissionDenied),
        (403, VALUE.to_owned(), ErrorKind::PermissionDenied),
        (503, VALUE.to_owned(), ErrorKind::Unavailable),
    ] {
        google.script("/token", Answer::Plain(code, "", body));
        let secrets = secrets(&google, GoogleCredentials::File(path.clone()));
        let refused = error(secrets.get("warehouse").await);
        assert_eq!(refused.kind(), kind, "{}", chain(&refused));
    }
}

#[tokio::test]
async fn a_workload_of_another_cloud_exchanges_its_token() {
    let google = Google::with("warehouse", VALUE).await;
    let directory = tempfile::tempdir().unwrap();
    let subject = directory.path().join("token");
    fs::write(&subject, "subject-1").unwrap();
    let path = directory.path().join("configuration.json");
    let configuration = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", google.url()),
        "credential_source": {"file": subject},
    });
    fs::write(&path, configuration.to_string()).unwrap();
    let secrets = secrets(&google, GoogleCredentials::File(path));
    assert_eq!(get(&secrets, "warehouse").await, VALUE);
    assert_eq!(bearer(&google), "token-1");
    assert!(google.seen("/sts")[0].body.contains("subject-1"));
}

#[tokio::test]
async fn a_metadata_server_that_comes_up_late_is_asked_again() {
    let google = Google::with("warehouse", VALUE).await;
    google.script(METADATA, Answer::Plain(503, "", String::new()));
    google.script(METADATA, Answer::Plain(500, "", String::new()));
    assert_eq!(get(&google.secrets(), "warehouse").await, VALUE);
    assert_eq!(google.seen(METADATA).len(), 3);
}

#[tokio::test]
async fn files_that_hold_no_credentials_are_told_by_their_place() {
    let google = Google::with("warehouse", VALUE).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.json");
    let mut no_key = key();
    no_key["private_key"] = VALUE.into();
    let mut wrong_key = key();
    wrong_key["private_key"] =
        "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n".into();
    let mut missing = key();
    missing.as_object_mut().unwrap().remove("client_email");
    let wrong_type = json!({"type": "service_account", "private_key": [VALUE]}).to_string();
    let place = path.display().to_string();
    let unusable = format!("the file `{place}`: what stands in the file is not what Google writes");
    let key_of_no_use = "the key in the file of credentials cannot be used".to_owned();
    for (text, reason) in [
        (None, format!("the file `{place}` cannot be read: No such file or directory")),
        (Some(String::new()), format!("the file `{place}` has broken JSON at line 1, column 0")),
        (Some(format!("\"{VALUE}\" x")), format!("the file `{place}` has broken JSON at line 1")),
        (Some(format!("\"{VALUE}\"")), format!("the file `{place}` has a `type` that is none of")),
        (
            Some(json!({"type": VALUE}).to_string()),
            format!("the file `{place}` has a `type` that is none of"),
        ),
        (Some(wrong_type), unusable.clone()),
        (Some(missing.to_string()), unusable),
        (Some(no_key.to_string()), key_of_no_use.clone()),
        (Some(wrong_key.to_string()), key_of_no_use),
    ] {
        let _ = fs::remove_file(&path);
        if let Some(text) = &text {
            fs::write(&path, text).unwrap();
        }
        let secrets = secrets(&google, GoogleCredentials::File(path.clone()));
        let refused = error(secrets.get("warehouse").await);
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        let told = chain(&refused);
        assert!(told.contains(&reason), "{told}\n{reason}");
        assert!(told.contains("hint: set `GOOGLE_APPLICATION_CREDENTIALS`"), "{told}");
        // The file that was wrong is put right, and the same store goes on.
        fs::write(&path, key().to_string()).unwrap();
        assert_eq!(get(&secrets, "warehouse").await, VALUE);
    }
}

#[tokio::test]
async fn nobody_is_a_way_to_ask_a_stand_in() {
    let google = Google::with("warehouse", VALUE).await;
    let refused = error(secrets(&google, GoogleCredentials::Anonymous).get("warehouse").await);
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(chain(&refused).contains("missing required authentication"), "{}", chain(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_variables_and_files_of_googles_libraries_lead_to_credentials() {
    let google = Google::with("warehouse", VALUE).await;
    let home = tempfile::tempdir().unwrap();
    let home_path = home.path().to_str().unwrap();
    let (_directory, path) = file(&user(&google));
    let play = |variables: &[(&str, &str)]| {
        let endpoint = google.url();
        let mut all = vec![(ENDPOINT, endpoint.as_str()), ("HOME", home_path)];
        all.extend_from_slice(variables);
        child::play_with("default-credentials", home.path(), &all)
    };
    let found = |printed: &str| printed.contains("the secret was found");

    // The metadata server, when nothing else is there.
    let address = google.address();
    assert!(found(&play(&[("GCE_METADATA_HOST", &address)])));
    assert_eq!((google.seen(METADATA).len(), google.seen("/token").len()), (1, 0));
    // The file that the variable names, before everything else.
    let named = [
        ("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap()),
        ("GCE_METADATA_HOST", &address),
    ];
    assert!(found(&play(&named)));
    assert_eq!((google.seen(METADATA).len(), google.seen("/token").len()), (1, 1));
    // The file of a login.
    let login = home.path().join(".config/gcloud/application_default_credentials.json");
    fs::create_dir_all(login.parent().unwrap()).unwrap();
    fs::copy(&path, &login).unwrap();
    assert!(found(&play(&[("GCE_METADATA_HOST", &address)])));
    assert_eq!((google.seen(METADATA).len(), google.seen("/token").len()), (1, 2));
    // Files that are wrong.
    fs::write(&login, format!("\"{VALUE}\" x")).unwrap();
    let printed = play(&[]);
    let reason = "there are no credentials for Google Cloud: what stands in the file is not what";
    assert!(printed.contains(reason) && !printed.contains(VALUE), "{printed}");
    fs::remove_file(&login).unwrap();
    let printed = play(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]);
    assert!(printed.contains("/nowhere/key.json"), "{printed}");
    // Nothing at all, which is what a machine outside of Google Cloud has.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let printed = play(&[("GCE_METADATA_HOST", &nobody.to_string())]);
    assert!(
        printed.contains(
            "there are no credentials for Google Cloud: no file of credentials is named, and the \
             server that should give a token does not answer\n\
             hint: set `GOOGLE_APPLICATION_CREDENTIALS`"
        ),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_without_certificates_is_told_as_such() {
    let google = Google::with("warehouse", VALUE).await;
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().to_str().unwrap();
    let printed = child::play_with(
        "default-credentials",
        directory.path(),
        &[
            (ENDPOINT, &google.url()),
            ("GCE_METADATA_HOST", &google.address()),
            ("SSL_CERT_FILE", "/dev/null"),
            ("SSL_CERT_DIR", nowhere),
        ],
    );
    assert!(
        printed.contains(
            "could not read the secret `warehouse`: this system has no certificates by which Google \
             could be known\nhint: install them"
        ),
        "{printed}"
    );
}

/// Scenario: asks for a secret as whoever the process is.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub(super) async fn by_default(_directory: &Path) {
    let mut settings =
        GoogleSettings { endpoint: env::var(ENDPOINT).ok(), ..GoogleSettings::new(PROJECT) };
    settings.upstream.tries = 1;
    match GoogleSecrets::new(settings).unwrap().get("warehouse").await {
        Ok(secret) => {
            assert_eq!(secret.expose(), VALUE);
            println!("the secret was found");
        }
        Err(error) => println!("{}", chain(&error)),
    }
}
