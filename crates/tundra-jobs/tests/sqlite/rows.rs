//! Rows that another program wrote, or changed.

use tundra_core::{Classify, ErrorKind, Scope};
use tundra_jobs::{JobFilter, JobStatus, JobStore, NewJob};

use super::{add, at, by_hand, open, place, support::job};

const ALL: Scope = Scope::All;

#[tokio::test]
async fn a_job_that_cannot_be_read_stands_in_nobodys_way() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let webhook = Some("https://hooks.example/".parse().unwrap());
        ids.push(add(&*store, &NewJob { webhook, ..job("echo") }).await.id);
    }
    let by_hand = by_hand(&path);
    let change = |statement: &str, id| {
        let statement = format!("UPDATE jobs SET {statement} WHERE id = ?1");
        assert_eq!(by_hand.execute(&statement, [format!("{id}")]).unwrap(), 1);
    };
    // Waiting, running, and ended with a webhook.
    change("request = '{]'", ids[0]);
    let running = store.claim("a", at(10), at(0)).await.unwrap().unwrap();
    assert_eq!(running.job.id, ids[1]);
    change("tenant = '../x'", ids[1]);
    assert!(store.recover(at(20), 9).await.unwrap().is_empty());
    let ends = store.claim("a", at(10), at(0)).await.unwrap().unwrap();
    assert_eq!(ends.job.id, ids[2]);
    store.cancel(&ALL, ids[3], at(5)).await.unwrap();
    change("webhook_url = 'ftp://x'", ids[3]);
    assert_eq!(store.claim_delivery(at(90), at(60)).await.unwrap(), None);

    for id in [ids[0], ids[1], ids[3]] {
        let error = store.get(&ALL, id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert!(error.to_string().contains(&id.to_string()), "{error}");
        let status: String = by_hand
            .query_row("SELECT status FROM jobs WHERE id = ?1", [id.to_string()], |row| row.get(0))
            .unwrap();
        assert_eq!(status, JobStatus::Failed.name());
    }
    let filter = JobFilter { status: None, before: None, limit: 9 };
    let listed = store.list(&ALL, &filter).await.unwrap();
    assert_eq!(listed, [ends.job]);
    // They are removed like others.
    assert_eq!(store.prune(at(100), 9).await.unwrap(), 3);
}

#[tokio::test]
async fn who_is_no_owner_of_a_broken_job_does_not_learn_of_it() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let id = add(&*store, &job("echo")).await.id;
    by_hand(&path).execute("UPDATE jobs SET request = '{]'", []).unwrap();
    let stranger = Scope::Tenant("stranger".parse().unwrap());
    let error = store.get(&stranger, id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = store.cancel(&stranger, id, at(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
