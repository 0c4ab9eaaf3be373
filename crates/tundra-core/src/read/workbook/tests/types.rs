//! What the cells of a column are together.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Worksheet};

use super::harness::{Read, archive, of_parts, of_sheet, read, runtime, saved, sheet_of, try_read};
use crate::{BadRowPolicy, ColumnType, ConvertOptions, ErrorCells, TypePolicy, WorkbookHints};

/// Reads a workbook of one sheet.
fn sheet(fill: impl FnOnce(&mut Worksheet)) -> Read {
    read(saved(|workbook| fill(workbook.add_worksheet())), &ConvertOptions::default())
}

/// Reads a sheet of one column of values as its cells write them, with a header.
fn cells(values: &[&str]) -> Read {
    read(of_sheet(&column(values)), &ConvertOptions::default())
}

fn column(values: &[&str]) -> String {
    let header = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>x</t></is></c></row>";
    let rows = (2..).zip(values).map(|(row, value)| {
        let (attributes, value) = value.split_once('|').unwrap_or(("", value));
        format!("<row r=\"{row}\"><c r=\"A{row}\" {attributes}><v>{value}</v></c></row>")
    });
    sheet_of(&(header.to_owned() + &rows.collect::<String>()))
}

#[track_caller]
fn check(values: &[&str], column_type: &str, expected: &[&str]) {
    let found = cells(values);
    assert_eq!(found.types, [column_type], "{}", found.reasons[0]);
    assert_eq!(found.column(0), expected);
}

#[test]
fn numbers_are_integers_where_all_are() {
    check(&["1", "-2", "3.0", "4E2"], "BIGINT", &["1", "-2", "3", "400"]);
    check(&["1", "2.5"], "DOUBLE", &["1.0", "2.5"]);
    check(&["9007199254740993"], "BIGINT", &["9007199254740993"]);
    check(&["1", "1E18"], "DOUBLE", &["1.0", "1e18"]);
    // Digits that are written out are kept, by a double where it holds them.
    check(&["12345678901234567890"], "VARCHAR", &["12345678901234567890"]);
    check(&["-9223372036854775809", "1"], "VARCHAR", &["-9223372036854775809", "1"]);
    check(&["18446744073709551616", "1"], "DOUBLE", &["1.8446744073709552e19", "1.0"]);
    check(&["100000000000000000000000"], "DOUBLE", &["1e23"]);
    // A double would not hold both.
    check(&["9007199254740993", "0.5"], "VARCHAR", &["9007199254740993", "0.5"]);
}

#[test]
fn a_column_that_mixes_is_text_and_says_where() {
    let found = cells(&["1", "2", "t=\"str\"|n/a", "t=\"b\"|1", "0.25"]);
    assert_eq!(found.types, ["VARCHAR"]);
    assert_eq!(found.column(0), ["1", "2", "n/a", "true", "0.25"]);
    assert!(found.reasons[0].contains("text in `Data!A4`"), "{}", found.reasons[0]);
    assert!(found.reasons[0].contains("true or false in `Data!A5`"), "{}", found.reasons[0]);
}

#[test]
fn dates_are_those_of_their_number_format() {
    check(&["s=\"1\"|45351", "s=\"1\"|1"], "DATE", &["2024-02-29", "1900-01-01"]);
    check(
        &["s=\"1\"|45351", "s=\"1\"|45351.5"],
        "TIMESTAMP",
        &["2024-02-29T00:00:00", "2024-02-29T12:00:00"],
    );
    check(&["s=\"1\"|0.75"], "TIME", &["18:00:00"]);
    check(&["s=\"2\"|1.5", "s=\"2\"|0.25"], "DOUBLE", &["1.5", "0.25"]);
    check(&["t=\"d\"|2024-02-29T00:00:00"], "DATE", &["2024-02-29"]);
}

#[test]
fn the_day_that_never_was_is_no_date() {
    let found = cells(&["s=\"1\"|59", "s=\"1\"|60", "s=\"1\"|61"]);
    assert_eq!(found.types, ["VARCHAR"]);
    assert_eq!(found.column(0), ["1900-02-28", "60", "1900-03-01"]);
    assert!(found.reasons[0].contains("are none in `Data!A3`"), "{}", found.reasons[0]);
}

#[test]
fn days_are_counted_from_1904_where_the_workbook_says_so() {
    let bytes =
        of_parts(&column(&["s=\"1\"|0", "s=\"1\"|60"]), "<sst/>", "<workbookPr date1904=\"1\"/>");
    let found = read(bytes, &ConvertOptions::default());
    assert_eq!(found.types, ["DATE"]);
    assert_eq!(found.column(0), ["1904-01-01", "1904-03-01"]);
}

