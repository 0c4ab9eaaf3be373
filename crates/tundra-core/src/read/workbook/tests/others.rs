//! Workbooks other than xlsx, made by other programs' writers.

use std::time::{Duration, Instant};

use super::harness::{archive, read, runtime, try_read, try_read_within};
use crate::{Classify, ConvertOptions, Error, ErrorKind, WorkbookHints};

const XLS: &[u8] = include_bytes!("../../../../tests/workbooks/small.xls");
const XLSB: &[u8] = include_bytes!("../../../../tests/workbooks/small.xlsb");
const ODS: &[u8] = include_bytes!("../../../../tests/workbooks/small.ods");
const ENCRYPTED: &[u8] = include_bytes!("../../../../tests/workbooks/encrypted.xlsx");

#[test]
fn an_old_workbook_is_read() {
    let found = read(XLS.to_vec(), &ConvertOptions::default());
    assert_eq!(found.decision("sheet"), "Data");
    assert_eq!(found.decision("header"), "row 3");
    assert_eq!(found.names, ["id", "name", "day", "at", "flag", "sum"]);
    assert_eq!(found.types, ["BIGINT", "VARCHAR", "DATE", "TIME", "BOOLEAN", "DOUBLE"]);
    assert_eq!(found.rows[1], ["2", "name 1", "2024-01-02", "02:30:00", "false", "1.25"]);
}

#[test]
fn a_binary_workbook_is_read() {
    let found = read(XLSB.to_vec(), &ConvertOptions::default());
    assert_eq!(found.names, ["id", "name", "day", "flag", "sum"]);
    assert_eq!(found.types, ["BIGINT", "VARCHAR", "DATE", "BOOLEAN", "DOUBLE"]);
    assert_eq!(found.rows[2], ["3", "name 2", "2024-01-03", "true", "2.5"]);
}

#[test]
fn a_spreadsheet_of_open_document_is_read() {
    let found = read(ODS.to_vec(), &ConvertOptions::default());
    assert_eq!(found.names, ["id", "name", "day", "at", "flag", "sum"]);
    assert_eq!(found.types, ["BIGINT", "VARCHAR", "DATE", "TIME", "BOOLEAN", "DOUBLE"]);
    assert_eq!(found.rows[0], ["1", "name 0", "2024-01-01", "01:30:00", "true", "0.0"]);
    assert_eq!(found.rows.len(), 3);
}

#[test]
fn a_workbook_with_a_password_is_told_as_one() {
    let error = try_read(ENCRYPTED.to_vec(), &ConvertOptions::default(), &runtime()).unwrap_err();
    assert!(matches!(error, Error::EncryptedWorkbook { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn what_is_for_xlsx_alone_is_refused() {
    for bytes in [XLS, XLSB, ODS] {
        let workbook = WorkbookHints { fill_merged: true, ..WorkbookHints::default() };
        let options = ConvertOptions { workbook, ..ConvertOptions::default() };
        let error = try_read(bytes.to_vec(), &options, &runtime()).unwrap_err();
        assert!(error.to_string().contains("`--fill-merged` is for xlsx"), "{error}");
    }
}

#[test]
fn other_workbooks_that_are_damaged_end_in_time() {
    let runtime = runtime();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let begun = Instant::now();
    for whole in [XLS, XLSB, ODS] {
        for number in 0..60 {
            let cut = whole[..whole.len() * number / 60].to_vec();
            // An old workbook that lacks its end may still have all of its cells.
            drop(try_read(cut, &ConvertOptions::default(), &runtime));
        }
        for _ in 0..200 {
            let mut bytes = whole.to_vec();
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
            drop(try_read(bytes, &ConvertOptions::default(), &runtime));
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

fn ods(content: &str) -> Vec<u8> {
    archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
        ("content.xml", content),
    ])
}

fn spreadsheet(rows: &str) -> String {
    format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"a\">{rows}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    )
}

#[test]
fn repetitions_and_ends_are_judged_before_they_are_believed() {
    let check = |content: &str, told: &str| {
        let error = try_read(ods(content), &ConvertOptions::default(), &runtime()).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    };
    let cell = "<table:table-cell office:value-type=\"float\" office:value=\"1\"/>";
    let far = format!(
        "<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell \
         table:number-columns-repeated=\"16000\"/>{cell}</table:table-row>"
    );
    check(&spreadsheet(&far), "its sheets come to");
    check(&spreadsheet(&format!("<table:table-row>{cell}")), "do not nest");
    let open = spreadsheet("<table:table-row/>");
    check(open.split("</table:table>").next().unwrap(), "is cut off");
    let manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    let encrypted = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", "x"),
    ]);
    let error = try_read(encrypted, &ConvertOptions::default(), &runtime()).unwrap_err();
    assert!(matches!(error, Error::EncryptedWorkbook { .. }), "{error}");
}

#[test]
fn half_of_the_memory_decides_how_large_a_spreadsheet_may_be() {
    let cell = "<table:table-cell office:value-type=\"float\" office:value=\"1\"/>";
    let content = spreadsheet(&format!("<table:table-row>{cell}</table:table-row>"));
    let blanks = " ".repeat(260 << 20);
    let bytes = ods(&content.replace("</office:body>", &format!("{blanks}</office:body>")));
    drop(blanks);
    let options = ConvertOptions::default();
    let error = try_read(bytes.clone(), &options, &runtime()).unwrap_err();
    assert!(matches!(error, Error::WorkbookTooLarge { .. }), "{error}");
    let found = try_read_within(bytes, &options, &runtime(), 2 << 30).unwrap();
    assert_eq!(found.rows, [["1"]]);
}
