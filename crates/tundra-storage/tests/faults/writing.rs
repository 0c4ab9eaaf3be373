//! Writing through faults.

use std::time::Duration;

use tundra_core::{IfExists, StorageError};
use tundra_test_services::{
    FaultProxy, LocalS3,
    proxy::{Fault, Link, PartRules, Reply, Rule, Seen},
};

use crate::{
    remote::{ATTEMPTS, Broken, PART, chain, noise, r2, s3},
    support::{begin, error, get, path, put},
};

/// Three parts and a bit.
const SIZE: usize = 3 * PART + 1000;

/// The requests of an upload in parts.
#[derive(Debug, Clone, Copy)]
enum Step {
    Begin,
    Part,
    Complete,
}

impl Step {
    const ALL: [Self; 3] = [Self::Begin, Self::Part, Self::Complete];

    fn rule(self, fault: Fault) -> Rule {
        let rule = Rule::new(fault);
        match self {
            Self::Begin => rule.method("POST").query("uploads"),
            Self::Part => rule.method("PUT").query("partNumber"),
            Self::Complete => rule.method("POST").query("uploadId"),
        }
    }

    fn saw(self, seen: &Seen) -> bool {
        match self {
            Self::Begin => seen.is("POST", "uploads"),
            Self::Part => seen.is("PUT", "partNumber"),
            Self::Complete => seen.is("POST", "uploadId"),
        }
    }
}

fn passing_faults() -> [Fault; 6] {
    [
        Reply::busy(429).into(),
        Reply::busy(500).into(),
        Reply::busy(503).into(),
        Fault::Reset,
        Fault::LoseAnswer,
        Fault::ResetUpload(0),
    ]
}

