//! Everything that a request may need: [`App`].
//!
//! Start at [`AppParts`], which whoever embeds the service puts together. How a task is let in, begun,
//! watched and ended is [`Runner`]'s; which paths there are, the router's.

mod first_key;
pub(crate) mod jobs;

use std::{sync::Arc, time::Duration};

use opentelemetry::{Context, trace::FutureExt as _};
use tracing::Instrument as _;
use tundra_access::{Asking, Authenticator};
use tundra_core::{Cancel, Control, Reporter, Silent};
use tundra_jobs::{JobStore, Jobs, JobsError, WebhookSettings};

use self::first_key::FirstKey;
use crate::{
    Failure, Settings,
    layers::{LogHandle, metrics::Metrics, rates::Streams},
    routes::service::deep::DeepCheck,
    serve::Connections,
    tasks::{Answer, Executor, Gate, Ongoing, Pass, Processes, Request, Task, Workshop},
    traces::{RunSpan, Traces},
};

/// How many tests of connections wait.
const TESTS_WAITING: usize = 64;

/// The service: what its handlers share. Clones are the same service.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

/// What a service is made of.
#[derive(Debug)]
pub struct AppParts {
    /// What tasks are done with, and what handlers look up.
    pub workshop: Arc<Workshop>,
    /// Who does tasks.
    pub executor: Arc<dyn Executor>,
    /// Who finds out who asks; with `None`, everybody may do everything.
    pub authenticator: Option<Authenticator>,
    /// Where jobs are kept; without it, there are none.
    pub jobs: Option<Arc<dyn JobStore>>,
    /// How webhooks are called; without it, no job may have one.
    pub webhooks: Option<WebhookSettings>,
    /// By what the levels of the log are changed; without it, they cannot be.
    pub log: Option<LogHandle>,
    /// By what spans are sent; without it, there are none.
    pub traces: Option<Traces>,
    /// Limits and habits.
    pub settings: Settings,
}

impl AppParts {
    /// Returns a service that asks nobody who they are, keeps no jobs, and has the usual limits.
    pub fn new(workshop: Arc<Workshop>, executor: Arc<dyn Executor>) -> Self {
        Self {
            workshop,
            executor,
            authenticator: None,
            jobs: None,
            webhooks: None,
            log: None,
            traces: None,
            settings: Settings::default(),
        }
    }
}

#[derive(Debug)]
struct Inner {
    workshop: Arc<Workshop>,
    authenticator: Option<Arc<Authenticator>>,
    /// Looks for the first key, where nobody is asked before there is one.
    _first_key: Option<FirstKey>,
    jobs: Option<Jobs>,
    runner: Runner,
    metrics: Arc<Metrics>,
    deep_check: DeepCheck,
    streams: Streams,
    connections: Connections,
    log: Option<LogHandle>,
    settings: Settings,
}

/// Lets tasks in, has them done, and ends them in order. Clones share their gates.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    executor: Arc<dyn Executor>,
    /// For everything that is done: each has the memory of a run.
    gate: Gate,
    /// Before it, for tests of connections, which wait for somebody else's server: they have at most half of
    /// the places.
    tests: Gate,
    ongoing: Ongoing,
    metrics: Arc<Metrics>,
    traces: Option<Traces>,
    timeout: Option<Duration>,
}

