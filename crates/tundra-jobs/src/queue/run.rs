//! One run of one job: watched, kept, stopped when that is asked, and recorded.

use std::{future, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tundra_core::{Cancel, Classify, Control, ErrorKind, Retry, Scope};

use super::{
    inner::{Entry, Inner, Phase},
    report::Heard,
};
use crate::{
    JobsError,
    job::{Job, JobFailure, JobProgress, check_value},
    store::{Claim, Hold, Outcome},
};

/// Waits between tries to record how a run ended.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const TRIES: usize = 10;

/// Why a run was told to stop. What comes first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Somebody asked to end the job.
    Asked,
    /// The process ends.
    Shutdown,
    /// The job may be somebody else's by now.
    Lost,
    /// It took longer than it may, and did not end by itself.
    Late,
}

/// What the executor's task ended with.
type Ended = Result<Result<Value, JobFailure>, JoinError>;

/// A run that goes on.
struct Run {
    inner: Arc<Inner>,
    hold: Hold,
    heard: Arc<Heard>,
    cancel: Cancel,
    stop: Option<Stop>,
    /// When it is stopped if it does not stop.
    stop_at: Option<Instant>,
    /// When the lease was renewed last, before the store was asked to.
    renewed: Instant,
    /// What was written last.
    written: JobProgress,
}

/// Runs the job of a claim that was asked for at `began`, which is when its lease begins at the latest.
pub(super) async fn run(inner: Arc<Inner>, claim: Claim, began: Instant) {
    let Claim { job, hold } = claim;
    inner.changed(&job);
    tracing::info!(job = %job.id, tenant = %job.tenant, kind = job.kind, attempt = job.attempts, "began a job");
    let entry = inner.enter(job.id).await;
    let mut run = Run {
        heard: Arc::default(),
        cancel: Cancel::default(),
        stop: None,
        stop_at: inner
            .settings
            .timeout
            .map(|timeout| Instant::now() + timeout + inner.settings.grace),
        renewed: began,
        written: JobProgress::default(),
        inner: Arc::clone(&inner),
        hold,
    };
    // It may have waited long enough for somebody else to take the job.
    run.tell().await;
    if run.stop == Some(Stop::Lost) {
        return;
    }
    // Who asked to end the job before it was entered found no run to tell.
    match inner.store.get(&Scope::All, hold.id).await {
        Ok(now) if now.cancel_requested => run.stop(Stop::Asked),
        Ok(_) => {}
        Err(error) => tracing::warn!(job = %hold.id, error = %error, "could not look at a job"),
    }
    let ended = run.watch(job, &entry).await;
    let outcome = run.outcome(ended);
    inner.took(began.elapsed());
    run.record(outcome).await;
    drop(entry);
}

