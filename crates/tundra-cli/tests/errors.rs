//! Wrong command lines, and what an error looks like to people and to programs.

use crate::support::{Sandbox, shows};

#[test]
fn a_wrong_command_line_ends_with_2_and_writes_nothing() {
    let sandbox = Sandbox::with_sales();
    for (arguments, says) in [
        (vec!["convert"], "<INPUT>"),
        (vec!["convrt", "sales.csv"], "convert"),
        (vec!["convert", "sales.csv", "--colour"], "--colour"),
        (vec!["convert", "sales.csv", "--type", "id=WORD"], "there is no type `WORD`"),
        (vec!["convert", "sales.csv", "--type", "id"], "COLUMN=TYPE"),
        (vec!["convert", "sales.csv", "--rename", "id"], "OLD=NEW"),
        (vec!["convert", "sales.csv", "--rename", "id="], "OLD=NEW"),
        (vec!["convert", "sales.csv", "--format", "xml"], "ndjson"),
        (vec!["convert", "sales.csv", "--compression", "zstd:23"], "zstd:22"),
        (vec!["convert", "sales.csv", "--skip-rows", "1,x"], "a whole number from 0 on"),
        (vec!["convert", "sales.csv", "--skip-rows", "-1,2"], "a whole number from 0 on"),
        (vec!["convert", "sales.csv", "--header-rows", "-1"], "a whole number from 0 on"),
        (vec!["convert", "sales.csv", "--preamble", "x"], "a whole number from 0 on"),
        (vec!["convert", "sales.csv", "--footer", "1.5"], "a whole number from 0 on"),
        (vec!["convert", "sales.csv", "--delimiter", ""], "--delimiter"),
        (vec!["convert", "sales.csv", "--quote", "ab"], "one character"),
        (vec!["convert", "sales.csv", "--header", "--no-header"], "--no-header"),
        (vec!["convert", "sales.csv", "--max-rejects", "200%"], "percentage"),
        (vec!["convert", "sales.csv", "--max-rejects", "1"], "--on-bad-row reject"),
        (vec!["convert", "sales.csv", "--max-rejects", "-1"], "a number of records from 0 on"),
        (vec!["convert", "sales.csv", "--max-rejects", "-0.5%"], "from 0% to 100%"),
        (vec!["convert", "sales.csv", "--memory", "many"], "512MiB"),
        (vec!["convert", "sales.csv", "--timeout", "10"], "10m"),
        (vec!["convert", "sales.csv", "--threads", "0"], "a whole number from 1 on"),
        (vec!["convert", "sales.csv", "--threads", "-1"], "a whole number from 1 on"),
        (vec!["convert", "sales.csv", "--row-group-size", "0"], "a whole number from 1 on"),
        (vec!["convert", "sales.csv", "--rename", "id=a", "--rename", "id=b"], "twice"),
        (vec!["convert", "sales.csv", "--rename", "id=a", "--rename", "name=a"], "`a`"),
        (vec!["convert", "sales.csv", "--type", "id=INT", "--type", "id=DATE"], "twice"),
        (vec!["convert", "sales.csv", "-q", "-v"], "--verbose"),
        (vec!["convert", ""], "empty"),
        (vec!["inspect", "sales.csv", "--sample-size", "0"], "a whole number from 1 on"),
    ] {
        let ran = sandbox.run(&arguments).fails(2, &[says]);
        assert!(!ran.stderr.contains("'-- -1"), "{ran}");
        sandbox.holds_only(&["sales.csv"]);
    }
}

