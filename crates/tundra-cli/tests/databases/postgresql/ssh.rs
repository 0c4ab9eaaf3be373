//! PostgreSQL through an SSH server, which an option or the URL names.

use std::fs;

use tundra_test_services::env;

use super::with_shop;

#[test]
fn a_database_is_reached_through_the_ssh_server_that_is_named() {
    let (sandbox, database) = with_shop();
    let ssh = env::ssh().unwrap();
    let (url, address) = (database.url(), ssh.address);
    let public = fs::read_to_string(ssh.folder.join("host_ed25519.pub")).unwrap();
    let public: Vec<&str> = public.split_whitespace().take(2).collect();
    let known = format!("[{}]:{} {}\n", address.ip(), address.port(), public.join(" "));
    sandbox.write("known_hosts", known);
    let server = format!("{}@{address}", ssh.user);
    let key = ssh.folder.join("id_ed25519").to_string_lossy().into_owned();
    let options =
        ["--ssh", &server, "--ssh-key", &key, "--ssh-known-hosts", "known_hosts"].to_vec();
    let run = |arguments: &[&str]| sandbox.run(&[arguments, &options].concat());

    let ran = run(&["extract", &url, "--table", "orders"]).succeeds();
    assert!(ran.stderr.contains(&address.to_string()), "{ran}");
    run(&["dump", &url, "-o", "dump"]).succeeds();
    run(&["tables", &url]).succeeds();
    let found = run(&["test-connection", &url, "--json"]).succeeds().json();
    let tunnel = found["tunnel"].as_str().unwrap();
    assert!(tunnel.starts_with(&address.to_string()) && tunnel.contains("SHA256:"), "{tunnel}");

    let named = format!("{url}?ssh_host=127.0.0.1");
    run(&["tables", &named]).fails(2, &["another one is to be used"]);
    sandbox.run(&["tables", &url, "--ssh-key", &key]).fails(2, &["none is named"]);
    run(&["tables", "sqlite:shop.db"]).fails(2, &["is of no use for a file"]);
    sandbox.write("known_hosts", "");
    run(&["tables", &url]).fails(5, &["no key of it is known", "SHA256:", "ssh-keyscan"]);
}

#[test]
fn a_source_keeps_the_ssh_server_and_no_secret_of_it() {
    let (sandbox, database) = with_shop();
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    let bare = format!("{scheme}://{user}@{place}");
    let options = ["--ssh", "me@bastion:2222", "--ssh-key", "key", "--ssh-known-hosts", "hosts"];
    let add = ["source", "add", "orders", &bare, "--json"];
    let added = sandbox.run(&[&add[..], &options[..]].concat()).succeeds().json();
    let location = added["location"].as_str().unwrap();
    assert!(
        location.contains("ssh_host=bastion&ssh_port=2222&ssh_user=me&ssh_key=%2F"),
        "{location}"
    );
    let secret = format!("{bare}?ssh_host=b&ssh_passphrase=hunter2");
    let ran = sandbox.run(&["source", "add", "other", &secret]).fails(2, &["passphrase"]);
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
}
