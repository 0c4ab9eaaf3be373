//! The stores of secrets.

mod caching;
mod child;
mod conformance;
mod files;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "google")]
mod google_credentials;
#[cfg(feature = "google")]
mod google_failures;
mod places;
#[cfg(feature = "google")]
mod secret_manager;
#[cfg(feature = "google")]
mod unseen;

use std::error::Error as _;

use tundra_core::{Classify as _, Secret, SecretError, SecretStore};

/// The value that must be seen nowhere.
const VALUE: &str = "hunter2-correct-horse";

async fn get(store: &dyn SecretStore, name: &str) -> String {
    match store.get(name).await {
        Ok(secret) => secret.expose().to_owned(),
        Err(error) => panic!("{}", chain(&error)),
    }
}

#[track_caller]
fn error(got: Result<Secret, SecretError>) -> SecretError {
    let error = got.expect_err("there is a secret");
    let everything = format!("{error:?} {error:#?} {}", chain(&error));
    assert!(!everything.contains(VALUE), "the error shows the secret");
    error
}

/// Returns the error with its causes and hints, as a person sees it.
fn chain(error: &SecretError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str("\ncaused by: ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    for hint in error.hints() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}
