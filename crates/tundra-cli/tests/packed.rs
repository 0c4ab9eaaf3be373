//! Compressed files and archives from the command line.

use std::io::{Cursor, Write};

use crate::support::Sandbox;

const SALES: &str = "id,name,price\n1,apple,1.50\n2,pear,2.25\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(data).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_compressed_file_gives_what_the_plain_one_gives() {
    let sandbox = Sandbox::new();
    sandbox.write("plain.csv", SALES);
    sandbox.write("sales.csv.gz", gzip(SALES));
    sandbox.write("all.zip", zip(&[("2024/sales.csv", SALES.as_bytes()), ("b.csv", b"x\n1\n")]));
    sandbox.run(&["convert", "plain.csv"]).succeeds();
    sandbox.run(&["convert", "sales.csv.gz"]).succeeds();
    sandbox.run(&["convert", "all.zip", "--member", "2024/sales.csv"]).succeeds();
    let rows = sandbox.rows("plain.parquet");
    assert_eq!(sandbox.rows("sales.parquet"), rows);
    assert_eq!(sandbox.rows("all.parquet"), rows);
    // Standard input has no name.
    sandbox.run_with_input(&["convert", "-", "-o", "piped.parquet"], &gzip(SALES)).succeeds();
    assert_eq!(sandbox.rows("piped.parquet"), rows);
}

#[test]
fn an_inspection_names_the_containers() {
    let sandbox = Sandbox::new();
    sandbox.write("a.zip", zip(&[("a.csv.gz", &gzip(SALES))]));
    let found = sandbox.run(&["inspect", "--json", "a.zip"]).succeeds().json();
    let decisions = found["decisions"].as_array().unwrap();
    let value = |what: &str| {
        let decision = decisions.iter().find(|decision| decision["what"] == what);
        decision.unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        [value("archive"), value("member"), value("compression")],
        ["zip", "a.csv.gz", "gzip"]
    );
    let shown = sandbox.run(&["inspect", "a.zip"]).succeeds();
    assert!(shown.stdout().contains("gzip"), "{shown}");
}

#[test]
fn what_cannot_be_unpacked_says_why_and_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.write("two.zip", zip(&[("a.csv", b"x\n1\n"), ("b.csv", b"x\n1\n")]));
    sandbox.run(&["convert", "two.zip"]).fails(2, &["two.zip", "`a.csv`, `b.csv`", "--member"]);
    sandbox
        .run(&["convert", "two.zip", "--member", "../../etc/passwd"])
        .fails(2, &["no member `../../etc/passwd`", "--member"]);
    let mut cut = gzip(SALES);
    cut.truncate(cut.len() - 4);
    sandbox.write("cut.csv.gz", cut);
    sandbox.run(&["inspect", "cut.csv.gz"]).fails(3, &["cut.csv.gz", "cut off", "hint: "]);
    sandbox.write("plain.csv", SALES);
    sandbox.run(&["convert", "plain.csv", "--member", "x"]).fails(2, &["plain.csv", "no archive"]);
    sandbox.write("outer.zip", zip(&[("a/inner.zip", &zip(&[("a.csv", SALES.as_bytes())]))]));
    sandbox.run(&["convert", "outer.zip"]).fails(8, &["`a/inner.zip` is a zip archive", "take"]);
    sandbox.holds_only(&["cut.csv.gz", "outer.zip", "plain.csv", "two.zip"]);
}

#[test]
fn how_much_may_come_out_can_be_said() {
    let sandbox = Sandbox::new();
    // Nothing but the same letter: more comes out of each byte than of any table.
    let text = format!("name\n{}\n", "x".repeat(80 << 20));
    let mut once = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    once.write_all(text.as_bytes()).unwrap();
    sandbox.write("a.csv.gz", once.finish().unwrap());
    let limit = ["--max-unpacked", "1MiB"];
    for command in ["convert", "inspect", "head", "schema"] {
        sandbox
            .run(&[&[command, "a.csv.gz"][..], &limit].concat())
            .fails(7, &["more than 1048576 bytes", "`--max-unpacked`"]);
    }
    sandbox.run(&["convert", "a.csv.gz", "--max-unpacked", "100MiB"]).succeeds();
    assert_eq!(sandbox.rows("a.parquet").len(), 1);
    sandbox.run(&["convert", "a.csv.gz", "--max-unpacked", "0"]).fails(2, &["more than nothing"]);
}
