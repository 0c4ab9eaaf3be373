//! Secrets that are kept for a while.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::sync::Semaphore;
use tundra_catalog::CachedSecrets;
use tundra_core::{Classify as _, ErrorKind, Retry, Secret, SecretError, SecretStore};

use super::{VALUE, chain, error, get};

const HOUR: Duration = Duration::from_secs(3600);

/// More than there are callers at once.
const MANY: usize = 1000;

/// A store whose secrets tell how often they were asked for, and which answers when it may.
struct Counting {
    asked: AtomicUsize,
    may_answer: Semaphore,
    fails: bool,
}

impl Counting {
    fn new() -> Arc<Self> {
        Self::with(false, MANY)
    }

    fn with(fails: bool, permits: usize) -> Arc<Self> {
        let may_answer = Semaphore::new(permits);
        Arc::new(Self { asked: AtomicUsize::new(0), may_answer, fails })
    }

    fn open(&self) {
        self.may_answer.add_permits(MANY);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

#[async_trait::async_trait]
impl SecretStore for Counting {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.may_answer.acquire().await.unwrap().forget();
        if self.fails {
            return Err(SecretError {
                name: name.to_owned(),
                reason: "the store is away".to_owned(),
                kind: ErrorKind::Unavailable,
                retry: Retry::Later,
                hints: vec!["wait".to_owned()],
                source: Some("connection refused".into()),
            });
        }
        Ok(Secret::new(format!("{VALUE}-{name}-{number}")))
    }

    async fn forget(&self, _name: &str) {}
}

#[tokio::test]
async fn a_secret_is_asked_for_once_until_it_is_forgotten() {
    let store = Counting::new();
    let cached = CachedSecrets::new(store.clone(), HOUR);
    for _ in 0..100 {
        assert_eq!(get(&cached, "a").await, format!("{VALUE}-a-1"));
    }
    assert_eq!(get(&cached, "b").await, format!("{VALUE}-b-2"));
    cached.forget("a").await;
    for _ in 0..100 {
        assert_eq!(get(&cached, "a").await, format!("{VALUE}-a-3"));
        assert_eq!(get(&cached, "b").await, format!("{VALUE}-b-2"));
    }
    assert_eq!(store.asked(), 3);
    assert!(!format!("{cached:?}").contains(VALUE));
}

#[tokio::test]
async fn callers_at_once_share_one_reading() {
    let store = Counting::with(false, 0);
    let cached = CachedSecrets::new(store.clone(), HOUR);
    let mut callers = Box::pin(join_all((0..50).map(|_| get(&cached, "a"))));
    assert!(futures::poll!(&mut callers).is_pending());
    store.open();
    let got = callers.await;
    assert!(got.iter().all(|value| *value == format!("{VALUE}-a-1")));
    assert_eq!(store.asked(), 1);
}

#[tokio::test]
async fn callers_at_once_share_one_failure_and_the_next_one_asks() {
    let store = Counting::with(true, 0);
    let cached = CachedSecrets::new(store.clone(), HOUR);
    for number in 1..=2 {
        let mut callers = Box::pin(join_all((0..10).map(|_| cached.get("a"))));
        assert!(futures::poll!(&mut callers).is_pending());
        store.may_answer.add_permits(1);
        for got in callers.await {
            let failure = error(got);
            assert_eq!((failure.kind(), failure.retry()), (ErrorKind::Unavailable, Retry::Later));
            assert_eq!(
                chain(&failure),
                "could not read the secret `a`: the store is away\n\
                 caused by: connection refused\nhint: wait"
            );
        }
        assert_eq!(store.asked(), number);
    }
}

#[tokio::test]
async fn what_was_being_read_when_it_was_forgotten_is_asked_for_again() {
    let store = Counting::with(false, 0);
    let cached = CachedSecrets::new(store.clone(), HOUR);
    let mut early = Box::pin(cached.get("a"));
    assert!(futures::poll!(&mut early).is_pending());
    cached.forget("a").await;
    let mut late = Box::pin(cached.get("a"));
    assert!(futures::poll!(&mut late).is_pending());
    store.open();
    assert_eq!(late.await.unwrap().expose(), format!("{VALUE}-a-2"));
    assert_eq!(early.await.unwrap().expose(), format!("{VALUE}-a-1"));
    // The one that came late takes nobody's place.
    assert_eq!(get(&cached, "a").await, format!("{VALUE}-a-2"));
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_the_others_their_secret() {
    let store = Counting::with(false, 0);
    let cached = CachedSecrets::new(store.clone(), HOUR);
    let mut first = Box::pin(cached.get("a"));
    assert!(futures::poll!(&mut first).is_pending());
    let mut second = Box::pin(cached.get("a"));
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    store.open();
    assert_eq!(second.await.unwrap().expose(), format!("{VALUE}-a-2"));
}

#[tokio::test]
async fn a_secret_is_asked_for_again_when_its_time_is_over_and_not_before() {
    const TIME: Duration = Duration::from_millis(100);
    let store = Counting::new();
    let cached = CachedSecrets::new(store.clone(), TIME);
    let began = Instant::now();
    get(&cached, "a").await;
    while store.asked() < 2 {
        assert!(began.elapsed() < 100 * TIME, "it is kept for ever");
        get(&cached, "a").await;
        tokio::task::yield_now().await;
    }
    assert!(began.elapsed() >= TIME, "it was kept only {:?}", began.elapsed());
}

#[tokio::test]
async fn with_no_time_nothing_is_kept_and_with_all_time_everything() {
    let store = Counting::new();
    let none = CachedSecrets::new(store.clone(), Duration::ZERO);
    let all = CachedSecrets::new(store.clone(), Duration::MAX);
    for number in 1..=3 {
        assert_eq!(get(&none, "a").await, format!("{VALUE}-a-{number}"));
    }
    for _ in 0..3 {
        assert_eq!(get(&all, "a").await, format!("{VALUE}-a-4"));
    }
}
