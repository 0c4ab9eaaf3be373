//! Damaged and hostile workbooks: an error that says where, and never a panic.

use std::time::{Duration, Instant};

use rust_xlsxwriter::Format;

use super::harness::{archive, of_parts, of_sheet, read, runtime, saved, sheet_of, try_read};
use crate::{Classify, ConvertOptions, Error, ErrorKind, WorkbookHints};

/// A workbook with a bit of everything.
fn workbook() -> Vec<u8> {
    saved(|workbook| {
        let date = Format::new().set_num_format("yyyy-mm-dd");
        let sheet = workbook.add_worksheet();
        for row in 0..30_u32 {
            sheet.write_string(row, 0, format!("text {}", row % 7)).unwrap();
            sheet.write_number(row, 1, f64::from(row) * 1.5).unwrap();
            sheet.write_number_with_format(row, 2, f64::from(row) + 40_000.0, &date).unwrap();
            sheet.write_boolean(row, 3, row % 2 == 0).unwrap();
        }
        sheet.merge_range(31, 0, 32, 1, "merged", &Format::new()).unwrap();
        workbook.add_worksheet().write_string(0, 0, "another").unwrap();
    })
}

/// Every second one with everything that can be asked for.
fn options(number: usize) -> ConvertOptions {
    let workbook = WorkbookHints {
        fill_merged: number % 2 == 1,
        skip_hidden: number % 2 == 1,
        ..WorkbookHints::default()
    };
    ConvertOptions { workbook, ..ConvertOptions::default() }
}

#[test]
fn a_workbook_that_is_cut_off_is_an_error_wherever() {
    let whole = workbook();
    let runtime = runtime();
    read(whole.clone(), &options(1));
    for number in 0..200 {
        let cut = whole.len() * number / 200;
        let found = try_read(whole[..cut].to_vec(), &options(number), &runtime);
        assert!(found.is_err(), "cut at {cut} of {}", whole.len());
    }
}

