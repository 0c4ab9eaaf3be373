//! Jobs: runs that were asked for and are tracked.
//!
//! Start at [`Jobs`], the queue: it takes jobs, has an [`Executor`] run them, a few at once and fairly
//! between tenants, tells whoever watches how far they are, and calls webhooks when they end. What is
//! known of jobs is kept by a [`JobStore`]: [`SqliteJobs`] in a file, so that a restart loses none, or
//! [`MemoryJobs`] for as long as the process lives.
//!
//! This crate knows no HTTP server and does not know what the jobs do; the executor does. It depends on
//! `tundra-core` without that crate's feature `engine`, so that it builds and is tested without DuckDB.

mod clock;
mod document;
mod error;
mod job;
mod memory;
mod queue;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod store;
#[cfg(feature = "webhooks")]
mod webhook;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteJobs;
#[cfg(feature = "webhooks")]
pub use self::webhook::{
    DerivedKeys, Reach, SigningKey, SigningKeyError, WebhookKeys, WebhookSettings,
};
pub use self::{
    clock::Clock,
    document::{document, event},
    error::{JobStoreError, JobsError},
    job::{
        Delivery, Job, JobFailure, JobId, JobIdError, JobProgress, JobStatus, Lease,
        MAX_KIND_LENGTH, MAX_VALUE_DEPTH, MAX_VALUE_SIZE, NewJob, OnInterruption, Place, Webhook,
        WebhookUrl, WebhookUrlError, stage_name,
    },
    memory::MemoryJobs,
    queue::{Executor, JobEvents, Jobs, JobsSettings, ShutdownReport},
    store::{
        Attempt, Claim, Counts, DeliveryOutcome, Hold, JobFilter, JobStore, Outcome, Room,
        Submitted,
    },
};
