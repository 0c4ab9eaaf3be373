//! Which types hold every value of a column.
//!
//! Start at [`Evidence`]: it begins with every type possible and loses those that a value does not
//! survive. Evidence of parts of an input is merged, so that a whole file is looked at by many
//! threads, and comes to the same end wherever the parts were cut.

mod claims;
mod classify;
mod kinds;
mod shapes;
mod verdict;

#[cfg(test)]
mod printed;
#[cfg(test)]
mod tests;

pub(crate) use self::verdict::Verdict;
use self::{
    claims::Claims,
    classify::{Facts, classify},
    kinds::{Kinds, State},
    shapes::{Shape, Shapes},
    verdict::Text,
};
use crate::value::{double, integer, temporal, words};

/// Where a value stands, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record, counted from 1 behind the header.
    pub(crate) record: u64,
    /// The value, shortened.
    pub(crate) text: String,
}

/// What is known of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    state: State,
    /// Values that are no nulls.
    values: u64,
    facts: Facts,
    /// The values that said something new, in order.
    steps: Vec<Step>,
    /// The first places of words that usually stand for a null, each word once.
    nulls: Vec<Place>,
    claims: Claims,
    /// Plain decimals that say nothing new.
    shapes: Shapes,
    /// The values are numbers, and never codes that look like some.
    are_numbers: bool,
    /// Another column of the input has decimal commas, so that a point may separate thousands.
    beside_commas: bool,
}

/// A value that said something new.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    place: Place,
    /// What is known with it.
    state: State,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            state: State::UNKNOWN,
            values: 0,
            facts: Facts::default(),
            steps: Vec::new(),
            nulls: Vec::new(),
            claims: Claims::default(),
            shapes: Shapes::default(),
            are_numbers: false,
            beside_commas: false,
        }
    }
}

impl Evidence {
    /// Returns whether every value seen is something else than text. Of one value alone nobody knows
    /// whether it is a code, so that it counts as what it looks like.
    pub(crate) fn is_typed(&self) -> bool {
        match self.decide() {
            Ok(_) => self.values > 0,
            Err(Text::Suspect(_) | Text::Exponents) => self.values == 1,
            Err(_) => false,
        }
    }

    /// Returns whether a value was seen that makes the column text, whatever comes.
    pub(crate) fn is_text_for_good(&self) -> bool {
        self.state.kinds == Kinds::NONE || !self.nulls.is_empty()
    }

    /// Returns whether no value was seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// Returns the verdict on what was seen.
    pub(crate) fn verdict(&self) -> Verdict {
        verdict::explain(self)
    }

    /// Begins with nothing seen of values that are written as numbers in a format that has strings as
    /// well.
    pub(crate) fn of_numbers() -> Self {
        Self { are_numbers: true, ..Self::default() }
    }

    /// Returns the evidence of a column beside which another one has decimal commas.
    pub(crate) fn beside_commas(&self) -> Self {
        Self { beside_commas: true, ..self.clone() }
    }

    /// Takes a value into account. `record` is counted from 1.
    #[inline]
    pub(crate) fn observe(&mut self, text: &[u8], record: u64) {
        self.values += 1;
        if self.is_one_more_integer(text) || self.is_one_more_date(text) {
            return;
        }
        let shape = self.state.kinds.has(Kinds::DECIMAL).then(|| Shape::of(text)).flatten();
        if shape.is_some_and(|shape| self.shapes.has(shape)) {
            return;
        }
        self.claims.look_at(text, record);
        if self.state.kinds != Kinds::NONE {
            self.look_at(text, record);
        }
        if let Some(shape) = shape {
            self.shapes.add(shape);
        }
    }

    /// Returns whether the value is a date like all those before it.
    #[inline]
    fn is_one_more_date(&self, text: &[u8]) -> bool {
        self.state.kinds == Kinds::DATE && temporal::parse_date(text).is_some()
    }

    /// Returns whether the value is an integer that says nothing new, which is nearly every value of
    /// a column of integers.
    #[inline]
    fn is_one_more_integer(&self, text: &[u8]) -> bool {
        let kinds = self.state.kinds;
        if !kinds.has(Kinds::I64) {
            return false;
        }
        let Some(value) = integer::parse_i64(text) else { return false };
        let is_negative = value < 0;
        let digits = text.len() - usize::from(is_negative);
        // Those of fewer digits say nothing about the digits that others need.
        let is_covered = digits <= usize::from(self.facts.integer_digits[usize::from(is_negative)]);
        is_covered
            && Kinds::NUMBERS.or(Kinds::FIGURE).has_all(kinds)
            && !(is_negative && kinds.has(Kinds::U64))
            && !(digits > 15 && kinds.has(Kinds::DOUBLE) && double::parse_exact(text).is_none())
    }

    fn look_at(&mut self, text: &[u8], record: u64) {
        let place = || Place { record, text: crate::DataError::shorten(text) };
        if words::is_usual_null(text) {
            self.see_null(place());
            return;
        }
        let (seen, facts) = classify(text, self.state.kinds);
        self.facts.join(facts);
        if let Some(state) = self.state.narrowed_by(&seen) {
            self.steps.push(Step { place: place(), state });
            self.state = state;
        }
    }

    fn see_null(&mut self, place: Place) {
        if self.nulls.iter().all(|known| known.text != place.text) {
            self.nulls.push(place);
        }
    }

    /// Takes into account what was seen in a later part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        let Self {
            state: _,
            values,
            facts,
            steps,
            nulls,
            claims,
            shapes: _,
            are_numbers,
            beside_commas,
        } = later;
        self.are_numbers |= are_numbers;
        self.claims.merge(claims);
        self.beside_commas |= beside_commas;
        for Step { place, state } in steps {
            if let Some(state) = self.state.narrowed_by(&state) {
                self.steps.push(Step { place, state });
                self.state = state;
            }
        }
        self.values += values;
        self.facts.join(facts);
        for place in nulls {
            self.see_null(place);
        }
    }
}
