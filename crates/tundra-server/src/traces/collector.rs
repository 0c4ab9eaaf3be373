//! Sends spans to a collector by OTLP over HTTP: [`Collector`].
//!
//! The protocol is one POST with a message of protocol buffers, which is tried again where the collector
//! asks for that. Whoever makes spans does not wait for it: a thread of the SDK hands them over in batches,
//! and what it cannot hold is dropped.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use bytes::Bytes;
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use prost::Message as _;
use reqwest::{Client, redirect};
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use super::{TraceSettings, TracesError};

/// The first wait before another try, which doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A collector of spans.
pub(super) struct Collector {
    link: Arc<Link>,
    /// Who sends, as the messages have it.
    resource: ResourceAttributesWithSchema,
    /// Where requests are made: the thread that hands over spans has no I/O.
    runtime: Handle,
}

struct Link {
    http: Client,
    endpoint: Url,
    headers: HeaderMap,
    /// For all tries of one batch.
    time: Duration,
    ending: CancellationToken,
    /// Whether the last batch was not taken.
    is_away: AtomicBool,
}

/// Why a batch was not taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    NoConnection,
    BrokenOff,
    Status(StatusCode),
    Late,
}

impl Collector {
    /// Makes the client. Nothing is sent yet.
    pub(super) fn new(
        settings: TraceSettings,
        ending: CancellationToken,
    ) -> Result<Self, TracesError> {
        let tls = tundra_net::tls::config()
            .map_err(|error| TracesError::SetUp { source: Box::new(error) })?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
            // Headers with keys are for one address.
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never());
        let http = if is_next_door(&settings.endpoint) { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| TracesError::SetUp { source: Box::new(error) })?;
        let TraceSettings { endpoint, headers, timeout, .. } = settings;
        let is_away = AtomicBool::new(false);
        let link = Link { http, endpoint, headers, time: timeout, ending, is_away };
        Ok(Self {
            link: Arc::new(link),
            resource: ResourceAttributesWithSchema::default(),
            runtime: Handle::current(),
        })
    }

    /// Sends a message without spans.
    pub(super) async fn probe(&self) -> Result<(), Refusal> {
        let trying = self.link.try_once(Bytes::new());
        timeout(self.link.time, trying).await.unwrap_or(Err(Refusal::Late))
    }
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let link = Arc::clone(&self.link);
        let sent = self.runtime.spawn(async move { link.send(body.into()).await });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(OTelSdkError::InternalFailure(refusal.to_string())),
            // The runtime has ended.
            Err(_) => Err(OTelSdkError::AlreadyShutdown),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl Link {
    /// Sends a batch, and says in the log when the collector goes away and when it is there again.
    async fn send(&self, body: Bytes) -> Result<(), Refusal> {
        let sent = timeout(self.time, self.try_for_long(body)).await.unwrap_or(Err(Refusal::Late));
        let was_away = self.is_away.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Ok(()) if was_away => tracing::info!("the collector takes traces again"),
            Err(reason) if !was_away => {
                tracing::warn!(%reason, "the collector takes no traces: they are dropped until it does");
            }
            _ => {}
        }
        sent
    }

    async fn try_for_long(&self, body: Bytes) -> Result<(), Refusal> {
        let mut wait = FIRST_WAIT;
        loop {
            let refusal = match self.try_once(body.clone()).await {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            if !refusal.may_pass() {
                return Err(refusal);
            }
            tokio::select! {
                () = sleep(wait) => wait *= 2,
                () = self.ending.cancelled() => return Err(refusal),
            }
        }
    }

    async fn try_once(&self, body: Bytes) -> Result<(), Refusal> {
        let request = self
            .http
            .post(self.endpoint.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .body(body);
        // What it answers besides is not read: there is nobody to whom it could be told.
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(Refusal::Status(answer.status())),
            Err(error) if error.is_connect() => Err(Refusal::NoConnection),
            Err(_) => Err(Refusal::BrokenOff),
        }
    }
}

/// Returns whether a collector is on this machine, to which no proxy leads.
fn is_next_door(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Refusal {
    /// Returns whether the same batch may be taken later, as the protocol has it.
    fn may_pass(self) -> bool {
        match self {
            Self::NoConnection | Self::BrokenOff => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Late => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection => f.write_str("there is no connection to it"),
            Self::BrokenOff => f.write_str("the connection to it broke off"),
            Self::Status(status) => write!(f, "it answers {}", status.as_u16()),
            Self::Late => f.write_str("it does not answer in time"),
        }
    }
}

impl fmt::Debug for Collector {
    /// Shows neither the address, which may have a key in it, nor the headers, of which one is a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("timeout", &self.link.time).finish_non_exhaustive()
    }
}
