//! Values that say nothing new, told without reading them as numbers.
//!
//! What a plain decimal says depends on how many digits stand before and behind its point, and no
//! more: all its types hold 15 digits. A shape that was looked at once need not be looked at again,
//! because narrowing what is possible twice by the same is narrowing it once.

/// The digits that a double holds whatever they are.
const DIGITS: usize = 15;

/// The shapes of plain decimals that were looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shapes {
    /// By the digits behind the point; a bit for each number of digits before it.
    seen: [u16; DIGITS + 1],
}

/// How many digits stand before the point and behind it; a lone zero before it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    whole: usize,
    scale: usize,
}

impl Shape {
    /// Returns the shape of digits, a point and digits, if that is what the text is, without a needless
    /// zero before it and with no more digits than are held by every type of numbers.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        if text.len() > DIGITS + 1 {
            return None;
        }
        let mut point = None;
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {}
                b'.' if point.is_none() => point = Some(at),
                _ => return None,
            }
        }
        let whole = point?;
        let scale = text.len() - whole - 1;
        match (text[0], whole) {
            _ if whole == 0 || scale == 0 => None,
            (b'0', 1) => Some(Self { whole: 0, scale }),
            (b'0', _) => None,
            _ => Some(Self { whole, scale }),
        }
    }
}

impl Shapes {
    pub(super) fn has(&self, shape: Shape) -> bool {
        self.seen[shape.scale] & (1 << shape.whole) != 0
    }

    pub(super) fn add(&mut self, shape: Shape) {
        self.seen[shape.scale] |= 1 << shape.whole;
    }
}

/// What is remembered to save time is no evidence.
impl PartialEq for Shapes {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Shapes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_have_a_shape() {
        let shape = |text: &str| Shape::of(text.as_bytes()).map(|it| (it.whole, it.scale));
        assert_eq!(shape("12.50"), Some((2, 2)));
        assert_eq!(shape("0.05"), Some((0, 2)));
        assert_eq!(shape("7.0"), Some((1, 1)));
        assert_eq!(shape("123456789012.345"), Some((12, 3)));
        for text in [
            "",
            ".",
            "1",
            "1.",
            ".5",
            "-1.5",
            "01.5",
            "00.5",
            "1.2.3",
            "1e5",
            "1,5",
            "1.5 ",
            "+1.5",
            "1234567890123.456",
            "1.5e3",
        ] {
            assert_eq!(shape(text), None, "{text:?}");
        }
    }
}
