//! What the proxy saw of a request.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use hyper::{Request, header::AUTHORIZATION};

use super::{Shared, lock, rule::pairs};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The keys and values of the query, as they were sent.
    pub query: Vec<(String, String)>,
    /// The headers but for the signature, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// Which connection it came on, counted from zero.
    pub connection: usize,
    /// When it came.
    pub began: Instant,
    /// When the last byte of the answer was passed on, or the connection ended.
    pub ended: Option<Instant>,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// How much of its body was read.
    pub sent: u64,
    /// How much of the answer's body was passed on.
    pub received: u64,
    /// How many requests were on their way when it came, itself included.
    pub in_flight: usize,
    /// A rule applied to it.
    pub faulted: bool,
}

impl Seen {
    /// Returns the value of a header, whose name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the value of a key of the query.
    #[must_use]
    pub fn query(&self, key: &str) -> Option<&str> {
        find(&self.query, key)
    }

    /// Returns whether this is the request, by its method and a key of its query.
    #[must_use]
    pub fn is(&self, method: &str, key: &str) -> bool {
        self.method == method && self.query(key).is_some()
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A request that is being recorded, until this is dropped.
#[derive(Debug)]
pub(super) struct Recording {
    shared: Arc<Shared>,
    index: usize,
}

impl Recording {
    pub(super) fn begin<B>(shared: &Arc<Shared>, connection: usize, request: &Request<B>) -> Self {
        let in_flight = shared.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let headers = request.headers().iter().filter(|(name, _)| **name != AUTHORIZATION);
        let headers = headers.map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let seen = Seen {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: pairs(request.uri()).map(text).collect(),
            headers: headers.collect(),
            connection,
            began: Instant::now(),
            ended: None,
            status: None,
            sent: 0,
            received: 0,
            in_flight,
            faulted: false,
        };
        let index = {
            let mut all = lock(&shared.seen);
            all.push(seen);
            all.len() - 1
        };
        shared.changed.notify_waiters();
        Self { shared: Arc::clone(shared), index }
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Seen)) {
        // Nothing when all was forgotten meanwhile.
        if let Some(seen) = lock(&self.shared.seen).get_mut(self.index) {
            note(seen);
        }
        self.shared.changed.notify_waiters();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.note(|seen| seen.ended = Some(Instant::now()));
    }
}
