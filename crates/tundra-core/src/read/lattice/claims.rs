//! What single values claim about their column that no two of them may claim differently.
//!
//! A column of a type that somebody asked for is read value by value where it has no one format.
//! `13/02/2020` has the day first and `02/14/2020` the month, and each is certain by itself, but
//! together they say that nobody knows what `01/02/2020` is. Both are looked for over the whole
//! column, also when it is text for other reasons.

use std::fmt;

use super::Place;
use crate::{
    ColumnType, DataError,
    value::{figure, moment},
};

/// The first values of each claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// Dates with the month first, and with the day first.
    orders: [Option<Place>; 2],
    /// Amounts beside two symbols.
    symbols: [Option<(&'static str, Place)>; 2],
}

/// Two values that claim different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clash {
    is_of_dates: bool,
    one: Place,
    other: Place,
}

impl Claims {
    /// Takes a value into account.
    #[inline]
    pub(super) fn look_at(&mut self, text: &[u8], record: u64) {
        let (Some(first), Some(last)) = (text.first(), text.last()) else { return };
        let begins = first.is_ascii_digit();
        let is_separator = |at: usize| matches!(text.get(at), Some(b'/' | b'-' | b'.'));
        if begins && (is_separator(1) || is_separator(2)) {
            self.look_at_date(text, record);
        }
        // Amounts with symbols are short.
        if begins != last.is_ascii_digit() && text.len() <= 24 {
            self.look_at_amount(text, record);
        }
    }

    fn look_at_date(&mut self, text: &[u8], record: u64) {
        if self.orders.iter().all(Option::is_some) {
            return;
        }
        if let Some(day_first) = moment::scan(text).and_then(moment::Written::told_order) {
            self.orders[usize::from(day_first)].get_or_insert_with(|| place(text, record));
        }
    }

    fn look_at_amount(&mut self, text: &[u8], record: u64) {
        if self.symbols.iter().all(Option::is_some) {
            return;
        }
        if let Some(symbol) = figure::scan(text).and_then(figure::Written::symbol) {
            self.add_symbol(symbol, place(text, record));
        }
    }

    fn add_symbol(&mut self, symbol: &'static str, place: Place) {
        match &mut self.symbols {
            [Some((known, _)), _] if *known == symbol => {}
            [Some(_), other] => {
                other.get_or_insert((symbol, place));
            }
            [first, _] => *first = Some((symbol, place)),
        }
    }

    /// Takes into account what was claimed in a later part of the input.
    pub(super) fn merge(&mut self, later: Self) {
        for (order, later) in self.orders.iter_mut().zip(later.orders) {
            if order.is_none() {
                *order = later;
            }
        }
        for (symbol, place) in later.symbols.into_iter().flatten() {
            self.add_symbol(symbol, place);
        }
    }

    /// Returns two values that claim different things, for each sort of claim.
    pub(super) fn clashes(&self) -> Vec<Clash> {
        let mut clashes = Vec::new();
        if let [Some(one), Some(other)] = self.orders.clone() {
            clashes.push(Clash { is_of_dates: true, one, other });
        }
        if let [Some((_, one)), Some((_, other))] = self.symbols.clone() {
            clashes.push(Clash { is_of_dates: false, one, other });
        }
        clashes
    }
}

impl Clash {
    /// Returns whether it matters for values of the type.
    pub(crate) fn is_of(&self, kind: &ColumnType) -> bool {
        let is_date = matches!(
            kind,
            ColumnType::Date
                | ColumnType::Timestamp
                | ColumnType::TimestampNs
                | ColumnType::TimestampTz
        );
        is_date == self.is_of_dates
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_of_dates, one, other } = self;
        let [one_is, other_is] = if *is_of_dates {
            ["has the month first", "the day first"]
        } else {
            ["is in one currency", "in another"]
        };
        write!(
            f,
            "`{}` in record {} {one_is}, and `{}` in record {} {other_is}",
            one.text, one.record, other.text, other.record
        )
    }
}

fn place(text: &[u8], record: u64) -> Place {
    Place { record, text: DataError::shorten(text) }
}
