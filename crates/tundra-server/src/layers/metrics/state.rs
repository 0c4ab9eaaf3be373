//! How things stand at the moment somebody asks.

use std::{
    fs,
    sync::atomic::AtomicU64,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    metrics::gauge::Gauge,
    registry::{Registry, Unit},
};
use tundra_core::{BreakerState, CatalogStanding};
use tundra_jobs::Counts;

use crate::tasks::{Load, Processes};

/// How things stand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// How full the gate is through which runs are let in.
    pub(crate) gate: Option<Load>,
    /// Jobs of every process; `None` when there are none or their store does not answer.
    pub(crate) jobs: Option<Counts>,
    /// Jobs that run in this process.
    pub(crate) jobs_here: usize,
    /// Whether the catalog answered; `None` when nobody asked it.
    pub(crate) catalog_answers: Option<bool>,
    /// How it stands with the server behind it.
    pub(crate) catalog: CatalogStanding,
    /// What the processes of runs take; `None` where runs have none.
    pub(crate) processes: Option<Processes>,
    /// Connections that are open, and how many may be; `None` when nobody listens.
    pub(crate) connections: Option<(usize, usize)>,
    /// Event streams that are open.
    pub(crate) event_streams: usize,
}

/// Gauges that are set when somebody asks.
#[derive(Debug)]
pub(super) struct StateGauges {
    gate_running: Gauge,
    gate_waiting: Gauge,
    gate_limit: Gauge,
    gate_waiting_limit: Gauge,
    jobs_queued: Gauge,
    jobs_running: Gauge,
    jobs_here: Gauge,
    jobs_answer: Gauge,
    catalog_up: Gauge,
    catalog_breaker: Gauge,
    catalog_requests: Gauge,
    connections: Gauge,
    connections_limit: Gauge,
    event_streams: Gauge,
    run_processes: Gauge,
    run_memory: Gauge,
    memory: Gauge,
    open_files: Gauge,
}

impl StateGauges {
    pub(super) fn register(registry: &mut Registry, started: SystemTime) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::<i64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let gauges = Self {
            gate_running: gauge("gate_running", "Runs that were let in and have not ended"),
            gate_waiting: gauge("gate_waiting", "Requests that wait for their run"),
            gate_limit: gauge("gate_running_limit", "How many runs are let in at once"),
            gate_waiting_limit: gauge("gate_waiting_limit", "How many requests may wait"),
            jobs_queued: gauge("jobs_queued", "Jobs that wait, for any process"),
            jobs_running: gauge("jobs_running", "Jobs that run, in any process"),
            jobs_here: gauge("jobs_running_here", "Jobs that run in this process"),
            jobs_answer: gauge("jobs_up", "Whether the store of jobs answered just now"),
            catalog_up: gauge("catalog_up", "Whether the catalog answered just now"),
            catalog_breaker: gauge(
                "catalog_breaker_state",
                "What the breaker before the catalog does: 0 closed, 1 half open, 2 open",
            ),
            catalog_requests: gauge(
                "catalog_requests_in_flight",
                "Requests that are on their way to the catalog",
            ),
            connections: gauge("http_connections", "Connections that are open"),
            connections_limit: gauge("http_connections_limit", "How many connections there may be"),
            event_streams: gauge("event_streams", "Event streams of jobs that are open"),
            run_processes: gauge("run_processes", "Processes of runs"),
            run_memory: gauge(
                "run_resident_memory_bytes",
                "Memory that the processes of runs have",
            ),
            memory: gauge("process_resident_memory_bytes", "Memory that the process has"),
            open_files: gauge("process_open_files", "Files and connections that are open"),
        };
        let began = Gauge::<f64, AtomicU64>::default();
        began.set(started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        let help = "When the service began, since 1970";
        registry.register_with_unit("start_time", help, Unit::Seconds, began);
        gauges
    }

    /// Sets all of them. What is not known is -1, which no dashboard takes for a state.
    pub(super) fn set(&self, state: &State) {
        let State {
            gate,
            jobs,
            jobs_here,
            catalog_answers,
            catalog,
            processes,
            connections,
            event_streams,
        } = *state;
        let load = |of: fn(&Load) -> usize| gate.as_ref().map(of);
        set(&self.gate_running, load(|load| load.running));
        set(&self.gate_waiting, load(|load| load.waiting));
        set(&self.gate_limit, load(|load| load.at_once));
        set(&self.gate_waiting_limit, load(|load| load.most_waiting));
        set(&self.jobs_queued, jobs.map(|counts| counts.queued));
        set(&self.jobs_running, jobs.map(|counts| counts.running));
        set(&self.jobs_here, Some(jobs_here));
        set(&self.jobs_answer, Some(u8::from(jobs.is_some())));
        set(&self.catalog_up, catalog_answers.map(u8::from));
        // Without a breaker nothing is kept back.
        let breaker = catalog.breaker.map_or(0, |breaker| match breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
        set(&self.catalog_breaker, Some(breaker));
        set(&self.catalog_requests, Some(catalog.requests));
        set(&self.connections, connections.map(|(open, _)| open));
        set(&self.connections_limit, connections.map(|(_, limit)| limit));
        set(&self.event_streams, Some(event_streams));
        set(&self.run_processes, processes.map(|processes| processes.number));
        set(&self.run_memory, processes.map(|processes| processes.resident_memory));
        set(&self.memory, resident_memory());
        set(&self.open_files, open_files());
    }
}

fn set<T: TryInto<i64>>(gauge: &Gauge, value: Option<T>) {
    gauge.set(value.map_or(-1, |value| value.try_into().unwrap_or(i64::MAX)));
}

/// Returns how much memory this process has, in bytes, where the system tells it.
fn resident_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Returns how many files and connections this process has open, where the system tells it.
fn open_files() -> Option<u64> {
    // One of them is the directory that is being read.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_open_files() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(open_files().is_some_and(|count| count >= 3));
    }

    #[test]
    fn what_is_not_known_is_no_state() {
        let mut registry = Registry::default();
        let gauges = StateGauges::register(&mut registry, SystemTime::now());
        gauges.set(&State::default());
        assert_eq!((gauges.gate_running.get(), gauges.catalog_up.get()), (-1, -1));
        let jobs = Some(Counts { queued: 3, running: 1 });
        gauges.set(&State { jobs, catalog_answers: Some(true), ..State::default() });
        assert_eq!((gauges.jobs_queued.get(), gauges.jobs_running.get()), (3, 1));
        assert_eq!((gauges.jobs_answer.get(), gauges.catalog_up.get()), (1, 1));
        assert_eq!((gauges.catalog_breaker.get(), gauges.run_memory.get()), (0, -1));
        let catalog = CatalogStanding { breaker: Some(BreakerState::Open), requests: 3 };
        let processes = Some(Processes { number: 2, resident_memory: 7 });
        gauges.set(&State { catalog, processes, ..State::default() });
        assert_eq!((gauges.catalog_breaker.get(), gauges.catalog_requests.get()), (2, 3));
        assert_eq!((gauges.run_processes.get(), gauges.run_memory.get()), (2, 7));
    }
}
