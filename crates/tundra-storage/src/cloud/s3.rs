//! Amazon S3, and whatever speaks S3 at an endpoint.

mod profile;

use std::sync::Arc;

use object_store::{
    ClientOptions, ObjectStore,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3CopyIfNotExists},
    client::HttpConnector,
};
use tundra_core::Secret;

use self::profile::Profile;
use super::{
    Bucket, Endpoint, Site,
    client::{Completion, Connector},
    janitor::Uploads,
};
use crate::{
    location::LocationError,
    settings::{S3Settings, TransferSettings},
    store::Abilities,
};

/// The largest object that S3 copies in one request; larger ones go through this process.
const LARGEST_COPY: u64 = 5 << 30;

/// The region of a store that has none.
const NO_REGION: &str = "us-east-1";

/// Opens a bucket of Amazon S3 or of a store at an endpoint.
pub(super) fn open(
    site: &Site<'_>,
    settings: &S3Settings,
    transfer: &TransferSettings,
) -> Result<Bucket, LocationError> {
    let profile = Profile::read(settings).map_err(|reason| site.wrong(reason))?;
    let region = settings.region.clone().or_else(|| profile.region.clone());
    let region = region.unwrap_or_else(|| NO_REGION.to_owned());
    if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(site.wrong(format!("`{region}` is not a region")));
    }
    let given = settings.endpoint.clone().or_else(|| profile.endpoint.clone());
    let endpoint = site.endpoint(&given.unwrap_or_else(|| amazon(&region)))?;
    if endpoint.insecure && settings.allow_http == Some(false) {
        return Err(site.wrong("its endpoint has no TLS, and `AWS_ALLOW_HTTP` forbids that"));
    }
    let is_amazon = is_amazon(&endpoint);
    let builder = credentials(site, settings, profile)?;
    let store = Speaker {
        endpoint,
        region,
        builder: if is_amazon {
            builder.with_checksum_algorithm(Checksum::SHA256)
        } else {
            builder
        },
        copy: is_amazon.then_some(S3CopyIfNotExists::Multipart),
        atomic_create: is_amazon,
    };
    store.open(site, transfer)
}

/// Something that speaks S3, and what is known of it.
pub(super) struct Speaker {
    pub(super) endpoint: Endpoint,
    pub(super) region: String,
    /// Knows the credentials and what is particular to the store.
    pub(super) builder: AmazonS3Builder,
    /// How it copies onto a free name only, if it can.
    pub(super) copy: Option<S3CopyIfNotExists>,
    /// Its makers say that a conditional put and a conditional completion are decided in one step.
    pub(super) atomic_create: bool,
}

impl Speaker {
    pub(super) fn open(
        self,
        site: &Site<'_>,
        transfer: &TransferSettings,
    ) -> Result<Bucket, LocationError> {
        let options = site.clients.options(self.endpoint.insecure);
        let connector = site.connector(&self.endpoint, Completion::Replace);
        let copies_create = self.copy.is_some();
        let mut builder = self
            .builder
            .with_bucket_name(&site.place.bucket)
            .with_region(&self.region)
            .with_endpoint(&self.endpoint.address)
            .with_virtual_hosted_style_request(false)
            // A request for one object needs no right to delete many, and every store knows it.
            .with_disable_bulk_delete(true)
            .with_retry(site.clients.retry_config())
            .with_client_options(options.clone());
        if let Some(copy) = self.copy {
            builder = builder.with_copy_if_not_exists(copy);
        }
        let build = |builder: AmazonS3Builder, connector: Connector| {
            let built = builder.with_http_connector(connector).build();
            built.map_err(|error| site.not_built(&error))
        };
        let store = Arc::new(build(builder.clone(), connector.clone())?);
        // One set of credentials, fetched and renewed once.
        let builder = builder.with_credentials(Arc::clone(store.credentials()));
        let creating = build(builder, site.connector(&self.endpoint, Completion::Create))?;
        let uploads = uploads(site, &self.endpoint, &self.region, &store, connector, &options)?;
        let abilities = Abilities {
            creating: Some(Arc::new(creating)),
            atomic_create: self.atomic_create,
            marks: true,
            copies_create,
            largest_copy: LARGEST_COPY,
            folds_backslash: false,
            explains: true,
        };
        let objects: Arc<dyn ObjectStore> = Arc::<AmazonS3>::clone(&store);
        Ok(Bucket {
            storage: site.storage(objects, abilities, transfer.part_size),
            signer: store,
            uploads: Some(Arc::new(uploads)),
        })
    }
}

