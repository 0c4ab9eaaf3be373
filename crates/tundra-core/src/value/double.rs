//! Doubles whose decimal value survives the trip from text and back.
//!
//! A double holds every decimal of up to 15 significant digits in the sense that the shortest text
//! that reads back as the same double has the same digits (IEEE 754 binary64: `DBL_DIG`). Beyond
//! that the shortest text is made and compared.

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads a decimal number, with or without an exponent, as the double that prints back as the same
/// decimal value. No plus sign, no needless leading zero; `NaN` and infinities are no numbers here.
#[inline]
pub(crate) fn parse_exact(text: &[u8]) -> Option<f64> {
    match parse_short(text) {
        Short::Value(value) => Some(value),
        Short::Malformed => None,
        Short::Long => parse_long(text),
    }
}

/// Reads a number as the nearest double, whether or not its digits survive; same grammar as
/// [`parse_exact`]. What would become zero and is none, or infinite, is refused. For columns whose
/// type was forced.
pub(crate) fn parse_nearest(text: &[u8]) -> Option<f64> {
    match parse_short(text) {
        Short::Value(value) => Some(value),
        Short::Malformed => None,
        Short::Long => {
            let Scanned { mantissa_end, .. } = scan(text)?;
            let is_zero = !text[..mantissa_end].iter().any(|byte| matches!(byte, b'1'..=b'9'));
            let value: f64 = fast_float2::parse(text).ok()?;
            (value.is_finite() && (value != 0.0 || is_zero)).then_some(value)
        }
    }
}

/// Reads the words for what is no number: `NaN`, `inf`, `Infinity`, with a sign and in any case.
pub(crate) fn parse_special(text: &[u8]) -> Option<f64> {
    let (negative, word) = match text {
        [b'-', word @ ..] => (true, word),
        word => (false, word),
    };
    if word.eq_ignore_ascii_case(b"nan") {
        return (!negative).then_some(f64::NAN);
    }
    if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        return Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    None
}

enum Short {
    Value(f64),
    Long,
    Malformed,
}

/// Reads what has no exponent and at most 15 digits, which is nearly everything.
#[inline]
fn parse_short(text: &[u8]) -> Short {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // 15 digits and a point.
    if digits.len() > 16 {
        return Short::Long;
    }
    let mut mantissa: u64 = 0;
    let mut point = usize::MAX;
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if byte == b'.' && point == usize::MAX {
            point = at;
        } else if byte == b'e' || byte == b'E' {
            return Short::Long;
        } else {
            return Short::Malformed;
        }
    }
    let (whole, scale) = match point {
        usize::MAX => (digits.len(), 0),
        at => (at, digits.len() - at - 1),
    };
    if whole + scale == 0 || (whole > 1 && digits[0] == b'0') {
        return Short::Malformed;
    }
    if whole + scale > 15 {
        return Short::Long;
    }
    // Both sides are exact, so the quotient is the nearest double (Clinger 1990).
    #[expect(clippy::cast_precision_loss, reason = "15 digits are below 2^53")]
    let value = mantissa as f64 / EXACT_POWERS[scale];
    Short::Value(if negative { -value } else { value })
}

/// Where the digits of a number stand.
struct Scanned {
    /// The exponent behind `e`, 0 without one.
    exponent: i32,
    /// The offset of the mantissa's end.
    mantissa_end: usize,
}

/// Checks the grammar of a number.
fn scan(text: &[u8]) -> Option<Scanned> {
    let start = usize::from(text.first() == Some(&b'-'));
    let mantissa_end =
        text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let mantissa = text.get(start..mantissa_end)?;
    let mut parts = mantissa.splitn(2, |&byte| byte == b'.');
    let whole = parts.next()?;
    let fraction = parts.next().unwrap_or(b"");
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let exponent = if mantissa_end < text.len() {
        let digits = &text[mantissa_end + 1..];
        let unsigned = digits.strip_prefix(b"+").or(digits.strip_prefix(b"-")).unwrap_or(digits);
        if unsigned.is_empty() || unsigned.len() > 5 || !unsigned.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()?
    } else {
        0
    };
    Some(Scanned { exponent, mantissa_end })
}

