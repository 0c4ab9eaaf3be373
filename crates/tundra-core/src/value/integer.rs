//! Integers that print back as they were written: no plus sign, no leading zero, no `-0`.

/// Digits that fit into 64 bits whatever they are.
const SAFE_DIGITS: usize = 18;

/// Reads a canonical signed integer of 64 bits.
#[inline]
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > SAFE_DIGITS {
        let value = i64::try_from(parse_i128(text)?).ok()?;
        return Some(value);
    }
    let value = canonical_digits(digits)?.cast_signed();
    if negative {
        // `-0` would come back as `0`.
        return (value != 0).then_some(-value);
    }
    Some(value)
}

/// Reads a canonical unsigned integer of 64 bits.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.len() <= SAFE_DIGITS {
        return canonical_digits(text);
    }
    u64::try_from(parse_i128(text)?).ok()
}

/// Reads a canonical integer of up to 38 digits.
pub(crate) fn parse_i128(text: &[u8]) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 38 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut value: i128 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i128::from(digit);
    }
    if negative {
        return (value != 0).then_some(-value);
    }
    Some(value)
}

/// Reads up to [`SAFE_DIGITS`] digits without a leading zero.
#[inline]
fn canonical_digits(digits: &[u8]) -> Option<u64> {
    let &first = digits.first()?;
    if first == b'0' {
        return (digits.len() == 1).then_some(0);
    }
    let mut value: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prints_back() {
        for value in [0, 1, -1, 42, i64::MAX, i64::MIN, i64::MAX - 1, 1_000_000_000_000_000_000] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
        for value in [0, 9, u64::MAX, 10_000_000_000_000_000_000] {
            assert_eq!(parse_u64(value.to_string().as_bytes()), Some(value));
        }
    }

    #[test]
    fn refuses_what_would_not() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "00",
            "-0",
            "-01",
            "1.0",
            "1 ",
            " 1",
            "1e3",
            "0x1",
            "9223372036854775808",
            "-9223372036854775809",
            "١",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
        for text in ["-1", "18446744073709551616", "01"] {
            assert_eq!(parse_u64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_i128(&[b'9'; 39]), None);
        assert_eq!(parse_i128(&[b'9'; 38]), Some(10i128.pow(38) - 1));
    }
}
