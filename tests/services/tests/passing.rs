//! What no rule chooses goes through unchanged, and is recorded.

use crate::support::Setup;

#[tokio::test]
async fn requests_and_answers_pass_unchanged_and_stay_signed() {
    let setup = Setup::new();
    let data = vec![7; 3 << 20];
    let key = "a%20b/%C3%A4.bin";
    let put = setup.through().request("PUT", key, &[], data.clone()).await.unwrap();
    let tag = put.success().unwrap().headers["etag"].clone();
    let answer = setup.get(key).await.unwrap().success().unwrap();
    assert_eq!(answer.body, data);
    assert_eq!(answer.headers["etag"], tag);

    let wrong = setup.through().request("GET", "none", &[], "").await.unwrap();
    assert_eq!(wrong.status, 404);
    let mut stranger = setup.through();
    stranger.secret.push('x');
    let refused = stranger.request("GET", key, &[], "").await.unwrap();
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn what_was_seen_is_recorded_without_the_signature() {
    let setup = Setup::new();
    setup.put("a.bin", vec![1; 5000]).await;
    let headers = [("range", "bytes=100-199")];
    setup.through().request("GET", "a.bin?x-id=GetObject", &headers, "").await.unwrap();
    setup.proxy.wait_until(|seen| seen.iter().all(|seen| seen.ended.is_some())).await.unwrap();
    let [seen] = &setup.proxy.seen()[..] else { panic!("one request was made") };
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/tundra/a.bin"));
    assert_eq!(seen.query("x-id"), Some("GetObject"));
    assert_eq!(seen.header("range"), Some("bytes=100-199"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!((seen.status, seen.sent, seen.received), (Some(206), 0, 100));
    assert_eq!((seen.in_flight, seen.connection, seen.faulted), (1, 0, false));
    assert_eq!(setup.proxy.connections(), 1);
}

#[tokio::test]
async fn a_proxy_before_nobody_says_so() {
    let setup = Setup::new();
    let endpoint = setup.server.store().endpoint.clone();
    let proxy = tundra_test_services::FaultProxy::start(&endpoint).unwrap();
    let through = setup.server.store().at(proxy.endpoint());
    drop(setup);
    let answer = through.request("GET", "a.bin", &[], "").await.unwrap();
    assert_eq!(answer.status, 502);
    assert_eq!(answer.element("Code").as_deref(), Some("BadGateway"));
}
