//! One value of a type that was asked for, or whose format was found.
//!
//! Start at [`Asked`]: every reader asks it, so that a value that is checked and a value that is
//! read are the same.

use crate::{
    ColumnType,
    value::{
        decimal::{self, Decimal},
        double, forced,
        format::ValueFormat,
        parse_boolean, temporal,
    },
};

/// What is a value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// What keeps every digit and has no other meaning, because whoever asks for the type saw the
    /// values of one file, and in the next one `00713` must not become 713 unseen.
    Exact,
    /// What a person would accept and is written in the usual way, whatever the others of its column
    /// are.
    Plain,
    /// What a person would accept.
    Free,
}

/// How the values of a column are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The type.
    pub(crate) kind: &'a ColumnType,
    /// How they are written, when that is not the usual way.
    pub(crate) format: Option<ValueFormat>,
    /// What is a value.
    pub(crate) manner: Manner,
}

impl Asked<'_> {
    /// Returns whether the text is a value.
    pub(crate) fn fits(&self, text: &[u8]) -> bool {
        match self.kind {
            ColumnType::Boolean => self.boolean(text).is_some(),
            ColumnType::TinyInt => self.integer::<i8>(text).is_some(),
            ColumnType::SmallInt => self.integer::<i16>(text).is_some(),
            ColumnType::Integer => self.integer::<i32>(text).is_some(),
            ColumnType::BigInt => self.integer::<i64>(text).is_some(),
            ColumnType::UTinyInt => self.integer::<u8>(text).is_some(),
            ColumnType::USmallInt => self.integer::<u16>(text).is_some(),
            ColumnType::UInteger => self.integer::<u32>(text).is_some(),
            ColumnType::UBigInt => self.integer::<u64>(text).is_some(),
            ColumnType::Float => self.float(text).is_some(),
            ColumnType::Double => self.double(text).is_some(),
            ColumnType::Decimal { precision, scale } => {
                self.decimal(text, *precision, *scale).is_some()
            }
            ColumnType::Date => self.date(text).is_some(),
            ColumnType::Time => self.time(text).is_some(),
            ColumnType::Timestamp => self.timestamp(text).is_some(),
            ColumnType::TimestampNs => self.timestamp_ns(text).is_some(),
            ColumnType::TimestampTz => self.timestamptz(text).is_some(),
            ColumnType::Uuid => forced::uuid(text).is_some(),
            ColumnType::Json => forced::is_json(text),
            ColumnType::Blob => forced::blob(text).is_some(),
            ColumnType::Varchar => true,
            ColumnType::List(_) | ColumnType::Struct(_) => false,
        }
    }

    /// Returns why the text is no value, as a sentence fragment.
    pub(crate) fn why_not(&self, text: &[u8]) -> String {
        match self.format {
            Some(format) => format!("no {} written as {format}", self.kind),
            None => forced::why_not(text, self.kind),
        }
    }

    /// Reads a boolean.
    pub(crate) fn boolean(&self, text: &[u8]) -> Option<bool> {
        match self.format {
            Some(ValueFormat::Words(pair)) => pair.read(self.trimmed(text)),
            Some(_) => None,
            None if self.manner == Manner::Exact => parse_boolean(text),
            None => forced::boolean(text),
        }
    }

    /// Reads an integer.
    pub(crate) fn integer<T: TryFrom<i128>>(&self, text: &[u8]) -> Option<T> {
        forced::whole(self.number(text)?)
    }

    /// Reads a decimal with the precision and scale, without rounding.
    pub(crate) fn decimal(&self, text: &[u8], precision: u8, scale: u8) -> Option<i128> {
        self.number(text)?.rescale(precision, scale)
    }

    /// Reads a double: the nearest one, unless it must keep every digit.
    pub(crate) fn double(&self, text: &[u8]) -> Option<f64> {
        match (self.format, self.manner) {
            (Some(_), Manner::Exact) => forced::kept(self.number(text)?),
            (Some(_), _) => forced::nearest(self.number(text)?),
            (None, Manner::Exact) => {
                double::parse_exact(text).or_else(|| double::parse_special(text))
            }
            (None, Manner::Plain) => forced::plain_double(text),
            (None, Manner::Free) => forced::double(text),
        }
    }

    /// Reads the nearest float, since no text asks for one that keeps its digits.
    pub(crate) fn float(&self, text: &[u8]) -> Option<f32> {
        forced::narrow(match (self.format, self.manner) {
            (Some(_), _) => forced::nearest(self.number(text)?)?,
            (None, Manner::Exact) => {
                double::parse_nearest(text).or_else(|| double::parse_special(text))?
            }
            (None, _) => self.double(text)?,
        })
    }

    /// Reads a day.
    pub(crate) fn date(&self, text: &[u8]) -> Option<i32> {
        match (self.format, self.manner) {
            (Some(ValueFormat::Moment(format)), _) => {
                format.date(self.trimmed(text), self.is_strict())
            }
            (Some(_), _) => None,
            (None, Manner::Free) => forced::date(text),
            (None, _) => temporal::parse_date(self.trimmed(text)),
        }
    }

    /// Reads a time of day in microseconds.
    pub(crate) fn time(&self, text: &[u8]) -> Option<i64> {
        temporal::parse_time(self.trimmed(text))
    }

    /// Reads a timestamp without a zone in microseconds.
    pub(crate) fn timestamp(&self, text: &[u8]) -> Option<i64> {
        match (self.format, self.manner) {
            (Some(ValueFormat::Moment(format)), _) => {
                format.timestamp(self.trimmed(text), self.is_strict())
            }
            (Some(_), _) => None,
            (None, Manner::Exact) => temporal::parse_timestamp(text),
            (None, Manner::Plain) => forced::plain_timestamp(text),
            (None, Manner::Free) => forced::timestamp(text),
        }
    }

    /// Reads a timestamp without a zone in nanoseconds, where 64 bits hold it.
    pub(crate) fn timestamp_ns(&self, text: &[u8]) -> Option<i64> {
        match self.manner {
            Manner::Exact => forced::nanoseconds(text, temporal::parse_timestamp),
            Manner::Plain => forced::nanoseconds(text.trim_ascii(), forced::plain_timestamp),
            Manner::Free => forced::timestamp_ns(text),
        }
    }

    /// Reads an instant in microseconds.
    pub(crate) fn timestamptz(&self, text: &[u8]) -> Option<i64> {
        match (self.format, self.manner) {
            (Some(ValueFormat::Moment(format)), _) => {
                format.instant(self.trimmed(text), self.is_strict())
            }
            (Some(_), _) => None,
            (None, Manner::Exact) => temporal::parse_timestamptz(text),
            (None, Manner::Plain) => {
                let text = text.trim_ascii();
                temporal::parse_timestamptz(text).or_else(|| forced::plain_timestamp(text))
            }
            (None, Manner::Free) => forced::timestamptz(text),
        }
    }

    /// Reads an exact number.
    fn number(&self, text: &[u8]) -> Option<Decimal> {
        match (self.format, self.manner) {
            (Some(ValueFormat::Figure(format)), _) => {
                format.read(self.trimmed(text), self.is_strict())
            }
            (Some(_), _) => None,
            (None, Manner::Exact) => decimal::parse(text),
            (None, Manner::Plain) => forced::plain_decimal(text),
            (None, Manner::Free) => forced::any_decimal(text),
        }
    }

    /// Returns whether a text must be printed by the format as it stands.
    fn is_strict(&self) -> bool {
        self.manner != Manner::Free
    }

    /// Takes the blanks around a value away where they are accepted: not in a format that was found,
    /// because a column with such blanks would have none.
    fn trimmed<'b>(&self, text: &'b [u8]) -> &'b [u8] {
        match (self.format, self.manner) {
            (_, Manner::Exact) | (Some(_), Manner::Plain) => text,
            _ => text.trim_ascii(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, format: Option<&str>, manner: Manner, text: &str, fits: bool) {
        let kind: ColumnType = kind.parse().unwrap();
        let format = format.map(|format| ValueFormat::parse(format, &kind).unwrap());
        let asked = Asked { kind: &kind, format, manner };
        assert_eq!(asked.fits(text.as_bytes()), fits, "{text} as {kind}, {manner:?}");
    }

    #[test]
    fn what_must_be_exact_keeps_every_digit_and_its_meaning() {
        for (kind, text, fits) in [
            ("BIGINT", "713", true),
            ("BIGINT", "-713", true),
            ("BIGINT", "713.00", true),
            ("BIGINT", "00713", false),
            ("BIGINT", "+713", false),
            ("BIGINT", " 713", false),
            ("BIGINT", "-0", false),
            ("BIGINT", "1.234.567", false),
            ("DECIMAL(12,2)", "1.5", true),
            ("DECIMAL(12,2)", "01.5", false),
            ("DOUBLE", "0.1", true),
            ("DOUBLE", "NaN", true),
            ("DOUBLE", "9007199254740993", false),
            ("DOUBLE", "$5.00", false),
            ("FLOAT", "0.1", true),
            ("FLOAT", "00.1", false),
            ("VARCHAR", "00713", true),
            ("BOOLEAN", "True", true),
            ("BOOLEAN", "yes", false),
            ("BOOLEAN", "0", false),
            ("BOOLEAN", " true", false),
            ("DATE", "2020-02-13", true),
            ("DATE", "13/02/2020", false),
            ("TIMESTAMP", "2020-02-13 10:00:00", true),
            ("TIMESTAMP", "2020-02-13", false),
            ("TIMESTAMP", "2020-02-13 10:00:00Z", false),
            ("TIMESTAMPTZ", "2020-02-13 10:00:00Z", true),
            ("TIMESTAMPTZ", "2020-02-13 10:00:00", false),
            ("TIMESTAMP_NS", "2020-02-13 10:00:00.123456789", true),
            ("TIMESTAMP_NS", "2020-02-13", false),
        ] {
            check(kind, None, Manner::Exact, text, fits);
            if fits {
                check(kind, None, Manner::Plain, text, true);
                check(kind, None, Manner::Free, text, true);
            }
        }
    }

    #[test]
    fn a_double_in_a_format_keeps_every_digit_where_it_must() {
        let format = Some("#,##0.00");
        for (manner, fits) in [(Manner::Exact, false), (Manner::Free, true)] {
            check("DOUBLE", format, manner, "1,234,567,890,123,456,789.25", fits);
            check("DOUBLE", format, manner, "1,234.50", true);
            check("FLOAT", format, manner, "1,234.50", true);
        }
    }

    #[test]
    fn blanks_are_accepted_around_values_of_forced_types_in_every_format() {
        for (kind, format, text) in [
            ("BOOLEAN", "yes/no", " yes "),
            ("DATE", "%d/%m/%Y", " 28/01/2018 "),
            ("DECIMAL(18,2)", "#,##0.00", " 1,234.50 "),
        ] {
            check(kind, Some(format), Manner::Free, text, true);
            check(kind, Some(format), Manner::Plain, text, false);
            check(kind, Some(format), Manner::Exact, text, false);
        }
    }

    #[test]
    fn what_is_plain_does_not_depend_on_other_values() {
        for (kind, text, fits) in [
            ("BIGINT", " +007 ", true),
            ("BIGINT", "1,234,567", false),
            ("DOUBLE", "$5", false),
            ("DATE", " 2020-02-13 ", true),
            ("DATE", "13/02/2020", false),
            ("TIMESTAMP", "2020-02-13", true),
            ("TIMESTAMPTZ", "2020-02-13 10:00", true),
        ] {
            check(kind, None, Manner::Plain, text, fits);
            check(kind, None, Manner::Free, text, true);
        }
    }
}
