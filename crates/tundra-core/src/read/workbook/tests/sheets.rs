//! Which cells are read, and which names the columns get.

use rust_xlsxwriter::{Format, Table, TableColumn, Workbook, Worksheet};

use super::harness::{Read, of_parts, read, runtime, saved, sheet_of, try_read};
use crate::{ConvertOptions, TextHints, WorkbookHints};

/// Writes rows of texts and numbers from a cell on.
fn write(sheet: &mut Worksheet, row: u32, column: u16, rows: &[&[&str]]) {
    for (down, cells) in (0..).zip(rows) {
        for (right, cell) in (0..).zip(*cells) {
            let (row, column) = (row + down, column + right);
            if cell.is_empty() {
                continue;
            }
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number).unwrap(),
                Err(_) => sheet.write_string(row, column, *cell).unwrap(),
            };
        }
    }
}

const TABLE: &[&[&str]] = &[&["id", "name", "sum"], &["1", "a", "1.5"], &["2", "b", "2.5"]];

/// Reads a workbook of one sheet with these rows.
fn rows(rows: &[&[&str]]) -> Read {
    rows_with(rows, &TextHints::default())
}

fn rows_with(rows: &[&[&str]], text: &TextHints) -> Read {
    let bytes = saved(|workbook| write(workbook.add_worksheet(), 0, 0, rows));
    read(bytes, &ConvertOptions { text: text.clone(), ..ConvertOptions::default() })
}

fn with(hints: WorkbookHints) -> ConvertOptions {
    ConvertOptions { workbook: hints, ..ConvertOptions::default() }
}

fn sheet(name: &str) -> ConvertOptions {
    with(WorkbookHints { sheet: Some(name.to_owned()), ..WorkbookHints::default() })
}

fn range(range: &str) -> ConvertOptions {
    with(WorkbookHints { range: Some(range.to_owned()), ..WorkbookHints::default() })
}

/// Three sheets: an empty one, a hidden one and one with a table from C3 on.
fn three(workbook: &mut Workbook) {
    workbook.add_worksheet().set_name("Cover").unwrap();
    let hidden = workbook.add_worksheet();
    hidden.set_name("Lists").unwrap().set_hidden(true);
    write(hidden, 0, 0, &[&["x"], &["1"]]);
    let data = workbook.add_worksheet();
    data.set_name("My data").unwrap();
    write(data, 2, 2, TABLE);
    write(data, 9, 0, &[&["k", "v"], &["p", "7"], &["q", "8"]]);
    workbook.define_name("Few", "='My data'!$A$10:$B$11").unwrap();
    workbook.define_name("Sum", "=SUM('My data'!$A$10:$B$11)").unwrap();
}

#[test]
fn the_first_visible_sheet_with_cells_is_read() {
    let found = read(saved(three), &range("C3:E5"));
    assert_eq!(found.decision("sheet"), "My data");
    assert_eq!(found.names, ["id", "name", "sum"]);
    assert_eq!(found.types, ["BIGINT", "VARCHAR", "DOUBLE"]);
    assert_eq!(found.rows, [["1", "a", "1.5"], ["2", "b", "2.5"]]);
}

#[test]
fn sheets_are_found_by_name_and_by_number() {
    for name in ["Lists", "lists", "2"] {
        let found = read(saved(three), &sheet(name));
        assert_eq!((found.names, found.rows), (vec!["x".to_owned()], vec![vec!["1".to_owned()]]));
    }
    for name in ["Other", "4", "0"] {
        let error = try_read(saved(three), &sheet(name), &runtime()).unwrap_err();
        let hints = crate::Classify::hints(&error);
        assert!(hints[0].contains("`Cover`, `Lists`, `My data`"), "{name}: {hints:?}");
    }
    let error = try_read(saved(three), &sheet("Cover"), &runtime()).unwrap_err();
    assert!(error.to_string().contains("is empty"), "{error}");
}

#[test]
fn ranges_are_found_by_their_names() {
    for name in ["Few", "few", "'My data'!A10:B11", "A10:B11"] {
        let found = read(saved(three), &range(name));
        assert_eq!(found.names, ["k", "v"], "{name}");
        assert_eq!(found.rows, [["p", "7"]], "{name}");
    }
    let error = try_read(saved(three), &range("Sum"), &runtime()).unwrap_err();
    assert!(error.to_string().contains("is no range"), "{error}");
    let error = try_read(saved(three), &range("Nothing"), &runtime()).unwrap_err();
    assert!(error.to_string().contains("neither a range nor a name"), "{error}");
}

#[test]
fn names_that_say_that_they_are_not_hidden_are_found() {
    let sheet = sheet_of("<row><c><v>1</v></c></row><row><c><v>2</v></c></row>");
    for (hidden, is_found) in [("0", true), ("false", true), ("1", false), ("true", false)] {
        let names = format!(
            "<definedNames><definedName name=\"Few\" hidden=\"{hidden}\">Data!$A$1:$A$1\
             </definedName></definedNames>"
        );
        let found = try_read(of_parts(&sheet, "<sst/>", &names), &range("Few"), &runtime());
        assert_eq!(found.is_ok(), is_found, "{hidden}");
    }
}

