//! Google Cloud Storage, by its XML interface.

use std::sync::Arc;

use object_store::{
    ObjectStore,
    client::HttpConnector,
    gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder},
};

use super::{Bucket, Site, client::Completion, janitor::Uploads};
use crate::{
    location::LocationError,
    settings::{GcsSettings, TransferSettings},
    store::Abilities,
};

/// Google's address.
const GOOGLE: &str = "https://storage.googleapis.com";

/// Opens a bucket of Google Cloud Storage or of an emulator.
pub(super) fn open(
    site: &Site<'_>,
    settings: &GcsSettings,
    transfer: &TransferSettings,
) -> Result<Bucket, LocationError> {
    let endpoint = site.endpoint(settings.emulator.as_deref().unwrap_or(GOOGLE))?;
    let options = site.clients.options(endpoint.insecure);
    let connector = site.connector(&endpoint, Completion::Replace);
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&site.place.bucket)
        .with_base_url(&endpoint.address)
        .with_retry(site.clients.retry_config())
        .with_client_options(options.clone())
        .with_http_connector(connector.clone());
    if settings.emulator.is_some() {
        // It gets no credentials, and it wants to see some.
        builder = builder.with_bearer_token("emulator");
    } else if let Some(key) = &settings.service_account_key {
        builder = builder.with_service_account_key(key.expose());
    } else if let Some(file) = &settings.service_account_file {
        builder = builder.with_service_account_path(file.to_string_lossy());
    } else if let Some(file) = &settings.application_credentials {
        builder = builder.with_application_credentials(file.to_string_lossy());
    }
    let store = Arc::new(builder.build().map_err(|error| site.not_built(&error))?);
    let client = connector.connect(&options).map_err(|error| site.not_built(&error))?;
    let uploads = Uploads::of_gcs(
        format!("{}/{}", endpoint.address, site.place.bucket),
        site.place.base.clone(),
        Arc::clone(&store),
        client,
    );
    let abilities = Abilities {
        // The completion of an upload knows no condition; a put does.
        creating: None,
        atomic_create: false,
        marks: true,
        copies_create: true,
        largest_copy: u64::MAX,
        folds_backslash: false,
        explains: true,
    };
    let objects: Arc<dyn ObjectStore> = Arc::<GoogleCloudStorage>::clone(&store);
    Ok(Bucket {
        storage: site.storage(objects, abilities, transfer.part_size),
        signer: store,
        uploads: Some(Arc::new(uploads)),
    })
}
