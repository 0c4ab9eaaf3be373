//! The form in which the benchmark compares names and records: values that mean the same are equal.
//!
//! The benchmark leaves dates and money to large libraries that guess. Here it is what these make of
//! plain dates, times and amounts; what only they would take for a date stays text. Two cells that
//! are equal are equal in either form, so this matters only where a cell came out wrong.

use std::borrow::Cow;

/// Returns the form in which a cell is compared.
#[must_use]
pub fn normal(cell: &str) -> Cow<'_, str> {
    let trimmed = cell.trim();
    if trimmed.is_empty() {
        return Cow::Borrowed(cell);
    }
    truth(cell)
        .map(Cow::Borrowed)
        .or_else(|| integer(trimmed).map(Cow::Owned))
        .or_else(|| float(trimmed).map(Cow::Owned))
        .or_else(|| time(trimmed).map(Cow::Owned))
        .or_else(|| date(trimmed).map(Cow::Owned))
        .or_else(|| money(trimmed).map(Cow::Owned))
        .unwrap_or_else(|| lower(cell))
}

fn lower(cell: &str) -> Cow<'_, str> {
    match cell.chars().any(char::is_uppercase) {
        true => Cow::Owned(cell.to_lowercase()),
        false => Cow::Borrowed(cell),
    }
}

fn truth(cell: &str) -> Option<&'static str> {
    match cell {
        "True" | "true" | "1" => Some("1"),
        "False" | "false" | "0" => Some("0"),
        _ => None,
    }
}

/// Without plus signs, leading zeros and a minus before zero. What is 0 or 1 in another spelling is a
/// word to the benchmark.
fn integer(cell: &str) -> Option<String> {
    let (sign, digits) = match cell.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", cell.strip_prefix('+').unwrap_or(cell)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match (sign, digits.trim_start_matches('0')) {
        (_, "") => "False".to_owned(),
        ("", "1") => "True".to_owned(),
        (sign, digits) => format!("{sign}{digits}"),
    })
}

fn float(cell: &str) -> Option<String> {
    cell.parse::<f64>().ok().map(|number| format!("{number:?}"))
}

/// `7:05`, `07:05:00`, with a fraction of a second.
fn time(cell: &str) -> Option<String> {
    let mut parts = cell.split(':');
    let hour = number(parts.next()?, 2, 23)?;
    let minute = number(parts.next()?, 2, 59)?;
    let second = parts.next().unwrap_or("00");
    let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let whole = number(whole, 2, 59)?;
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    Some(format!("{hour:02}:{minute:02}:{whole:02}.{fraction}"))
}

/// A date of three numbers, with the time of day behind it: the year first, else the month first, else
/// the day first.
fn date(cell: &str) -> Option<String> {
    let (day, clock) = match cell.split_once([' ', 'T']) {
        Some((day, clock)) => (day, time(clock)?),
        None => (cell, "00:00:00.".to_owned()),
    };
    let separator = day.chars().find(|char| matches!(char, '-' | '/' | '.'))?;
    let parts: Vec<&str> = day.split(separator).collect();
    let &[first, second, third] = parts.as_slice() else { return None };
    let month_and_day = |month: &str, day: &str| -> Option<(u32, u32)> {
        Some((number(month, 2, 12)?, number(day, 2, 31)?))
    };
    let (year, (month, day)) = match (number(first, 4, 9999), number(third, 4, 9999)) {
        (Some(year), _) if first.len() == 4 => (year, month_and_day(second, third)?),
        (_, Some(year)) if third.len() == 4 => {
            (year, month_and_day(first, second).or_else(|| month_and_day(second, first))?)
        }
        _ => return None,
    };
    Some(format!("{year:04}-{month:02}-{day:02} {clock}"))
}

/// A currency sign and the first number, whatever else there is.
fn money(cell: &str) -> Option<String> {
    let sign = cell.chars().find(|char| matches!(char, '$' | '€' | '£' | '¥'))?;
    let start = cell.find(|char: char| char.is_ascii_digit())?;
    let rest = &cell[start..];
    let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
    let amount: f64 = rest[..end].trim_end_matches('.').parse().ok()?;
    Some(format!("{sign}{amount:?}"))
}

/// Reads a number of at most so many digits, and at most so large.
fn number(text: &str, digits: usize, most: u32) -> Option<u32> {
    if text.is_empty() || text.len() > digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cells: &[&str], expected: &str) {
        for cell in cells {
            assert_eq!(normal(cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn values_that_mean_the_same_are_equal() {
        check(&["True", "true", "1"], "1");
        check(&["False", "false", "0"], "0");
        check(&["42", " 42", "+42", "0042"], "42");
        check(&["-42", "-042"], "-42");
        check(&["123456789012345678901234567890"], "123456789012345678901234567890");
        check(&["48.0", "48.00", "4.8e1"], "48.0");
        check(&["7:05", "07:05", "07:05:00", "07:05:00.000"], "07:05:00.");
        check(&["2018-01-28", "28/01/2018", "01/28/2018", "28.1.2018"], "2018-01-28 00:00:00.");
        check(&["2018-01-28T07:05", "28/01/2018 7:05:00"], "2018-01-28 07:05:00.");
        check(&["03/02/2018", "2018-03-02"], "2018-03-02 00:00:00.");
        check(&["$74.60", "$74.6", "74.6$"], "$74.6");
    }

    #[test]
    fn other_text_loses_its_capitals_alone() {
        check(&["MG-8769", "mg-8769"], "mg-8769");
        check(&["28/01/201800:00"], "28/01/201800:00");
        check(&["32/01/2018"], "32/01/2018");
        check(&[" Äpfel "], " äpfel ");
        check(&[""], "");
        check(&["  "], "  ");
        check(&["00"], "False");
        check(&["$"], "$");
    }
}
