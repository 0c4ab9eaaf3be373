//! Conversions from and to a bucket that go well, in spite of everything.

use std::time::Duration;

use tundra_test_services::{
    FaultProxy,
    proxy::{Fault, Link, Reply, Rule},
};

use super::{Setup, csv, keeps_secrets};
use crate::support::{SALES, rows_of};

const ROWS: [&str; 3] = [
    "{id: 1, name: \"apple\", price: 1.5}",
    "{id: 2, name: \"pear\", price: 2.25}",
    "{id: 3, name: null, price: 0.75}",
];

#[tokio::test]
async fn a_bucket_is_read_and_written_like_a_directory() {
    let setup = Setup::new().await;
    setup.put("in/sales%201.csv", SALES).await;
    let (from, to) = (setup.at("in/sales 1.csv"), setup.at("out/sales.parquet"));
    let ran = setup.run(&setup.bucket, &["convert", &from, "-o", &to]).succeeds();
    assert!(ran.stderr.contains(&format!("converted {from} -> {to}")), "{ran}");
    assert_eq!(rows_of(setup.get("out/sales.parquet").await.unwrap().to_vec()), ROWS);
    assert_eq!(setup.bucket.uploads("").await.unwrap(), [""; 0]);
    setup.sandbox.holds_only(&[]);

    let again = setup.run(&setup.bucket, &["convert", &from, "-o", &to]);
    again.fails(6, &[&to, "already exists", "--overwrite"]);
    setup.run(&setup.bucket, &["convert", &from, "-o", &to, "--overwrite"]).succeeds();
}

#[tokio::test]
async fn one_side_may_be_local() {
    let setup = Setup::new().await;
    setup.sandbox.write("sales.csv", SALES);
    let remote = setup.at("sales.parquet");
    setup.run(&setup.bucket, &["convert", "sales.csv", "-o", &remote]).succeeds();
    assert_eq!(rows_of(setup.get("sales.parquet").await.unwrap().to_vec()), ROWS);
    setup.run(&setup.bucket, &["convert", &remote, "-o", "back.parquet"]).succeeds();
    assert_eq!(setup.sandbox.rows("back.parquet"), ROWS);
    setup.sandbox.holds_only(&["back.parquet", "sales.csv"]);
}

#[tokio::test]
async fn a_bad_network_changes_nothing_but_the_time() {
    let setup = Setup::new().await;
    setup.put("in.csv", csv(500_000)).await;
    let proxy = FaultProxy::start(&setup.bucket.endpoint).unwrap();
    let through = setup.bucket.at(proxy.endpoint());
    let (from, to) = (setup.at("in.csv"), setup.at("out.parquet"));
    let convert = ["convert", &from, "-o", &to, "--compression", "none", "--overwrite"];

    setup.run(&setup.bucket, &convert).succeeds();
    let expected = setup.get("out.parquet").await.unwrap();
    assert!(expected.len() > 32 << 20, "{} bytes are not several parts", expected.len());

    proxy.set_link(Link { latency: Duration::from_millis(10), bandwidth: Some(200 << 20) });
    for (fault, skip) in [
        (Fault::from(Reply::busy(503)), 0),
        (Fault::from(Reply::busy(500).with("retry-after", "1")), 3),
        (Fault::Reset, 1),
        (Fault::Reset, 5),
        (Fault::ResetAnswer(1 << 20), 2),
        (Fault::Truncate(3 << 20), 3),
    ] {
        proxy.add(Rule::new(fault.clone()).method("GET").skip(skip).times(1));
        proxy.add(Rule::new(fault).query("uploadId").skip(skip).times(1));
    }
    setup.run(&through, &convert).succeeds();
    assert!(setup.get("out.parquet").await.unwrap() == expected);
    let seen = proxy.seen();
    let faulted = seen.iter().filter(|seen| seen.faulted).count();
    assert!(faulted >= 8, "{faulted} faults");
    let at_once = seen.iter().map(|seen| seen.in_flight).max().unwrap();
    assert!(at_once >= 2, "one request after the other");
    assert_eq!(setup.bucket.uploads("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_most_talkative_log_keeps_the_secret() {
    let setup = Setup::new().await;
    setup.put("in.csv", SALES).await;
    let (from, to) = (setup.at("in.csv"), setup.at("out.parquet"));
    let mut command = setup.tundra(&setup.bucket, &["convert", &from, "-o", &to]);
    let ran = setup.sandbox.finish(command.env("TUNDRA_LOG", "trace"));
    let ran = ran.succeeds();
    assert!(ran.stderr.lines().count() > 20, "the log is short: {ran}");
    assert!(!ran.stderr.contains(&setup.bucket.secret), "{ran}");
    keeps_secrets(&ran, &setup.bucket);
}
