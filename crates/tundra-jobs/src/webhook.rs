//! Telling somebody's server that a job has ended, signed, and again when it does not listen.
//!
//! What is to be told and how often it was tried stands in the store, so that a restart forgets nothing.
//! Here stands how one try is made; when, is the queue's.

mod courier;
mod reach;
mod sign;

use std::{sync::Arc, time::Duration};

pub(crate) use self::courier::Courier;
pub use self::{
    reach::Reach,
    sign::{DerivedKeys, SigningKey, SigningKeyError, WebhookKeys},
};

/// How webhooks are called.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Knows the keys that they are signed with.
    pub keys: Arc<dyn WebhookKeys>,
    /// Where they may lead.
    pub reach: Reach,
    /// How often each is tried, the first time included; at least once.
    pub tries: u32,
    /// How long to wait after the first try; each wait is five times as long as the one before, and up to
    /// twice that by chance.
    pub first_wait: Duration,
    /// The longest wait, before chance.
    pub longest_wait: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one call may take, connection and answer included.
    pub timeout: Duration,
    /// How many are called at once.
    pub at_once: usize,
}

impl WebhookSettings {
    /// Returns the usual settings with these keys: public addresses only, and eight tries within a day.
    pub fn new(keys: Arc<dyn WebhookKeys>) -> Self {
        Self {
            keys,
            reach: Reach::Public,
            tries: 8,
            first_wait: Duration::from_secs(5),
            longest_wait: Duration::from_secs(6 * 60 * 60),
            connect_timeout: Duration::from_secs(5),
            // The rules recommend 15 to 30 seconds.
            timeout: Duration::from_secs(20),
            at_once: 8,
        }
    }
}
