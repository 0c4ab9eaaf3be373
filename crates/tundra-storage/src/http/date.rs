//! The few forms in which the web writes a moment.
//!
//! Each function returns `None` for what is not exactly its form: a server's date is a courtesy,
//! and nothing fails without it.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the date of an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<SystemTime> {
    let (_, text) = text.split_once(", ")?;
    let mut words = text.split(' ');
    let day = number(words.next()?)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year = number(words.next()?)?;
    let time = words.next()?;
    (words.next() == Some("GMT") && words.next().is_none()).then_some(())?;
    moment(year, month, day, clock(time)?)
}

/// Reads the date of a signature of Amazon or Google, such as `20261121T100215Z`.
pub(super) fn signature_date(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 || !text.is_ascii() {
        return None;
    }
    let seconds = seconds_of_day(number(&time[..2])?, number(&time[2..4])?, number(&time[4..])?)?;
    moment(number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?, seconds)
}

/// Reads the date of a signature of Azure, such as `2026-11-21T10:02:15Z` or `2026-11-21`.
pub(super) fn iso_date(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Fractions of a second and missing seconds are allowed.
    let time = time.split('.').next()?;
    let seconds = match time.len() {
        5 => clock(&format!("{time}:00"))?,
        _ => clock(time)?,
    };
    moment(year, month, day, seconds)
}

/// Returns the seconds of the day of a time such as `08:49:37`.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(number);
    let seconds = seconds_of_day(parts.next()??, parts.next()??, parts.next()??)?;
    parts.next().is_none().then_some(seconds)
}

fn seconds_of_day(hours: u64, minutes: u64, seconds: u64) -> Option<u64> {
    // A leap second is the next one here.
    (hours < 24 && minutes < 60 && seconds <= 60).then(|| hours * 3600 + minutes * 60 + seconds)
}

fn moment(year: u64, month: u64, day: u64, seconds: u64) -> Option<SystemTime> {
    let valid = (1970..=9999).contains(&year) && (1..=12).contains(&month);
    if !valid || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    /// Days from the first of March of the year 0 to the first of January of 1970.
    const EPOCH: u64 = 719_468;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs((days - EPOCH) * 86_400 + seconds))
}

fn number(text: &str) -> Option<u64> {
    // `parse` would take a sign.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(time: Option<SystemTime>) -> Option<u64> {
        time.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn the_forms_of_one_moment_agree() {
        assert_eq!(seconds(http_date("Sun, 06 Nov 1994 08:49:37 GMT")), Some(784_111_777));
        assert_eq!(seconds(signature_date("19941106T084937Z")), Some(784_111_777));
        assert_eq!(seconds(iso_date("1994-11-06T08:49:37Z")), Some(784_111_777));
        assert_eq!(seconds(iso_date("1994-11-06T08:49:37.5Z")), Some(784_111_777));
        assert_eq!(seconds(iso_date("1994-11-06T08:49Z")), Some(784_111_740));
        assert_eq!(seconds(iso_date("1970-01-01")), Some(0));
        assert_eq!(seconds(http_date("Thu, 29 Feb 2024 00:00:00 GMT")), Some(1_709_164_800));
        assert_eq!(seconds(iso_date("2000-03-01T00:00:00Z")), Some(951_868_800));
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "now",
            "120",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, -6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1000 08:49:37 GMT",
            "19941106T084937",
            "199411060T84937Z",
            "1994\u{e4}106T084937Z",
            "1994-13-06",
            "1994-11",
        ] {
            assert_eq!(http_date(text), None, "{text}");
            assert_eq!(signature_date(text), None, "{text}");
            assert_eq!(iso_date(text), None, "{text}");
        }
    }
}