#[test]
fn tables_are_found_by_their_names() {
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        write(sheet, 0, 0, &[&["A report"]]);
        write(sheet, 4, 1, &[&["", ""], &["1", "2"], &["3", "4"]]);
        let columns = [TableColumn::new().set_header("a"), TableColumn::new().set_header("b")];
        let table = Table::new().set_name("Orders").set_columns(&columns);
        sheet.add_table(4, 1, 6, 2, &table).unwrap();
        write(sheet, 7, 1, &[&["below", "it"]]);
    });
    let found = read(bytes, &range("orders"));
    assert_eq!(found.names, ["a", "b"]);
    assert_eq!(found.rows, [["1", "2"], ["3", "4"]]);
    assert_eq!(found.decision("range"), "B5:C7");
}

#[test]
fn titles_above_the_header_are_left_out_and_told() {
    let mut all: Vec<&[&str]> = vec![&["Sales of 2024"], &[], &["made by", "somebody"], &[]];
    all.extend(TABLE);
    let found = rows(&all);
    assert_eq!(found.names, ["id", "name", "sum"]);
    assert_eq!(found.rows.len(), 2);
    assert_eq!(found.decision("header"), "row 5");
    assert_eq!(found.decision("preamble"), "2 rows");
    assert_eq!(found.left_out, [("left_out_preamble".to_owned(), 2)]);
}

#[test]
fn headers_can_be_told() {
    let hints = |header, header_rows, preamble| TextHints {
        header,
        header_rows,
        preamble,
        ..TextHints::default()
    };
    let groups: &[&[&str]] =
        &[&["Left", "", "Right"], &["a", "b", "c"], &["1", "2", "3"], &["4", "5", "6"]];
    let found = rows_with(groups, &hints(None, Some(2), None));
    assert_eq!(found.names, ["Left a", "b", "Right c"]);
    assert_eq!(found.rows.len(), 2);
    let found = rows_with(TABLE, &hints(Some(false), None, None));
    assert_eq!(found.names, ["column1", "column2", "column3"]);
    assert_eq!(found.rows.len(), 3);
    assert_eq!(found.types, ["VARCHAR"; 3]);
    let found = rows_with(TABLE, &hints(Some(true), None, Some(1)));
    assert_eq!(found.names, ["1", "a", "1.5"]);
    assert_eq!(found.rows.len(), 1);
}

#[test]
fn a_preamble_of_no_rows_leaves_nothing_out() {
    let mut all: Vec<&[&str]> = vec![&["Sales of 2024"], &["made by somebody"]];
    all.extend(TABLE);
    let found = rows_with(&all, &TextHints { preamble: Some(0), ..TextHints::default() });
    assert_eq!(found.decision("header"), "row 1");
    assert_eq!((found.decision("preamble"), found.left_out.len()), ("", 0));
    assert_eq!(found.rows.len(), 4);
}

#[test]
fn names_are_made_unique() {
    let found = rows(&[&["a", "A", "", "b"], &["1", "2", "3", "4"], &["5", "6", "7", "8"]]);
    assert_eq!(found.names, ["a", "A_1", "column3", "b"]);
}

#[test]
fn formatted_cells_without_a_value_are_nothing() {
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        write(sheet, 0, 0, TABLE);
        let format = Format::new().set_bold();
        for row in 0..200 {
            sheet.write_blank(row, 7, &format).unwrap();
        }
    });
    let found = read(bytes, &ConvertOptions::default());
    assert_eq!(found.names.len(), 3);
    assert_eq!(found.rows.len(), 2);
}

#[test]
fn empty_rows_are_no_records_and_gaps_are_nulls() {
    let found = rows(&[&["a", "b"], &["1", "x"], &[], &["2"], &["", "y"], &[], &["3", "z"]]);
    assert_eq!(found.rows, [["1", "x"], ["2", "∅"], ["∅", "y"], ["3", "z"]]);
}

#[test]
fn hidden_rows_and_columns_are_left_out_when_asked_for() {
    let bytes = || {
        saved(|workbook| {
            let sheet = workbook.add_worksheet();
            write(sheet, 0, 0, TABLE);
            write(sheet, 0, 3, &[&["secret"], &["5"], &["6"]]);
            sheet.set_column_hidden(3).unwrap();
            sheet.set_column_hidden(1).unwrap();
            sheet.set_row_hidden(1).unwrap();
        })
    };
    let kept = read(bytes(), &ConvertOptions::default());
    assert_eq!((kept.names.len(), kept.rows.len()), (4, 2));
    let hints = WorkbookHints { skip_hidden: true, ..WorkbookHints::default() };
    let found = read(bytes(), &with(hints));
    assert_eq!(found.names, ["id", "sum"]);
    assert_eq!(found.rows, [["2", "2.5"]]);
    assert_eq!(found.skipped, 1);
}

