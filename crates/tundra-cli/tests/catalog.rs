//! Catalogued sources and their versions, with a catalog and a warehouse that nobody set up.

use std::fs;

use crate::support::{Sandbox, shows};

/// A sandbox with a source `sales` that is read from `sales.csv`.
fn with_source() -> Sandbox {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["source", "add", "sales", "sales.csv"]).succeeds();
    let id = ran.stdout().trim();
    assert_eq!((id.len(), id.lines().count()), (36, 1), "{ran}");
    sandbox
}

#[test]
fn a_source_is_converted_again_and_again() {
    let sandbox = with_source();
    let ran = sandbox.run(&["convert", "--source", "sales"]).succeeds();
    assert!(ran.stderr.contains("v1 of `sales`\n"), "{ran}");
    assert!(ran.stderr.contains("3 records counted = 3 written"), "{ran}");

    sandbox.write("sales.csv", "id,name,price,note\n1,apple,1.50,x\n2,pear,12.25,y\n");
    let ran = sandbox.run(&["convert", "--source", "sales"]).succeeds();
    assert!(ran.stderr.contains("v2 of `sales`; against the version before: "), "{ran}");
    assert!(ran.stderr.contains("1 added"), "{ran}");

    let versions = sandbox.run(&["versions", "sales", "--json"]).succeeds().json();
    let told: Vec<(u64, &str, u64, bool)> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["version"].as_u64().unwrap(),
                it["status"].as_str().unwrap(),
                it["row_count"].as_u64().unwrap(),
                it["is_current"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(2, "active", 2, true), (1, "active", 3, false)]);
    assert_eq!(versions[0]["differences"][0]["change"], "added");

    let shown = sandbox.run(&["source", "show", "sales", "--json"]).succeeds().json();
    assert_eq!(shown["current_version"], 2);
    let data = shown["data"].as_str().unwrap();
    assert!(data.ends_with("/v2/data.parquet") && fs::metadata(data).is_ok(), "{data}");
    assert!(fs::metadata(data.replace("data.parquet", "_manifest.json")).is_ok());
}

#[test]
fn versions_are_a_table_for_a_person() {
    let sandbox = with_source();
    sandbox.run(&["convert", "--source", "sales"]).succeeds();
    sandbox.write("sales.csv", "id,name\n1,apple\n2,pear,x\n3,plum\n");
    sandbox.run(&["convert", "--source", "sales"]).fails(3, &["line 3"]);
    let ran = sandbox.run(&["versions", "sales"]).succeeds();
    let lines: Vec<&str> = ran.stdout().lines().collect();
    assert!(lines[0].contains("version") && lines[0].contains("changes"), "{ran}");
    assert!(lines[1].contains("v2 ") && lines[1].contains("error"), "{ran}");
    assert!(lines[1].contains("line 3"), "{ran}");
    assert!(lines[2].contains("v1 *") && lines[2].contains("active"), "{ran}");
}

