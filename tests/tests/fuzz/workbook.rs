//! Workbooks: their bytes, and what stands in them.
//!
//! Damage to the bytes of an archive seldom gets further than its checksums. So the parts of workbooks
//! are damaged as text as well, each below a line with its name, and packed with checksums that are
//! right.

use std::io::{Cursor, Write};

use tundra_core::{
    BadRowPolicy, ConvertOptions, ErrorCells, Format, InspectOptions, WorkbookHints,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    memory::bounded,
    run::{Fault, POLICIES, convert, inspect},
    target::Target,
};

/// What stands before the name of a part.
const PART: &[u8] = b"\n=== ";

/// Names beyond this are none.
const LONGEST_NAME: usize = 200;

const BYTES: Target = Target {
    name: "workbook",
    words: &[
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\xfe\xff\xff\xff",
        b"\0\x80",
        b"\x09\x08\x10\0",
        b"\xfc\0",
        b"\xfd\0\x0a\0",
        b"\x3c\0",
        b"\x0a\0\0\0",
        b"[Content_Types].xml",
        b"xl/workbook.xml",
    ],
    inputs: 60,
    ways: 2 * POLICIES.len(),
    check,
};

const PARTS: Target = Target {
    name: "workbook_parts",
    words: &[
        b"<",
        b">",
        b"/>",
        b"</",
        b"\"",
        b"'",
        b"&amp;",
        b"&#0;",
        b"&#x110000;",
        b"&nothing;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
        b"<row r=\"1048576\">",
        b"<row>",
        b"<row r=\"4294967296\">",
        b"</row>",
        b"<c r=\"XFD1\">",
        b"<c r=\"ZZZZZZZ9\">",
        b"<c t=\"s\">",
        b"<c t=\"e\"><v>#N/A</v></c>",
        b"<c t=\"d\"><v>2024-01-31T00:00:00</v></c>",
        b"<c s=\"4294967295\">",
        b"</c>",
        b"<v>",
        b"</v>",
        b"<v>1e999</v>",
        b"<v>-0</v>",
        b"<v>18446744073709551616</v>",
        b"<v>2958466</v>",
        b"<f t=\"shared\" si=\"0\"/>",
        b"<is><t>x</t></is>",
        b"<mergeCell ref=\"A1:XFD1048576\"/>",
        b"<mergeCell ref=\"B2:A1\"/>",
        b"<col min=\"1\" max=\"16384\" hidden=\"1\"/>",
        b"<dimension ref=\"A1:XFD1048576\"/>",
        b" hidden=\"1\"",
        b" r=\"\"",
        b" count=\"4294967295\"",
        b"<si>",
        b"<si/>",
        b"<r><t>x</t></r>",
        b"<rPh sb=\"0\" eb=\"9\"><t>x</t></rPh>",
        b"date1904=\"1\"",
        b"formatCode=\"[h]:mm\"",
        b"formatCode=\"[[[\"",
        b"xmlns:x=\"\"",
        b"_x0000_",
        b"_xD800_",
        b"table:number-rows-repeated=\"1048576\"",
        b"table:number-columns-repeated=\"16384\"",
        b"office:value-type=\"date\"",
        b"office:date-value=\"9999-99-99\"",
        b"office:time-value=\"PT9999999999H\"",
        b"../",
        b"\xff",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
    ],
    inputs: 120,
    ways: 2 * POLICIES.len(),
    check: |bytes, way| check(&packed(bytes), way),
};

#[test]
fn workbook_of_the_corpus_is_converted_or_refused() {
    BYTES.replay();
}

#[test]
fn workbook_that_is_damaged_is_converted_or_refused() {
    BYTES.fuzz();
}

#[test]
fn workbook_parts_of_the_corpus_are_converted_or_refused() {
    PARTS.replay();
}

#[test]
fn workbook_parts_that_are_damaged_are_converted_or_refused() {
    PARTS.fuzz();
}

fn check(bytes: &[u8], way: usize) -> Result<(), Fault> {
    let (on_bad_row, types) = POLICIES[way % POLICIES.len()];
    let format = Some(Format::Excel);
    // Of xlsx only.
    let is_more = way >= POLICIES.len() && bytes.starts_with(b"PK");
    let workbook = WorkbookHints {
        fill_merged: is_more,
        skip_hidden: is_more,
        error_cells: if is_more { ErrorCells::Fail } else { ErrorCells::Text },
        ..WorkbookHints::default()
    };
    let inspected =
        InspectOptions { format, types, workbook: workbook.clone(), ..InspectOptions::default() };
    let options =
        ConvertOptions { format, on_bad_row, types, workbook, ..ConvertOptions::default() };
    bounded(|| {
        let converted = convert(bytes, &options)?;
        let clean = converted.as_ref().ok().filter(|_| on_bad_row == BadRowPolicy::Fail);
        inspect(bytes, &inspected, clean)
    })
}

/// Packs what stands below the names of parts. Every second part is compressed.
fn packed(text: &[u8]) -> Vec<u8> {
    let starts: Vec<usize> = (0..text.len()).filter(|at| text[*at..].starts_with(PART)).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (number, (start, end)) in starts.iter().zip(ends).enumerate() {
        let part = &text[start + PART.len()..end];
        let length = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        let (name, content) = part.split_at(length);
        let name = String::from_utf8_lossy(&name[..length.min(LONGEST_NAME)]);
        let method = match number % 2 {
            0 => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        // Two parts of one name are refused by the writer.
        if archive.start_file(name, options).is_ok() {
            archive.write_all(content.get(1..).unwrap_or_default()).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}
