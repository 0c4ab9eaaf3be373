//! fake-gcs-server, with what it lacks of the interface that Tundra uses.

use tundra_core::testing::storage::run_all;
use tundra_storage::StoreSettings;
use tundra_test_services::{GcsFront, env};

use crate::remote::{transfer, whole};

#[tokio::test]
async fn google_conforms() {
    let gcs = env::fake_gcs().unwrap();
    let front = GcsFront::start(&gcs.endpoint).unwrap();
    let mut settings = StoreSettings { transfer: transfer(), ..StoreSettings::default() };
    settings.gcs.emulator = Some(front.endpoint());
    run_all(whole(&settings, &format!("gs://{}/", gcs.bucket)).as_ref()).await;
}
