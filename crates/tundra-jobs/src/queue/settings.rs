//! What a queue is told when it begins.

use std::time::Duration;

#[cfg(feature = "webhooks")]
use crate::webhook::WebhookSettings;
use crate::{clock::Clock, store::Room};

/// How jobs are run.
#[derive(Debug, Clone)]
pub struct JobsSettings {
    /// Who runs them, for people who look at the store.
    pub owner: String,
    /// How many run at once; none of 0 is ever run here.
    pub workers: usize,
    /// How many may wait.
    pub room: Room,
    /// How long a run may take; no limit for `None`. The executor is told, and ends it; a run that goes on
    /// for [`JobsSettings::grace`] after that is told to stop.
    pub timeout: Option<Duration>,
    /// How long a run that was told to stop may take to do so, before it is stopped.
    pub grace: Duration,
    /// For how long a job belongs to its process, unless it is renewed, which happens three times as often.
    /// What a dead process left is taken back after this time.
    pub lease: Duration,
    /// How often progress is written, at most.
    pub report_every: Duration,
    /// How often the store is looked at for what other processes did.
    pub poll_every: Duration,
    /// How long jobs that have ended are kept; for ever for `None`.
    pub keep: Option<Duration>,
    /// What time it is.
    pub clock: Clock,
    /// How webhooks are called; without these, no job may have one.
    #[cfg(feature = "webhooks")]
    pub webhooks: Option<WebhookSettings>,
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self {
            owner: format!("process {}", std::process::id()),
            workers: 2,
            room: Room { total: 1000, per_tenant: 100 },
            timeout: None,
            // A run ends within a second of being told; five is for a machine that swaps.
            grace: Duration::from_secs(5),
            // Longer than a machine stands still for a snapshot or a full disk buffer, and short enough
            // that a restart is not waited for.
            lease: Duration::from_secs(30),
            report_every: Duration::from_millis(500),
            poll_every: Duration::from_secs(1),
            keep: Some(Duration::from_secs(7 * 24 * 60 * 60)),
            clock: Clock::system(),
            #[cfg(feature = "webhooks")]
            webhooks: None,
        }
    }
}
