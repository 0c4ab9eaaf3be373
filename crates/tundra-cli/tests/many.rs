//! Several inputs on the command line.

use std::{
    fs,
    io::{BufRead, BufReader, Cursor, Read, Write},
    os::unix::fs::symlink,
    process::Stdio,
};

use crate::support::{SALES, Sandbox};

/// A sandbox with `data/a.csv`, `data/b.csv` and `data/deep/c.csv`.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("data/deep")).unwrap();
    sandbox.write("data/a.csv", "id,name\n1,a\n");
    sandbox.write("data/b.csv", "id,price\n2,0.5\n");
    sandbox.write("data/deep/c.csv", "id\n3\n");
    sandbox
}

fn written(sandbox: &Sandbox, arguments: &[&str]) -> u64 {
    let mut all = vec!["convert", "--json", "-o", "all.parquet", "--overwrite"];
    all.extend(arguments);
    let receipt = sandbox.run(&all).succeeds().json();
    let inputs = receipt["inputs"].as_array().unwrap();
    assert_eq!(receipt["plan"]["source"]["inputs"]["count"], inputs.len() as u64);
    receipt["counts"]["written"].as_u64().unwrap()
}

#[test]
fn patterns_directories_and_names_become_one_table() {
    let sandbox = with_data();
    assert_eq!(written(&sandbox, &["data/*.csv"]), 2);
    assert_eq!(written(&sandbox, &["data/**/*.csv"]), 3);
    assert_eq!(written(&sandbox, &["data/"]), 3);
    assert_eq!(written(&sandbox, &["data/deep/c.csv", "data/a.csv"]), 2);
    sandbox.holds_only(&["all.parquet", "data"]);
    let ran = sandbox.run(&["convert", "data/*.csv", "-o", "two.parquet"]).succeeds();
    for line in ["inputs  2 read", "2 in 1 row group, 3 columns", "2 records counted = 2 written"] {
        assert!(ran.stderr.contains(line), "`{line}` is missing: {ran}");
    }
}

#[test]
fn rows_stand_in_the_order_of_the_arguments() {
    let sandbox = with_data();
    let arguments = ["data/deep/c.csv", "data/*.csv", "-o", "x.csv", "--file-column", "file"];
    sandbox.run(&[&["convert"][..], &arguments].concat()).succeeds();
    assert_eq!(
        sandbox.read("x.csv"),
        "id,name,price,file\n3,,,data/deep/c.csv\n1,a,,data/a.csv\n2,,0.5,data/b.csv\n"
    );
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn the_member_that_is_named_is_taken_of_each_archive_and_no_other() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("p.zip", zip(&[("x.csv", "n\n1\n"), ("y.csv", "n\n2\n")]));
    sandbox.write("q.zip", zip(&[("x.csv", "n\n3\n"), ("y.csv", "n\n4\n")]));
    sandbox.write("r.zip", zip(&[("y.csv", "n\n5\n")]));
    let convert = |inputs: &[&str], extra: &[&str]| {
        let arguments = [&["convert"], inputs, &["-o", "o.csv", "--overwrite"], extra].concat();
        sandbox.run(&arguments)
    };
    convert(&["p.zip", "q.zip"], &["--member", "x.csv"]).succeeds();
    assert_eq!(sandbox.read("o.csv"), "n\n1\n3\n");
    let no_member = ["`r.zip`", "the archive has no member `x.csv`"];
    convert(&["p.zip", "r.zip"], &["--member", "x.csv"]).fails(2, &no_member);
    convert(&["r.zip"], &["--member", "x.csv", "--file-column", "f"]).fails(2, &no_member);
    let plain = ["sales.csv", "r.zip"];
    convert(&plain, &["--member", "y.csv"]).fails(2, &["`sales.csv`", "no archive"]);
    convert(&plain, &["--member", "y.csv", "--on-bad-file", "reject"]).succeeds();
    assert_eq!(sandbox.read("o.csv"), "n\n5\n");
}

#[test]
fn a_file_under_two_names_is_an_input_twice() {
    let sandbox = with_data();
    symlink(sandbox.path("data/a.csv"), sandbox.path("data/z.csv")).unwrap();
    let whole = sandbox.path("data/a.csv").to_str().unwrap().to_owned();
    for again in ["./data/a.csv", "data/../data/a.csv", "data/z.csv", &whole] {
        sandbox
            .run(&["convert", "data/a.csv", again, "-o", "x.parquet"])
            .fails(2, &["is the input `data/a.csv` once more", "rows would come twice"]);
    }
    sandbox
        .run(&["convert", "data/*.csv", "-o", "x.parquet"])
        .fails(2, &["`data/z.csv` is the input `data/a.csv` once more"]);
    sandbox.holds_only(&["data"]);
}

