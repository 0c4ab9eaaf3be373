//! Workbooks as an embedding program converts them.

use rust_xlsxwriter::{Format, Workbook};
use tundra_core::{
    Classify, ConvertOptions, Error, ErrorCells, ErrorKind, InspectOptions, WorkbookHints,
};

use crate::support::{Scene, convert, converted, reason};

const XLS: &[u8] = include_bytes!("workbooks/small.xls");
const XLSB: &[u8] = include_bytes!("workbooks/small.xlsb");
const ODS: &[u8] = include_bytes!("workbooks/small.ods");
const ENCRYPTED: &[u8] = include_bytes!("workbooks/encrypted.xlsx");

/// A report with a title, of so many rows, and a second sheet.
fn report(rows: u32) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Orders").unwrap();
    sheet.write_string(0, 0, "Orders of the year").unwrap();
    for (column, name) in (0..).zip(["id", "code", "day", "amount", "note"]) {
        sheet.write_string(2, column, name).unwrap();
    }
    let date = Format::new().set_num_format("dd.mm.yyyy");
    for row in 0..rows {
        let at = row + 3;
        sheet.write_number(at, 0, row).unwrap();
        sheet.write_string(at, 1, format!("{:05}", row % 1000)).unwrap();
        sheet.write_number_with_format(at, 2, 45_000 + row % 365, &date).unwrap();
        sheet.write_number(at, 3, f64::from(row) / 4.0).unwrap();
        if row % 3 == 0 {
            sheet.write_string(at, 4, format!("note {row}")).unwrap();
        }
    }
    workbook.add_worksheet().set_name("Other").unwrap().write_number(0, 0, 7).unwrap();
    workbook.save_to_buffer().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_becomes_what_its_cells_are() {
    let done = converted("report.xlsx", report(50_000)).await;

    assert_eq!(done.table.names, ["id", "code", "day", "amount", "note"]);
    assert_eq!(done.table.types, ["BIGINT", "VARCHAR", "DATE", "DOUBLE", "VARCHAR"]);
    assert_eq!(done.table.rows.len(), 50_000);
    assert_eq!(done.receipt.plan.source.format, "excel");
    let decision = |what: &str| {
        let found = done.receipt.plan.decisions.iter().find(|decision| decision.what == what);
        found.map(|decision| (decision.value.as_str(), decision.reason.as_str()))
    };
    let (sheet, why) = decision("sheet").unwrap();
    assert!(sheet == "Orders" && why.contains("`Other`"), "{sheet}: {why}");
    assert_eq!(decision("header").unwrap().0, "row 3");
    assert_eq!(decision("encoding"), None);
    assert_eq!(done.receipt.events[0].code, "left_out_preamble");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_goes_before_the_name() {
    for (name, bytes) in [("a.csv", report(3)), ("b", report(3)), ("c.xlsx", ODS.to_vec())] {
        let done = converted(name, bytes).await;
        assert_eq!(done.table.rows.len(), 3, "{name}");
    }
    let done = converted("really.xls", "a\tb\n1\t2\n").await;
    assert_eq!(done.table.names, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_has_no_members() {
    for (name, bytes) in [("a.xlsx", report(3)), ("a.xls", XLS.to_vec()), ("a.ods", ODS.to_vec())] {
        let scene = Scene::memory();
        scene.put(name, bytes).await;
        let options =
            ConvertOptions { member: Some("nosuch.csv".to_owned()), ..Default::default() };
        let error = scene.convert(name, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{name}: {error}");
        assert!(error.hints()[0].contains("`--member`"), "{name}: {:?}", error.hints());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_workbook_is_read() {
    for (name, bytes) in [("a.xls", XLS), ("a.xlsb", XLSB), ("a.ods", ODS)] {
        let done = converted(name, bytes.to_vec()).await;
        assert_eq!(done.table.rows.len(), 3, "{name}");
        assert_eq!(done.table.names[..2], ["id", "name"], "{name}");
        assert_eq!(done.table.types[..3], ["BIGINT", "VARCHAR", "DATE"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_files_gives_the_same() {
    let scene = Scene::memory();
    scene.put("a.xlsx", report(20_000)).await;
    scene.convert("a.xlsx", &ConvertOptions::default()).await.unwrap();
    let table = scene.table(crate::support::OUTPUT).await;
    let local = converted("a.xlsx", report(20_000)).await;
    assert_eq!(table.rows, local.table.rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_far_below_widens_its_column_and_is_named() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_string(0, 0, "n").unwrap();
    for row in 1..=100_000 {
        sheet.write_number(row, 0, row).unwrap();
    }
    sheet.write_string(100_001, 0, "end").unwrap();
    let done = converted("a.xlsx", workbook.save_to_buffer().unwrap()).await;

    assert_eq!(done.table.types, ["VARCHAR"]);
    assert_eq!(done.table.rows.len(), 100_001);
    let why = reason(&done.receipt, "n");
    assert!(why.contains("text in `Sheet1!A100002`"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn error_cells_that_become_null_are_counted() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_string(0, 0, "n").unwrap();
    sheet.write_number(1, 0, 1).unwrap();
    let formula = rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!");
    sheet.write_formula(2, 0, formula).unwrap();
    let workbook = workbook.save_to_buffer().unwrap();
    let hints = WorkbookHints { error_cells: ErrorCells::Null, ..WorkbookHints::default() };
    let options = ConvertOptions { workbook: hints, ..ConvertOptions::default() };
    let done = convert("a.xlsx", workbook, &options).await.unwrap();

    assert_eq!(done.table.types, ["BIGINT"]);
    assert_eq!(done.table.rows.len(), 2);
    let event = done.receipt.events.iter().find(|event| event.code == "repaired_error_cell");
    let event = event.unwrap();
    assert_eq!((event.count, event.samples[0].line), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn workbooks_that_cannot_be_read_are_told_as_such() {
    let error = |name: &'static str, bytes: Vec<u8>| async move {
        convert(name, bytes, &ConvertOptions::default()).await.err().unwrap()
    };
    let encrypted = error("a.xlsx", ENCRYPTED.to_vec()).await;
    assert!(matches!(encrypted, Error::EncryptedWorkbook { .. }), "{encrypted}");
    assert_eq!(encrypted.kind(), ErrorKind::Unsupported);
    let whole = report(1000);
    let cut = error("a.xlsx", whole[..whole.len() / 2].to_vec()).await;
    assert!(matches!(cut, Error::BadWorkbook { .. }), "{cut}");
    assert_eq!(cut.kind(), ErrorKind::InvalidData);
    let hints = WorkbookHints { sheet: Some("Nothing".to_owned()), ..WorkbookHints::default() };
    let options = ConvertOptions { workbook: hints, ..ConvertOptions::default() };
    let missing = convert("a.xlsx", report(1), &options).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::InvalidRequest);
    let text = convert("a.csv", "a\n1\n", &options).await.err().unwrap();
    assert!(text.to_string().contains("`--sheet` is for workbooks"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_of_a_sheet_says_the_same() {
    let scene = Scene::local();
    scene.put("a.xlsx", report(100)).await;
    let found = scene.inspect("a.xlsx", &InspectOptions::default()).await.unwrap();

    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "code", "day", "amount", "note"]);
    assert_eq!(found.columns[2].min.as_deref(), Some("2023-03-15"));
    assert_eq!((found.rows_inspected, found.complete), (100, true));
    let codes: Vec<&str> = found.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["left_out_preamble"]);
}
