//! What is done beside running jobs: taking back those of dead processes, removing old ones, and telling
//! ends.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
#[cfg(feature = "webhooks")]
use tokio::{sync::Semaphore, task::JoinSet};

use super::inner::{Inner, Phase};
use crate::JobsError;
#[cfg(feature = "webhooks")]
use crate::{store::Attempt, webhook::Courier};

/// Jobs that are taken back or removed in one transaction, so that others need not wait long for it.
const BATCH: usize = 100;
/// How often old jobs are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// Takes back jobs whose leases are over.
pub(super) async fn recover(inner: &Inner) -> Result<(), JobsError> {
    loop {
        let jobs = inner.store.recover(inner.settings.clock.now(), BATCH).await?;
        for job in &jobs {
            tracing::warn!(
                job = %job.id,
                attempts = job.attempts,
                status = job.status.name(),
                "took back a job that its process left"
            );
            inner.changed(job);
        }
        if !jobs.is_empty() {
            inner.work.notify_one();
        }
        if jobs.len() < BATCH {
            return Ok(());
        }
    }
}

async fn prune(inner: &Inner) -> Result<(), JobsError> {
    let Some(keep) = inner.settings.keep else { return Ok(()) };
    let Some(before) = inner.settings.clock.now().checked_sub(keep) else { return Ok(()) };
    loop {
        let removed = inner.store.prune(before, BATCH).await?;
        if removed > 0 {
            tracing::info!(removed, "removed old jobs");
        }
        if removed < BATCH as u64 {
            return Ok(());
        }
    }
}

/// Does both again and again until the end of the queue begins.
pub(super) async fn keep_up(inner: Arc<Inner>) {
    let pause = (inner.settings.lease / 2).max(Duration::from_millis(10));
    let mut prune_at = Instant::now();
    loop {
        if Instant::now() >= prune_at {
            prune_at = Instant::now() + PRUNE_EVERY;
            if let Err(error) = prune(&inner).await {
                tracing::warn!(error = %error, "could not remove old jobs");
            }
        }
        tokio::select! {
            () = inner.reached(Phase::Draining) => return,
            () = tokio::time::sleep(pause) => {}
        }
        inner.hub.tidy();
        if let Err(error) = recover(&inner).await {
            tracing::warn!(error = %error, "could not take back jobs of dead processes");
        }
    }
}

/// Calls webhooks until the end of the queue begins, and lets those that are being called end if there is
/// time. What is not recorded is called again by whoever comes next, under the same id.
#[cfg(feature = "webhooks")]
pub(super) async fn tell_ends(inner: Arc<Inner>, courier: Arc<Courier>) {
    let slots = Arc::new(Semaphore::new(courier.settings().at_once.clamp(1, 1000)));
    let mut calls = JoinSet::new();
    loop {
        while calls.try_join_next().is_some() {}
        let slot = tokio::select! {
            biased;
            () = inner.reached(Phase::Draining) => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        // It is never closed.
        let Ok(slot) = slot else { break };
        let now = inner.settings.clock.now();
        match inner.store.claim_delivery(now + courier.longest_try(), now).await {
            Ok(Some(attempt)) => {
                let (inner, courier) = (Arc::clone(&inner), Arc::clone(&courier));
                calls.spawn(async move {
                    tell_end(&inner, &courier, attempt).await;
                    drop(slot);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %error, "could not look for webhooks to call"),
        }
        drop(slot);
        tokio::select! {
            () = inner.reached(Phase::Draining) => break,
            () = inner.ended.notified() => {}
            () = tokio::time::sleep(inner.settings.poll_every) => {}
        }
    }
    tokio::select! {
        () = async { while calls.join_next().await.is_some() {} } => {}
        () = inner.reached(Phase::Aborting) => {}
    }
}

#[cfg(feature = "webhooks")]
async fn tell_end(inner: &Inner, courier: &Courier, attempt: Attempt) {
    let outcome = courier.call(&attempt, &inner.settings.clock).await;
    let now = inner.settings.clock.now();
    let job = attempt.job.id;
    match inner.store.settle_delivery(&attempt, &outcome, now).await {
        Ok(()) => tracing::info!(%job, attempt = attempt.number, ?outcome, "called a webhook"),
        // It is due again when its claim is over.
        Err(error) => {
            tracing::warn!(%job, error = %error, "could not record what became of a webhook");
        }
    }
}
