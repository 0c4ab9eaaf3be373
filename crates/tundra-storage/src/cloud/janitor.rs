//! Uploads that nobody completed, found and removed.
//!
//! Start at [`Janitor`]. A process that is killed cannot abort the upload of the object that it was
//! writing. Nobody sees its parts, and somebody pays for them: Amazon S3, R2 and Google Cloud
//! Storage keep them until they are told otherwise, by a lifecycle rule or by this. Azure drops
//! such parts after a week. Nothing here touches objects.

mod page;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use ::http::Method;
#[cfg(feature = "gcs")]
use ::http::{HeaderValue, header::AUTHORIZATION};
#[cfg(feature = "s3")]
use object_store::aws::{AmazonS3, AwsAuthorizer};
#[cfg(feature = "gcs")]
use object_store::gcp::GoogleCloudStorage;
use object_store::{
    client::{HttpClient, HttpRequest, HttpRequestBody},
    multipart::MultipartStore,
    path::Path,
};
use tundra_core::{ObjectPath, StorageError};
use url::Url;

use self::page::Page;
use super::failure::Failure;
use crate::error::Operation;

/// Finds uploads that nobody completed below one place, and aborts them.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use tundra_storage::{StoreSettings, Stores};
///
/// let stores = Stores::new(StoreSettings::default());
/// let janitor = stores.janitor("s3://bucket/out/")?;
/// for upload in janitor.find(Duration::from_secs(24 * 60 * 60)).await? {
///     janitor.abort(&upload).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Janitor {
    uploads: Arc<Uploads>,
    /// An object, or what is below it; the whole bucket for nothing.
    below: Option<ObjectPath>,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbandonedUpload {
    /// The name that the object would have got, as the store has it.
    pub key: String,
    /// What the store calls the upload.
    pub id: String,
    /// When it was begun, by the clock of the store.
    pub begun: SystemTime,
}

impl Janitor {
    pub(crate) fn new(uploads: Arc<Uploads>, below: Option<ObjectPath>) -> Self {
        Self { uploads, below }
    }

    /// Returns what stands before `/` and the key where an upload's place is shown.
    pub fn base(&self) -> &str {
        &self.uploads.base
    }

    /// Returns the uploads that were begun longer ago than `older_than`, sorted by key. Those that
    /// somebody is still busy with are among them if they take longer.
    ///
    /// # Errors
    /// Fails when the store does not list them.
    pub async fn find(&self, older_than: Duration) -> Result<Vec<AbandonedUpload>, StorageError> {
        let shown = self.shown();
        let prefix = self.below.as_ref().map(ObjectPath::as_str).unwrap_or_default();
        let latest = SystemTime::now().checked_sub(older_than);
        let mut found = Vec::new();
        let mut marker = None;
        loop {
            let text = self.uploads.page(prefix, marker.as_ref(), &shown).await?;
            let page = Page::parse(&text).map_err(|error| {
                Operation::List.failed(&shown, format!("the list of uploads {error}"))
            })?;
            for upload in page.uploads {
                let is_below = prefix.is_empty()
                    || upload.key == prefix
                    || upload.key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
                if is_below && latest.is_some_and(|latest| upload.begun <= latest) {
                    found.push(upload);
                }
            }
            match page.next {
                // A store that gives the same page again would never come to an end.
                Some(next) if Some(&next) != marker.as_ref() => marker = Some(next),
                _ => break,
            }
        }
        found.sort_unstable_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(found)
    }

    /// Aborts an upload: its parts are gone then. Succeeds when it is gone already.
    ///
    /// # Errors
    /// Fails when the store does not do it.
    pub async fn abort(&self, upload: &AbandonedUpload) -> Result<(), StorageError> {
        let shown = format!("{}/{}", self.uploads.base, upload.key);
        let key = Path::parse(&upload.key).map_err(|error| StorageError::InvalidName {
            location: shown.clone(),
            source: error.into(),
        })?;
        let aborted = self.uploads.store().abort_multipart(&key, &upload.id).await;
        match aborted {
            Err(error) if Failure::of(&error).and_then(Failure::status) == Some(404) => Ok(()),
            result => result.map_err(|error| Operation::Delete.store_failed(&shown, error)),
        }
    }

    fn shown(&self) -> String {
        match &self.below {
            Some(path) => format!("{}/{path}", self.uploads.base),
            None => self.uploads.base.clone(),
        }
    }
}

/// The way to the uploads of a bucket.
pub(crate) struct Uploads {
    /// The address of the bucket.
    address: String,
    /// The bucket as a person would write it.
    base: String,
    client: HttpClient,
    keeper: Keeper,
}

/// Whose bucket it is.
enum Keeper {
    #[cfg(feature = "s3")]
    S3 { store: Arc<AmazonS3>, region: String },
    #[cfg(feature = "gcs")]
    Gcs { store: Arc<GoogleCloudStorage> },
}

/// Where the next page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    key: String,
    id: String,
}

impl Uploads {
    #[cfg(feature = "s3")]
    pub(crate) fn of_s3(
        address: String,
        base: String,
        region: String,
        store: Arc<AmazonS3>,
        client: HttpClient,
    ) -> Self {
        Self { address, base, client, keeper: Keeper::S3 { store, region } }
    }

    #[cfg(feature = "gcs")]
    pub(crate) fn of_gcs(
        address: String,
        base: String,
        store: Arc<GoogleCloudStorage>,
        client: HttpClient,
    ) -> Self {
        Self { address, base, client, keeper: Keeper::Gcs { store } }
    }

    fn store(&self) -> &dyn MultipartStore {
        match &self.keeper {
            #[cfg(feature = "s3")]
            Keeper::S3 { store, .. } => store.as_ref(),
            #[cfg(feature = "gcs")]
            Keeper::Gcs { store } => store.as_ref(),
        }
    }

    /// Asks for one page of the list.
    async fn page(
        &self,
        prefix: &str,
        marker: Option<&Marker>,
        shown: &str,
    ) -> Result<String, StorageError> {
        let failed = |error| Operation::List.store_failed(shown, error);
        let wrong = |error: &dyn fmt::Display| Operation::List.failed(shown, error.to_string());
        let mut url = Url::parse(&self.address).map_err(|error| wrong(&error))?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("uploads", "");
            if !prefix.is_empty() {
                query.append_pair("prefix", prefix);
            }
            if let Some(marker) = marker {
                query.append_pair("key-marker", &marker.key);
                query.append_pair("upload-id-marker", &marker.id);
            }
        }
        // In a query of a form a space is a `+`, which would not be what is signed.
        let address = url.as_str().replace('+', "%20");
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = address.parse().map_err(|error| wrong(&error))?;
        match &self.keeper {
            #[cfg(feature = "s3")]
            Keeper::S3 { store, region } => {
                let credential = store.credentials().get_credential().await.map_err(failed)?;
                AwsAuthorizer::new(&credential, "s3", region)
                    .try_authorize(&mut request, None)
                    .map_err(failed)?;
            }
            #[cfg(feature = "gcs")]
            Keeper::Gcs { store } => {
                let credential = store.credentials().get_credential().await.map_err(failed)?;
                let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.bearer))
                    .map_err(|_| wrong(&"the token cannot be sent"))?;
                value.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, value);
            }
        }
        let http_failed = |error: object_store::client::HttpError| {
            failed(object_store::Error::Generic { store: "uploads", source: error.into() })
        };
        let response = self.client.execute(request).await.map_err(http_failed)?;
        let bytes = response.into_body().bytes().await.map_err(http_failed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("base", &self.base).finish_non_exhaustive()
    }
}
