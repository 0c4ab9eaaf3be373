//! What is still possible for the values of a column.

use crate::value::{figure::Figures, moment::Moments, words::Words};

/// A set of types that are still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u16);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const BOOLEAN: Self = Self(1);
    pub(super) const I64: Self = Self(1 << 1);
    pub(super) const U64: Self = Self(1 << 2);
    pub(super) const DECIMAL: Self = Self(1 << 3);
    pub(super) const DOUBLE: Self = Self(1 << 4);
    pub(super) const DATE: Self = Self(1 << 5);
    pub(super) const TIME: Self = Self(1 << 6);
    pub(super) const TIMESTAMP: Self = Self(1 << 7);
    pub(super) const TIMESTAMPTZ: Self = Self(1 << 8);
    /// Words for yes and no other than `true` and `false`.
    pub(super) const WORD: Self = Self(1 << 9);
    /// Numbers with separators or symbols, and those that could stand beside them.
    pub(super) const FIGURE: Self = Self(1 << 10);
    /// Dates in other forms than that of ISO 8601, and those that could stand beside them.
    pub(super) const MOMENT: Self = Self(1 << 11);
    pub(super) const ALL: Self = Self((1 << 12) - 1);
    /// All that numbers are without separators and symbols.
    pub(super) const NUMBERS: Self =
        Self(Self::I64.0 | Self::U64.0 | Self::DECIMAL.0 | Self::DOUBLE.0);

    /// Those of which there are several formats.
    const FORMATTED: Self = Self(Self::WORD.0 | Self::FIGURE.0 | Self::MOMENT.0);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What is still possible, and what is known of the formats of what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) kinds: Kinds,
    pub(super) figures: Figures,
    pub(super) moments: Moments,
    pub(super) words: Words,
}

impl State {
    /// Everything is possible.
    pub(super) const UNKNOWN: Self = Self {
        kinds: Kinds::ALL,
        figures: Figures::UNKNOWN,
        moments: Moments::UNKNOWN,
        words: Words::UNKNOWN,
    };

    /// Returns a state of which nothing but the types is known.
    pub(super) fn of(kinds: Kinds) -> Self {
        Self { kinds, ..Self::UNKNOWN }
    }

    /// Returns the state with what else was seen, or `None` when that says nothing new.
    pub(super) fn narrowed_by(&self, seen: &Self) -> Option<Self> {
        let kinds = self.kinds.and(seen.kinds);
        if kinds == self.kinds && !kinds.has(Kinds::FORMATTED) {
            return None;
        }
        let mut state = Self { kinds, ..*self };
        if state.kinds.has(Kinds::FIGURE) {
            state.join_figures(seen.figures);
        } else {
            state.figures = Figures::UNKNOWN;
        }
        if state.kinds.has(Kinds::MOMENT) {
            state.join_moments(seen.moments);
        } else {
            state.moments = Moments::UNKNOWN;
        }
        if state.kinds.has(Kinds::WORD) {
            state.join_words(seen.words);
        } else {
            state.words = Words::UNKNOWN;
        }
        (state != *self).then_some(state)
    }

    fn join_figures(&mut self, seen: Figures) {
        match self.figures.join(seen) {
            Some(figures) => self.figures = figures,
            None => {
                self.kinds = self.kinds.without(Kinds::FIGURE);
                self.figures = Figures::UNKNOWN;
            }
        }
    }

    fn join_moments(&mut self, seen: Moments) {
        match self.moments.join(seen) {
            // What is written in the form of ISO 8601 needs no other.
            Some(moments) if !moments.is_iso() => self.moments = moments,
            _ => {
                self.kinds = self.kinds.without(Kinds::MOMENT);
                self.moments = Moments::UNKNOWN;
            }
        }
    }

    fn join_words(&mut self, seen: Words) {
        match self.words.join(seen) {
            Some(words) => self.words = words,
            None => {
                self.kinds = self.kinds.without(Kinds::WORD);
                self.words = Words::UNKNOWN;
            }
        }
    }
}
