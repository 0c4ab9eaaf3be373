//! A cell, as it is read, and what sort of value it holds.
//!
//! Start at [`Cell`]. A cell borrows its text from what was read, or names it by its number, so that no
//! cell makes memory of its own.

use super::{
    number_format::Shown,
    serial::{self, Epoch},
    strings::Strings,
};
use crate::value::temporal::{MICROS_PER_DAY, parse_date, parse_time, parse_timestamp};

/// Integers up to this are told apart by a double.
pub(super) const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing, or a text without a character: a formula that shows nothing gives one.
    Empty,
    /// An integer, as its digits stand in the workbook.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A number that is shown as a date, a time or a duration.
    Serial(f64, Shown),
    /// A date or a moment that is written as one, in microseconds since 1970-01-01.
    Moment(i64),
    /// A time of day that is written as one, in microseconds.
    Clock(i64),
    /// True or false.
    Boolean(bool),
    /// The string of this number.
    Shared(u32),
    /// A text.
    Text(&'a str),
    /// A text that was unescaped: where it begins and ends in what was made for the rows.
    Made(u32, u32),
    /// An error such as `#N/A`.
    Error(&'a str),
}

/// What sort of value a cell holds. Sorts are told apart as far as types are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// An integer that a double holds as well.
    Integer,
    /// An integer with more digits.
    Wide,
    /// Another number.
    Number,
    /// True or false.
    Boolean,
    /// A day.
    Day,
    /// A day with a time.
    Moment,
    /// A time of day.
    Clock,
    /// A duration.
    Duration,
    /// A number that is shown as a date and is none, such as 60 or -1.
    NoDate,
    /// A text.
    Text,
    /// An error.
    Error,
}

impl Sort {
    /// How many there are.
    pub(super) const COUNT: usize = 11;

    /// Every sort, in the order of their numbers.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Integer,
        Self::Wide,
        Self::Number,
        Self::Boolean,
        Self::Day,
        Self::Moment,
        Self::Clock,
        Self::Duration,
        Self::NoDate,
        Self::Text,
        Self::Error,
    ];

    /// Says what the values are, of several of them.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Integer => "integers",
            Self::Wide => "integers of more than 15 digits",
            Self::Number => "numbers",
            Self::Boolean => "true or false",
            Self::Day => "dates",
            Self::Moment => "dates with a time",
            Self::Clock => "times of day",
            Self::Duration => "durations",
            Self::NoDate => "numbers that are shown as dates and are none",
            Self::Text => "text",
            Self::Error => "errors",
        }
    }
}

/// A value as it is taken: what a cell means in its workbook.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Number(f64),
    Boolean(bool),
    /// Microseconds since 1970-01-01.
    Moment(i64),
    /// Microseconds since midnight.
    Clock(i64),
    /// A text or an error.
    Text,
}

/// What cells mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning<'a> {
    pub(super) epoch: Epoch,
    pub(super) strings: &'a Strings,
    /// What was made for the rows.
    pub(super) made: &'a str,
}

/// Makes a cell of a number.
#[inline]
pub(super) fn number(value: f64, shown: Shown) -> Cell<'static> {
    match shown {
        Shown::Number
            if value.fract() == 0.0
                && value.abs() <= EXACT
                && !(value == 0.0 && value.is_sign_negative()) =>
        {
            // Exact, as was checked.
            Cell::Integer(value as i64)
        }
        Shown::Number => Cell::Number(value),
        shown => Cell::Serial(value, shown),
    }
}

/// Makes a cell of a date, a moment or a time in the form of ISO 8601; `None` when it is none.
pub(super) fn iso(text: &str) -> Option<Cell<'static>> {
    let text = text.strip_suffix('Z').unwrap_or(text).as_bytes();
    if let Some(days) = parse_date(text) {
        return Some(Cell::Moment(i64::from(days) * MICROS_PER_DAY));
    }
    parse_timestamp(text).map(Cell::Moment).or_else(|| parse_time(text).map(Cell::Clock))
}

impl Meaning<'_> {
    /// Returns the sort and the value of a cell; `None` of an empty one.
    #[inline]
    pub(super) fn of(&self, cell: Cell<'_>) -> Option<(Sort, Value)> {
        Some(match cell {
            Cell::Empty => return None,
            Cell::Integer(value) if value.unsigned_abs() <= EXACT as u64 => {
                (Sort::Integer, Value::Integer(value))
            }
            Cell::Integer(value) => (Sort::Wide, Value::Integer(value)),
            Cell::Number(value) => (Sort::Number, Value::Number(value)),
            Cell::Boolean(value) => (Sort::Boolean, Value::Boolean(value)),
            Cell::Serial(value, shown) => self.serial(value, shown),
            Cell::Moment(micros) => (day_or_moment(micros), Value::Moment(micros)),
            Cell::Clock(micros) => (Sort::Clock, Value::Clock(micros)),
            Cell::Shared(_) | Cell::Text(_) | Cell::Made(..) => (Sort::Text, Value::Text),
            Cell::Error(_) => (Sort::Error, Value::Text),
        })
    }

    fn serial(&self, value: f64, shown: Shown) -> (Sort, Value) {
        if shown == Shown::Duration {
            return (Sort::Duration, Value::Number(value));
        }
        // Below a day a date is only a time, however it is shown; in the system of 1904 there is a
        // day 0.
        let is_clock = (0.0..1.0).contains(&value)
            && (shown == Shown::Clock || self.epoch == Epoch::Y1900 && value > 0.0);
        if is_clock {
            let micros = serial::day_micros(value);
            if micros < MICROS_PER_DAY {
                return (Sort::Clock, Value::Clock(micros));
            }
        }
        match self.epoch.micros(value) {
            Some(micros) => (day_or_moment(micros), Value::Moment(micros)),
            None => (Sort::NoDate, Value::Number(value)),
        }
    }

    /// Appends the text of a cell: numbers as short as they can be, moments in the form of ISO 8601.
    /// `whole` asks for the time of a day as well.
    pub(super) fn write(&self, cell: Cell<'_>, whole: bool, out: &mut String) {
        match cell {
            Cell::Shared(number) => out.push_str(self.strings.get(number).unwrap_or_default()),
            Cell::Text(text) | Cell::Error(text) => out.push_str(text),
            Cell::Made(start, end) => {
                out.push_str(self.made.get(start as usize..end as usize).unwrap_or_default());
            }
            cell => match self.of(cell) {
                Some((_, Value::Integer(value))) => {
                    out.push_str(&value.to_string());
                }
                Some((_, Value::Number(value))) => serial::write_number(value, out),
                Some((_, Value::Boolean(value))) => {
                    out.push_str(if value { "true" } else { "false" });
                }
                Some((Sort::Day, Value::Moment(micros))) if !whole => {
                    serial::write_date(micros.div_euclid(MICROS_PER_DAY), out);
                }
                Some((_, Value::Moment(micros))) => serial::write_moment(micros, out),
                Some((_, Value::Clock(micros))) => serial::write_clock(micros, out),
                Some((_, Value::Text)) | None => {}
            },
        }
    }

    /// Returns the text of a cell.
    pub(super) fn text(&self, cell: Cell<'_>) -> String {
        let mut out = String::new();
        self.write(cell, false, &mut out);
        out
    }
}

fn day_or_moment(micros: i64) -> Sort {
    if micros.rem_euclid(MICROS_PER_DAY) == 0 { Sort::Day } else { Sort::Moment }
}
