//! One format of dates: which texts are in it, and its name in the words of `strftime`.

use std::{fmt, str::FromStr};

use super::{Clock, Half, Layout, Shape, Styles, Written, Zone, ZoneForm, scan::scan};
use crate::ColumnType;

/// A format of dates, with or without times. It is printed as `strftime` takes it, with the signs of
/// GNU `date` where C knows none: `%-d` for a day without a zero before it, `%^b` for a month in
/// capitals, `%P` for `am`, `%:z` for `+02:00` and `%:::z` for `+02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MomentFormat {
    shape: Shape,
    /// Of each pair the second, or else it is the first.
    styles: Styles,
    forbidden: Styles,
    day_first: bool,
}

impl MomentFormat {
    pub(super) fn new(shape: Shape, styles: Styles, day_first: bool) -> Self {
        let styles = styles.completed();
        let forbidden = styles.forbidden();
        let styles = Styles(styles.0 & (Styles::SECONDS_OF_PAIRS | Styles::FRACTION.0));
        Self { shape, styles, forbidden, day_first }
    }

    /// Returns the type that holds its values.
    pub(crate) fn column_type(&self) -> ColumnType {
        match self.shape.clock {
            None => ColumnType::Date,
            Some(Clock { zone: None, .. }) => ColumnType::Timestamp,
            Some(_) => ColumnType::TimestampTz,
        }
    }

    /// Returns whether the day is a number that stands before that of the month; `None` when the
    /// order is told by the year or by a name.
    pub(crate) fn order(&self) -> Option<bool> {
        (self.shape.layout == Layout::YearLast).then_some(self.day_first)
    }

    /// Reads a day. With `exactly` the text must be printed by the format as it stands; otherwise
    /// zeros before numbers and the form of a month's name are all the same.
    pub(crate) fn date(&self, text: &[u8], exactly: bool) -> Option<i32> {
        self.written(text, exactly)?.days(self.day_first)
    }

    /// Reads a timestamp as microseconds since 1970-01-01T00:00:00; a day is its midnight.
    pub(crate) fn timestamp(&self, text: &[u8], exactly: bool) -> Option<i64> {
        self.written(text, exactly)?.local_micros(self.day_first)
    }

    /// Reads an instant as microseconds since 1970-01-01T00:00:00Z; without a zone it is UTC.
    pub(crate) fn instant(&self, text: &[u8], exactly: bool) -> Option<i64> {
        self.written(text, exactly)?.instant_micros(self.day_first)
    }

    fn written(&self, text: &[u8], exactly: bool) -> Option<Written> {
        let written = scan(text)?;
        let fits =
            written.shape == self.shape && !(exactly && written.styles.0 & self.forbidden.0 != 0);
        fits.then_some(written)
    }
}

