//! Jobs in memory, for as long as the process lives: for tests, and for programs that need no more.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use tundra_core::{Scope, TenantId};
use uuid::Uuid;

use crate::{
    JobsError,
    job::{Delivery, Job, JobId, JobProgress, JobStatus, NewJob},
    state,
    store::{
        Attempt, Claim, Counts, DeliveryOutcome, Hold, JobFilter, JobStore, Outcome, Room,
        Submitted,
    },
};

/// Jobs in memory. They end with it.
#[derive(Debug, Default)]
pub struct MemoryJobs(Mutex<BTreeMap<JobId, Kept>>);

#[derive(Debug)]
struct Kept {
    job: Job,
    /// Of the claim under which it runs.
    token: Option<Uuid>,
}

impl MemoryJobs {
    /// Returns a store without jobs.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<JobId, Kept>> {
        // No transition can panic halfway, so that what a panic elsewhere left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a job that is held.
    fn held<T>(
        &self,
        hold: &Hold,
        change: impl FnOnce(&mut Kept) -> Result<T, JobsError>,
    ) -> Result<T, JobsError> {
        match self.kept().get_mut(&hold.id) {
            Some(kept) if kept.token == Some(hold.token) => change(kept),
            _ => Err(JobsError::LostHold { id: hold.id }),
        }
    }
}

#[async_trait]
impl JobStore for MemoryJobs {
    fn display(&self) -> String {
        "memory".to_owned()
    }

    async fn submit(
        &self,
        new: &NewJob,
        room: Room,
        now: SystemTime,
    ) -> Result<Submitted, JobsError> {
        new.check()?;
        let mut kept = self.kept();
        let same = |job: &Job| {
            let by_key = new.idempotency_key.is_some()
                && job.idempotency_key == new.idempotency_key
                && job.tenant == new.tenant;
            by_key || job.id == new.id
        };
        if let Some(earlier) = kept.values().map(|kept| &kept.job).find(|job| same(job)) {
            state::check_same(earlier, new)?;
            return Ok(Submitted::Earlier(earlier.clone()));
        }
        let waiting = || kept.values().filter(|kept| kept.job.status == JobStatus::Queued);
        let own = waiting().filter(|kept| kept.job.tenant == new.tenant).count() as u64;
        room.check(waiting().count() as u64, own)?;
        let job = state::queued(new, now);
        kept.insert(job.id, Kept { job: job.clone(), token: None });
        Ok(Submitted::New(job))
    }

    async fn get(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError> {
        let kept = self.kept();
        let found = kept.get(&id).filter(|kept| scope.includes(&kept.job.tenant));
        found.map(|kept| kept.job.clone()).ok_or(JobsError::NotFound { id })
    }

    async fn list(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>, JobsError> {
        let kept = self.kept();
        let jobs = kept.values().rev().map(|kept| &kept.job).filter(|job| {
            scope.includes(&job.tenant)
                && filter.before.is_none_or(|before| job.id < before)
                && filter.status.is_none_or(|status| job.status == status)
        });
        Ok(jobs.take(filter.limit).cloned().collect())
    }

    async fn claim(
        &self,
        owner: &str,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Claim>, JobsError> {
        let mut kept = self.kept();
        let mut running: HashMap<TenantId, u64> = HashMap::new();
        for kept in kept.values().filter(|kept| kept.job.status == JobStatus::Running) {
            *running.entry(kept.job.tenant.clone()).or_default() += 1;
        }
        let waiting = kept.values_mut().filter(|kept| kept.job.status == JobStatus::Queued);
        // The first of the least, and so the smallest id of those.
        let next =
            waiting.min_by_key(|kept| running.get(&kept.job.tenant).copied().unwrap_or_default());
        Ok(next.map(|next| {
            let hold = state::claim(&mut next.job, owner, until, now);
            next.token = Some(hold.token);
            Claim { job: next.job.clone(), hold }
        }))
    }

    async fn renew(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        until: SystemTime,
    ) -> Result<Job, JobsError> {
        self.held(hold, |kept| {
            state::renew(&mut kept.job, progress, until);
            Ok(kept.job.clone())
        })
    }

    async fn end(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        outcome: &Outcome,
        now: SystemTime,
    ) -> Result<Job, JobsError> {
        self.held(hold, |kept| {
            let mut job = kept.job.clone();
            state::end(&mut job, progress, outcome, now)?;
            *kept = Kept { job: job.clone(), token: None };
            Ok(job)
        })
    }

    async fn cancel(&self, scope: &Scope, id: JobId, now: SystemTime) -> Result<Job, JobsError> {
        let mut kept = self.kept();
        let found = kept.get_mut(&id).filter(|kept| scope.includes(&kept.job.tenant));
        let found = found.ok_or(JobsError::NotFound { id })?;
        state::cancel(&mut found.job, now);
        Ok(found.job.clone())
    }

    async fn recover(&self, now: SystemTime, limit: usize) -> Result<Vec<Job>, JobsError> {
        let mut kept = self.kept();
        let left = kept
            .values_mut()
            .filter(|kept| kept.job.lease.as_ref().is_some_and(|lease| lease.until < now));
        let recovered = left.take(limit).map(|kept| {
            state::interrupt(&mut kept.job, now);
            kept.token = None;
            kept.job.clone()
        });
        Ok(recovered.collect())
    }

    async fn prune(&self, before: SystemTime, limit: usize) -> Result<u64, JobsError> {
        let mut kept = self.kept();
        let is_over = |job: &Job| {
            let due = job.webhook.as_ref().map(|webhook| webhook.delivery);
            job.ended_at.is_some_and(|ended| ended < before)
                && !matches!(due, Some(Delivery::Due(_)))
        };
        let over = kept.values().filter(|kept| is_over(&kept.job)).map(|kept| kept.job.id);
        let over: Vec<JobId> = over.take(limit).collect();
        for id in &over {
            kept.remove(id);
        }
        Ok(over.len() as u64)
    }

    async fn counts(&self) -> Result<Counts, JobsError> {
        let mut counts = Counts::default();
        for kept in self.kept().values() {
            match kept.job.status {
                JobStatus::Queued => counts.queued += 1,
                JobStatus::Running => counts.running += 1,
                _ => {}
            }
        }
        Ok(counts)
    }

    async fn claim_delivery(
        &self,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Attempt>, JobsError> {
        let mut kept = self.kept();
        let due = kept.values_mut().filter_map(|kept| match kept.job.webhook.as_ref()?.delivery {
            Delivery::Due(at) if at <= now => Some((at, kept)),
            _ => None,
        });
        let next = due.min_by_key(|(at, kept)| (*at, kept.job.id));
        Ok(next.and_then(|(_, kept)| state::claim_delivery(&mut kept.job, until)))
    }

    async fn settle_delivery(
        &self,
        attempt: &Attempt,
        outcome: &DeliveryOutcome,
        now: SystemTime,
    ) -> Result<(), JobsError> {
        if let Some(kept) = self.kept().get_mut(&attempt.job.id) {
            state::settle_delivery(&mut kept.job, attempt.number, outcome, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn is_a_store_of_jobs() {
        crate::testing::run_all(async || Arc::new(MemoryJobs::new())).await;
    }
}
