//! The blanks that stand between the parts of a value.

/// A blank, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Nothing at all.
    Nothing,
    /// An ordinary blank.
    Blank,
    /// U+00A0, at which no line is broken.
    NoBreak,
    /// U+202F, which is narrower.
    Narrow,
}

impl Gap {
    /// The blanks, without their absence.
    const BLANKS: [Self; 3] = [Self::Blank, Self::NoBreak, Self::Narrow];

    /// Returns it as it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Blank => " ",
            Self::NoBreak => "\u{a0}",
            Self::Narrow => "\u{202f}",
        }
    }

    /// Takes the blank at the beginning of a text away.
    pub(crate) fn strip_start(text: &[u8]) -> (Self, &[u8]) {
        for gap in Self::BLANKS {
            if let Some(rest) = text.strip_prefix(gap.as_str().as_bytes()) {
                return (gap, rest);
            }
        }
        (Self::Nothing, text)
    }

    /// Takes the blank at the end of a text away.
    pub(crate) fn strip_end(text: &[u8]) -> (&[u8], Self) {
        for gap in Self::BLANKS {
            if let Some(rest) = text.strip_suffix(gap.as_str().as_bytes()) {
                return (rest, gap);
            }
        }
        (text, Self::Nothing)
    }
}
