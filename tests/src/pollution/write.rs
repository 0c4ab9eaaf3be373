//! Writing tables as text, in whatever style.

use crate::pollution::{Cell, Source};

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Stands between two cells.
    pub(super) delimiter: &'static str,
    /// Stands around the cells that are quoted.
    pub(super) quote: &'static str,
    /// Stands before each `"` within a cell, whatever the quote is.
    pub(super) escape: &'static str,
    /// Stands behind each record.
    pub(super) newline: &'static str,
}

/// The style of a clean file.
pub(super) const PLAIN: Style =
    Style { delimiter: ",", quote: "\"", escape: "\"", newline: "\r\n" };

impl Style {
    /// Returns a cell as it stands in the file.
    pub(super) fn cell(&self, cell: &Cell) -> String {
        let text = self.escaped(&cell.text);
        match cell.quoted {
            true => format!("{0}{text}{0}", self.quote),
            false => text,
        }
    }

    /// Returns a cell with a quote before its text that should not be there.
    pub(super) fn cell_with_stray_quote(&self, cell: &Cell) -> String {
        let text = self.escaped(&cell.text);
        match cell.quoted {
            true => format!("{0}{0}{text}{0}", self.quote),
            false => format!("{}{text}", self.quote),
        }
    }

    /// Returns the cells as they stand in the file.
    pub(super) fn cells(&self, cells: &[Cell]) -> Vec<String> {
        cells.iter().map(|cell| self.cell(cell)).collect()
    }

    /// Returns a record with its end.
    pub(super) fn record(&self, cells: &[Cell]) -> String {
        self.join(&self.cells(cells))
    }

    /// Makes a record of what stands for cells.
    pub(super) fn join(&self, cells: &[String]) -> String {
        cells.join(self.delimiter) + self.newline
    }

    /// Returns the records of a table, the names first.
    pub(super) fn records(&self, source: &Source) -> Vec<String> {
        source.lines().into_iter().map(|line| self.record(line)).collect()
    }

    fn escaped(&self, text: &str) -> String {
        text.replace('"', &format!("{}\"", self.escape))
    }
}
