//! The days of the calendar, counted.
//!
//! Start at [`days`]. The calendar is the Gregorian one, for all years, as databases have it; the years
//! before 1 are 0, -1 and so on. The sums are those of Howard Hinnant's `days_from_civil` and
//! `civil_from_days`. Nothing here reads or prints a date.

/// The days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// The days of 400 years.
const ERA: i64 = 146_097;

/// Returns the days from 1970-01-01 to a day. `month` is from 1 to 12, and `day` is one that the month has:
/// others give the number of another day.
#[inline]
pub(crate) const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day that is not always there is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + year * 365 + year / 4 - year / 100 + day - EPOCH
}

/// Returns year, month and day of so many days since 1970-01-01.
#[cfg(any(feature = "postgresql", test))]
pub(crate) const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let day = day - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Returns how many days a month has; one that there is not has none.
#[cfg(any(feature = "mysql", feature = "sqlite", test))]
#[inline]
pub(crate) const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = days(-401, 1, 1);
        for year in -401..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days(year, month, day), expected);
                    assert_eq!(date(expected), (year, month, day));
                    expected += 1;
                }
            }
        }
        assert_eq!((days(1970, 1, 1), days(2000, 1, 1)), (0, 10_957));
        assert_eq!(days(5_874_897, 12, 31), 2_145_042_905);
    }
}
