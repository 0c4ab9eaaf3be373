//! Calls a webhook once, and says what became of it.

use std::{
    error::Error as StdError,
    time::{Duration, SystemTime},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect,
};
use tundra_core::ErrorKind;

use super::{
    WebhookSettings,
    reach::{AddressRefused, Resolver},
};
use crate::{
    JobStoreError, JobsError,
    clock::Clock,
    document::event,
    job::Webhook,
    store::{Attempt, DeliveryOutcome},
};

/// What a receiver may ask to wait at most. Who asks for more is called then nevertheless.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);
/// How much each wait is longer than the one before.
const FACTOR: f32 = 5.0;
/// What a try may take besides the call: getting the keys, and recording what became of it.
const BESIDES: Duration = Duration::from_secs(30);

/// Calls webhooks.
#[derive(Debug)]
pub(crate) struct Courier {
    secure: Client,
    /// For private networks, when they may be reached. Its resolver gives no public address.
    plain: Client,
    settings: WebhookSettings,
}

/// Why a try failed.
struct Failed {
    reason: String,
    /// Whether it can only fail again.
    is_final: bool,
    /// How long the receiver asks to wait.
    after: Option<Duration>,
}

impl Courier {
    pub(crate) fn new(settings: WebhookSettings) -> Result<Self, JobsError> {
        let tls = tundra_net::tls::config().map_err(set_up_failed)?;
        let build = |is_plain: bool| {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Resolver::new(settings.reach, is_plain))
                // A proxy would resolve names itself, and nobody would judge the addresses.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                // Few calls go to the same receiver, and those rarely.
                .pool_max_idle_per_host(0)
                .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.connect_timeout)
                .timeout(settings.timeout)
                .build()
                .map_err(set_up_failed)
        };
        Ok(Self { secure: build(false)?, plain: build(true)?, settings })
    }

    pub(crate) const fn settings(&self) -> &WebhookSettings {
        &self.settings
    }

    /// Returns after which time a try that nobody recorded is over.
    pub(crate) fn longest_try(&self) -> Duration {
        self.settings.timeout + BESIDES
    }

    /// Makes a try.
    pub(crate) async fn call(&self, attempt: &Attempt, clock: &Clock) -> DeliveryOutcome {
        let Some(webhook) = &attempt.job.webhook else {
            return DeliveryOutcome::GivenUp { reason: "the job has no webhook".to_owned() };
        };
        let failed = match self.send(attempt, webhook, clock.now()).await {
            Ok(()) => return DeliveryOutcome::Delivered,
            Err(failed) => failed,
        };
        let Failed { reason, is_final, after } = failed;
        match self.wait(attempt.number) {
            Some(own) if !is_final => {
                let wait = own.max(after.unwrap_or_default().min(LONGEST_ASKED));
                DeliveryOutcome::Again { at: clock.now() + wait, reason }
            }
            _ => DeliveryOutcome::GivenUp { reason },
        }
    }

    /// Returns how long to wait after this try; `None` after the last.
    fn wait(&self, number: u32) -> Option<Duration> {
        let again = self.settings.tries.saturating_sub(1) as usize;
        let mut waits = ExponentialBuilder::default()
            .with_factor(FACTOR)
            .with_min_delay(self.settings.first_wait)
            .with_max_delay(self.settings.longest_wait)
            .with_max_times(again)
            // Jobs that ended together need not be told together again.
            .with_jitter()
            .build();
        waits.nth((number as usize).saturating_sub(1))
    }

    async fn send(
        &self,
        attempt: &Attempt,
        webhook: &Webhook,
        now: SystemTime,
    ) -> Result<(), Failed> {
        // The rules may have become stricter since the job was taken.
        self.settings.reach.check(&webhook.url).map_err(|error| match error {
            JobsError::WebhookRefused { reason, .. } => Failed::finally(reason),
            error => Failed::finally(error.to_string()),
        })?;
        let job = &attempt.job;
        let keys = self.settings.keys.keys(&job.tenant).await;
        let keys = keys.map_err(|error| {
            Failed::for_now(format!("the keys to sign with could not be had: {error}"))
        })?;
        if keys.is_empty() {
            return Err(Failed::for_now("there is no key to sign with"));
        }
        let body = event(job).to_string();
        // The same for every try, and without a full stop, which separates what is signed.
        let id = format!("msg_{}", job.id.as_uuid().simple());
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let timestamp = since.as_secs();
        let signatures: Vec<String> =
            keys.iter().map(|key| key.sign(&id, timestamp, body.as_bytes())).collect();
        let url = webhook.url.expose();
        let client = if url.scheme() == "https" { &self.secure } else { &self.plain };
        let sent = client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signatures.join(" "))
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(Failed::of_response(&response)),
            Err(error) => Err(Failed::of_client(error)),
        }
    }
}

impl Failed {
    fn for_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_final: false, after: None }
    }

    fn finally(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_final: true, after: None }
    }

    fn of_response(response: &Response) -> Self {
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok());
        let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let reason = if status.is_redirection() {
            format!("the receiver answered {status}, and redirects are not followed")
        } else {
            format!("the receiver answered {status}")
        };
        // By the rules, `410 Gone` asks not to be called again.
        Self { reason, is_final: status == StatusCode::GONE, after }
    }

    fn of_client(error: reqwest::Error) -> Self {
        // Its text and its address may hold a secret of the URL.
        let error = error.without_url();
        let mut causes: Vec<&(dyn StdError + 'static)> = Vec::new();
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(error) = cause {
            causes.push(error);
            cause = error.source();
        }
        if let Some(refused) = causes.iter().find_map(|it| it.downcast_ref::<AddressRefused>()) {
            return Self::finally(refused.0.clone());
        }
        if error.is_timeout() {
            return Self::for_now("the receiver did not answer in time");
        }
        let innermost = causes.last().map_or_else(String::new, ToString::to_string);
        Self::for_now(format!("the receiver could not be reached: {innermost}"))
    }
}

fn set_up_failed(error: impl StdError + Send + Sync + 'static) -> JobsError {
    let mut failed = JobStoreError::new(
        "set up webhooks",
        ErrorKind::Internal,
        "there is no client to call them with",
    );
    failed.source = Some(error.into());
    failed.into()
}
