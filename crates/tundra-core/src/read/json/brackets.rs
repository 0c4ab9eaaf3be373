//! Brackets that are open: one bit for each, in a fixed space.

/// The deepest nesting that is accepted. Serializers in wide use stop at 64 to 1,000 levels; what
/// is deeper is a file of brackets, not data.
pub(super) const MAX_DEPTH: usize = 512;

/// The kind of an open bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `{`
    Object,
    /// `[`
    Array,
}

/// The brackets that are open, the innermost last.
#[derive(Debug, Clone)]
pub(super) struct Brackets {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl Brackets {
    /// Nothing is open.
    pub(super) fn new() -> Self {
        Self { bits: [0; MAX_DEPTH / 64], depth: 0 }
    }

    /// Returns how many are open.
    #[inline]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Opens one; `false` when that is too deep.
    #[inline]
    pub(super) fn open(&mut self, bracket: Bracket) -> bool {
        if self.depth == MAX_DEPTH {
            return false;
        }
        let bit = 1 << (self.depth % 64);
        let word = &mut self.bits[self.depth / 64];
        *word = match bracket {
            Bracket::Object => *word | bit,
            Bracket::Array => *word & !bit,
        };
        self.depth += 1;
        true
    }

    /// Returns the innermost one.
    #[inline]
    pub(super) fn innermost(&self) -> Option<Bracket> {
        let at = self.depth.checked_sub(1)?;
        let object = self.bits[at / 64] & (1 << (at % 64)) != 0;
        Some(if object { Bracket::Object } else { Bracket::Array })
    }

    /// Closes the innermost one.
    #[inline]
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_each_kind_across_words() {
        let kind =
            |level: usize| if level.is_multiple_of(3) { Bracket::Object } else { Bracket::Array };
        let mut brackets = Brackets::new();
        for level in 0..MAX_DEPTH {
            assert!(brackets.open(kind(level)));
        }
        assert!(!brackets.open(Bracket::Object), "one more is too deep");
        for level in (0..MAX_DEPTH).rev() {
            assert_eq!(brackets.innermost(), Some(kind(level)));
            brackets.close();
        }
        assert_eq!(brackets.innermost(), None);
        assert_eq!(brackets.depth(), 0);
    }
}
