//! What a workbook would take if it were believed, found out before anybody believes it.
//!
//! There is a function for each format that [`super::foreign`] opens. None of them reads a value.

use std::collections::HashSet;

use super::{
    bytes::Source,
    cfb::Streams,
    container::is_encrypted_manifest,
    fault::Fault,
    package::Package,
    reference::{MAX_COLUMNS, MAX_ROWS},
    xml::{Mark, Xml},
};

/// Bytes of a cell and of the text of its formula, as `calamine` holds them.
const CELL_BYTES: u64 = 32 + 24;

/// Checks that all parts together fit into `limit`, and how tightly each is packed.
pub(super) fn parts(source: &Source, limit: u64) -> Result<(), Fault> {
    let package = Package::open(source.clone())?;
    // What is unpacked is smaller than what is held of it.
    let unpacked = package.unpacked();
    if unpacked > limit {
        return Err(too_large(format!("its parts have {unpacked} bytes"), limit));
    }
    Ok(())
}

/// Checks the sheets of an old workbook: the cells between the first and the last of each are held,
/// empty or not.
pub(super) fn xls(source: &Source, limit: u64) -> Result<(), Fault> {
    if source.size() > limit / 4 {
        return Err(too_large(format!("it has {} bytes", source.size()), limit));
    }
    let streams = Streams::open(source)?;
    let missing = || Fault::damaged("there is no workbook in it");
    let found = streams.find("Workbook").or_else(|| streams.find("Book")).ok_or_else(missing)?;
    let bytes = streams.read(found)?;
    let mut cells = Extent::default();
    let mut total: u64 = 0;
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 4) {
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
        let end = (at + 4 + length).min(bytes.len());
        let body = &bytes[at + 4..end];
        let word = |at: usize| {
            body.get(at..at + 2).map_or(0, |it| u32::from(u16::from_le_bytes([it[0], it[1]])))
        };
        match kind {
            // The beginning of a sheet.
            0x0809 => {
                total = total.saturating_add(cells.count());
                cells = Extent::default();
            }
            // Encrypted from here on.
            0x002f => return Err(Fault::Encrypted),
            0x0006 | 0x00d6 | 0x00fd | 0x0203..=0x0205 | 0x027e if length >= 4 => {
                cells.add(word(0), word(2));
            }
            0x00bd if length >= 6 => {
                cells.add(word(0), word(2));
                cells.add(word(0), word(length - 2).max(word(2) + (length as u32) / 6));
            }
            // The dimensions, for which there is room at once.
            0x0200 => {
                let number = |at: usize| word(at) | word(at + 2) << 16;
                let (rows, columns) = match length {
                    10 => (word(2), word(6)),
                    _ => (number(4), word(10)),
                };
                total = total.saturating_add(u64::from(rows) * u64::from(columns));
            }
            _ => {}
        }
        at += 4 + length;
    }
    total = total.saturating_add(cells.count());
    if total.saturating_mul(CELL_BYTES) > limit {
        return Err(too_large(format!("its sheets span {total} cells"), limit));
    }
    Ok(())
}

/// The cells between the first and the last.
#[derive(Debug, Default)]
struct Extent {
    bounds: Option<((u32, u32), (u32, u32))>,
}

impl Extent {
    fn add(&mut self, row: u32, column: u32) {
        let ((top, left), (bottom, right)) = self.bounds.unwrap_or(((row, column), (row, column)));
        self.bounds =
            Some(((top.min(row), left.min(column)), (bottom.max(row), right.max(column))));
    }

    fn count(&self) -> u64 {
        self.bounds.map_or(0, |((top, left), (bottom, right))| {
            u64::from(bottom - top + 1) * u64::from(right - left + 1)
        })
    }
}

