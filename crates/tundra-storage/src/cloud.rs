//! Buckets of the clouds, and how they are used.
//!
//! Start at [`Bucket::open`]. There is a module for each provider, which builds the store of
//! `object_store` and says what it can do; [`client`] is what all of them talk through, [`failure`]
//! what becomes of what they say. Nothing here parses a location or reads the environment.

#[cfg(feature = "azure")]
mod azure;
pub(crate) mod client;
pub(crate) mod failure;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(any(feature = "gcs", feature = "s3"))]
pub(crate) mod janitor;
#[cfg(feature = "s3")]
mod r2;
#[cfg(feature = "s3")]
mod s3;

use std::{fmt, num::NonZeroUsize, sync::Arc};

use object_store::{ObjectStore, signer::Signer};
use url::Url;

use self::client::{Clients, Completion, Connector};
use crate::{
    location::LocationError,
    place::{CloudPlace, Provider},
    settings::StoreSettings,
    store::{Abilities, ObjectStoreOptions, ObjectStoreStorage, Upload},
};

/// A bucket that is open. One is kept for each, with its credentials and its connections.
pub(crate) struct Bucket {
    /// Its objects.
    pub(crate) storage: Arc<ObjectStoreStorage>,
    /// Signs URLs of its objects.
    pub(crate) signer: Arc<dyn Signer>,
    /// Its uploads, where those that are given up stay until somebody removes them.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) uploads: Option<Arc<janitor::Uploads>>,
}

impl Bucket {
    /// Opens the bucket that a place is in.
    ///
    /// # Errors
    /// Fails when the settings do not suffice. Nobody is asked yet.
    pub(crate) fn open(
        place: &CloudPlace,
        settings: &StoreSettings,
        clients: &Arc<Clients>,
    ) -> Result<Self, LocationError> {
        let site = Site { place, clients };
        match place.provider {
            #[cfg(feature = "s3")]
            Provider::S3 => s3::open(&site, &settings.s3, &settings.transfer),
            #[cfg(feature = "s3")]
            Provider::R2 => r2::open(&site, &settings.r2, &settings.transfer),
            #[cfg(feature = "gcs")]
            Provider::Gcs => gcs::open(&site, &settings.gcs, &settings.transfer),
            #[cfg(feature = "azure")]
            Provider::Azure => azure::open(&site, &settings.azure, &settings.transfer),
            #[cfg(not(all(feature = "azure", feature = "gcs", feature = "s3")))]
            _ => {
                let scheme = place.base.split("://").next().unwrap_or_default().to_owned();
                Err(LocationError::NoSuchStore { scheme })
            }
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("storage", &self.storage).finish_non_exhaustive()
    }
}

/// What every provider needs to open a bucket.
struct Site<'a> {
    place: &'a CloudPlace,
    clients: &'a Arc<Clients>,
}

impl Site<'_> {
    /// Returns what makes the clients of a store at an endpoint.
    fn connector(&self, endpoint: &Endpoint, completion: Completion) -> Connector {
        Connector { clients: Arc::clone(self.clients), store: endpoint.origin.clone(), completion }
    }

    fn wrong(&self, reason: impl Into<String>) -> LocationError {
        LocationError::Settings { location: self.place.base.clone(), reason: reason.into() }
    }

    /// Says that `object_store` did not take the settings. It repeats none of their values but the
    /// names of files.
    fn not_built(&self, error: &object_store::Error) -> LocationError {
        let text = error.to_string();
        self.wrong(text.lines().next().unwrap_or("the settings make no sense"))
    }

    /// Checks an address that somebody set.
    fn endpoint(&self, text: &str) -> Result<Endpoint, LocationError> {
        let wrong = |what: &str| Err(self.wrong(format!("its endpoint {what}")));
        let Ok(url) = Url::parse(text) else { return wrong("is not a URL") };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("holds credentials");
        }
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return wrong("does not begin with `https://` or `http://`");
        };
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("has a query or a fragment");
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("{}://{host}{port}", url.scheme());
        let path = url.path().trim_end_matches('/');
        let address = format!("{origin}{path}");
        Ok(Endpoint { address, insecure: url.scheme() == "http", origin })
    }

    /// Makes the storage of a bucket.
    fn storage(
        &self,
        store: Arc<dyn ObjectStore>,
        abilities: Abilities,
        part_size: NonZeroUsize,
    ) -> Arc<ObjectStoreStorage> {
        let options = ObjectStoreOptions {
            base: self.place.base.clone(),
            durable: true,
            upload: Upload::Parts { size: part_size },
        };
        Arc::new(ObjectStoreStorage::with_abilities(store, options, abilities))
    }
}

/// The address of a store.
struct Endpoint {
    /// Scheme, host, port and the path before the bucket.
    address: String,
    /// Scheme, host and port.
    origin: String,
    /// It has no TLS.
    insecure: bool,
}
