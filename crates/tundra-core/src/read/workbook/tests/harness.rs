//! Makes workbooks and reads them.

use std::{
    fs::File,
    io::{Cursor, Write},
    ops::Range,
    sync::Arc,
};

use arrow::util::display::array_value_to_string;
use async_trait::async_trait;
use bytes::Bytes;
use rust_xlsxwriter::Workbook;
use tokio::runtime::{Builder, Runtime};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    Cancel, ConvertOptions, Error, ObjectInfo, ObjectReader, Silent, StorageError,
    read::{
        chunk::DecodeError,
        table::{ReadContext, Table},
        workbook::{Source, WorkbookTable},
    },
};

/// An object in memory.
#[derive(Debug)]
struct InMemory {
    info: ObjectInfo,
    bytes: Bytes,
}

#[async_trait]
impl ObjectReader for InMemory {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        Ok(self.bytes.slice(range.start as usize..range.end as usize))
    }

    fn as_file(&self) -> Option<&File> {
        None
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Read {
    pub(super) names: Vec<String>,
    pub(super) types: Vec<String>,
    pub(super) reasons: Vec<String>,
    /// The rows; nulls are `∅`.
    pub(super) rows: Vec<Vec<String>>,
    pub(super) decisions: Vec<(String, String)>,
    pub(super) left_out: Vec<(String, u64)>,
    pub(super) skipped: u64,
    pub(super) rejects: Vec<String>,
    pub(super) repairs: Vec<String>,
}

impl Read {
    /// Returns what was decided about something.
    pub(super) fn decision(&self, what: &str) -> &str {
        let found = self.decisions.iter().find(|(it, _)| it == what);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Returns the values of a column.
    pub(super) fn column(&self, at: usize) -> Vec<&str> {
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }
}

/// Returns a runtime for what waits for a store.
pub(super) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

/// Makes a workbook.
pub(super) fn saved(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(&mut workbook);
    workbook.save_to_buffer().unwrap()
}

/// Reads a workbook that can be read.
#[track_caller]
pub(super) fn read(bytes: Vec<u8>, options: &ConvertOptions) -> Read {
    match try_read(bytes, options, &runtime()) {
        Ok(read) => read,
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// Reads a workbook; first by a sample, and as a whole when that is contradicted.
pub(super) fn try_read(
    bytes: Vec<u8>,
    options: &ConvertOptions,
    runtime: &Runtime,
) -> Result<Read, Error> {
    try_read_within(bytes, options, runtime, 64 << 20)
}

/// Reads a workbook with so much memory.
pub(super) fn try_read_within(
    bytes: Vec<u8>,
    options: &ConvertOptions,
    runtime: &Runtime,
    memory: u64,
) -> Result<Read, Error> {
    let info = ObjectInfo { size: bytes.len() as u64, ..object_info() };
    let object = Arc::new(InMemory { info, bytes: bytes.into() });
    let context = ReadContext {
        name: "in.xlsx".to_owned(),
        threads: 2,
        cancel: Cancel::default(),
        reporter: Arc::new(Silent),
        total_bytes: None,
        memory,
        types_by: None,
    };
    let source = Source::new(object, runtime.handle().clone());
    let mut table = WorkbookTable::open(source, options, context)?;
    match rows(&table) {
        Err(DecodeError::Contradiction(_)) => {
            assert!(!table.is_complete(), "a contradiction of what was inferred from everything");
            table.infer_whole()?;
            rows(&table)
        }
        other => other,
    }
    .map_err(|error| match error {
        DecodeError::Other(error) => error,
        DecodeError::Data(source) => Error::Data { input: "in.xlsx".to_owned(), source },
        DecodeError::Contradiction(error) => panic!("contradicted: {error}"),
    })
}

fn rows(table: &WorkbookTable) -> Result<Read, DecodeError> {
    let mut read = Read {
        names: table.columns().iter().map(|column| column.name.clone()).collect(),
        types: table.columns().iter().map(|column| column.column_type.clone()).collect(),
        reasons: table.columns().iter().map(|column| column.reason.clone()).collect(),
        ..Read::default()
    };
    for decision in table.decisions() {
        read.decisions.push((decision.what.clone(), decision.value.clone()));
    }
    for event in table.left_out().events {
        read.left_out.push((event.code, event.count));
    }
    for decoded in table.rows().map_err(DecodeError::Other)? {
        let decoded = decoded?;
        let rows = decoded.batch.num_rows() as u64;
        assert_eq!(decoded.counted, decoded.decoded, "the two counts");
        assert_eq!(decoded.decoded, rows + decoded.skipped + decoded.rejects.len() as u64);
        assert_eq!(decoded.batch.schema(), table.schema());
        for row in 0..decoded.batch.num_rows() {
            let cells = decoded.batch.columns().iter().map(|column| {
                if column.is_null(row) {
                    "∅".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap()
                }
            });
            read.rows.push(cells.collect());
        }
        for (column, nulls) in decoded.batch.columns().iter().zip(&decoded.nulls) {
            assert_eq!(column.null_count() as u64, *nulls);
        }
        read.skipped += decoded.skipped;
        read.rejects.extend(decoded.rejects.iter().map(|reject| reject.error.to_string()));
        read.repairs.extend(decoded.repairs.iter().map(ToString::to_string));
    }
    Ok(read)
}

fn object_info() -> ObjectInfo {
    ObjectInfo { path: "in.xlsx".parse().unwrap(), size: 0, etag: None, modified: None }
}

/// Makes a workbook of one sheet of what stands in its part, with two formats: 1 is a date, 2 a
/// duration.
pub(super) fn of_sheet(sheet: &str) -> Vec<u8> {
    of_parts(sheet, "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>", "")
}

/// Makes a workbook of its sheet, its table of strings and the properties of its main part.
pub(super) fn of_parts(sheet: &str, strings: &str, properties: &str) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |all: &str| format!("<Relationships>{all}</Relationships>");
    archive(&[
        ("_rels/.rels", &relations(&relation("r", "officeDocument", "/xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook>{properties}<sheets><sheet name=\"Data\" sheetId=\"1\" r:id=\"a\"/>\
                 </sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(
                &(relation("a", "worksheet", "worksheets/sheet1.xml")
                    + &relation("b", "styles", "styles.xml")
                    + &relation("c", "sharedStrings", "sharedStrings.xml")),
            ),
        ),
        (
            "xl/styles.xml",
            "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"46\"/>\
             </cellXfs></styleSheet>",
        ),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

/// Makes an archive.
pub(super) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in parts {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Makes the part of a sheet of its rows.
pub(super) fn sheet_of(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}
