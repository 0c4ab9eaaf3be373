//! A server, a proxy in front of it, and both ways to its bucket.

use std::time::Duration;

use tundra_test_services::{Answer, FaultProxy, LocalS3, S3};

/// A server with a proxy in front of it.
pub(crate) struct Setup {
    pub(crate) server: LocalS3,
    pub(crate) proxy: FaultProxy,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let server = LocalS3::start().unwrap();
        let proxy = FaultProxy::start(&server.store().endpoint).unwrap();
        Self { server, proxy }
    }

    /// The bucket behind the proxy.
    pub(crate) fn through(&self) -> S3 {
        self.server.store().at(self.proxy.endpoint())
    }

    /// Puts an object without the proxy.
    pub(crate) async fn put(&self, key: &str, body: impl Into<bytes::Bytes>) {
        let put = self.server.store().request("PUT", key, &[], body).await.unwrap();
        put.success().unwrap();
    }

    /// Returns whether there is an object, without the proxy.
    pub(crate) async fn has(&self, key: &str) -> bool {
        let head = self.server.store().request("HEAD", key, &[], "").await.unwrap();
        head.status.is_success()
    }

    pub(crate) async fn get(&self, key: &str) -> anyhow::Result<Answer> {
        // No test waits longer than this for an answer that should come.
        let limit = Duration::from_secs(20);
        let through = self.through();
        tokio::time::timeout(limit, through.request("GET", key, &[], "")).await?
    }
}
