//! Sending requests: where they may go, how often they are tried, what an answer must be.
//!
//! Start at [`Client`]. It knows no ranges and no bodies; those are the reader's and the writer's.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Body, Method, Response,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION},
    redirect,
};
use tundra_core::StorageError;
use url::Url;

use crate::{
    error::Operation,
    http::{
        HttpOptions,
        failure::Failed,
        policy::{Refusal, UrlPolicy, shown},
        resolver::PolicyResolver,
        target::Target,
    },
};

/// Redirects within one host that are followed. One adds a slash or a language; a second one may
/// follow it; more go round in circles.
const REDIRECTS: usize = 3;

/// Waiting doubles up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A client for URLs that a policy allows. Clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Client {
    secure: reqwest::Client,
    /// For private networks, when they may be reached. Its resolver gives no public address.
    plain: reqwest::Client,
    options: Arc<HttpOptions>,
}

/// What a request sends besides its URL.
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// Makes the body anew for every try.
    pub(super) body: Option<Box<dyn Fn() -> Body + Send + Sync>>,
}

/// How often something was tried and how long to wait before the next time.
#[derive(Debug)]
pub(super) struct Tries {
    left: u32,
    wait: Duration,
    longest_ask: Duration,
}

impl Client {
    pub(super) fn new(options: HttpOptions) -> Result<Self, StorageError> {
        let policy = Arc::new(options.policy.clone());
        let tls = tundra_net::tls::config().map_err(|error| set_up_failed(&error))?;
        let build = |plain: bool| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(PolicyResolver::new(Arc::clone(&policy), plain))
                // A proxy would resolve names itself, and the policy would judge nothing.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                // Ranges side by side are to have a connection each: stores limit the speed of one.
                .http1_only()
                .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect_timeout)
                .build()
                .map_err(|error| set_up_failed(&error))
        };
        Ok(Self { secure: build(false)?, plain: build(true)?, options: Arc::new(options) })
    }

    pub(super) fn options(&self) -> &HttpOptions {
        &self.options
    }

    pub(super) fn policy(&self) -> &UrlPolicy {
        &self.options.policy
    }

    /// Returns the tries that something may have.
    pub(super) fn tries(&self) -> Tries {
        Tries {
            left: self.options.retries,
            wait: self.options.first_wait,
            longest_ask: self.options.longest_retry_after,
        }
    }

    /// Sends a request once, follows redirects within the host, and returns whatever answers.
    ///
    /// Waits for the head of the answer only as long as a server may be silent; a body is watched
    /// by whoever reads or sends it.
    pub(super) async fn send(
        &self,
        operation: Operation,
        target: &Target,
        message: &Message,
        silence: Option<Duration>,
    ) -> Result<Response, Failed> {
        let mut url = target.url().clone();
        for _ in 0..=REDIRECTS {
            let client = if url.scheme() == "https" { &self.secure } else { &self.plain };
            let mut request = client
                .request(message.method.clone(), url.clone())
                .headers(message.headers.clone());
            if let Some(body) = &message.body {
                request = request.body(body());
            }
            let sent = match silence {
                Some(silence) => tokio::time::timeout(silence, request.send()).await,
                None => Ok(request.send().await),
            };
            let response = match sent {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(Failed::of_client(operation, target, &error)),
                Err(_) => {
                    let cause = format!("the server did not answer within {silence:?}");
                    return Err(Failed::transient(operation, target, cause));
                }
            };
            if !is_redirect(&response) {
                return Ok(response);
            }
            url = self
                .follow(&url, &response)
                .map_err(|refusal| Failed::Final(refusal.at(target.shown())))?;
        }
        let refusal = Refusal::plain(format!("it redirects more than {REDIRECTS} times"));
        Err(Failed::Final(refusal.at(target.shown())))
    }

    /// Returns where a redirect leads, if that is on the same host.
    fn follow(&self, from: &Url, response: &Response) -> Result<Url, Refusal> {
        let location = response.headers().get(LOCATION).and_then(|text| text.to_str().ok());
        let to = location.and_then(|location| from.join(location).ok());
        let Some(to) = to else { return Err(Refusal::plain("it redirects to nowhere")) };
        let place = |url: &Url| {
            (
                url.scheme().to_owned(),
                url.host().map(|host| host.to_owned()),
                url.port_or_known_default(),
            )
        };
        if place(from) != place(&to) {
            return Err(Refusal {
                reason: format!("it redirects to `{}`, which is elsewhere", shown(&to)),
                hint: Some("use the URL that it leads to, with its query"),
            });
        }
        self.policy().check_parsed(&to)?;
        Ok(to)
    }
}

impl Message {
    /// Returns a GET, for bytes as they are stored.
    pub(super) fn get() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Self { method: Method::GET, headers, body: None }
    }
}

impl Tries {
    /// Waits for the next try, or returns the error when there is none.
    pub(super) async fn again(&mut self, failed: Failed) -> Result<(), StorageError> {
        let (error, after) = match failed {
            Failed::Transient { error, after } if self.left > 0 => (error, after),
            failed => return Err(failed.into_error()),
        };
        if after.is_some_and(|after| after > self.longest_ask) {
            return Err(error);
        }
        // Full jitter, so that many who met the same failure do not come back together; but never
        // earlier than the server asked.
        let wait = self.wait.mul_f64(random_share()) + after.unwrap_or_default();
        self.left -= 1;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::debug!(%error, cause, wait_ms = wait.as_millis() as u64, "trying again");
        let began = Instant::now();
        tokio::time::sleep(wait).await;
        tracing::trace!(waited_ms = began.elapsed().as_millis() as u64, "waited");
        Ok(())
    }
}

fn set_up_failed(error: &(dyn std::error::Error + 'static)) -> StorageError {
    let source =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    StorageError::Other {
        operation: "set up the client for",
        location: "https://".to_owned(),
        source: source.into(),
    }
}

fn is_redirect(response: &Response) -> bool {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns a number from 0 to 1. The seeds of hash maps are random enough for that.
fn random_share() -> f64 {
    let random = RandomState::new().hash_one(0_u8) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into a double")]
    let share = random as f64 / (1_u64 << 53) as f64;
    share
}
