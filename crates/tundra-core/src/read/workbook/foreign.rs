//! Workbooks other than xlsx, read by the crate `calamine` and held a sheet at a time.
//!
//! Start at [`Foreign`]. `calamine` trusts what a file says of its own size, so that [`super::judge`]
//! looks at the file before; and it indexes into records that may be too short, so that a panic of it is
//! taken as what it is, a damaged file.

use std::fmt;

use calamine::{
    CellErrorType, Data, DataRef, ExcelDateTime, ExcelDateTimeType, Ods, Range, Reader, SheetType,
    SheetVisible, Xls, Xlsb,
};

use super::{
    bytes::{Cursor, Source},
    caught::caught,
    cell::{Cell, iso, number},
    container::Container,
    fault::Fault,
    held::{HeldSheet, Rows},
    judge,
    number_format::Shown,
    serial::Epoch,
    sheet::{Named, SheetFacts},
};
use crate::value::temporal::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// A workbook that `calamine` has opened.
pub(super) struct Foreign {
    book: Book,
    pub(super) sheets: Vec<SheetFacts>,
    pub(super) names: Vec<Named>,
    limit: u64,
}

enum Book {
    Xls(Box<Xls<Cursor>>),
    Xlsb(Box<Xlsb<Cursor>>),
    Ods(Box<Ods<Cursor>>),
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign").field("sheets", &self.sheets).finish_non_exhaustive()
    }
}

impl Foreign {
    /// Opens a workbook, of which no more than `limit` bytes are held.
    pub(super) fn open(source: &Source, sort: Container, limit: u64) -> Result<Self, Fault> {
        let (book, names) = match sort {
            Container::Xls => {
                judge::xls(source, limit)?;
                let book = guarded(|| Xls::new(source.cursor()))?;
                let names = book.defined_names().to_vec();
                (Book::Xls(Box::new(book)), names)
            }
            Container::Ods => {
                judge::ods(source, limit)?;
                let book = guarded(|| Ods::new(source.cursor()))?;
                let names = book.defined_names().to_vec();
                (Book::Ods(Box::new(book)), names)
            }
            Container::Xlsb => {
                judge::parts(source, limit)?;
                let book = guarded(|| Xlsb::new(source.cursor()))?;
                let names = book.defined_names().to_vec();
                (Book::Xlsb(Box::new(book)), names)
            }
            Container::Xlsx | Container::Encrypted => {
                return Err(Fault::damaged("it is no workbook of this sort"));
            }
        };
        let metadata = match &book {
            Book::Xls(book) => book.sheets_metadata(),
            Book::Xlsb(book) => book.sheets_metadata(),
            Book::Ods(book) => book.sheets_metadata(),
        };
        let sheets = metadata
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| SheetFacts {
                name: sheet.name.clone(),
                is_visible: sheet.visible == SheetVisible::Visible,
            })
            .collect();
        let names = names.into_iter().map(|(name, refers)| Named { name, refers }).collect();
        Ok(Self { book, sheets, names, limit })
    }

    /// Reads a sheet of the input of this name.
    pub(super) fn sheet(&mut self, input: &str, name: &str) -> Result<HeldSheet, Fault> {
        let mut rows = Rows::new(self.limit);
        let mut epoch = Epoch::default();
        match &mut self.book {
            Book::Xls(book) => {
                let range = guarded(|| book.worksheet_range(name))?;
                collect(&range, &mut rows, &mut epoch)?;
            }
            Book::Ods(book) => {
                let range = guarded(|| book.worksheet_range(name))?;
                collect(&range, &mut rows, &mut epoch)?;
            }
            Book::Xlsb(book) => {
                let mut cells = guarded(|| book.worksheet_cells_reader(name))?;
                while let Some(cell) = guarded(|| cells.next_cell())? {
                    let (row, column) = cell.get_position();
                    let value = xlsb_cell(cell.get_value(), &mut rows, &mut epoch)?;
                    rows.push(row, column, value)?;
                }
            }
        }
        Ok(HeldSheet::new(input, name, rows, epoch))
    }
}

/// Calls into `calamine`. It indexes into records of a file without looking how long they are, which is
/// the fault of the file as much as its own: nothing of it is used after a panic but to be dropped.
fn guarded<T, E: fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, Fault> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::damaged(error.to_string())),
        Err(_) => Err(Fault::damaged("a record in it is not as long as it should be")),
    }
}