#[test]
fn the_receipt_replaces_no_input_and_no_data() {
    let sandbox = with_data();
    symlink(sandbox.path("data/a.csv"), sandbox.path("link.json")).unwrap();
    let refused = |arguments: &[&str], receipt: &str| {
        let receipt = ["--overwrite", "--receipt", receipt];
        let all = [&["convert"], arguments, &receipt].concat();
        sandbox.run(&all).fails(2, &["`--receipt", "is an input or an output itself"]);
    };
    for receipt in ["data/a.csv", "./data/b.csv", "link.json", "./x.parquet"] {
        refused(&["data/*.csv", "-o", "x.parquet"], receipt);
    }
    let parts = ["data/a.csv", "-o", "x.parquet", "--max-file-size", "1MiB"];
    refused(&parts, "x-00001.parquet");
    refused(&parts, "./x-00007.parquet");
    fs::create_dir(sandbox.path("lake")).unwrap();
    let lake = ["data/a.csv", "-o", "lake/", "--max-file-size", "1MiB"];
    refused(&lake, "lake/part-00001.parquet");
    refused(&lake, "data/../lake/part-00001.parquet");
    symlink("lake/part-00001.parquet", sandbox.path("part.json")).unwrap();
    fs::write(sandbox.path("lake/part-00001.parquet"), "").unwrap();
    refused(&lake, "part.json");
    refused(&["data/d*/c.csv", "-o", "x.parquet"], "data/deep/c.csv");
    assert_eq!(sandbox.read("data/a.csv"), "id,name\n1,a\n");
    sandbox.holds_only(&["data", "lake", "link.json", "part.json"]);
    sandbox.run(&[&["convert"], &parts[..], &["--receipt", "x.json"]].concat()).succeeds();
}

#[test]
fn what_writers_put_aside_is_not_read() {
    let sandbox = with_data();
    for name in ["data/_SUCCESS", "data/.a.csv.crc"] {
        sandbox.write(name, "");
    }
    assert_eq!(written(&sandbox, &["data/"]), 3);
}

#[test]
fn a_name_that_looks_like_a_pattern_is_a_name_when_it_is_there() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("s*.csv", "x\n1\n");
    sandbox.run(&["convert", "s*.csv", "-o", "one.csv"]).succeeds();
    assert_eq!(sandbox.read("one.csv"), "x\n1\n");
}

#[test]
fn what_cannot_be_one_table_is_refused() {
    let sandbox = with_data();
    sandbox.run(&["convert", "nowhere/*.csv", "-o", "x.parquet"]).fails(4, &["`nowhere/*.csv`"]);
    sandbox.run(&["convert", "data/*.csv"]).fails(2, &["has no name yet", "`-o`"]);
    sandbox
        .run(&["convert", "data/*.csv", "data/a.csv", "-o", "x.parquet"])
        .fails(2, &["`data/a.csv` is an input twice"]);
    sandbox.run(&["convert", "data/a.csv", "-", "-o", "x.parquet"]).fails(2, &["`-` is a pipe"]);
    sandbox
        .run(&["convert", "data/*.csv", "-o", "data/b.csv", "--overwrite"])
        .fails(2, &["`data/b.csv` is one of the inputs"]);
    sandbox.run(&["convert", "data/a.csv", "--sheet-column", "s"]).fails(2, &["`--sheet '*'`"]);
    sandbox
        .run(&["convert", "data/*.csv", "-o", "x.parquet", "--skip-rows", "0"])
        .fails(2, &["`--skip-rows` is for one input"]);
    assert_eq!(sandbox.read("data/b.csv"), "id,price\n2,0.5\n");
    sandbox.holds_only(&["data"]);
}

#[test]
fn a_bad_file_is_named_or_left_out_and_told() {
    let sandbox = with_data();
    sandbox.write("data/bad.csv", "id,name\n1,b,c,d\n1,b\n2,c\n3,d\n");
    let arguments = ["convert", "data/*.csv", "-o", "x.parquet"];
    sandbox.run(&arguments).fails(3, &["data/bad.csv", "line 2"]);
    sandbox.holds_only(&["data"]);
    let ran = sandbox.run(&[&arguments[..], &["--on-bad-file", "reject"]].concat()).succeeds();
    for line in ["2 read, 1 left out", "left_out: could not read `data/bad.csv`: line 2"] {
        assert!(ran.stderr.contains(line), "`{line}` is missing: {ran}");
    }
    sandbox.holds_only(&["data", "x.parquet"]);
}

