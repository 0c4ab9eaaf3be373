//! The rows of a piece of a sheet of xlsx.
//!
//! Start at [`SheetRows`]. It counts rows on its own: [`super::split`] counts them by another way, and the
//! two are compared. Cells and rows that are not in order, or that stand twice, are a fault: nobody
//! knows what they mean.

use std::sync::Arc;

use memchr::memchr2;

use super::{
    book::Styles,
    cell::{Cell, EXACT, iso, number},
    fault::Fault,
    number_format::Shown,
    reference::{self, MAX_COLUMNS, MAX_ROWS, address},
    row::Row,
    serial::Epoch,
    strings::{Strings, string},
    xml::{Mark, Xml, string_into},
};
use crate::value::integer;

/// What the cells of a sheet refer to.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) strings: Arc<Strings>,
    pub(super) styles: Arc<Styles>,
    pub(super) epoch: Epoch,
}

/// A walk through rows.
#[derive(Debug)]
pub(super) struct SheetRows<'a> {
    xml: Xml<'a>,
    context: &'a Context,
    /// The number of the row before.
    last: u32,
}

impl<'a> SheetRows<'a> {
    /// Begins with the row behind the one of the number `last`.
    pub(super) fn new(bytes: &'a [u8], context: &'a Context, last: u32) -> Self {
        Self { xml: Xml::new(bytes), context, last }
    }

    /// Reads the next row; returns whether there was one.
    pub(super) fn next(&mut self, row: &mut Row<'a>) -> Result<bool, Fault> {
        loop {
            match self.xml.next()?.1 {
                Mark::Open(b"row") => break,
                Mark::End => return Ok(false),
                Mark::Open(_) if !self.xml.is_empty()? => {
                    return Err(Fault::damaged("there is something else than rows among its rows"));
                }
                _ => {}
            }
        }
        let (mut given, mut is_hidden) = (None, false);
        while let Some((name, value)) = self.xml.attribute()? {
            match name {
                b"r" => given = Some(value),
                b"hidden" => is_hidden = matches!(value, b"1" | b"true"),
                _ => {}
            }
        }
        let number = match given {
            Some(given) => reference::row(given)
                .ok_or_else(|| Fault::damaged(format!("`{}` is no row", given.escape_ascii())))?,
            None => self.last + 1,
        };
        if number <= self.last || number > MAX_ROWS {
            return Err(Fault::damaged(format!(
                "row {number} stands behind row {}, so that its rows are not in order",
                self.last
            )));
        }
        self.last = number;
        row.begin(number, is_hidden);
        if !self.xml.is_empty()? {
            self.cells(row)?;
        }
        Ok(true)
    }

    fn cells(&mut self, row: &mut Row<'a>) -> Result<(), Fault> {
        let mut next = 0;
        loop {
            match self.xml.next()?.1 {
                Mark::Open(b"c") => {
                    let column = self.cell(row, next).map_err(|fault| match fault {
                        Fault::Damaged(what) => {
                            Fault::Damaged(format!("row {}: {what}", row.number))
                        }
                        fault => fault,
                    })?;
                    next = column + 1;
                }
                Mark::Close(b"row") => return Ok(()),
                Mark::End => return Err(Fault::damaged("a row of it has no end")),
                _ => {}
            }
        }
    }

