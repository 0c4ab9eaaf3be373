//! Schema files: written by `inspect`, edited, and used by `convert`.

use crate::support::{Sandbox, shows};

/// The file that the schema is made of.
const FIRST: &str = "id;zip;price;note\n1;00713;1.50;a\n2;00100;2.25;\n";

fn sandbox_with_schema() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", FIRST);
    sandbox.run(&["inspect", "a.csv", "-o", "schema.yaml"]).succeeds();
    sandbox
}

/// Changes the schema as a person would.
fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let text = sandbox.read("schema.yaml");
    assert!(text.contains(from), "{text}");
    sandbox.write("schema.yaml", text.replacen(from, to, 1));
}

#[test]
fn inspect_writes_a_schema_that_says_how_to_use_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", FIRST);
    let ran = sandbox.run(&["inspect", "a.csv", "-o", "schema.yaml"]).succeeds();
    sandbox.holds_only(&["a.csv", "schema.yaml"]);
    shows!(ran, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    wrote schema.yaml: 4 columns of a.csv
    edit it, then: tundra convert --schema schema.yaml a.csv
    ");
    insta::assert_snapshot!(sandbox.read("schema.yaml"), @r#"
    # How `a.csv` is read, and what its columns become.
    # Made by Tundra 5.0.0 of all 2 records.
    #
    # Edit it, then use it:
    #
    #     tundra convert --schema THIS_FILE INPUT
    #
    # An input that does not fit fails, with a list of what is different, unless
    # `--accept-drift` is given. What is said on the command line goes before what
    # stands here. The order of the columns is that of the output.
    #
    # Of each column:
    #   name      its name in the input
    #   rename    its name in the output, when that is to be another
    #   type      its type; found by the values where it is not given
    #   format    how its values are written where that is not the usual way, such as
    #             '%d/%m/%Y' or '#.##0,00 €'; where a type is given and no format,
    #             the usual way is meant: 2024-12-31, 1234.5, true
    #   nullable  `false` when a null is a difference
    #   force     `true` to take whatever a person would accept as a value of the
    #             type, as the option `--type` does: 00713 is 713 then. Without it
    #             every value must keep every digit and have no other meaning.
    # `format`, `text` and `json` may be left out; they are found out then.

    tundra_schema: 1
    format: csv

    text:
      delimiter: ";"  # 4 fields in most records
      quote: '"'  # best score
      escape: doubled  # best score
      header: true  # the first record is text above columns that are not
      comment: none

    columns:
      # all 2 values are integers of 64 bits; no nulls
      - name: id
        type: BIGINT

      # record 1 has `00713`; no nulls
      - name: zip
        type: VARCHAR

      # all 2 values are numbers that a double holds; no nulls
      - name: price
        type: DOUBLE

      # record 1 has `a`; 1 null
      - name: note
        type: VARCHAR
    "#);
    // An edited schema is not lost by a second inspection.
    sandbox
        .run(&["inspect", "a.csv", "-o", "schema.yaml"])
        .fails(6, &["could not write the schema", "`--overwrite`"]);
    sandbox.run(&["inspect", "a.csv", "-o", "schema.yaml", "--overwrite"]).succeeds();
}

#[test]
fn an_edited_schema_decides_names_types_and_order() {
    let sandbox = sandbox_with_schema();
    edit(&sandbox, "  - name: price\n    type: DOUBLE\n", "");
    edit(
        &sandbox,
        "columns:\n",
        "columns:\n  - {name: price, rename: Preis, type: \"DECIMAL(12,2)\", nullable: false}\n",
    );
    edit(&sandbox, "name: id\n    type: BIGINT", "name: id\n    type: INTEGER");
    sandbox.run(&["convert", "a.csv", "--schema", "schema.yaml"]).succeeds();
    assert_eq!(
        sandbox.rows("a.parquet"),
        [
            "{Preis: 1.50, id: 1, zip: \"00713\", note: \"a\"}",
            "{Preis: 2.25, id: 2, zip: \"00100\", note: null}",
        ]
    );
    let schema = sandbox.schema("a.parquet");
    assert!(schema[1].ends_with("INT32"), "{schema:?}");
    // What is said on the command line goes before the file.
    let options = ["--schema", "schema.yaml", "--rename", "price=p", "--type", "id=VARCHAR"];
    sandbox.run(&[&["convert", "a.csv", "--overwrite"], &options[..]].concat()).succeeds();
    assert_eq!(sandbox.rows("a.parquet")[0], "{p: 1.50, id: \"1\", zip: \"00713\", note: \"a\"}");
}

/// Makes a schema, and beside it the file `b.csv`, which differs from it in every way.
fn sandbox_with_drift() -> Sandbox {
    let sandbox = sandbox_with_schema();
    edit(
        &sandbox,
        "name: note\n    type: VARCHAR",
        "name: note\n    type: VARCHAR\n    nullable: false",
    );
    sandbox.write("b.csv", "id;zip;more;note\n1;00713;x;\n00002;1;y;b\n");
    sandbox
}

#[test]
fn a_file_that_changed_fails_with_every_difference() {
    let sandbox = sandbox_with_drift();
    let ran = sandbox.run(&["convert", "b.csv", "--schema", "schema.yaml"]);
    sandbox.holds_only(&["a.csv", "b.csv", "schema.yaml"]);
    shows!(ran, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `b.csv` is not as the schema says: 1 added, 1 missing, 1 retyped, 1 with nulls
      added   `more`   VARCHAR
      missing `price`  DOUBLE
      retyped `id`     BIGINT in the schema, VARCHAR by its values; 1 value does not fit, the first on line 3 (byte 28, record 2): `00002`
      nulls   `note`   1 null

    hint: correct the type in the schema; with `force: true` a column takes what `--type` would, and `--on-bad-row reject` sets records aside that do not fit
    hint: correct the input or the schema, or take the input as it is with `--accept-drift`
    ");
    let ran = sandbox.run(&["convert", "b.csv", "--schema", "schema.yaml", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    let error = ran.json_error();
    assert_eq!(error["code"], "invalid_data");
    let differences = error["differences"].as_array().unwrap();
    let kinds: Vec<_> = differences.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["added", "missing", "retyped", "nulls"]);
    assert_eq!(differences[2]["expected_type"], "BIGINT");
    assert_eq!(differences[2]["line"], 3);
    assert_eq!(differences[2]["text"], "00002");
}

#[test]
fn a_file_that_changed_can_be_accepted() {
    let sandbox = sandbox_with_drift();
    let ran =
        sandbox.run(&["convert", "b.csv", "--schema", "schema.yaml", "--accept-drift"]).succeeds();
    assert_eq!(
        sandbox.rows("b.parquet"),
        [
            "{id: \"1\", zip: \"00713\", price: null, note: null, more: \"x\"}",
            "{id: \"00002\", zip: \"1\", price: null, note: \"b\", more: \"y\"}",
        ]
    );
    shows!(ran, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    converted b.csv -> b.parquet
      rows   2 in 1 row group, 5 columns
      size   40 B -> [SIZE] ([SHARE] %)
      time   [TIME], [MEMORY] of memory at most
      proof  2 records counted = 2 written; nulls agree in every column
    warning: drift: added `more` (accepted: VARCHAR)
    warning: drift: missing `price` (accepted: DOUBLE)
    warning: drift: retyped `id` (accepted: BIGINT in the schema, VARCHAR by its values; 1 value does not fit, the first on line 3 (byte 28, record 2): `00002`)
    warning: drift: nulls `note` (accepted: 1 null)
    ");
}

#[test]
fn a_schema_forces_only_where_it_says_so() {
    let sandbox = sandbox_with_schema();
    edit(&sandbox, "name: zip\n    type: VARCHAR", "name: zip\n    type: BIGINT");
    sandbox
        .run(&["convert", "a.csv", "--schema", "schema.yaml"])
        .fails(3, &["retyped `zip`", "`00713`", "`force: true`", "--accept-drift"]);
    let plain = "name: zip\n    type: BIGINT";
    edit(&sandbox, plain, &format!("{plain}\n    force: true"));
    sandbox.run(&["convert", "a.csv", "--schema", "schema.yaml"]).succeeds();
    assert!(sandbox.rows("a.parquet")[0].contains("zip: 713"));
}

#[test]
fn a_file_that_is_no_schema_is_refused_with_its_place() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("schema.yaml", "tundra_schema: 1\ncolumns:\n  - name: id\n    typ: BIGINT\n");
    let ran = sandbox.run(&["convert", "sales.csv", "--schema", "schema.yaml"]);
    shows!(ran, @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `schema.yaml` is no schema file
    caused by: line 4, character 5: there is no key `typ` here, only name, rename, type, format, nullable, force

    hint: `tundra inspect INPUT -o schema.yaml` writes one that is right
    ");
    for (text, says) in [
        ("tundra_schema: 1\ncolumns:\n  - name: id\n    type: WORD\n", "the type of column `id`"),
        ("columns: []\n", "tundra_schema"),
        ("", "schema.yaml"),
        ("\u{0}", "schema.yaml"),
    ] {
        sandbox.write("schema.yaml", text);
        sandbox
            .run(&["convert", "sales.csv", "--schema", "schema.yaml"])
            .fails(2, &["no schema file", says]);
    }
    sandbox.write("schema.yaml", b"name: \xff\n");
    sandbox.run(&["convert", "sales.csv", "--schema", "schema.yaml"]).fails(2, &["UTF-8"]);
    sandbox
        .run(&["convert", "sales.csv", "--schema", "gone.yaml"])
        .fails(4, &["could not read the schema"]);
    sandbox.run(&["convert", "sales.csv", "--schema", "-"]).fails(2, &["`--schema` needs a file"]);
    sandbox.run(&["convert", "sales.csv", "--accept-drift"]).fails(2, &["--schema"]);
    sandbox.holds_only(&["sales.csv", "schema.yaml"]);
}

#[test]
fn a_schema_is_not_written_over_its_input_nor_into_json() {
    let sandbox = Sandbox::with_sales();
    sandbox
        .run(&["inspect", "sales.csv", "-o", "sales.csv", "--overwrite"])
        .fails(2, &["is the input itself"]);
    let ran = sandbox.run(&["inspect", "sales.csv", "-o", "-", "--json"]);
    assert_eq!((ran.code, ran.json_error()["exit_code"].as_u64()), (Some(2), Some(2)), "{ran}");
    sandbox.run(&["inspect", "sales.csv", "-o", "no/s.yaml"]).fails(4, &["no directory"]);
    sandbox.run(&["inspect", "sales.csv", "--overwrite"]).fails(2, &["--output"]);
    let printed = sandbox.run(&["inspect", "sales.csv", "-o", "-"]).succeeds();
    assert!(printed.stdout().starts_with("# How `sales.csv` is read"), "{printed}");
    assert!(printed.stderr.is_empty(), "{printed}");
    let both = sandbox.run(&["inspect", "sales.csv", "-o", "s.yaml", "--json"]).succeeds();
    assert_eq!(both.json()["columns"][0]["name"], "id");
    assert!(sandbox.read("s.yaml").contains("- name: id"));
    sandbox.holds_only(&["s.yaml", "sales.csv"]);
}

#[test]
fn a_schema_of_json_holds_where_the_records_are() {
    let sandbox = Sandbox::new();
    sandbox
        .write("a.json", "{\"data\": {\"items\": [{\"u\": {\"id\": 1}}, {\"u\": {\"id\": 2}}]}}");
    let arguments = ["inspect", "a.json", "-o", "s.yaml", "--records", "data.items", "--flatten"];
    sandbox.run(&arguments).succeeds();
    let text = sandbox.read("s.yaml");
    assert!(text.contains("json:\n  records: data.items\n  flatten: true\n"), "{text}");
    sandbox.run(&["convert", "a.json", "--schema", "s.yaml"]).succeeds();
    assert_eq!(sandbox.rows("a.parquet"), ["{u.id: 1}", "{u.id: 2}"]);
}

#[test]
fn a_schema_reads_standard_input_too() {
    let sandbox = sandbox_with_schema();
    let ran =
        sandbox.run_with_input(&["convert", "-", "--schema", "schema.yaml"], FIRST.as_bytes());
    let ran = ran.succeeds();
    assert_eq!(crate::support::rows_of(ran.stdout).len(), 2);
}
