//! How often credentials may be wrong: [`Guesses`].
//!
//! Whoever tries keys is told after a while to come back later, and what is shown until then is not looked
//! at. Many callers can stand behind one address, so that one who was let in lately is let in all the same:
//! nobody locks the others out by failing on purpose.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, StatusCode, header::AUTHORIZATION};

use super::X_API_KEY;
use crate::{Failure, layers::rates::Key};

/// How often an address may be wrong within the time, before nothing more of it is looked at. A client that
/// was given a wrong key tries again a few times.
const MOST: u32 = 30;
const WITHIN: Duration = Duration::from_secs(60);

/// How many addresses, and how many credentials that were let in, are remembered: some megabytes.
const MOST_ADDRESSES: usize = 1 << 16;
const MOST_KNOWN: usize = 1 << 14;

/// Counts wrong credentials by address.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    wrong: Mutex<HashMap<Key, Wrong>>,
    /// What was let in, as hashes under a key of this process.
    known: RwLock<HashSet<u64>>,
    hasher: RandomState,
}

/// How often an address was wrong, and since when.
#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    since: Instant,
}

/// What was shown, as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown(u64);

impl Guesses {
    /// Returns what a request shows; nothing when it shows nothing.
    pub(super) fn shown(&self, headers: &HeaderMap) -> Option<Shown> {
        let values = [AUTHORIZATION, X_API_KEY].map(|name| {
            headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>()
        });
        let is_shown = values.iter().any(|values| !values.is_empty());
        is_shown.then(|| Shown(self.hasher.hash_one(values)))
    }

    /// Refuses what comes from an address that was wrong too often, unless it was right before.
    ///
    /// # Errors
    /// 429, with the time after which it is looked at again.
    pub(super) fn check(&self, from: &Key, shown: Shown) -> Result<(), Failure> {
        self.check_at(from, shown, Instant::now())
    }

    fn check_at(&self, from: &Key, shown: Shown, now: Instant) -> Result<(), Failure> {
        let wrong = self.counts().get(from).copied();
        let Some(Wrong { since, .. }) = wrong.filter(|wrong| wrong.times >= MOST) else {
            return Ok(());
        };
        let left = WITHIN.saturating_sub(now.duration_since(since));
        let is_known =
            || self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&shown.0);
        if left.is_zero() || is_known() {
            return Ok(());
        }
        let detail = format!("there were {MOST} wrong credentials from this address in a minute");
        Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .hint("wait as long as `Retry-After` says, and show a key that is valid")
            .retry_after(left))
    }

    /// Notes that what was shown was wrong.
    pub(super) fn was_wrong(&self, from: Key) {
        self.was_wrong_at(from, Instant::now());
    }

    fn was_wrong_at(&self, from: Key, now: Instant) {
        let mut counts = self.counts();
        if counts.len() >= MOST_ADDRESSES && !counts.contains_key(&from) {
            counts.retain(|_, wrong| now.duration_since(wrong.since) < WITHIN);
        }
        // So many addresses at once share what one has.
        let from = if counts.len() >= MOST_ADDRESSES { Key::Others } else { from };
        let wrong = counts.entry(from).or_insert(Wrong { times: 0, since: now });
        if now.duration_since(wrong.since) >= WITHIN {
            *wrong = Wrong { times: 0, since: now };
        }
        wrong.times = wrong.times.saturating_add(1);
    }

    /// Notes that what was shown was right.
    pub(super) fn was_right(&self, shown: Shown) {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&shown.0) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            // Tokens end after an hour; whoever still comes is known again with the next request.
            known.clear();
        }
        known.insert(shown.0);
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Wrong>> {
        // Nothing that is done with it panics.
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(number: u8) -> Key {
        Key::Address([10, 0, 0, number].into())
    }

    fn shows(guesses: &Guesses, key: &'static str) -> Shown {
        let headers = HeaderMap::from_iter([(X_API_KEY, HeaderValue::from_static(key))]);
        guesses.shown(&headers).unwrap()
    }

    #[test]
    fn an_address_that_is_wrong_too_often_is_not_listened_to_for_a_while() {
        let guesses = Guesses::default();
        let now = Instant::now();
        let (wrong, right) = (shows(&guesses, "wrong"), shows(&guesses, "right"));
        guesses.was_right(right);
        for _ in 0..MOST {
            guesses.check_at(&address(1), wrong, now).unwrap();
            guesses.was_wrong_at(address(1), now);
        }
        let refused = guesses.check_at(&address(1), wrong, now).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (429, "rate_limited"));
        assert_eq!(refused.retry_after, Some(60));
        // Somebody else behind the same address, and the same somewhere else.
        guesses.check_at(&address(1), right, now).unwrap();
        guesses.check_at(&address(2), wrong, now).unwrap();
        let later = now + WITHIN;
        guesses.check_at(&address(1), wrong, later).unwrap();
        guesses.was_wrong_at(address(1), later);
        guesses.check_at(&address(1), wrong, later).unwrap();
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let guesses = Guesses::default();
        let now = Instant::now();
        for number in 0..u32::try_from(MOST_ADDRESSES).unwrap() + 100 {
            guesses.was_wrong_at(Key::Address(std::net::Ipv4Addr::from(number).into()), now);
        }
        assert!(guesses.counts().len() <= MOST_ADDRESSES + 1);
        guesses.was_wrong_at(address(1), now + WITHIN);
        assert_eq!(guesses.counts().len(), 1);
        for number in 0..MOST_KNOWN as u64 + 10 {
            guesses.was_right(Shown(number));
        }
        assert!(guesses.known.read().unwrap().len() <= MOST_KNOWN);
    }

    #[test]
    fn what_is_shown_is_told_apart_and_nothing_is_no_guess() {
        let guesses = Guesses::default();
        assert_eq!(guesses.shown(&HeaderMap::new()), None);
        assert_eq!(shows(&guesses, "a"), shows(&guesses, "a"));
        assert_ne!(shows(&guesses, "a"), shows(&guesses, "b"));
        let bearer = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("a"))]);
        assert_ne!(guesses.shown(&bearer), Some(shows(&guesses, "a")));
    }
}
