//! What one value says.

use super::kinds::{Kinds, State};
use crate::value::{
    decimal, double,
    figure::{self, Figures},
    integer, moment, parse_boolean, temporal,
    words::Words,
};

/// What is known of plain numbers, whatever else is possible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The most digits before and behind a decimal point.
    pub(super) whole_digits: u8,
    pub(super) scale: u8,
    /// A number with a point or an exponent was seen.
    pub(super) fractions: bool,
    /// A number was seen that has a point, or a sign before its exponent.
    pub(super) pointed: bool,
    /// A number was seen with an exponent and neither: `5e10`, which could as well be a code.
    pub(super) bare_exponents: bool,
    /// A number was seen that is not one of the words for no number.
    pub(super) numbers: bool,
    /// The most digits of integers of 64 bits, without and with a minus sign.
    pub(super) integer_digits: [u8; 2],
}

impl Facts {
    /// Takes into account what is known of other values.
    pub(super) fn join(&mut self, other: Self) {
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.scale = self.scale.max(other.scale);
        self.fractions |= other.fractions;
        self.pointed |= other.pointed;
        self.bare_exponents |= other.bare_exponents;
        self.numbers |= other.numbers;
        for (digits, other) in self.integer_digits.iter_mut().zip(other.integer_digits) {
            *digits = other.max(*digits);
        }
    }
}

/// Returns the types that the value survives, looking only at those of `possible`.
pub(super) fn classify(text: &[u8], possible: Kinds) -> (State, Facts) {
    let mut facts = Facts::default();
    let state = match text.first() {
        Some(b'0'..=b'9' | b'-' | b'.') => classify_digits(text, possible, &mut facts),
        Some(_) => classify_word(text, possible, &mut facts),
        None => State::of(Kinds::NONE),
    };
    (state, facts)
}

/// Classifies what begins like a number, a date or a time.
fn classify_digits(text: &[u8], possible: Kinds, facts: &mut Facts) -> State {
    if possible.has(Kinds::NUMBERS)
        && let Some(state) = classify_number(text, possible, facts)
    {
        return state;
    }
    let mut state = State::of(Kinds::NONE);
    if temporal::parse_date(text).is_some() {
        state.kinds = Kinds::DATE;
    } else if temporal::parse_timestamp(text).is_some() {
        state.kinds = Kinds::TIMESTAMP;
    } else if temporal::parse_timestamptz(text).is_some() {
        state.kinds = Kinds::TIMESTAMPTZ;
    } else if temporal::parse_time(text).is_some() {
        state.kinds = Kinds::TIME;
    }
    dress(state, text, possible)
}

/// Adds the types of what is written in other ways than the usual ones.
fn dress(mut state: State, text: &[u8], possible: Kinds) -> State {
    if possible.has(Kinds::FIGURE)
        && let Some(written) = figure::scan(text)
    {
        state.kinds = state.kinds.or(Kinds::FIGURE);
        state.figures = written.figures();
    }
    if possible.has(Kinds::MOMENT)
        && let Some(written) = moment::scan(text)
    {
        state.kinds = state.kinds.or(Kinds::MOMENT);
        state.moments = written.moments();
    }
    state
}

fn classify_number(text: &[u8], possible: Kinds, facts: &mut Facts) -> Option<State> {
    let is_negative = text[0] == b'-';
    if possible.has(Kinds::I64)
        && let Some(value) = integer::parse_i64(text)
    {
        #[expect(clippy::cast_possible_truncation, reason = "an i64 has at most 19 digits")]
        let digits = (text.len() - usize::from(is_negative)) as u8;
        facts.numbers = true;
        facts.whole_digits = digits;
        facts.integer_digits[usize::from(is_negative)] = digits;
        let signed = if value < 0 { Kinds::U64 } else { Kinds::NONE };
        let is_rounded = digits > 15 && double::parse_exact(text).is_none();
        let rounded = if is_rounded { Kinds::DOUBLE } else { Kinds::NONE };
        let kinds = Kinds::NUMBERS.without(signed).without(rounded);
        return Some(with_figures(kinds, digits, 0, is_negative, text));
    }
    let mut kinds = Kinds::NONE;
    let mut plain = None;
    if possible.has(Kinds::U64) && integer::parse_u64(text).is_some() {
        kinds = kinds.or(Kinds::U64);
    }
    if let Some(value) = decimal::parse(text) {
        kinds = kinds.or(Kinds::DECIMAL);
        facts.numbers = true;
        facts.whole_digits = value.precision - value.scale;
        facts.scale = value.scale;
        let has_point = text.contains(&b'.');
        facts.fractions = has_point;
        facts.pointed = has_point;
        let first = text.get(usize::from(is_negative));
        if has_point == (value.scale > 0) && first != Some(&b'.') {
            plain = Some((facts.whole_digits, value.scale));
        }
    }
    if double::parse_exact(text).is_some() {
        kinds = kinds.or(Kinds::DOUBLE);
        facts.numbers = true;
        let has_exponent = text.iter().any(|byte| matches!(byte, b'e' | b'E'));
        let has_sign = text[1..].iter().any(|byte| matches!(byte, b'+' | b'-'));
        facts.pointed |= has_sign || is_negative || text.contains(&b'.');
        facts.bare_exponents = has_exponent && !facts.pointed;
        facts.fractions |= has_exponent || facts.pointed;
    } else if double::parse_special(text).is_some() {
        kinds = kinds.or(Kinds::DOUBLE);
    }
    if kinds == Kinds::NONE {
        return None;
    }
    // A negative zero is a double, and nothing else here is `-0`.
    facts.fractions |= kinds == Kinds::DOUBLE;
    Some(match plain {
        Some((whole, scale)) => with_figures(kinds, whole, scale, is_negative, text),
        None => State::of(kinds),
    })
}

/// Adds what a plain number says about numbers that are written in other ways.
fn with_figures(kinds: Kinds, whole: u8, scale: u8, is_negative: bool, text: &[u8]) -> State {
    let whole = if text[usize::from(is_negative)] == b'0' { 0 } else { whole };
    let mut state = State::of(kinds.or(Kinds::FIGURE));
    state.figures = Figures::plain(whole, scale, is_negative);
    state
}

fn classify_word(text: &[u8], possible: Kinds, facts: &mut Facts) -> State {
    if parse_boolean(text).is_some() {
        return State::of(Kinds::BOOLEAN);
    }
    if double::parse_special(text).is_some() {
        facts.fractions = true;
        return State::of(Kinds::DOUBLE);
    }
    if possible.has(Kinds::WORD)
        && let Some(words) = Words::of(text)
    {
        let mut state = State::of(Kinds::WORD);
        state.words = words;
        return state;
    }
    dress(State::of(Kinds::NONE), text, possible)
}
