//! Bad records set aside or made to fit.

use crate::support::{Sandbox, shows};

/// Two good records and one with a field too many.
const RAGGED: &str = "id,name\n1,x\n2,y,z\n3,w\n";

/// What makes the reading of [`RAGGED`] certain, so that only the policy is under test.
const TOLD: [&str; 4] = ["--header", "--delimiter", "comma", "--quote=\""];

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["convert", "a.csv"];
    arguments.extend(TOLD);
    arguments.extend(more);
    arguments
}

#[test]
fn rejects_stand_beside_the_output() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    let ran = sandbox.run(&arguments(&["--on-bad-row", "reject"])).succeeds();
    sandbox.holds_only(&["a.csv", "a.parquet", "rejects.parquet"]);
    assert_eq!(sandbox.rows("a.parquet"), ["{id: 1, name: \"x\"}", "{id: 3, name: \"w\"}"]);
    let rejects = sandbox.rows("rejects.parquet");
    assert_eq!(rejects.len(), 1);
    assert!(rejects[0].contains("2,y,z") && rejects[0].contains("too_many_fields"), "{rejects:?}");
    shows!(ran, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    converted a.csv -> a.parquet
      rows      2 in 1 row group, 2 columns
      size      22 B -> [SIZE] ([SHARE] %)
      time      [TIME], [MEMORY] of memory at most
      rejected  1 record -> rejects.parquet
      proof     3 records counted = 2 written + 1 rejected; nulls agree in every column
    warning: rejected_too_many_fields: 1 time, first on line 3 (byte 12): `2,y,z`
    ");
}

#[test]
fn too_many_rejects_leave_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    for limit in ["0", "10%"] {
        sandbox
            .run(&arguments(&["--on-bad-row", "reject", "--max-rejects", limit]))
            .fails(3, &["rejected", limit, "line 3"]);
        sandbox.holds_only(&["a.csv"]);
    }
    sandbox.run(&arguments(&["--on-bad-row", "reject", "--max-rejects", "50%"])).succeeds();
}

#[test]
fn repaired_records_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    let ran = sandbox.run(&arguments(&["--on-bad-row", "repair"])).succeeds();
    sandbox.holds_only(&["a.csv", "a.parquet"]);
    assert_eq!(sandbox.rows("a.parquet").len(), 3);
    assert!(ran.stderr.contains("1 record made to fit"), "{ran}");
    assert!(ran.stderr.contains("warning: "), "{ran}");
}

#[test]
fn by_default_a_bad_record_fails_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    let ran = sandbox.run(&arguments(&[])).fails(3, &["line 3", "--on-bad-row reject"]);
    sandbox.holds_only(&["a.csv"]);
    shows!(ran, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: could not read `a.csv`
    caused by: line 3 (byte 12, record 2): 3 fields where there should be 2: `2,y,z`

    hint: mend the line, or use `--on-bad-row reject` to set such rows aside, or `--on-bad-row repair` to make them fit; a wrong `--delimiter` or `--quote` also looks like this
    ");
}

#[test]
fn a_run_that_rejects_everything_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,name\n1\n2\n3\n");
    sandbox
        .run(&arguments(&["--on-bad-row", "reject"]))
        .fails(3, &["no record of `a.csv`", "all 3", "line 2", "tundra inspect"]);
    sandbox.holds_only(&["a.csv"]);
}

#[test]
fn the_output_and_the_receipt_have_other_names_than_the_rejects() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    for more in [
        ["--on-bad-row", "reject", "--overwrite", "-o", "rejects.parquet"],
        ["--on-bad-row", "reject", "--overwrite", "--receipt", "rejects.parquet"],
    ] {
        sandbox.run(&arguments(&more)).fails(2, &["rejects.parquet", "another name"]);
        sandbox.holds_only(&["a.csv"]);
    }
}

#[test]
fn rejects_of_another_output_are_never_replaced_and_stale_ones_go() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", RAGGED);
    let reject = arguments(&["--on-bad-row", "reject", "--overwrite"]);
    sandbox.run(&reject).succeeds();
    sandbox.run(&reject).succeeds();
    let other = arguments(&["--on-bad-row", "reject", "--overwrite", "-o", "b.parquet"]);
    sandbox.run(&other).fails(2, &["rejects.parquet", "`a.parquet`", "another directory"]);
    sandbox.holds_only(&["a.csv", "a.parquet", "rejects.parquet"]);

    sandbox.write("a.csv", "id,name\n1,x\n");
    sandbox.run(&reject).succeeds();
    sandbox.holds_only(&["a.csv", "a.parquet"]);
}

#[test]
fn many_bad_records_are_told_to_be_many() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,name,note\n1,x,a,b\n2,y\n3,w,z\n");
    let ran = sandbox.run(&arguments(&["--on-bad-row", "repair"])).succeeds();
    assert!(ran.stderr.contains("most_records_bad: 2 of 3 records"), "{ran}");
}