impl Run {
    /// Has the executor run the job, and waits until it ended.
    async fn watch(&mut self, job: Job, entry: &Entry) -> Ended {
        let inner = Arc::clone(&self.inner);
        let settings = &inner.settings;
        let control = Control {
            reporter: Arc::clone(&self.heard) as _,
            cancel: self.cancel.clone(),
            timeout: settings.timeout,
        };
        let _stopped_when_dropped = CancelWhenDropped(self.cancel.clone());
        let executor = Arc::clone(&inner.executor);
        let mut work = JoinSet::new();
        work.spawn(async move { executor.run(&job, control).await });
        let mut ticks = interval(settings.report_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (stop, stop_at) = (self.stop, self.stop_at);
            let late = async {
                match stop_at {
                    Some(at) => sleep_until(at).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = work.join_next() => return ended,
                () = entry.asked.notified() => self.stop(Stop::Asked),
                () = inner.reached(Phase::Interrupting), if stop.is_none() => {
                    self.stop(Stop::Shutdown);
                }
                () = inner.reached(Phase::Aborting), if stop_at.is_some() => {
                    self.stop(Stop::Shutdown);
                    self.stop_at = None;
                    work.abort_all();
                }
                () = late => {
                    if self.stop.is_none() {
                        self.stop(Stop::Late);
                    } else {
                        self.stop_at = None;
                        work.abort_all();
                    }
                }
                _ = ticks.tick() => self.tell().await,
            }
        }
    }

    /// Tells the run to stop.
    fn stop(&mut self, why: Stop) {
        if self.stop.is_none() {
            self.stop = Some(why);
            self.stop_at = Some(Instant::now() + self.grace(why));
            self.cancel.cancel();
        }
    }

    /// Returns how long the run may take to stop.
    fn grace(&self, why: Stop) -> Duration {
        let settings = &self.inner.settings;
        match why {
            // There is no more time than the lease has left.
            Stop::Lost => settings.grace.min(settings.lease / 3),
            Stop::Asked | Stop::Shutdown | Stop::Late => settings.grace,
        }
    }

    /// Writes progress and renews the lease, if there is news or it is time to.
    async fn tell(&mut self) {
        let settings = &self.inner.settings;
        let progress = self.heard.last();
        let since = self.renewed.elapsed();
        if progress == self.written && since < settings.lease / 3 {
            return;
        }
        let before = Instant::now();
        let until = settings.clock.now() + settings.lease;
        // The run must have ended when somebody else may begin it, however slow the store is.
        let latest = settings.lease - settings.lease / 10 - self.grace(Stop::Lost);
        let renewal = self.inner.store.renew(&self.hold, &progress, until);
        let renewed = timeout(latest.saturating_sub(since), renewal).await;
        let is_late = self.renewed.elapsed() >= latest;
        match renewed {
            Ok(Ok(job)) => {
                self.renewed = before;
                self.written = progress;
                if job.cancel_requested {
                    self.stop(Stop::Asked);
                }
                self.inner.changed(&job);
            }
            Ok(Err(JobsError::LostHold { .. })) => self.stop(Stop::Lost),
            Ok(Err(error)) if !is_late => {
                tracing::warn!(job = %self.hold.id, error = %error, "could not keep a job");
            }
            Ok(Err(_)) | Err(_) => {
                tracing::error!(job = %self.hold.id, "could not keep a job in time, so it is stopped");
                self.stop(Stop::Lost);
            }
        }
    }

    /// Returns what is recorded of a run that ended like this.
    fn outcome(&self, ended: Ended) -> Outcome {
        let was_cancelled = match ended {
            Ok(Ok(result)) => match check_value("result", &result) {
                Ok(()) => return Outcome::Done(result),
                Err(error) => {
                    return Outcome::Failed(JobFailure::new(
                        ErrorKind::Internal,
                        error.to_string(),
                    ));
                }
            },
            Ok(Err(failure)) if failure.kind == ErrorKind::Cancelled => Some(failure),
            Ok(Err(failure)) => return Outcome::Failed(failure),
            Err(error) if error.is_panic() => {
                tracing::error!(job = %self.hold.id, "a run panicked");
                let message = "the run ended with a panic, which is a bug; please report it";
                return Outcome::Failed(JobFailure::new(ErrorKind::Internal, message));
            }
            Err(_) => None,
        };
        match self.stop {
            Some(Stop::Asked) => Outcome::Cancelled,
            Some(Stop::Shutdown | Stop::Lost) => Outcome::Interrupted,
            Some(Stop::Late) => {
                let limit = self.inner.settings.timeout.unwrap_or_default();
                let message = format!("not finished after {limit:?}");
                Outcome::Failed(JobFailure::new(ErrorKind::Timeout, message))
            }
            None => match was_cancelled {
                Some(failure) => Outcome::Failed(failure),
                // Only a runtime that is being shut down stops a task that nobody stopped.
                None => Outcome::Interrupted,
            },
        }
    }

    /// Records how the run ended, again if the store is away for a moment.
    async fn record(&self, outcome: Outcome) {
        let (inner, hold) = (&self.inner, &self.hold);
        let progress = self.heard.last();
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(TRIES)
            .with_jitter();
        let record = || async {
            inner.store.end(hold, &progress, &outcome, inner.settings.clock.now()).await
        };
        let recorded = record.retry(waits).when(|error| error.retry() != Retry::Never).await;
        match recorded {
            Ok(job) => {
                tracing::info!(job = %job.id, status = job.status.name(), "ended a run of a job");
                inner.tally.count(&job);
                inner.changed(&job);
            }
            Err(JobsError::LostHold { .. }) => {
                tracing::warn!(job = %hold.id, "a run ended whose job was taken back meanwhile");
            }
            Err(error) => {
                tracing::error!(
                    job = %hold.id,
                    error = %error,
                    "could not record how a run ended; its job is taken back when its lease is over"
                );
            }
        }
    }
}

/// Stops what an executor does on threads of its own when nobody waits for it any more.
struct CancelWhenDropped(Cancel);

impl Drop for CancelWhenDropped {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
