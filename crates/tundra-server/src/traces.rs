//! What the service does, as spans that a collector is sent: [`Traces`], by OpenTelemetry's protocol.
//!
//! Start at [`Traces::start`]. A request has a span, and so has a job; within them a run has one, and within
//! that each of its stages. They are made here, wherever a run is: a process of a run tells its stages to the
//! service, so that it needs neither the address of a collector nor a key for it, and one that is killed has
//! spans up to that moment. Where nothing is set up there are none, and nothing is done for them.
//!
//! Attributes are of closed sets, counts and ids that were made here, and never what a caller wrote: no path,
//! no query, no header, no name and no message.

mod collector;
mod settings;
mod spans;

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{InstrumentationScope, KeyValue, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

use self::collector::Collector;
pub use self::settings::{Sampling, TraceSettings, TraceSettingsError};
pub(crate) use self::spans::{RequestSpan, RunSpan, ended, note_job};

/// How many spans wait to be sent, at most; others are dropped. A span takes about half a kilobyte.
const MOST_WAITING: usize = 4096;

/// How many spans are sent at once, and after which time those that wait are, however few.
const BATCH: usize = 512;
const SEND_EVERY: Duration = Duration::from_secs(5);

/// How long the last spans may take when the service ends.
pub(crate) const TO_SEND: Duration = Duration::from_secs(1);

/// Makes spans and has them sent. Clones are the same.
#[derive(Clone)]
pub struct Traces(Arc<Inner>);

struct Inner {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    /// Says that the service ends, so that nothing is tried again.
    ending: CancellationToken,
}

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracesError {
    /// There is no client.
    #[error("the client for traces cannot be set up")]
    SetUp {
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The collector takes nothing.
    #[error("the collector takes no traces: {reason}")]
    Refused {
        /// Why not, as far as it is known.
        reason: String,
    },
}

impl Traces {
    /// Begins to send spans, which waits for nobody: a collector that is away is told of once in the log, and
    /// what it does not take is dropped.
    ///
    /// Must be called within a Tokio runtime with I/O and time, which sends them.
    ///
    /// # Errors
    /// When the system has no certificates that can be read.
    pub fn start(settings: TraceSettings) -> Result<Self, TracesError> {
        let resource = resource(&settings);
        let sampler = sampler(settings.sampling);
        let ending = CancellationToken::new();
        let collector = Collector::new(settings, ending.clone())?;
        // Every value is set, so that none is taken from the environment behind our back.
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(SEND_EVERY)
            .build();
        let processor = BatchSpanProcessor::builder(collector).with_batch_config(batches).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_resource(resource)
            .with_span_processor(processor)
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self(Arc::new(Inner { tracer, provider, ending })))
    }

    /// Sends a message without spans, to see whether the collector takes it. Must be called within a Tokio
    /// runtime with I/O and time.
    ///
    /// # Errors
    /// As [`Traces::start`], and when it does not.
    pub async fn probe(settings: TraceSettings) -> Result<(), TracesError> {
        let collector = Collector::new(settings, CancellationToken::new())?;
        let probed = collector.probe().await;
        probed.map_err(|refusal| TracesError::Refused { reason: refusal.to_string() })
    }

    /// Sends what waits to be sent, for a second at most. Spans that end later are dropped.
    pub async fn end(&self) {
        self.0.ending.cancel();
        let provider = self.0.provider.clone();
        // It waits for the thread that sends.
        let ended = spawn_blocking(move || provider.shutdown_with_timeout(TO_SEND));
        if !matches!(timeout(TO_SEND, ended).await, Ok(Ok(Ok(())))) {
            tracing::debug!("the last spans could not be sent in time");
        }
    }

    fn tracer(&self) -> &SdkTracer {
        &self.0.tracer
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

/// Returns who sends the spans. What somebody says of it wins over what we know.
fn resource(settings: &TraceSettings) -> Resource {
    let own = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        // Tells two servers of the same name apart.
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ];
    let said = settings.attributes.iter();
    let said = said.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(own)
        .with_attributes(said)
        .with_service_name(settings.service_name.clone())
        .build()
}

fn sampler(sampling: Sampling) -> Sampler {
    let Sampling { share, by_parent } = sampling;
    let own = match share {
        some if some >= 1.0 => Sampler::AlwaysOn,
        some if some > 0.0 => Sampler::TraceIdRatioBased(some),
        _ => Sampler::AlwaysOff,
    };
    if by_parent { Sampler::ParentBased(Box::new(own)) } else { own }
}
