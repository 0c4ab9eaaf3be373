//! Days as texts write them.

use crate::calendar::{self, days_of_month};

/// Returns the days since 1970 of a text such as `2024-02-29`; `None` for any other text, also where it
/// only differs in how it is written, so that a day is printed as the text that it was.
#[inline]
pub(super) fn days(text: &[u8]) -> Option<i32> {
    /// What is left of a sign of zero to nine without these bits is the number.
    const ZEROS: u64 = u64::from_be_bytes(*b"0000-00-");
    /// Added to a byte of more than nine, it sets the highest bit.
    const ABOVE_NINE: u64 = 0x7676_7676_7676_7676;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    const LINES: u64 = 0x0000_0000_ff00_00ff;

    if text.len() != 10 {
        return None;
    }
    // Eight signs at once: the year and the month with their lines.
    let front = u64::from_be_bytes(*text.first_chunk()?) ^ ZEROS;
    if (front | front.wrapping_add(ABOVE_NINE)) & HIGHEST != 0 || front & LINES != 0 {
        return None;
    }
    let sign = |at: u32| (front >> (8 * (7 - at)) & 0xf) as i64;
    let (tens, ones) = (text[8].wrapping_sub(b'0'), text[9].wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return None;
    }
    let year = sign(0) * 1000 + sign(1) * 100 + sign(2) * 10 + sign(3);
    let month = sign(5) * 10 + sign(6);
    let day = i64::from(tens) * 10 + i64::from(ones);
    if year == 0 || day == 0 || day > days_of_month(year, month) {
        return None;
    }
    i32::try_from(calendar::days(year, month, day)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2024-03-01", Some(19_783)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2023-02-29", None),
            ("1900-02-29", None),
            ("2024-00-10", None),
            ("2024-13-10", None),
            ("2024-01-00", None),
            ("2024-04-31", None),
            ("0000-01-01", None),
            ("2024-1-01", None),
            ("2024-01-01 ", None),
            ("2024/01/01", None),
            ("20x4-01-01", None),
            ("20:4-01-01", None),
            ("2024-0/-01", None),
            ("2024-01-0:", None),
            ("2024-01-\u{e4}", None),
            ("\u{e4}\u{e4}-01-01", None),
            ("202\u{10}-01-01", None),
            ("+024-01-01", None),
            ("", None),
        ] {
            assert_eq!(days(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = days(b"0001-01-01").expect("the first day") - 1;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(at) = days(format!("{year:04}-{month:02}-{day:02}").as_bytes()) {
                        assert_eq!(at, last + 1, "{year}-{month}-{day}");
                        last = at;
                    }
                }
            }
        }
        assert_eq!(days(b"9999-12-31"), Some(last));
    }
}
