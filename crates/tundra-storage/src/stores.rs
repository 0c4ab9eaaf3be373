//! From what a person wrote to a store, whichever it is.
//!
//! Start at [`Stores`]. It keeps one store for each bucket, so that its credentials and its
//! connections are made once. What a location means is decided in [`crate::place`], what it leads
//! to here; objects are neither read nor written.

mod listing;
#[cfg(test)]
mod tests;

#[cfg(feature = "net")]
use std::sync::OnceLock;
#[cfg(feature = "cloud")]
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tundra_core::{ObjectPath, Storage};

#[cfg(any(feature = "gcs", feature = "s3"))]
use crate::cloud::janitor::Janitor;
#[cfg(feature = "cloud")]
use crate::cloud::{Bucket, client::Clients};
#[cfg(feature = "http")]
use crate::http::{AllowedHosts, HttpClient, HttpOptions, Reach, UrlPolicy};
use crate::{
    local::LocalStorage,
    location::{LocationError, local},
    place::{CloudPlace, Place},
    settings::StoreSettings,
};
#[cfg(feature = "cloud")]
use crate::{
    place::Provider,
    presign::{SignatureStyle, UrlSigner},
};

/// An object's store, and its path there.
type Located = (Arc<dyn Storage>, ObjectPath);

/// Every store that locations can lead to.
///
/// Clones share their stores. Nobody is asked before an object is opened, created or listed.
///
/// # Examples
/// ```
/// use tundra_core::Storage;
/// use tundra_storage::{StoreSettings, Stores};
///
/// # fn main() -> Result<(), tundra_storage::LocationError> {
/// let mut settings = StoreSettings::default();
/// settings.r2.account_id = Some("0123456789abcdef".to_owned());
/// settings.r2.access_key_id = Some("key".to_owned());
/// settings.r2.secret_access_key = Some(tundra_core::Secret::new("secret"));
/// let stores = Stores::new(settings);
/// let (storage, path) = stores.resolve("r2://bucket/in/orders.csv")?;
/// assert_eq!(path.as_str(), "in/orders.csv");
/// assert_eq!(storage.display(&path), "r2://bucket/in/orders.csv");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Stores(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    settings: StoreSettings,
    #[cfg(feature = "cloud")]
    clients: OnceLock<Arc<Clients>>,
    /// By what stands before the key.
    #[cfg(feature = "cloud")]
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
    #[cfg(feature = "http")]
    urls: OnceLock<HttpClient>,
}

impl Stores {
    /// Takes the settings. Nothing is opened yet.
    pub fn new(settings: StoreSettings) -> Self {
        Self(Arc::new(Kept {
            settings,
            #[cfg(feature = "cloud")]
            clients: OnceLock::new(),
            #[cfg(feature = "cloud")]
            buckets: Mutex::new(HashMap::new()),
            #[cfg(feature = "http")]
            urls: OnceLock::new(),
        }))
    }

    /// Returns the settings.
    pub fn settings(&self) -> &StoreSettings {
        &self.0.settings
    }

    /// Finds the store that a location is in, and its path there.
    ///
    /// A location is a path, a `file://` URL, `s3://BUCKET/KEY`, `r2://BUCKET/KEY`,
    /// `gs://BUCKET/KEY`, `az://CONTAINER/KEY`, `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY`
    /// or an `https://` URL. A key is written as it is, without encoding; `*` has no meaning here.
    ///
    /// # Errors
    /// Fails when no object can be meant, and when the settings do not suffice to use its store.
    /// Whether there is such an object is not looked at.
    pub fn resolve(&self, location: impl AsRef<OsStr>) -> Result<Located, LocationError> {
        let location = location.as_ref();
        match Place::parse(location)? {
            Place::Local(file) => local(&file, &location.to_string_lossy()),
            Place::Cloud(place) => {
                if place.key.is_empty() || place.key.ends_with('/') {
                    return Err(LocationError::Prefix { location: place.shown() });
                }
                let path = key(&place, &place.key)?;
                Ok((self.storage(&place)?, path))
            }
            Place::Url => self.url(&location.to_string_lossy()),
        }
    }

    /// Finds the store of everything below a location, and the path that all of it begins with;
    /// nothing when it is the whole store.
    ///
    /// # Errors
    /// As [`Stores::resolve`]; a URL has nothing below it.
    pub fn below(
        &self,
        location: impl AsRef<OsStr>,
    ) -> Result<(Arc<dyn Storage>, Option<ObjectPath>), LocationError> {
        let location = location.as_ref();
        let shown = location.to_string_lossy();
        match Place::parse(location)? {
            Place::Local(directory) => Ok((directory_store(&directory)?, None)),
            Place::Cloud(place) => {
                let prefix = prefix(&place)?;
                Ok((self.storage(&place)?, prefix))
            }
            Place::Url => {
                let (storage, path) = self.url(&shown)?;
                Err(LocationError::Prefix { location: storage.display(&path) })
            }
        }
    }

