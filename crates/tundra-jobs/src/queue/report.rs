//! Hears the progress of a run, which may be told thousands of times a second, and keeps the last.

use std::sync::{Mutex, PoisonError};

use tundra_core::{Progress, Reporter, Stage};

use crate::job::JobProgress;

/// The progress of one run.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<JobProgress>);

impl Heard {
    /// Returns what was heard last.
    pub(super) fn last(&self) -> JobProgress {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut JobProgress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Reporter for Heard {
    fn stage(&self, stage: Stage) {
        self.set(|heard| *heard = JobProgress { stage: Some(stage), ..JobProgress::default() });
    }

    fn progress(&self, progress: Progress) {
        self.set(|heard| *heard = JobProgress::of(heard.stage, progress));
    }
}
