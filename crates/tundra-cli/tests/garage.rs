//! The real program against a real S3 server, whole conversions from and to it.

mod convert;
mod kills;
mod refusals;

use std::{fmt::Write as _, process::Command};

use tundra_test_services::{S3, env};

use crate::{
    presign::with_keys,
    support::{Ran, Sandbox},
};

/// A bucket of its own, and an empty directory.
struct Setup {
    sandbox: Sandbox,
    bucket: S3,
}

impl Setup {
    async fn new() -> Self {
        let bucket = env::garage().unwrap().new_bucket().await.unwrap();
        Self { sandbox: Sandbox::new(), bucket }
    }

    /// Returns a location in the bucket as one writes it.
    fn at(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket.bucket)
    }

    async fn put(&self, key: &str, body: impl Into<bytes::Bytes>) {
        self.bucket.request("PUT", key, &[], body).await.unwrap().success().unwrap();
    }

    /// Returns an object, if there is one.
    async fn get(&self, key: &str) -> Option<bytes::Bytes> {
        let answer = self.bucket.request("GET", key, &[], "").await.unwrap();
        (answer.status != 404).then(|| answer.success().unwrap().body)
    }

    /// Checks that no object has this name, and that no upload was left.
    async fn has_nothing(&self, key: &str) {
        assert_eq!(self.get(key).await, None, "{key}");
        assert_eq!(self.bucket.uploads("").await.unwrap(), [""; 0]);
    }

    /// The program, with the credentials and the address of `store`.
    fn tundra(&self, store: &S3, arguments: &[&str]) -> Command {
        with_keys(self.sandbox.tundra(arguments), store)
    }

    /// Runs the program, and checks that it says nothing that only the owner of the key may know.
    fn run(&self, store: &S3, arguments: &[&str]) -> Ran {
        let ran = self.sandbox.finish(&mut self.tundra(store, arguments));
        keeps_secrets(&ran, store);
        ran
    }
}

#[track_caller]
fn keeps_secrets(ran: &Ran, store: &S3) {
    let shown = ran.to_string();
    for secret in [store.secret.as_str(), "Signature=", "AWS4-HMAC"] {
        assert!(!shown.contains(secret), "`{secret}` is shown: {shown}");
    }
}

/// Rows of numbers and of text that no compression makes smaller: about 70 bytes each.
fn csv(rows: u64) -> String {
    let mut csv = String::from("id,text\n");
    for id in 0..rows {
        let mut state = id.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let (a, b, c, d) = (next(), next(), next(), next());
        writeln!(csv, "{id},x{a:016x}{b:016x}{c:016x}{d:016x}").unwrap();
    }
    csv
}