#[test]
fn a_rollback_and_its_way_forward() {
    let sandbox = with_source();
    for _ in 0..3 {
        sandbox.run(&["convert", "--source", "sales"]).succeeds();
    }
    let ran = sandbox.run(&["rollback", "sales", "v2", "--reason", "wrong prices"]).succeeds();
    shows!(ran, @r"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    readers of `sales` see v2 now, and no longer v3
    ");
    sandbox.run(&["rollback", "sales", "9"]).fails(4, &["version"]);
    sandbox.run(&["rollback", "sales", "0"]).fails(2, &["number of a version"]);
    // The next run leads forward, with a number that was never used.
    let ran = sandbox.run(&["convert", "--source", "sales"]).succeeds();
    assert!(ran.stderr.contains("v4 of `sales`"), "{ran}");
    let shown = sandbox.run(&["source", "show", "sales", "--json"]).succeeds().json();
    assert_eq!(shown["current_version"], 4);
}

#[test]
fn two_versions_are_compared() {
    let sandbox = with_source();
    sandbox.run(&["convert", "--source", "sales"]).succeeds();
    sandbox.write("sales.csv", "id,name\n1,apple\n2,pear\n");
    sandbox.run(&["convert", "--source", "sales"]).succeeds();
    let ran = sandbox.run(&["diff", "sales", "1", "2"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout().contains("removed  price") && ran.stderr.is_empty(), "{ran}");
    let diff = sandbox.run(&["diff", "sales", "1", "2", "--json"]).json();
    assert_eq!(diff["is_breaking"], true);
    assert_eq!(diff["from"]["row_count"], 3);
    assert_eq!(diff["to"]["row_count"], 2);
    let same = sandbox.run(&["diff", "sales", "2", "2"]).succeeds();
    assert!(same.stdout().contains("the columns are the same"), "{same}");

    // With a key the rows are compared as well.
    let diff = sandbox.run(&["diff", "sales", "1", "2", "--key", "id", "--json"]).json();
    assert_eq!(diff["rows"]["removed"], 1);
    assert_eq!(diff["rows"]["same"], 2);
    assert_eq!(diff["columns"][0]["change"], "removed");
    sandbox.run(&["diff", "sales", "1", "9", "--key", "id"]).fails(4, &["v9"]);
    sandbox.run(&["diff", "sales", "other.csv", "9"]).fails(2, &["no version", "tundra diff A B"]);
}

#[test]
fn a_source_can_refuse_what_breaks_its_readers() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["source", "add", "sales", "sales.csv", "--refuse-breaking"]).succeeds();
    sandbox.run(&["convert", "--source", "sales"]).succeeds();
    sandbox.write("sales.csv", "id,name\n1,apple\n2,pear\n");
    sandbox
        .run(&["convert", "--source", "sales"])
        .fails(3, &["v2 would break readers of v1", "removed `price`", "schema rule"]);
}

#[test]
fn old_versions_go_only_when_it_is_said() {
    let sandbox = with_source();
    for _ in 0..4 {
        sandbox.run(&["convert", "--source", "sales"]).succeeds();
    }
    let ran = sandbox.run(&["gc", "--keep", "2"]).succeeds();
    let lines: Vec<&str> = ran.stdout().lines().collect();
    assert_eq!(lines.len(), 2, "{ran}");
    assert!(lines[0].starts_with("sales\tv2\told version\t"), "{ran}");
    assert!(ran.stderr.starts_with("would remove 2 old versions"), "{ran}");
    assert!(ran.stderr.contains("`--yes`"), "{ran}");
    let count = |sandbox: &Sandbox| {
        let versions = sandbox.run(&["versions", "sales", "--json"]).succeeds().json();
        versions.as_array().unwrap().len()
    };
    assert_eq!(count(&sandbox), 4);
    let ran = sandbox.run(&["gc", "sales", "--keep", "2", "--yes"]).succeeds();
    assert!(ran.stderr.starts_with("removed 2 old versions"), "{ran}");
    assert_eq!(count(&sandbox), 2);
    let ran = sandbox.run(&["gc"]).succeeds();
    assert_eq!(ran.stderr, "there is nothing to remove\n");
}

#[test]
fn a_source_is_removed_when_it_is_said_what_becomes_of_its_data() {
    let sandbox = with_source();
    sandbox.run(&["convert", "--source", "sales"]).succeeds();
    sandbox.run(&["source", "remove", "sales"]).fails(2, &["--purge", "--keep-data"]);
    let shown = sandbox.run(&["source", "show", "sales", "--json"]).succeeds().json();
    let data = shown["data"].as_str().unwrap().to_owned();
    let ran = sandbox.run(&["source", "remove", "sales", "--purge"]).succeeds();
    assert_eq!(ran.stderr, "removed `sales` and 2 objects\n");
    assert!(fs::metadata(data).is_err());
    sandbox.run(&["source", "show", "sales"]).fails(4, &["`sales`", "tundra source list"]);
    let ran = sandbox.run(&["source", "list"]).succeeds();
    assert!(ran.stdout().is_empty() && ran.stderr.contains("tundra source add"), "{ran}");
}

#[test]
fn a_key_makes_one_version_of_two_requests() {
    let sandbox = with_source();
    let arguments = ["convert", "--source", "sales", "--idempotency-key", "k1", "--json"];
    let first = sandbox.run(&arguments).succeeds().json();
    assert_eq!(first["is_new"], true);
    assert_eq!(first["receipt"]["counts"]["written"], 3);
    let second = sandbox.run(&arguments).succeeds().json();
    assert_eq!(second["is_new"], false);
    assert_eq!(second["version"], first["version"]);
}

