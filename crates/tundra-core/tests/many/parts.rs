//! Parts of one input: members of archives, and sheets of workbooks.

use std::io::{Cursor, Write};

use rust_xlsxwriter::Workbook;
use tundra_core::{Classify, ConvertOptions, ErrorKind, ManyInputs, engine};

use super::{adds_up, inputs, run};
use crate::support::{OUTPUT, Scene};

const MEMBERS: [(&str, &str); 4] = [
    ("2024/a.csv", "id,name\n1,a\n"),
    ("2024/b.csv", "id\n2.5\n"),
    ("readme.txt", "nothing to see\n"),
    ("2023/z.csv", "id\n0\n"),
];

fn zip() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in MEMBERS {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar_gz() -> Vec<u8> {
    let writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut archive = tar::Builder::new(writer);
    for (name, text) in MEMBERS {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_match_are_one_table() {
    for (name, bytes) in [("x.zip", zip()), ("x.tar.gz", tar_gz())] {
        for scene in [Scene::local(), Scene::memory()] {
            scene.put(name, bytes.clone()).await;
            let asked = ManyInputs {
                members: Some("**/*.csv".parse().unwrap()),
                file_column: Some("file".to_owned()),
                ..inputs(&scene, &[name])
            };
            let receipt = run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
            let table = scene.table(OUTPUT).await;
            adds_up(&receipt, &table);
            assert_eq!(table.column("id"), [Some("0.0"), Some("1.0"), Some("2.5")], "{name}");
            assert!(table.column("file")[1].unwrap().ends_with(&format!("{name}/2024/a.csv")));
            let members: Vec<_> =
                receipt.inputs.iter().filter_map(|input| input.member.as_deref()).collect();
            assert_eq!(members, ["2023/z.csv", "2024/a.csv", "2024/b.csv"]);
            assert_eq!(receipt.plan.source.size_bytes, bytes.len() as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_no_member_matches_is_an_error() {
    let scene = Scene::memory();
    scene.put("x.zip", zip()).await;
    scene.put("a.csv", "x\n1\n").await;
    let asked =
        |name| ManyInputs { members: Some("*.csv".parse().unwrap()), ..inputs(&scene, &[name]) };
    let error = run(&scene, &asked("x.zip"), &ConvertOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("no member of"), "{error}");
    assert!(error.hints()[0].contains("**/*"), "{:?}", error.hints());
    let error = run(&scene, &asked("a.csv"), &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
}

/// Three sheets of months, one of which is empty and one of which is hidden.
fn book() -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, rows) in [("Jan", 2), (".Feb", 3)] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        sheet.write_string(0, 0, "id").unwrap();
        sheet.write_string(0, 1, name).unwrap();
        for row in 1..=rows {
            sheet.write_number(row, 0, row).unwrap();
            sheet.write_string(row, 1, "x").unwrap();
        }
    }
    workbook.add_worksheet().set_name("Blank").unwrap();
    let hidden = workbook.add_worksheet().set_name("Notes").unwrap();
    hidden.set_hidden(true);
    hidden.write_string(0, 0, "secret").unwrap();
    workbook.save_to_buffer().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn visible_sheets_are_one_table() {
    for scene in [Scene::local(), Scene::memory()] {
        scene.put("book.xlsx", book()).await;
        let asked = ManyInputs {
            sheets: Some("*".parse().unwrap()),
            sheet_column: Some("month".to_owned()),
            ..inputs(&scene, &["book.xlsx"])
        };
        let receipt = run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
        let table = scene.table(OUTPUT).await;
        adds_up(&receipt, &table);
        assert_eq!(table.names, ["id", "Jan", ".Feb", "month"]);
        assert_eq!(table.type_of("id"), "BIGINT");
        let months: Vec<&str> = table.column("month").into_iter().flatten().collect();
        assert_eq!(months, ["Jan", "Jan", ".Feb", ".Feb", ".Feb"]);
        assert_eq!(table.row(2)[1..3], [None, Some("x")]);
        let blank = &receipt.inputs[2];
        assert_eq!(blank.sheet.as_deref(), Some("Blank"));
        assert!(blank.left_out.as_deref().unwrap().contains("(sheet Blank)"));
        assert_eq!(receipt.inputs.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sheets_are_listed_as_they_stand() {
    let scene = Scene::memory();
    scene.put("book.xlsx", book()).await;
    let resources = engine::default_resources();
    let (input, options) = (scene.input("book.xlsx"), ConvertOptions::default());
    let names = engine::sheet_names(&input, &options, &resources, &scene.control);
    assert_eq!(names.await.unwrap(), ["Jan", ".Feb", "Blank"]);
}
