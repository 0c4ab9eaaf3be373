//! What a user can say about workbooks, and how it becomes the engine's hints.

use clap::Args;
use tundra_core::{ErrorCells, WorkbookHints};

/// Which part of a workbook is read, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading workbooks")]
pub(crate) struct WorkbookArgs {
    /// The sheet, by its name or its number from 1 on [default: the first visible one with cells]
    ///
    /// Names go before numbers, and the case of letters matters only where two sheets differ in
    /// nothing else. `tundra convert` takes a pattern such as '*' as well: the visible sheets that match
    /// become one table.
    #[arg(long, value_name = "SHEET")]
    sheet: Option<String>,

    /// The cells to read: A1:F100, A:F, Sheet2!B3:H, or the name of a range or of a table
    ///
    /// The header is looked for in its first rows. Without a range everything that holds something is
    /// read.
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,

    /// Give every one of merged cells the value that they show [default: the first one only]
    ///
    /// For xlsx only. Such a sheet is read twice more.
    #[arg(long)]
    fill_merged: bool,

    /// Leave out rows and columns that the workbook hides
    ///
    /// For xlsx only. Rows that are left out are counted as skipped.
    #[arg(long)]
    skip_hidden: bool,

    /// What becomes of cells that show an error such as #N/A: text, null or fail
    ///
    /// `text` keeps the error, and its column is text. `null` makes it null and counts it. `fail` makes
    /// its record a bad one, with which is done what `--on-bad-row` says.
    #[arg(long, value_name = "HOW", default_value_t)]
    on_error_cell: ErrorCells,
}

impl WorkbookArgs {
    /// Returns the engine's form of it.
    pub(crate) fn into_hints(self) -> WorkbookHints {
        let Self { sheet, range, fill_merged, skip_hidden, on_error_cell } = self;
        WorkbookHints { sheet, range, fill_merged, skip_hidden, error_cells: on_error_cell }
    }
}
