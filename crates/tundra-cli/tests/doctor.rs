//! `tundra doctor`.

use crate::support::Sandbox;

fn check<'a>(document: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}: {document}"))
}

#[test]
fn where_nothing_is_configured_nothing_is_wrong() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["doctor"]).succeeds();
    for name in ["configuration", "catalog", "warehouse", "secrets", "tokens", "memory", "temp"] {
        assert!(ran.stdout().contains(&format!("ok     {name} ")), "{name}: {ran}");
    }
    assert!(!ran.stdout().contains("wrong"), "{ran}");
    let document = sandbox.run(&["doctor", "--json"]).succeeds().json();
    assert_eq!(document["ok"], true);
    assert!(check(&document, "warehouse")["detail"].as_str().unwrap().contains("org-local/"));
    sandbox.holds_only(&[]);
}

#[test]
fn what_is_wrong_is_said_with_a_way_out_and_the_rest_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.db", "no catalog at all, but a text of some length");
    let ran = sandbox.run(&["doctor", "--catalog", "catalog.db", "--listen", "0.0.0.0", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    let document = ran.json();
    assert_eq!(document["ok"], false);
    for name in ["catalog", "access"] {
        let found = check(&document, name);
        assert_eq!(found["ok"], false, "{found}");
        assert!(!found["hints"].as_array().unwrap().is_empty(), "{found}");
    }
    assert_eq!(check(&document, "secrets")["ok"], true);
    assert!(ran.stderr.contains("2 of 9 checks found something wrong"), "{ran}");
}

#[test]
fn a_variable_that_makes_no_sense_is_a_finding() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.tundra(&["doctor"]);
    let ran = sandbox.finish(command.env("MAX_MEMORY_USAGE_GB", "much"));
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout().starts_with("wrong  configuration  "), "{ran}");
    assert!(ran.stdout().contains("MAX_MEMORY_USAGE_GB"), "{ran}");
}

#[test]
fn a_collector_that_does_not_answer_is_found_out() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.tundra(&["doctor", "--json"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2");
    let ran = sandbox.finish(&mut command);
    assert_eq!(ran.code, Some(1), "{ran}");
    let document = ran.json();
    let found = check(&document, "traces");
    assert_eq!(found["ok"], false);
    assert!(found["detail"].as_str().unwrap().contains("there is no connection"), "{found}");
    assert!(!document.to_string().contains("hunter2"), "{document}");
}

#[test]
fn an_issuer_that_does_not_answer_is_found_out() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.tundra(&["doctor", "--json"]);
    // Nobody listens there.
    command
        .env("TUNDRA_JWT_ISSUER", "https://issuer.example")
        .env("TUNDRA_JWT_KEYS_URL", "http://127.0.0.1:1/keys.json");
    let ran = sandbox.finish(&mut command);
    assert_eq!(ran.code, Some(1), "{ran}");
    let document = ran.json();
    assert_eq!(check(&document, "tokens")["ok"], false);
    assert_eq!(check(&document, "access")["ok"], true);
}