#[test]
fn what_a_program_writes_is_read() {
    let found = sheet(|sheet| {
        let date = Format::new().set_num_format("yyyy-mm-dd");
        let time = Format::new().set_num_format("hh:mm:ss");
        let percent = Format::new().set_num_format("0.00%");
        for (at, name) in (0..).zip(["code", "day", "at", "share", "flag", "sum"]) {
            sheet.write_string(0, at, name).unwrap();
        }
        for row in 1..=3_u32 {
            sheet.write_string(row, 0, format!("{row:05}")).unwrap();
            let day = ExcelDateTime::from_ymd(2024, 1, row as u8).unwrap();
            sheet.write_datetime_with_format(row, 1, &day, &date).unwrap();
            let at = ExcelDateTime::from_hms(row as u16, 30, 0.5).unwrap();
            sheet.write_datetime_with_format(row, 2, &at, &time).unwrap();
            sheet.write_number_with_format(row, 3, f64::from(row) / 8.0, &percent).unwrap();
            sheet.write_boolean(row, 4, row == 2).unwrap();
            let formula = Formula::new("=1+1").set_result(row.to_string());
            sheet.write_formula(row, 5, formula).unwrap();
        }
    });
    assert_eq!(found.types, ["VARCHAR", "DATE", "TIME", "DOUBLE", "BOOLEAN", "BIGINT"]);
    assert_eq!(found.rows[0], ["00001", "2024-01-01", "01:30:00.500", "0.125", "false", "1"]);
}

#[test]
fn formulas_that_show_nothing_are_nulls() {
    check(&["1", "t=\"str\"|", "2"], "BIGINT", &["1", "2"]);
    let rows = "<row><c t=\"str\"><v>x</v></c><c t=\"str\"><v>y</v></c></row>\
        <row><c><v>1</v></c><c t=\"str\"><f>IF(A2&gt;0,\"\",\"\")</f><v></v></c></row>\
        <row><c><v>2</v></c><c><v>5</v></c></row>";
    let found = read(of_sheet(&sheet_of(rows)), &ConvertOptions::default());
    assert_eq!(found.types, ["BIGINT", "BIGINT"]);
    assert_eq!(found.rows, [["1", "∅"], ["2", "5"]]);
}

#[test]
fn error_cells_are_what_the_policy_says() {
    let bytes = || of_sheet(&column(&["1", "t=\"e\"|#N/A", "3"]));
    let options = |error_cells, on_bad_row| ConvertOptions {
        workbook: WorkbookHints { error_cells, ..WorkbookHints::default() },
        on_bad_row,
        ..ConvertOptions::default()
    };
    let found = read(bytes(), &ConvertOptions::default());
    assert_eq!((found.types[0].as_str(), found.column(0)), ("VARCHAR", vec!["1", "#N/A", "3"]));
    let found = read(bytes(), &options(ErrorCells::Null, BadRowPolicy::Fail));
    assert_eq!((found.types[0].as_str(), found.column(0)), ("BIGINT", vec!["1", "∅", "3"]));
    assert_eq!(found.repairs.len(), 1);
    assert!(found.repairs[0].contains("`Data!A3`"), "{:?}", found.repairs);
    let found = read(bytes(), &options(ErrorCells::Fail, BadRowPolicy::Reject));
    assert_eq!((found.column(0), found.rejects.len()), (vec!["1", "3"], 1));
    let failed = try_read(bytes(), &options(ErrorCells::Fail, BadRowPolicy::Fail), &runtime());
    let crate::Error::Data { source, .. } = failed.unwrap_err() else { panic!("no data error") };
    assert_eq!((source.line, source.record, source.text.as_str()), (3, 2, "#N/A"));
    assert!(source.message.contains("`Data!A3`"), "{source}");
}

#[test]
fn an_error_beyond_the_other_columns_makes_one_as_every_value_does() {
    let rows = "<row><c t=\"str\"><v>id</v></c><c t=\"str\"><v>n</v></c></row>\
        <row r=\"2\"><c><v>1</v></c><c><v>2</v></c></row>\
        <row r=\"3\"><c><v>3</v></c><c><v>4</v></c><c r=\"D3\" t=\"e\"><v>#N/A</v></c></row>";
    let options = |error_cells, on_bad_row| ConvertOptions {
        workbook: WorkbookHints { error_cells, ..WorkbookHints::default() },
        on_bad_row,
        ..ConvertOptions::default()
    };
    let with = |error_cells, on_bad_row| {
        try_read(of_sheet(&sheet_of(rows)), &options(error_cells, on_bad_row), &runtime())
    };
    let text = with(ErrorCells::Text, BadRowPolicy::Fail).unwrap();
    let null = with(ErrorCells::Null, BadRowPolicy::Fail).unwrap();
    assert_eq!(null.names, text.names);
    assert_eq!(null.rows, [["1", "2", "∅", "∅"], ["3", "4", "∅", "∅"]]);
    assert!(null.repairs[0].contains("`Data!D3`"), "{:?}", null.repairs);
    let set_aside = with(ErrorCells::Fail, BadRowPolicy::Reject).unwrap();
    assert_eq!((set_aside.column(0), set_aside.rejects.len()), (vec!["1"], 1));
    let failed = with(ErrorCells::Fail, BadRowPolicy::Fail).unwrap_err();
    assert!(matches!(failed, crate::Error::Data { .. }), "{failed:?}");
}

