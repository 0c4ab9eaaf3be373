//! An executor that does as its jobs say, and a clock that tests move.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::Instant};
use tundra_core::{Control, ErrorKind, Progress, Stage};
use tundra_jobs::{
    Clock, Executor, Job, JobFailure, JobStore, Jobs, JobsSettings, NewJob, OnInterruption,
    Submitted,
};

/// Does as its jobs say, and counts.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// Jobs that wait at the gate go on, one for each permit.
    pub(crate) gate: Semaphore,
    /// How many run now.
    pub(crate) now: AtomicUsize,
    /// How many ran at once at most.
    pub(crate) most: AtomicUsize,
    /// How many runs of one job there were at once at most.
    pub(crate) most_of_one: AtomicUsize,
    runs: Mutex<HashMap<String, usize>>,
}

impl Scripted {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            most_of_one: AtomicUsize::new(0),
            runs: Mutex::default(),
        })
    }
}

/// Counts a run for as long as it lasts, however it ends.
struct Counted<'a>(&'a Scripted, String);

impl<'a> Counted<'a> {
    fn new(scripted: &'a Scripted, job: &Job) -> Self {
        let now = scripted.now.fetch_add(1, Ordering::SeqCst) + 1;
        scripted.most.fetch_max(now, Ordering::SeqCst);
        let mut runs = scripted.runs.lock().unwrap();
        let of_one = runs.entry(job.id.to_string()).or_default();
        *of_one += 1;
        scripted.most_of_one.fetch_max(*of_one, Ordering::SeqCst);
        Self(scripted, job.id.to_string())
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
        *self.0.runs.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

#[async_trait]
impl Executor for Scripted {
    async fn run(&self, job: &Job, control: Control) -> Result<Value, JobFailure> {
        let _counted = Counted::new(self, job);
        match job.kind.as_str() {
            "echo" => Ok(job.request.clone()),
            "gate" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(json!("through"))
            }
            // Ends soon after it is told to.
            "wait" => {
                while !control.cancel.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(JobFailure::new(ErrorKind::Cancelled, "cancelled"))
            }
            // Waits only the first time.
            "wait-once" if job.attempts > 1 => Ok(json!(job.attempts)),
            "wait-once" => {
                while !control.cancel.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(JobFailure::new(ErrorKind::Cancelled, "cancelled"))
            }
            "stubborn" => std::future::pending().await,
            "panic" => panic!("as the job says"),
            "fail" => Err(JobFailure::new(ErrorKind::InvalidData, "no number").hint("mend it")),
            "report" => {
                control.reporter.stage(Stage::Converting);
                for step in 1..=10_000 {
                    let progress = Progress { bytes: step * 10, total_bytes: None, records: step };
                    control.reporter.progress(progress);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(json!("reported"))
            }
            "large" => Ok(json!("x".repeat(2 << 20))),
            kind => panic!("the test knows no kind `{kind}`"),
        }
    }
}

/// Returns a clock that goes with the time of the runtime, which may be paused.
pub(crate) fn clock() -> Clock {
    let (began, start) =
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000), Instant::now());
    Clock::new(move || began + start.elapsed())
}

/// Returns usual settings with that clock.
pub(crate) fn settings() -> JobsSettings {
    JobsSettings { clock: clock(), ..JobsSettings::default() }
}

pub(crate) async fn start(
    store: &Arc<impl JobStore>,
    executor: &Arc<Scripted>,
    settings: JobsSettings,
) -> Jobs {
    Jobs::start(Arc::clone(store) as _, Arc::clone(executor) as _, settings).await.unwrap()
}

pub(crate) fn job(kind: &str) -> NewJob {
    NewJob::new("acme".parse().unwrap(), kind, json!({ "say": kind }))
}

/// Returns a job that may be begun again.
pub(crate) fn retried(kind: &str) -> NewJob {
    let on_interruption = OnInterruption::Retry { at_most: 3.try_into().unwrap() };
    NewJob { on_interruption, ..job(kind) }
}

pub(crate) async fn submit(jobs: &Jobs, new: &NewJob) -> Job {
    match jobs.submit(new).await.unwrap() {
        Submitted::New(job) => job,
        Submitted::Earlier(job) => panic!("{job:?} was there before"),
    }
}
