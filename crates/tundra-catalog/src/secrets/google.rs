//! Google Secret Manager, by Google's client.
//!
//! Start at [`GoogleSecrets`]. Google's client logs whole answers when the variable
//! `GOOGLE_CLOUD_RUST_LOGGING` is set, so nothing that it logs is let through, and its errors are not
//! passed on but told in our words. What it cannot be made to do is to wipe what it received: of a
//! value, the encoded form stays in freed memory until that is used again.

mod credentials;
mod failure;
mod payload;
mod settings;

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt as _;
use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use rustls::crypto::{CryptoProvider, ring};
use tokio::sync::Mutex;
use tracing::{Dispatch, instrument::WithSubscriber as _};
use tundra_core::{Error, ErrorKind, Retry, Secret, SecretError, SecretStore};

use self::failure::Failure;
pub use self::settings::{GoogleCredentials, GoogleSettings};
use crate::{
    secrets::{check_name, failed},
    upstream::{Failed, Upstream},
};

/// Whom credentials are asked of, in messages.
const TOKEN_SERVER: &str = "the server that should give a token";

/// Secrets of a project in Google Secret Manager: of the one named `warehouse`, the latest version.
///
/// Nothing is opened before the first secret is asked for, and nothing is kept but the connection and
/// its token: wrap it into a [`crate::CachedSecrets`]. It belongs to the runtime in which it is used
/// first. Failures of the service are tried again, and one that goes on fails at once for a while.
///
/// # TLS
/// Google's libraries take their cryptography from the one that is installed for the process, and
/// panic without. When none is installed, the first use installs *ring*. A program that wants another
/// installs it before, by `rustls::crypto::CryptoProvider::install_default`.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{sync::Arc, time::Duration};
///
/// use tundra_catalog::{CachedSecrets, GoogleSecrets, GoogleSettings};
/// use tundra_core::SecretStore as _;
///
/// let google = GoogleSecrets::new(GoogleSettings::new("acme-data"))?;
/// let secrets = CachedSecrets::new(Arc::new(google), Duration::from_secs(3600));
/// let credentials = secrets.get("warehouse").await?;
/// # Ok(())
/// # }
/// ```
pub struct GoogleSecrets {
    settings: GoogleSettings,
    upstream: Upstream,
    connected: Mutex<Option<Arc<Connected>>>,
}

/// A client and what it sends to say who asks.
struct Connected {
    client: SecretManagerService,
    credentials: Credentials,
}

impl GoogleSecrets {
    /// Prepares to ask. Reads no file and opens no connection.
    ///
    /// # Errors
    /// When the project or the address can be none.
    pub fn new(settings: GoogleSettings) -> Result<Self, Error> {
        settings.check()?;
        let upstream = Upstream::new(&settings.upstream);
        Ok(Self { settings, upstream, connected: Mutex::default() })
    }

    async fn attempt(&self, name: &str) -> Result<Secret, Failure> {
        let connected = self.connected(name).await?;
        let asked = self.ask(name, &connected).await;
        if let Err(failure) = &asked
            && failure.renews
        {
            let mut current = self.connected.lock().await;
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &connected)) {
                *current = None;
            }
        }
        asked
    }

    async fn ask(&self, name: &str, connected: &Connected) -> Result<Secret, Failure> {
        let limit = self.settings.upstream.timeout;
        // The client would do this itself; done before, it shows whose failure it is.
        let token = connected.credentials.headers(http::Extensions::new());
        guarded(name, TOKEN_SERVER, limit, token)
            .await
            .map_err(Failure::renewing)?
            .map_err(|error| credentials::refused(name, &error))?;
        let project = &self.settings.project;
        let request = connected
            .client
            .access_secret_version()
            .set_name(format!("projects/{project}/secrets/{name}/versions/latest"))
            .send();
        let answer = guarded(name, "Google Secret Manager", limit, request)
            .await?
            .map_err(|error| Failure::of_call(name, project, limit, &error))?;
        payload::secret(name, answer).map_err(|error| match error.retry {
            Retry::Never => Failure::lasting(error),
            Retry::Later | Retry::After(_) => Failure::of_service(error),
        })
    }

    async fn connected(&self, name: &str) -> Result<Arc<Connected>, Failure> {
        let mut current = self.connected.lock().await;
        if let Some(connected) = &*current {
            return Ok(Arc::clone(connected));
        }
        let (settings, wanted) = (self.settings.clone(), name.to_owned());
        let runtime = tokio::runtime::Handle::current();
        // Files are read: those of credentials and the certificates that the system trusts.
        let connecting = tokio::task::spawn_blocking(move || {
            runtime.block_on(connect(&wanted, &settings).with_subscriber(Dispatch::none()))
        });
        let limit = self.settings.upstream.timeout;
        let connected = guarded(name, TOKEN_SERVER, limit, connecting)
            .await?
            .unwrap_or_else(|_| Err(broke_down(name)))
            .map_err(Failure::lasting)?;
        let connected = Arc::new(connected);
        *current = Some(Arc::clone(&connected));
        Ok(connected)
    }
}

#[async_trait]
impl SecretStore for GoogleSecrets {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_name(name)?;
        match self.upstream.repeatedly(|| self.attempt(name)).await {
            Ok(secret) => Ok(secret),
            Err(Failed::Asked(failure)) => Err(failure.error),
            Err(Failed::Open(open)) => {
                let reason = format!("Google Secret Manager {open}");
                let mut error = failed(name, ErrorKind::Unavailable, reason);
                error.retry = Retry::After(open.again_in);
                Err(error)
            }
        }
    }

    async fn forget(&self, _name: &str) {}
}

impl fmt::Debug for GoogleSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GoogleSecrets").field(&self.settings).finish()
    }
}

async fn connect(name: &str, settings: &GoogleSettings) -> Result<Connected, SecretError> {
    if CryptoProvider::get_default().is_none() {
        // When somebody else is faster, theirs is as good.
        let _ = ring::default_provider().install_default();
    }
    // Google's libraries make such clients where they can only panic about it.
    reqwest::Client::builder().build().map_err(|_| no_certificates(name))?;
    let missing = |reason: String| credentials::missing(name, &reason);
    let credentials = credentials::make(&settings.credentials).map_err(missing)?;
    let builder = SecretManagerService::builder()
        .with_credentials(credentials.clone())
        .with_retry_policy(NeverRetry)
        .with_attempt_timeout(settings.upstream.timeout);
    let builder = match &settings.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    };
    let client = builder.build().await.map_err(|error| missing(error.to_string()))?;
    Ok(Connected { client, credentials })
}

fn no_certificates(name: &str) -> SecretError {
    let reason = "this system has no certificates by which Google could be known";
    let mut error = failed(name, ErrorKind::Unavailable, reason);
    error.hints.push(
        "install them (the package `ca-certificates`), or set `SSL_CERT_FILE` to a file of them"
            .to_owned(),
    );
    error
}

fn broke_down(name: &str) -> SecretError {
    failed(name, ErrorKind::Internal, "the client of Google Secret Manager broke down")
}

/// Waits for what Google's libraries do: no longer than allowed, without what they log, and whole
/// when they panic.
async fn guarded<T>(
    name: &str,
    who: &str,
    limit: Duration,
    call: impl Future<Output = T>,
) -> Result<T, Failure> {
    let call = AssertUnwindSafe(call).catch_unwind().with_subscriber(Dispatch::none());
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Failure::passing(broke_down(name)).renewing()),
        Err(_) => Err(Failure::late(name, who, limit)),
    }
}
