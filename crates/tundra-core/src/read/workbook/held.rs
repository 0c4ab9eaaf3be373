//! A sheet that is held in memory, whichever format it came from.
//!
//! Start at [`Rows`], which collects cells, and [`HeldSheet`]. Cells take sixteen bytes or so and strings
//! are held once; a sheet that would take more than the run may hold is refused before it does.

use std::collections::HashMap;

use super::{
    cell::Cell,
    fault::Fault,
    reference::{MAX_COLUMNS, MAX_ROWS},
    row::Row,
    serial::Epoch,
    sheet::{Sheet, Visit},
    strings::Strings,
};
use crate::{
    Error,
    read::chunk::{Chunk, DecodeError, Split},
};

/// Rows of a chunk.
const CHUNK_ROWS: usize = 4096;

/// Cells in the order of rows and columns.
#[derive(Debug)]
pub(super) struct Rows {
    /// Where each row begins among the cells, and its number.
    rows: Vec<(u32, usize)>,
    cells: Vec<(u32, Cell<'static>)>,
    text: String,
    starts: Vec<u32>,
    /// Texts that are short enough to come again.
    known: HashMap<Box<str>, u32>,
    limit: u64,
}

/// Texts of more bytes are not looked for among those that were seen.
const LONG: usize = 64;

impl Rows {
    /// Collects what takes no more memory than `limit`.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            rows: Vec::new(),
            cells: Vec::new(),
            text: String::new(),
            starts: Vec::new(),
            known: HashMap::new(),
            limit,
        }
    }

    /// Adds a cell. Rows count from 0, and cells come in order.
    pub(super) fn push(&mut self, row: u32, column: u32, cell: Cell<'static>) -> Result<(), Fault> {
        if cell == Cell::Empty {
            return Ok(());
        }
        if row >= MAX_ROWS || column >= MAX_COLUMNS {
            return Err(Fault::damaged("it has a cell outside of every sheet"));
        }
        let number = row + 1;
        let in_row = match self.rows.last() {
            Some((last, from)) if *last == number => Some(*from),
            Some((last, _)) if *last > number => {
                return Err(Fault::damaged(format!(
                    "row {number} stands behind row {last}, so that its rows are not in order"
                )));
            }
            _ => None,
        };
        match in_row {
            Some(_) => {
                // Some programs write the parts of a row one after the other.
                if self.cells.last().is_some_and(|(last, _)| *last >= column) {
                    return Err(Fault::damaged(format!(
                        "the cells of row {number} are not in order"
                    )));
                }
            }
            None => self.rows.push((number, self.cells.len())),
        }
        self.cells.push((column, cell));
        self.check()
    }

    /// Adds a text, and returns the cell that shows it.
    pub(super) fn text(&mut self, text: &str) -> Result<Cell<'static>, Fault> {
        if text.is_empty() {
            return Ok(Cell::Empty);
        }
        if let Some(number) = self.known.get(text) {
            return Ok(Cell::Shared(*number));
        }
        // Far fewer than there are cells of a sheet.
        let number = self.starts.len() as u32;
        self.starts.push(self.text.len() as u32);
        self.text.push_str(text);
        if text.len() <= LONG {
            self.known.insert(text.into(), number);
        }
        self.check()?;
        Ok(Cell::Shared(number))
    }

    fn check(&self) -> Result<(), Fault> {
        let held = 32 * self.cells.len() + 2 * self.text.len() + 64 * self.known.len();
        if held as u64 > self.limit || self.text.len() > i32::MAX as usize {
            return Err(Fault::TooLarge(format!(
                "a sheet of this format is held in memory, and takes more than {} bytes",
                self.limit
            )));
        }
        Ok(())
    }
}

/// A sheet in memory.
#[derive(Debug)]
pub(super) struct HeldSheet {
    input: String,
    name: String,
    rows: std::sync::Arc<Vec<(u32, usize)>>,
    cells: Vec<(u32, Cell<'static>)>,
    strings: Strings,
    epoch: Epoch,
}

impl HeldSheet {
    /// Takes the rows as a sheet.
    pub(super) fn new(input: &str, name: &str, rows: Rows, epoch: Epoch) -> Self {
        let Rows { rows, cells, text, starts, .. } = rows;
        let strings = Strings::of(text, starts);
        let (input, name) = (input.to_owned(), name.to_owned());
        Self { input, name, rows: rows.into(), cells, strings, epoch }
    }
}

impl Sheet for HeldSheet {
    fn name(&self) -> &str {
        &self.name
    }

    fn split(&self, body: (u32, u32)) -> Result<Box<dyn Split>, Error> {
        Ok(Box::new(HeldSplit { rows: std::sync::Arc::clone(&self.rows), body, at: 0, records: 0 }))
    }

    fn walk(&self, chunk: &Chunk, visit: &mut Visit<'_>) -> Result<(), DecodeError> {
        // The line is the place among the rows here, which only this module reads.
        let from = usize::try_from(chunk.line).unwrap_or(usize::MAX).min(self.rows.len());
        let upto = from.saturating_add(CHUNK_ROWS).min(self.rows.len());
        let mut row = Row::default();
        for at in from..upto {
            let (number, start) = self.rows[at];
            let end = self.rows.get(at + 1).map_or(self.cells.len(), |(_, next)| *next);
            row.begin(number, false);
            for (column, cell) in &self.cells[start..end] {
                row.set(*column, *cell);
            }
            row.is_record = true;
            visit(&row)?;
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> Error {
        Fault::Damaged(format!("sheet `{}`: {what}", self.name)).of(&self.input)
    }

    fn strings(&self) -> &Strings {
        &self.strings
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn hidden_columns(&self) -> &[(u32, u32)] {
        &[]
    }
}

/// A walk through the numbers of rows.
#[derive(Debug)]
struct HeldSplit {
    rows: std::sync::Arc<Vec<(u32, usize)>>,
    body: (u32, u32),
    at: usize,
    records: u64,
}

impl Split for HeldSplit {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        if self.at >= self.rows.len() {
            return Ok(None);
        }
        let upto = (self.at + CHUNK_ROWS).min(self.rows.len());
        let within = self.body.0..=self.body.1;
        let records =
            self.rows[self.at..upto].iter().filter(|(row, _)| within.contains(row)).count();
        let records = records as u64;
        let (line, record) = (self.at as u64, self.records);
        self.at = upto;
        self.records += records;
        Ok(Some(Chunk { bytes: Vec::new(), byte: 0, line, record, records }))
    }

    fn bytes_read(&self) -> u64 {
        0
    }
}
