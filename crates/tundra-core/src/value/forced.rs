//! Values of types that the user asked for.
//!
//! Where [`super`] takes only what prints back the same, these take what a person would accept as
//! a value of the type: blanks around it, a plus sign, leading zeros. What would change the value
//! itself is still refused, except that a number becomes the nearest `FLOAT` or `DOUBLE`.

use crate::value::{decimal, double, temporal};

/// Reads an integer.
pub(crate) fn integer<T: TryFrom<i128>>(text: &[u8]) -> Option<T> {
    let value = plain_decimal(text)?;
    T::try_from(value.rescale(crate::MAX_DECIMAL_PRECISION, 0)?).ok()
}

/// Reads a decimal with the precision and scale, without rounding.
pub(crate) fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    plain_decimal(text)?.rescale(precision, scale)
}

/// Reads the nearest double, or one of the words for what is no number.
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    double::parse_special(text).or_else(|| double::parse_nearest(without_padding(text)))
}

/// Reads the nearest float; what is beyond its range is refused.
pub(crate) fn float(text: &[u8]) -> Option<f32> {
    let wide = double(text)?;
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is what was asked for")]
    let value = wide as f32;
    (value.is_finite() || !wide.is_finite()).then_some(value)
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
    temporal::parse_date(text.trim_ascii())
}

/// Reads a time of day in microseconds.
pub(crate) fn time(text: &[u8]) -> Option<i64> {
    temporal::parse_time(text.trim_ascii())
}

/// Reads a timestamp without a zone in microseconds; a day is its midnight.
pub(crate) fn timestamp(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    temporal::parse_timestamp(text).or_else(|| {
        temporal::parse_date(text).map(|days| i64::from(days) * temporal::MICROS_PER_DAY)
    })
}

/// Reads a timestamp without a zone in nanoseconds, where 64 bits hold it.
pub(crate) fn timestamp_ns(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    // Microseconds first, then up to three digits that they have no room for.
    let point = text.iter().position(|&byte| byte == b'.');
    let (micros, nanos) = match point {
        Some(at) if text.len() > at + 7 => {
            let rest = &text[at + 7..];
            if rest.len() > 3 || !rest.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let digits = rest.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
            let places = u32::try_from(3 - rest.len()).ok()?;
            (timestamp(&text[..at + 7])?, digits * 10i64.pow(places))
        }
        _ => (timestamp(text)?, 0),
    };
    micros.checked_mul(1000)?.checked_add(nanos)
}

/// Reads an instant in microseconds; a timestamp without a zone is taken as UTC.
pub(crate) fn timestamptz(text: &[u8]) -> Option<i64> {
    temporal::parse_timestamptz(text.trim_ascii()).or_else(|| timestamp(text))
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

/// Reads a decimal that may have a plus sign, leading zeros or blanks around it.
fn plain_decimal(text: &[u8]) -> Option<decimal::Decimal> {
    let text = without_padding(text.trim_ascii());
    match text {
        // A negative zero is zero for whoever asks for an exact number.
        [b'-', rest @ ..] if rest.iter().all(|byte| matches!(byte, b'0' | b'.')) => {
            decimal::parse(rest)
        }
        text => decimal::parse(text),
    }
}

/// Takes away a plus sign and needless leading zeros; of a negative number they stay, which is
/// refused later only when there is no way to read it.
fn without_padding(text: &[u8]) -> &[u8] {
    let mut text = text.strip_prefix(b"+").unwrap_or(text);
    while let [b'0', next, ..] = text
        && next.is_ascii_digit()
    {
        text = &text[1..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_person_would() {
        assert_eq!(integer::<i64>(b" +007 "), Some(7));
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
        assert_eq!(timestamptz(b"1970-01-01 00:00:00"), Some(0));
        assert_eq!(blob(b"0xDEad"), Some(vec![0xde, 0xad]));
        assert!(is_json(b"{\"a\": [1, 2]}"));
        assert_eq!(
            uuid(b"{67E55044-10B1-426F-9247-BB680E5FE0C8}").as_ref().map(<[u8; 36]>::as_slice),
            Some(b"67e55044-10b1-426f-9247-bb680e5fe0c8".as_slice())
        );
    }

    #[test]
    fn refuses_what_would_change_the_value() {
        assert_eq!(integer::<i64>(b"7.5"), None);
        assert_eq!(integer::<u8>(b"256"), None);
        assert_eq!(integer::<u8>(b"-1"), None);
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