#[test]
fn bytes_that_are_changed_are_an_error_or_change_nothing() {
    let whole = workbook();
    let runtime = runtime();
    let expected = [read(whole.clone(), &options(0)), read(whole.clone(), &options(1))];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let begun = Instant::now();
    for number in 0..500 {
        let mut bytes = whole.clone();
        let at = random(bytes.len());
        bytes[at] ^= 1 << random(8);
        // Names of parts have no checksum: a sheet may be missing, and then another one is read.
        if let Ok(found) = try_read(bytes, &options(number), &runtime) {
            let is_same = found.rows == expected[number % 2].rows;
            assert!(
                is_same || found.decision("sheet") != "Sheet1",
                "a bit of byte {at} changed rows"
            );
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn the_xml_of_a_sheet_can_be_changed_anywhere() {
    let sheet = sheet_of(
        "<row r=\"1\" spans=\"1:2\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>b&amp;c\
         </t></is></c></row><row r=\"2\"><c r=\"A2\"><f>1+1</f><v>2</v></c><c r=\"B2\" s=\"1\"><v>45000.5</v>\
         </c></row><row r=\"4\" hidden=\"1\"><c r=\"A4\" t=\"b\"><v>1</v></c></row>",
    );
    let runtime = runtime();
    let begun = Instant::now();
    for at in 0..sheet.len() {
        for byte in [b'<', b'>', b'"', b' ', b'9', b'/', b'&', 0xff] {
            let mut bytes = sheet.clone().into_bytes();
            bytes[at] = byte;
            // The archive takes text.
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            drop(try_read(of_sheet(&changed), &options(at), &runtime));
        }
        drop(try_read(of_sheet(&sheet[..at]), &options(at), &runtime));
    }
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

#[track_caller]
fn check(bytes: Vec<u8>, told: &str) {
    let error = try_read(bytes, &ConvertOptions::default(), &runtime()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded), "{error:?}");
    assert!(text.contains(told), "{text}");
}

#[test]
fn damage_is_told_with_its_place() {
    let row = |cells: &str| of_sheet(&sheet_of(&format!("<row r=\"1\">{cells}</row>")));
    check(
        row("<c r=\"A1\" t=\"s\"><v>7</v></c>"),
        "sheet `Data`: row 1: cell A1: its text is string 7 of 2",
    );
    check(row("<c r=\"A1\"><v>x1</v></c>"), "cell A1: `x1` is no number");
    check(row("<c r=\"A1\"><v>inf</v></c>"), "cell A1: `inf` is no number");
    check(row("<c r=\"A1\" t=\"b\"><v>2</v></c>"), "cell A1: `2` is no boolean");
    check(row("<c r=\"B1\"><v>1</v></c><c r=\"A1\"><v>1</v></c>"), "its cell `A1` is out of place");
    check(row("<c r=\"A1\"><v>1</v></c><c r=\"A1\"><v>1</v></c>"), "its cell `A1` is out of place");
    check(row("<c r=\"A2\"><v>1</v></c>"), "its cell `A2` is out of place");
    check(row("<c r=\"ZZZ1\"><v>1</v></c>"), "its cell `ZZZ1` is out of place");
    let cell = "<c><v>1</v></c>";
    let rows = format!("<row r=\"2\">{cell}</row><row r=\"1\">{cell}</row>");
    check(of_sheet(&sheet_of(&rows)), "not in order");
    let rows = format!("<row>{cell}</row><row r=\"1048577\">{cell}</row>");
    check(of_sheet(&sheet_of(&rows)), "`1048577` is no row");
    check(of_sheet("<worksheet><sheetData><row r=\"1\">"), "is cut off");
    check(of_sheet("<worksheet></worksheet>"), "there is no `sheetData` in it");
    check(
        of_sheet(&sheet_of("<row><c t=\"str\"><v>&bad;</v></c></row>")),
        "stands for no character",
    );
    check(of_parts(&sheet_of(""), "<sst><si>", ""), "in `xl/sharedStrings.xml`");
    check(archive(&[("xl/worksheets/sheet1.xml", "x")]), "its part `xl/workbook.xml` is missing");
    check(archive(&[("xl/workbook.xml", "<workbook><sheets/></workbook>")]), "no sheet with cells");
    check(archive(&[("xl/workbook.xml", "<html/>")]), "its main part is no workbook");
    check(b"no workbook at all".to_vec(), "nothing in it is a workbook");
}

#[test]
fn two_parts_of_one_name_are_not_read_as_one() {
    let book = "<workbook><sheets><sheet name=\"a\" r:id=\"b\"/></sheets></workbook>";
    // The archive has names in letters that workbooks do not tell apart.
    check(archive(&[("xl/workbook.xml", book), ("xl/Workbook.xml", book)]), "have one name");
    let mut same = archive(&[("xl/workbook.xml", book), ("xl/workbook.xm2", book)]);
    let names = memchr::memmem::find_iter(&same, b"xl/workbook.xm2");
    for at in names.collect::<Vec<_>>() {
        same[at..at + 15].copy_from_slice(b"xl/workbook.xml");
    }
    check(same, "have one name");
}

#[test]
fn a_dimension_that_lies_changes_nothing() {
    let sheet = "<worksheet><dimension ref=\"A1:XFD1048576\"/><cols><col min=\"0\" max=\"99999999999\" \
        hidden=\"1\"/></cols><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>";
    let found = read(of_sheet(sheet), &ConvertOptions::default());
    assert_eq!(found.rows, [["1"]]);
    let strings = "<sst count=\"99999999999\" uniqueCount=\"99999999999\"><si><t>x</t></si></sst>";
    let sheet = sheet_of("<row><c t=\"s\"><v>0</v></c></row><row><c><v>1</v></c></row>");
    let found = read(of_parts(&sheet, strings, ""), &ConvertOptions::default());
    assert_eq!(found.names, ["x"]);
}

#[test]
fn merged_cells_that_are_too_many_are_not_filled() {
    let sheet = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData><mergeCells>\
        <mergeCell ref=\"A1:XFD1048576\"/></mergeCells></worksheet>";
    let error = try_read(of_sheet(sheet), &options(1), &runtime()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
}

#[test]
fn a_long_text_in_many_merged_cells_is_not_filled() {
    let text = "x".repeat(1 << 20);
    let sheet = |area: &str| {
        format!(
            "<worksheet><sheetData><row r=\"1\"><c t=\"str\"><v>a</v></c><c t=\"str\"><v>b</v></c></row>\
             <row r=\"2\"><c t=\"inlineStr\"><is><t>{text}</t></is></c></row>\
             <row r=\"3\"><c r=\"B3\"><v>1</v></c></row></sheetData>\
             <mergeCells><mergeCell ref=\"{area}\"/></mergeCells></worksheet>"
        )
    };
    let error = try_read(of_sheet(&sheet("A2:ZZ2")), &options(1), &runtime()).unwrap_err();
    assert!(matches!(error, Error::WorkbookTooLarge { .. }), "{error}");
    let few = read(of_sheet(&sheet("A2:A3")), &options(1));
    assert!(few.column(0).iter().all(|found| *found == text));
}

#[test]
fn a_table_of_strings_beyond_the_memory_is_refused() {
    // The harness gives 64 MiB, of which a half may be held.
    let string = format!("<si><t>{}</t></si>", "x".repeat(1 << 20));
    let strings = format!("<sst>{}</sst>", string.repeat(40));
    let error =
        try_read(of_parts(&sheet_of(""), &strings, ""), &options(0), &runtime()).unwrap_err();
    assert!(matches!(error, Error::WorkbookTooLarge { .. }), "{error}");
}