#[test]
fn types_that_are_asked_for_are_read_from_text_and_numbers() {
    let bytes = || of_sheet(&column(&["1.5", "t=\"str\"|2.25", "3"]));
    let options = |kind: ColumnType, on_bad_row| ConvertOptions {
        type_overrides: vec![("x".to_owned(), kind)],
        on_bad_row,
        ..ConvertOptions::default()
    };
    let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
    let found = read(bytes(), &options(decimal, BadRowPolicy::Fail));
    assert_eq!(
        (found.types[0].as_str(), found.column(0)),
        ("DECIMAL(10,2)", vec!["1.50", "2.25", "3.00"])
    );
    let found = read(bytes(), &options(ColumnType::BigInt, BadRowPolicy::Repair));
    assert_eq!((found.column(0), found.repairs.len()), (vec!["∅", "∅", "3"], 2));
    let dates = of_sheet(&column(&["s=\"1\"|45351", "t=\"str\"|2024-03-01 10:00:00"]));
    let found = read(dates, &options(ColumnType::Timestamp, BadRowPolicy::Fail));
    assert_eq!(found.column(0), ["2024-02-29T00:00:00", "2024-03-01T10:00:00"]);
}

#[test]
fn everything_is_text_when_asked_for() {
    let bytes = of_sheet(&column(&["1.5", "s=\"1\"|45351", "t=\"b\"|0", "t=\"s\"|1"]));
    let found =
        read(bytes, &ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() });
    assert_eq!(found.column(0), ["1.5", "2024-02-29", "false", "two"]);
}

#[test]
fn what_comes_far_below_counts_as_well() {
    let many = 60_000;
    let found = sheet(|sheet| {
        sheet.write_string(0, 0, "n").unwrap();
        sheet.write_string(0, 1, "empty at first").unwrap();
        for row in 1..=many {
            sheet.write_number(row, 0, f64::from(row)).unwrap();
            sheet.write_string(row, 2, format!("some text to fill the sheet with {row}")).unwrap();
        }
        sheet.write_string(many, 0, "the end").unwrap();
        sheet.write_boolean(many, 1, true).unwrap();
        sheet.write_number(many, 3, 0.5).unwrap();
    });
    assert_eq!(found.names, ["n", "empty at first", "column3", "column4"]);
    assert_eq!(found.types, ["VARCHAR", "BOOLEAN", "VARCHAR", "DOUBLE"]);
    assert_eq!(found.rows.len() as u32, many);
    let end = format!("some text to fill the sheet with {many}");
    assert_eq!(found.rows.last().unwrap(), &["the end", "true", end.as_str(), "0.5"]);
    assert!(found.reasons[0].contains("text in `Sheet1!A60001`"), "{}", found.reasons[0]);
}

#[test]
fn parts_may_begin_with_a_mark_and_have_names_of_other_letters() {
    let sheet =
        format!("\u{feff}<?xml version=\"1.0\"?>{}", sheet_of("<row><c><v>7</v></c></row>"));
    let strings = "\u{feff}<?xml version=\"1.0\"?><!-- none --><sst/>";
    let found = read(of_parts(&sheet, strings, ""), &ConvertOptions::default());
    assert_eq!(found.rows, [["7"]]);
    let all = |name: &dyn Fn(&str) -> String| {
        let parts = [
            (
                "_rels/.rels",
                "<x><Relationship Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/></x>",
            ),
            (
                "xl/workbook.xml",
                "<workbook><sheets><sheet name=\"a\" r:id=\"b\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<x><Relationship Id=\"b\" Type=\"x/worksheet\" Target=\"worksheets/s.xml\"/></x>",
            ),
            ("xl/worksheets/s.xml", sheet.as_str()),
        ]
        .map(|(part, text)| (name(part), text));
        let parts: Vec<(&str, &str)> =
            parts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        archive(&parts)
    };
    for bytes in [all(&|name| name.replace('/', "\\")), all(&|name| name.to_uppercase())] {
        assert_eq!(read(bytes, &ConvertOptions::default()).rows, [["7"]]);
    }
}

#[test]
fn prefixes_comments_and_cdata_are_xml() {
    let sheet = "<x:worksheet xmlns:x='y'><x:sheetData><!-- <x:row> -->\
        <x:row r='1'><x:c r='A1' t='inlineStr'><x:is><x:t><![CDATA[a <row> & b]]></x:t></x:is></x:c></x:row>\
        <x:row r='2'><x:c r='A2'><x:v>1</x:v></x:c></x:row><x:row r='3'/>\
        <x:row r='4'><x:c r='A4'><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>";
    let found = read(of_sheet(sheet), &ConvertOptions::default());
    assert_eq!(found.names, ["a <row> & b"]);
    assert_eq!(found.column(0), ["1", "2"]);
}
