//! Who gets which job.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::harness::{Test, at};
use crate::{
    job::{JobStatus, Lease},
    store::JobStore,
};

/// Where nothing waits, nothing is given.
pub async fn claims_nothing_where_nothing_waits(store: &dyn JobStore) {
    let test = Test::new(store, "claims_nothing_where_nothing_waits");
    test.same("what is taken from an empty store", &test.claim_at(0).await, &None);
    test.job("acme").await;
    let claim = test.claim(1).await;
    test.same("what is taken while it runs", &test.claim_at(2).await, &None);
    test.done(&claim, 3).await;
    test.same("what is taken after its end", &test.claim_at(4).await, &None);
}

/// A tenant's jobs are taken in their order, and say who has them.
pub async fn claims_the_oldest_first(store: &dyn JobStore) {
    let test = Test::new(store, "claims_the_oldest_first");
    let mut new: Vec<_> = (0..5).map(|_| test.new_job("acme")).collect();
    new.reverse();
    for new in &new {
        test.add(new).await;
    }
    new.sort_by_key(|new| new.id);
    for (second, new) in (1..).zip(&new) {
        let claim = test.claim(second).await;
        test.same("the job that is taken", &claim.job.id, &new.id);
        test.same("the job of the hold", &claim.hold.id, &new.id);
        test.is(&claim.job, JobStatus::Running);
        let lease = Lease { owner: "test".to_owned(), until: at(second + 10) };
        test.same("the lease", &claim.job.lease, &Some(lease));
        test.same("the number of attempts", &claim.job.attempts, &1);
        test.same("when it began", &claim.job.started_at, &Some(at(second)));
        test.same("what is read", &test.again(new.id).await, &claim.job);
    }
}

/// A tenant with many jobs does not hold up the others.
pub async fn is_fair_between_tenants(store: &dyn JobStore) {
    let test = Test::new(store, "is_fair_between_tenants");
    for tenant in ["many", "many", "many", "many", "few", "few", "one"] {
        test.job(tenant).await;
    }
    let mut taken = Vec::new();
    let mut claims = Vec::new();
    for second in 0..7 {
        let claim = test.claim(second).await;
        taken.push(claim.job.tenant.to_string());
        claims.push(claim);
    }
    let expected = ["many", "few", "one", "many", "few", "many", "many"].map(str::to_owned);
    test.same("the order of tenants", &taken, &expected.to_vec());

    // What counts is what runs now, not what ran.
    for claim in claims.iter().filter(|claim| claim.job.tenant.as_str() == "many") {
        test.done(claim, 8).await;
    }
    test.job("few").await;
    test.job("many").await;
    let next = test.claim(9).await;
    test.same("the next tenant", &next.job.tenant.as_str(), &"many");
}

/// However many take jobs at once, each job is given to one.
pub async fn gives_each_job_to_one(store: &dyn JobStore) {
    const JOBS: usize = 24;
    let test = Test::new(store, "gives_each_job_to_one");
    for job in 0..JOBS {
        test.job(["a", "b", "c"][job % 3]).await;
    }
    let claims = join_all((0..JOBS + 8).map(|_| store.claim("test", at(10), at(0)))).await;
    let mut ids = BTreeSet::new();
    let mut tokens = BTreeSet::new();
    for claim in claims {
        if let Some(claim) = test.ok("take a job", claim) {
            test.same("whether it is given first", &ids.insert(claim.job.id), &true);
            tokens.insert(claim.hold.token);
        }
    }
    test.same("the number of jobs given", &ids.len(), &JOBS);
    test.same("the number of tokens", &tokens.len(), &JOBS);
}