impl fmt::Display for MomentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { layout, separator, clock } = self.shape;
        let number = |letter: char, bare: Styles| {
            if self.styles.has(bare) { format!("%-{letter}") } else { format!("%{letter}") }
        };
        let name = match (self.styles.has(Styles::NAME_FULL), self.styles.has(Styles::NAME_UPPER)) {
            (false, false) => "%b",
            (false, true) => "%^b",
            (true, false) => "%B",
            (true, true) => "%^B",
        };
        let between = separator.as_str();
        match layout {
            Layout::YearFirst => {
                let month = number('m', Styles::FIRST_BARE);
                let day = number('d', Styles::SECOND_BARE);
                write!(f, "%Y{between}{month}{between}{day}")?;
            }
            Layout::YearLast => {
                let (one, two) = if self.day_first { ('d', 'm') } else { ('m', 'd') };
                let first = number(one, Styles::FIRST_BARE);
                let second = number(two, Styles::SECOND_BARE);
                write!(f, "{first}{between}{second}{between}%Y")?;
            }
            Layout::DayName => {
                let day = number('d', Styles::FIRST_BARE);
                write!(f, "{day}{between}{name}{between}%Y")?;
            }
            Layout::NameDay => {
                let day = number('d', Styles::FIRST_BARE);
                write!(f, "{name} {day}{between}%Y")?;
            }
        }
        let Some(Clock { join, seconds, half, zone }) = clock else { return Ok(()) };
        f.write_str(join.as_str())?;
        let hour = if half.is_some() { 'I' } else { 'H' };
        write!(f, "{}:%M", number(hour, Styles::HOUR_BARE))?;
        if seconds {
            f.write_str(if self.styles.has(Styles::FRACTION) { ":%S.%f" } else { ":%S" })?;
        }
        if let Some(Half { gap, lower }) = half {
            write!(f, "{}{}", gap.as_str(), if lower { "%P" } else { "%p" })?;
        }
        if let Some(Zone { is_apart, form }) = zone {
            f.write_str(if is_apart { " " } else { "" })?;
            f.write_str(match form {
                ZoneForm::Z => "Z",
                ZoneForm::Utc => "UTC",
                ZoneForm::Gmt => "GMT",
                ZoneForm::Hours => "%:::z",
                ZoneForm::Digits => "%z",
                ZoneForm::Colon => "%:z",
            })?;
        }
        Ok(())
    }
}

/// A text that names no format of dates that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMomentFormat;

impl FromStr for MomentFormat {
    type Err = NoMomentFormat;

    /// Reads a format as it is printed, by writing a date in it and looking at that.
    fn from_str(text: &str) -> Result<Self, NoMomentFormat> {
        /// What stands for each sign, and the part of a date that it is.
        const SIGNS: [(&str, &str, char); 20] = [
            ("%Y", "2018", 'Y'),
            ("%m", "01", 'm'),
            ("%-m", "1", 'm'),
            ("%b", "Jan", 'm'),
            ("%B", "January", 'm'),
            ("%^b", "JAN", 'm'),
            ("%^B", "JANUARY", 'm'),
            ("%d", "02", 'd'),
            ("%-d", "2", 'd'),
            ("%H", "05", 'H'),
            ("%-H", "5", 'H'),
            ("%I", "05", 'I'),
            ("%-I", "5", 'I'),
            ("%M", "07", 'M'),
            ("%S", "09", 'S'),
            ("%f", "123456", 'f'),
            ("%p", "AM", 'p'),
            ("%P", "am", 'p'),
            ("%z", "+0200", 'z'),
            ("%:z", "+02:00", 'z'),
        ];
        const HOURS_OF_ZONE: (&str, &str, char) = ("%:::z", "+02", 'z');
        let mut sample = String::new();
        let mut parts = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if next == '%' {
                let sign = SIGNS.iter().chain([&HOURS_OF_ZONE]);
                let (sign, written, part) = sign
                    .copied()
                    .find(|(sign, ..)| rest.starts_with(sign))
                    .ok_or(NoMomentFormat)?;
                if parts.contains(part) {
                    return Err(NoMomentFormat);
                }
                parts.push(part);
                sample.push_str(written);
                rest = &rest[sign.len()..];
            } else {
                // Digits and other letters could be taken for what stands for a sign.
                let is_plain = "/-., :\u{a0}\u{202f}TZUCGM".contains(next);
                if !is_plain {
                    return Err(NoMomentFormat);
                }
                sample.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        let written = scan(sample.as_bytes()).ok_or(NoMomentFormat)?;
        let at = |part: char| parts.find(part);
        let (Some(_), Some(month), Some(day)) = (at('Y'), at('m'), at('d')) else {
            return Err(NoMomentFormat);
        };
        let is_in_order = written.shape.layout != Layout::YearFirst || month < day;
        if !is_in_order || at('I').is_some() != at('p').is_some() {
            return Err(NoMomentFormat);
        }
        Ok(Self::new(written.shape, written.styles, day < month))
    }
}
