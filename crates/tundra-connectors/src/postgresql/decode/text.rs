//! One value from its text into a builder, for servers whose binary forms differ or are not known.

use crate::{
    batch::Builder,
    calendar,
    postgresql::{
        decode::{
            Unfit,
            value::{DAYS_TO_2000, MALFORMED, MICROS_PER_DAY, MISMATCH, TOO_LARGE, date, utf8},
        },
        types::Kind,
    },
};

/// Appends a value that is not null.
pub(super) fn append(kind: &Kind, builder: &mut Builder, bytes: &[u8]) -> Result<(), Unfit> {
    if let (Kind::Text | Kind::Json, Builder::Text(values)) = (kind, &mut *builder) {
        return values.push_bytes(bytes).map_err(|_| TOO_LARGE);
    }
    let text = utf8(bytes)?;
    match (kind, builder) {
        (Kind::Decimal { precision, scale }, Builder::Decimal(values)) => {
            match decimal(text, *precision, *scale) {
                Some(value) => values.append_value(value),
                None => {
                    return Err(Unfit::Lossy {
                        value: text.to_owned(),
                        reason: "the column's decimal type does not hold",
                    });
                }
            }
        }
        (Kind::Date, Builder::Date(values)) => values.append_value(match text {
            "infinity" => date(i32::MAX)?,
            "-infinity" => date(i32::MIN)?,
            _ => date(days(text).and_then(|it| it.checked_sub(DAYS_TO_2000)).ok_or(MALFORMED)?)?,
        }),
        (Kind::Time, Builder::Time(values)) => match micros(text).ok_or(MALFORMED)? {
            micros @ 0..MICROS_PER_DAY => values.append_value(micros),
            _ => {
                return Err(Unfit::Lossy { value: text.to_owned(), reason: "no time of a day is" });
            }
        },
        (Kind::Bytes, Builder::Bytes(values)) => {
            values.push(&hex(text).ok_or(MALFORMED)?).map_err(|_| TOO_LARGE)?;
        }
        _ => return Err(MISMATCH),
    }
    Ok(())
}

/// Returns the number times ten to the power of `scale`.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (scale, fraction) = (usize::from(scale), fraction.as_bytes());
    let (kept, lost) = fraction.split_at(scale.min(fraction.len()));
    let zeros = std::iter::repeat_n(b'0', scale - kept.len());
    let mut value = 0_i128;
    for digit in whole.bytes().chain(kept.iter().copied()).chain(zeros) {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    let fits = value < 10_i128.checked_pow(u32::from(precision))?;
    let exact = lost.iter().all(|digit| *digit == b'0');
    (fits && exact).then_some(if negative { -value } else { value })
}

/// Returns the days since 1970 of `2020-02-29` or `0044-03-15 BC`.
fn days(text: &str) -> Option<i32> {
    let (text, before) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut parts = text.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if before { 1 - year } else { year };
    i32::try_from(calendar::days(year, month, day)).ok()
}

/// Returns the microseconds since midnight of `12:34:56.789`.
fn micros(text: &str) -> Option<i64> {
    let (time, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = time.split(':').map(number);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes > 59 || seconds > 59 || fraction.len() > 6 {
        return None;
    }
    let fraction = number(&format!("{fraction:0<6}"))?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction)
}

fn number(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() < 10 && text.bytes().all(|it| it.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_every_digit_or_are_refused() {
        for (text, precision, scale, value) in [
            ("1234.50", 15, 2, Some(123_450)),
            ("-0.05", 15, 2, Some(-5)),
            ("7", 15, 2, Some(700)),
            (".5", 15, 2, Some(50)),
            ("1.500", 15, 2, Some(150)),
            ("1.505", 15, 2, None),
            ("1000", 3, 0, None),
            ("99999999999999999999999999999999999999", 38, 0, Some(10_i128.pow(38) - 1)),
            ("1e5", 15, 2, None),
            ("NaN", 15, 2, None),
            ("", 15, 2, None),
            (".", 15, 2, None),
            ("1.5.5", 15, 2, None),
        ] {
            assert_eq!(decimal(text, precision, scale), value, "{text}");
        }
    }

    #[test]
    fn days_and_times_are_counted_as_the_binary_form_has_them() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-01-01", Some(DAYS_TO_2000)),
            ("2000-02-29", Some(DAYS_TO_2000 + 59)),
            ("0001-12-31 BC", Some(-719_163)),
            ("5874897-12-31", Some(2_145_042_905)),
            ("2000-13-01", None),
            ("2000-01", None),
            ("today", None),
        ] {
            assert_eq!(days(text), expected, "{text}");
        }
        assert_eq!(micros("23:59:59.5"), Some(86_399_500_000));
        assert_eq!(micros("24:00:00"), Some(MICROS_PER_DAY));
        assert_eq!(micros("1:2"), None);
        assert_eq!(hex("00fF"), Some(vec![0, 255]));
        assert_eq!(hex("0"), None);
        assert_eq!(hex("0x"), None);
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back(value in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0_u8..=38) {
            let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let sign = if value < 0 { "-" } else { "" };
            prop_assert_eq!(decimal(&format!("{sign}{whole}.{fraction}"), 38, scale), Some(value));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,24}") {
            let _ = (decimal(&text, 38, 10), days(&text), micros(&text), hex(&text));
        }
    }
}