impl App {
    /// Begins the service: takes up jobs that a process before this one left. Nothing listens yet.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the store of jobs does not answer.
    pub async fn start(parts: AppParts) -> Result<Self, JobsError> {
        let AppParts {
            workshop,
            executor,
            authenticator,
            jobs: store,
            webhooks,
            log,
            traces,
            settings,
        } = parts;
        let metrics = Arc::new(Metrics::new());
        let runner = Runner {
            executor,
            gate: Gate::new(settings.concurrent_runs.get(), settings.queue_length),
            tests: Gate::new(settings.concurrent_runs.get() / 2, TESTS_WAITING),
            ongoing: Ongoing::default(),
            metrics: Arc::clone(&metrics),
            traces,
            timeout: workshop.timeout,
        };
        let jobs = match store {
            Some(store) => {
                let (runner, workshop) = (runner.clone(), Arc::clone(&workshop));
                Some(jobs::start(store, runner, workshop, &settings, webhooks).await?)
            }
            None => None,
        };
        let authenticator = authenticator.map(Arc::new);
        let first_key = authenticator.as_ref().and_then(FirstKey::look_for);
        let inner = Inner {
            workshop,
            authenticator,
            _first_key: first_key,
            jobs,
            runner,
            metrics,
            deep_check: DeepCheck::default(),
            connections: Connections::new(settings.max_connections),
            streams: Streams::new(settings.event_streams_per_caller, settings.event_streams),
            log,
            settings,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Returns the service over HTTP, with all its layers.
    pub fn router(&self) -> axum::Router {
        crate::router::router(self)
    }

    /// Ends everything by the deadline: no task is begun any more, runs have most of the time to end by
    /// themselves, and are told to stop then, so that none leaves a version pending. Jobs that were stopped
    /// wait for another process. Returns how many runs did not end in time.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let runner = &self.0.runner;
        runner.gate.close();
        runner.tests.close();
        let jobs = async {
            match &self.0.jobs {
                Some(jobs) => jobs.shutdown(deadline).await.left,
                None => 0,
            }
        };
        let (left, of_jobs) = tokio::join!(runner.ongoing.shutdown(deadline), jobs);
        left + of_jobs
    }

    /// Has a task done, and waits for it. When this future is dropped, because the client went away, the
    /// task is cancelled and ends in order.
    ///
    /// # Errors
    /// When there is no room, and when the task fails.
    pub(crate) async fn run(&self, task: Task) -> Result<Answer, Failure> {
        self.0.runner.run(task).await
    }

    /// Returns what tasks are done with.
    pub(crate) fn workshop(&self) -> &Workshop {
        &self.0.workshop
    }

    /// Returns who finds out who asks; `None` when nothing is asked for.
    pub(crate) fn authenticator(&self) -> Option<Arc<Authenticator>> {
        self.0.authenticator.clone()
    }

    /// Returns whether callers are asked who they are, now and later; `None` when nobody ever is.
    pub(crate) fn asking(&self) -> Option<Asking> {
        self.0.authenticator.as_ref().map(|authenticator| authenticator.asking())
    }

    /// Returns the queue of jobs, where there is one.
    pub(crate) fn jobs(&self) -> Option<&Jobs> {
        self.0.jobs.as_ref()
    }

    /// Returns what was found out last about what the service needs.
    pub(crate) fn deep_check(&self) -> &DeepCheck {
        &self.0.deep_check
    }

    /// Returns the places of connections.
    pub(crate) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Returns who may have an event stream open.
    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// Returns by what the levels of the log are changed.
    pub(crate) fn log(&self) -> Option<&LogHandle> {
        self.0.log.as_ref()
    }

    /// Returns limits and habits.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns what is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Returns by what spans are sent, if any are.
    pub(crate) fn traces(&self) -> Option<&Traces> {
        self.0.runner.traces()
    }

    /// Returns who runs tasks, for its figures.
    pub(crate) fn runner(&self) -> &Runner {
        &self.0.runner
    }
}

impl Runner {
    /// Has a task done as [`App::run`] does.
    async fn run(&self, task: Task) -> Result<Answer, Failure> {
        let pass = self.enter(&task).await?;
        let runner = self.clone();
        // What is logged of the run is logged as a part of its request, and so is its span.
        let (span, context) = (tracing::Span::current(), Context::current());
        let work = move |cancel| {
            let work = async move {
                let answer = runner.perform(task, Arc::new(Silent), cancel).await;
                drop(pass);
                answer
            };
            work.with_context(context).instrument(span)
        };
        let handle = self.ongoing.spawn(work)?;
        handle.await
    }

    /// Has a task of a job done: it waits for its turn for as long as it takes, because the queue of jobs
    /// has limits of its own. It ends soon after the cancel is set. Must not be dropped before that.
    ///
    /// # Errors
    /// When the service ends, when it is cancelled, and when the task fails.
    pub(crate) async fn run_job(
        &self,
        task: Task,
        reporter: Arc<dyn Reporter>,
        cancel: Cancel,
    ) -> Result<Answer, Failure> {
        let pass = tokio::select! {
            pass = self.gate.wait() => pass?,
            () = crate::tasks::cancelled(&cancel) => return Err(Failure::of(&tundra_core::Error::Cancelled)),
        };
        let answer = self.perform(task, reporter, cancel).await;
        drop(pass);
        if let Err(failure) = &answer {
            failure.log();
        }
        answer
    }

    async fn perform(
        &self,
        task: Task,
        reporter: Arc<dyn Reporter>,
        cancel: Cancel,
    ) -> Result<Answer, Failure> {
        let kind = task.kind();
        let watch = self.metrics.run_begins(kind);
        let traced = self.traces.as_ref().map(|traces| traces.run(kind, Arc::clone(&reporter)));
        let reporter = traced.as_ref().map_or(reporter, RunSpan::reporter);
        let control = Control { reporter, cancel, timeout: self.timeout };
        let answer = self.executor.run(task, control).await;
        watch.ended(&answer);
        if let Some(traced) = traced {
            traced.ended(&answer);
        }
        answer
    }

    /// Waits for the turn of a task, if there is room to wait.
    async fn enter(&self, task: &Task) -> Result<(Pass, Option<Pass>), Failure> {
        let of_tests = match task.request {
            Request::TestConnection(_) => Some(self.tests.enter().await?),
            Request::ConvertFile(_)
            | Request::ConvertDatabase(_)
            | Request::Infer(_)
            | Request::Preview(_) => None,
        };
        Ok((self.gate.enter().await?, of_tests))
    }

    /// Returns by what spans are sent, if any are.
    pub(crate) fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }

    /// Returns what the processes of runs take, where runs have some.
    pub(crate) fn processes(&self) -> Option<Processes> {
        self.executor.processes()
    }

    /// Returns the gate of all tasks.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }
}
