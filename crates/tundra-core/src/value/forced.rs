//! Values of types that the user asked for.
//!
//! Where [`super`] takes only what prints back the same, these take what a person would accept as
//! a value of the type: blanks around it, a plus sign, leading zeros, a date or an amount of money in
//! any form that can mean but one thing. What would change the value itself is still refused, except
//! that a number becomes the nearest `FLOAT` or `DOUBLE`.
//!
//! One value is all that is seen here. Where the others of its column would be needed to know what
//! it means, as in `03/04/2020` and `1,234`, it is refused; [`why_not`] says so.

use crate::{
    ColumnType, MAX_DECIMAL_PRECISION,
    value::{
        decimal::{self, Decimal},
        double,
        figure::{self, FigureFormat},
        moment, temporal,
    },
};

/// Reads the nearest double, or one of the words for what is no number.
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    plain_double(text).or_else(|| nearest(certain_figure(text.trim_ascii())?))
}

/// Reads the nearest double of a number without separators and symbols, or one of the words for
/// what is no number.
pub(crate) fn plain_double(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    double::parse_special(text).or_else(|| {
        let (is_negative, digits) = unsigned(text)?;
        let value = double::parse_nearest(digits)?;
        Some(if is_negative { -value } else { value })
    })
}

/// Returns the nearest float; what is beyond its range, or would be zero, is refused.
pub(crate) fn narrow(wide: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is what was asked for")]
    let value = wide as f32;
    let is_beyond = value.is_infinite() && wide.is_finite();
    let is_lost = value == 0.0 && wide != 0.0;
    (!is_beyond && !is_lost).then_some(value)
}

/// Returns a decimal as an integer.
pub(crate) fn whole<T: TryFrom<i128>>(value: Decimal) -> Option<T> {
    T::try_from(value.rescale(MAX_DECIMAL_PRECISION, 0)?).ok()
}

/// Returns the double nearest to a decimal.
pub(crate) fn nearest(value: Decimal) -> Option<f64> {
    double::parse_nearest(format!("{}e-{}", value.unscaled, value.scale).as_bytes())
}

/// Returns the double that keeps every digit of a decimal.
pub(crate) fn kept(value: Decimal) -> Option<f64> {
    double::parse_exact(format!("{}e-{}", value.unscaled, value.scale).as_bytes())
}

/// Reads a boolean in the spellings of databases and spreadsheets.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "yes", "y", "on", "1"]) {
        return Some(true);
    }
    is(&["false", "f", "no", "n", "off", "0"]).then_some(false)
}

/// Reads a day.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii();
    temporal::parse_date(text).or_else(|| {
        let written = moment::scan(text).filter(|written| !written.parts().0)?;
        written.days(written.day_first()?)
    })
}

/// Reads a timestamp without a zone in microseconds; a day is its midnight.
pub(crate) fn timestamp(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    temporal::parse_timestamp(text).or_else(|| {
        let written = moment::scan(text).filter(|written| !written.parts().1)?;
        written.local_micros(written.day_first()?)
    })
}

/// Reads a timestamp or a day in the form of ISO 8601.
pub(crate) fn plain_timestamp(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    temporal::parse_timestamp(text)
        .or_else(|| Some(i64::from(temporal::parse_date(text)?) * temporal::MICROS_PER_DAY))
}

/// Reads a timestamp without a zone in nanoseconds, where 64 bits hold it.
pub(crate) fn timestamp_ns(text: &[u8]) -> Option<i64> {
    nanoseconds(text.trim_ascii(), timestamp)
}

/// Reads a timestamp in nanoseconds, its microseconds by `micros`.
pub(crate) fn nanoseconds(text: &[u8], micros: impl Fn(&[u8]) -> Option<i64>) -> Option<i64> {
    // Microseconds first, then up to three digits that they have no room for.
    let point = text.iter().rposition(|&byte| byte == b'.');
    let rest = point
        .and_then(|at| text.get(at + 7..))
        .filter(|rest| (1..=3).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit));
    let (micros, nanos) = match rest {
        Some(rest) => {
            let digits = rest.iter().fold(0, |sum, byte| sum * 10 + i128::from(byte - b'0'));
            let places = u32::try_from(3 - rest.len()).ok()?;
            (micros(&text[..text.len() - rest.len()])?, digits * 10i128.pow(places))
        }
        None => (micros(text)?, 0),
    };
    // The first microsecond that 64 bits hold begins before the first nanosecond.
    i64::try_from(i128::from(micros) * 1000 + nanos).ok()
}

/// Reads an instant in microseconds; a timestamp without a zone is taken as UTC.
pub(crate) fn timestamptz(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    temporal::parse_timestamptz(text).or_else(|| {
        let written = moment::scan(text)?;
        written.instant_micros(written.day_first()?)
    })
}

