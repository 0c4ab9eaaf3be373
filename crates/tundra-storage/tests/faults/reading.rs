//! Reading through faults.

use std::time::{Duration, Instant};

use tundra_core::{Classify, IfExists, Retry, StorageError};
use tundra_test_services::proxy::{Fault, Reply, Rule};

use crate::{
    remote::{ATTEMPTS, Broken, chain, noise},
    support::{error, get, path, put},
};

const SIZE: usize = 3 << 20;

/// An object behind the proxy.
async fn object() -> (Broken, Vec<u8>) {
    let broken = Broken::new();
    let data = noise(SIZE);
    put(broken.direct.as_ref(), "a.bin", IfExists::Fail, data.clone()).await.unwrap();
    (broken, data)
}

/// A rule for reading the object's bytes.
fn reading(fault: Fault) -> Rule {
    Rule::new(fault).method("GET").path("a.bin")
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for fault in [
        Reply::busy(429).into(),
        Reply::busy(500).into(),
        Reply::busy(503).into(),
        Reply::s3(502, "BadGateway", "no").into(),
        Fault::Reset,
        Fault::LoseAnswer,
        Fault::ResetAnswer(0),
        Fault::ResetAnswer(100_000),
        Fault::Truncate(100_000),
        Fault::Truncate(SIZE as u64 - 1),
        Fault::Stall(100_000),
    ] {
        let (broken, data) = object().await;
        broken.proxy.add(reading(fault.clone()).times(2));
        let read = get(broken.storage.as_ref(), "a.bin").await;
        let read = read.unwrap_or_else(|error| panic!("{fault:?}: {}", chain(&error)));
        assert!(read == data, "{fault:?}");
        let faulted = broken.proxy.seen().iter().filter(|seen| seen.faulted).count();
        assert_eq!(faulted, 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_store_is_left_alone_for_as_long_as_it_asks() {
    let (broken, data) = object().await;
    broken.proxy.add(reading(Reply::busy(503).with("retry-after", "1").into()).times(1));
    let began = Instant::now();
    assert!(get(broken.storage.as_ref(), "a.bin").await.unwrap() == data);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_does_not_pass_ends_as_unavailable_after_so_many_attempts() {
    for fault in [Reply::busy(503).into(), Fault::Reset, Fault::Truncate(0)] {
        let (broken, _) = object().await;
        broken.proxy.add(reading(fault.clone()));
        let reader = broken.storage.open(&path("a.bin")).await.unwrap();
        broken.proxy.forget();
        let error = error(reader.read(0..SIZE as u64).await);
        assert!(matches!(error, StorageError::Unavailable { .. }), "{fault:?}: {}", chain(&error));
        assert_eq!(error.retry(), Retry::Later);
        assert!(error.to_string().contains("s3://tundra/a.bin"), "{error}");
        assert_eq!(broken.proxy.seen().len(), ATTEMPTS as usize, "{fault:?}");
    }
}

#[tokio::test]
async fn another_version_is_never_mixed_in() {
    let (broken, _) = object().await;
    let reader = broken.storage.open(&path("a.bin")).await.unwrap();
    for fault in [Fault::ETag("\"another\"".to_owned()), Fault::Shorten(1000)] {
        broken.proxy.add(reading(fault.clone()).times(1));
        let read = reader.read(0..SIZE as u64).await;
        let error = error(read);
        assert!(matches!(error, StorageError::Changed { .. }), "{fault:?}: {}", chain(&error));
    }
    put(broken.direct.as_ref(), "a.bin", IfExists::Replace, vec![0; SIZE]).await.unwrap();
    let changed = error(reader.read(0..10).await);
    assert!(matches!(changed, StorageError::Changed { .. }), "{changed:?}");
}

#[tokio::test]
async fn several_ranges_are_on_their_way_at_once() {
    let (broken, data) = object().await;
    let reader = broken.storage.open(&path("a.bin")).await.unwrap();
    broken.proxy.forget();
    broken.proxy.add(Rule::new(Fault::Delay(Duration::from_millis(100))).method("GET"));
    let read = |start: u64| reader.read(start..start + 100_000);
    let reads = [read(0), read(500_000), read(1_000_000), read(2_000_000)];
    for (start, read) in
        [0, 500_000, 1_000_000, 2_000_000].iter().zip(futures::future::join_all(reads).await)
    {
        assert!(read.unwrap() == data[*start..start + 100_000]);
    }
    let at_once = broken.proxy.seen().iter().map(|seen| seen.in_flight).max();
    assert_eq!(at_once, Some(4));
}
