//! Days counted as numbers, and moments as text.
//!
//! A workbook counts days from 1900 or from 1904. The system of 1900 has a day 60, 1900-02-29, that
//! never was, so that the days before it are one further from 1970 than the count says; the number 60 is
//! no date. The number is a double: a moment of this century is known to about a microsecond, and
//! programs that write 15 digits are off by four. What is within ten microseconds of a millisecond
//! is that millisecond, as Excel shows it.

use crate::value::temporal::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// From which year days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Epoch {
    /// Day 1 is 1900-01-01.
    #[default]
    Y1900,
    /// Day 0 is 1904-01-01.
    Y1904,
}

impl Epoch {
    /// Returns a moment as microseconds since 1970-01-01; `None` when the number is none. Numbers below
    /// 1 are no days where days are counted from 1900.
    pub(super) fn micros(self, serial: f64) -> Option<i64> {
        // 9999-12-31 is the last day that a workbook knows.
        let (first, behind) = match self {
            Self::Y1900 => (1.0, 2_958_466.0),
            Self::Y1904 => (0.0, 2_957_004.0),
        };
        if !(first..behind).contains(&serial) {
            return None;
        }
        let day = serial.floor();
        if self == Self::Y1900 && day == 60.0 {
            return None;
        }
        // Below three million.
        let day_number = day as i64;
        let since_1970 = match self {
            Self::Y1900 if day_number < 60 => day_number - 25_568,
            Self::Y1900 => day_number - 25_569,
            Self::Y1904 => day_number - 24_107,
        };
        Some(since_1970 * MICROS_PER_DAY + day_micros(serial - day))
    }
}

/// Returns a part of a day, from 0 to 1, in microseconds.
pub(super) fn day_micros(part: f64) -> i64 {
    const NEAR: i64 = 10;
    const MILLI: i64 = 1_000;
    // At most a day.
    let micros = (part * MICROS_PER_DAY as f64).round() as i64;
    let milli = (micros + MILLI / 2) / MILLI * MILLI;
    if (micros - milli).abs() <= NEAR { milli } else { micros }
}

/// Appends a day as `yyyy-mm-dd`.
pub(super) fn write_date(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    out.push_str(&format!("{year:04}-{month:02}-{day:02}"));
}

/// Appends a time of day as `hh:mm:ss`, with a fraction if there is one.
pub(super) fn write_clock(micros: i64, out: &mut String) {
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    out.push_str(&format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// Appends a moment as a date and a time.
pub(super) fn write_moment(micros: i64, out: &mut String) {
    write_date(micros.div_euclid(MICROS_PER_DAY), out);
    out.push(' ');
    write_clock(micros.rem_euclid(MICROS_PER_DAY), out);
}

/// Appends the shortest text that is read as this number.
pub(super) fn write_number(number: f64, out: &mut String) {
    let size = number.abs();
    let is_plain = size == 0.0 || (1e-7..1e17).contains(&size);
    out.push_str(&if is_plain { format!("{number}") } else { format!("{number:e}") });
}

/// Returns year, month and day of a day since 1970-01-01: the algorithm of Howard Hinnant.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(epoch: Epoch, serial: f64) -> Option<String> {
        let mut out = String::new();
        epoch.micros(serial).map(|micros| {
            write_moment(micros, &mut out);
            out
        })
    }

    #[test]
    fn days_are_counted_from_1900_with_a_day_that_never_was() {
        let of = |serial| moment(Epoch::Y1900, serial);
        for (serial, text) in [
            (1.0, "1900-01-01 00:00:00"),
            (59.0, "1900-02-28 00:00:00"),
            (61.0, "1900-03-01 00:00:00"),
            (25_569.0, "1970-01-01 00:00:00"),
            (45_351.0, "2024-02-29 00:00:00"),
            (45_351.521_006_944_44, "2024-02-29 12:30:15"),
            (45_351.999_999_999_99, "2024-03-01 00:00:00"),
            (2_958_465.0, "9999-12-31 00:00:00"),
        ] {
            assert_eq!(of(serial).as_deref(), Some(text), "{serial}");
        }
        for serial in [-1.0, 0.0, 0.5, 60.0, 60.7, 2_958_466.0, f64::NAN, f64::INFINITY] {
            assert_eq!(of(serial), None, "{serial}");
        }
    }

    #[test]
    fn days_are_counted_from_1904() {
        let of = |serial| moment(Epoch::Y1904, serial);
        assert_eq!(of(0.0).as_deref(), Some("1904-01-01 00:00:00"));
        assert_eq!(of(60.25).as_deref(), Some("1904-03-01 06:00:00"));
        assert_eq!(of(2_957_003.0).as_deref(), Some("9999-12-31 00:00:00"));
        assert_eq!(of(2_957_004.0), None);
    }

    #[test]
    fn numbers_are_printed_as_short_as_they_can_be() {
        for (number, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e20, "1e20"),
            (1e-9, "1e-9"),
            (12_345_678_901_234.0, "12345678901234"),
        ] {
            let mut out = String::new();
            write_number(number, &mut out);
            assert_eq!(out, text);
        }
    }
}