#[test]
fn merged_cells_are_filled_when_asked_for() {
    let bytes = || {
        saved(|workbook| {
            let sheet = workbook.add_worksheet();
            write(sheet, 0, 0, &[&["group", "n"], &["", "1"], &["", "2"], &["q", "3"]]);
            sheet.merge_range(1, 0, 2, 0, "p", &Format::new()).unwrap();
        })
    };
    let kept = read(bytes(), &ConvertOptions::default());
    assert_eq!(kept.column(0), ["p", "∅", "q"]);
    let hints = WorkbookHints { fill_merged: true, ..WorkbookHints::default() };
    let filled = read(bytes(), &with(hints));
    assert_eq!(filled.column(0), ["p", "p", "q"]);
}

#[test]
fn merged_names_of_groups_stand_over_all_of_their_columns() {
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        let format = Format::new();
        write(sheet, 1, 1, &[&["sold", "left"]]);
        write(sheet, 2, 0, &[&["N", "1", "2"], &["S", "3", "4"]]);
        sheet.merge_range(0, 0, 1, 0, "region", &format).unwrap();
        sheet.merge_range(0, 1, 0, 2, "2024", &format).unwrap();
    });
    let hints = WorkbookHints { fill_merged: true, ..WorkbookHints::default() };
    let found = read(bytes, &with(hints));
    assert_eq!(found.names, ["region", "2024 sold", "2024 left"]);
    assert_eq!(found.rows, [["N", "1", "2"], ["S", "3", "4"]]);
}

#[test]
fn rows_can_be_skipped_by_their_numbers() {
    let bytes = saved(|workbook| write(workbook.add_worksheet(), 0, 0, TABLE));
    let skip_rows = [0].into();
    let found = read(bytes, &ConvertOptions { skip_rows, ..ConvertOptions::default() });
    assert_eq!((found.skipped, found.column(0)), (1, vec!["2"]));
}

#[test]
fn rows_outside_of_the_table_have_no_numbers() {
    let bytes = || {
        saved(|workbook| {
            let rows: &[&[&str]] =
                &[&["x", "y"], &["1", "a"], &["", "b"], &["5", "c"], &["", "d"], &["6", ""]];
            write(workbook.add_worksheet(), 0, 0, rows);
        })
    };
    for (range_of, skipped, left) in [
        ("A1:A10", 0, vec!["5", "6"]),
        ("A1:A10", 1, vec!["1", "6"]),
        ("A1:A10", 2, vec!["1", "5"]),
        ("A1:A10", 3, vec!["1", "5", "6"]),
        ("B1:B10", 1, vec!["a", "c", "d"]),
    ] {
        let text = TextHints { header: Some(true), ..TextHints::default() };
        let skip_rows = [skipped].into();
        let found = read(bytes(), &ConvertOptions { skip_rows, text, ..range(range_of) });
        assert_eq!(found.column(0), left, "{range_of} without {skipped}");
    }
}

#[test]
fn rows_are_numbered_through_all_of_a_range() {
    const ROWS: u32 = 60_000;
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        write(sheet, 0, 0, &[&["n"]]);
        for row in 1..=ROWS {
            if row % 2 == 0 {
                sheet.write_number(row, 0, row).unwrap();
            }
            sheet
                .write_string(row, 1, format!("a text that fills the sheet, number {row}"))
                .unwrap();
        }
    });
    let skip_rows = [20_000].into();
    let found = read(bytes, &ConvertOptions { skip_rows, ..range("A:A") });
    assert_eq!((found.rows.len(), found.skipped), (29_999, 1));
    assert!(!found.column(0).contains(&"40002"));
}

#[test]
fn a_row_with_nothing_but_a_new_column_is_a_record() {
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        write(sheet, 0, 0, &[&["text", "secret"]]);
        for row in 1..=60_000 {
            sheet
                .write_string(row, 0, format!("a text that fills the sheet, number {row}"))
                .unwrap();
        }
        write(sheet, 60_001, 1, &[&["5", ""]]);
        write(sheet, 60_002, 2, &[&["7"]]);
        sheet.set_column_hidden(1).unwrap();
    });
    let hints = WorkbookHints { skip_hidden: true, ..WorkbookHints::default() };
    let found = read(bytes, &with(hints));
    assert_eq!(found.names, ["text", "column2"]);
    assert_eq!((found.rows.len(), found.rows.last().unwrap()[1].as_str()), (60_001, "7"));
}

#[test]
fn a_range_may_begin_far_below() {
    let bytes = saved(|workbook| {
        let sheet = workbook.add_worksheet();
        for row in 0..60_000 {
            sheet
                .write_string(row, 0, format!("a text that fills the sheet, number {row}"))
                .unwrap();
        }
        write(sheet, 60_010, 2, TABLE);
    });
    let found = read(bytes, &range("C60005:E60020"));
    assert_eq!(found.names, ["id", "name", "sum"]);
    assert_eq!(found.rows.len(), 2);
}
