//! Takes jobs from the store as long as there are workers for them.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    inner::{Inner, Phase},
    run::run,
};
use crate::{JobsError, store::Claim};

/// Runs jobs until the end of the queue begins, and then waits for those that run.
pub(super) async fn dispatch(inner: Arc<Inner>) {
    let workers = Arc::new(Semaphore::new(inner.settings.workers.min(Semaphore::MAX_PERMITS)));
    let mut runs = JoinSet::new();
    loop {
        while runs.try_join_next().is_some() {}
        let free = tokio::select! {
            biased;
            () = inner.reached(Phase::Draining) => break,
            free = Arc::clone(&workers).acquire_owned() => free,
        };
        // It is never closed.
        let Ok(free) = free else { break };
        let began = tokio::time::Instant::now();
        match claim(&inner).await {
            Ok(Some(claim)) => {
                let inner = Arc::clone(&inner);
                runs.spawn(async move {
                    run(inner, claim, began).await;
                    drop(free);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %error, "could not take a job"),
        }
        drop(free);
        tokio::select! {
            () = inner.reached(Phase::Draining) => break,
            () = inner.work.notified() => {}
            () = tokio::time::sleep(inner.settings.poll_every) => {}
        }
    }
    while runs.join_next().await.is_some() {}
}

async fn claim(inner: &Inner) -> Result<Option<Claim>, JobsError> {
    let settings = &inner.settings;
    let now = settings.clock.now();
    inner.store.claim(&settings.owner, now + settings.lease, now).await
}