#[tokio::test]
async fn whole_objects_arrive_in_spite_of_what_passes() {
    for if_exists in [IfExists::Fail, IfExists::Replace] {
        for fault in passing_faults() {
            let broken = Broken::new();
            broken.proxy.add(Rule::new(fault.clone()).method("PUT").times(2));
            let data = noise(100_000);
            let put = put(broken.storage.as_ref(), "a.bin", if_exists, data.clone()).await;
            put.unwrap_or_else(|error| panic!("{if_exists:?} {fault:?}: {}", chain(&error)));
            assert!(get(broken.direct.as_ref(), "a.bin").await.unwrap() == data, "{fault:?}");
            let faulted = broken.proxy.seen().iter().filter(|seen| seen.faulted).count();
            assert_eq!(faulted, 2, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn objects_in_parts_arrive_in_spite_of_what_passes() {
    let data = noise(SIZE);
    for if_exists in [IfExists::Fail, IfExists::Replace] {
        for step in Step::ALL {
            for fault in passing_faults() {
                let what = format!("{if_exists:?} {step:?} {fault:?}");
                let broken = Broken::new();
                broken.proxy.add(step.rule(fault.clone()).times(2));
                let put = put(broken.storage.as_ref(), "a.bin", if_exists, data.clone()).await;
                put.unwrap_or_else(|error| panic!("{what}: {}", chain(&error)));
                assert!(get(broken.direct.as_ref(), "a.bin").await.unwrap() == data, "{what}");
                let seen = broken.proxy.seen();
                assert!(seen.iter().filter(|seen| seen.faulted).count() >= 1, "{what}");
                // An upload whose beginning nobody heard of is the janitor's.
                if !matches!((step, &fault), (Step::Begin, Fault::LoseAnswer)) {
                    assert_eq!(broken.server.unfinished().unwrap(), [""; 0], "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_pass_fails_and_leaves_nothing() {
    for step in Step::ALL {
        for fault in [Reply::busy(503).into(), Fault::Reset] {
            let what = format!("{step:?} {fault:?}");
            let broken = Broken::new();
            broken.proxy.add(step.rule(fault));
            let put = put(broken.storage.as_ref(), "a.bin", IfExists::Fail, noise(SIZE)).await;
            let error = error(put);
            let text = chain(&error);
            assert!(matches!(error, StorageError::Unavailable { .. }), "{what}: {text}");
            assert!(error.to_string().contains("s3://tundra/a.bin"), "{what}: {text}");
            if !matches!(step, Step::Begin) {
                wait_for_abort(&broken.proxy).await;
            }
            broken.has_nothing().await;
            let seen = broken.proxy.seen();
            let tried = seen.iter().filter(|seen| step.saw(seen)).count();
            assert!(tried >= ATTEMPTS as usize, "{what}: {tried} attempts");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for step in Step::ALL {
        let broken = Broken::new();
        let denied = Reply::s3(403, "AccessDenied", "Access Denied");
        broken.proxy.add(step.rule(denied.into()));
        let put = put(broken.storage.as_ref(), "a.bin", IfExists::Fail, noise(SIZE)).await;
        let error = error(put);
        assert!(matches!(error, StorageError::PermissionDenied { .. }), "{step:?}: {error:?}");
        if !matches!(step, Step::Begin) {
            wait_for_abort(&broken.proxy).await;
        }
        broken.has_nothing().await;
        let seen = broken.proxy.seen();
        let most = if matches!(step, Step::Part) { 4 } else { 1 };
        let tried = seen.iter().filter(|seen| step.saw(seen)).count();
        assert!((1..=most).contains(&tried), "{step:?}: {tried} attempts");
    }
}

/// S3 may answer a completion with 200 at once and find out later that it failed.
#[tokio::test]
async fn a_success_that_holds_an_error_is_none() {
    let broken = Broken::new();
    let late = Reply::s3(200, "InternalError", "We encountered an internal error.");
    broken.proxy.add(Step::Complete.rule(late.into()));
    let put = put(broken.storage.as_ref(), "a.bin", IfExists::Fail, noise(SIZE)).await;
    let error = error(put);
    assert!(matches!(error, StorageError::Unavailable { .. }), "{}", chain(&error));
    wait_for_abort(&broken.proxy).await;
    broken.has_nothing().await;
}

#[tokio::test]
async fn an_object_that_is_dropped_is_aborted() {
    let broken = Broken::new();
    let writer = begin(broken.storage.as_ref(), "a.bin", IfExists::Fail, noise(SIZE)).await;
    drop(writer.unwrap());
    wait_for_abort(&broken.proxy).await;
    broken.has_nothing().await;
}

#[tokio::test]
async fn parts_are_equal_and_few_are_on_their_way_at_once() {
    let server = LocalS3::start().unwrap();
    let proxy = FaultProxy::start(&server.store().endpoint).unwrap();
    proxy.enforce_parts(PartRules::default());
    proxy.set_link(Link { latency: Duration::from_millis(50), bandwidth: None });
    let storage = r2(&server.store().at(proxy.endpoint()));
    let data = noise(8 * PART + 7);
    let mut writer = storage.create(&path("a.bin"), IfExists::Fail).await.unwrap();
    for piece in data.chunks(1_234_567) {
        writer.write(piece.to_vec().into()).await.unwrap();
    }
    writer.publish().await.unwrap();
    assert!(get(storage.as_ref(), "a.bin").await.unwrap() == data);
    let seen = proxy.seen();
    let parts: Vec<&Seen> = seen.iter().filter(|seen| seen.is("PUT", "partNumber")).collect();
    let mut sizes: Vec<u64> = parts.iter().map(|seen| seen.sent).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [&[7][..], &[PART as u64; 8]].concat());
    let at_once = parts.iter().map(|seen| seen.in_flight).max().unwrap();
    assert!((2..=4).contains(&at_once), "{at_once}");
}

#[tokio::test]
async fn a_store_that_takes_no_more_parts_says_so_and_keeps_nothing() {
    let server = LocalS3::start().unwrap();
    let proxy = FaultProxy::start(&server.store().endpoint).unwrap();
    proxy.enforce_parts(PartRules { count: 2, ..PartRules::default() });
    let storage = r2(&server.store().at(proxy.endpoint()));
    let error = error(put(storage.as_ref(), "a.bin", IfExists::Fail, noise(SIZE)).await);
    assert!(chain(&error).contains("between 1 and 2"), "{}", chain(&error));
    wait_for_abort(&proxy).await;
    assert_eq!(server.unfinished().unwrap(), [""; 0]);
    assert_eq!(s3(server.store()).list(None).await.unwrap(), []);
}

#[tokio::test]
async fn creating_only_is_said_to_the_store_and_told_by_it() {
    for size in [1000, SIZE] {
        let broken = Broken::new();
        let late = begin(broken.storage.as_ref(), "a.bin", IfExists::Fail, noise(size)).await;
        // Our own look finds the name free; the store does not.
        broken.proxy.add(Rule::new(Reply::s3(404, "NoSuchKey", "gone").into()).method("HEAD"));
        put(broken.direct.as_ref(), "a.bin", IfExists::Fail, "theirs").await.unwrap();
        let error = error(late.unwrap().publish().await);
        assert!(matches!(error, StorageError::AlreadyExists { .. }), "{}", chain(&error));
        assert_eq!(get(broken.direct.as_ref(), "a.bin").await.unwrap(), "theirs");
        let seen = broken.proxy.seen();
        let conditions = seen.iter().filter(|seen| seen.header("if-none-match") == Some("*"));
        assert_eq!(conditions.count(), 1, "{size}");
        if size > PART {
            wait_for_abort(&broken.proxy).await;
        }
        assert_eq!(broken.server.unfinished().unwrap(), [""; 0]);
    }
}

/// Waits until an upload was aborted, which happens in the background.
async fn wait_for_abort(proxy: &FaultProxy) {
    let is_abort = |seen: &Seen| seen.is("DELETE", "uploadId") && seen.ended.is_some();
    proxy.wait_until(|seen| seen.iter().any(is_abort)).await.unwrap();
}
