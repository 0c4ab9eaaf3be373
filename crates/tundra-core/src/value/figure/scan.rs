//! How one text is written, if it is a number.

use super::{
    Digits, Figures, GROUPS, GroupCount, Marks, POINTS, Sign, Symbol, System, Systems,
    symbol::Dress,
};
use crate::{MAX_DECIMAL_PRECISION, value::decimal::Decimal};

/// A text that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    figures: Figures,
    pub(super) is_negative: bool,
    /// All digits as one number.
    unscaled: i128,
}

impl Written {
    /// Returns how it is written.
    pub(crate) fn figures(self) -> Figures {
        self.figures
    }

    /// Returns the number with what stands behind its point, read in the system.
    pub(super) fn value(self, system: System) -> Option<Decimal> {
        if !self.figures.systems.has(system) {
            return None;
        }
        let Digits { whole, scale, .. } = self.figures.digits[usize::from(system.point)];
        let unscaled = if self.is_negative { -self.unscaled } else { self.unscaled };
        let precision = (whole + scale).max(1);
        (precision <= MAX_DECIMAL_PRECISION).then_some(Decimal { unscaled, precision, scale })
    }

    /// Returns the number if it can be but one, and that with a point before its fraction, as numbers
    /// have it that are written without anything else.
    pub(crate) fn certain_value(self) -> Option<Decimal> {
        let (format, ..) = self.figures.decided()?;
        (format.system.point == 0).then(|| self.value(format.system))?
    }

    pub(super) fn dress(self) -> Option<Dress> {
        match self.figures.symbol {
            Symbol::Is(dress) => Some(dress),
            Symbol::Missing | Symbol::Unknown => None,
        }
    }

    /// Returns the symbol beside it.
    pub(crate) fn symbol(self) -> Option<&'static str> {
        self.dress().map(Dress::as_str)
    }

    pub(super) fn has_sign(self, sign: Sign) -> bool {
        self.figures.marks.has(Marks::of_sign(Some(sign)))
    }
}

/// Reads a number with or without separators and a symbol. Neither needless zeros nor a negative
/// zero are accepted, and there are digits on both sides of a point.
pub(crate) fn scan(text: &[u8]) -> Option<Written> {
    let (mut sign, mut rest) = match text {
        [b'(', rest @ .., b')'] => (Some(Sign::Parentheses), rest),
        [b'-', rest @ ..] => (Some(Sign::First), rest),
        rest => (None, rest),
    };
    let mut symbol = Symbol::Missing;
    if !rest.first()?.is_ascii_digit() {
        let (dress, behind) = Dress::strip_start(rest)?;
        symbol = Symbol::Is(dress);
        rest = behind;
        if sign.is_none()
            && let Some(behind) = rest.strip_prefix(b"-")
        {
            sign = Some(Sign::Inside);
            rest = behind;
        }
    } else if !rest.last()?.is_ascii_digit() {
        let (before, dress) = Dress::strip_end(rest)?;
        symbol = Symbol::Is(dress);
        rest = before;
    }
    let (mut figures, unscaled) = core(rest)?;
    if sign.is_some() && unscaled == 0 {
        return None;
    }
    figures.symbol = symbol;
    figures.marks = figures.marks.or(Marks::of_sign(sign));
    if symbol != Symbol::Missing {
        figures.marks = figures.marks.or(Marks::DRESSED);
    }
    Some(Written { figures, is_negative: sign.is_some(), unscaled })
}

/// A run of digits, and what stands before it.
#[derive(Clone, Copy)]
struct Run {
    separator: u8,
    length: u8,
}