/// Reads the nearest double and compares its shortest text with what was written.
fn parse_long(text: &[u8]) -> Option<f64> {
    let written = scan(text)?;
    let value: f64 = fast_float2::parse(text).ok()?;
    if !value.is_finite() {
        return None;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value).as_bytes();
    let printed = scan(shortest)?;
    let same = normalized(&text[..written.mantissa_end], written.exponent)
        .eq(normalized(&shortest[..printed.mantissa_end], printed.exponent));
    same.then_some(value)
}

/// Yields the significant digits of a mantissa and, last, its decimal exponent: the same sequence
/// for every way to write one value.
fn normalized(mantissa: &[u8], exponent: i32) -> impl Iterator<Item = i32> {
    let mantissa = mantissa.strip_prefix(b"-").unwrap_or(mantissa);
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let digits = |byte: &u8| *byte != b'.';
    let first = mantissa.iter().position(|byte| digits(byte) && *byte != b'0');
    let last = mantissa.iter().rposition(|byte| digits(byte) && *byte != b'0');
    let (range, scale) = match (first, last) {
        (Some(first), Some(last)) => {
            // The power of ten of the first significant digit.
            let whole = point.unwrap_or(mantissa.len());
            let position = if first < whole {
                i32::try_from(whole - first).unwrap_or(i32::MAX)
            } else {
                -i32::try_from(first - whole - 1).unwrap_or(i32::MAX)
            };
            (&mantissa[first..=last], exponent.saturating_add(position))
        }
        _ => (&mantissa[..0], 0),
    };
    range
        .iter()
        .filter(|&&byte| byte != b'.')
        .map(|&byte| i32::from(byte - b'0'))
        .chain(std::iter::once(scale.saturating_add(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_survives() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("17.00", 17.0),
            ("0.30000000000000004", 0.300_000_000_000_000_04),
            ("123456789012345.6", 123_456_789_012_345.6),
            ("1e5", 1e5),
            ("1.7976931348623157e308", f64::MAX),
            ("5e-324", 5e-324),
            ("9007199254740993.0e0", f64::NAN),
            ("100000000000000000000", 1e20),
            ("0.000000000000000000000000000001", 1e-30),
            ("1.0000000000000000000000000", 1.0),
        ] {
            let read = parse_exact(text.as_bytes());
            if value.is_nan() {
                assert_eq!(read, None, "{text}");
            } else {
                assert_eq!(read.map(f64::to_bits), Some(value.to_bits()), "{text}");
            }
        }
    }

    #[test]
    fn refuses_what_would_be_rounded() {
        for text in [
            "9007199254740993",
            "3.141592653589793238",
            "0.1000000000000000055",
            "1e309",
            "1e-400",
            "12345678901234567890",
            "2e-324",
            // The double between 574237743020561.2 and this, which prints as the former.
            "574237743020561.3",
        ] {
            assert_eq!(parse_exact(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "",
            "-",
            ".",
            "+1",
            "01",
            "00.5",
            "1.2.3",
            "1e",
            "e5",
            "1e+",
            "nan",
            "inf",
            "0x10",
            "1_000",
            "1 ",
            "--1",
            "1-",
            "1e5.5",
            "1e99999999",
        ] {
            assert_eq!(parse_exact(text.as_bytes()), None, "{text}");
            assert_eq!(parse_nearest(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_double_survives_its_own_shortest_text(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                // Where two decimals are equally short and equally near, the even one is the text.
                let read = parse_exact(zmij::Buffer::new().format_finite(value).as_bytes());
                proptest::prop_assert_eq!(read.map(f64::to_bits), Some(bits));
            }
        }

        #[test]
        fn what_is_read_prints_the_same_decimal(whole in 0u64..10_000_000_000, digits in "[0-9]{0,18}") {
            let text = format!("{whole}.{digits}");
            if let Some(value) = parse_exact(text.as_bytes()) {
                let exact = crate::value::decimal::parse(text.as_bytes());
                let printed = crate::value::decimal::parse(format!("{value}").as_bytes());
                if let (Some(exact), Some(printed)) = (exact, printed) {
                    let scale = exact.scale.max(printed.scale);
                    proptest::prop_assert_eq!(exact.rescale(38, scale), printed.rescale(38, scale));
                }
            }
        }
    }
}