    /// Returns what finds and removes uploads that nobody completed at a location or below it.
    ///
    /// # Errors
    /// As [`Stores::below`]; and when the store keeps no such uploads, as local directories and Azure
    /// do not.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub fn janitor(&self, location: &str) -> Result<Janitor, LocationError> {
        let none = || LocationError::Settings {
            location: location.split('?').next().unwrap_or_default().to_owned(),
            reason: "its store keeps no uploads that nobody completed".to_owned(),
        };
        let Place::Cloud(place) = Place::parse(OsStr::new(location))? else { return Err(none()) };
        let below = prefix(&place)?;
        let bucket = self.bucket(&place)?;
        bucket.uploads.as_ref().map(|it| Janitor::new(Arc::clone(it), below)).ok_or_else(none)
    }

    /// Returns what signs URLs of the objects in the bucket of a location, and the location's path.
    ///
    /// # Errors
    /// As [`Stores::resolve`]; and when nothing there can be signed, as with local files and URLs.
    #[cfg(feature = "cloud")]
    pub fn signer(&self, location: &str) -> Result<(UrlSigner, ObjectPath), LocationError> {
        let (storage, path) = self.resolve(location)?;
        let Place::Cloud(place) = Place::parse(OsStr::new(location))? else {
            return Err(LocationError::Settings {
                location: storage.display(&path),
                reason: "only URLs of objects in a bucket can be signed".to_owned(),
            });
        };
        let style = match place.provider {
            Provider::Azure => SignatureStyle::Azure,
            Provider::S3 | Provider::R2 | Provider::Gcs => SignatureStyle::Headers,
        };
        let signer = Arc::clone(&self.bucket(&place)?.signer);
        Ok((UrlSigner::new(signer, style, place.base), path))
    }

    #[cfg(feature = "cloud")]
    fn storage(&self, place: &CloudPlace) -> Result<Arc<dyn Storage>, LocationError> {
        Ok(self.bucket(place)?.storage.clone())
    }

    #[cfg(not(feature = "cloud"))]
    fn storage(&self, place: &CloudPlace) -> Result<Arc<dyn Storage>, LocationError> {
        let scheme = place.base.split("://").next().unwrap_or_default().to_owned();
        Err(LocationError::NoSuchStore { scheme })
    }

    /// Returns the bucket of a place, the same for each that is in it.
    #[cfg(feature = "cloud")]
    pub(crate) fn bucket(&self, place: &CloudPlace) -> Result<Arc<Bucket>, LocationError> {
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(&place.base) {
            return Ok(Arc::clone(bucket));
        }
        let clients = match self.0.clients.get() {
            Some(clients) => clients,
            None => {
                let clients = Arc::new(Clients::new(&self.0.settings.transfer)?);
                self.0.clients.get_or_init(|| clients)
            }
        };
        let bucket = Arc::new(Bucket::open(place, &self.0.settings, clients)?);
        buckets.insert(place.base.clone(), Arc::clone(&bucket));
        Ok(bucket)
    }

    #[cfg(feature = "http")]
    fn url(&self, location: &str) -> Result<Located, LocationError> {
        let failed = |source| LocationError::Url { source };
        let client = match self.0.urls.get() {
            Some(client) => client,
            None => {
                let client = HttpClient::new(self.http_options()?).map_err(failed)?;
                self.0.urls.get_or_init(|| client)
            }
        };
        let (storage, path) = client.locate(location).map_err(failed)?;
        Ok((Arc::new(storage), path))
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    fn url(&self, location: &str) -> Result<Located, LocationError> {
        let scheme = location.split("://").next().unwrap_or_default().to_owned();
        Err(LocationError::NoSuchStore { scheme })
    }

    /// Returns how URLs are used, as the settings say.
    #[cfg(feature = "http")]
    fn http_options(&self) -> Result<HttpOptions, LocationError> {
        let usual = HttpOptions::new(self.policy()?);
        let transfer = &self.0.settings.transfer;
        Ok(HttpOptions {
            temp_directory: transfer.temp_directory.clone().unwrap_or(usual.temp_directory),
            retries: transfer.attempts.saturating_sub(1),
            connect_timeout: transfer.connect_timeout,
            stall: transfer.silence,
            ..usual
        })
    }

    /// Returns which URLs may be used, as the settings say.
    #[cfg(feature = "http")]
    fn policy(&self) -> Result<UrlPolicy, LocationError> {
        let settings = &self.0.settings.urls;
        let hosts = settings.hosts.iter().map(|host| {
            host.parse().map_err(|error| LocationError::Settings {
                location: "https://".to_owned(),
                reason: format!("{error}"),
            })
        });
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        Ok(UrlPolicy {
            hosts: if hosts.is_empty() { AllowedHosts::Any } else { AllowedHosts::Only(hosts) },
            reach: if settings.allow_private { Reach::Private } else { Reach::Public },
            max_size: None,
        })
    }
}

/// Returns a key of a place as a path.
fn key(place: &CloudPlace, text: &str) -> Result<ObjectPath, LocationError> {
    text.parse().map_err(|source| LocationError::Key { location: place.shown(), source })
}

/// Returns what every key below a place begins with.
fn prefix(place: &CloudPlace) -> Result<Option<ObjectPath>, LocationError> {
    match place.key.trim_end_matches('/') {
        "" => Ok(None),
        prefix => key(place, prefix).map(Some),
    }
}

fn directory_store(directory: &Path) -> Result<Arc<dyn Storage>, LocationError> {
    let storage = LocalStorage::new(PathBuf::from(directory));
    Ok(Arc::new(storage.map_err(|source| LocationError::CurrentDirectory { source })?))
}
