//! `Prefer: respond-async`: jobs to their end, as whoever asked for them sees it.

use serde_json::{Value, json};
use tundra_test_services::Database;
use tundra_tests::server::{Answer, Asker};

use crate::server::{
    stack::{Stack, credentials},
    until::{until, until_async},
};

/// Counts the queries that sleep in a database.
const ASLEEP: &str = "SELECT count(*) FROM pg_stat_activity
                      WHERE wait_event = 'PgSleep' AND datname = current_database()";

/// Asks for a job, and returns its id.
async fn submit(ask: &Asker, path: &str, request: &Value) -> String {
    let answer = ask.with("prefer", "respond-async").post(path, request).await;
    let job = answer.json();
    assert_eq!(answer.status, 202, "{job}");
    assert_eq!((&job["status"], &job["attempts"]), (&json!("queued"), &json!(0)), "{job}");
    let id = job["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/jobs/{id}").as_str()));
    assert_eq!(answer.header("preference-applied"), Some("respond-async"));
    id.to_owned()
}

/// Returns the events of a stream that has ended: the id of each, and the job as it was then.
fn events(answer: &Answer) -> Vec<(u64, Value)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    let event = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no `{name}` in {block}")).to_owned()
        };
        assert_eq!(field("event: "), "job", "{block}");
        (field("id: ").parse().unwrap(), serde_json::from_str(&field("data: ")).unwrap())
    };
    blocks.map(event).collect()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.uploaded("csv", "in.csv", "a,b\n1,x\n2,y\n").await;
    let job = submit(ask, "/convert/file", &json!({"source_id": id})).await;
    let path = format!("/jobs/{job}");
    let told = events(&ask.get(&format!("{path}/events")).await);
    assert!(told.windows(2).all(|two| two[0].0 < two[1].0), "{told:?}");
    assert!(told.iter().all(|(_, it)| it["id"] == job.as_str()), "{told:?}");
    let (last, ended) = told.last().unwrap();
    assert_eq!((&ended["status"], &ended["kind"]), (&json!("done"), &json!("convert_file")));
    assert!(ended["error"].is_null() && ended["ended_at"].is_string(), "{ended}");
    // What the request would have been answered.
    let contents = stack.proven(&id, &ended["result"], "file").await;
    assert_eq!(contents.row(1).unwrap(), [Some("2"), Some("y")]);
    assert_eq!(&ask.get(&path).await.ok(), ended);
    // There is nothing more to tell to somebody who heard that.
    let again = ask.with("last-event-id", &last.to_string()).get(&format!("{path}/events")).await;
    assert_eq!((again.status, again.body.len()), (204, 0));
    let listed = ask.get("/jobs?status=done").await.ok();
    assert_eq!(listed, json!({"jobs": [ended], "next_cursor": null}));
    // One that has ended stays as it is.
    assert_eq!(&ask.delete(&path).await.ok(), ended);

    // One that fails says why, as its request would have been told.
    let bad = stack.uploaded("csv", "in.csv", "a,b\n1,2\n3\n").await;
    let job = submit(ask, "/convert/file", &json!({"source_id": bad})).await;
    let told = events(&ask.get(&format!("/jobs/{job}/events")).await);
    let failed = &told.last().unwrap().1;
    assert_eq!(
        (&failed["status"], &failed["result"]),
        (&json!("failed"), &Value::Null),
        "{failed}"
    );
    let error = &failed["error"];
    assert_eq!((&error["code"], &error["place"]["line"]), (&json!("invalid_data"), &json!(3)));
    assert_eq!(stack.versions(&bad).pop().unwrap()["error_message"], error["message"]);
    ask.get("/jobs/01890a5d-ac96-774b-bcce-b302099a8057").await.failure(404, "not_found");
}

#[tokio::test]
async fn the_same_request_with_the_same_key_is_one_job() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker().with("idempotency-key", "once");
    let id = stack.uploaded("csv", "in.csv", "a\n1\n").await;
    let request = json!({"source_id": id});
    let first = submit(&ask, "/convert/file", &request).await;
    let again = ask.with("prefer", "respond-async").post("/convert/file", &request).await;
    assert_eq!((again.status, &again.json()["id"]), (202, &json!(first)));
    let ended = events(&ask.get(&format!("/jobs/{first}/events")).await).pop().unwrap().1;
    stack.proven(&id, &ended["result"], "file").await;
    assert_eq!(stack.statuses(&id), [(1, "active".to_owned())]);
}

#[tokio::test]
async fn a_job_that_is_cancelled_ends_its_query_and_its_version() {
    let stack = Stack::new().await;
    let shop = Database::create().unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.add("database", "postgresql");
    let request =
        json!({"source_id": id, "credentials_id": "shop", "query": "SELECT pg_sleep(600), 1"});
    let job = submit(ask, "/convert/database", &request).await;
    let path = format!("/jobs/{job}");
    let listener = {
        let (ask, path) = (ask.clone(), format!("{path}/events"));
        tokio::spawn(async move { ask.get(&path).await })
    };
    until("the query runs", || (shop.run(ASLEEP).unwrap() != "0").then_some(())).await;
    assert_eq!(ask.get(&path).await.ok()["status"], "running");
    // It is pending for as long as it takes.
    assert_eq!(stack.statuses(&id), [(1, "pending".to_owned())]);
    assert_eq!(stack.source(&id)["current_version"], 0);

    let told = ask.delete(&path).await;
    assert_eq!((told.status, &told.json()["cancel_requested"]), (202, &json!(true)));
    let told = events(&listener.await.unwrap());
    assert_eq!(told.last().unwrap().1["status"], "cancelled", "{told:?}");
    until("the query has ended", || (shop.run(ASLEEP).unwrap() == "0").then_some(())).await;
    let version = until_async("the version has ended", async || {
        let version = stack.versions(&id).pop().unwrap();
        (version["status"] == "error").then_some(version)
    })
    .await;
    assert!(version["error_message"].as_str().unwrap().contains("cancel"), "{version}");
    assert_eq!(stack.objects(&id).await, [""; 0]);
}
