//! A sheet of xlsx.
//!
//! Start at [`XlsxSheet`]. It is unpacked and read anew in each pass, in pieces, so that a sheet of a
//! million rows takes no more memory than a small one. What is held is the workbook's table of strings.

use super::{
    bytes::Source,
    fault::Fault,
    merged::Merged,
    package::{Part, open_part},
    reference::Area,
    row::Row,
    scan::{Context, SheetRows},
    serial::Epoch,
    sheet::{Sheet, Visit},
    split::SheetSplit,
    strings::Strings,
    xml::{Mark, Xml},
};
use crate::{
    Error,
    read::chunk::{Chunk, DecodeError, Split},
};

/// A sheet of an archive.
#[derive(Debug)]
pub(super) struct XlsxSheet {
    input: String,
    name: String,
    source: Source,
    part: Part,
    context: Context,
    hidden: Vec<(u32, u32)>,
    merged: Option<Merged>,
}

impl XlsxSheet {
    /// Looks at what stands before the rows.
    pub(super) fn open(
        input: String,
        name: String,
        source: Source,
        part: Part,
        context: Context,
    ) -> Result<Self, Fault> {
        let mut sheet =
            Self { input, name, source, part, context, hidden: Vec::new(), merged: None };
        let (_, head) = sheet.begin((1, u32::MAX)).map_err(|fault| sheet.within(fault))?;
        sheet.hidden = hidden_columns(&head).map_err(|fault| sheet.within(fault))?;
        Ok(sheet)
    }

    /// Reads which cells are merged, so that all of them have the value of the first one. This reads
    /// the sheet twice more. What is filled in takes no more memory than `limit`.
    pub(super) fn fill_merged(mut self, limit: u64) -> Result<Self, Error> {
        let failed = |fault: Fault| self.within(fault).of(&self.input);
        let areas = self.merged_areas().map_err(failed)?;
        let mut merged = Merged::new(&areas, limit).map_err(failed)?;
        let mut split = self.split((1, u32::MAX))?;
        while let Some(chunk) = split.next_chunk()? {
            self.walk(&chunk, &mut |row| {
                merged.learn(row).map_err(|fault| DecodeError::Other(failed(fault)))
            })
            .map_err(|error| match error {
                DecodeError::Other(error) => error,
                DecodeError::Contradiction(_) | DecodeError::Data(_) => {
                    Error::Internal("learning of merged cells refuses no value".to_owned())
                }
            })?;
        }
        self.merged = Some(merged);
        Ok(self)
    }

    fn merged_areas(&self) -> Result<Vec<Area>, Fault> {
        let reader = open_part(&self.source, &self.part)?;
        let (mut pieces, _) = super::pieces::Pieces::open(reader, "sheetData", "row", true)?;
        while pieces.next()?.is_some() {}
        let tail = pieces.tail();
        let mut xml = Xml::new(&tail);
        let mut areas = Vec::new();
        loop {
            match xml.next()?.1 {
                Mark::Open(b"mergeCell") => {
                    let [area] = xml.attributes(["ref"])?;
                    let area = area.unwrap_or_default();
                    areas.push(Area::parse(&area).ok_or_else(|| {
                        Fault::damaged(format!("its merged cells `{area}` are no range"))
                    })?);
                }
                Mark::End => return Ok(areas),
                _ => {}
            }
        }
    }

    fn begin(&self, body: (u32, u32)) -> Result<(SheetSplit, Vec<u8>), Fault> {
        let reader = open_part(&self.source, &self.part)?;
        SheetSplit::open(reader, &self.input, body, (self.part.size, self.source.size()))
    }

    fn within(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Damaged(what) => Fault::Damaged(format!("sheet `{}`: {what}", self.name)),
            Fault::TooLarge(what) => Fault::TooLarge(format!("sheet `{}`: {what}", self.name)),
            fault => fault,
        }
    }
}

impl Sheet for XlsxSheet {
    fn name(&self) -> &str {
        &self.name
    }

    fn split(&self, body: (u32, u32)) -> Result<Box<dyn Split>, Error> {
        match self.begin(body) {
            Ok((split, _)) => Ok(Box::new(split)),
            Err(fault) => Err(self.within(fault).of(&self.input)),
        }
    }

    fn walk(&self, chunk: &Chunk, visit: &mut Visit<'_>) -> Result<(), DecodeError> {
        let failed = |fault| DecodeError::Other(self.within(fault).of(&self.input));
        // The chunk begins with the row of this number or a later one.
        let last = u32::try_from(chunk.line.saturating_sub(1)).unwrap_or(u32::MAX);
        let mut rows = SheetRows::new(&chunk.bytes, &self.context, last);
        let mut row = Row::default();
        while rows.next(&mut row).map_err(failed)? {
            if let Some(merged) = &self.merged {
                merged.fill(&mut row);
            }
            visit(&row)?;
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> Error {
        self.within(Fault::damaged(what)).of(&self.input)
    }

    fn strings(&self) -> &Strings {
        &self.context.strings
    }

    fn epoch(&self) -> Epoch {
        self.context.epoch
    }

    fn hidden_columns(&self) -> &[(u32, u32)] {
        &self.hidden
    }
}

fn hidden_columns(head: &[u8]) -> Result<Vec<(u32, u32)>, Fault> {
    let mut xml = Xml::new(head);
    let mut hidden = Vec::new();
    loop {
        match xml.next()?.1 {
            Mark::Open(b"col") => {
                let [first, last, is_hidden] = xml.attributes(["min", "max", "hidden"])?;
                let number = |text: Option<std::borrow::Cow<'_, str>>| {
                    text.and_then(|text| text.parse::<u32>().ok()?.checked_sub(1))
                };
                if let (Some(first), Some(last), Some("1" | "true")) =
                    (number(first), number(last), is_hidden.as_deref())
                {
                    hidden.push((first, last));
                }
            }
            Mark::End => return Ok(hidden),
            _ => {}
        }
    }
}
