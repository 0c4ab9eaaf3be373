//! The variables by which traces are sent, under the names that OpenTelemetry has for them.

use std::collections::HashMap;

use tundra_server::{TraceSettings, TraceSettingsError};

use super::{Variable, variables};

/// Every variable of these, in the order of the documentation, as `TraceSettings::from_vars` of tundra-server
/// takes it.
pub(super) const TRACES: [Variable; 14] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        meaning: "The collector of OpenTelemetry to which the server sends traces, such as \
                  `http://localhost:4318`; without it, or the next one, none are sent.",
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        meaning: "The same with its path, which is not `/v1/traces` then.",
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        meaning: "`http/protobuf`, the default; no other is spoken.",
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        meaning: "The same; it wins, as the others for traces do.",
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        meaning: "Headers of these requests, such as `api-key=…`, between commas. They are shown nowhere.",
    },
    Variable { name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", meaning: "The same." },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TIMEOUT",
        meaning: "How long such a request may take with all of its tries, in milliseconds; 10000.",
    },
    Variable { name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", meaning: "The same." },
    Variable {
        name: "OTEL_SERVICE_NAME",
        meaning: "Under which name the server is known there; `halatio-tundra`.",
    },
    Variable {
        name: "OTEL_RESOURCE_ATTRIBUTES",
        meaning: "What else is said of it, such as `deployment.environment.name=staging`, between commas.",
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER",
        meaning: "Which traces are sent: `always_on`, `always_off` or `traceidratio`, or one of them after \
                  `parentbased_`, with which a caller who names a trace decides; `parentbased_always_on`.",
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER_ARG",
        meaning: "The share of `traceidratio`, from 0 to 1; 1.",
    },
    Variable {
        name: "OTEL_TRACES_EXPORTER",
        meaning: "`none` sends nothing; `otlp` is the default.",
    },
    Variable { name: "OTEL_SDK_DISABLED", meaning: "`true` sends nothing either." },
];

/// Returns where traces are sent, if anywhere.
///
/// # Errors
/// Fails when a variable makes no sense.
pub(crate) fn traces() -> Result<Option<TraceSettings>, TraceSettingsError> {
    let all: HashMap<String, String> = variables().collect();
    TraceSettings::from_vars(|name| all.get(name).cloned())
}
