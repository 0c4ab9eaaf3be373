//! Ways from the locations that people write to the servers of the tests.

use std::{error::Error as _, num::NonZeroUsize, sync::Arc, time::Duration};

use tundra_core::{Secret, Storage, StorageError};
use tundra_storage::{StoreSettings, Stores, TransferSettings};
use tundra_test_services::{FaultProxy, LocalS3, S3};

/// The least that stores take as a part, so that little data has several.
pub(crate) const PART: usize = 5 << 20;

/// Quick to give up, so that a test of giving up is quick.
pub(crate) fn transfer() -> TransferSettings {
    TransferSettings {
        connect_timeout: Duration::from_secs(5),
        silence: Duration::from_secs(1),
        attempts: ATTEMPTS,
        retry_time: Duration::from_secs(30),
        part_size: NonZeroUsize::new(PART).unwrap(),
        ..TransferSettings::default()
    }
}

/// How often a request is sent in these tests, the first time included.
pub(crate) const ATTEMPTS: u32 = 4;

pub(crate) fn s3_settings(store: &S3) -> StoreSettings {
    let mut settings = StoreSettings { transfer: transfer(), ..StoreSettings::default() };
    settings.s3.endpoint = Some(store.endpoint.clone());
    settings.s3.region = Some(store.region.clone());
    settings.s3.access_key_id = Some(store.key.clone());
    settings.s3.secret_access_key = Some(Secret::new(store.secret.clone()));
    settings
}

/// Returns a bucket as `s3://` leads to it.
pub(crate) fn s3(store: &S3) -> Arc<dyn Storage> {
    whole(&s3_settings(store), &format!("s3://{}/", store.bucket))
}

/// Returns a bucket as `r2://` leads to it.
pub(crate) fn r2(store: &S3) -> Arc<dyn Storage> {
    let mut settings = StoreSettings { transfer: transfer(), ..StoreSettings::default() };
    settings.r2.endpoint = Some(store.endpoint.clone());
    settings.r2.access_key_id = Some(store.key.clone());
    settings.r2.secret_access_key = Some(Secret::new(store.secret.clone()));
    whole(&settings, &format!("r2://{}/", store.bucket))
}

/// Returns everything at a location.
pub(crate) fn whole(settings: &StoreSettings, location: &str) -> Arc<dyn Storage> {
    let (storage, prefix) = Stores::new(settings.clone()).below(location).unwrap();
    assert!(prefix.is_none(), "{location} is more than a bucket");
    storage
}

/// A server in this process, with the proxy in front of it.
pub(crate) struct Broken {
    pub(crate) server: LocalS3,
    pub(crate) proxy: FaultProxy,
    /// The bucket through the proxy.
    pub(crate) storage: Arc<dyn Storage>,
    /// The bucket without it.
    pub(crate) direct: Arc<dyn Storage>,
}

impl Broken {
    pub(crate) fn new() -> Self {
        let server = LocalS3::start().unwrap();
        let proxy = FaultProxy::start(&server.store().endpoint).unwrap();
        let storage = s3(&server.store().at(proxy.endpoint()));
        let direct = s3(server.store());
        Self { server, proxy, storage, direct }
    }

    /// Checks that no reader sees an object, and that no upload is left.
    pub(crate) async fn has_nothing(&self) {
        assert_eq!(self.direct.list(None).await.unwrap(), []);
        assert_eq!(self.server.unfinished().unwrap(), [""; 0]);
    }
}

/// Returns an error's text with those of its causes.
pub(crate) fn chain(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("; {error}"));
        cause = error.source();
    }
    text
}

/// Returns bytes without a pattern, so that those in a wrong place show.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length + 7);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
