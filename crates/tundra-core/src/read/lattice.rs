//! Which types hold every value of a column.
//!
//! Start at [`Evidence`]: it begins with every type possible and loses those that a value does not
//! survive. Evidence of parts of an input is merged, so that a whole file is looked at by many
//! threads.

use crate::{
    ColumnType, MAX_DECIMAL_PRECISION,
    value::{decimal, double, integer, parse_boolean, temporal},
};

/// A set of types that are still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kinds(u16);

impl Kinds {
    const NONE: Self = Self(0);
    const BOOLEAN: Self = Self(1);
    const I64: Self = Self(1 << 1);
    const U64: Self = Self(1 << 2);
    const DECIMAL: Self = Self(1 << 3);
    const DOUBLE: Self = Self(1 << 4);
    const DATE: Self = Self(1 << 5);
    const TIME: Self = Self(1 << 6);
    const TIMESTAMP: Self = Self(1 << 7);
    const TIMESTAMPTZ: Self = Self(1 << 8);
    const ALL: Self = Self((1 << 9) - 1);
    const NUMBERS: Self = Self(Self::I64.0 | Self::U64.0 | Self::DECIMAL.0 | Self::DOUBLE.0);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Names the values that have one of these types, for a reason.
    fn describe(self) -> &'static str {
        if self.has(Self::BOOLEAN) {
            "boolean"
        } else if self.has(Self::I64.or(Self::U64)) {
            "integer"
        } else if self.has(Self::NUMBERS) {
            "number that is kept without loss"
        } else if self.has(Self::DATE) {
            "date with its year first"
        } else if self.has(Self::TIME) {
            "time of day"
        } else if self.has(Self::TIMESTAMP) {
            "timestamp without a zone"
        } else {
            "timestamp with a zone"
        }
    }
}

/// Where a value stands, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record, counted from 1 behind the header.
    pub(crate) record: u64,
    /// The value, shortened.
    pub(crate) text: String,
}

/// What is known of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    kinds: Kinds,
    /// Values that are no nulls.
    values: u64,
    /// The most digits before and behind a decimal point.
    whole_digits: u8,
    scale: u8,
    /// A number with a point or an exponent was seen.
    fractions: bool,
    /// A number was seen that is not one of the words for no number.
    numbers: bool,
    /// The values that made fewer types possible, in order.
    narrowings: Vec<Narrowing>,
}

/// A value that some of the types that were still possible do not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Narrowing {
    place: Place,
    /// What is possible with it.
    kinds: Kinds,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            kinds: Kinds::ALL,
            values: 0,
            whole_digits: 0,
            scale: 0,
            fractions: false,
            numbers: false,
            narrowings: Vec::new(),
        }
    }
}

/// A type and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The type.
    pub(crate) column_type: ColumnType,
    /// Why, as a sentence fragment.
    pub(crate) reason: String,
}

impl Evidence {
    /// Returns whether every value seen is something else than text.
    pub(crate) fn is_typed(&self) -> bool {
        self.values > 0 && !matches!(self.verdict().column_type, ColumnType::Varchar)
    }

    /// Takes a value into account. `record` is counted from 1.
    #[inline]
    pub(crate) fn observe(&mut self, text: &[u8], record: u64) {
        self.values += 1;
        if self.kinds == Kinds::NONE {
            return;
        }
        let kinds = self.kinds.and(self.classify(text));
        if kinds != self.kinds {
            let place = Place { record, text: crate::DataError::shorten(text) };
            self.narrowings.push(Narrowing { place, kinds });
            self.kinds = kinds;
        }
    }

