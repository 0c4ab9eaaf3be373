//! Whose credentials a caller may name.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};
use tundra_core::{Source, VersionStatus};
use tundra_jobs::{JobStore, MemoryJobs, SqliteJobs};
use tundra_server::{Settings, tasks::SecretRule};

use crate::{
    place::{Desk, LateFile, Opening, Place},
    support::{Answer, column},
};

const ASYNC: (&str, &str) = ("prefer", "respond-async");

/// Two organisations, each with a source and a database of its own, and a database of nobody.
struct Two {
    place: Place,
    /// Of `a` and of `a-b`.
    sources: [Source; 2],
    /// Theirs, and one for both.
    keys: [String; 3],
}

/// Which secrets there are.
const NAMES: [&str; 3] = ["org-a_shop", "org-a-b_shop", "shop"];

impl Two {
    async fn new() -> Self {
        let place = Place::new().await;
        let secrets = NAMES.map(|name| (name, json!({ "file_path": place.database(name) })));
        place.keep_secrets(&secrets.into_iter().collect());
        let sources = [place.add_database("a").await, place.add_database("a-b").await];
        let keys = [
            place.key(Some("a"), "convert,read").await,
            place.key(Some("a-b"), "convert,read").await,
            place.key(None, "convert,read").await,
        ];
        Self { place, sources, keys }
    }

    async fn ask(
        &self,
        desk: &Desk,
        (key, source): (usize, usize),
        secret: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("x-api-key", &self.keys[key]));
        desk.post("/convert/database", &headers, &request(&self.sources[source], secret)).await
    }

    /// Waits until a job has ended, and returns it as it is then.
    async fn ended(&self, desk: &Desk, key: usize, accepted: &Answer) -> Value {
        assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.body);
        let path = accepted.headers["location"].to_str().unwrap();
        let own = [("x-api-key", self.keys[key].as_str())];
        // The stream ends with the job.
        desk.call("GET", &format!("{path}/events"), &own, Body::empty()).await;
        desk.call("GET", path, &own, Body::empty()).await.ok()
    }
}

fn request(source: &Source, secret: &str) -> Value {
    json!({
        "source_id": source.id.to_string(), "credentials_id": secret, "table_name": "t",
    })
}

/// Checks that an answer says what it says of a secret that is not there, and nothing besides.
#[track_caller]
fn is_not_there(answer: &Answer, tenant: &str) {
    let told = answer.failure(404, "not_found").to_owned();
    assert_eq!(told, "`credentials_id`: your organisation has no secret of this name");
    let hint = format!("`org-{tenant}_`");
    assert!(answer.body["hints"][0].as_str().unwrap().contains(&hint), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_reads_with_its_own_secrets_only() {
    let two = Two::new().await;
    let jobs: Arc<dyn JobStore> = Arc::new(MemoryJobs::new());
    let opening = Opening { jobs: Some(jobs), with_keys: true, ..Opening::default() };
    let desk = two.place.open(opening).await;
    for headers in [&[][..], &[ASYNC]] {
        for (who, tenant) in [(0, "a"), (1, "a-b")] {
            let others = NAMES[1 - who];
            for secret in [others, "shop", "org-nobody_shop", "nobody"] {
                is_not_there(&two.ask(&desk, (who, who), secret, headers).await, tenant);
            }
            // One of its own that is not there is not there either.
            let missing = format!("org-{tenant}_missing");
            let answer = two.ask(&desk, (who, who), &missing, &[]).await;
            assert!(answer.failure(404, "not_found").contains(&missing), "{}", answer.body);
        }
    }
    // Nothing was begun.
    for source in &two.sources {
        assert!(two.place.versions(source).await.is_empty());
    }
    let listed = desk.call("GET", "/jobs", &[("x-api-key", &two.keys[2])], Body::empty()).await;
    assert_eq!(listed.ok()["jobs"], json!([]));

    for who in [0, 1] {
        two.ask(&desk, (who, who), NAMES[who], &[]).await.ok();
        let accepted = two.ask(&desk, (who, who), NAMES[who], &[ASYNC]).await;
        let job = two.ended(&desk, who, &accepted).await;
        assert_eq!(job["status"], "done", "{job}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_for_all_organisations_reads_with_any_secret() {
    let two = Two::new().await;
    let jobs: Arc<dyn JobStore> = Arc::new(MemoryJobs::new());
    let opening = Opening { jobs: Some(jobs), with_keys: true, ..Opening::default() };
    let desk = two.place.open(opening).await;
    for secret in NAMES {
        two.ask(&desk, (2, 0), secret, &[]).await.ok();
        let accepted = two.ask(&desk, (2, 0), secret, &[ASYNC]).await;
        let job = two.ended(&desk, 0, &accepted).await;
        assert_eq!(job["status"], "done", "{secret}: {job}");
    }
    let file = two.place.directory.path().join("warehouse/org-a/processed");
    let file = file.join(two.sources[0].id.to_string()).join("v5/data.parquet");
    assert_eq!(column(&file, "owner"), ["shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_secret_may_be_named_where_that_is_said() {
    let two = Two::new().await;
    let opening = Opening { secrets: SecretRule::Any, with_keys: true, ..Opening::default() };
    let desk = two.place.open(opening).await;
    for secret in NAMES {
        two.ask(&desk, (0, 0), secret, &[]).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_what_its_caller_may_over_a_restart() {
    let two = Two::new().await;
    let file = two.place.directory.path().join("jobs.db");
    let open = async |secrets: SecretRule| {
        let jobs: Arc<dyn JobStore> = Arc::new(SqliteJobs::open(&file).await.unwrap());
        let settings =
            Settings { concurrent_runs: 1.try_into().unwrap(), ..Opening::default().settings };
        let jobs = Some(jobs);
        let opening = Opening { jobs, settings, secrets, with_keys: true, ..Opening::default() };
        two.place.open(opening).await
    };
    // One place, which is taken, so that what comes behind is taken up by the next process.
    let desk = open(SecretRule::Any).await;
    let mut late = LateFile::start("id\n1\n").await;
    let slow = two.place.add("a", Some(late.url.clone())).await;
    let (own, body) =
        ([ASYNC, ("x-api-key", &*two.keys[0])], json!({"source_id": slow.id.to_string()}));
    desk.post("/convert/file", &own, &body).await;
    late.is_asked().await;
    let asked = [
        // By the rule of that moment it was allowed.
        (0, two.ask(&desk, (0, 0), "org-a-b_shop", &[ASYNC]).await, "failed"),
        (0, two.ask(&desk, (0, 0), "org-a_shop", &[ASYNC]).await, "done"),
        (1, two.ask(&desk, (2, 1), "shop", &[ASYNC]).await, "done"),
    ];
    assert_eq!(desk.app.shutdown(Duration::from_secs(1)).await, 0);
    drop(desk);

    late.comes();
    let desk = open(SecretRule::OfOrganisation).await;
    for (key, accepted, status) in &asked {
        let job = two.ended(&desk, *key, accepted).await;
        assert_eq!(job["status"], *status, "{job}");
        if *status == "failed" {
            assert_eq!(job["error"]["code"], "not_found", "{job}");
        }
    }
    let versions = two.place.versions(&two.sources[0]).await;
    assert!(versions.iter().all(|version| version.status == VersionStatus::Active), "{versions:?}");
}
