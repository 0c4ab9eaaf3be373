//! What the bytes of a value say: decimals, dates, times and bits.

use std::fmt::Write as _;

use crate::{
    calendar,
    mysql::{protocol::Input, wire::WireError},
};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The decimals of a column that has no fixed number of them.
const NOT_FIXED: u8 = 31;

/// Reads a decimal's digits as an integer of units of `10^-scale`, or nothing when that is not exact.
#[inline]
pub(super) fn decimal(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let magnitude = match short_decimal(digits, scale) {
        Some(magnitude) => i128::from(magnitude),
        None => long_decimal(digits, usize::from(scale))?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads digits that fit into 64 bits and have as many decimals as the column, which are most.
#[inline]
fn short_decimal(digits: &[u8], scale: u8) -> Option<u64> {
    /// So many digits fit.
    const SHORT: usize = 19;
    if digits.len() > SHORT {
        return None;
    }
    let behind = usize::from(scale) + usize::from(scale > 0);
    let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(behind)?)?;
    let fraction = match fraction {
        [b'.', fraction @ ..] => fraction,
        [] => fraction,
        _ => return None,
    };
    if whole.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for &byte in whole.iter().chain(fraction) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit(byte)?));
    }
    Some(value)
}

/// Reads digits of whatever number.
fn long_decimal(digits: &[u8], scale: usize) -> Option<i128> {
    let (whole, fraction) = match digits.iter().rposition(|&byte| byte == b'.') {
        Some(point) => (digits.get(..point)?, digits.get(point + 1..)?),
        None => (digits, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Zeros behind the scale are no loss; other digits are.
    let (fraction, beyond) = fraction.split_at(fraction.len().min(scale));
    if beyond.iter().any(|&byte| byte != b'0') {
        return None;
    }
    let mut value = 0_i128;
    for &byte in whole.iter().chain(fraction) {
        value = value.checked_mul(10)?.checked_add(i128::from(digit(byte)?))?;
    }
    for _ in fraction.len()..scale {
        value = value.checked_mul(10)?;
    }
    Some(value)
}

/// The powers of ten, by their exponent.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// Tells whether a value has at most so many digits.
#[inline]
pub(super) fn has_digits(value: i128, precision: u8) -> bool {
    POWERS.get(usize::from(precision)).is_some_and(|limit| value.unsigned_abs() < *limit)
}

#[inline]
const fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    if digit < 10 { Some(digit) } else { None }
}

/// Reads bits, the highest byte first.
pub(super) fn bits(bytes: &[u8]) -> Result<u64, WireError> {
    if bytes.len() > 8 {
        return Err(WireError::Protocol("a value has more than 64 bits"));
    }
    Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// A date with or without a time, as it is stored, which need not be one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moment {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    micros: u32,
}

impl Moment {
    /// Reads one; what is zero at its end is left out on the wire.
    #[inline]
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, WireError> {
        let length = input.u8()?;
        let mut moment = Self::default();
        if length >= 4 {
            moment.year = input.u16()?;
            [moment.month, moment.day] = input.array()?;
        }
        if length >= 7 {
            [moment.hour, moment.minute, moment.second] = input.array()?;
        }
        if length >= 11 {
            moment.micros = input.u32()?;
        }
        match length {
            0 | 4 | 7 | 11 => Ok(moment),
            _ => Err(WireError::Protocol("a date has a length that none has")),
        }
    }

    /// Returns the days since 1970-01-01, or nothing when the calendar has no such day.
    #[inline]
    pub(super) fn days(&self) -> Option<i32> {
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        if day == 0 || day > calendar::days_of_month(year, month) {
            return None;
        }
        i32::try_from(calendar::days(year, month, day)).ok()
    }

    /// Returns the microseconds since 1970-01-01 00:00:00, or nothing when there is no such moment.
    #[inline]
    pub(super) fn micros(&self) -> Option<i64> {
        let days = i64::from(self.days()?);
        if self.hour > 23 || self.minute > 59 || self.second > 59 || self.micros > 999_999 {
            return None;
        }
        let seconds =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Some((days * SECONDS_PER_DAY + seconds) * MICROS_PER_SECOND + i64::from(self.micros))
    }

    /// Returns the date as the server prints it.
    pub(super) fn date_text(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Returns date and time as the server prints them, with so many decimals or, where it has more,
    /// all of them.
    pub(super) fn text(&self, decimals: u8) -> String {
        let mut text = self.date_text();
        // Writing to a string does not fail.
        let _ = write!(text, " {:02}:{:02}:{:02}", self.hour, self.minute, self.second);
        push_decimals(&mut text, self.micros, decimals);
        text
    }
}

/// A time, which may be negative and longer than a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Clock {
    negative: bool,
    days: u32,
    hour: u8,
    minute: u8,
    second: u8,
    micros: u32,
}

impl Clock {
    /// Reads one; what is zero at its end is left out on the wire.
    #[inline]
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, WireError> {
        let length = input.u8()?;
        let mut clock = Self::default();
        if length >= 8 {
            clock.negative = input.u8()? != 0;
            clock.days = input.u32()?;
            [clock.hour, clock.minute, clock.second] = input.array()?;
        }
        if length >= 12 {
            clock.micros = input.u32()?;
        }
        match length {
            0 | 8 | 12 => Ok(clock),
            _ => Err(WireError::Protocol("a time has a length that none has")),
        }
    }

    /// Returns the microseconds since midnight, or nothing when no day has that time.
    #[inline]
    pub(super) fn of_day(&self) -> Option<i64> {
        let Self { negative, days, hour, minute, second, micros } = *self;
        if days > 0 || hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
            return None;
        }
        let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let total = seconds * MICROS_PER_SECOND + i64::from(micros);
        (!negative || total == 0).then_some(total)
    }

    /// Returns it as the server prints it, with so many decimals or, where it has more, all of them.
    pub(super) fn text(&self, decimals: u8) -> String {
        let sign = if self.negative { "-" } else { "" };
        let hours = u64::from(self.days) * 24 + u64::from(self.hour);
        let mut text = format!("{sign}{hours:02}:{:02}:{:02}", self.minute, self.second);
        push_decimals(&mut text, self.micros, decimals);
        text
    }
}

