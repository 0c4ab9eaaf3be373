//! `tundra keys`.

use crate::support::{Sandbox, shows};

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["keys", "create", "dashboard", "--org", "acme", "--actions", "read"]);
    let ran = ran.succeeds();
    let key = ran.stdout().trim().to_owned();
    assert_eq!((key.len(), &key[..4]), (55, "tnd_"), "{ran}");
    assert!(ran.stderr.contains("the only time that the key is shown"), "{ran}");
    assert!(ran.stderr.contains("it may read for the organisation `acme`"), "{ran}");

    let listed = sandbox.run(&["keys", "list"]).succeeds();
    assert!(listed.stdout().contains("dashboard") && listed.stdout().contains("acme"), "{listed}");
    let secret = &key[17..];
    assert!(!listed.to_string().contains(secret), "{listed}");
    let json = sandbox.run(&["keys", "list", "--json"]).succeeds();
    assert_eq!(json.json()[0]["id"], key[4..16]);
    assert_eq!(json.json()[0]["state"], "valid");
    assert!(!json.to_string().contains(secret), "{json}");
}

#[test]
fn a_key_as_json_has_the_key_itself() {
    let sandbox = Sandbox::new();
    let create = ["keys", "create", "nightly", "--expires-in", "90d", "--json"];
    let document = sandbox.run(&create).succeeds().json();
    assert!(document["key"].as_str().unwrap().starts_with("tnd_"));
    assert_eq!(document["org_id"], serde_json::Value::Null);
    assert!(document["expires_at"].is_string());
    assert_eq!(document["actions"].as_array().unwrap().len(), 4);
}

#[test]
fn a_key_is_revoked_for_good() {
    let sandbox = Sandbox::new();
    let key = sandbox.run(&["keys", "create", "a"]).succeeds().stdout().trim().to_owned();
    let id = &key[4..16];
    let ran = sandbox.run(&["keys", "revoke", id]).succeeds();
    assert!(ran.stderr.contains(&format!("revoked `{id}`, a")), "{ran}");
    sandbox.run(&["keys", "revoke", id]).succeeds();
    let json = sandbox.run(&["keys", "list", "--json"]).succeeds().json();
    assert_eq!(json[0]["state"], "revoked");
    sandbox.run(&["keys", "revoke", "000000000000"]).fails(4, &["there is no key `000000000000`"]);
}

#[test]
fn keys_are_in_the_data_directory() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("data");
    let directory = directory.to_str().unwrap();
    sandbox.run(&["keys", "create", "a", "--data-directory", directory]).succeeds();
    let mut command = sandbox.tundra(&["keys", "list", "--json"]);
    let ran = sandbox.finish(command.env("TUNDRA_DATA_DIRECTORY", directory)).succeeds();
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    assert_eq!(sandbox.run(&["keys", "list", "--json"]).succeeds().json(), serde_json::json!([]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = Sandbox::new();
    shows!(sandbox.run(&["keys", "create", "a", "--org", "acme", "--actions", "operate"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: could not create the key
    caused by: a key of one organisation cannot operate the service

    hint: leave out the action `operate`, or make the key for all organisations
    ");
    sandbox.run(&["keys", "create", "a", "--actions", "everything"]).fails(2, &["`everything`"]);
    sandbox.run(&["keys", "create", " "]).fails(2, &["the name has"]);
}

#[test]
fn the_key_of_webhooks_is_made_of_that_of_the_server() {
    let sandbox = Sandbox::new();
    sandbox.run(&["keys", "webhook", "acme"]).fails(2, &["TUNDRA_WEBHOOK_KEYS"]);
    let of = |org: &str, key: &str| {
        let mut command = sandbox.tundra(&["keys", "webhook", org]);
        sandbox.finish(command.env("TUNDRA_WEBHOOK_KEYS", key))
    };
    let key = format!("whsec_{}", "A".repeat(44));
    let refused = of("acme", "hush-hush").fails(2, &["holds no keys"]);
    assert!(!refused.to_string().contains("hush"), "{refused}");
    let key = key.replacen(&"A".repeat(44), &format!("{}=", "A".repeat(43)), 1);
    let acme = of("acme", &key).succeeds();
    assert!(acme.stdout().starts_with("whsec_"), "{acme}");
    assert_ne!(acme.stdout(), of("other", &key).succeeds().stdout());
    assert!(!acme.stdout().contains(&key));
}
