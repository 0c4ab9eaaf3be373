//! Connections are as slow as they should be, each for itself.

use std::time::{Duration, Instant};

use tundra_test_services::proxy::Link;

use crate::support::Setup;

const SIZE: usize = 4 << 20;
const BANDWIDTH: u64 = 20 << 20;
/// What that takes at least; a connection may catch up a little.
const TAKES: Duration = Duration::from_millis(190);

#[tokio::test]
async fn bandwidth_limits_each_connection_in_both_directions() {
    let setup = Setup::new();
    setup.proxy.set_link(Link { bandwidth: Some(BANDWIDTH), ..Link::default() });
    let began = Instant::now();
    setup.through().request("PUT", "a.bin", &[], vec![1; SIZE]).await.unwrap().success().unwrap();
    assert!(began.elapsed() >= TAKES, "{:?}", began.elapsed());

    let began = Instant::now();
    setup.get("a.bin").await.unwrap().success().unwrap();
    let one = began.elapsed();
    assert!(one >= TAKES, "{one:?}");

    // Four together take no longer than one after the other would.
    let began = Instant::now();
    let (a, b, c, d) = tokio::join!(
        setup.get("a.bin"),
        setup.get("a.bin"),
        setup.get("a.bin"),
        setup.get("a.bin")
    );
    for answer in [a, b, c, d] {
        assert_eq!(answer.unwrap().body.len(), SIZE);
    }
    let four = began.elapsed();
    assert!(four < TAKES * 3, "{four:?}");
}

#[tokio::test]
async fn latency_delays_each_connection_and_each_request() {
    let setup = Setup::new();
    setup.put("a.bin", "x").await;
    let latency = Duration::from_millis(30);
    setup.proxy.set_link(Link { latency, ..Link::default() });
    let began = Instant::now();
    setup.get("a.bin").await.unwrap().success().unwrap();
    assert!(began.elapsed() >= 2 * latency, "{:?}", began.elapsed());
}
