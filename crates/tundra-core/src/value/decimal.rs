//! Exact decimals of up to 38 digits, without exponents.

use crate::MAX_DECIMAL_PRECISION;

/// A decimal as it is written: `unscaled * 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// All digits as one integer.
    pub(crate) unscaled: i128,
    /// Digits that it needs in all; at least 1 and at least `scale`.
    pub(crate) precision: u8,
    /// Digits behind the point.
    pub(crate) scale: u8,
}

impl Decimal {
    /// Returns the unscaled value at another scale, when no digit is lost and it fits the
    /// precision.
    pub(crate) fn rescale(self, precision: u8, scale: u8) -> Option<i128> {
        let unscaled = if scale >= self.scale {
            self.unscaled.checked_mul(power_of_ten(scale - self.scale))?
        } else {
            let divisor = power_of_ten(self.scale - scale);
            if self.unscaled % divisor != 0 {
                return None;
            }
            self.unscaled / divisor
        };
        (unscaled.unsigned_abs() < power_of_ten(precision).unsigned_abs()).then_some(unscaled)
    }
}

/// Returns `10^exponent` for an exponent of at most 38.
fn power_of_ten(exponent: u8) -> i128 {
    10i128.pow(u32::from(exponent))
}

/// Reads a decimal: an optional minus sign, digits, and optionally a point and digits. No plus
/// sign, no needless leading zero, no exponent, no negative zero; one side of the point may be
/// empty.
pub(crate) fn parse(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let point = memchr::memchr(b'.', digits);
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[digits.len()..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let whole = if whole == b"0" { &whole[1..] } else { whole };
    let length = whole.len() + fraction.len();
    if length > usize::from(MAX_DECIMAL_PRECISION) {
        return None;
    }
    let mut unscaled: i128 = 0;
    for &byte in whole.iter().chain(fraction) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        unscaled = unscaled * 10 + i128::from(digit);
    }
    if negative {
        if unscaled == 0 {
            return None;
        }
        unscaled = -unscaled;
    }
    let precision = u8::try_from(length.max(1)).ok()?;
    Some(Decimal { unscaled, precision, scale: u8::try_from(fraction.len()).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(i128, u8, u8)>) {
        let expected =
            expected.map(|(unscaled, precision, scale)| Decimal { unscaled, precision, scale });
        assert_eq!(parse(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn reads_digits_and_scale() {
        check("0", Some((0, 1, 0)));
        check("12.50", Some((1250, 4, 2)));
        check("-0.05", Some((-5, 2, 2)));
        check(".5", Some((5, 1, 1)));
        check("5.", Some((5, 1, 0)));
        check(&"9".repeat(38), Some((10i128.pow(38) - 1, 38, 0)));
        check("0.00", Some((0, 2, 2)));
    }

    #[test]
    fn refuses_what_would_be_lost() {
        for text in ["", ".", "-", "-.", "+1", "01.5", "00.5", "-0", "-0.0", "1e3", "1.2.3", "1,5"]
        {
            check(text, None);
        }
        check(&"9".repeat(39), None);
        check(&format!("0.{}", "1".repeat(39)), None);
    }

    #[test]
    fn rescales_without_rounding() {
        let value = parse(b"12.50").unwrap();
        assert_eq!(value.rescale(10, 3), Some(12_500));
        assert_eq!(value.rescale(10, 1), Some(125));
        assert_eq!(value.rescale(10, 0), None);
        assert_eq!(value.rescale(3, 2), None);
        assert_eq!(parse(&[b'9'; 38]).unwrap().rescale(38, 1), None);
    }
}
