//! What a server says at its start, and where it refuses to start.

use serde_json::json;

use super::{
    add_source,
    server::{Server, until},
};
use crate::support::Sandbox;

#[test]
fn it_needs_no_configuration_and_says_what_it_uses() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    assert!(server.address().starts_with("127.0.0.1:"), "{}", server.address());
    let health = server.get("/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.body["status"], "healthy");
    assert_eq!(health.body["service"], "halatio-tundra");
    let (status, log) = server.stop("TERM");
    assert!(status.success(), "{status}: {log}");
    for says in [
        "isolation       process; ",
        "catalog         ",
        "/.local/share/tundra/catalog.db\n",
        "warehouse       ",
        "/.local/share/tundra/warehouse\n",
        "authentication  off: there are no keys",
        "this machine only",
    ] {
        assert!(log.contains(says), "`{says}` is missing: {log}");
    }
}

#[test]
fn it_is_ended_by_ctrl_c_too() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--isolation", "thread"]);
    let (status, log) = server.stop("INT");
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("thread, so that a crash ends the server"), "{log}");
}

#[test]
fn it_does_not_listen_publicly_without_asking_who_calls() {
    let sandbox = Sandbox::new();
    let public = ["serve", "--port", "0", "--listen", "0.0.0.0"];
    sandbox.run(&public).fails(5, &["0.0.0.0", "set up API keys", "127.0.0.1"]);
    let told = [&public[..], &["--allow-public-without-authentication"]].concat();
    let server = Server::begin(&mut sandbox.tundra(&told));
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(server.address(), format!("0.0.0.0:{port}"));
    assert_eq!(server.get("/health").status, 200);
    let (_, log) = server.stop("TERM");
    assert!(log.contains("warning: everybody who reaches this server may do everything"), "{log}");
}

#[test]
fn who_has_no_key_is_not_let_in_where_there_are_keys() {
    let sandbox = Sandbox::with_sales();
    let id = add_source(&sandbox, "sales.csv");
    let key = sandbox.run(&["keys", "create", "tests"]).succeeds().stdout().trim().to_owned();
    let server =
        Server::begin(&mut sandbox.tundra(&["serve", "--port", "0", "--listen", "0.0.0.0"]));
    let request = json!({ "source_id": id });
    let refused = server.post("/convert/file", &request);
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(server.get("/health").status, 200);
    for header in [format!("authorization: Bearer {key}\r\n"), format!("x-api-key: {key}\r\n")] {
        let answer = server.post_with("/infer/schema", &header, &request);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // It is asked of the keys each time.
    let key_id = &key[4..16];
    sandbox.run(&["keys", "revoke", key_id]).succeeds();
    let header = format!("x-api-key: {key}\r\n");
    assert_eq!(server.post_with("/infer/schema", &header, &request).status, 401);
    let (_, log) = server.stop("TERM");
    assert!(!log.contains(&key[16..]), "{log}");
}

#[test]
fn the_first_key_is_asked_for_without_a_restart() {
    let sandbox = Sandbox::with_sales();
    let id = add_source(&sandbox, "sales.csv");
    let request = json!({ "source_id": id });
    // Nobody is there, whoever may ask it.
    let database = json!({
        "connector_type": "postgresql",
        "credentials": {"connection_string": "postgresql://u:p@127.0.0.1:1/d"},
    });
    let begun = |server: &Server| {
        assert_eq!(server.post("/infer/schema", &request).status, 200);
        let asked = server.post("/test/database-connection", &database);
        assert_eq!((asked.status, asked.code()), (400, "unavailable"), "{asked:?}");
        assert_eq!(server.get("/info").body["features"]["authentication"], false);
    };
    for isolation in ["process", "thread"] {
        let server = Server::start(&sandbox, &["--isolation", isolation]);
        begun(&server);
        let key = sandbox.run(&["keys", "create", "first"]).succeeds().stdout().trim().to_owned();
        until("callers are asked", || {
            (server.post("/infer/schema", &request).status == 401).then_some(())
        });
        let header = format!("x-api-key: {key}\r\n");
        assert_eq!(server.post_with("/infer/schema", &header, &request).status, 200);
        assert_eq!(server.get("/info").body["features"]["authentication"], true);
        // As after a restart, what is in private networks is no business of callers any more.
        let refused = server.post_with("/test/database-connection", &header, &database);
        assert_eq!((refused.status, refused.code()), (400, "permission_denied"), "{refused:?}");
        let (_, log) = server.stop("TERM");
        assert!(log.contains("callers are asked who they are from now on"), "{log}");
        sandbox.run(&["keys", "revoke", &key[4..16]]).succeeds();
    }
    // It was told not to.
    sandbox.run(&["keys", "create", "second"]).succeeds();
    let server = Server::start(&sandbox, &["--authentication", "off"]);
    begun(&server);
    server.stop("TERM");
}

#[test]
fn a_key_reads_what_is_its_organisation_s() {
    let sandbox = Sandbox::with_sales();
    let id = add_source(&sandbox, "sales.csv");
    let create = ["keys", "create", "another", "--org", "acme"];
    let key = sandbox.run(&create).succeeds().stdout().trim().to_owned();
    let server = Server::start(&sandbox, &[]);
    let header = format!("x-api-key: {key}\r\n");
    let answer = server.post_with("/infer/schema", &header, &json!({ "source_id": id }));
    assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
    assert_eq!(server.get_with("/metrics", &header).status, 403);
    server.stop("TERM");
}

#[test]
fn the_port_is_that_of_the_environment() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.tundra(&["serve"]);
    let server = Server::begin(command.env("PORT", "0").env("DB_POOL_SIZE", "5").env("ENV", "dev"));
    assert!(!server.address().ends_with(":8080"), "{}", server.address());
    let (_, log) = server.stop("TERM");
    assert!(log.contains("without meaning since Tundra 5: DB_POOL_SIZE"), "{log}");
    assert!(log.contains("stage           dev\n"), "{log}");
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_begun() {
    let sandbox = Sandbox::new();
    for (variable, value) in [
        ("PORT", "http"),
        ("TUNDRA_ISOLATION", "none"),
        ("MAX_CONCURRENT_RUNS", "0"),
        ("MAX_MEMORY_USAGE_GB", "much"),
        ("MAX_FILE_SIZE_MB", "-1"),
        ("TUNDRA_RATE_CONVERT", "often"),
        ("TUNDRA_TRUSTED_PROXIES", "proxy"),
        ("PARQUET_COMPRESSION", "rar"),
        ("PARQUET_ROW_GROUP_SIZE", "0"),
        ("MAX_QUEUED_JOBS", "0"),
        ("MAX_QUEUED_JOBS_PER_ORGANISATION", "many"),
        ("TUNDRA_SECRETS_OF_ORGANISATIONS", "some"),
        ("TUNDRA_LOG_FORMAT", "xml"),
    ] {
        let mut command = sandbox.tundra(&["serve", "--port", "0"]);
        sandbox.finish(command.env(variable, value)).fails(2, &[variable, value, "unset it"]);
    }
    sandbox.run(&["serve", "--listen", "here there"]).fails(2, &["`here there` is no address"]);
    // Nobody makes a directory there.
    sandbox
        .run(&["serve", "--temp-dir", "/proc/nowhere"])
        .fails(4, &["`/proc/nowhere`", "--temp-dir"]);
    sandbox.holds_only(&[]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    sandbox
        .run(&["serve", "--port", &port])
        .fails(9, &["could not listen on 127.0.0.1:", "--port"]);
}
