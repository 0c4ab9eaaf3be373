//! How many answers without an end there are at once: [`Streams`].
//!
//! An event stream costs little as long as nothing happens, and a connection and a watcher all the same. A
//! caller may have some, so that none takes the places of all others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;

use super::Key;
use crate::{Failure, tasks::QUEUE_FULL};

/// After which time it may be asked again. Jobs end, and with them their streams.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counts open streams. Clones share their counts.
#[derive(Debug, Clone)]
pub(crate) struct Streams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    per_caller: usize,
    in_all: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    of: HashMap<Key, usize>,
    all: usize,
}

/// The right to have a stream open, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    key: Key,
}

impl Streams {
    /// Lets every caller have so many, and all of them together so many.
    pub(crate) fn new(per_caller: usize, in_all: usize) -> Self {
        Self(Arc::new(Inner { per_caller, in_all, open: Mutex::default() }))
    }

    /// Opens one more.
    ///
    /// # Errors
    /// 429 when the caller has as many as it may, 503 when all together do.
    pub(crate) fn open(&self, key: Key) -> Result<Place, Failure> {
        let Inner { per_caller, in_all, .. } = *self.0;
        let mut open = self.counts();
        if open.of.get(&key).is_some_and(|count| *count >= per_caller) {
            let detail = format!("this caller has {per_caller} event streams open, as many as may");
            return Err(refusal(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail));
        }
        if open.all >= in_all {
            let detail = format!("{in_all} event streams are open, which is as many as may");
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, QUEUE_FULL, detail));
        }
        open.all += 1;
        *open.of.entry(key.clone()).or_default() += 1;
        drop(open);
        Ok(Place { streams: self.clone(), key })
    }

    /// Returns how many are open.
    pub(crate) fn count(&self) -> usize {
        self.counts().all
    }

    fn counts(&self) -> MutexGuard<'_, Open> {
        // Nothing that is done with it panics.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(status: StatusCode, code: &'static str, detail: String) -> Failure {
    Failure::new(status, code, detail)
        .retry_after(PATIENCE)
        .hint("close streams that nobody hears, or ask for the job itself now and then")
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.counts();
        open.all -= 1;
        if let Some(count) = open.of.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.of.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Key {
        Key::Caller(tundra_access::Via::ApiKey, name.to_owned())
    }

    #[test]
    fn a_caller_has_some_and_all_together_have_more() {
        let streams = Streams::new(2, 3);
        let first = streams.open(caller("a")).unwrap();
        let second = streams.open(caller("a")).unwrap();
        let refused = streams.open(caller("a")).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (429, "rate_limited"));
        assert!(refused.retry_after.is_some());
        let third = streams.open(caller("b")).unwrap();
        let refused = streams.open(caller("c")).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (503, QUEUE_FULL));
        assert!(refused.retry_after.is_some());
        drop(first);
        let fourth = streams.open(caller("c")).unwrap();
        drop((second, third, fourth));
        assert_eq!(streams.count(), 0);
        assert!(streams.counts().of.is_empty());
    }
}