    /// Reads a cell whose tag has begun, and returns its column. `next` is the column behind the one
    /// before.
    #[inline]
    fn cell(&mut self, row: &mut Row<'a>, next: u32) -> Result<u32, Fault> {
        let (mut column, mut style, mut kind): (u32, &[u8], &[u8]) = (next, b"", b"");
        while let Some((name, value)) = self.xml.attribute()? {
            match name {
                b"r" => match reference::cell(value) {
                    Some((found, number)) if number == row.number && found >= next => {
                        column = found;
                    }
                    _ => {
                        return Err(Fault::damaged(format!(
                            "its cell `{}` is out of place",
                            value.escape_ascii()
                        )));
                    }
                },
                b"s" => style = value,
                b"t" => kind = value,
                _ => {}
            }
        }
        if column >= MAX_COLUMNS {
            return Err(Fault::damaged("it has more columns than a sheet can have"));
        }
        if self.xml.is_empty()? {
            return Ok(column);
        }
        let mut value = Cell::Empty;
        loop {
            match self.xml.next()?.1 {
                Mark::Open(b"v") => {
                    if self.xml.is_empty()? {
                        continue;
                    }
                    let (raw, end) = self.xml.next()?;
                    if end != Mark::Close(b"v") {
                        return Err(Fault::damaged(format!(
                            "cell {} has no plain value",
                            address(column, row.number)
                        )));
                    }
                    if !raw.is_empty() && kind != b"inlineStr" {
                        row.is_record = true;
                        value = self.value(raw, kind, style, row).map_err(|fault| match fault {
                            Fault::Damaged(what) => Fault::Damaged(format!(
                                "cell {}: {what}",
                                address(column, row.number)
                            )),
                            fault => fault,
                        })?;
                    }
                }
                Mark::Open(b"is") if !self.xml.is_empty()? => {
                    let start = row.made.len();
                    string(&mut self.xml, b"is", &mut row.made)?;
                    value = made(row, start);
                    row.is_record |= value != Cell::Empty;
                }
                Mark::Close(b"c") => break,
                Mark::End | Mark::Close(b"row") => {
                    return Err(Fault::damaged("a cell of it has no end"));
                }
                // A formula, or what a newer program keeps here.
                _ => {}
            }
        }
        if value != Cell::Empty {
            row.set(column, value);
        }
        Ok(column)
    }

    #[inline]
    fn value(
        &self,
        raw: &'a [u8],
        kind: &[u8],
        style: &[u8],
        row: &mut Row<'a>,
    ) -> Result<Cell<'a>, Fault> {
        Ok(match kind {
            b"" | b"n" => {
                let shown = self.context.styles.shown(style);
                let raw = raw.trim_ascii();
                match integer::parse_i64(raw) {
                    Some(value) if shown == Shown::Number => Cell::Integer(value),
                    _ => match fast_float2::parse::<f64, _>(raw) {
                        Ok(value) if is_rounded(raw, value) && shown == Shown::Number => {
                            Cell::Text(utf8(raw)?)
                        }
                        Ok(value) if value.is_finite() => number(value, shown),
                        _ => return Err(no(raw, "number")),
                    },
                }
            }
            b"s" => {
                let number = std::str::from_utf8(raw).ok().and_then(|raw| raw.trim().parse().ok());
                let found = number
                    .and_then(|number| Some((number, self.context.strings.is_empty(number)?)));
                match found {
                    Some((_, true)) => Cell::Empty,
                    Some((number, false)) => Cell::Shared(number),
                    None => {
                        return Err(Fault::damaged(format!(
                            "its text is string {} of {}",
                            raw.escape_ascii(),
                            self.context.strings.len()
                        )));
                    }
                }
            }
            b"b" => match raw.trim_ascii() {
                b"0" | b"false" => Cell::Boolean(false),
                b"1" | b"true" => Cell::Boolean(true),
                raw => return Err(no(raw, "boolean")),
            },
            b"e" => Cell::Error(utf8(raw)?),
            b"d" => {
                let text = utf8(raw)?;
                iso(text).unwrap_or(Cell::Text(text))
            }
            // Formulas that give text have `str`; what another kind means is text as well.
            _ if memchr2(b'&', b'_', raw).is_none() && !raw.contains(&b'\r') => {
                Cell::Text(utf8(raw)?)
            }
            _ => {
                let start = row.made.len();
                string_into(utf8(raw)?, &mut row.made)?;
                made(row, start)
            }
        })
    }
}

/// Returns whether a number is written as an integer, digit by digit, and a double is another one, whether
/// that is written exactly or as short as it can be.
fn is_rounded(raw: &[u8], value: f64) -> bool {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    // Above this, integers are between those that a double holds.
    if value.abs() < EXACT || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let is = |text: String| text.trim_start_matches('-').as_bytes() == &digits[zeros..];
    !is(format!("{value:.0}")) && !is(format!("{value}"))
}

fn made<'a>(row: &Row<'_>, start: usize) -> Cell<'a> {
    match row.made.len() {
        end if end == start => Cell::Empty,
        // A row is shorter than 4 GiB, as a piece is.
        end => Cell::Made(start as u32, end as u32),
    }
}

fn utf8(raw: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(raw).map_err(|_| Fault::damaged("its XML is not text in UTF-8"))
}

fn no(raw: &[u8], what: &str) -> Fault {
    Fault::damaged(format!("`{}` is no {what}", crate::DataError::shorten(raw)))
}
