//! Each fault is the fault that it says.

use std::time::{Duration, Instant};

use tundra_test_services::proxy::{Fault, Reply, Rule};

use crate::support::Setup;

const SIZE: usize = 1 << 20;

async fn with(fault: impl Into<Fault>) -> Setup {
    let setup = Setup::new();
    setup.put("a.bin", vec![1; SIZE]).await;
    setup.proxy.add(Rule::new(fault.into()).times(1));
    setup
}

/// The next request is one that no rule is left for.
async fn recovers(setup: &Setup) {
    let answer = setup.get("a.bin").await.unwrap().success().unwrap();
    assert_eq!(answer.body.len(), SIZE);
}

#[tokio::test]
async fn a_reply_is_given_in_the_servers_place() {
    let setup = with(Reply::busy(503).with("retry-after", "7")).await;
    let put = setup.through().request("PUT", "b.bin", &[], vec![0; SIZE]).await.unwrap();
    assert_eq!(put.status, 503);
    assert_eq!(put.headers["retry-after"], "7");
    assert_eq!(put.element("Code").as_deref(), Some("SlowDown"));
    assert!(!setup.has("b.bin").await);
    assert!(setup.proxy.seen()[0].faulted);
    recovers(&setup).await;
}

#[tokio::test]
async fn a_reset_comes_before_the_server_hears_of_it() {
    let setup = with(Fault::Reset).await;
    setup.through().request("PUT", "b.bin", &[], "x").await.unwrap_err();
    assert!(!setup.has("b.bin").await);
    recovers(&setup).await;
}

#[tokio::test]
async fn a_lost_answer_is_that_of_something_that_was_done() {
    let setup = with(Fault::LoseAnswer).await;
    setup.through().request("PUT", "b.bin", &[], "x").await.unwrap_err();
    assert!(setup.has("b.bin").await);
    recovers(&setup).await;
}

#[tokio::test]
async fn an_upload_that_is_reset_does_not_arrive() {
    let setup = with(Fault::ResetUpload(1000)).await;
    setup.through().request("PUT", "b.bin", &[], vec![0; 8 << 20]).await.unwrap_err();
    assert!(!setup.has("b.bin").await);
    recovers(&setup).await;
}

#[tokio::test]
async fn answers_break_off_where_they_should() {
    for fault in [Fault::Truncate(1000), Fault::ResetAnswer(1000)] {
        let setup = with(fault.clone()).await;
        let error = setup.get("a.bin").await.unwrap_err();
        assert_eq!(error.to_string(), "the answer breaks off", "{fault:?}");
        setup.proxy.wait_until(|seen| seen[0].ended.is_some()).await.unwrap();
        let seen = &setup.proxy.seen()[0];
        assert_eq!((seen.status, seen.received), (Some(200), 1000), "{fault:?}");
        recovers(&setup).await;
    }
}

#[tokio::test]
async fn a_shortened_answer_looks_whole() {
    let setup = with(Fault::Shorten(1000)).await;
    let answer = setup.get("a.bin").await.unwrap().success().unwrap();
    assert_eq!(answer.body.len(), 1000);
    assert_eq!(answer.headers["content-length"], "1000");
    recovers(&setup).await;
}

#[tokio::test]
async fn a_stalled_answer_never_ends() {
    let setup = with(Fault::Stall(1000)).await;
    let through = setup.through();
    let waiting = tokio::spawn(async move { through.request("GET", "a.bin", &[], "").await });
    setup.proxy.wait_until(|seen| seen.iter().any(|seen| seen.received == 1000)).await.unwrap();
    recovers(&setup).await;
    assert!(!waiting.is_finished());
    waiting.abort();
    // The proxy lets go of what nobody waits for.
    setup.proxy.wait_until(|seen| seen[0].ended.is_some()).await.unwrap();
}

#[tokio::test]
async fn a_tag_is_replaced() {
    let setup = with(Fault::ETag("\"other\"".to_owned())).await;
    let answer = setup.get("a.bin").await.unwrap();
    assert_eq!(answer.headers["etag"], "\"other\"");
    recovers(&setup).await;
}

#[tokio::test]
async fn a_delay_takes_its_time() {
    let delay = Duration::from_millis(50);
    let setup = with(Fault::Delay(delay)).await;
    let began = Instant::now();
    setup.get("a.bin").await.unwrap().success().unwrap();
    assert!(began.elapsed() >= delay);
}

#[tokio::test]
async fn rules_choose_by_header_and_end_when_they_are_cleared() {
    let setup = Setup::new();
    setup.put("a.bin", vec![1; SIZE]).await;
    setup.proxy.add(Rule::new(Reply::busy(500).into()).method("GET").header("range"));
    recovers(&setup).await;
    let ranged = || async {
        let through = setup.through();
        through.request("GET", "a.bin", &[("range", "bytes=0-1")], "").await.unwrap().status
    };
    assert_eq!(ranged().await, 500);
    setup.proxy.clear();
    assert_eq!(ranged().await, 206);
}