/// Reads digits and separators.
fn core(text: &[u8]) -> Option<(Figures, i128)> {
    /// 38 digits in groups of three, and a fraction.
    const MOST_RUNS: usize = 14;
    let mut runs = [Run { separator: 0, length: 0 }; MOST_RUNS];
    let mut count = 0;
    let mut unscaled: i128 = 0;
    let mut total = 0;
    let mut rest = text;
    let mut separator = 0;
    loop {
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, behind) = rest.split_at_checked(length)?;
        total += u8::try_from(length).ok()?;
        if length == 0 || total > MAX_DECIMAL_PRECISION + 1 {
            return None;
        }
        for digit in digits {
            unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        *runs.get_mut(count)? = Run { separator, length: u8::try_from(length).ok()? };
        count += 1;
        if behind.is_empty() {
            break;
        }
        let (index, behind) = (1..8)
            .zip(&GROUPS[1..])
            .find_map(|(index, group)| Some((index, behind.strip_prefix(group.as_bytes())?)))?;
        separator = index;
        rest = behind;
    }
    let is_zero_first = text[0] == b'0';
    let (first, others) = runs[..count].split_first()?;
    if is_zero_first && first.length > 1 {
        return None;
    }
    let written = Runs { first: first.length, is_zero_first, others };
    let figures = written.figures();
    (figures.systems != Systems::NONE).then_some((figures, unscaled))
}

struct Runs<'a> {
    first: u8,
    is_zero_first: bool,
    others: &'a [Run],
}

impl Runs<'_> {
    fn figures(&self) -> Figures {
        let first = if self.is_zero_first { 0 } else { self.first };
        let Some((last, middle)) = self.others.split_last() else {
            return Figures::plain(first, 0, false);
        };
        let whole = first + middle.iter().map(|run| run.length).sum::<u8>();
        let mut systems = Systems::NONE;
        let mut digits = [Digits::UNKNOWN; 2];
        // The last run is another group.
        let is_grouped = last.length == 3
            && self.groups(middle).is_some_and(|group| group.0 & 1 << last.separator != 0);
        if is_grouped {
            systems = Systems::with_group(last.separator);
            for point in 0..2 {
                if systems.and(Systems::with_point(point)) != Systems::NONE {
                    digits[usize::from(point)] = Digits::of(whole + last.length, 0);
                }
            }
        }
        // The last run is a fraction.
        let mut is_fraction = false;
        let point =
            (0..).zip(POINTS).find(|(_, point)| *point == GROUPS[usize::from(last.separator)]);
        if let Some((point, _)) = point
            && let Some(groups) = self.fraction_groups(middle)
        {
            let found = groups.and(Systems::with_point(point));
            is_fraction = found != Systems::NONE;
            if is_fraction {
                systems = systems.or(found);
                digits[usize::from(point)] = Digits::of(whole, last.length);
            }
        }
        let mut marks = Marks::DRESSED;
        for run in self.others {
            match GROUPS[usize::from(run.separator)] {
                "." => marks = marks.or(Marks::POINT),
                "," => marks = marks.or(Marks::COMMA),
                _ => {}
            }
        }
        if marks.has(Marks::POINTED) && is_grouped != is_fraction {
            marks = marks.or(Marks::PROVED);
        }
        // What is perhaps a fraction counts as a group: undecided ones are text in any case.
        let count = u8::try_from(self.others.len()).unwrap_or(u8::MAX);
        let groups = GroupCount::of(count);
        Figures { symbol: Symbol::Missing, systems, marks, digits, groups }
    }

    /// Returns, as bits of [`GROUPS`], what can separate the groups, those of `middle` included.
    fn groups(&self, middle: &[Run]) -> Option<Systems> {
        if self.first > 3 || self.is_zero_first {
            return None;
        }
        match middle.split_first() {
            None => Some(Systems(0xff)),
            Some((run, rest)) => {
                let is_same = |other: &Run| other.separator == run.separator && other.length == 3;
                (run.length == 3 && rest.iter().all(is_same)).then_some(Systems(1 << run.separator))
            }
        }
    }

    /// Returns the systems of the groups before a fraction.
    fn fraction_groups(&self, middle: &[Run]) -> Option<Systems> {
        if middle.is_empty() {
            let is_short = self.first <= 3;
            return Some(if is_short { Systems::ALL } else { Systems::UNGROUPED });
        }
        let groups = self.groups(middle)?;
        Some(Systems(groups.0 | groups.0 << 8).and(Systems::ALL))
    }
}
