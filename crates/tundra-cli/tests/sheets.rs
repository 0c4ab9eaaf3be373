//! Sheets of one workbook on the command line: all of them as one table, and each as a file.

use std::io::{Cursor, Write};

use crate::support::Sandbox;

/// Makes a workbook of sheets with texts, and with numbers and errors where the texts look like such.
fn book(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, text: String| {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    };
    put(
        "_rels/.rels",
        format!(
            r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ),
    );
    let (mut listed, mut targets) = (String::new(), String::new());
    for (number, (name, rows)) in (1..).zip(sheets) {
        listed.push_str(&format!(r#"<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>"#));
        targets.push_str(&format!(
            r#"<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="worksheets/{number}.xml"/>"#
        ));
        let rows = rows
            .iter()
            .map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>()));
        let rows: String = rows.collect();
        put(
            &format!("xl/worksheets/{number}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        );
    }
    put(
        "xl/workbook.xml",
        format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>"#
        ),
    );
    put(
        "xl/_rels/workbook.xml.rels",
        format!(r#"<Relationships xmlns="{PACKAGE}">{targets}</Relationships>"#),
    );
    put(
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#.to_owned(),
    );
    archive.finish().unwrap().into_inner()
}

fn cell(text: &&str) -> String {
    if text.starts_with('#') {
        format!(r#"<c t="e"><v>{text}</v></c>"#)
    } else if text.parse::<f64>().is_ok() {
        format!("<c><v>{text}</v></c>")
    } else {
        format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#)
    }
}

/// Two sheets with a record each that is none of numbers.
fn with_faults() -> Vec<u8> {
    book(&[
        ("A", &[&["n", "word"], &["1", "a"], &["one", "b"], &["2", "c"], &["3", "d"]]),
        ("B", &[&["n", "word"], &["4", "e"], &["5", "f"], &["two", "g"], &["6", "h"]]),
    ])
}

const REJECT: [&str; 4] = ["--on-bad-row", "reject", "--type", "n=BIGINT"];

#[test]
fn the_rejects_of_each_sheet_stand_beside_its_file() {
    let sandbox = Sandbox::new();
    sandbox.write("es.xlsx", with_faults());
    let convert = |extra: &[&str]| {
        sandbox.run(&[&["convert", "es.xlsx", "--each-sheet"], &REJECT[..], extra].concat())
    };
    let all =
        ["es.A.parquet", "es.A.rejects.parquet", "es.B.parquet", "es.B.rejects.parquet", "es.xlsx"];
    for extra in [&[][..], &["--overwrite"]] {
        let ran = convert(extra).succeeds();
        assert!(ran.stderr.contains("es.B.rejects.parquet"), "{ran}");
        sandbox.holds_only(&all);
        assert!(sandbox.rows("es.A.rejects.parquet")[0].contains("one"));
        assert!(sandbox.rows("es.B.rejects.parquet")[0].contains("two"));
        assert_eq!(sandbox.rows("es.A.parquet").len(), 3);
    }
    convert(&["--overwrite", "--receipt", "es.A.rejects.parquet"]).fails(2, &["rejected records"]);
    // What is no longer true goes.
    sandbox.write("es.xlsx", book(&[("A", &[&["n"], &["1"]]), ("B", &[&["n"], &["2"]])]));
    convert(&["--overwrite"]).succeeds();
    sandbox.holds_only(&["es.A.parquet", "es.B.parquet", "es.xlsx"]);
}

#[test]
fn the_receipt_replaces_no_sheet() {
    let sandbox = Sandbox::new();
    sandbox.write("es.xlsx", with_faults());
    for receipt in ["es.A.parquet", "./es.B.parquet", "es.xlsx"] {
        sandbox
            .run(&["convert", "es.xlsx", "--each-sheet", "--overwrite", "--receipt", receipt])
            .fails(2, &["is an input or an output itself"]);
    }
    sandbox.holds_only(&["es.xlsx"]);
}

#[test]
fn what_is_asked_of_each_sheet_is_done_or_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("es.xlsx", book(&[("A", &[&["n"], &["1"]]), ("B", &[&["n"], &["2"]])]));
    let each = ["convert", "es.xlsx", "--each-sheet"];
    let convert = |extra: &[&str]| sandbox.run(&[&each, extra].concat());
    convert(&["--schema", "nosuch.yaml"]).fails(4, &["nosuch.yaml"]);
    convert(&["--member", "zzz*"]).fails(2, &["`--each-sheet` takes one workbook apart"]);
    convert(&["--on-bad-file", "reject"]).fails(2, &["--on-bad-file", "cannot be used with"]);
    sandbox.run(&["inspect", "es.xlsx", "-o", "schema.yaml"]).succeeds();
    let schema = sandbox.read("schema.yaml");
    sandbox.write("schema.yaml", schema.replace(r#"name: "n""#, "name: m"));
    convert(&["--schema", "schema.yaml"]).fails(3, &["`m`"]);
    sandbox.holds_only(&["es.xlsx", "schema.yaml"]);
    sandbox.write("schema.yaml", schema);
    convert(&["--schema", "schema.yaml"]).succeeds();
}

#[test]
fn a_warning_names_the_sheet() {
    let sandbox = Sandbox::new();
    let none: &[&[&str]] = &[];
    let rows: &[&[&str]] = &[&["n"], &["1"], &["#N/A"], &["3"]];
    sandbox.write("m.xlsx", book(&[(".A", &[&["n"], &["1"]]), ("B", rows), ("Blank", none)]));
    let convert = ["convert", "m.xlsx", "--sheet", "*", "--on-error-cell", "null"];
    let ran = sandbox.run(&convert).succeeds();
    for line in [
        "left_out: `m.xlsx (sheet Blank)` is empty",
        "first in `m.xlsx (sheet B)` on line 3",
        "2 read, 1 left out",
    ] {
        assert!(ran.stderr.contains(line), "`{line}` is missing: {ran}");
    }
    assert_eq!(sandbox.rows("m.parquet").len(), 4);
}
