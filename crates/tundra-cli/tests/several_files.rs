//! `--max-file-size` and `--partition-by`.

use std::fs;

use crate::support::{Sandbox, shows};

/// Returns the files below a directory, by their paths in it.
fn below(sandbox: &Sandbox, directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(sandbox.path(directory).join(&at)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{at}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                pending.push(format!("{name}/"));
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_directory_has_a_part_for_each_value() {
    let sandbox = Sandbox::with_sales();
    let convert = ["convert", "sales.csv", "-o", "sales/", "--partition-by", "name"];
    let ran = sandbox.run(&convert).succeeds();
    assert!(ran.stderr.contains("converted sales.csv -> sales/\n"), "{ran}");
    assert!(ran.stderr.contains("3 in 3 files with 3 row groups, 3 columns"), "{ran}");
    let names = ["name=__HIVE_DEFAULT_PARTITION__/", "name=apple/", "name=pear/"];
    let names = names.map(|name| format!("{name}part-00001.parquet"));
    assert_eq!(below(&sandbox, "sales"), names);
    assert_eq!(sandbox.rows("sales/name=apple/part-00001.parquet").len(), 1);
    let schema = sandbox.schema("sales/name=apple/part-00001.parquet");
    assert!(schema.len() == 2 && !schema.iter().any(|it| it.starts_with("name")), "{schema:?}");

    // A second run with fewer values takes away what it does not replace.
    sandbox.run(&convert).fails(6, &["already exists"]);
    sandbox.write("sales.csv", "id,name,price\n4,pear,1\n");
    sandbox.run(&[&convert[..], &["--overwrite"]].concat()).succeeds();
    assert_eq!(below(&sandbox, "sales"), ["name=pear/part-00001.parquet"]);
}

#[test]
fn files_have_numbers_and_the_receipt_names_them() {
    let sandbox = Sandbox::new();
    let mut text = "n,word\n".to_owned();
    for n in 0..60_000_u64 {
        text.push_str(&format!("{n},{:x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    }
    sandbox.write("big.csv", text);
    let convert = ["convert", "big.csv", "--max-file-size", "200KiB"];
    let ran = sandbox.run(&[&convert[..], &["--receipt", "receipt.json"]].concat()).succeeds();
    assert!(ran.stderr.contains("converted big.csv -> big.parquet\n"), "{ran}");
    let receipt: serde_json::Value = serde_json::from_str(&sandbox.read("receipt.json")).unwrap();
    let outputs = receipt["outputs"].as_array().unwrap();
    assert!(outputs.len() > 2, "{receipt}");
    let mut rows = 0;
    for (index, output) in outputs.iter().enumerate() {
        let name = format!("big-{:05}.parquet", index + 1);
        assert_eq!(output["location"].as_str(), Some(&*name));
        let size = fs::metadata(sandbox.path(&name)).unwrap().len();
        assert!(size <= 200 << 10, "{name} has {size}");
        assert_eq!(output["size_bytes"].as_u64(), Some(size));
        rows += sandbox.rows(&name).len();
    }
    assert_eq!(rows, 60_000);
}

#[test]
fn what_has_no_place_for_several_files_says_so() {
    let sandbox = Sandbox::with_sales();
    let convert = |extra: &[&str]| sandbox.run(&[&["convert", "sales.csv"][..], extra].concat());
    convert(&["--partition-by", "name"]).fails(2, &["partitions are directories", "-o sales/"]);
    convert(&["-o", "out/"]).fails(2, &["the output is a directory", "--partition-by"]);
    convert(&["-o", "-", "--max-file-size", "1MB"]).fails(2, &["one file only"]);
    convert(&["-o", "https://localhost/a.parquet", "--max-file-size", "1MB"])
        .fails(2, &["one file only"]);
    convert(&["-o", "a.csv", "--max-file-size", "1MB"])
        .fails(2, &["`--max-file-size` is for Parquet"]);
    let query = ["query", "SELECT 1 AS x", "sales.csv", "-o", "a.parquet"];
    sandbox.run(&[&query[..], &["--max-file-size", "1MB"]].concat()).fails(2, &["one file"]);
    sandbox.run(&["query", "SELECT 1 AS x", "sales.csv", "-o", "a/"]).fails(2, &["directory"]);
    sandbox.holds_only(&["sales.csv"]);
    let partitions = ["-o", "sales/", "--partition-by", "price", "--type", "price=DOUBLE"];
    shows!(convert(&partitions), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: column `price` makes no partitions: its type is DOUBLE

    hint: partition by a column of texts, whole numbers, decimals, dates or times
    ");
}

#[test]
fn the_input_is_never_among_the_files() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv", "-o", "out-00001.parquet"]).succeeds();
    fs::create_dir(sandbox.path("lake")).unwrap();
    fs::copy(sandbox.path("out-00001.parquet"), sandbox.path("lake/part-00001.parquet")).unwrap();
    let convert = |input: &str, extra: &[&str]| {
        sandbox.run(&[&["convert", input, "--overwrite"][..], extra].concat())
    };
    convert("./out-00001.parquet", &["-o", "out.parquet", "--max-file-size", "1MB"])
        .fails(2, &["is where the files of the output go"]);
    convert("lake/../lake/part-00001.parquet", &["-o", "lake/", "--partition-by", "name"])
        .fails(2, &["is where the files of the output go"]);
    assert_eq!(sandbox.rows("lake/part-00001.parquet").len(), 3);
}
