//! Workbooks: sheets of cells as tables.
//!
//! Start at [`WorkbookTable`]. A workbook of XML (xlsx, xlsm) is a package of parts, of which a sheet is
//! read in pieces of whole rows by [`scan`], in parallel and in bounded memory; only the table of
//! strings is held. Of every other sort (xls, xlsb, ods) the sheet is [`held`], after [`judge`] has found
//! that there is memory for it.
//!
//! Nothing here computes: formulas have the values that the program which saved them left there. No
//! chart, picture or macro is looked at.

mod append;
mod book;
mod bytes;
mod caught;
mod cell;
mod cfb;
mod container;
mod decode;
mod fault;
mod foreign;
mod held;
mod judge;
mod layout;
mod merged;
mod number_format;
mod observe;
mod open;
mod package;
mod pieces;
mod plan;
mod records;
mod reference;
mod row;
mod scan;
mod serial;
mod sheet;
mod split;
mod strings;
mod table;
mod unite;
mod xlsx;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    bytes::Source,
    container::{Container, may_be_workbook, recognise},
    open::sheets,
    table::WorkbookTable,
    unite::{SheetColumns, SheetSeen},
};
