//! Merged cells, which have their value in the first of them only.
//!
//! Start at [`Merged`]. Filling in changes what a reader of the workbook sees in no place: a merged
//! cell shows one value in all of its rows and columns. It is done when it is asked for.

use std::collections::HashMap;

use super::{
    cell::Cell,
    fault::Fault,
    reference::{Area, MAX_COLUMNS},
    row::Row,
    strings::MAX_TEXT,
};

/// Cells that can be filled in, at most.
const MAX_CELLS: u64 = 4 << 20;

/// The merged cells of a sheet.
#[derive(Debug, Default)]
pub(super) struct Merged {
    areas: Vec<(Area, Anchor)>,
    /// The areas that have cells in a row.
    by_row: HashMap<u32, Vec<usize>>,
    /// Bytes of text in all cells that are filled in, and how many there may be.
    filled: u64,
    limit: u64,
}

/// The value of the first cell.
#[derive(Debug, Clone)]
enum Anchor {
    Cell(Cell<'static>),
    Text { text: String, is_error: bool },
}

impl Merged {
    /// Takes these areas as merged; their values are still to be learnt. The texts that are copied into their
    /// cells must not have more bytes than `limit`, nor than batches can point into.
    pub(super) fn new(areas: &[Area], limit: u64) -> Result<Self, Fault> {
        let cells = areas.iter().fold(0, |sum: u64, area| sum.saturating_add(area.cells()));
        if cells > MAX_CELLS {
            return Err(Fault::TooLarge(format!(
                "{cells} of its cells are merged, and at most {MAX_CELLS} can be filled in"
            )));
        }
        let mut merged = Self { limit: limit.min(MAX_TEXT as u64), ..Self::default() };
        for (at, area) in areas.iter().enumerate() {
            merged.areas.push((*area, Anchor::Cell(Cell::Empty)));
            for row in area.first_row..=area.last_row {
                merged.by_row.entry(row).or_default().push(at);
            }
        }
        Ok(merged)
    }

    /// Learns the values of the areas that begin in a row.
    pub(super) fn learn(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        for at in self.by_row.get(&row.number).into_iter().flatten() {
            let Some((area, anchor)) = self.areas.get_mut(*at) else { continue };
            if area.first_row != row.number {
                continue;
            }
            let mut text = |text: &str, is_error| {
                self.filled =
                    self.filled.saturating_add(area.cells().saturating_mul(text.len() as u64));
                Anchor::Text { text: text.to_owned(), is_error }
            };
            *anchor = match row.cell(area.first_column) {
                Cell::Text(found) => text(found, false),
                Cell::Error(found) => text(found, true),
                Cell::Made(start, end) => {
                    text(row.made.get(start as usize..end as usize).unwrap_or_default(), false)
                }
                Cell::Empty => Anchor::Cell(Cell::Empty),
                Cell::Integer(value) => Anchor::Cell(Cell::Integer(value)),
                Cell::Number(value) => Anchor::Cell(Cell::Number(value)),
                Cell::Serial(value, shown) => Anchor::Cell(Cell::Serial(value, shown)),
                Cell::Moment(micros) => Anchor::Cell(Cell::Moment(micros)),
                Cell::Clock(micros) => Anchor::Cell(Cell::Clock(micros)),
                Cell::Boolean(value) => Anchor::Cell(Cell::Boolean(value)),
                Cell::Shared(number) => Anchor::Cell(Cell::Shared(number)),
            };
        }
        if self.filled > self.limit {
            return Err(Fault::TooLarge(format!(
                "the texts of its merged cells come to more than {} bytes when all are filled in",
                self.limit
            )));
        }
        Ok(())
    }

    /// Fills in the cells of a row that are empty. A row without any value stays one.
    pub(super) fn fill<'a>(&'a self, row: &mut Row<'a>) {
        if !row.is_record {
            return;
        }
        for at in self.by_row.get(&row.number).into_iter().flatten() {
            let Some((area, anchor)) = self.areas.get(*at) else { continue };
            let cell = match anchor {
                Anchor::Cell(Cell::Empty) => continue,
                Anchor::Cell(cell) => *cell,
                Anchor::Text { text, is_error: true } => Cell::Error(text),
                Anchor::Text { text, is_error: false } => Cell::Text(text),
            };
            let end = (area.last_column.min(MAX_COLUMNS - 1) + 1) as usize;
            if row.cells.len() < end {
                row.cells.resize(end, Cell::Empty);
            }
            for slot in &mut row.cells[area.first_column as usize..end] {
                if *slot == Cell::Empty {
                    *slot = cell;
                }
            }
        }
    }
}
