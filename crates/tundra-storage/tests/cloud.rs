//! Stores behind a network, on good days and bad ones.
//!
//! The server here is told what to answer, because a real store does most of this only when it is in
//! trouble. That real stores are used rightly is shown with real stores, elsewhere.

mod failing;
mod janitor;
mod server;
mod writing;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use tundra_core::{ObjectPath, Secret, Storage, StorageError};
use tundra_storage::{StoreSettings, Stores};

/// Settings for a store at an endpoint, in a hurry.
fn settings(endpoint: &str) -> StoreSettings {
    let mut settings = StoreSettings::default();
    settings.s3.access_key_id = Some("key-id".to_owned());
    settings.s3.secret_access_key = Some(Secret::new("hush-secret"));
    settings.s3.session_token = Some(Secret::new("hush-token"));
    settings.s3.endpoint = Some(endpoint.to_owned());
    settings.transfer.attempts = 3;
    settings.transfer.silence = Duration::from_millis(400);
    settings.transfer.part_size = NonZeroUsize::new(1000).unwrap();
    settings
}

fn at(endpoint: &str, location: &str) -> (Arc<dyn Storage>, ObjectPath) {
    Stores::new(settings(endpoint)).resolve(location).unwrap()
}

/// Returns an error's text with those of its causes, after a look that it holds no secret.
#[track_caller]
fn told(error: &StorageError) -> String {
    let debug = format!("{error:?}");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    for shown in [&text, &debug] {
        assert!(!shown.contains("hush"), "a secret shows: {shown}");
        assert!(!shown.contains("X-Amz") && !shown.contains('\n'), "raw text shows: {shown}");
    }
    text
}
