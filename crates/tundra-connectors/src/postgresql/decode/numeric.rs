//! The binary form of `numeric`: groups of four decimal digits.

use std::fmt;

/// A `numeric` as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numeric<'a> {
    /// The groups, two bytes each.
    digits: &'a [u8],
    /// How many groups are before the point, less one.
    weight: i16,
    sign: Sign,
    /// The digits behind the point that the server prints.
    scale: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Positive,
    Negative,
    NotANumber,
    Infinite,
    NegativeInfinite,
}

/// The powers of ten that an `i128` holds.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < 39 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Returns the number times ten to the power of `scale`, of what nearly all numbers are: up to four groups,
/// which 64 bits hold. `None` is of any other, and of what is none.
///
/// The fields are not put into a [`Numeric`] on the way: what is written in pieces and read again as a whole
/// stops the processor for longer than all the rest takes.
#[inline]
pub(super) fn short(bytes: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (head, digits) = bytes.split_first_chunk::<8>()?;
    let head = u64::from_be_bytes(*head);
    let (count, weight) = (usize::from((head >> 48) as u16), (head >> 32) as u16);
    let sign = (head >> 16) as u16;
    if count > 4 || digits.len() != count * 2 || sign & !0x4000 != 0 {
        return None;
    }
    let groups = digits.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
    let number = groups.fold(0_u64, |number, group| number * 10_000 + u64::from(group));
    // The power of ten of the last group.
    let power = 4 * (i32::from(weight.cast_signed()) + 1 - count as i32) + i32::from(scale);
    let magnitude = match power {
        0..=18 => i128::from(number) * POWERS[power.unsigned_abs() as usize],
        _ if number == 0 => 0,
        // Divisors that are known here are no divisions.
        -1 if number.is_multiple_of(10) => i128::from(number / 10),
        -2 if number.is_multiple_of(100) => i128::from(number / 100),
        -3 if number.is_multiple_of(1000) => i128::from(number / 1000),
        _ => return None,
    };
    if magnitude >= *POWERS.get(usize::from(precision))? {
        return None;
    }
    Some(if sign == 0 { magnitude } else { -magnitude })
}

impl<'a> Numeric<'a> {
    /// Reads the head and looks whether the groups are there.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ([c0, c1, w0, w1, s0, s1, d0, d1], digits) = bytes.split_first_chunk::<8>()?;
        let sign = match u16::from_be_bytes([*s0, *s1]) {
            0x0000 => Sign::Positive,
            0x4000 => Sign::Negative,
            0xc000 => Sign::NotANumber,
            0xd000 => Sign::Infinite,
            0xf000 => Sign::NegativeInfinite,
            _ => return None,
        };
        if digits.len() != usize::from(u16::from_be_bytes([*c0, *c1])) * 2 {
            return None;
        }
        let weight = i16::from_be_bytes([*w0, *w1]);
        Some(Self { digits, weight, sign, scale: u16::from_be_bytes([*d0, *d1]) })
    }

    /// Returns the number times ten to the power of `scale`, or `None` when it is no number, has more
    /// digits than that behind the point or more than `precision` in all.
    pub(super) fn to_decimal(self, precision: u8, scale: u8) -> Option<i128> {
        let magnitude = self.magnitude(scale)?;
        if magnitude >= *POWERS.get(usize::from(precision))? {
            return None;
        }
        match self.sign {
            Sign::Positive => Some(magnitude),
            Sign::Negative => Some(-magnitude),
            Sign::NotANumber | Sign::Infinite | Sign::NegativeInfinite => None,
        }
    }

    fn magnitude(self, scale: u8) -> Option<i128> {
        let mut sum = 0_i128;
        for (at, group) in (0_i32..).zip(self.groups()) {
            if group == 0 {
                continue;
            }
            let power = 4 * (i32::from(self.weight) - at) + i32::from(scale);
            let part = match power {
                0.. => {
                    let factor = POWERS.get(usize::try_from(power).ok()?)?;
                    i128::from(group).checked_mul(*factor)?
                }
                -3..0 => {
                    let divisor = 10_u16.pow(power.unsigned_abs());
                    group.is_multiple_of(divisor).then(|| i128::from(group / divisor))?
                }
                _ => return None,
            };
            sum = sum.checked_add(part)?;
        }
        Some(sum)
    }

    #[inline]
    fn groups(self) -> impl Iterator<Item = u16> + 'a {
        self.digits.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}

