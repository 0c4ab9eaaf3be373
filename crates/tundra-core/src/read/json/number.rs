//! The numbers that are nearly all numbers: short ones, read in one go.
//!
//! Both functions read at an offset of a padded text and return the value and the offset behind
//! it. What they do not read, which may be a long number or no number at all, is left to
//! [`super::token::number`] and [`crate::value`].

/// Powers of ten that a double holds exactly, as many as are needed here.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Digits that fit into 64 bits whatever they are.
const INTEGER_DIGITS: usize = 18;

/// Digits of which every decimal survives being a double (IEEE 754 binary64: `DBL_DIG`).
const DOUBLE_DIGITS: usize = 15;

/// Reads an integer of at most 18 digits.
#[inline]
pub(super) fn integer(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let negative = bytes[at] == b'-';
    let start = at + usize::from(negative);
    let (value, end) = digits(bytes, start, 0);
    let needless_zero = bytes[start] == b'0' && end > start + 1;
    if end == start || end - start > INTEGER_DIGITS || needless_zero || continues(bytes[end]) {
        return None;
    }
    let value = value.cast_signed();
    if negative {
        // A negative zero is no integer.
        return (value != 0).then_some((-value, end));
    }
    Some((value, end))
}

/// Reads a number of at most 15 digits without an exponent. The result is the nearest double, and
/// its shortest text has the same digits.
#[inline]
pub(super) fn double(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let negative = bytes[at] == b'-';
    let start = at + usize::from(negative);
    let (mut mantissa, mut end) = digits(bytes, start, 0);
    let whole = end - start;
    if whole == 0 || (bytes[start] == b'0' && whole > 1) {
        return None;
    }
    let mut scale = 0;
    if bytes[end] == b'.' {
        let point = end;
        (mantissa, end) = digits(bytes, point + 1, mantissa);
        scale = end - point - 1;
        if scale == 0 {
            return None;
        }
    }
    if whole + scale > DOUBLE_DIGITS || matches!(bytes[end], b'e' | b'E') {
        return None;
    }
    // Both sides are exact, so the quotient is the nearest double (Clinger 1990).
    #[expect(clippy::cast_precision_loss, reason = "15 digits are below 2^53")]
    let value = mantissa as f64 / POWERS[scale];
    Some((if negative { -value } else { value }, end))
}

/// Appends digits to a number. What does not fit wraps around, so count them.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    loop {
        let digit = bytes[at].wrapping_sub(b'0');
        if digit > 9 {
            return (value, at);
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
}

#[inline(always)]
fn continues(byte: u8) -> bool {
    matches!(byte, b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        read::json::token::{self, PADDING},
        value,
    };

    const TEXTS: &[&str] = &[
        "0",
        "-0",
        "1",
        "-1",
        "12",
        "999999999999999999",
        "-999999999999999999",
        "1000000000000000000",
        "9223372036854775807",
        "01",
        "-01",
        "00",
        "1.5",
        "-1.5",
        "0.1",
        "17.00",
        "1.",
        "1.e3",
        ".5",
        "1e3",
        "1E3",
        "0.30000000000000004",
        "123456789012345",
        "1234567890123456",
        "0.00000000000001",
        "0.000000000000001",
        "-",
        "",
        "x",
        "1.2.3",
        "--1",
        "99999999999999999999999999999",
        "-0.0",
    ];

    #[test]
    fn agrees_with_the_general_readers() {
        for text in TEXTS {
            for behind in ["", ",", "}", " ", "]"] {
                let bytes = [text.as_bytes(), behind.as_bytes(), &[0; PADDING]].concat();
                let grammatical = token::number(&bytes, 0).is_ok_and(|end| end.end == text.len());
                if let Some((value, end)) = integer(&bytes, 0) {
                    assert!(grammatical && end == text.len(), "{text}");
                    assert_eq!(value::integer::parse_i64(text.as_bytes()), Some(value), "{text}");
                }
                if let Some((value, end)) = double(&bytes, 0) {
                    // `1.2.3` is read up to its second point, where the caller stops.
                    assert!(end <= text.len());
                    let read = value::double::parse_exact(&text.as_bytes()[..end]);
                    assert_eq!(read.map(f64::to_bits), Some(value.to_bits()), "{text}");
                    assert!(token::number(&bytes, 0).is_ok_and(|number| number.end == end));
                }
            }
        }
        let bytes = [b"21168.23,".as_slice(), &[0; PADDING]].concat();
        assert_eq!(double(&bytes, 0), Some((21_168.23, 8)));
        let bytes = [b"-42 ".as_slice(), &[0; PADDING]].concat();
        assert_eq!(integer(&bytes, 0), Some((-42, 3)));
    }
}