#[test]
fn a_second_file_is_answered_with_the_option_for_the_output() {
    let sandbox = Sandbox::with_sales();
    sandbox
        .run(&["convert", "sales.csv", "out.parquet"])
        .fails(2, &["several inputs", "with `-o`, also where the last file is meant"]);
    sandbox.run(&["convert", "sales.csv", "more.csv"]).fails(2, &["several inputs", "with `-o`"]);
    sandbox
        .run(&["inspect", "sales.csv", "more.csv"])
        .fails(2, &["'more.csv'", "tip: one file is read at a time"]);
    let ran = sandbox.run(&["convert", "--json", "sales.csv", "out.parquet"]);
    assert_eq!(
        ran.json_error()["hints"][0],
        "say where to write it with `-o`, also where the last file is meant to be it",
        "{ran}"
    );
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn a_type_that_does_not_exist_lists_those_that_do() {
    let sandbox = Sandbox::with_sales();
    shows!(sandbox.run(&["convert", "sales.csv", "--type", "id=WORD"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value 'id=WORD' for '--type <COLUMN=TYPE>': there is no type `WORD`; the types are BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, FLOAT, DOUBLE, VARCHAR, BLOB, DATE, TIME, TIMESTAMP, TIMESTAMP_NS, TIMESTAMPTZ, UUID, JSON, DECIMAL(p,s), T[] for a list and STRUCT(name T, ...)

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_column_is_an_error_with_the_columns_there_are() {
    let sandbox = Sandbox::with_sales();
    for option in [["--rename", "Price=cost"], ["--type", "Price=DOUBLE"]] {
        sandbox
            .run(&["convert", "sales.csv", option[0], option[1]])
            .fails(2, &["`Price`", "`price`", "`id`, `name`, `price`"]);
        sandbox.holds_only(&["sales.csv"]);
    }
    shows!(sandbox.run(&["convert", "sales.csv", "--rename", "Price=cost"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--rename` names the column `Price`, which `sales.csv` does not have

    hint: did you mean `price`?
    hint: the columns are `id`, `name`, `price`
    ");
}

#[test]
fn errors_are_json_when_the_result_would_be() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["convert", "missing.csv", "--json"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stdout.is_empty(), "{ran}");
    let error = ran.json_error();
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["exit_code"], 4);
    assert!(error["causes"].is_array() && error["hints"].is_array(), "{error}");

    let error = sandbox.run(&["inspect", "missing.csv", "--json"]).json_error();
    assert_eq!(error["code"], "not_found");
}

#[test]
fn a_wrong_command_line_is_json_when_the_result_would_be() {
    let ran = Sandbox::new().run(&["convert", "--json", "--type", "a=WORD", "x.csv"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    let error = ran.json_error();
    assert_eq!(error["code"], "invalid_request");
    assert!(error["message"].as_str().unwrap().contains("`WORD`"), "{error}");
}

#[test]
fn a_bad_record_tells_programs_where_it_is() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,name\n1,x\n2,y,z\n");
    let ran = sandbox.run(&["convert", "a.csv", "--json", "--header", "--delimiter", ","]);
    assert_eq!(ran.code, Some(3), "{ran}");
    let error = ran.json_error();
    assert_eq!(error["code"], "invalid_data");
    assert_eq!(error["data_code"], "too_many_fields");
    assert_eq!(error["line"], 3);
    assert_eq!(error["byte"], 12);
    assert_eq!(error["record"], 2);
    assert_eq!(error["text"], "2,y,z");
}

#[test]
fn a_name_cannot_drive_the_terminal() {
    let ran = Sandbox::new().run(&["convert", "a\u{1b}[31mb.csv"]);
    assert_ne!(ran.code, Some(0));
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    assert!(ran.stderr.contains("\\u{1b}[31m"), "{ran}");
}

#[test]
fn a_name_with_line_breaks_cannot_forge_lines() {
    let sandbox = Sandbox::new();
    let name = "a\nhint: rm -r b.csv";
    let ran = sandbox.run(&["convert", name]).fails(2, &["`a\\nhint: rm -r b.csv`"]);
    assert!(!ran.stderr.contains(name), "{ran}");
    sandbox.write("a.csv", "id,new\n1,2\n");
    let ran =
        sandbox.run(&["convert", "a.csv", "--type", "a\nhint: x=INT"]).fails(2, &["a\\nhint"]);
    assert!(!ran.stderr.contains("\nhint: x"), "{ran}");
}

#[test]
fn locations_that_are_not_supported_say_so_without_credentials() {
    let sandbox = Sandbox::new();
    for (location, code) in
        [("s3://key:secret@bucket/x.csv", 2), ("ftp://key:secret@bucket/x.csv", 8)]
    {
        let scheme = format!("`{}://`", location.split("://").next().unwrap());
        let ran = sandbox.run(&["convert", location, "-o", "x.parquet"]).fails(code, &[&scheme]);
        assert!(!ran.stderr.contains("secret"), "{ran}");
    }
}