#[test]
fn an_input_can_be_given_to_a_run() {
    let sandbox = Sandbox::new();
    sandbox.run(&["source", "add", "events"]).succeeds();
    let ran = sandbox.run(&["convert", "--source", "events"]);
    ran.fails(4, &["nothing was uploaded", "uploads/"]);
    let input = b"{\"a\":1}\n{\"a\":2}\n";
    let ran = sandbox.run_with_input(&["convert", "-", "--source", "events"], input).succeeds();
    assert!(ran.stderr.contains("v2 of `events`"), "{ran}");
}

#[test]
fn one_organisation_does_not_see_the_sources_of_another() {
    let sandbox = Sandbox::with_sales();
    let add = ["source", "add", "sales", "sales.csv", "--org", "acme"];
    let id = sandbox.run(&add).succeeds().stdout().trim().to_owned();
    sandbox.run(&["source", "add", "sales", "sales.csv", "--org", "other"]).succeeds();
    for name in [&*id, "nobody"] {
        sandbox.run(&["source", "show", name, "--org", "other"]).fails(4, &[]);
    }
    let listed = sandbox.run(&["source", "list", "--org", "acme", "--json"]).succeeds().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    // Without an organisation a name that two of them have is no name.
    sandbox.run(&["source", "show", "sales"]).fails(11, &["sales"]);
    sandbox.run(&["source", "show", &id]).succeeds();
    sandbox.run(&["source", "list", "--org", "no such org"]).fails(2, &["--org"]);
}

#[test]
fn a_name_is_taken_once() {
    let sandbox = with_source();
    sandbox.run(&["source", "add", "sales", "sales.csv"]).fails(6, &["sales"]);
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    sandbox.run(&["source", "add", id, "sales.csv"]).fails(2, &["--id"]);
    sandbox.run(&["source", "add", "piped", "-"]).fails(2, &["standard input"]);
    let signed = "https://example.org/a.csv?X-Amz-Signature=hunter2";
    let ran = sandbox.run(&["source", "add", "signed", signed]);
    assert!(!ran.stderr.contains("hunter2"), "{ran}");
    ran.fails(2, &["signature"]);
}

#[test]
fn options_that_make_no_sense_with_a_source_are_refused() {
    let sandbox = with_source();
    for option in ["-o", "--receipt"] {
        let arguments = ["convert", "--source", "sales", option, "x"];
        sandbox.run(&arguments).fails(2, &["cannot be used with"]);
    }
    sandbox.run(&["convert", "sales.csv", "--idempotency-key", "k"]).fails(2, &["--source"]);
    sandbox.run(&["convert"]).fails(2, &[]);
}

#[test]
fn a_catalog_that_is_none_is_said_to_be_none() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["source", "list", "--catalog", "sales.csv"]);
    ran.fails(2, &["sales.csv", "is no SQLite file"]);
    sandbox.run(&["source", "list", "--catalog", "supabase"]).fails(2, &["SUPABASE_URL"]);
    let ran = sandbox.run(&["source", "list", "--warehouse", "ftp://x"]);
    ran.fails(2, &["--warehouse", "ftp://x"]);
}

#[test]
fn a_catalog_and_a_warehouse_can_be_chosen() {
    let sandbox = Sandbox::with_sales();
    fs::create_dir(sandbox.path("lake")).unwrap();
    let here = ["--catalog", "mine.db", "--warehouse", "lake", "--org", "acme"];
    let run = |arguments: &[&str]| sandbox.run(&[arguments, &here].concat()).succeeds();
    run(&["source", "add", "sales", "sales.csv"]);
    run(&["convert", "--source", "sales"]);
    assert!(sandbox.path("lake/org-acme/processed").is_dir());
    // What stands in the environment is the same.
    let mut command = sandbox.tundra(&["source", "list"]);
    command.env("TUNDRA_CATALOG", "mine.db").env("TUNDRA_WAREHOUSE", "lake");
    let ran = sandbox.finish(command.env("TUNDRA_ORG", "acme")).succeeds();
    assert!(ran.stdout().contains("sales"), "{ran}");
}
