//! One object behind a URL, signed or not.
//!
//! Start at [`HttpStorage`]. It reads by GET and writes by PUT, and makes no other request: what
//! else a store can do a signature does not allow. Which URLs may be used at all is
//! [`UrlPolicy`]'s.

mod client;
mod date;
mod failure;
mod pace;
mod policy;
mod reader;
mod resolver;
mod spool;
mod target;
mod writer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
    StorageError,
};

pub use self::policy::{AllowedHosts, HostSuffix, HostSuffixError, Reach, UrlPolicy};
use self::{client::Client, target::Target, writer::HttpWriter};

/// How URLs are used.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Which URLs may be used.
    pub policy: UrlPolicy,
    /// Where an object waits that is written, or that comes from a server without ranges. Such a
    /// file has no name and takes as many bytes as the object has.
    pub temp_directory: PathBuf,
    /// The content type that is sent with what is written. A signature that covers it says which.
    pub content_type: Option<String>,
    /// How often a request is sent again after a failure that can pass.
    pub retries: u32,
    /// How long the first wait between two tries is at most; it doubles from try to try.
    pub first_wait: Duration,
    /// The longest that a server may ask to wait by `Retry-After`. More is a failure at once.
    pub longest_retry_after: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a server may send or take next to nothing before the request is given up and sent
    /// again.
    pub stall: Duration,
}

impl HttpOptions {
    /// The content type of Parquet.
    pub const PARQUET: &'static str = "application/vnd.apache.parquet";

    /// Returns what is usual under this policy: Parquet, the system's temporary directory, six tries
    /// within half a minute.
    pub fn new(policy: UrlPolicy) -> Self {
        Self {
            policy,
            temp_directory: std::env::temp_dir(),
            content_type: Some(Self::PARQUET.to_owned()),
            retries: 5,
            first_wait: Duration::from_millis(500),
            longest_retry_after: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// Opens URLs. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient(Client);

impl HttpClient {
    /// Makes a client; no connection is made yet.
    ///
    /// Proxies that the environment names are not used: they would resolve names by themselves.
    ///
    /// # Errors
    /// Fails when the system's certificates cannot be had.
    pub fn new(options: HttpOptions) -> Result<Self, StorageError> {
        Client::new(options).map(Self)
    }

    /// Returns the store of the one object that the URL leads to, and the object's path in it.
    ///
    /// # Errors
    /// [`StorageError::InvalidName`] for what is no URL, [`StorageError::Refused`] for one that may
    /// not be used.
    ///
    /// # Examples
    /// ```
    /// use tundra_core::Storage;
    /// use tundra_storage::{HttpClient, HttpOptions, UrlPolicy};
    ///
    /// # fn main() -> Result<(), tundra_core::StorageError> {
    /// let client = HttpClient::new(HttpOptions::new(UrlPolicy::any_public_host()))?;
    /// let (storage, path) = client.locate("https://example.org/in/a.csv?X-Amz-Signature=0")?;
    /// assert_eq!(path.as_str(), "a.csv");
    /// assert_eq!(storage.display(&path), "https://example.org/in/a.csv");
    /// # Ok(())
    /// # }
    /// ```
    pub fn locate(&self, url: &str) -> Result<(HttpStorage, ObjectPath), StorageError> {
        let target = Target::new(url, self.0.policy())?;
        let path = target.path().clone();
        Ok((HttpStorage { client: self.0.clone(), target: Arc::new(target) }, path))
    }
}

/// A store of one object: what a URL leads to.
///
/// - **Reading** asks for ranges and never by HEAD. A server that gives no ranges, or not the size,
///   is read once into a temporary file. The version is pinned by the tag, else by the time of
///   modification; where a server gives neither, by the size alone.
/// - **Writing** is one PUT of everything at publishing, with its length and content type. With
///   [`IfExists::Fail`] the server is asked not to replace by `If-None-Match: *`, but under a
///   signature only if that covers the header: otherwise what is there is replaced, as the signature
///   allows.
/// - **Other names** than the object's own are not there and cannot be written. Listing shows the
///   object, deleting is refused.
/// - **Shown** is the URL without its query.
#[derive(Debug, Clone)]
pub struct HttpStorage {
    client: Client,
    target: Arc<Target>,
}

impl HttpStorage {
    /// Checks that the object's own path is meant.
    fn check(&self, path: &ObjectPath) -> Result<(), StorageError> {
        if path == self.target.path() {
            Ok(())
        } else {
            Err(StorageError::NotFound { location: self.display(path) })
        }
    }

    fn refused(&self, path: &ObjectPath, reason: &str) -> StorageError {
        StorageError::Refused {
            location: self.display(path),
            reason: reason.to_owned(),
            hint: None,
        }
    }
}

#[async_trait]
impl Storage for HttpStorage {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { atomic_create: false, durable: true, read_back_window: None }
    }

    fn display(&self, path: &ObjectPath) -> String {
        let own = self.target.shown();
        if path == self.target.path() {
            return own.to_owned();
        }
        // Where it would be: beside the object.
        let directory = own.rsplit_once('/').map_or(own, |(directory, _)| directory);
        format!("{directory}/{path}")
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        self.check(path)?;
        reader::head(&self.client, &self.target).await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        self.check(path)?;
        reader::open(&self.client, &self.target).await
    }

    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        if path != self.target.path() {
            return Err(self.refused(path, "a URL is for one object, and this is another one"));
        }
        Ok(Box::new(HttpWriter::begin(&self.client, &self.target, if_exists).await?))
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        if prefix.is_some() {
            // Nothing is below an object.
            return Ok(Vec::new());
        }
        match reader::head(&self.client, &self.target).await {
            Ok(info) => Ok(vec![info]),
            Err(StorageError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        Err(self.refused(path, "a URL allows to read or to write, not to delete"))
    }
}