    /// Takes into account what was seen in a later part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        for Narrowing { place, kinds } in later.narrowings {
            let kinds = self.kinds.and(kinds);
            if kinds != self.kinds {
                self.narrowings.push(Narrowing { place, kinds });
                self.kinds = kinds;
            }
        }
        self.values += later.values;
        self.whole_digits = self.whole_digits.max(later.whole_digits);
        self.scale = self.scale.max(later.scale);
        self.fractions |= later.fractions;
        self.numbers |= later.numbers;
    }

    /// Returns the type that holds every value seen, and why.
    pub(crate) fn verdict(&self) -> Verdict {
        let all = |what: &str| format!("all {} values are {what}", self.values);
        let (column_type, reason) = if self.values == 0 {
            (ColumnType::Varchar, "there are no values, only nulls".to_owned())
        } else if self.kinds == Kinds::NONE {
            let reason = match self.narrowings.as_slice() {
                [.., before, Narrowing { place, .. }] => {
                    let without = before.kinds.describe();
                    format!("record {} has `{}`, which is no {without}", place.record, place.text)
                }
                [Narrowing { place, .. }] => {
                    format!("record {} has `{}`", place.record, place.text)
                }
                [] => "the values are text".to_owned(),
            };
            (ColumnType::Varchar, reason)
        } else if self.kinds.has(Kinds::BOOLEAN) {
            (ColumnType::Boolean, all("true or false"))
        } else if self.kinds.has(Kinds::I64) {
            (ColumnType::BigInt, all("integers of 64 bits"))
        } else if self.kinds.has(Kinds::U64) {
            (ColumnType::UBigInt, all("integers of 64 bits without a sign"))
        } else if self.fractions && self.numbers && self.kinds.has(Kinds::DOUBLE) {
            (ColumnType::Double, all("numbers that a double holds"))
        } else if self.kinds.has(Kinds::DECIMAL)
            && self.whole_digits.saturating_add(self.scale) <= MAX_DECIMAL_PRECISION
        {
            if self.scale == 0 {
                let kind = ColumnType::Decimal { precision: MAX_DECIMAL_PRECISION, scale: 0 };
                (kind, all("integers beyond 64 bits, of at most 38 digits"))
            } else {
                let precision = (self.whole_digits + self.scale).max(1);
                let kind = ColumnType::Decimal { precision, scale: self.scale };
                (kind, all("decimals, of which a double would round some"))
            }
        } else if self.kinds.has(Kinds::DATE) {
            (ColumnType::Date, all("dates, year first"))
        } else if self.kinds.has(Kinds::TIME) {
            (ColumnType::Time, all("times of day"))
        } else if self.kinds.has(Kinds::TIMESTAMP) {
            (ColumnType::Timestamp, all("timestamps without a zone"))
        } else if self.kinds.has(Kinds::TIMESTAMPTZ) {
            (ColumnType::TimestampTz, all("timestamps with a zone, kept as instants"))
        } else if self.kinds.has(Kinds::NUMBERS) && self.numbers {
            (ColumnType::Varchar, "the numbers need more than 38 digits together".to_owned())
        } else {
            (ColumnType::Varchar, "the values are words for numbers that are none".to_owned())
        };
        Verdict { column_type, reason }
    }

    /// Returns the types that the value survives, looking only at those that are possible.
    #[inline]
    fn classify(&mut self, text: &[u8]) -> Kinds {
        match text.first() {
            Some(b'0'..=b'9' | b'-' | b'.') => {}
            Some(_) => return self.classify_word(text),
            None => return Kinds::NONE,
        }
        if self.kinds.has(Kinds::I64)
            && let Some(value) = integer::parse_i64(text)
        {
            self.numbers = true;
            let digits = text.len() - usize::from(text[0] == b'-');
            #[expect(clippy::cast_possible_truncation, reason = "an i64 has at most 19 digits")]
            let digits_u8 = digits as u8;
            self.whole_digits = self.whole_digits.max(digits_u8);
            let signed = if value < 0 { Kinds::U64 } else { Kinds::NONE };
            let rounded = if digits > 15 && double::parse_exact(text).is_none() {
                Kinds::DOUBLE
            } else {
                Kinds::NONE
            };
            return Kinds::NUMBERS.without(signed).without(rounded);
        }
        self.classify_figure(text)
    }

    fn classify_word(&mut self, text: &[u8]) -> Kinds {
        if parse_boolean(text).is_some() {
            return Kinds::BOOLEAN;
        }
        if double::parse_special(text).is_some() {
            self.fractions = true;
            return Kinds::DOUBLE;
        }
        Kinds::NONE
    }

    /// Classifies what begins like a number, a date or a time but is no integer of 64 bits.
    fn classify_figure(&mut self, text: &[u8]) -> Kinds {
        let mut kinds = Kinds::NONE;
        if self.kinds.has(Kinds::NUMBERS) {
            if self.kinds.has(Kinds::U64) && integer::parse_u64(text).is_some() {
                kinds = kinds.or(Kinds::U64);
            }
            if let Some(value) = decimal::parse(text) {
                kinds = kinds.or(Kinds::DECIMAL);
                self.numbers = true;
                self.whole_digits = self.whole_digits.max(value.precision - value.scale);
                self.scale = self.scale.max(value.scale);
                self.fractions |= text.contains(&b'.');
            }
            if double::parse_exact(text).is_some() {
                kinds = kinds.or(Kinds::DOUBLE);
                self.numbers = true;
                self.fractions |= text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
            } else if double::parse_special(text).is_some() {
                kinds = kinds.or(Kinds::DOUBLE);
            }
            if kinds != Kinds::NONE {
                // A negative zero is a double, and nothing else here is `-0`.
                self.fractions |= kinds == Kinds::DOUBLE;
                return kinds;
            }
        }
        if temporal::parse_date(text).is_some() {
            Kinds::DATE
        } else if temporal::parse_timestamp(text).is_some() {
            Kinds::TIMESTAMP
        } else if temporal::parse_timestamptz(text).is_some() {
            Kinds::TIMESTAMPTZ
        } else if temporal::parse_time(text).is_some() {
            Kinds::TIME
        } else {
            Kinds::NONE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(values: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        for (index, value) in values.iter().enumerate() {
            if !value.is_empty() {
                evidence.observe(value.as_bytes(), index as u64 + 1);
            }
        }
        evidence
    }

    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        assert_eq!(evidence(values).verdict().column_type.to_string(), expected, "{values:?}");
        // Merging parts must come to the same end as looking at the whole.
        for cut in 0..=values.len() {
            let mut merged = evidence(&values[..cut]);
            merged.merge(evidence(&values[cut..]));
            assert_eq!(merged.verdict().column_type.to_string(), expected, "{values:?} at {cut}");
        }
    }

    #[test]
    fn chooses_the_type_that_loses_nothing() {
        check(&["1", "", "-2"], "BIGINT");
        check(&["1", "18446744073709551615"], "UBIGINT");
        check(&["-1", "18446744073709551615"], "DECIMAL(38,0)");
        check(&["123456789012345678901234567890"], "DECIMAL(38,0)");
        check(&[&"9".repeat(39)], "VARCHAR");
        check(&["1", "2.5", ""], "DOUBLE");
        check(&["17.00", "3"], "DOUBLE");
        check(&["1.5", "12345678901234567.5"], "DECIMAL(18,1)");
        check(&["0.12345678901234567891", "1"], "DECIMAL(21,20)");
        check(&["1e5", "2"], "DOUBLE");
        check(&["-0", "1"], "DOUBLE");
        check(&["9007199254740993", "0.5"], "DECIMAL(17,1)");
        check(&["9007199254740993", "1e5"], "VARCHAR");
        check(&["true", "False"], "BOOLEAN");
        check(&["2020-01-01", ""], "DATE");
        check(&["2020-01-01 10:00:00", "2020-01-01T10:00:00.5"], "TIMESTAMP");
        check(&["2020-01-01T10:00:00Z", "2020-01-01T10:00:00+02:00"], "TIMESTAMPTZ");
        check(&["10:00:00"], "TIME");
        check(&["", ""], "VARCHAR");
        check(&["NaN", "1.5"], "DOUBLE");
        check(&["1", "inf"], "DOUBLE");
    }

    #[test]
    fn keeps_text_what_would_lose_something() {
        for values in [
            ["1", "00713"],
            ["1", "+2"],
            ["1", "x"],
            ["1", "2020-01-01"],
            ["2020-01-01", "2020-01-01 10:00:00"],
            ["2020-01-01 10:00:00", "2020-01-01 10:00:00Z"],
            ["2020-01-01 10:00:00.1234567", "2020-01-01 10:00:00"],
            ["2020-02-30", "2020-01-01"],
            ["true", "1"],
            ["1 ", "2"],
            ["nan", "inf"],
            ["1,5", "2"],
        ] {
            check(&values, "VARCHAR");
        }
    }

    #[test]
    fn says_which_value_stopped_it() {
        assert_eq!(
            evidence(&["1", "2", "00713"]).verdict().reason,
            "record 3 has `00713`, which is no integer"
        );
        assert_eq!(evidence(&["abc", "2"]).verdict().reason, "record 1 has `abc`");
        assert_eq!(evidence(&["1", "2"]).verdict().reason, "all 2 values are integers of 64 bits");
    }

    #[test]
    fn says_which_value_stopped_it_wherever_the_parts_end() {
        for (values, reason) in [
            (vec!["1", "2", "3", "00713", "x"], "record 4 has `00713`, which is no integer"),
            (vec!["1", "2.5", "2020-01-01", "x"], "record 3 has `2020-01-01`, which is no number"),
            (vec!["x", "1"], "record 1 has `x`"),
        ] {
            for cut in 0..=values.len() {
                let mut merged = evidence(&values[..cut]);
                let mut later = Evidence::default();
                for (index, value) in values.iter().enumerate().skip(cut) {
                    later.observe(value.as_bytes(), index as u64 + 1);
                }
                merged.merge(later);
                let found = merged.verdict().reason;
                assert!(found.starts_with(reason), "{values:?} at {cut}: {found}");
            }
        }
    }
}
