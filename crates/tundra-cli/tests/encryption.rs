//! `--encryption-key-file`.

use std::fs;

use crate::support::Sandbox;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn a_key_in_a_file_encrypts_and_shows_nowhere() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("key", format!("{KEY}\n"));
    let convert = ["convert", "sales.csv", "--encryption-key-file", "key", "--receipt", "r.json"];
    let ran = sandbox.run(&convert).succeeds();
    assert!(!ran.stderr.contains(KEY), "{ran}");
    assert!(!sandbox.read("r.json").contains(KEY));
    assert!(sandbox.read("r.json").contains("AES-GCM, 128 bits"));
    let bytes = fs::read(sandbox.path("sales.parquet")).unwrap();
    assert!(bytes.starts_with(b"PARE") && bytes.ends_with(b"PARE"));

    // What comes out is an input that says what is wrong with it.
    let ran = sandbox.run(&["head", "sales.parquet"]).fails(8, &["encrypted"]);
    assert!(!ran.stderr.contains("panicked"), "{ran}");

    let sql = ["query", "SELECT name FROM input", "sales.csv", "-o", "names.parquet"];
    sandbox.run(&[&sql[..], &["--encryption-key-file", "key"]].concat()).succeeds();
    assert!(fs::read(sandbox.path("names.parquet")).unwrap().ends_with(b"PARE"));
}

#[test]
fn a_wrong_key_or_place_is_told_without_the_key() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("short", "0011223344");
    let convert = ["convert", "sales.csv", "--encryption-key-file"];
    let ran = sandbox.run(&[&convert[..], &["short"]].concat()).fails(2, &["`short`", "16 or 32"]);
    assert!(!ran.stderr.contains("0011223344"), "{ran}");
    sandbox.run(&[&convert[..], &["nowhere"]].concat()).fails(4, &["nowhere"]);
    sandbox.write("key", KEY);
    for (options, words) in [
        (&["-o", "a.csv"][..], &["--encryption-key-file", "csv"][..]),
        (&["-o", "sales/", "--partition-by", "name"], &["several files"]),
        (&["--on-bad-row", "reject"], &["reject"]),
        (&["--for", "spark"], &["--for"]),
    ] {
        sandbox.run(&[&convert[..], &["key"], options].concat()).fails(2, words);
    }
    sandbox.holds_only(&["key", "sales.csv", "short"]);
}
