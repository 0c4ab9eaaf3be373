//! Signed URLs from end to end: signed here, judged by servers that other people wrote.

use std::time::Duration;

use tundra_core::{IfExists, Storage, StorageError};
use tundra_storage::{Access, HttpClient, HttpOptions, StoreSettings, Stores};

use crate::{
    http_reading::{data, options},
    support::{error, get, put},
};

/// A name with what URLs escape.
const AWKWARD: &str = "a b+ä=1%41.parquet";

const MINUTE: Duration = Duration::from_secs(60);

async fn sign(stores: &Stores, location: &str, access: Access, lasts: Duration) -> String {
    let (signer, path) = stores.signer(location).unwrap();
    signer.sign(&path, &access, lasts).await.unwrap().url.expose().to_owned()
}

fn through(url: &str, options: HttpOptions) -> (impl Storage, String) {
    let (storage, path) = HttpClient::new(options).unwrap().locate(url).unwrap();
    (storage, path.to_string())
}

/// Writes an object through one signature and reads it through another, and tries what neither
/// allows. `bucket` ends in `/`.
async fn go_around(settings: StoreSettings, bucket: &str, object: &str) {
    let stores = Stores::new(settings);
    let temp = tempfile::tempdir().unwrap();
    let parquet = || Access::Put { content_type: Some(HttpOptions::PARQUET.to_owned()) };
    let location = format!("{bucket}signed/{object}");
    for access in [parquet(), Access::Put { content_type: None }] {
        let url = sign(&stores, &location, access, MINUTE).await;
        let (storage, name) = through(&url, options(temp.path()));
        assert_eq!(name, object);
        let written = put(&storage, &name, IfExists::Fail, data()).await.unwrap();
        assert_eq!(written.size, data().len() as u64);
    }
    let (direct, path) = stores.resolve(&location).unwrap();
    assert!(get(direct.as_ref(), path.as_str()).await.unwrap() == data());

    let url = sign(&stores, &location, Access::Get, MINUTE).await;
    let (storage, name) = through(&url, options(temp.path()));
    let reader = storage.open(&name.parse().unwrap()).await.unwrap();
    assert_eq!(reader.info().size, data().len() as u64);
    assert!(reader.info().etag.is_some());
    assert!(reader.as_file().is_none(), "it should be read by ranges");
    assert!(reader.read(100_000..200_000).await.unwrap() == data()[100_000..200_000]);
    reader.check_unchanged().await.unwrap();

    // What is replaced under a reader is noticed.
    put(direct.as_ref(), path.as_str(), IfExists::Replace, vec![7; data().len()]).await.unwrap();
    let failed = error(reader.read(100_000..200_000).await);
    assert!(matches!(failed, StorageError::Changed { .. }), "{failed:?}");

    // A signature is for one method.
    let failed = error(put(&storage, &name, IfExists::Replace, "x").await);
    let refused = matches!(
        failed,
        StorageError::Unauthenticated { .. } | StorageError::PermissionDenied { .. }
    );
    assert!(refused, "{failed:?}");
    // One for an object that is not there is good, and the object is not there.
    let missing = sign(&stores, &format!("{bucket}signed/none"), Access::Get, MINUTE).await;
    let (storage, name) = through(&missing, options(temp.path()));
    let failed = error(storage.open(&name.parse().unwrap()).await);
    assert!(matches!(failed, StorageError::NotFound { .. }), "{failed:?}");
    // An empty object has no first byte.
    put(direct.as_ref(), "signed/empty", IfExists::Replace, "").await.unwrap();
    let empty = sign(&stores, &format!("{bucket}signed/empty"), Access::Get, MINUTE).await;
    let (storage, name) = through(&empty, options(temp.path()));
    assert_eq!(get(&storage, &name).await.unwrap(), "");
}

/// Waits until a signature of a second is over, and checks that it is said to be.
async fn expires(settings: StoreSettings, bucket: &str) {
    let stores = Stores::new(settings);
    let temp = tempfile::tempdir().unwrap();
    let location = format!("{bucket}signed/expired.csv");
    let (direct, path) = stores.resolve(&location).unwrap();
    put(direct.as_ref(), path.as_str(), IfExists::Replace, "id\n1\n").await.unwrap();
    let url = sign(&stores, &location, Access::Get, Duration::from_secs(1)).await;
    let (storage, name) = through(&url, options(temp.path()));
    let path = name.parse().unwrap();
    let late = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match storage.open(&path).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    });
    let failed = late.await.expect("the signature does not end");
    assert!(matches!(failed, StorageError::Expired { .. }), "{failed:?}");
}

mod local_s3 {
    use tundra_test_services::LocalS3;

    use crate::remote::s3_settings;

    #[tokio::test]
    async fn signed_urls_are_read_and_written() {
        let server = LocalS3::start().unwrap();
        super::go_around(s3_settings(server.store()), "s3://tundra/", super::AWKWARD).await;
    }
}

mod garage {
    use tundra_test_services::env;

    use crate::remote::s3_settings;

    #[tokio::test]
    async fn signed_urls_are_read_and_written() {
        let store = env::garage().unwrap().new_bucket().await.unwrap();
        let bucket = format!("s3://{}/", store.bucket);
        super::go_around(s3_settings(&store), &bucket, super::AWKWARD).await;
    }

    #[tokio::test]
    async fn a_signature_that_is_over_is_said_to_be() {
        let store = env::garage().unwrap().new_bucket().await.unwrap();
        super::expires(s3_settings(&store), &format!("s3://{}/", store.bucket)).await;
    }
}

mod azurite {
    use tundra_core::Secret;
    use tundra_storage::StoreSettings;
    use tundra_test_services::env;

    fn settings() -> (StoreSettings, String) {
        let azure = env::azurite().unwrap();
        let mut settings = StoreSettings::default();
        settings.azure.endpoint = Some(azure.endpoint);
        settings.azure.account = Some(azure.account);
        settings.azure.access_key = Some(Secret::new(azure.key));
        (settings, format!("az://{}/", azure.container))
    }

    #[tokio::test]
    async fn signed_urls_are_read_and_written() {
        let (settings, container) = settings();
        // What URLs escape cannot be signed for Azure.
        super::go_around(settings, &container, "a+1=~(x).parquet").await;
    }

    #[tokio::test]
    async fn a_signature_that_is_over_is_said_to_be() {
        let (settings, container) = settings();
        super::expires(settings, &container).await;
    }
}
