//! JSON: records inside of documents, nested fields as columns, and how much memory that takes.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use crate::support::{Sandbox, shows};

/// A response as services give them.
const RESPONSE: &str = r#"{
  "status": "ok",
  "data": {
    "total": 2,
    "items": [
      {"id": 1, "user": {"name": "Ada", "address": {"city": "Köln"}}, "tags": ["x"]},
      {"id": 2, "user": null, "tags": []}
    ]
  }
}
"#;

const MIB: u64 = 1 << 20;

#[test]
fn records_are_taken_out_of_a_document() {
    let sandbox = Sandbox::new();
    sandbox.write("a.json", RESPONSE);
    sandbox
        .run(&["convert", "a.json", "--records", "data.items", "--flatten", "--type", "id=INTEGER"])
        .succeeds();
    assert_eq!(
        sandbox.rows("a.parquet"),
        [
            "{id: 1, user.name: \"Ada\", user.address.city: \"Köln\", tags: [\"x\"]}",
            "{id: 2, user.name: null, user.address.city: null, tags: []}",
        ]
    );
}

#[test]
fn a_path_that_leads_to_nothing_says_how_far_it_leads() {
    let sandbox = Sandbox::new();
    sandbox.write("a.json", RESPONSE);
    let ran = sandbox.run(&["convert", "a.json", "--records", "data.rows"]);
    sandbox.holds_only(&["a.json"]);
    shows!(ran, @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--records data.rows` leads to nothing in `a.json`: `data` is an object, and there is no `data.rows`

    hint: the names in `data` are `total`, `items`
    ");
    shows!(sandbox.run(&["inspect", "a.json", "--records", "data[0].x"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--records data[0].x` leads to nothing in `a.json`: `data` is an object, and there is no `data[0]`
    ");
}

#[test]
fn a_text_that_is_no_path_is_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    sandbox.write("a.json", RESPONSE);
    let ran = sandbox.run(&["convert", "a.json", "--records", "data..items"]);
    ran.fails(2, &["`data..items` is no path to records: a name is empty", "`data.items`"]);
    sandbox.write("a.csv", "a,b\n1,2\n");
    sandbox
        .run(&["convert", "a.csv", "--flatten"])
        .fails(2, &["`--flatten` is for JSON, and `a.csv` is read as csv"]);
    sandbox
        .run(&["inspect", "a.csv", "--records", "x"])
        .fails(2, &["`--records` is for JSON", "--format json"]);
}

#[test]
fn an_inspection_points_out_the_records_inside_of_a_document() {
    let sandbox = Sandbox::new();
    sandbox.write("a.json", RESPONSE);
    let ran = sandbox.run(&["inspect", "a.json"]).succeeds();
    assert!(
        ran.stdout().contains("`--records data.items` makes its 2 objects the records"),
        "{ran}"
    );
    let ran = sandbox.run(&["inspect", "a.json", "--records", "data.items"]).succeeds();
    assert!(!ran.stdout().contains("Warnings"), "{ran}");
    assert!(ran.stdout().contains("records   data.items"), "{ran}");
}

#[test]
fn an_array_inside_of_a_document_of_200_mb_needs_little_memory() {
    let sandbox = Sandbox::new();
    let records = write_response(&sandbox, "a.json", 200 * MIB);
    let arguments = [
        "convert",
        "a.json",
        "--records",
        "data.items",
        "--json",
        "--memory",
        "300MiB",
        "--threads",
        "2",
    ];
    let receipt = sandbox.run(&arguments).succeeds().json();
    assert_eq!(receipt["counts"]["written"], records);
    let peak = receipt["peak_memory_bytes"].as_u64().unwrap();
    assert!(peak < 300 * MIB, "{} MiB", peak / MIB);
}

#[test]
fn a_record_of_200_mb_needs_memory_of_its_own_order() {
    let sandbox = Sandbox::new();
    write_response(&sandbox, "a.json", 200 * MIB);
    let receipt = sandbox.run(&["convert", "a.json", "--json"]).succeeds().json();
    assert_eq!(receipt["counts"]["written"], 1);
    let peak = receipt["peak_memory_bytes"].as_u64().unwrap();
    assert!(peak < 1200 * MIB, "{} MiB", peak / MIB);
    // What is larger is refused, and the way out is named.
    write_response(&sandbox, "b.json", 260 * MIB);
    sandbox.run(&["convert", "b.json"]).fails(7, &["longer than 256 MiB", "`--records`"]);
}

/// Writes a document of about this size with an array of records in it, and returns how many these
/// are.
fn write_response(sandbox: &Sandbox, name: &str, size: u64) -> u64 {
    let mut file = BufWriter::new(File::create(sandbox.path(name)).unwrap());
    let pad = "é".repeat(40);
    let (mut written, mut records) = (0, 0);
    file.write_all(b"{\"status\": \"ok\", \"data\": {\"items\": [").unwrap();
    while written < size {
        let comma = if records > 0 { "," } else { "" };
        let record =
            format!("{comma}\n{{\"id\": {records}, \"pad\": \"{pad}\", \"v\": [{records}, 0.5]}}");
        file.write_all(record.as_bytes()).unwrap();
        written += record.len() as u64;
        records += 1;
    }
    file.write_all(b"\n], \"total\": 0}}").unwrap();
    file.flush().unwrap();
    records
}
