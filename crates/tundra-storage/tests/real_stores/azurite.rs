//! Azurite.

use std::sync::Arc;

use tundra_core::{Secret, Storage, testing::storage::run_all};
use tundra_storage::StoreSettings;
use tundra_test_services::env;

use crate::remote::{transfer, whole};

fn container() -> Arc<dyn Storage> {
    let azure = env::azurite().unwrap();
    let mut settings = StoreSettings { transfer: transfer(), ..StoreSettings::default() };
    settings.azure.endpoint = Some(azure.endpoint);
    settings.azure.account = Some(azure.account);
    settings.azure.access_key = Some(Secret::new(azure.key));
    whole(&settings, &format!("az://{}/", azure.container))
}

#[tokio::test]
async fn azure_conforms() {
    run_all(container().as_ref()).await;
}
