//! The first key of a service that asks nobody before there is one: [`FirstKey`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tundra_access::Authenticator;

/// How often it is looked for a key. Whoever makes the first one expects it to be asked for at once, and to
/// look costs one read of a file.
const LOOK: Duration = Duration::from_secs(1);

/// Looks for the first key, until it is there or this is dropped.
#[derive(Debug)]
pub(super) struct FirstKey(JoinHandle<()>);

impl FirstKey {
    /// Begins to look, unless callers are asked already.
    pub(super) fn look_for(authenticator: &Arc<Authenticator>) -> Option<Self> {
        let asking = authenticator.asking();
        if asking.is_on() {
            return None;
        }
        let authenticator = Arc::clone(authenticator);
        Some(Self(tokio::spawn(async move {
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut was_told = false;
            while !asking.is_on() {
                ticks.tick().await;
                match authenticator.look_for_keys(SystemTime::now()).await {
                    Ok(()) => was_told = false,
                    // Once, and not every second of an outage.
                    Err(_) if was_told => {}
                    Err(error) => {
                        tracing::warn!(%error, "could not look whether there is a key");
                        was_told = true;
                    }
                }
            }
        })))
    }
}

impl Drop for FirstKey {
    fn drop(&mut self) {
        self.0.abort();
    }
}
