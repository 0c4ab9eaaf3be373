//! Workbooks on the command line.

use crate::support::Sandbox;

const XLS: &[u8] = include_bytes!("../../tundra-core/tests/workbooks/small.xls");
const ODS: &[u8] = include_bytes!("../../tundra-core/tests/workbooks/small.ods");

/// Of which a record ends before its end.
const SHORT: &[u8] = include_bytes!("../../tundra-core/tests/workbooks/short_record.xlsb");

#[test]
fn a_workbook_is_converted_beside_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("report.xls", XLS);
    let ran = sandbox.run(&["convert", "report.xls", "--json"]).succeeds();
    sandbox.holds_only(&["report.parquet", "report.xls"]);
    let receipt = ran.json();
    assert_eq!(receipt["plan"]["source"]["format"], "excel", "{ran}");
    assert_eq!(receipt["counts"]["written"], 3, "{ran}");
}

#[test]
fn a_sheet_and_a_range_can_be_chosen() {
    let sandbox = Sandbox::new();
    sandbox.write("report.xls", XLS);
    sandbox.run(&["convert", "report.xls", "--sheet", "2", "--range", "A3:B5"]).succeeds();
    let found = sandbox.run(&["inspect", "report.parquet", "--json"]).succeeds().json();
    assert_eq!(found["rows_inspected"], 2);
    let missing = sandbox.run(&["inspect", "report.xls", "--sheet", "Sales"]);
    missing.fails(2, &["there is no sheet `Sales`", "the sheets are `Cover`, `Data`"]);
}

#[test]
fn an_inspection_explains_the_sheet() {
    let sandbox = Sandbox::new();
    sandbox.write("small.ods", ODS);
    let ran = sandbox.run(&["inspect", "small.ods"]).succeeds();
    for text in ["small.ods: workbook", "the only sheet", "row 1", "TIME"] {
        assert!(ran.stdout().contains(text), "`{text}` is missing: {ran}");
    }
}

#[test]
fn a_damaged_workbook_is_a_sentence_and_no_list_of_functions() {
    let sandbox = Sandbox::new();
    sandbox.write("short.xlsb", SHORT);
    // It begins with the error, and not with what a panic prints.
    sandbox
        .run(&["convert", "short.xlsb"])
        .fails(3, &["`short.xlsb` is a damaged workbook", "not as long as it should be"]);
}

#[test]
fn options_of_workbooks_are_refused_for_text() {
    let sandbox = Sandbox::with_sales();
    let refused = sandbox.run(&["convert", "sales.csv", "--on-error-cell", "null"]);
    refused.fails(2, &["`--on-error-cell` is for workbooks"]);
    let unknown = sandbox.run(&["convert", "sales.csv", "--on-error-cell", "zero"]);
    unknown.fails(2, &["text, null, fail"]);
}
