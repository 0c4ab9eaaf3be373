//! The log as one JSON object a line, in the form that Google Cloud Logging reads: [`json_log`].
//!
//! Other collectors read it as well: everything stands at the top, under the names of fields, with
//! `severity`, `message` and `time`.

use std::{fmt, time::SystemTime};

use humantime::format_rfc3339_micros;
use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormattedFields, MakeWriter,
        format::{FormatEvent, FormatFields, JsonFields, Writer},
        layer,
    },
    registry::LookupSpan,
};

use super::TARGET;

/// Returns the layer that writes the log as JSON, one object a line. With a project of Google Cloud, traces
/// are named as they are known there.
pub fn json_log<S, W>(project: Option<String>, writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    layer().event_format(Json { project }).fmt_fields(JsonFields::new()).with_writer(writer)
}

/// Writes an event as one JSON object.
struct Json {
    project: Option<String>,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields)
            {
                line.extend(fields);
            }
        }
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        line.append(&mut fields.0);
        self.name_trace(&mut line);
        let about = event.metadata();
        if about.target() == TARGET {
            let request = http_request(&mut line);
            line.insert("httpRequest".to_owned(), request);
        }
        for (name, value) in [
            ("severity", json!(severity(about.level()))),
            ("target", json!(about.target())),
            ("time", json!(format_rfc3339_micros(SystemTime::now()).to_string())),
        ] {
            line.insert(name.to_owned(), value);
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

impl Json {
    /// Names the trace as Google does.
    fn name_trace(&self, line: &mut Map<String, Value>) {
        let names = [
            ("trace", "logging.googleapis.com/trace"),
            ("span_id", "logging.googleapis.com/spanId"),
            ("trace_sampled", "logging.googleapis.com/trace_sampled"),
        ];
        for (name, googles) in names {
            let Some(mut value) = line.remove(name) else { continue };
            if let (Value::String(id), "trace", Some(project)) = (&value, name, &self.project) {
                value = format!("projects/{project}/traces/{id}").into();
            }
            line.insert(googles.to_owned(), value);
        }
    }
}

/// Takes what Google shows of a request out of the fields of its line.
fn http_request(line: &mut Map<String, Value>) -> Value {
    let mut request = Map::new();
    for (name, googles) in [
        ("method", "requestMethod"),
        ("route", "requestUrl"),
        ("status", "status"),
        ("seconds", "latency"),
        ("request_bytes", "requestSize"),
        ("response_bytes", "responseSize"),
        ("protocol", "protocol"),
        ("client", "remoteIp"),
    ] {
        let Some(value) = line.remove(name) else { continue };
        let written = match name {
            "seconds" => format!("{:.6}s", value.as_f64().unwrap_or_default()).into(),
            // Numbers of 64 bits are texts in its form.
            "request_bytes" | "response_bytes" => value.to_string().into(),
            _ => value,
        };
        request.insert(googles.to_owned(), written);
    }
    Value::Object(request)
}

fn severity(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// The fields of an event.
struct Fields(Map<String, Value>);

impl Fields {
    fn keep(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}").into());
    }
}
