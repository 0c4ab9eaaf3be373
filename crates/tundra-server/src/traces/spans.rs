//! The spans that there are: [`RequestSpan`], and [`RunSpan`] with its stages.
//!
//! Names and attributes are those of OpenTelemetry's conventions for HTTP servers, as far as they tell nothing
//! that a caller wrote; what is Tundra's own begins with `tundra.`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, Version},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{
        SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
        TraceState, Tracer as _,
    },
};
use tundra_core::{Progress, Reporter, Stage};

use super::Traces;
use crate::{Failure, layers::request_id::Trace, tasks::Answer};

/// Why a span failed, in a word.
const ERROR_TYPE: &str = "error.type";

/// A request, from its head to the end of its answer.
#[derive(Debug)]
pub(crate) struct RequestSpan(Context);

/// A run: what an executor does for a task.
#[derive(Debug)]
pub(crate) struct RunSpan {
    context: Context,
    stages: Arc<Stages>,
}

/// Hears of the stages of a run, each of which has a span, and passes everything on.
struct Stages {
    traces: Traces,
    run: Context,
    going: Mutex<Option<Context>>,
    reporter: Arc<dyn Reporter>,
}

/// Notes in the span of the request which job it was made into. A job runs in a trace of its own, perhaps
/// days later and in another process.
pub(crate) fn note_job(id: &impl ToString) {
    let context = Context::current();
    if context.has_active_span() {
        context.span().set_attribute(job(id));
    }
}

fn job(id: &impl ToString) -> KeyValue {
    KeyValue::new("tundra.job.id", id.to_string())
}

impl Traces {
    /// Begins the span of a request, within the trace of its caller if it names one.
    pub(crate) fn request(&self, request: &Request, caller: Option<&Trace>) -> RequestSpan {
        let method = known(request.method());
        let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let name = match &route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", protocol(request.version())),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
        let parent = caller.and_then(remote);
        let parent = parent
            .map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        RequestSpan(self.begin(name, SpanKind::Server, attributes, &parent))
    }

    /// Begins the span of a job, which is the first of its trace.
    pub(crate) fn job(&self, id: &impl ToString, kind: &'static str, attempt: u32) -> Context {
        let attributes = vec![job(id), KeyValue::new("tundra.job.attempt", i64::from(attempt))];
        self.begin(format!("job {kind}"), SpanKind::Consumer, attributes, &Context::new())
    }

    /// Begins the span of a run, within whatever is being done.
    pub(crate) fn run(&self, kind: &'static str, reporter: Arc<dyn Reporter>) -> RunSpan {
        let attributes = vec![KeyValue::new("tundra.run.kind", kind)];
        let name = format!("run {kind}");
        let context = self.begin(name, SpanKind::Internal, attributes, &Context::current());
        let stages = Stages {
            traces: self.clone(),
            run: context.clone(),
            going: Mutex::default(),
            reporter,
        };
        RunSpan { context, stages: Arc::new(stages) }
    }

    fn begin(
        &self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        parent: &Context,
    ) -> Context {
        let tracer = self.tracer();
        let span = tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        parent.with_span(span.start_with_context(tracer, parent))
    }
}

impl RequestSpan {
    /// Returns what is done in this span.
    pub(crate) fn context(&self) -> Context {
        self.0.clone()
    }

    /// Returns where the request is in its trace, as the log tells it.
    pub(crate) fn trace(&self) -> Trace {
        let span = self.0.span();
        let here = span.span_context();
        Trace {
            id: here.trace_id().to_string(),
            span: Some(here.span_id().to_string()),
            sampled: here.is_sampled(),
        }
    }

    /// Ends it: the answer was sent, or nobody was there any more.
    pub(crate) fn ended(self, status: u16, is_cut_off: bool) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        if status >= 500 {
            span.set_attribute(KeyValue::new(ERROR_TYPE, status.to_string()));
            span.set_status(Status::error(""));
        } else if is_cut_off {
            span.set_attribute(KeyValue::new(ERROR_TYPE, "client_gone"));
        }
        span.end();
    }
}

impl RunSpan {
    /// Returns who hears of the stages of the run.
    pub(crate) fn reporter(&self) -> Arc<dyn Reporter> {
        Arc::clone(&self.stages) as Arc<dyn Reporter>
    }

    /// Ends it, and the stage in which it was.
    pub(crate) fn ended(self, answer: &Result<Answer, Failure>) {
        let span = self.context.span();
        match answer {
            Ok(Answer::Converted(converted)) => {
                let made = &converted.metadata;
                for (name, count) in [
                    ("tundra.run.rows", made.rows),
                    ("tundra.run.output_bytes", made.file_size_bytes),
                ] {
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    span.set_attribute(KeyValue::new(name, count));
                }
            }
            Ok(_) => {}
            Err(failure) => fail(&self.context, &failure.code),
        }
        self.stages.end(answer.as_ref().err().map(|failure| failure.code.as_str()));
        span.end();
    }
}

/// Ends the span of a job or of a stage; with the code of a failure, as one that failed.
pub(crate) fn ended(context: &Context, code: Option<&str>) {
    if let Some(code) = code {
        fail(context, code);
    }
    context.span().end();
}

/// Notes the code of a failure, and nothing that it says.
fn fail(context: &Context, code: &str) {
    let span = context.span();
    span.set_attribute(KeyValue::new(ERROR_TYPE, code.to_owned()));
    span.set_status(Status::error(""));
}

impl Stages {
    fn going(&self) -> MutexGuard<'_, Option<Context>> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, code: Option<&str>) {
        if let Some(stage) = self.going().take() {
            ended(&stage, code);
        }
    }
}

impl Reporter for Stages {
    fn stage(&self, stage: Stage) {
        self.end(None);
        let next = self.traces.begin(step(stage), SpanKind::Internal, Vec::new(), &self.run);
        *self.going() = Some(next);
        self.reporter.stage(stage);
    }

    fn progress(&self, progress: Progress) {
        self.reporter.progress(progress);
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stages")
    }
}

/// Returns what a stage does.
const fn step(stage: Stage) -> &'static str {
    match stage {
        Stage::Inspecting => "inspect",
        Stage::Inferring => "infer",
        Stage::Converting => "convert",
        Stage::Verifying => "verify",
        Stage::Publishing => "publish",
        _ => "work",
    }
}

/// Returns the span of a caller; nothing when it names only a trace.
fn remote(trace: &Trace) -> Option<SpanContext> {
    let id = TraceId::from_hex(&trace.id).ok()?;
    let span = SpanId::from_hex(trace.span.as_deref()?).ok()?;
    let flags = if trace.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    Some(SpanContext::new(id, span, flags, true, TraceState::default()))
}

/// Returns the method, or what the conventions have for one that a caller made up.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "_OTHER",
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}