#[test]
fn ctrl_c_leaves_nothing_of_several_inputs() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    fs::copy(sandbox.path("big.csv"), sandbox.path("bigger.csv")).unwrap();
    let arguments = ["-v", "convert", "b*.csv", "-o", "all.parquet", "--threads", "1"];
    let mut command = sandbox.tundra(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("stage=\"converting\"") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it began");
    }
    let sent = std::process::Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()
        .unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    sandbox.holds_only(&["big.csv", "bigger.csv"]);
}

/// A sandbox with a directory of Parquet for each of two years.
fn with_parquet() -> Sandbox {
    let sandbox = Sandbox::new();
    for (year, text) in [(2023, "id,price\n1,5\n2,\n"), (2024, "id,name\n3,c\n")] {
        fs::create_dir_all(sandbox.path(&format!("lake/year={year}"))).unwrap();
        sandbox.write("one.csv", text);
        let output = format!("lake/year={year}/part.parquet");
        sandbox.run(&["convert", "one.csv", "-o", &output]).succeeds();
    }
    fs::remove_file(sandbox.path("one.csv")).unwrap();
    sandbox
}

#[test]
fn parquet_files_become_one_table_of_any_format_and_other_partitions() {
    let sandbox = with_parquet();
    let arguments = ["lake/**/*.parquet", "--hive", "--file-column", "file"];
    assert_eq!(written(&sandbox, &arguments), 3);
    sandbox.run(&[&["convert", "-o", "all.csv"], &arguments[..]].concat()).succeeds();
    assert_eq!(
        sandbox.read("all.csv"),
        "id,price,name,file,year\n\
         1,5,,lake/year=2023/part.parquet,2023\n\
         2,,,lake/year=2023/part.parquet,2023\n\
         3,,c,lake/year=2024/part.parquet,2024\n"
    );
    let by_id = ["convert", "lake/", "--hive", "-o", "by_id/", "--partition-by", "id"];
    sandbox.run(&by_id).succeeds();
    assert!(sandbox.path("by_id/id=3").is_dir());
    assert_eq!(written(&sandbox, &["by_id/", "--hive"]), 3);
    sandbox.holds_only(&["all.csv", "all.parquet", "by_id", "lake"]);
}

#[test]
fn a_column_of_two_types_is_told_with_the_way_out() {
    let sandbox = with_parquet();
    sandbox.write("x.csv", "id\nA1\n");
    sandbox.run(&["convert", "x.csv", "-o", "lake/x.parquet"]).succeeds();
    let arguments = ["convert", "lake/", "-o", "all.csv"];
    sandbox.run(&arguments).fails(
        8,
        &["column `id`", "VARCHAR in `lake/x.parquet`", "BIGINT in `lake/year=2023", "id=VARCHAR"],
    );
    sandbox.run(&[&arguments[..], &["--type", "id=VARCHAR"]].concat()).succeeds();
    assert!(sandbox.read("all.csv").contains("\nA1,"));
    sandbox.write("lake/text.csv", "id\n1\n");
    sandbox
        .run(&["convert", "lake/", "-o", "x.parquet"])
        .fails(8, &["is parquet", "delimited text"]);
}

#[test]
fn each_sheet_has_a_file_of_its_own() {
    const XLS: &[u8] = include_bytes!("../../tundra-core/tests/workbooks/small.xls");
    let sandbox = Sandbox::new();
    sandbox.write("report.xls", XLS);
    let ran = sandbox.run(&["convert", "report.xls", "--each-sheet", "--json"]).succeeds();
    // The other sheet has no cells.
    sandbox.holds_only(&["report.Data.parquet", "report.xls"]);
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    fs::create_dir(sandbox.path("sheets")).unwrap();
    sandbox.run(&["convert", "report.xls", "--each-sheet", "-o", "sheets/"]).succeeds();
    assert!(sandbox.path("sheets/report.Data.parquet").is_file());
    sandbox
        .run(&["convert", "report.xls", "--each-sheet", "-o", "x.parquet"])
        .fails(2, &["`-o x.parquet` names one", "ends in `/`"]);
    sandbox.run(&["convert", "report.xls", "--each-sheet"]).fails(6, &["already exists"]);
    sandbox.holds_only(&["report.Data.parquet", "report.xls", "sheets"]);
}

#[test]
fn one_file_by_a_pattern_is_what_it_always_was() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("copy.csv", SALES);
    let by_name = sandbox.run(&["convert", "sales.csv", "--json"]).succeeds().json();
    let by_pattern = sandbox.run(&["convert", "s*.csv", "--overwrite", "--json"]).succeeds().json();
    assert!(by_pattern.get("inputs").is_none());
    assert_eq!(by_name["plan"], by_pattern["plan"]);
    sandbox.holds_only(&["copy.csv", "sales.csv", "sales.parquet"]);
}
