//! A row of a sheet, however it is stored.

use super::{cell::Cell, reference::MAX_COLUMNS};

/// A row that is filled again and again.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    /// Its number, counted from 1.
    pub(super) number: u32,
    /// The workbook hides it.
    pub(super) is_hidden: bool,
    /// A cell of it holds something, be it an empty string of the table of strings.
    pub(super) is_record: bool,
    /// Its cells from column A on, as far as there are some.
    pub(super) cells: Vec<Cell<'a>>,
    /// Text that was made for them.
    pub(super) made: String,
}

impl<'a> Row<'a> {
    /// Begins another row.
    pub(super) fn begin(&mut self, number: u32, is_hidden: bool) {
        self.number = number;
        self.is_hidden = is_hidden;
        self.is_record = false;
        self.cells.clear();
        self.made.clear();
    }

    /// Sets the cell of a column, which is behind those that were set before.
    #[inline]
    pub(super) fn set(&mut self, column: u32, cell: Cell<'a>) {
        debug_assert!(column < MAX_COLUMNS, "columns are checked where they are read");
        self.cells.resize(column as usize, Cell::Empty);
        self.cells.push(cell);
    }

    /// Returns the cell of a column.
    #[inline]
    pub(super) fn cell(&self, column: u32) -> Cell<'a> {
        self.cells.get(column as usize).copied().unwrap_or(Cell::Empty)
    }

    /// Returns the columns that hold something.
    pub(super) fn filled(&self) -> impl Iterator<Item = u32> + '_ {
        let filled = |(at, cell): (usize, &Cell<'_>)| (*cell != Cell::Empty).then_some(at as u32);
        self.cells.iter().enumerate().filter_map(filled)
    }
}
