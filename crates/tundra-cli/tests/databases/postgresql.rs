//! PostgreSQL as `cargo xtask test` starts it.

mod ssh;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use tundra_test_services::Database;

use super::{PASSWORD, SHOP, dump_is_whole, shows_no_password};
use crate::support::Sandbox;

fn with_shop() -> (Sandbox, Database) {
    let database = Database::create().unwrap();
    database.run(SHOP).unwrap();
    (Sandbox::new(), database)
}

#[test]
fn a_table_becomes_a_file_of_its_name() {
    let (sandbox, database) = with_shop();
    let url = database.url();
    let ran = sandbox.run(&["extract", &url, "--table", "orders"]).succeeds();
    assert!(ran.stderr.contains("3 rows sent = 3 written"), "{ran}");
    assert!(ran.stderr.contains("at lsn "), "{ran}");
    assert_eq!(
        sandbox.rows("orders.parquet"),
        [
            r#"{id: 1, total: 10.50, note: "first", changed: 100}"#,
            "{id: 2, total: 20.25, note: null, changed: 200}",
            r#"{id: 3, total: 0.75, note: "dritte: ä€😀", changed: 300}"#,
        ]
    );
    sandbox.holds_only(&["orders.parquet"]);
}

#[test]
fn a_dump_stands_for_one_moment() {
    let (sandbox, database) = with_shop();
    let ran = sandbox.run(&["dump", &database.url(), "--tables", "public.*", "-o", "dump"]);
    ran.succeeds();
    let files = [("public.Order lines.parquet", 1), ("public.orders.parquet", 3)];
    let manifest = dump_is_whole(&sandbox, "dump", &files);
    assert!(manifest["position"].as_str().unwrap().starts_with("lsn "), "{manifest}");
    // A view is read when it is named.
    sandbox.run(&["dump", &database.url(), "--tables", "dear", "-o", "views"]).succeeds();
    dump_is_whole(&sandbox, "views", &[("public.dear.parquet", 2)]);
}

#[test]
fn a_connection_is_described() {
    let (sandbox, database) = with_shop();
    let ran = sandbox.run(&["test-connection", &database.url()]).succeeds();
    assert!(ran.stdout().contains("PostgreSQL 15"), "{ran}");
    assert!(ran.stdout().contains("for several connections, at lsn "), "{ran}");
    let found = sandbox.run(&["test-connection", &database.url(), "--json"]).succeeds().json();
    assert_eq!(found["read_only"], true);
    assert_eq!(found["tables"], 3);
}

#[test]
fn a_wrong_password_is_refused_and_shown_nowhere() {
    let (sandbox, database) = with_shop();
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, place) = rest.split_once(':').unwrap();
    let place = place.split_once('@').unwrap().1;
    let wrong = format!("{scheme}://{user}:{PASSWORD}@{place}");
    for json in [&[][..], &["--json"]] {
        let mut arguments = vec!["-vv", "extract", &wrong, "--table", "orders"];
        arguments.extend(json);
        let ran = sandbox.run(&arguments);
        shows_no_password(&ran);
        assert_eq!(ran.code, Some(5), "{ran}");
        assert!(ran.stderr.contains("password authentication failed"), "{ran}");
    }
    let bare = format!("{scheme}://{user}@{place}");
    let right =
        url.split_once(':').unwrap().1.split_once(':').unwrap().1.split_once('@').unwrap().0;
    sandbox.write("password", format!("{right}\n"));
    let arguments = ["extract", &bare, "--table", "orders", "--password-file", "password"];
    sandbox.run(&arguments).succeeds();
    let mut command = sandbox.tundra(&["extract", &bare, "--table", "dear"]);
    command.env("TUNDRA_DATABASE_PASSWORD", right);
    sandbox.finish(&mut command).succeeds();
    sandbox.run(&["tables", &bare]).fails(2, &["asks for a password"]);
    sandbox.holds_only(&["dear.parquet", "orders.parquet", "password"]);
}

#[test]
fn ctrl_c_ends_the_query_on_the_server_within_a_second() {
    let (sandbox, database) = with_shop();
    let query = "SELECT pg_sleep(600), 'the one that sleeps'";
    let url = database.url();
    let mut command =
        sandbox.tundra(&["-v", "extract", &url, "--query", query, "-o", "out.parquet"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                  AND query LIKE '%the one that sleeps%' AND datname = current_database()";
    let began = Instant::now();
    while database.run(asleep).unwrap() == "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "the query does not begin");
    }
    let sent = Instant::now();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    let took = sent.elapsed();
    let log: Vec<String> =
        BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
    assert_eq!(code, Some(130), "{log:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let began = Instant::now();
    while database.run(asleep).unwrap() != "0" {
        assert!(began.elapsed() < Duration::from_secs(5), "the query goes on");
    }
    sandbox.holds_only(&[]);
}

#[test]
fn a_catalogued_table_grows_by_what_changed() {
    let (sandbox, database) = with_shop();
    let url = database.url();
    let (before, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (password, place) = rest.split_once('@').unwrap();
    let bare = format!("{before}://{user}@{place}");
    sandbox.run(&["source", "add", "orders", &bare]).succeeds();
    let next = || {
        let mut command = sandbox.tundra(&[
            "extract",
            "--source",
            "orders",
            "--table",
            "orders",
            "--since-column",
            "changed",
            "--json",
        ]);
        command.env("TUNDRA_DATABASE_PASSWORD", password);
        sandbox.finish(&mut command).succeeds().json()
    };
    // It may begin with the transactions of others, which are numbered for all databases.
    let first = next();
    let until = first["receipt"]["window"]["until"].as_str().unwrap();
    assert!(until.ends_with("300"), "{first}");
    database.run("INSERT INTO orders VALUES (4, 1, 'new', 301)").unwrap();
    let second = next();
    assert_eq!(second["receipt"]["window"]["after"], until);
    assert_eq!(second["receipt"]["counts"]["written"], 1);
    let versions = sandbox.run(&["versions", "orders", "--json"]).succeeds().json();
    assert!(!versions.to_string().contains(password));
}
