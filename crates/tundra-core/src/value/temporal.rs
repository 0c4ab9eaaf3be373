//! Days, times and timestamps in the forms of ISO 8601 that lose nothing at microseconds.

/// Microseconds of a second.
pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Reads `yyyy-mm-dd` as days since 1970-01-01.
#[inline]
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    days(year, two(m1, m2)?, two(d1, d2)?)
}

/// The first and the last microsecond of the years 1 to 9999.
const FIRST_MICROS: i64 = -719_162 * MICROS_PER_DAY;
const LAST_MICROS: i64 = 2_932_897 * MICROS_PER_DAY - 1;

/// Returns an instant if it is in the years 1 to 9999, which are those that everything else can
/// print.
pub(crate) fn in_range(micros: i64) -> Option<i64> {
    (FIRST_MICROS..=LAST_MICROS).contains(&micros).then_some(micros)
}

/// Reads `hh:mm:ss` with up to six digits of a fraction, and zeros behind them, as microseconds since midnight.
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    let &[h1, h2, b':', m1, m2, b':', s1, s2, ref fraction @ ..] = text else { return None };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] => fraction_micros(digits)?,
        _ => return None,
    };
    let seconds = i64::from((hour * 60 + minute) * 60 + second);
    Some(seconds * MICROS_PER_SECOND + micros)
}

/// Reads a date and a time, with a blank or a `T` between them and no zone, as microseconds since
/// 1970-01-01T00:00:00. The seconds may be missing.
pub(crate) fn parse_timestamp(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [b' ' | b'T', time @ ..] = rest else { return None };
    let micros = parse_clock(time)?;
    Some(i64::from(parse_date(date)?) * MICROS_PER_DAY + micros)
}

/// Reads a date, a time and a zone (`Z` or an offset) as microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn parse_timestamptz(text: &[u8]) -> Option<i64> {
    let (local, offset_minutes) = split_zone(text)?;
    let local = parse_timestamp(local)?;
    in_range(local - i64::from(offset_minutes) * 60 * MICROS_PER_SECOND)
}

/// Reads a time of day whose seconds may be missing.
fn parse_clock(text: &[u8]) -> Option<i64> {
    if let &[h1, h2, b':', m1, m2] = text {
        return parse_time(&[h1, h2, b':', m1, m2, b':', b'0', b'0']);
    }
    parse_time(text)
}

/// Splits a zone off, and a blank before it: `Z`, `+hh`, `+hhmm` or `+hh:mm`, and returns its minutes east of UTC.
fn split_zone(text: &[u8]) -> Option<(&[u8], i32)> {
    if let [local @ .., b'Z' | b'z'] = text {
        return Some((local.strip_suffix(b" ").unwrap_or(local), 0));
    }
    // Behind the date every sign begins an offset.
    let at = text.iter().skip(10).position(|byte| matches!(byte, b'+' | b'-'))? + 10;
    let (local, zone) = text.split_at(at);
    let (hours, minutes) = match *zone {
        [_, h1, h2] => (two(h1, h2)?, 0),
        [_, h1, h2, m1, m2] | [_, h1, h2, b':', m1, m2] => (two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    let local = local.strip_suffix(b" ").unwrap_or(local);
    let offset = hours * 60 + minutes;
    Some((local, if zone[0] == b'-' { -offset } else { offset }))
}

/// Reads the digits of a fraction of a second: one to six, and any number of zeros behind them, as
/// databases with a finer clock print them.
pub(crate) fn fraction_micros(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.iter().skip(6).any(|&digit| digit != b'0') {
        return None;
    }
    let mut micros: i64 = 0;
    for place in 0..6 {
        let digit = match digits.get(place) {
            Some(byte) if byte.is_ascii_digit() => i64::from(byte - b'0'),
            Some(_) => return None,
            None => 0,
        };
        micros = micros * 10 + digit;
    }
    Some(micros)
}

/// Reads two digits.
#[inline]
fn two(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i32::from(tens) * 10 + i32::from(ones))
}

/// Returns the days from 1970-01-01 to a day of the proleptic Gregorian calendar, when there is
/// such a day. Years are 1 to 9999.
///
/// The formula is Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
pub(crate) fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    const LENGTHS: [i32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = if month == 2 && !leap { 28 } else { LENGTHS[usize::try_from(month - 1).ok()?] };
    if day > length {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted / 400;
    let year_of_era = shifted - era * 400;
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("1900-02-29", None),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("0000-01-01", None),
            ("2023-13-01", None),
            ("2023-00-10", None),
            ("2023-04-31", None),
            ("2023-4-01", None),
            ("2023/04/01", None),
            ("20230401", None),
            ("2023-04-01 ", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn days_count_up_by_one() {
        let mut expected = days(1, 1, 1).unwrap();
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(found) = days(year, month, day) {
                        assert_eq!(found, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn reads_times_and_timestamps() {
        assert_eq!(parse_time(b"23:59:59.999999"), Some(MICROS_PER_DAY - 1));
        assert_eq!(parse_time(b"00:00:00.5"), Some(500_000));
        assert_eq!(parse_time(b"00:00:00.1230000"), Some(123_000));
        for text in ["24:00:00", "12:60:00", "12:00:60", "12:00", "1:00:00", "12:00:00.1234567"] {
            assert_eq!(parse_time(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_timestamp(b"1970-01-02T00:00"), Some(MICROS_PER_DAY));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:01.000001"), Some(1_000_001));
        for text in ["1970-01-01", "1970-01-01T", "1970-01-01 00:00Z", "1970-01-01  00:00"] {
            assert_eq!(parse_timestamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn reads_instants_with_any_offset() {
        for text in [
            "1970-01-01T01:00:00Z",
            "1970-01-01T03:00:00+02:00",
            "1970-01-01 03:00:00 +0200",
            "1969-12-31T23:30-01:30",
            "1970-01-01T03:00:00+02",
            "1970-01-01 01:00:00 Z",
            "1970-01-01 01:00:00.0000000Z",
        ] {
            assert_eq!(parse_timestamptz(text.as_bytes()), Some(3_600_000_000), "{text}");
        }
        // Years that no calendar here has, once the offset is taken away.
        assert_eq!(parse_timestamptz(b"0001-01-01T00:00:00+02:00"), None);
        assert_eq!(parse_timestamptz(b"9999-12-31T23:00:00-02:00"), None);
        assert_eq!(parse_timestamptz(b"0001-01-01T02:00:00+02:00"), Some(FIRST_MICROS));
        assert_eq!(parse_timestamptz(b"9999-12-31T23:59:59.999999Z"), Some(LAST_MICROS));
        for text in ["1970-01-01T01:00:00", "1970-01-01Z", "1970-01-01T01:00:00+2", "", "Z", "+01"]
        {
            assert_eq!(parse_timestamptz(text.as_bytes()), None, "{text}");
        }
    }
}
