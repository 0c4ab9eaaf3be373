//! The HTTP client that stores are used with.
//!
//! Start at [`Connector`], which `object_store` asks for a client. Everything that happens on the
//! way is decided here, once: what is tried again and when, for how long nothing may be heard, what
//! an answer that is no success means. `object_store` repeats nothing itself, because it neither
//! hears what a store says of when to come back (`Retry-After`) nor tells afterwards how often it
//! tried; it does take up a body again that broke off. Nothing here knows objects.

mod retry;
mod service;
mod watch;

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, RetryConfig,
    client::{HttpClient, HttpConnector},
};

use self::service::Service;
use crate::{location::LocationError, settings::TransferSettings};

/// How long a machine may take that says who somebody is, such as an instance's metadata service.
/// It is next door or not there at all.
const NEXT_DOOR: Duration = Duration::from_secs(1);

/// Connections that are kept for the next requests to a store: more than are used at once.
const KEPT_CONNECTIONS: usize = 64;

/// How long an unused connection is kept. Stores close theirs after 20 seconds and more.
const KEPT_FOR: Duration = Duration::from_secs(15);

/// What the connections of all stores are made with.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For stores.
    wide: reqwest::Client,
    /// For who gives out credentials to this very machine.
    near: reqwest::Client,
    transfer: TransferSettings,
}

impl Clients {
    /// Makes clients.
    ///
    /// # Errors
    /// Fails when there is no TLS to be had.
    pub(crate) fn new(transfer: &TransferSettings) -> Result<Self, LocationError> {
        let tls = tundra_net::tls::config()
            .map_err(|error| LocationError::Client { source: error.into() })?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
                // Several ranges and parts at once are several connections, each with a window of
                // its own.
                .http1_only()
                .tcp_nodelay(true)
                .pool_idle_timeout(KEPT_FOR)
                .pool_max_idle_per_host(KEPT_CONNECTIONS)
                // A signature is for one address.
                .redirect(reqwest::redirect::Policy::none())
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| LocationError::Client { source: error.into() })
        };
        Ok(Self {
            wide: build(builder().connect_timeout(transfer.connect_timeout))?,
            near: build(builder().connect_timeout(NEXT_DOOR).no_proxy())?,
            transfer: transfer.clone(),
        })
    }

    /// Returns what `object_store` shall do of its own.
    pub(crate) fn retry_config(&self) -> RetryConfig {
        // Requests come back from the service with errors that are final. What is left is a body
        // that breaks off: it goes on from where it was.
        RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: self.transfer.attempts.saturating_sub(1) as usize,
            retry_timeout: self.transfer.retry_time,
        }
    }

    /// Returns the options that every store is built with.
    pub(crate) fn options(&self, insecure: bool) -> ClientOptions {
        ClientOptions::new()
            .with_allow_http(insecure)
            .with_connect_timeout(self.transfer.connect_timeout.max(NEXT_DOOR * 2))
    }
}

/// Makes the clients of one store.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) clients: Arc<Clients>,
    /// Scheme, host and port of the store. Whoever else is asked is asked for credentials.
    pub(crate) store: String,
    /// What completes an upload.
    pub(crate) completion: Completion,
}

/// How an upload in parts is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Whatever is there is replaced.
    Replace,
    /// The store is told to refuse when the name is taken: `If-None-Match: *`, which `object_store`
    /// does not send here.
    Create,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let value = |key| options.get_config_value(&key).unwrap_or_default();
        // For the metadata service of an instance `object_store` shortens the time to connect.
        let usual = self.clients.options(false);
        let near = value(ClientConfigKey::ConnectTimeout)
            != usual.get_config_value(&ClientConfigKey::ConnectTimeout).unwrap_or_default();
        let transfer = self.clients.transfer.clone();
        Ok(HttpClient::new(Service {
            client: if near { self.clients.near.clone() } else { self.clients.wide.clone() },
            store: self.store.clone(),
            insecure: value(ClientConfigKey::AllowHttp) == "true",
            completion: self.completion,
            transfer: if near { TransferSettings { attempts: 2, ..transfer } } else { transfer },
        }))
    }
}