/// Returns the way to the uploads of a bucket.
fn uploads(
    site: &Site<'_>,
    endpoint: &Endpoint,
    region: &str,
    store: &Arc<AmazonS3>,
    connector: Connector,
    options: &ClientOptions,
) -> Result<Uploads, LocationError> {
    let client = connector.connect(options).map_err(|error| site.not_built(&error))?;
    Ok(Uploads::of_s3(
        format!("{}/{}", endpoint.address, site.place.bucket),
        site.place.base.clone(),
        region.to_owned(),
        Arc::clone(store),
        client,
    ))
}

/// Returns Amazon's address for a region.
fn amazon(region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://s3.{region}.amazonaws.com{china}")
}

fn is_amazon(endpoint: &Endpoint) -> bool {
    let host = endpoint.origin.split("://").nth(1).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

/// Chooses the credentials.
fn credentials(
    site: &Site<'_>,
    settings: &S3Settings,
    profile: Profile,
) -> Result<AmazonS3Builder, LocationError> {
    let builder = AmazonS3Builder::new();
    if settings.anonymous {
        return Ok(builder.with_skip_signature(true));
    }
    let names = "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`";
    if let Some(builder) = with_keys(
        site,
        names,
        settings.access_key_id.as_deref(),
        settings.secret_access_key.as_ref(),
        settings.session_token.as_ref(),
    )? {
        return Ok(builder);
    }
    if let (Some(file), Some(role)) = (&settings.web_identity_token_file, &settings.role_arn) {
        let mut builder = builder
            .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, file.to_string_lossy())
            .with_config(AmazonS3ConfigKey::RoleArn, role);
        if let Some(name) = &settings.role_session_name {
            builder = builder.with_config(AmazonS3ConfigKey::RoleSessionName, name);
        }
        return Ok(builder);
    }
    let names = "`aws_access_key_id` and `aws_secret_access_key` in the shared files";
    let id = profile.access_key_id.as_deref();
    let (secret, token) = (profile.secret_access_key.as_ref(), profile.session_token.as_ref());
    if let Some(builder) = with_keys(site, names, id, secret, token)? {
        return Ok(builder);
    }
    if let Some(uri) = &settings.container_credentials_relative_uri {
        return Ok(builder.with_config(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, uri));
    }
    if let (Some(uri), Some(file)) =
        (&settings.container_credentials_full_uri, &settings.container_authorization_token_file)
    {
        return Ok(builder
            .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, uri)
            .with_config(
                AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
                file.to_string_lossy(),
            ));
    }
    if settings.instance_disabled {
        return Err(site.wrong("there are no credentials, and the instance is not to be asked"));
    }
    Ok(builder)
}

/// Takes a key with its secret; nothing when neither is there.
pub(super) fn with_keys(
    site: &Site<'_>,
    names: &str,
    id: Option<&str>,
    secret: Option<&Secret>,
    token: Option<&Secret>,
) -> Result<Option<AmazonS3Builder>, LocationError> {
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let builder = AmazonS3Builder::new()
                .with_access_key_id(id)
                .with_secret_access_key(secret.expose());
            Ok(Some(match token {
                Some(token) => builder.with_token(token.expose()),
                None => builder,
            }))
        }
        _ => Err(site.wrong(format!("only one of {names} is set"))),
    }
}
