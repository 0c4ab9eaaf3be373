//! Inputs that cannot be converted. Each has its message and its exit code, and leaves nothing.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Sandbox, shows};

/// Runs both commands on an input and checks that neither leaves anything.
#[track_caller]
fn refuses(content: &[u8], name: &str, code: i32, says: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write(name, content);
    for command in ["convert", "inspect"] {
        if command == "inspect" || !name.ends_with(".parquet") {
            sandbox.run(&[command, name]).fails(code, says);
        }
        sandbox.holds_only(&[name]);
    }
}

#[test]
fn a_missing_input_is_named() {
    let sandbox = Sandbox::new();
    for command in ["convert", "inspect"] {
        sandbox.run(&[command, "sales.csv"]).fails(4, &["sales.csv", "hint: "]);
    }
    sandbox.holds_only(&[]);
    shows!(sandbox.run(&["convert", "sales.csv"]), @"
    exit code: 4
    ----- stdout -----
    ----- stderr -----
    error: could not read the input
    caused by: no such file or object: `sales.csv`

    hint: check the spelling and the current directory
    ");
}

#[test]
fn an_empty_input_is_an_error() {
    refuses(b"", "empty.csv", 3, &["`empty.csv` is empty", "hint: "]);
    refuses(b"", "empty.json", 3, &["`empty.json` is empty"]);
    refuses(b"", "empty.parquet", 3, &["`empty.parquet` is empty"]);
}

#[test]
fn an_empty_standard_input_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.run(&["convert", "-", "-o", "x.parquet"]).fails(3, &["`standard input` is empty"]);
    sandbox.holds_only(&[]);
}

#[test]
fn an_unclosed_quote_is_located() {
    let sandbox = Sandbox::new();
    sandbox.write("cut.csv", "id,name\n1,\"a\"\n2,\"b\n3,c\n4,d\n");
    let says = ["line 3", "byte 14", "quote", "--on-bad-row", "hint: "];
    sandbox.run(&["convert", "cut.csv"]).fails(3, &says);
    sandbox.holds_only(&["cut.csv"]);
    let ran = sandbox.run(&["inspect", "cut.csv"]).succeeds();
    assert!(ran.stdout().contains("rejected_unclosed_quote: 1 record is bad"), "{ran}");
    sandbox.run(&["convert", "cut.csv", "--on-bad-row", "repair"]).succeeds();
    assert_eq!(sandbox.rows("cut.parquet").len(), 4);
}

#[test]
fn a_parquet_file_that_was_cut_off_is_recognised() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    let whole = fs::read(sandbox.path("sales.parquet")).unwrap();
    sandbox.write("cut.parquet", &whole[..whole.len() - 7]);
    for arguments in
        [vec!["convert", "cut.parquet", "-o", "out.parquet"], vec!["inspect", "cut.parquet"]]
    {
        sandbox
            .run(&arguments)
            .fails(3, &["`cut.parquet` is not a complete Parquet file", "hint: "]);
    }
    sandbox.holds_only(&["cut.parquet", "sales.csv", "sales.parquet"]);
}

#[test]
fn a_binary_input_is_recognised() {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0".to_vec();
    png.extend((0..5000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
    for name in ["image.png", "image.csv"] {
        refuses(&png, name, 8, &[name, "--format"]);
    }
}

#[test]
fn a_directory_is_no_input() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).unwrap();
    for arguments in [vec!["convert", "data", "-o", "x.parquet"], vec!["inspect", "data"]] {
        sandbox.run(&arguments).fails(2, &["`data` is a directory", "hint: "]);
    }
    sandbox.run(&["convert", "data/"]).fails(4, &["no file in `data/`", "hint: "]);
    sandbox.holds_only(&["data"]);
}

#[test]
fn an_unreadable_input_says_that_permission_is_missing() {
    let sandbox = Sandbox::with_sales();
    let file = sandbox.path("sales.csv");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    for command in ["convert", "inspect"] {
        sandbox
            .run_as_nobody(&[command, "sales.csv"])
            .fails(5, &["no permission to read `sales.csv`", "hint: "]);
    }
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn broken_json_is_located() {
    for (content, name, place) in [
        ("[{\"a\": 1}, {\"a\": 2,}]", "a.json", "line 1"),
        ("{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", "a.ndjson", "line 2"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(name, content);
        sandbox.run(&["convert", name]).fails(3, &[place, "byte", "hint: "]);
        sandbox.holds_only(&[name]);
        // What is wrong with some records is no reason to say nothing of the others.
        let ran = sandbox.run(&["inspect", name]).succeeds();
        assert!(ran.stdout().contains("rejected_bad_json: 1 record is bad"), "{ran}");
        assert!(ran.stdout().contains(place), "{ran}");
    }
}

#[test]
fn a_value_that_does_not_fit_a_forced_type_is_located() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,day\n1,2024-01-31\n2,tomorrow\n");
    sandbox
        .run(&["convert", "a.csv", "--type", "day=DATE"])
        .fails(3, &["line 3", "`day`", "`tomorrow`", "--on-bad-row reject"]);
    sandbox.holds_only(&["a.csv"]);
    shows!(sandbox.run(&["convert", "a.csv", "--type", "day=DATE"]), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: could not read `a.csv`
    caused by: line 3 (byte 20, record 2), column `day`: no DATE: `tomorrow`

    hint: give the column another `--type`, or use `--on-bad-row reject` to set such rows aside
    ");
}
