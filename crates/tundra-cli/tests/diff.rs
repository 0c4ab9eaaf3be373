//! `tundra diff` of two files. That of two versions stands among the tests of the catalog.

use crate::support::{Ran, Sandbox};

const LONG: &str = "an apple of a name so long that nobody reads all of it";

fn with_two() -> Sandbox {
    let sandbox = Sandbox::with_sales();
    let now =
        format!("id,name,price,note\n5,plum,5.00,\n3,,0.75,\n2,\"pear \",2.50,\n1,{LONG},1.50,\n");
    sandbox.write("now.csv", now);
    sandbox
}

/// Checks that there are differences, and that these things are said of them.
#[track_caller]
fn differs(ran: Ran, says: &[&str]) -> Ran {
    assert_eq!(ran.code, Some(1), "{ran}");
    for text in says {
        assert!(ran.stdout().contains(text), "`{text}` is missing: {ran}");
    }
    ran
}

#[test]
fn changed_removed_and_added_rows_are_shown() {
    let sandbox = with_two();
    let says = [
        "added   note",
        "rows by `id`: 1 the same, 2 changed, 0 removed, 1 added",
        "changed in rows",
        "'pear '",
        LONG,
        "\n  added:\n",
        "plum",
    ];
    let ran = differs(sandbox.run(&["diff", "sales.csv", "now.csv", "--key", "id"]), &says);
    assert!(ran.stderr.is_empty(), "{ran}");
    let says = ["0 added", "\n  removed:\n", "removed  note"];
    differs(sandbox.run(&["diff", "now.csv", "sales.csv", "--key", "id"]), &says);
    let first = ["diff", "sales.csv", "now.csv", "--key", "id", "--limit", "1"];
    differs(sandbox.run(&first), &["changed, the first 1 of 2 rows:"]);
}

#[test]
fn without_a_key_rows_are_compared_as_wholes_and_a_key_is_proposed() {
    let sandbox = with_two();
    let again = "id,name,price\n1,apple,1.50\n1,apple,1.50\n1,apple,1.50\n2,pear,2.25\n3,,0.75\n";
    sandbox.write("again.csv", again);
    let says = ["rows by all of 3 columns: 3 the same, 0 removed, 2 added", "times"];
    let ran = differs(sandbox.run(&["diff", "sales.csv", "again.csv"]), &says);
    assert!(ran.stderr.is_empty(), "{ran}");
    let ran = differs(sandbox.run(&["diff", "sales.csv", "now.csv"]), &["1 the same, 2 removed"]);
    assert!(ran.stderr.contains("--key 'id'"), "{ran}");
}

#[test]
fn what_is_the_same_ends_with_0() {
    let sandbox = with_two();
    sandbox.run(&["convert", "sales.csv", "-q"]).succeeds();
    let ran = sandbox.run(&["diff", "sales.csv", "sales.parquet", "--key", "id"]).succeeds();
    assert!(ran.stdout().ends_with("\n  nothing differs\n"), "{ran}");
    let sales = sandbox.read("sales.csv");
    sandbox.run_with_input(&["diff", "-", "sales.parquet"], sales.as_bytes()).succeeds();
    let chosen = ["diff", "sales.csv", "now.csv", "--key", "id", "--columns", "id"];
    differs(sandbox.run(&chosen), &["3 the same, 0 changed, 0 removed, 1 added"]);
    sandbox.holds_only(&["now.csv", "sales.csv", "sales.parquet"]);
}

#[test]
fn programs_get_json() {
    let sandbox = with_two();
    let ran = differs(sandbox.run(&["diff", "sales.csv", "now.csv", "--key", "id", "--json"]), &[]);
    assert!(ran.stderr.is_empty(), "{ran}");
    let found = ran.json();
    assert_eq!(found["same"], false);
    assert_eq!(found["a"]["rows"], 3);
    assert_eq!(found["b"]["columns"][3]["name"], "note");
    assert_eq!(found["columns"][0]["change"], "added");
    let rows = &found["rows"];
    assert_eq!(rows["matched"], "by_key");
    assert_eq!((rows["same"].as_u64(), rows["changed"].as_u64()), (Some(1), Some(2)));
    assert_eq!(rows["changes"][1]["key"]["id"], "2");
    assert_eq!(rows["changes"][1]["values"][0]["to"], "pear ");
    assert_eq!(rows["added_rows"][0]["values"]["name"], "plum");
    assert_eq!(rows["added_rows"][0]["values"]["note"], serde_json::Value::Null);
    let ran = sandbox.run(&["diff", "sales.csv", "sales.csv", "--json"]).succeeds();
    assert_eq!(ran.json()["same"], true);
}

#[test]
fn what_cannot_be_compared_is_an_error_and_no_difference() {
    let sandbox = with_two();
    sandbox.write("twice.csv", "id,name\n1,a\n1,b\n");
    let ran = sandbox.run(&["diff", "sales.csv", "twice.csv", "--key", "id"]);
    ran.fails(
        3,
        &["`id` is no key of `", "twice.csv`: 1 of its values stand in 2 rows, first `1`"],
    );
    sandbox.run(&["diff", "sales.csv", "none.csv"]).fails(4, &["none.csv"]);
    let ran = sandbox.run(&["diff", "sales.csv", "now.csv", "--key", "ID"]);
    ran.fails(2, &["--key", "did you mean `id`"]);
    sandbox.run(&["diff", "-", "-"]).fails(2, &["standard input"]);
    let ran = sandbox.run(&["diff", "sales.csv", "now.csv", "--limit", "100001"]);
    ran.fails(2, &["100000"]);
    let json = ["diff", "sales.csv", "twice.csv", "--key", "id", "--json"];
    let error = sandbox.run(&json).json_error();
    assert_eq!(error["code"], "invalid_data");
    assert_eq!(error["exit_code"], 3);
}
