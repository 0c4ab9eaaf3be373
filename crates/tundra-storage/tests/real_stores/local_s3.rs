//! s3s-fs, in this process.

use tundra_core::testing::storage::run_all;
use tundra_test_services::{FaultProxy, LocalS3, proxy::PartRules};

use crate::remote::{r2, s3};

#[tokio::test]
async fn s3_conforms() {
    let server = LocalS3::start().unwrap();
    run_all(s3(server.store()).as_ref()).await;
    // A part that was on its way when its upload was aborted is written by this server all the same.
    let left = server.unfinished().unwrap();
    assert!(left.iter().all(|name| name.contains(".part-")), "{left:?}");
}

#[tokio::test]
async fn r2_conforms_where_parts_must_be_equal() {
    let server = LocalS3::start().unwrap();
    let proxy = FaultProxy::start(&server.store().endpoint).unwrap();
    proxy.enforce_parts(PartRules::default());
    run_all(r2(&server.store().at(proxy.endpoint())).as_ref()).await;
    assert!(proxy.seen().iter().any(|seen| seen.is("PUT", "partNumber")));
}