/// Returns why the text is no value of the type, as a sentence fragment.
pub(crate) fn why_not(text: &[u8], kind: &ColumnType) -> String {
    let text = text.trim_ascii();
    match kind {
        ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampTz => {
            let formats = moment::scan(text).and_then(|written| written.moments().undecided());
            if let Some([day_first, month_first]) = formats {
                return format!(
                    "no {kind} as long as day and month cannot be told apart; give \
                     {kind}({day_first}) or {kind}({month_first})"
                );
            }
        }
        ColumnType::Varchar | ColumnType::Boolean | ColumnType::Json | ColumnType::Uuid => {}
        _ => {
            let formats = figure::scan(text).and_then(|written| written.figures().undecided());
            if let Some(formats) = formats {
                let formats: Vec<String> =
                    formats.iter().flatten().map(FigureFormat::typed).collect();
                return format!(
                    "no {kind} as long as it cannot be told what stands before its fraction; give \
                     a type such as {}",
                    formats.join(" or ")
                );
            }
        }
    }
    format!("no {kind}")
}

/// Reads a UUID in any of its forms and returns the canonical one.
pub(crate) fn uuid(text: &[u8]) -> Option<[u8; 36]> {
    let uuid = uuid::Uuid::try_parse_ascii(text.trim_ascii()).ok()?;
    let mut canonical = [0; 36];
    uuid.hyphenated().encode_lower(&mut canonical);
    Some(canonical)
}

/// Returns whether the text is one JSON value.
pub(crate) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Reads hexadecimal digits, with or without `0x` or `\x` before them.
pub(crate) fn blob(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let digits = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))
        .or_else(|| text.strip_prefix(b"\\x"))
        .unwrap_or(text);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

/// Reads a decimal in any form that can mean but one.
pub(crate) fn any_decimal(text: &[u8]) -> Option<Decimal> {
    plain_decimal(text).or_else(|| certain_figure(text.trim_ascii()))
}

/// Reads a decimal that may have a plus sign, leading zeros or blanks around it. A negative zero is
/// zero for whoever asks for an exact number.
pub(crate) fn plain_decimal(text: &[u8]) -> Option<Decimal> {
    let (is_negative, digits) = unsigned(text.trim_ascii())?;
    Some(signed(decimal::parse(digits)?, is_negative))
}

/// Reads a number with separators or a symbol, whose fraction stands behind a point.
fn certain_figure(text: &[u8]) -> Option<Decimal> {
    match unsigned(text) {
        Some((is_negative, digits)) => {
            Some(signed(figure::scan(digits)?.certain_value()?, is_negative))
        }
        None => figure::scan(text)?.certain_value(),
    }
}

fn signed(value: Decimal, is_negative: bool) -> Decimal {
    let unscaled = if is_negative { -value.unscaled } else { value.unscaled };
    Decimal { unscaled, ..value }
}

