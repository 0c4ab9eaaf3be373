//! What is counted: [`Metrics`], in the form of OpenMetrics.
//!
//! Start at [`Metrics::new`]; there is no registry but the one in it, so that two services in one process
//! count for themselves. Requests are counted by [`measure`], which stands around every route, and runs by
//! whoever runs them. What is a state and no count is looked up when somebody asks: see [`State`].
//!
//! Labels are of closed sets, and never anything that a caller wrote: the path is the route's pattern, and
//! what is no known method is `other`.

mod labels;
mod state;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub(crate) use self::state::State;
use self::{
    labels::{OfKind, OfRequest, OfRoute, OfRun, method_of},
    state::StateGauges,
};
use crate::{Failure, tasks::Answer};

/// The limits of the buckets of requests, in seconds: most are answered at once, and conversions are
/// among them.
const REQUEST_SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// The limits of the buckets of runs, in seconds.
const RUN_SECONDS: [f64; 12] =
    [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 180.0, 600.0];

/// What the service counts.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    request_seconds: Family<OfRoute, Histogram, fn() -> Histogram>,
    requests_going: Gauge,
    runs: Family<OfRun, Counter>,
    run_seconds: Family<OfKind, Histogram, fn() -> Histogram>,
    runs_going: Family<OfKind, Gauge>,
    rows: Family<OfKind, Counter>,
    bytes: Family<OfKind, Counter>,
    state: StateGauges,
}

/// A run that goes on. When it is dropped without an end, nobody waited for it any more.
#[derive(Debug)]
pub(crate) struct RunWatch {
    metrics: Arc<Metrics>,
    kind: &'static str,
    began: Instant,
    is_counted: bool,
}

/// Counts what is going on until it is dropped.
struct Going<'a>(&'a Gauge);

impl Metrics {
    /// Makes counts that stand at nothing.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tundra");
        let request_histogram: fn() -> Histogram = || Histogram::new(REQUEST_SECONDS);
        let run_histogram: fn() -> Histogram = || Histogram::new(RUN_SECONDS);
        let requests = Family::default();
        let request_seconds = Family::new_with_constructor(request_histogram);
        let requests_going = Gauge::default();
        let runs = Family::default();
        let run_seconds = Family::new_with_constructor(run_histogram);
        let runs_going = Family::default();
        let (rows, bytes) = (Family::default(), Family::default());
        registry.register(
            "build",
            "The versions of Tundra and of DuckDB",
            Info::new([
                ("version", env!("CARGO_PKG_VERSION").to_owned()),
                ("duckdb_version", tundra_core::engine::duckdb_version()),
            ]),
        );
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took until the head of their answer",
            Unit::Seconds,
            request_seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            requests_going.clone(),
        );
        registry.register("runs", "Runs that ended", runs.clone());
        registry.register_with_unit(
            "run_duration",
            "How long runs took, without their waiting",
            Unit::Seconds,
            run_seconds.clone(),
        );
        registry.register("runs_in_flight", "Runs that go on", runs_going.clone());
        registry.register("rows_written", "Rows that were converted", rows.clone());
        registry.register_with_unit(
            "output",
            "Bytes of Parquet that were written",
            Unit::Bytes,
            bytes.clone(),
        );
        let state = StateGauges::register(&mut registry, SystemTime::now());
        Self {
            registry,
            requests,
            request_seconds,
            requests_going,
            runs,
            run_seconds,
            runs_going,
            rows,
            bytes,
            state,
        }
    }

    /// Begins to watch a run of this kind.
    pub(crate) fn run_begins(self: &Arc<Self>, kind: &'static str) -> RunWatch {
        self.runs_going.get_or_create(&OfKind { kind }).inc();
        RunWatch { metrics: Arc::clone(self), kind, began: Instant::now(), is_counted: false }
    }

    /// Returns everything that was counted, and how things stand, as text.
    ///
    /// # Errors
    /// Only when there is no memory for the text.
    pub(crate) fn written(&self, state: &State) -> Result<String, fmt::Error> {
        self.state.set(state);
        let mut text = String::with_capacity(16 << 10);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let route: Arc<str> = route.into();
        let request = OfRequest { route: Arc::clone(&route), method, status };
        self.requests.get_or_create(&request).inc();
        let seconds = took.as_secs_f64();
        self.request_seconds.get_or_create(&OfRoute { route, method }).observe(seconds);
    }

    fn run_ended(&self, kind: &'static str, result: &'static str, code: String, took: Duration) {
        self.runs.get_or_create(&OfRun { kind, result, code }).inc();
        self.run_seconds.get_or_create(&OfKind { kind }).observe(took.as_secs_f64());
        self.runs_going.get_or_create(&OfKind { kind }).dec();
    }
}