fn collect(range: &Range<Data>, rows: &mut Rows, epoch: &mut Epoch) -> Result<(), Fault> {
    let Some((first_row, first_column)) = range.start() else { return Ok(()) };
    for (row, column, data) in range.used_cells() {
        let cell = match data {
            Data::Empty => Cell::Empty,
            Data::Int(value) => Cell::Integer(*value),
            Data::Float(value) => finite(*value)?,
            Data::String(text) => rows.text(text)?,
            Data::Bool(value) => Cell::Boolean(*value),
            Data::DateTime(value) => serial(value, epoch),
            Data::DateTimeIso(text) => moment(text, rows)?,
            Data::DurationIso(text) => duration(text, rows)?,
            Data::Error(error) => Cell::Error(error_text(error)),
        };
        // Within a sheet, as was judged before.
        rows.push(first_row + row as u32, first_column + column as u32, cell)?;
    }
    Ok(())
}

fn xlsb_cell(
    data: &DataRef<'_>,
    rows: &mut Rows,
    epoch: &mut Epoch,
) -> Result<Cell<'static>, Fault> {
    Ok(match data {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(value) => Cell::Integer(*value),
        DataRef::Float(value) => finite(*value)?,
        DataRef::String(text) => rows.text(text)?,
        DataRef::SharedString(text) => rows.text(text)?,
        DataRef::Bool(value) => Cell::Boolean(*value),
        DataRef::DateTime(value) => serial(value, epoch),
        DataRef::DateTimeIso(text) => moment(text, rows)?,
        DataRef::DurationIso(text) => duration(text, rows)?,
        DataRef::Error(error) => Cell::Error(error_text(error)),
    })
}

fn finite(value: f64) -> Result<Cell<'static>, Fault> {
    match value.is_finite() {
        true => Ok(number(value, Shown::Number)),
        false => Err(Fault::damaged(format!("a cell of it holds `{value}`, which is no number"))),
    }
}

/// Makes a cell of a number that is shown as a date or a time: `calamine` does not tell those apart, so
/// that a number below 1 is a time.
fn serial(value: &ExcelDateTime, epoch: &mut Epoch) -> Cell<'static> {
    let days = value.as_f64();
    let kind = match value.is_duration() {
        true => ExcelDateTimeType::TimeDelta,
        false => ExcelDateTimeType::DateTime,
    };
    // The only way to ask it.
    if *value == ExcelDateTime::new(days, kind, true) {
        *epoch = Epoch::Y1904;
    }
    Cell::Serial(days, if value.is_duration() { Shown::Duration } else { Shown::Date })
}

fn moment(text: &str, rows: &mut Rows) -> Result<Cell<'static>, Fault> {
    match iso(text) {
        Some(cell) => Ok(cell),
        None => rows.text(text),
    }
}

/// Reads a duration such as `PT18H30M00S`: below a day it is a time of day, as OpenDocument has no other
/// way to write one.
fn duration(text: &str, rows: &mut Rows) -> Result<Cell<'static>, Fault> {
    let Some(micros) = iso_duration(text) else { return rows.text(text) };
    if (0..MICROS_PER_DAY).contains(&micros) {
        return Ok(Cell::Clock(micros));
    }
    Ok(Cell::Serial(micros as f64 / MICROS_PER_DAY as f64, Shown::Duration))
}

fn iso_duration(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let clock = text.strip_prefix("PT")?;
    let (hours, rest) = clock.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds: f64 = rest.strip_suffix('S')?.parse().ok()?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if minutes > 59 || !(0.0..60.0).contains(&seconds) {
        return None;
    }
    let whole = (i64::from(hours) * 3600 + i64::from(minutes) * 60) * MICROS_PER_SECOND;
    // Below a minute.
    Some(sign * (whole + (seconds * MICROS_PER_SECOND as f64).round() as i64))
}

fn error_text(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let minute = 60 * MICROS_PER_SECOND;
        assert_eq!(iso_duration("PT18H30M00S"), Some(1110 * minute));
        assert_eq!(iso_duration("-PT01H00M00.5S"), Some(-60 * minute - 500_000));
        for text in ["", "P1D", "PT1H", "PT1H61M0S", "PTxH0M0S", "PT1H0MNaNS"] {
            assert_eq!(iso_duration(text), None, "{text}");
        }
    }
}