/// The number as the server prints it.
impl fmt::Display for Numeric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign {
            Sign::Positive => {}
            Sign::Negative => f.write_str("-")?,
            Sign::NotANumber => return f.write_str("NaN"),
            Sign::Infinite => return f.write_str("Infinity"),
            Sign::NegativeInfinite => return f.write_str("-Infinity"),
        }
        let group =
            |at: i32| usize::try_from(at).ok().and_then(|at| self.groups().nth(at)).unwrap_or(0);
        let weight = i32::from(self.weight);
        if weight < 0 {
            f.write_str("0")?;
        } else {
            write!(f, "{}", group(0))?;
            for at in 1..=weight {
                write!(f, "{:04}", group(at))?;
            }
        }
        let mut left = usize::from(self.scale);
        if left > 0 {
            f.write_str(".")?;
        }
        let mut at = weight + 1;
        while left > 0 {
            let digits = format!("{:04}", group(at));
            let shown = left.min(4);
            f.write_str(&digits[..shown])?;
            left -= shown;
            at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let count = u16::try_from(groups.len()).expect("a short list");
        let head = [count, weight.cast_unsigned(), sign, scale];
        head.iter().chain(groups).flat_map(|it| it.to_be_bytes()).collect()
    }

    /// What `numeric_send` makes of the number `value / 10^scale`.
    fn sent(value: i128, scale: u16) -> Vec<u8> {
        let padding = (4 - scale % 4) % 4;
        let text = format!("{}{}", value.unsigned_abs(), "0".repeat(usize::from(padding)));
        let text = format!("{text:0>width$}", width = text.len().div_ceil(4) * 4);
        let mut groups: Vec<u16> = text
            .as_bytes()
            .chunks(4)
            .map(|it| std::str::from_utf8(it).unwrap().parse().unwrap())
            .collect();
        let behind = i16::try_from((scale + padding) / 4).unwrap();
        let mut weight = i16::try_from(groups.len()).unwrap() - behind - 1;
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        while groups.last() == Some(&0) {
            groups.pop();
        }
        if groups.is_empty() {
            weight = 0;
        }
        bytes(&groups, weight, if value < 0 { 0x4000 } else { 0 }, scale)
    }

    #[test]
    fn numbers_as_the_server_sends_them() {
        for (bytes, text, precision, scale, value) in [
            (bytes(&[1234, 5600], 0, 0, 2), "1234.56", 15, 2, Some(123_456)),
            (bytes(&[1, 2345], 1, 0x4000, 0), "-12345", 15, 2, Some(-1_234_500)),
            (bytes(&[], 0, 0, 2), "0.00", 15, 2, Some(0)),
            (bytes(&[500], -1, 0, 2), "0.05", 15, 2, Some(5)),
            (bytes(&[5], -2, 0, 8), "0.00000005", 15, 8, Some(5)),
            (
                bytes(&[1], 9, 0, 0),
                "1000000000000000000000000000000000000",
                38,
                1,
                Some(POWERS[37]),
            ),
            (bytes(&[1], 9, 0, 0), "1000000000000000000000000000000000000", 38, 2, None),
            (bytes(&[1234, 5678], 0, 0, 4), "1234.5678", 15, 2, None),
            (bytes(&[1000], 0, 0, 0), "1000", 3, 0, None),
            (bytes(&[], 0, 0xc000, 0), "NaN", 15, 2, None),
            (bytes(&[], 0, 0xd000, 0), "Infinity", 15, 2, None),
            (bytes(&[], 0, 0xf000, 0), "-Infinity", 15, 2, None),
        ] {
            let number = Numeric::parse(&bytes).expect(text);
            assert_eq!(number.to_string(), text);
            assert_eq!(number.to_decimal(precision, scale), value, "{text}");
            let quick = short(&bytes, precision, scale);
            assert!(quick.is_none() || quick == value, "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_or_has_an_unknown_sign_is_no_number() {
        let whole = bytes(&[1234, 5600], 0, 0, 2);
        for end in 0..whole.len() {
            assert_eq!(Numeric::parse(&whole[..end]), None);
        }
        assert_eq!(Numeric::parse(&bytes(&[], 0, 0x8000, 0)), None);
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back(
            value in -(POWERS[38] - 1)..POWERS[38],
            shift in 0_usize..38,
            scale in 0_u8..=38,
        ) {
            let value = value / POWERS[shift];
            let bytes = sent(value, u16::from(scale));
            let number = Numeric::parse(&bytes).unwrap();
            prop_assert_eq!(number.to_decimal(38, scale), Some(value));
            let quick = short(&bytes, 38, scale);
            prop_assert!(quick.is_none() || quick == Some(value));
            if value.unsigned_abs() < 10_u128.pow(12) && scale < 3 {
                prop_assert_eq!(quick, Some(value));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let number = Numeric::parse(&bytes).and_then(|number| number.to_decimal(38, 10));
            let quick = short(&bytes, 38, 10);
            prop_assert!(quick.is_none() || quick == number);
        }
    }
}
