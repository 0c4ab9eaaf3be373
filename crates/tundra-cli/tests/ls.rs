//! `tundra ls`.

use std::fs;

use tundra_test_services::LocalS3;

use crate::{presign::with_keys, support::Sandbox};

fn with_files() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("in")).unwrap();
    for (name, content) in [("in/a.csv", "id\n1\n"), ("in/b c.csv", "id\n22\n"), ("in/d.json", "")]
    {
        sandbox.write(name, content);
    }
    sandbox
}

#[test]
fn a_directory_is_listed_as_lines_for_programs() {
    let sandbox = with_files();
    for location in ["in", "in/"] {
        let ran = sandbox.run(&["ls", location]).succeeds();
        assert_eq!(ran.stdout(), "in/a.csv\nin/b c.csv\nin/d.json\n", "{location}");
        assert!(ran.stderr.is_empty(), "{ran}");
    }
}

#[test]
fn what_is_listed_is_what_other_commands_take() {
    let sandbox = with_files();
    let listed = sandbox.run(&["ls", "in/*.csv"]).succeeds();
    assert_eq!(listed.stdout(), "in/a.csv\nin/b c.csv\n");
    for location in listed.stdout().lines() {
        sandbox.run(&["convert", location]).succeeds();
    }
}

#[test]
fn sizes_and_times_have_tabs_between_them() {
    let sandbox = with_files();
    let ran = sandbox.run(&["ls", "-l", "in/a.csv"]).succeeds();
    let fields: Vec<&str> = ran.stdout().trim_end().split('\t').collect();
    assert_eq!((fields[0], fields[2]), ("5", "in/a.csv"), "{ran}");
    assert!(fields[1].starts_with("20") && fields[1].ends_with('Z'), "{ran}");
}

#[test]
fn everything_is_json_for_programs() {
    let sandbox = with_files();
    let listed = sandbox.run(&["ls", "in", "--json"]).succeeds().json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[1]["location"], "in/b c.csv");
    assert_eq!(listed[1]["size"], 6);
    assert!(listed[1]["modified"].as_str().unwrap().ends_with('Z'), "{listed:?}");
    assert!(listed[1]["etag"].is_string(), "{listed:?}");
}

#[test]
fn nothing_in_a_place_is_no_failure_but_no_place_is() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    for location in ["empty/", "*.csv"] {
        let ran = sandbox.run(&["ls", location]).succeeds();
        assert!(ran.stdout.is_empty(), "{ran}");
        assert_eq!(ran.stderr, format!("there is nothing at {location}\n"));
        assert_eq!(sandbox.run(&["ls", "--json", location]).succeeds().json().to_string(), "[]");
    }
    sandbox.run(&["ls", "nowhere"]).fails(4, &["`nowhere`"]);
    sandbox.run(&["ls", "nowhere/"]).fails(4, &["`nowhere"]);
    sandbox.run(&["ls", "ftp://host/x"]).fails(8, &["`ftp://`"]);
    sandbox.run(&["ls", ""]).fails(2, &["empty"]);
}

#[test]
fn a_bucket_is_listed_by_prefix_and_pattern() {
    let (server, sandbox) = (LocalS3::start().unwrap(), Sandbox::new());
    let bucket = server.folder().join(&server.store().bucket);
    for name in ["in/a.csv", "in/deep/b.csv", "in/c.json", "inner/d.csv"] {
        fs::create_dir_all(bucket.join(name).parent().unwrap()).unwrap();
        fs::write(bucket.join(name), name).unwrap();
    }
    for (location, expected) in [
        ("s3://tundra/", vec!["in/a.csv", "in/c.json", "in/deep/b.csv", "inner/d.csv"]),
        ("s3://tundra/in/", vec!["in/a.csv", "in/c.json", "in/deep/b.csv"]),
        ("s3://tundra/in/*.csv", vec!["in/a.csv"]),
        ("s3://tundra/**/*.csv", vec!["in/a.csv", "in/deep/b.csv", "inner/d.csv"]),
        ("s3://tundra/in/c.json", vec!["in/c.json"]),
        ("s3://tundra/out/", vec![]),
    ] {
        let ran = sandbox.finish(&mut with_keys(sandbox.tundra(&["ls", location]), server.store()));
        let ran = ran.succeeds();
        let listed: Vec<&str> =
            ran.stdout().lines().filter_map(|it| it.strip_prefix("s3://tundra/")).collect();
        assert_eq!(listed, expected, "{location}: {ran}");
    }
    let long = with_keys(sandbox.tundra(&["ls", "-l", "s3://tundra/in/a.csv"]), server.store());
    let ran = sandbox.finish(&mut { long }).succeeds();
    assert!(ran.stdout().starts_with("8\t20"), "{ran}");
    let missing = with_keys(sandbox.tundra(&["ls", "s3://tundra/no.csv"]), server.store());
    sandbox.finish(&mut { missing }).fails(4, &["`s3://tundra/no.csv`"]);
}
