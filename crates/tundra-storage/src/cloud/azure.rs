//! Azure Blob Storage.
//!
//! It needs no janitor: blocks that were sent and never put together go of their own after a week.

use std::sync::Arc;

use object_store::{
    ObjectStore,
    azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder},
};

use super::{
    Bucket, Site,
    client::{Completion, Connector},
};
use crate::{
    location::LocationError,
    settings::{AzureSettings, TransferSettings},
    store::Abilities,
};

/// Opens a container of Azure or of an emulator.
pub(super) fn open(
    site: &Site<'_>,
    settings: &AzureSettings,
    transfer: &TransferSettings,
) -> Result<Bucket, LocationError> {
    let named = site.place.account.as_ref();
    let own = settings.account.as_deref();
    if let (Some(named), Some(own)) = (named, own)
        && named.name != own
        && (settings.access_key.is_some() || settings.sas_token.is_some())
    {
        let reason = format!("the credentials are those of the account `{own}`");
        return Err(site.wrong(reason));
    }
    let account = match (named, own) {
        (Some(named), _) => named.name.as_str(),
        (None, Some(own)) => own,
        (None, None) => return Err(site.wrong("`AZURE_STORAGE_ACCOUNT_NAME` is not set")),
    };
    if !account.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(site.wrong("`AZURE_STORAGE_ACCOUNT_NAME` is not an account"));
    }
    let address = match (&settings.endpoint, named) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(named)) => named.endpoint.clone(),
        (None, None) => format!("https://{account}.blob.core.windows.net"),
    };
    let endpoint = site.endpoint(&address)?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(&site.place.bucket)
        .with_endpoint(endpoint.address.clone())
        .with_retry(site.clients.retry_config())
        .with_client_options(site.clients.options(endpoint.insecure));
    for (key, value) in [
        (AzureConfigKey::ClientId, settings.client_id.as_deref()),
        (AzureConfigKey::AuthorityId, settings.tenant_id.as_deref()),
        (AzureConfigKey::ClientSecret, settings.client_secret.as_ref().map(|it| it.expose())),
        (AzureConfigKey::AccessKey, settings.access_key.as_ref().map(|it| it.expose())),
        (AzureConfigKey::SasKey, settings.sas_token.as_ref().map(|it| it.expose())),
    ] {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(file) = &settings.federated_token_file {
        builder = builder.with_federated_token_file(file.to_string_lossy());
    }
    let build = |builder: MicrosoftAzureBuilder, connector: Connector| {
        let built = builder.with_http_connector(connector).build();
        built.map_err(|error| site.not_built(&error))
    };
    let store = build(builder.clone(), site.connector(&endpoint, Completion::Replace))?;
    let store = Arc::new(store);
    let builder = builder.with_credentials(Arc::clone(store.credentials()));
    let creating = build(builder, site.connector(&endpoint, Completion::Create))?;
    let abilities = Abilities {
        creating: Some(Arc::new(creating)),
        // The account's key signs all headers of the completion, and `object_store` signs none with
        // a condition. With other credentials the condition is sent.
        atomic_create: settings.access_key.is_none(),
        marks: true,
        copies_create: true,
        largest_copy: u64::MAX,
        folds_backslash: true,
        explains: true,
    };
    let objects: Arc<dyn ObjectStore> = Arc::<MicrosoftAzure>::clone(&store);
    Ok(Bucket {
        storage: site.storage(objects, abilities, transfer.part_size),
        signer: store,
        #[cfg(any(feature = "gcs", feature = "s3"))]
        uploads: None,
    })
}