/// Takes away a sign and needless leading zeros, and returns whether it was a minus sign; `None` when
/// something else than a number stands behind the sign.
fn unsigned(text: &[u8]) -> Option<(bool, &[u8])> {
    let (is_negative, mut digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if !matches!(digits.first()?, b'0'..=b'9' | b'.') {
        return None;
    }
    while let [b'0', next, ..] = digits
        && next.is_ascii_digit()
    {
        digits = &digits[1..];
    }
    Some((is_negative, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer<T: TryFrom<i128>>(text: &[u8]) -> Option<T> {
        whole(any_decimal(text)?)
    }

    fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
        any_decimal(text)?.rescale(precision, scale)
    }

    fn float(text: &[u8]) -> Option<f32> {
        narrow(double(text)?)
    }

    #[test]
    fn takes_what_a_person_would() {
        assert_eq!(integer::<i64>(b" +007 "), Some(7));
        assert_eq!(integer::<i64>(b"-007"), Some(-7));
        assert_eq!(double(b"-007.50"), Some(-7.5));
        assert_eq!(integer::<i64>(b"7.00"), Some(7));
        assert_eq!(integer::<i64>(b"-0"), Some(0));
        assert_eq!(integer::<u8>(b"255"), Some(255));
        assert_eq!(decimal(b"1.5", 12, 2), Some(150));
        assert_eq!(double(b"00.5"), Some(0.5));
        assert_eq!(double(b"9007199254740993"), Some(9_007_199_254_740_992.0));
        assert_eq!(float(b"0.1"), Some(0.1));
        assert_eq!(boolean(b"Yes"), Some(true));
        assert_eq!(boolean(b"0"), Some(false));
        assert_eq!(timestamp(b"1970-01-02"), Some(86_400_000_000));
        assert_eq!(timestamp_ns(b"1970-01-01 00:00:00.123456789"), Some(123_456_789));
        assert_eq!(timestamp_ns(b"1970-01-01 00:00:00.1234567"), Some(123_456_700));
        // The first nanosecond that 64 bits hold, which is within a microsecond.
        assert_eq!(timestamp_ns(b"1677-09-21 00:12:43.145224192"), Some(i64::MIN));
        assert_eq!(timestamp_ns(b"1677-09-21 00:12:43.145224191"), None);
        assert_eq!(timestamp_ns(b"2262-04-11 23:47:16.854775807"), Some(i64::MAX));
        assert_eq!(timestamp_ns(b"13.1.1970 00:00:01"), Some((12 * 86_400 + 1) * 1_000_000_000));
        assert_eq!(timestamptz(b"1970-01-01 00:00:00"), Some(0));
        assert_eq!(blob(b"0xDEad"), Some(vec![0xde, 0xad]));
        assert!(is_json(b"{\"a\": [1, 2]}"));
        assert_eq!(
            uuid(b"{67E55044-10B1-426F-9247-BB680E5FE0C8}").as_ref().map(<[u8; 36]>::as_slice),
            Some(b"67e55044-10b1-426f-9247-bb680e5fe0c8".as_slice())
        );
    }

    #[test]
    fn takes_dates_and_amounts_that_can_mean_but_one_thing() {
        for text in ["2018/01/28", "28/01/2018", "1/28/2018", "28 Jan 2018", "Jan 28, 2018"] {
            assert_eq!(date(text.as_bytes()), Some(17_559), "{text}");
        }
        // The first of January, whichever of its numbers is the day.
        assert_eq!(date(b"01/01/1970"), Some(0));
        assert_eq!(timestamp(b"2.1.1970"), None);
        assert_eq!(timestamp(b"13.1.1970 00:01"), Some(12 * 86_400_000_000 + 60_000_000));
        assert_eq!(timestamp(b"13.1.1970 00:01 UTC"), None);
        assert_eq!(timestamptz(b"13.1.1970 01:00 +0100"), Some(12 * 86_400_000_000));
        assert_eq!(timestamp_ns(b"13.01.1970"), Some(12 * 86_400_000_000_000));
        assert_eq!(decimal(b"$1,234.5", 12, 2), Some(123_450));
        assert_eq!(decimal(b"(1,234.50)", 12, 2), Some(-123_450));
        assert_eq!(integer::<i64>(b"1 234"), Some(1234));
        assert_eq!(double(b"-$0.5"), Some(-0.5));
        assert_eq!(float(b"1,234,567.5"), Some(1_234_567.5));
    }

    #[test]
    fn refuses_what_could_mean_two_things_and_says_so() {
        let day: ColumnType = "DATE".parse().unwrap();
        let price: ColumnType = "DECIMAL(12,2)".parse().unwrap();
        assert_eq!(date(b"03/04/2020"), None);
        assert_eq!(
            why_not(b"03/04/2020", &day),
            "no DATE as long as day and month cannot be told apart; give DATE(%d/%m/%Y) or \
             DATE(%m/%d/%Y)"
        );
        // A comma before a fraction is read only where it is said to be one.
        for text in ["1,234", "$1.234", "1.234,50", "5,67"] {
            assert_eq!(decimal(text.as_bytes(), 12, 2), None, "{text}");
        }
        assert_eq!(
            why_not(b"1,234", &price),
            "no DECIMAL(12,2) as long as it cannot be told what stands before its fraction; give a \
             type such as DECIMAL(18,0,#,##0) or DECIMAL(18,3,0,000)"
        );
        assert_eq!(why_not(b"x", &price), "no DECIMAL(12,2)");
    }

    #[test]
    fn refuses_what_would_change_the_value() {
        assert_eq!(integer::<i64>(b"7.5"), None);
        assert_eq!(integer::<u8>(b"256"), None);
        assert_eq!(integer::<u8>(b"-1"), None);
        for text in ["+-5", "-+5", "--5", "++5", "+", "-", "+$-5"] {
            assert_eq!(integer::<i64>(text.as_bytes()), None, "{text}");
            assert_eq!(double(text.as_bytes()), None, "{text}");
        }
        // What would become zero.
        assert_eq!(float(b"1e-60"), None);
        assert_eq!(double(b"1e-400"), None);
        assert_eq!(double(b"0e-400"), Some(0.0));
        assert_eq!(integer::<i64>(b""), None);
        assert_eq!(decimal(b"1.555", 12, 2), None);
        assert_eq!(decimal(b"12345", 4, 0), None);
        assert_eq!(float(b"1e39"), None);
        assert_eq!(double(b"1e999"), None);
        assert_eq!(boolean(b"2"), None);
        assert_eq!(timestamp_ns(b"1970-01-01 00:00:00.1234567891"), None);
        assert_eq!(blob(b"abc"), None);
        assert_eq!(uuid(b"x"), None);
        assert!(!is_json(b"{"));
    }
}