/// Checks the sheets of a spreadsheet of OpenDocument: that its elements nest, since whoever reads it
/// waits for their ends, and how many cells its repetitions come to.
pub(super) fn ods(source: &Source, limit: u64) -> Result<(), Fault> {
    let package = Package::open(source.clone())?;
    if let Some(part) = package.part("META-INF/manifest.xml")
        && is_encrypted_manifest(&package.read_whole(part)?)
    {
        return Err(Fault::Encrypted);
    }
    let part = package.needed("content.xml")?;
    if part.size > limit / 2 {
        return Err(too_large(format!("its content has {} bytes", part.size), limit));
    }
    let bytes = package.read_within(part, limit / 2)?;
    let mut xml = Xml::new(&bytes);
    let mut open: Vec<&[u8]> = Vec::new();
    let mut sheet = Repeated::default();
    let mut sheets: HashSet<String> = HashSet::new();
    let mut total: u64 = 0;
    loop {
        match xml.next()?.1 {
            Mark::Open(name) => {
                match name {
                    b"table" => {
                        total = total.saturating_add(sheet.cells());
                        sheet = Repeated::default();
                        let [title] = xml.attributes(["name"])?;
                        let is_new = sheets.insert(title.unwrap_or_default().into_owned());
                        if !is_new && open.last() == Some(&&b"spreadsheet"[..]) {
                            return Err(Fault::damaged("two of its sheets have one name"));
                        }
                    }
                    b"table-row" => {
                        let [repeated] = xml.attributes(["number-rows-repeated"])?;
                        sheet.row(count(repeated.as_deref(), MAX_ROWS)?);
                    }
                    b"table-cell" | b"covered-table-cell" => {
                        let [repeated, kind, formula] =
                            xml.attributes(["number-columns-repeated", "value-type", "formula"])?;
                        let holds = kind.is_some() || formula.is_some() || !xml.is_empty()?;
                        sheet.cell(count(repeated.as_deref(), MAX_COLUMNS)?, holds);
                    }
                    _ => {}
                }
                if !xml.is_empty()? {
                    if open.len() > MAX_DEPTH {
                        return Err(Fault::damaged("its elements nest too deep"));
                    }
                    open.push(name);
                }
            }
            Mark::Close(name) if open.pop() == Some(name) => {}
            Mark::Close(_) => {
                return Err(Fault::damaged("the elements of its content do not nest"));
            }
            Mark::End if open.is_empty() => break,
            Mark::End => return Err(Fault::damaged("its content is cut off")),
            Mark::CData(_) => {}
        }
    }
    total = total.saturating_add(sheet.cells());
    if total.saturating_mul(CELL_BYTES) > limit {
        return Err(too_large(format!("its sheets come to {total} cells"), limit));
    }
    Ok(())
}

/// Elements within each other, at most.
const MAX_DEPTH: usize = 200;

fn count(text: Option<&str>, most: u32) -> Result<u64, Fault> {
    let Some(text) = text else { return Ok(1) };
    let number = text.parse::<u64>().ok();
    let number = number.ok_or_else(|| Fault::damaged(format!("`{text}` is no number of cells")))?;
    Ok(number.min(u64::from(most)))
}

/// A sheet whose rows and cells say how often they come.
#[derive(Debug, Default)]
struct Repeated {
    /// Rows up to the last one that holds something, and those behind it.
    rows: u64,
    empty: u64,
    /// How often the row comes, its width up to the last cell that holds something, and behind it.
    times: u64,
    width: u64,
    behind: u64,
    widest: u64,
    /// Cells as they are written, before rows are repeated.
    written: u64,
}

impl Repeated {
    fn row(&mut self, times: u64) {
        self.end_row();
        self.times = times;
    }

    fn end_row(&mut self) {
        self.written += self.width;
        if self.width > 0 {
            self.rows += self.empty + self.times;
            self.empty = 0;
            self.widest = self.widest.max(self.width);
        } else {
            self.empty += self.times;
        }
        (self.times, self.width, self.behind) = (0, 0, 0);
    }

    fn cell(&mut self, times: u64, holds: bool) {
        self.behind += times;
        if holds {
            self.width += std::mem::take(&mut self.behind);
        }
    }

    fn cells(&mut self) -> u64 {
        self.end_row();
        self.rows.saturating_mul(self.widest).saturating_add(self.written)
    }
}

fn too_large(what: String, limit: u64) -> Fault {
    Fault::TooLarge(format!(
        "{what}, and a workbook of this sort is held in memory, of which there are {limit} bytes for it"
    ))
}