impl RunWatch {
    /// Counts how the run ended.
    pub(crate) fn ended(mut self, answer: &Result<Answer, Failure>) {
        let (metrics, kind) = (&self.metrics, self.kind);
        let (result, code) = match answer {
            Ok(_) => ("done", String::new()),
            Err(failure) if failure.code == "cancelled" => ("cancelled", failure.code.clone()),
            Err(failure) => ("failed", failure.code.clone()),
        };
        // What an earlier run made was counted then; such an answer knows no digest.
        if let Ok(Answer::Converted(converted)) = answer
            && converted.metadata.sha256.is_some()
        {
            let made = &converted.metadata;
            metrics.rows.get_or_create(&OfKind { kind }).inc_by(made.rows);
            metrics.bytes.get_or_create(&OfKind { kind }).inc_by(made.file_size_bytes);
        }
        metrics.run_ended(kind, result, code, self.began.elapsed());
        self.is_counted = true;
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        if !self.is_counted {
            let (kind, took) = (self.kind, self.began.elapsed());
            self.metrics.run_ended(kind, "dropped", String::new(), took);
        }
    }
}

impl<'a> Going<'a> {
    fn begin(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Counts a request and how long it took. It stands around the routes, behind the choice among them.
pub(crate) async fn measure(
    axum::extract::State(metrics): axum::extract::State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = method_of(request.method());
    let response = {
        let _going = Going::begin(&metrics.requests_going);
        next.run(request).await
    };
    let route = path.as_ref().map_or("unknown", MatchedPath::as_str);
    metrics.answered(route, method, response.status().as_u16(), began.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use axum::{
        Router, body::Body, http::StatusCode, middleware::from_fn_with_state, routing::get,
    };
    use tower::ServiceExt as _;

    use super::*;

    fn shown(metrics: &Metrics) -> String {
        metrics.written(&State::default()).unwrap()
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_and_not_by_what_callers_write() {
        let metrics = Arc::new(Metrics::new());
        let router = Router::new()
            .route("/things/{id}", get(async || "found"))
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(from_fn_with_state(Arc::clone(&metrics), measure));
        for (method, path) in [
            ("GET", "/things/1"),
            ("GET", "/things/2"),
            ("GET", "/secret-1"),
            ("BREW", "/secret-2"),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }
        let text = shown(&metrics);
        for line in [
            r#"tundra_http_requests_total{route="/things/{id}",method="GET",status="200"} 2"#,
            r#"tundra_http_requests_total{route="unknown",method="GET",status="404"} 1"#,
            r#"tundra_http_requests_total{route="unknown",method="other",status="404"} 1"#,
            r#"tundra_http_request_duration_seconds_count{route="/things/{id}",method="GET"} 2"#,
            "tundra_http_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn runs_are_counted_by_kind_and_end() {
        let metrics = Arc::new(Metrics::new());
        let watch = metrics.run_begins("infer_schema");
        assert!(shown(&metrics).contains(r#"tundra_runs_in_flight{kind="infer_schema"} 1"#));
        watch.ended(&Err(Failure::invalid("no")));
        drop(metrics.run_begins("infer_schema"));
        let text = shown(&metrics);
        for line in [
            r#"tundra_runs_total{kind="infer_schema",result="failed",code="invalid_request"} 1"#,
            r#"tundra_runs_total{kind="infer_schema",result="dropped",code=""} 1"#,
            r#"tundra_runs_in_flight{kind="infer_schema"} 0"#,
            r#"tundra_run_duration_seconds_count{kind="infer_schema"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
