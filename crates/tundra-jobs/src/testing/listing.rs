//! Who sees what, and what is removed.

use tundra_core::{ErrorKind, Scope};

use super::harness::{Test, at};
use crate::{
    job::{Job, JobId, JobStatus},
    store::{Counts, JobFilter, JobStore},
};

const ALL: JobFilter = JobFilter { status: None, before: None, limit: 100 };

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// A tenant sees its own jobs and no others.
pub async fn shows_nobody_elses_jobs(store: &dyn JobStore) {
    let test = Test::new(store, "shows_nobody_elses_jobs");
    let (own, others) = (test.job("acme").await, test.job("acme2").await);
    let scope = Scope::Tenant(test.tenant("acme"));
    test.same("the own", &test.ok("read it", store.get(&scope, own.id).await), &own);
    let refused = store.get(&scope, others.id).await;
    test.refused("reading somebody else's job", refused, ErrorKind::NotFound);
    let refused = store.get(&Scope::All, JobId::generate()).await;
    test.refused("reading what is not there", refused, ErrorKind::NotFound);
    let listed = test.ok("list", store.list(&scope, &ALL).await);
    test.same("what is listed", &listed, &vec![own.clone()]);
    let listed = test.ok("list", store.list(&Scope::All, &ALL).await);
    test.same("what is listed of all", &listed, &vec![others, own]);
}

/// Lists go from the newest to the oldest, in pages, and by status.
pub async fn lists_the_newest_first(store: &dyn JobStore) {
    let test = Test::new(store, "lists_the_newest_first");
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(test.job("acme").await.id);
        test.job("other").await;
    }
    expected.reverse();
    let scope = Scope::Tenant(test.tenant("acme"));
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let filter = JobFilter { before, limit: 3, ..ALL };
        let page = test.ok("list", store.list(&scope, &filter).await);
        listed.extend(ids(&page));
        let Some(last) = page.last() else { break };
        before = Some(last.id);
    }
    test.same("what is listed", &listed, &expected);

    let claim = test.claim(0).await;
    let running = JobFilter { status: Some(JobStatus::Running), ..ALL };
    let listed = test.ok("list", store.list(&Scope::All, &running).await);
    test.same("what runs", &ids(&listed), &vec![claim.job.id]);
    test.done(&claim, 1).await;
    let listed = test.ok("list", store.list(&Scope::All, &running).await);
    test.same("what runs after that", &ids(&listed), &Vec::new());
    let queued = JobFilter { status: Some(JobStatus::Queued), ..ALL };
    let waiting = test.ok("list", store.list(&scope, &queued).await).len();
    let elsewhere = usize::from(claim.job.tenant.as_str() == "acme");
    test.same("how many wait", &waiting, &(7 - elsewhere));
    let none = test.ok("list", store.list(&scope, &JobFilter { limit: 0, ..ALL }).await);
    test.same("a list of none", &none, &Vec::new());
}

/// What waits and what runs is counted.
pub async fn counts_what_has_not_ended(store: &dyn JobStore) {
    let test = Test::new(store, "counts_what_has_not_ended");
    let is = async |queued, running| {
        let counts = test.ok("count", store.counts().await);
        test.same("the counts", &counts, &Counts { queued, running });
    };
    is(0, 0).await;
    for _ in 0..3 {
        test.job("acme").await;
    }
    is(3, 0).await;
    let claim = test.claim(0).await;
    is(2, 1).await;
    test.done(&claim, 1).await;
    is(2, 0).await;
}

/// What ended long ago is removed, a few at a time, and nothing else.
pub async fn removes_what_ended_long_ago(store: &dyn JobStore) {
    let test = Test::new(store, "removes_what_ended_long_ago");
    let mut ended = Vec::new();
    for second in 1..=5 {
        test.job("acme").await;
        let claim = test.claim(second).await;
        ended.push(test.done(&claim, second).await.id);
    }
    test.job("acme").await;
    let running = test.claim(0).await.job;
    let waiting = test.job("acme").await;
    test.same("how many are removed", &store.prune(at(1), 9).await.ok(), &Some(0));
    test.same("how many are removed", &store.prune(at(4), 2).await.ok(), &Some(2));
    test.same("how many are removed", &store.prune(at(4), 2).await.ok(), &Some(1));
    test.same("how many are removed", &store.prune(at(4), 2).await.ok(), &Some(0));
    for id in &ended[..3] {
        test.refused("reading it", store.get(&Scope::All, *id).await, ErrorKind::NotFound);
    }
    let left = test.ok("list", store.list(&Scope::All, &ALL).await);
    test.same("what is left", &ids(&left), &vec![waiting.id, running.id, ended[4], ended[3]]);
}
