//! `tundra serve`, asked over real connections.

mod crashes;
mod ending;
mod health;
mod secrets;
mod server;
mod starting;
mod traces;

use serde_json::json;

use self::server::Server;
use crate::support::Sandbox;

/// Adds the source `sales`, which is read from `sales.csv`, and returns its id.
fn add_source(sandbox: &Sandbox, file: &str) -> String {
    let ran = sandbox.run(&["source", "add", "sales", file]).succeeds();
    ran.stdout().trim().to_owned()
}

/// The versions of `sales`: number, status and message.
fn versions(sandbox: &Sandbox) -> Vec<(u64, String, String)> {
    let versions = sandbox.run(&["versions", "sales", "--json"]).succeeds().json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let versions = versions.as_array().unwrap().iter();
    let told = versions.map(|it| {
        (it["version"].as_u64().unwrap(), text(&it["status"]), text(&it["error_message"]))
    });
    told.collect()
}

#[test]
fn a_source_is_converted_in_either_isolation() {
    for isolation in ["process", "thread"] {
        let sandbox = Sandbox::with_sales();
        let id = add_source(&sandbox, "sales.csv");
        let server = Server::start(&sandbox, &["--isolation", isolation]);
        let answer = server.post("/convert/file", &json!({ "source_id": id }));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["success"], true, "{answer:?}");
        assert_eq!(answer.body["metadata"]["version"], 1, "{answer:?}");
        assert_eq!(answer.body["metadata"]["rows"], 3, "{answer:?}");
        assert_eq!(answer.body["metadata"]["source_type"], "file", "{answer:?}");

        // What is wrong with the data is told alike, whoever found it.
        sandbox.write("sales.csv", "id,name\n1,apple\n2,pear,x\n3,plum\n");
        let answer = server.post("/convert/file", &json!({ "source_id": id }));
        assert_eq!((answer.status, answer.code()), (400, "invalid_data"), "{answer:?}");
        assert_eq!(answer.body["line"], 3, "{answer:?}");
        assert_eq!(answer.body["version"], 2, "{answer:?}");
        server.stop("TERM");

        let versions = versions(&sandbox);
        assert_eq!((versions[0].0, versions[0].1.as_str()), (2, "error"));
        assert_eq!((versions[1].0, versions[1].1.as_str()), (1, "active"));
        let data = sandbox.run(&["source", "show", "sales", "--json"]).succeeds().json();
        let data = data["data"].as_str().unwrap().to_owned();
        let bytes = std::fs::read(data).unwrap();
        assert_eq!(crate::support::rows_of(bytes).len(), 3);
        sandbox.holds_only(&["sales.csv"]);
    }
}

#[test]
fn a_schema_is_inferred_and_a_source_of_nobody_is_not_there() {
    let sandbox = Sandbox::with_sales();
    let id = add_source(&sandbox, "sales.csv");
    let server = Server::start(&sandbox, &[]);
    let answer = server.post("/infer/schema", &json!({ "source_id": id }));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["schema"]["total_columns"], 3, "{answer:?}");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let answer = server.post("/convert/file", &json!({ "source_id": nobody }));
    assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
    server.stop("TERM");
}
