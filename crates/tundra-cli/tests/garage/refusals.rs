//! What goes wrong for good: message, exit code, and nothing left.

use std::{io::Read, net::TcpListener, process::Stdio, time::Duration};

use tundra_test_services::{
    FaultProxy, S3, env,
    proxy::{Fault, Reply, Rule},
};

use super::{Setup, csv};
use crate::support::SALES;

/// Converts `in.csv` to `out.parquet` as `store` leads to them, and checks how that fails.
async fn fails(setup: &Setup, store: &S3, code: i32, says: &[&str]) {
    let (from, to) = (setup.at("in.csv"), setup.at("out.parquet"));
    let ran = setup.run(store, &["convert", &from, "-o", &to]).fails(code, says);
    assert!(ran.stderr.contains("\nhint: "), "{ran}");
    setup.has_nothing("out.parquet").await;
    setup.sandbox.holds_only(&[]);
    let ran = setup.run(store, &["convert", &from, "-o", &to, "--json"]);
    assert_eq!(ran.code, Some(code), "{ran}");
    let name = ran.json_error()["code"].as_str().unwrap().to_owned();
    let names = [(4, "not_found"), (5, "permission_denied"), (9, "unavailable")];
    assert!(names.contains(&(code, name.as_str())), "{ran}");
}

#[tokio::test]
async fn wrong_credentials() {
    let setup = Setup::new().await;
    setup.put("in.csv", SALES).await;
    let wrong = S3 { secret: "0".repeat(64), ..setup.bucket.clone() };
    let says = [setup.at("in.csv"), "does not accept the credentials".to_owned()];
    fails(&setup, &wrong, 5, &[&says[0], &says[1]]).await;
    let unknown = S3 { key: format!("GK{}", "0".repeat(24)), ..setup.bucket.clone() };
    fails(&setup, &unknown, 5, &[&says[0], &says[1]]).await;
}

#[tokio::test]
async fn what_is_not_there() {
    let mut setup = Setup::new().await;
    let key = setup.at("in.csv");
    fails(&setup, &setup.bucket, 4, &["no such file or object", &key]).await;
    let there = setup.bucket.clone();
    setup.bucket = there.with_bucket("no-such-bucket");
    let (from, to) = (setup.at("in.csv"), setup.at("out.parquet"));
    let ran = setup.run(&there, &["convert", &from, "-o", &to]);
    ran.fails(4, &["there is no bucket or container `s3://no-such-bucket`", "\nhint: "]);
    // Where the output goes is looked at, too, and before the work is done.
    setup.sandbox.write("in.csv", SALES);
    let ran = setup.run(&there, &["convert", "in.csv", "-o", &to]);
    ran.fails(4, &["there is no bucket or container `s3://no-such-bucket`"]);
}

#[tokio::test]
async fn a_write_that_is_denied() {
    let reader = env::garage_reader().unwrap();
    let setup = Setup { bucket: env::garage().unwrap(), ..Setup::new().await };
    setup.put("denied/in.csv", SALES).await;
    let (from, to) = (setup.at("denied/in.csv"), setup.at("denied/out.parquet"));
    let ran = setup.run(&reader, &["convert", &from, "-o", &to]);
    ran.fails(5, &["no permission to write", &to, "\nhint: "]);
    assert_eq!(setup.get("denied/out.parquet").await, None);
    assert_eq!(setup.bucket.uploads("denied").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn an_endpoint_that_is_no_store_or_nobody() {
    let setup = Setup::new().await;
    setup.put("in.csv", SALES).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let proxy = FaultProxy::start(&setup.bucket.endpoint).unwrap();
    let page = Reply {
        status: 200,
        headers: Vec::new(),
        content_type: "text/html".to_owned(),
        body: "<html><body>Welcome to nginx!</body></html>".to_owned(),
    };
    proxy.add(Rule::new(page.into()));
    for endpoint in [nobody, proxy.endpoint()] {
        let says = format!("`{endpoint}` does not answer like a store");
        fails(&setup, &setup.bucket.at(&endpoint), 9, &[&says, "check the endpoint"]).await;
    }
}

#[tokio::test]
async fn what_a_store_says_of_clocks_and_tokens() {
    let setup = Setup::new().await;
    setup.put("in.csv", SALES).await;
    for (status, code, exit, says) in [
        (403, "RequestTimeTooSkewed", 9, "the clock of this machine and of the store differ"),
        (400, "ExpiredToken", 5, "does not accept the credentials"),
    ] {
        let proxy = FaultProxy::start(&setup.bucket.endpoint).unwrap();
        proxy.add(Rule::new(Reply::s3(status, code, "It says so.").into()));
        let through = setup.bucket.at(proxy.endpoint());
        fails(&setup, &through, exit, &[says, &setup.at("in.csv")]).await;
    }
}

#[tokio::test]
async fn a_store_that_goes_away_in_the_middle() {
    let setup = Setup::new().await;
    setup.sandbox.write("in.csv", csv(700_000));
    let proxy = FaultProxy::start(&setup.bucket.endpoint).unwrap();
    // The second part never arrives; what is cleaned up afterwards does.
    let denied = Reply::s3(403, "AccessDenied", "Access Denied");
    proxy.add(Rule::new(denied.into()).method("PUT").query("partNumber").skip(1));
    let to = setup.at("out.parquet");
    let convert = ["convert", "in.csv", "-o", &to, "--compression", "none"];
    let ran = setup.run(&setup.bucket.at(proxy.endpoint()), &convert);
    ran.fails(5, &["no permission to write", &to]);
    setup.has_nothing("out.parquet").await;
    setup.sandbox.holds_only(&["in.csv"]);
}

/// Ctrl-C is heard while the writer has more than fits on its way, and while what it wrote last is sent.
#[tokio::test]
async fn ctrl_c_leaves_no_upload() {
    // The output has three parts, of which the last is sent when it is published, or seven.
    for (rows, parts) in [(700_000, 3), (1_600_000, 5)] {
        ctrl_c_leaves_nothing_of(rows, parts).await;
    }
}

/// Interrupts the program when it has sent so many parts, of which the store answers one.
async fn ctrl_c_leaves_nothing_of(rows: u64, parts: usize) {
    let setup = Setup::new().await;
    setup.sandbox.write("in.csv", csv(rows));
    let proxy = FaultProxy::start(&setup.bucket.endpoint).unwrap();
    let forever = Fault::Delay(Duration::from_secs(3600));
    proxy.add(Rule::new(forever).method("PUT").query("partNumber").skip(1));
    let to = setup.at("out.parquet");
    let through = setup.bucket.at(proxy.endpoint());
    let mut command =
        setup.tundra(&through, &["convert", "in.csv", "-o", &to, "--compression", "none"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let sent = |seen: &[tundra_test_services::proxy::Seen]| {
        seen.iter().filter(|seen| seen.is("PUT", "partNumber")).count() >= parts
    };
    proxy.wait_until(sent).await.unwrap();
    let kill = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted; no output was written"), "{stderr}");
    // Unless it says so, nothing was left to the store.
    assert!(!stderr.contains("unfinished output"), "{stderr}");
    setup.has_nothing("out.parquet").await;
}