fn push_decimals(text: &mut String, micros: u32, decimals: u8) {
    let fixed = if decimals >= NOT_FIXED { 0 } else { usize::from(decimals).min(6) };
    let all = format!("{micros:06}");
    let needed = all.trim_end_matches('0').len();
    if let Some(shown) = all.get(..needed.max(fixed)).filter(|shown| !shown.is_empty()) {
        text.push('.');
        text.push_str(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_nothing() {
        for (text, scale, expected) in [
            ("0.00", 2, Some(0)),
            ("-0.01", 2, Some(-1)),
            ("104949.50", 2, Some(10_494_950)),
            ("7", 2, Some(700)),
            ("0000000012.5", 1, Some(125)),
            ("1.500", 1, Some(15)),
            ("1.501", 1, None),
            (".5", 1, Some(5)),
            ("999999999999999999", 0, Some(999_999_999_999_999_999)),
            ("-9999999999999999999", 0, Some(-9_999_999_999_999_999_999)),
            (
                "99999999999999999999999999999999999999",
                0,
                Some(99_999_999_999_999_999_999_999_999_999_999_999_999),
            ),
            ("999999999999999999999999999999999999999999", 0, None),
            ("", 0, None),
            ("-", 0, None),
            ("1e5", 0, None),
            ("1.2.3", 1, None),
        ] {
            assert_eq!(decimal(text.as_bytes(), scale), expected, "{text}");
        }
    }

    #[test]
    fn digits_are_counted_without_the_sign() {
        assert!(has_digits(-999, 3) && !has_digits(1000, 3) && !has_digits(-1000, 3));
        assert!(has_digits(10_i128.pow(38) - 1, 38) && !has_digits(10_i128.pow(38), 38));
    }

    fn day(year: u16, month: u8, day: u8) -> Moment {
        Moment { year, month, day, ..Moment::default() }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (moment, days) in [
            (day(1970, 1, 1), Some(0)),
            (day(1969, 12, 31), Some(-1)),
            (day(2000, 2, 29), Some(11_016)),
            (day(1900, 2, 29), None),
            (day(9999, 12, 31), Some(2_932_896)),
            (day(1000, 1, 1), Some(-354_285)),
            (day(0, 1, 1), Some(-719_528)),
            (day(0, 0, 0), None),
            (day(2023, 0, 10), None),
            (day(2023, 10, 0), None),
            (day(2023, 4, 31), None),
            (day(2023, 13, 1), None),
        ] {
            assert_eq!(moment.days(), days, "{}", moment.date_text());
        }
    }

    #[test]
    fn times_are_printed_as_the_server_prints_them() {
        let long = Clock { negative: true, days: 34, hour: 22, minute: 59, second: 59, micros: 0 };
        assert_eq!(long.text(0), "-838:59:59");
        assert_eq!(long.text(6), "-838:59:59.000000");
        assert_eq!(long.of_day(), None);
        let half = Clock { hour: 1, micros: 500_000, ..Clock::default() };
        assert_eq!(half.text(1), "01:00:00.5");
        assert_eq!(half.text(3), "01:00:00.500");
        assert_eq!(half.text(NOT_FIXED), "01:00:00.5");
        assert_eq!(half.of_day(), Some(3_600_500_000));
        assert_eq!(day(0, 0, 0).text(0), "0000-00-00 00:00:00");
    }

    #[test]
    fn bits_are_read_from_the_highest_byte() {
        assert_eq!(bits(&[0x01, 0x02]).expect("two bytes"), 258);
        assert_eq!(bits(&[0xFF; 8]).expect("eight bytes"), u64::MAX);
        assert!(bits(&[0; 9]).is_err());
    }
}
